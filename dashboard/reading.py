"""What the pages read of the store, kept until the store changes.

Every read is one short read-only transaction: opening a page never holds up a sweep that runs.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard.coverage import NEWEST_FIRST
from dashboard.start import DEFAULT_URL, VARIABLE
from db import comparison
from db.front_part import FrontPart, LeftOut
from db.front_views import Mode, Scenario
from db.reader import Reader, open_reader
from db.records import FailureGroup
from db.speedup import Speedup
from db.tallies import Tally

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
    """

    mode: Mode
    scenario: Scenario
    sweep: str | None
    text: str

    def part(self, reader: Reader) -> FrontPart:
        """Return what reads them."""
        return reader.part(self.mode, self.scenario, sweep=self.sweep, filter_text=self.text)


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
    return one.mode, one.scenario, str(one.sweep is None), one.sweep or "", one.text


_kept = st.cache_data(max_entries=100, show_spinner=False, hash_funcs={Source: _identity, Chosen: _fields})


@_kept
def scopes(where: Source, chosen: Chosen) -> Rows:
    """Return in which data sets and places there are points, and how many."""
    return chosen.part(where.reader).scopes()


@_kept
def nearest(where: Source, chosen: Chosen, among: Rows, others: int) -> Rows:
    """Return every point of the front and so many others, the nearest, in some scopes."""
    return chosen.part(where.reader).nearest(among, others)


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
    found = where.reader.block_rates(measurements)
    return {one: tuple(itertools.chain.from_iterable(rounds)) for one, rounds in found.items()}


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
def comparison_of(
    where: Source, baseline: str, candidate: str, mode: Mode, scenario: Scenario, sweep: str | None
) -> Speedup:
    """Return the speed-up of the candidate over the baseline at equal accuracy."""
    return comparison.compare(
        where.reader, baseline=baseline, candidate=candidate, mode=mode, scenario=scenario, sweep=sweep
    )


@_kept
def combinable(where: Source) -> list[str]:
    """Return the publications whose accuracies can be put on throughput measured here."""
    return where.reader.combinable_publications()


@_kept
def combined_points(where: Source, mode: Mode, scenario: Scenario, sweep: str | None, publication: str) -> Rows:
    """Return a publication's points with throughput measured here."""
    return where.reader.combined(mode, scenario, publication=publication, sweep=sweep).points


@_kept
def combined_comparison(
    where: Source, sides: tuple[str, str], mode: Mode, scenario: Scenario, sweep: str | None, publication: str
) -> comparison.CombinedSpeedup:
    """Return the speed-up of published accuracies with throughput measured here, of the second side over the first."""
    return comparison.compare_combined(
        where.reader,
        baseline=sides[0],
        candidate=sides[1],
        mode=mode,
        scenario=scenario,
        publication=publication,
        sweep=sweep,
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """What a sweep has come to.

    Attributes:
        failures: The jobs that failed, grouped.
        recent: Rows of ``results``, the newest first.
        measured: The newest measurements, where the sweep has no results.
    """

    failures: list[FailureGroup]
    recent: Rows
    measured: Rows


@st.cache_data(max_entries=20, show_spinner=False)
def progress(url: str, sweep: str, tallies: Sequence[Tally], columns: Sequence[str], limit: int) -> Progress:
    """Return what a sweep has come to; read again only when its ``tallies`` have changed, however often it is asked.

    Args:
        url: The database.
        sweep: Name of the sweep.
        tallies: Of its jobs, as they are now.
        columns: Of the recent results.
        limit: How many of them.
    """
    del tallies
    reader = _reader(url)
    sweep_id = reader.sweep(sweep).sweep_id
    recent = reader.view("results", sweep=sweep, columns=columns, sort=["-finished_at"], limit=limit)
    return Progress(
        failures=reader.failures(sweep_id),
        recent=recent,
        measured=[] if recent else reader.newest_measurements(sweep_id, limit),
    )
