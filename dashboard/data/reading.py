"""What the pages read of the store, kept until the store changes.

Every read is one short read-only transaction: opening a page never holds up a sweep that runs.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.start import DEFAULT_URL, VARIABLE
from dashboard.words.coverage import NEWEST_FIRST
from db.front_part import FrontPart, LeftOut
from db.front_views import Mode, Scenario
from db.group_fronts import Cost
from db.reader import Reader, open_reader

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """A database as it is now; reads are kept by both fields.

    Attributes:
        url: Its URL; may hold a password, so it is never shown.
        version: Changes with what is stored.
    """

    url: str
    version: str

    @property
    def reader(self) -> Reader:
        """What reads it."""
        return _reader(self.url)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The points that somebody chose.

    Attributes:
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        sweep: Only results of the sweep of this very name.
        text: A FILTER.
        noisy: Noisy measurements compete, too.
    """

    mode: Mode
    scenario: Scenario
    sweep: str | None
    text: str
    noisy: bool = False

    def part(self, reader: Reader) -> FrontPart:
        """Return what reads them."""
        return reader.part(self.mode, self.scenario, sweep=self.sweep, filter_text=self.text, noisy=self.noisy)


@st.cache_resource(show_spinner=False)
def _reader(url: str) -> Reader:
    return open_reader(url)


def source() -> Source:
    """Return the database that the dashboard was started on.

    Raises:
        StoreError: It cannot be read now.
    """
    url = os.environ.get(VARIABLE) or DEFAULT_URL
    reader = _reader(url)
    reader.check()
    return Source(url, reader.data_version())


def _identity(one: Source) -> tuple[str, str]:
    return one.url, one.version


def _fields(one: Chosen) -> tuple[str, ...]:
    return one.mode, one.scenario, str(one.sweep is None), one.sweep or "", one.text, str(one.noisy)


_kept = st.cache_data(max_entries=100, show_spinner=False, hash_funcs={Source: _identity, Chosen: _fields})


@_kept
def scopes(where: Source, chosen: Chosen) -> Rows:
    """Return in which data sets and places there are points, and how many."""
    return chosen.part(where.reader).scopes()


@_kept
def places(where: Source, chosen: Chosen) -> Rows:
    """Return the same, also where something was measured and nothing competes."""
    return chosen.part(where.reader).scopes(greyed=True)


@_kept
def nearest(where: Source, chosen: Chosen, among: Rows, others: int) -> Rows:
    """Return every point of the front and so many others, the nearest, in some scopes."""
    return chosen.part(where.reader).nearest(among, others)


@_kept
def greyed(where: Source, chosen: Chosen, among: Rows, most: int) -> Rows:
    """Return the most accurate points of some scopes that were measured and do not compete."""
    return chosen.part(where.reader).greyed(among, most)


@_kept
def leaders(where: Source, chosen: Chosen, among: Rows, by: Sequence[str], cost: Cost, most: int) -> Rows:
    """Return the points of some scopes that lead their group; arguments as of ``FrontPart.leaders``."""
    return chosen.part(where.reader).leaders(among, by=by, cost=cost, most=most)


@_kept
def counted_greyed(where: Source, chosen: Chosen, among: Rows) -> int:
    """Return how many points of some scopes were measured and do not compete."""
    return chosen.part(where.reader).counted_greyed(among)


@_kept
def counted_leaders(where: Source, chosen: Chosen, among: Rows, by: Sequence[str], cost: Cost) -> int:
    """Return how many points of some scopes lead their group; arguments as of ``FrontPart.leaders``."""
    return chosen.part(where.reader).counted_leaders(among, by=by, cost=cost)


@_kept
def evaluations(where: Source, chosen: Chosen, points: Rows) -> list[Rows]:
    """Return what each of some points pools, as ``Reader.evaluations_of`` does."""
    return where.reader.evaluations_of(points, sweep=chosen.sweep, filter_text=chosen.text)


def all_points(where: Source, chosen: Chosen, among: Rows) -> Rows:
    """Return every point in some scopes; not kept, since there may be very many."""
    return chosen.part(where.reader).nearest(among)


@_kept
def families(where: Source, chosen: Chosen, among: Rows) -> Rows:
    """Return each series that has points in some scopes, with what it is made of."""
    return chosen.part(where.reader).families(among)


@_kept
def left_out(where: Source, chosen: Chosen, among: Rows) -> LeftOut:
    """Return how many configurations were tested on the data of some scopes and do not compete there."""
    return chosen.part(where.reader).left_out(among)


@_kept
def blocks(where: Source, measurements: Sequence[int]) -> dict[int, tuple[float, ...]]:
    """Return images per second of the timed blocks of some measurements."""
    found = where.reader.timed_blocks(measurements)
    return {one: tuple(itertools.chain.from_iterable(timed.rates)) for one, timed in found.items()}


@_kept
def results(where: Source, sweep: str | None, text: str, limit: int) -> Rows:
    """Return the first rows of the view ``results`` that a FILTER lets through, the newest first."""
    return where.reader.view("results", filter_text=text, sweep=sweep, sort=NEWEST_FIRST, limit=limit)


def all_results(where: Source, sweep: str | None, text: str) -> Rows:
    """Return all of these rows; not kept, since there may be very many."""
    return where.reader.view("results", filter_text=text, sweep=sweep, sort=NEWEST_FIRST)


@_kept
def results_counted(where: Source, sweep: str | None, text: str, most: int) -> int:
    """Return how many rows of ``results`` a FILTER lets through, counting no further than ``most``."""
    return where.reader.count(filter_text=text, sweep=sweep, most=most)


@_kept
def results_stored(where: Source) -> int:
    """Return how many results there are: evaluations, finished measurements and published ones."""
    return where.reader.results_stored()


@_kept
def combinable(where: Source) -> list[str]:
    """Return the publications whose accuracies can be put on throughput measured here."""
    return where.reader.combinable_publications()
