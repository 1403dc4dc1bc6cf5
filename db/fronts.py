"""Fronts of a part of the results: the filter comes first, then pooling over seeds, then dominance."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, select

from db import filters
from db.derived_tables import result_points
from db.filters import Condition
from db.front_views import ALTERNATIVES, Mode, Scenario, stored_points, with_dominance
from db.variant_results_view import VARIANT, variant_results
from db.views import RESULTS, VARIANT_RESULTS

#: What a filter of a front may speak of: every column of ``variant_results``, and these two of ``results``.
FILTERABLE: Final = {
    **{column.name: column.type for column in VARIANT_RESULTS.c},
    "sweep": RESULTS.c.sweep.type,
    "seed": RESULTS.c.seed.type,
}


def points_query(mode: Mode, scenario: Scenario, conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query the points of one scenario: columns of ``training_front``, ``chosen_from`` and ``on_front`` (1 or 0).

    Args:
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        conditions: What is left out does not compete.
        sweep: Only results of the sweep of this very name.

    Returns:
        The query, sorted from the most accurate to the fastest.
    """
    where = stored_where(conditions, sweep)
    if where is not None:
        return in_order(stored_points(mode, scenario, VARIANT_RESULTS, where).subquery("judged"))
    return judged_points(chosen_points(conditions, sweep), mode, scenario)


def stored_where(conditions: Sequence[Condition], sweep: str | None) -> ColumnElement[bool] | None:
    """Return what the conditions ask of ``result_points``; None where points must be pooled, or chosen, anew."""
    if sweep is None and all(condition.column in _PARTS_NO_CHOICE for condition in conditions):
        return filters.where(conditions, result_points)
    return None


def front_query(mode: Mode, scenario: Scenario, conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query those of ``points_query`` that lie on the front."""
    points = points_query(mode, scenario, conditions, sweep)
    return points.where(points.selected_columns.on_front == 1)


def judged_points(points: FromClause, mode: Mode, scenario: Scenario) -> Select[Any]:
    """Query which of some points of a scenario lie on their front; arguments and result as of ``points_query``.

    Args:
        points: Rows with the columns of ``variant_results``; all of them compete.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
    """
    judged = with_dominance(points, mode).subquery("judged")
    return in_order(judged).where(judged.c.scenario == scenario)


def in_order(judged: FromClause) -> Select[Any]:
    """Query points from the most accurate to the fastest."""
    j = judged.c
    return select(judged).order_by(j.top1_ppm.desc(), j.images_per_second, *(j[name] for name in TIE_BREAKERS))


#: Columns by which a filter takes all or none of the test resolutions among which one is chosen: what was stored about
#: the choice holds for what it lets through.
_PARTS_NO_CHOICE: Final = {*ALTERNATIVES, *VARIANT, "train_images", "test_images"}
#: What puts points in order that are as accurate and as fast.
TIE_BREAKERS: Final = ("series", "model_size", "width", "test_resolution", "device", "precision")


def chosen_on_test_images(point: Mapping[str, Any]) -> bool:
    """Tell whether a point of the scenario ``best`` has its test resolution from the test images, for want of others.

    A published one does not count: its authors chose.
    """
    return point["source"] == "measured" and not point["validation_images_sum"] and point["chosen_from"] > 1


def row_conditions(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that choose rows of ``results`` before they are pooled."""
    return tuple(condition for condition in conditions if condition.column not in VARIANT_RESULTS.c)


def seeds_query(conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query evaluation and top-1 (percent) of the rows of ``results`` that all conditions let through, each once."""
    query = select(RESULTS.c.evaluation, RESULTS.c.top1).where(rows_of(RESULTS, conditions, sweep)).distinct()
    return query.order_by(RESULTS.c.evaluation)


def rows_of(rows: FromClause, conditions: Sequence[Condition], sweep: str | None) -> ColumnElement[bool]:
    """Return the condition on rows of a view: those of a sweep, if one is named, that all conditions let through."""
    chosen = filters.where(conditions, rows)
    return chosen if sweep is None else chosen & (rows.c.sweep == sweep)


def chosen_points(conditions: Sequence[Condition], sweep: str | None) -> FromClause:
    """Return the points that all conditions let through."""
    before = row_conditions(conditions)
    after = [condition for condition in conditions if condition not in before]
    points: FromClause = VARIANT_RESULTS
    if before or sweep is not None:
        rows = select(RESULTS).where(rows_of(RESULTS, before, sweep)).subquery("chosen_rows")
        points = variant_results(rows).subquery("chosen_points")
    return select(points).where(filters.where(after, points)).subquery("points") if after else points
