"""The speed-up between two parts of the stored results."""

from typing import Any

from db import filters, fronts
from db.errors import ComparisonError
from db.front_views import SCOPE, Mode, Scenario
from db.reader import Reader
from db.speedup import Point, Speedup, speedup

#: Of the columns that must agree, those that a person can name in a filter.
_NAMEABLE = tuple(name for name in SCOPE if name != "dataset_id")


def compare(
    reader: Reader,
    *,
    baseline: str,
    candidate: str,
    mode: Mode,
    scenario: Scenario = "best",
    sweep: str | None = None,
    resamples: int = 1000,
) -> Speedup:
    """Return the candidate's speed-up over the baseline at equal accuracy.

    Args:
        reader: Where the results are.
        baseline: FILTER that chooses its points.
        candidate: Likewise.
        mode: ``train`` or ``inference``.
        scenario: ``native``, ``best`` or ``all``.
        sweep: Only results of the sweep of this very name.
        resamples: Of the bootstrap.

    Raises:
        FilterError: A filter cannot be understood.
        ComparisonError: The two have results in common on several devices or data sets; one must be chosen.
    """
    sides = [reader.front(mode, scenario, sweep=sweep, filter_text=text) for text in (baseline, candidate)]
    scope = _common_scope(*sides)
    chosen = [[row for row in side if scope is None or _scope(row) == scope] for side in sides]
    points = [
        _points(reader, rows, mode, text, sweep) for rows, text in zip(chosen, (baseline, candidate), strict=True)
    ]
    return speedup(points[0], points[1], resamples=resamples)


def _scope(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in SCOPE)


def _common_scope(baseline: list[dict[str, Any]], candidate: list[dict[str, Any]]) -> tuple[Any, ...] | None:
    """Return where both sides have points; None when one side has none at all.

    Raises:
        ComparisonError: In several places, or each only in places of its own.
    """
    if not baseline or not candidate:
        return None
    shared = {_scope(row) for row in baseline} & {_scope(row) for row in candidate}
    if len(shared) == 1:
        return shared.pop()
    if not shared:
        raise ComparisonError(
            "baseline and candidate were never measured in the same place",
            f"The baseline: {_described(baseline)}. The candidate: {_described(candidate)}.",
        )
    both = [row for row in baseline if _scope(row) in shared]
    raise ComparisonError(
        f"baseline and candidate have {len(shared)} places in common; one speed-up would mix them",
        f"Name one in both filters: {_described(both)}.",
    )


def _described(rows: list[dict[str, Any]]) -> str:
    places = dict.fromkeys(
        " ".join(f'{name}="{row[name]}"' for name in _NAMEABLE if row[name] is not None) for row in rows
    )
    return "; or ".join(places)


def _points(reader: Reader, rows: list[dict[str, Any]], mode: Mode, filter_text: str, sweep: str | None) -> list[Point]:
    identity = f"{mode}_measurement_id"
    rates = reader.block_rates([row[identity] for row in rows if row[identity] is not None])
    return [
        Point(
            top1=row["top1_mean"],
            images_per_second=row["images_per_second"],
            block_rates=rates.get(row[identity], ()),
            seed_top1=_seed_top1(reader, row, filter_text, sweep) if (row["seeds"] or 0) > 1 else (),
        )
        for row in rows
    ]


#: Columns of ``results`` that tell one pooled point's evaluations from every other's.
_POINT = (
    "variant_id",
    "dataset_id",
    "train_resolution",
    "test_resolution",
    "recipe_digest",
    "fine_tune_digest",
    "precision",
)


def _seed_top1(reader: Reader, row: dict[str, Any], filter_text: str, sweep: str | None) -> tuple[float, ...]:
    """Return top-1 (percent) of each seed that was pooled into a point."""
    conditions = fronts.row_conditions(filters.parse(filter_text, fronts.FILTERABLE))
    same = tuple(filters.Condition(name, "=", (row[name],)) for name in _POINT)
    return reader.top1_of((*conditions, *same), sweep)
