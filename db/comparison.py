"""The speed-up between two parts of the stored results."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from db import filters, fronts
from db.bootstrap import NO_BLOCKS, Point
from db.combination import SOURCE
from db.errors import ComparisonError
from db.front_views import SCOPE, Mode, Scenario
from db.pairing import Pairing, pairings
from db.reader import Reader
from db.speedup import Speedup, speedup

#: How a person can name in a filter what must agree: a data set is told by how much of it was used.
_NAMEABLE = (
    *(name for name in SCOPE if name != "dataset_id"),
    "train_images",
    "test_images",
    "validation_images",
)


def compare(
    reader: Reader,
    *,
    baseline: str,
    candidate: str,
    mode: Mode,
    scenario: Scenario = "best",
    sweep: str | None = None,
    noisy: bool = False,
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
        noisy: Whether noisy measurements compete, too.
        resamples: Of the bootstrap.

    Raises:
        FilterError: A filter cannot be understood.
        ComparisonError: The two have results in common on several devices or data sets; one must be chosen.
    """
    texts = (baseline, candidate)
    found = [reader.front(mode, scenario, sweep=sweep, filter_text=text, noisy=noisy) for text in texts]
    sides = _in_one_place(found)
    points = [points_of(reader, rows, mode, text, sweep) for rows, text in zip(sides, texts, strict=True)]
    return speedup(points[0], points[1], resamples=resamples)


@dataclass(frozen=True, slots=True)
class CombinedSpeedup:
    """A speed-up of published accuracies with throughput measured here.

    Attributes:
        publication: Where the accuracies are from.
        speedup: The comparison.
        fronts: The points of the baseline's front, then of the candidate's, as ``Reader.points`` has them.
        pairings: Which of the published rows have a throughput, in the place that was compared; in every place, where
            one side has none at all.
    """

    publication: str
    speedup: Speedup
    fronts: tuple[list[dict[str, Any]], list[dict[str, Any]]]
    pairings: list[Pairing]

    def to_json(self) -> dict[str, Any]:
        """Return JSON types: those of ``Speedup``, and whose accuracy and throughput it is."""
        return {
            **self.speedup.to_json(),
            "accuracy": {"source": "published", "publication": self.publication},
            "throughput": {"source": "measured", "places": [pairing.to_json() for pairing in self.pairings]},
        }


def compare_combined(
    reader: Reader,
    *,
    baseline: str,
    candidate: str,
    mode: Mode,
    scenario: Scenario = "best",
    publication: str | None = None,
    sweep: str | None = None,
    noisy: bool = False,
    resamples: int = 1000,
) -> CombinedSpeedup:
    """Return the speed-up of published accuracies with throughput measured here.

    Args:
        reader: Where the results are.
        baseline: FILTER that chooses its published rows and, if there are several, the place.
        candidate: Likewise.
        mode: ``train`` or ``inference``.
        scenario: ``native``, ``best`` or ``all``.
        publication: Its name; not needed where there is one.
        sweep: Only measurements of the sweep of this very name.
        noisy: Whether noisy measurements compete, too.
        resamples: Of the bootstrap, over timed blocks.

    Raises:
        FilterError: A filter cannot be understood.
        UnknownNameError: There is no one publication of this name.
        ComparisonError: Nothing is published, or both sides were measured in several places; one must be chosen.
    """
    found = [
        reader.combined(mode, scenario, publication=publication, sweep=sweep, filter_text=text, noisy=noisy)
        for text in (baseline, candidate)
    ]
    sides = _in_one_place([[row for row in one.points if row["on_front"]] for one in found])
    points = [points_of(reader, rows, mode, "", sweep) for rows in sides]
    compared = {_scope(row) for row in itertools.chain(*sides)} if all(sides) else None
    rows = [row for one in found for row in one.rows if compared is None or _scope(row) in compared]
    return CombinedSpeedup(
        publication=found[0].publication,
        speedup=speedup(points[0], points[1], resamples=resamples),
        fronts=(sides[0], sides[1]),
        pairings=pairings(rows, mode, noisy=noisy),
    )


def _in_one_place(sides: Sequence[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    """Keep of both sides what lies in the one place that they have in common."""
    scope = _common_scope(*sides)
    return [[row for row in side if scope is None or _scope(row) == scope] for side in sides]


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
    told = [name for name in _NAMEABLE if any(row[name] not in {None, SOURCE} for row in rows)]
    return "; or ".join(dict.fromkeys(" ".join(_condition(name, row[name]) for name in told) for row in rows))


def _condition(name: str, value: Any) -> str:
    if value is None:
        return f"{name}=none"
    return f'{name}="{value}"' if isinstance(value, str) else f"{name}={value}"


def points_of(
    reader: Reader, rows: list[dict[str, Any]], mode: Mode, filter_text: str, sweep: str | None
) -> list[Point]:
    """Return points with what was repeated of each: timed blocks and seeds.

    Args:
        reader: Where the results are.
        rows: As ``Reader.points`` returns them.
        mode: Which throughput counts.
        filter_text: The FILTER that chose them.
        sweep: Only results of the sweep of this very name.
    """
    identity = f"{mode}_measurement_id"
    blocks = reader.timed_blocks([row[identity] for row in rows if row[identity] is not None])
    return [
        Point(
            top1=row["top1_mean"],
            images_per_second=row["images_per_second"],
            blocks=blocks.get(row[identity], NO_BLOCKS),
            seed_top1=seeds,
        )
        for row, seeds in zip(rows, _seed_top1(reader, rows, filter_text, sweep), strict=True)
    ]


def _seed_top1(
    reader: Reader, rows: list[dict[str, Any]], filter_text: str, sweep: str | None
) -> list[tuple[float, ...]]:
    """Return top-1 (percent) of each seed that was pooled into each point; nothing where there is only one."""
    repeated = [row for row in rows if (row["seeds"] or 0) > 1]
    conditions = fronts.row_conditions(filters.parse(filter_text, fronts.FILTERABLE))
    known = iter(reader.seed_top1(repeated, conditions, sweep) if repeated else ())
    return [next(known) if (row["seeds"] or 0) > 1 else () for row in rows]
