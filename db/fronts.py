"""Fronts of a part of the results: the filter comes first, then pooling over seeds, then dominance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, literal, select, true

from db import filters, front_views
from db.derived_tables import POINT_COLUMNS, point_scopes, result_points
from db.filters import Condition
from db.front_views import ALTERNATIVES, SCOPE, Mode, Scenario, chosen_anew, like_stored, scope_key
from db.results_view import tested_seeds
from db.tables import sweeps
from db.variant_results_view import PLACE, TEST, TESTED, TRAINING, VARIANT, variant_results
from db.views import RESULTS, VARIANT_RESULTS

#: What a filter of a front may speak of: every column of ``variant_results``, and these two of ``results``.
FILTERABLE: Final = {
    **{column.name: column.type for column in VARIANT_RESULTS.c},
    "sweep": RESULTS.c.sweep.type,
    "seed": RESULTS.c.seed.type,
}


@dataclass(frozen=True, slots=True)
class Points:
    """Points among which those of a scenario compete.

    Attributes:
        table: What competes: ``result_points``, or numbers of its rows with what decides a front, or points that are
            computed in the query.
        where: Which rows of the table.
        told: What tells more of the points by their numbers: ``result_points``, or the table itself.
    """

    table: FromClause
    where: ColumnElement[bool]
    told: FromClause

    def inside(self, scopes: Sequence[Mapping[str, Any]]) -> ColumnElement[bool]:
        """Return the condition that they lie in one of some scopes, which have the columns of ``SCOPE``."""
        keys = [
            scope_key({name: literal(scope[name], result_points.c[name].type) for name in SCOPE}) for scope in scopes
        ]
        if self.told is not result_points:
            return self.where & self.table.c.scope_id.in_(keys)
        numbers = select(point_scopes.c.scope_id).where(point_scopes.c.scope_key.in_(keys))
        return self.where & self.table.c.scope_id.in_(numbers)


def asked_for(filter_text: str, sweep: str | None) -> tuple[Sequence[Condition], str | None]:
    """Return the conditions of a FILTER, and the one sweep that is asked for: points of each sweep are stored.

    Args:
        filter_text: A FILTER; ``sweep=NAME`` in it is as if the sweep were given.
        sweep: Only results of the sweep of this very name.

    Raises:
        FilterError: The filter cannot be understood.
    """
    conditions = filters.parse(filter_text, FILTERABLE)
    named = [one for one in conditions if (one.column, one.operator) == ("sweep", "=") and one.values[0] is not None]
    if sweep is not None or len(named) != 1:
        return conditions, sweep
    return [one for one in conditions if one is not named[0]], named[0].values[0]


def points_of(conditions: Sequence[Condition], sweep: str | None) -> Points:
    """Return the points that all conditions let through; chosen anew, or pooled anew, only where they must be.

    Args:
        conditions: What is left out does not compete.
        sweep: Only results of the sweep of this very name.
    """
    if row_conditions(conditions):
        computed = like_stored(chosen_points(conditions, sweep))
        return Points(computed, true(), computed)
    where = stored(sweep) & filters.where(conditions, result_points)
    if all(condition.column in _PARTS_NO_CHOICE for condition in conditions):
        return Points(result_points, where, result_points)
    return Points(chosen_anew(where), true(), result_points)


def stored(sweep: str | None) -> ColumnElement[bool]:
    """Return the condition on ``result_points`` that a point pools all results, or those of a sweep."""
    p = result_points.c
    if sweep is None:
        return p.of_all == 1
    return p.sweep_id == select(sweeps.c.sweep_id).where(sweeps.c.name == sweep).scalar_subquery()


def points_query(
    mode: Mode, scenario: Scenario, conditions: Sequence[Condition], sweep: str | None, *, noisy: bool = False
) -> Select[Any]:
    """Query the points of one scenario: columns of ``training_front``, ``chosen_from`` and ``on_front`` (1 or 0).

    Args:
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        conditions: What is left out does not compete.
        sweep: Only results of the sweep of this very name.
        noisy: Whether noisy measurements compete, too.

    Returns:
        The query, sorted from the most accurate to the fastest.
    """
    points = points_of(conditions, sweep)
    found = front_views.points_of(points.table, mode, scenario, points.where, noisy=noisy)
    return in_order(found.subquery("judged"))


def front_query(
    mode: Mode, scenario: Scenario, conditions: Sequence[Condition], sweep: str | None, *, noisy: bool = False
) -> Select[Any]:
    """Query those of ``points_query`` that lie on the front."""
    points = points_query(mode, scenario, conditions, sweep, noisy=noisy)
    return points.where(points.selected_columns.on_front == 1)


def judged_points(points: FromClause, mode: Mode, scenario: Scenario, *, noisy: bool = False) -> Select[Any]:
    """Query which of some points of a scenario lie on their front; arguments and result as of ``points_query``.

    Args:
        points: Rows with the columns of ``variant_results``.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        noisy: Whether noisy measurements compete, too.
    """
    found = front_views.points_of(like_stored(points), mode, scenario, true(), noisy=noisy)
    return in_order(found.subquery("judged"))


def in_order(judged: FromClause) -> Select[Any]:
    """Query points from the most accurate to the fastest."""
    j = judged.c
    return select(judged).order_by(j.top1_ppm.desc(), j.images_per_second, *(j[name] for name in TIE_BREAKERS))


#: Columns by which a filter takes all or none of the test resolutions among which one is chosen: what was stored about
#: the choice holds for what it lets through.
_PARTS_NO_CHOICE: Final = {*ALTERNATIVES, *VARIANT, "train_images", "test_images"}
#: What puts points in order that are as accurate and as fast; no two points agree in all of it.
TIE_BREAKERS: Final = tuple(
    dict.fromkeys(("series", "model_size", "width", "test_resolution", "device", "precision", *TRAINING, *TEST, *PLACE))
)


def chosen_on_test_images(point: Mapping[str, Any]) -> bool:
    """Tell whether a point of the scenario ``best`` has its test resolution from the test images, for want of others.

    A published one does not count: its authors chose.
    """
    return point["source"] == "measured" and not point["validation_images_sum"] and point["chosen_from"] > 1


def row_conditions(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that choose rows of ``results`` before they are pooled."""
    return tuple(condition for condition in conditions if condition.column not in VARIANT_RESULTS.c)


