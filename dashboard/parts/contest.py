"""Families that compete: with their own throughput, or published accuracies on throughput measured here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Chosen, Rows, Source
from dashboard.parts import freshness
from dashboard.words import comparing, coverage
from db import comparison
from db.bootstrap import Point
from db.front_views import SCOPE, Mode, Scenario
from db.pairing import Pairing
from db.speedup import Speedup, speedup
from db.steps import Breakdown, Choice, breakdown, choices

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two families, or any two parts of the results, at equal accuracy.

    Attributes:
        speedup: Of the candidate over the baseline.
        fronts: The points of the baseline's front, then of the candidate's.
        pairings: Which published results have a throughput, where their accuracies are compared with such.
    """

    speedup: Speedup
    fronts: tuple[Rows, Rows]
    pairings: Sequence[Pairing] = ()


@dataclass(frozen=True, slots=True)
class Contest:
    """What competes.

    Attributes:
        where: The database.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        sweep: Only results of the sweep of this very name.
        publication: Whose accuracies stand on throughput measured here; None for results as they are stored.
        noisy: Noisy measurements compete, too.
    """

    where: Source
    mode: Mode
    scenario: Scenario
    sweep: str | None = None
    publication: str | None = None
    noisy: bool = False

    def held(self, page: str, *choices: str | None) -> "Contest":
        """Return the same contest as it was when the reader came to these choices on a page."""
        contest = (self.mode, self.scenario, self.sweep, self.publication, self.noisy)
        return replace(self, where=freshness.held(self.where, page, contest, choices))

    def scopes(self) -> Rows:
        """Return rows that tell in which data sets and places there are points."""
        return reading.scopes(self.where, self._chosen("")) if self.publication is None else _combined(self)

    def families(self, scope: Row) -> Rows:
        """Return rows that tell which series there are in one of ``scopes``, and what they are made of."""
        return self._inside(scope) if self.publication else reading.families(self.where, self._chosen(""), [scope])

    def points(self, series: Sequence[str], scope: Row) -> Rows:
        """Return the points of some families: all of the front and the nearest others.

        Args:
            series: Names of families; at least one.
            scope: One of ``scopes``.
        """
        if self.publication is not None:
            return [row for row in self._inside(scope) if row["series"] in series]
        return reading.nearest(self.where, self._chosen(comparing.filter_of(*series)), [scope], coverage.DRAWN)

    def fronts(self, series: Sequence[str], scope: Row) -> list[Rows]:
        """Return the points of each family's own front, if not more; arguments as of ``points``."""
        if self.publication is not None:
            return [self.points([one], scope) for one in series]
        chosen = [self._chosen(comparing.filter_of(one)) for one in series]
        return [reading.nearest(self.where, one, [scope], 0) for one in chosen]

    def compare(self, baseline: str, candidate: str) -> Compared:
        """Compare what two FILTERs choose.

        Raises:
            FilterError: One of them cannot be understood.
            ComparisonError: They have several places in common.
        """
        if self.publication is not None:
            return _compared_combined(self, baseline, candidate)
        return Compared(_speedup(self, baseline, candidate), (self._front(baseline), self._front(candidate)))

    def choices(self, series: Sequence[str], scope: Row) -> tuple[Choice, ...]:
        """Return over which accuracies a chain of families can be taken apart; arguments as of ``points``."""
        fronts = self.fronts(series, scope)
        return choices([[Point(row["top1_mean"], row["images_per_second"]) for row in front] for front in fronts])

    def breakdown(self, series: Sequence[str], scope: Row, choice: Choice) -> Breakdown:
        """Take the speed-up of the last of some families over the first apart; arguments as of ``points``."""
        return _breakdown(self, self.fronts(series, scope), choice)

    def over_first(self, series: Sequence[str], scope: Row) -> list[Speedup]:
        """Return the speed-up of each of some families but the first over the first; arguments as of ``points``."""
        return _over_first(self, self.fronts(series, scope))

    def _inside(self, scope: Row) -> Rows:
        return [row for row in self.scopes() if all(row[name] == scope[name] for name in SCOPE)]

    def _chosen(self, text: str) -> Chosen:
        return Chosen(self.mode, self.scenario, self.sweep, text, self.noisy)

    def _front(self, text: str) -> Rows:
        chosen = self._chosen(text)
        return reading.nearest(self.where, chosen, reading.scopes(self.where, chosen), 0)


def _fields(one: Contest) -> tuple[str, ...]:
    source = one.where
    told = (one.mode, one.scenario, str(one.sweep is None), one.sweep or "", one.publication or "", str(one.noisy))
    return source.url, source.version, *told


_kept = st.cache_data(max_entries=100, show_spinner=False, hash_funcs={Contest: _fields})


@_kept
def _speedup(contest: Contest, baseline: str, candidate: str) -> Speedup:
    return comparison.compare(
        contest.where.reader,
        baseline=baseline,
        candidate=candidate,
        mode=contest.mode,
        scenario=contest.scenario,
        sweep=contest.sweep,
        noisy=contest.noisy,
    )


@_kept
def _compared_combined(contest: Contest, baseline: str, candidate: str) -> Compared:
    found = comparison.compare_combined(
        contest.where.reader,
        baseline=baseline,
        candidate=candidate,
        mode=contest.mode,
        scenario=contest.scenario,
        publication=contest.publication,
        sweep=contest.sweep,
        noisy=contest.noisy,
    )
    return Compared(found.speedup, found.fronts, found.pairings)


@_kept
def _combined(contest: Contest) -> Rows:
    reader = contest.where.reader
    return reader.combined(
        contest.mode, contest.scenario, publication=contest.publication, sweep=contest.sweep, noisy=contest.noisy
    ).points


@_kept
def _repeated(contest: Contest, fronts: Sequence[Rows]) -> list[list[Point]]:
    """Return points of fronts with what was repeated of each."""
    reader = contest.where.reader
    return [comparison.points_of(reader, rows, contest.mode, "", contest.sweep) for rows in fronts]


@_kept
def _breakdown(contest: Contest, fronts: Sequence[Rows], choice: Choice) -> Breakdown:
    return breakdown(_repeated(contest, fronts), choice)


@_kept
def _over_first(contest: Contest, fronts: Sequence[Rows]) -> list[Speedup]:
    first, *others = _repeated(contest, fronts)
    return [speedup(first, other) for other in others]
