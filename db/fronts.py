"""Fronts of a part of the results: the filter comes first, then pooling over seeds, then dominance."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, select

from db import filters
from db.filters import Condition
from db.front_views import Mode, Scenario, with_dominance
from db.variant_results_view import variant_results
from db.views import RESULTS, VARIANT_RESULTS

#: What a filter of a front may speak of: every column of ``variant_results``, and these two of ``results``.
FILTERABLE: Final = {
    **{column.name: column.type for column in VARIANT_RESULTS.c},
    "sweep": RESULTS.c.sweep.type,
    "seed": RESULTS.c.seed.type,
}


def points_query(mode: Mode, scenario: Scenario, conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query the points of one scenario: columns of ``training_front`` and ``on_front`` (1 or 0).

    Args:
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        conditions: What is left out does not compete.
        sweep: Only results of the sweep of this very name.

    Returns:
        The query, sorted from the most accurate to the fastest.
    """
    judged = with_dominance(_chosen(conditions, sweep), mode).subquery("judged")
    return (
        select(judged)
        .where(judged.c.scenario == scenario)
        .order_by(judged.c.top1_ppm.desc(), judged.c.images_per_second, *(judged.c[name] for name in _TIE_BREAKERS))
    )


_TIE_BREAKERS: Final = ("series", "model_size", "width", "test_resolution", "device", "precision")


def row_conditions(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Return the conditions that choose rows of ``results`` before they are pooled."""
    return tuple(condition for condition in conditions if condition.column not in VARIANT_RESULTS.c)


def seeds_query(conditions: Sequence[Condition], sweep: str | None) -> Select[Any]:
    """Query evaluation and top-1 (percent) of the rows of ``results`` that all conditions let through, each once."""
    query = select(RESULTS.c.evaluation, RESULTS.c.top1).where(_rows(conditions, sweep)).distinct()
    return query.order_by(RESULTS.c.evaluation)


def _rows(conditions: Sequence[Condition], sweep: str | None) -> ColumnElement[bool]:
    chosen = filters.where(conditions, RESULTS)
    return chosen if sweep is None else chosen & (RESULTS.c.sweep == sweep)


def _chosen(conditions: Sequence[Condition], sweep: str | None) -> FromClause:
    """Return the points that all conditions let through."""
    before = row_conditions(conditions)
    after = [condition for condition in conditions if condition not in before]
    points: FromClause = VARIANT_RESULTS
    if before or sweep is not None:
        rows = select(RESULTS).where(_rows(before, sweep)).subquery("chosen_rows")
        points = variant_results(rows).subquery("chosen_points")
    return select(points).where(filters.where(after, points)).subquery("points") if after else points
