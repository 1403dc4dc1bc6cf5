"""The views ``training_front`` and ``inference_front``: the non-dominated rows of each scenario.

Functions of the points, so that a query which filters them first applies the very same rule.

    native  tested at the network's native resolution
    best    tested, for each training configuration, at the resolution with the highest top-1 (the smaller on a tie)
    all     every test resolution
"""

from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Double, FromClause, Integer, Select, Text, cast, func, literal, select, union_all

from db.variant_results_view import PLACE, TRAINING

Mode = Literal["train", "inference"]
Scenario = Literal["native", "best", "all"]
MODES: Final[tuple[Mode, ...]] = ("train", "inference")
SCENARIOS: Final[tuple[Scenario, ...]] = ("native", "best", "all")

#: Points compete only where all of these are equal.
SCOPE: Final = ("source", "dataset", "dataset_id", "precision", *PLACE)


def front(points: FromClause, mode: Mode) -> Select[Any]:
    """Keep the points that no other one of their scenario and scope beats.

    Args:
        points: ``variant_results``, or a part of it.
        mode: Which throughput counts.
    """
    judged = with_dominance(points, mode).subquery("judged")
    kept = [column for column in judged.c if column.name != "on_front"]
    return select(*kept).where(judged.c.on_front == 1)


def with_dominance(points: FromClause, mode: Mode) -> Select[Any]:
    """Return the points of every scenario with the column ``on_front`` (1 or 0).

    A point is beaten by one that is at least as accurate and as fast, and better in one of the two; equal points stay
    together. One pass over the points sorted by throughput: whatever comes in an earlier group of equals is faster,
    or as fast and more accurate.
    """
    candidates = _scenarios(points, mode).subquery("candidates")
    c = candidates.c
    best_before = func.max(c.top1_ppm).over(
        partition_by=[c.scenario, *(c[name] for name in SCOPE)],
        order_by=[c.images_per_second.desc(), c.top1_ppm.desc()],
        groups=(None, -1),
    )
    ranked = select(candidates, best_before.label("best_before")).subquery("ranked")
    beaten = ranked.c.best_before >= ranked.c.top1_ppm
    kept = [column for column in ranked.c if column.name != "best_before"]
    return select(*kept, func.coalesce(1 - cast(beaten, Integer), 1).label("on_front"))


def _scenarios(points: FromClause, mode: Mode) -> Select[Any]:
    """Repeat each measured point for every scenario that it belongs to."""
    p = points.c
    ranking = func.row_number().over(
        partition_by=[*(p[name] for name in (*TRAINING, *PLACE)), p.fine_tune_digest],
        order_by=[p.top1_ppm.desc(), func.coalesce(p.test_resolution, 0)],
    )
    ranked = select(points, ranking.label("ranking")).subquery("tested")
    names = union_all(*(select(literal(name, Text).label("scenario")) for name in SCENARIOS)).subquery("scenarios")
    r, scenario = ranked.c, names.c.scenario
    belongs = (
        (scenario == "all")
        | ((scenario == "native") & (r.test_resolution == r.native_resolution))
        | ((scenario == "best") & (r.ranking == 1))
    )
    throughput, verdict = r[f"{mode}_images_per_second"], r[f"{mode}_verdict"]
    usable = throughput.is_not(None) & (func.coalesce(verdict, "clean") != "contended")
    kept: list[ColumnElement[Any]] = [column for column in r if column.name != "ranking"]
    return (
        select(scenario, cast(throughput, Double).label("images_per_second"), *kept)
        .join_from(ranked, names, belongs)
        .where(usable)
    )