def seeds_query(variant_ids: Sequence[int], conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query the evaluations of some variants that all conditions let through, each once: what it found, and ``TESTED``.

    Args:
        variant_ids: Of which networks.
        conditions: On rows of ``results``.
        sweep: Only results of the sweep of this very name.
    """
    rows = tested_seeds(("evaluation", "top1", "seed", "sweep", *TESTED)).subquery("rows")
    chosen = rows.c.variant_id.in_(variant_ids) & filters.where(conditions, rows)
    if sweep is not None:
        # Of an expression, not of the column: else SQLite begins with all of the sweep's jobs.
        chosen &= rows.c.sweep + "" == sweep
    query = select(rows.c.evaluation, rows.c.seed, rows.c.top1, *(rows.c[name] for name in TESTED))
    return query.where(chosen).distinct().order_by(rows.c.evaluation)


def rows_of(rows: FromClause, conditions: Sequence[Condition], sweep: str | None) -> ColumnElement[bool]:
    """Return the condition on rows of a view: those of a sweep, if one is named, that all conditions let through."""
    chosen = filters.where(conditions, rows)
    return chosen if sweep is None else chosen & (rows.c.sweep == sweep)


def chosen_points(conditions: Sequence[Condition], sweep: str | None) -> FromClause:
    """Return the points that all conditions let through, competing or not; columns and arguments as of others here."""
    before = row_conditions(conditions)
    after = [condition for condition in conditions if condition not in before]
    if not before:
        columns = [result_points.c[name] for name in POINT_COLUMNS]
        return select(*columns).where(stored(sweep), filters.where(after, result_points)).subquery("points")
    rows = select(RESULTS).where(rows_of(RESULTS, before, sweep)).subquery("chosen_rows")
    points = variant_results(rows).subquery("chosen_points")
    return select(points).where(filters.where(after, points)).subquery("points")
