"""The first rows of ``results`` in some order, and their number, without touching all of them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Subquery, and_, func, select, true, union_all

from db import filters
from db.derived_tables import result_points
from db.filters import Condition
from db.fronts import rows_of, stored
from db.results_view import OF_TRAININGS, measured_results, published_as_results, training_runs
from db.tables import evaluations, sweep_jobs, sweeps, trainings
from db.variant_results_view import PLACE, TEST, TESTED, TRAINED, TRAINING, VARIANT

#: Made once: making them takes longer than finding a page of rows.
_OURS: Final = measured_results().subquery("ours")
_THEIRS: Final = published_as_results().subquery("theirs")
_RUNS: Final = training_runs().subquery("runs")
#: Evaluations that are looked up by their fingerprints; the smallest limit of parameters is 32766.
_LOOKED_UP: Final = 10_000


def first_results(
    connection: Connection,
    columns: Sequence[str],
    conditions: Sequence[Condition],
    sweep: str | None,
    sort: Sequence[str],
    limit: int,
) -> list[dict[str, Any]]:
    """Return the first rows of ``results``.

    Our own results and published ones are put in order apart: an engine can then follow an index through ours and stop
    early, which it cannot through both together. Of ours, the first evaluations are found first, and all else is looked
    up for them alone: their throughput takes longer to find than they do.

    Args:
        connection: Inside a transaction.
        columns: Which, in this order.
        conditions: What must hold of the rows.
        sweep: Only rows of the sweep of this very name.
        sort: Columns to sort by; a leading ``-`` means descending.
        limit: How many rows at most.
    """
    chosen = _first_evaluations(connection, conditions, sweep, sort, limit)
    among = _OURS.c.evaluation.in_(chosen) if len(chosen) <= _LOOKED_UP else true()
    names = dict.fromkeys((*columns, *(one.removeprefix("-") for one in sort)))
    parts = []
    for rows, where in ((_OURS, among), (_THEIRS, true())):
        query = select(*(rows.c[name] for name in names)).where(where, rows_of(rows, conditions, sweep))
        parts.append(select(query.order_by(*in_order(rows, sort)).limit(limit).subquery(f"first_of_{rows.name}")))
    every = union_all(*parts).subquery("results")
    first = select(*(every.c[name] for name in columns)).order_by(*in_order(every, sort)).limit(limit)
    return [dict(row) for row in connection.execute(first).mappings()]


def _first_evaluations(
    connection: Connection, conditions: Sequence[Condition], sweep: str | None, sort: Sequence[str], limit: int
) -> list[str]:
    """Return evaluations among which are those of our own first rows; arguments as of ``first_results``."""
    newest_first = list(sort[:1]) == ["-finished_at"] and {one.removeprefix("-") for one in sort[1:]} <= _OF_POINTS
    if newest_first and (conditions or sweep is not None) and all(one.column in _OF_POINTS for one in conditions):
        newest = connection.execute(_newest_evaluations(conditions, sweep, sort, limit))
        found: dict[str | None, Any] = dict(newest.tuples().all())
        times = sorted((time for one, time in found.items() if one is not None), reverse=True)
        return [one for one, time in found.items() if one is not None and time >= times[:limit][-1]]
    first = select(_OURS.c.evaluation).where(rows_of(_OURS, conditions, sweep)).order_by(*in_order(_OURS, sort))
    return list(dict.fromkeys(connection.scalars(first.limit(limit))))


def in_order(rows: FromClause, sort: Sequence[str]) -> list[ColumnElement[Any]]:
    """Return what rows are sorted by; arguments as of ``first_results``."""
    return [rows.c[one[1:]].desc() if one.startswith("-") else rows.c[one] for one in sort]


#: Columns of ``results`` that are the same for all rows which are pooled to one point.
_OF_POINTS: Final = {*TRAINING, *TEST, *PLACE, *VARIANT, "train_images", "test_images"}


def _newest_evaluations(
    conditions: Sequence[Condition], sweep: str | None, sort: Sequence[str], limit: int
) -> Select[Any]:
    """Query evaluations with their times, among which are those of the newest rows; NULL is none.

    A point is as new as the newest row that is pooled to it: so many rows belong to no more points, which come before
    all others. Outer joins, since SQLite begins these with the points; it has a worse order for inner ones.
    """
    wanted = filters.where(conditions, result_points) & stored(sweep) & (result_points.c.source == "measured")
    first = (
        select(*(result_points.c[name] for name in TESTED))
        .where(wanted)
        .order_by(*in_order(result_points, sort))
        .limit(limit)
    )
    points = first.subquery("points")
    p, t, e = points.c, trainings.c, evaluations.c
    runs = points.outerjoin(trainings, and_(*(t[name] == p[name] for name in TRAINED)))
    of_test = [e[name] == p[name] for name in TESTED if name not in TRAINED]
    tests = runs.outerjoin(evaluations, and_(e.training == t.fingerprint, *of_test))
    if sweep is None:
        return select(e.fingerprint, e.finished_at).select_from(tests)
    number = select(sweeps.c.sweep_id).where(sweeps.c.name == sweep).scalar_subquery()
    asked = (sweep_jobs.c.fingerprint == e.fingerprint) & (sweep_jobs.c.sweep_id == number)
    return select(sweep_jobs.c.fingerprint, e.finished_at).select_from(tests.outerjoin(sweep_jobs, asked))


def counted_results(conditions: Sequence[Condition], sweep: str | None, most: int) -> Select[Any]:
    """Query the number of rows of ``results``, counting no further than ``most``.

    Args:
        conditions: What must hold of the rows.
        sweep: Only rows of the sweep of this very name.
        most: Where counting ends.
    """
    parts = [
        _some(_OURS, rows_of(_OURS, conditions, sweep) & _of_trainings(_OURS, conditions), most),
        _some(_THEIRS, rows_of(_THEIRS, conditions, sweep), most),
    ]
    return select(func.count().label("rows")).select_from(union_all(*parts).limit(most).subquery("results"))


def _some(rows: Subquery, where: ColumnElement[bool], most: int) -> Select[Any]:
    return select(select(rows.c.variant_id).where(where).limit(most).subquery(f"some_of_{rows.name}"))


def _of_trainings(rows: FromClause, conditions: Sequence[Condition]) -> ColumnElement[bool]:
    """Return what conditions ask of training runs, so that an engine finds these first; they are much fewer."""
    asked = [condition for condition in conditions if condition.column in OF_TRAININGS]
    if not asked:
        return true()
    return rows.c.training_run.in_(select(_RUNS.c.training_run).where(filters.where(asked, _RUNS)))
