"""The views ``training_front`` and ``inference_front``: the non-dominated rows of each scenario.

Functions of the points, so that a query which filters them first applies the very same rule.

    native  tested at the network's native resolution
    best    tested, for each training configuration and fine-tuning, at the resolution that is most accurate on the
            validation images (the smaller on a tie); on the test images themselves where none were held out
    all     every test resolution

The choice is among all that was tested, also where no throughput was measured.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from sqlalchemy import (
    ColumnElement,
    Double,
    FromClause,
    Integer,
    Select,
    Subquery,
    TableClause,
    Text,
    and_,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql import CompoundSelect
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from db.derived_tables import competing, result_points
from db.variant_results_view import PLACE, TRAINING

Mode = Literal["train", "inference"]
Scenario = Literal["native", "best", "all"]
MODES: Final[tuple[Mode, ...]] = ("train", "inference")
SCENARIOS: Final[tuple[Scenario, ...]] = ("native", "best", "all")

#: Columns of ``with_dominance`` that the views leave out.
JUDGEMENT: Final = ("on_front", "chosen_from")
#: Points compete only where all of these are equal.
SCOPE: Final = ("source", "dataset", "dataset_id", "precision", *PLACE)
#: A test resolution is chosen among points where all of these are equal.
ALTERNATIVES: Final = (*TRAINING, *PLACE, "fine_tune_digest")


def front(mode: Mode, points: TableClause) -> CompoundSelect[Any]:
    """Query the points that no other one of their scenario and scope beats.

    The comparison reads nothing but the index of what it compares; the few that are left are looked up.

    Args:
        mode: Which throughput counts.
        points: ``variant_results``, whose columns these are.
    """
    return union_all(*(_front_of_scenario(mode, scenario, points) for scenario in SCENARIOS))


def _front_of_scenario(mode: Mode, scenario: Scenario, points: TableClause) -> Select[Any]:
    judged = _judged(mode, scenario).subquery("judged")
    p = result_points.c
    columns = [p[column.name] for column in points.c]
    return (
        select(literal(scenario, Text).label("scenario"), _throughput(mode), *columns)
        .join_from(judged, result_points, p.point_id == judged.c.point_id)
        .where(judged.c.on_front == 1)
    )


def stored_points(mode: Mode, scenario: Scenario, points: TableClause, where: ColumnElement[bool]) -> Select[Any]:
    """Query points of one scenario, with the columns ``on_front`` (1 or 0) and ``chosen_from``.

    Args:
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        points: ``variant_results``, whose columns these are.
        where: On ``result_points``: which of them compete. Must let through all or none of the resolutions among
            which one is chosen.
    """
    judged = _judged(mode, scenario, where).subquery("judged")
    same = result_points.c.point_id == judged.c.point_id
    columns = stored_columns(mode, scenario, points)
    return select(*columns, judged.c.on_front).join_from(judged, result_points, same)


def stored_columns(mode: Mode, scenario: Scenario, points: TableClause) -> list[ColumnElement[Any]]:
    """Return what a query of stored points tells of each, but for ``on_front``; arguments as of ``stored_points``."""
    p = result_points.c
    columns = [p[column.name] for column in points.c]
    return [literal(scenario, Text).label("scenario"), _throughput(mode), *columns, p.chosen_from]


def stored_distances(mode: Mode, scenario: Scenario, where: ColumnElement[bool]) -> Select[Any]:
    """Query number, ``images_per_second``, ``top1_ppm``, ``on_front`` and ``behind`` of stored points that compete.

    ``behind`` is by how many correct images per million the best point that is as fast or faster is more accurate;
    it means nothing on the front. Arguments as of ``stored_points``.
    """
    ranked = _ranked(mode, scenario, where).add_columns(_throughput(mode)).subquery("ranked")
    r = ranked.c
    return select(r.point_id, r.images_per_second, r.top1_ppm, _unbeaten(r).label("on_front"), _behind(r))


def _throughput(mode: Mode) -> ColumnElement[float]:
    return result_points.c[f"{mode}_images_per_second"].label("images_per_second")


def _judged(mode: Mode, scenario: Scenario, where: ColumnElement[bool] | None = None) -> Select[Any]:
    """Query ``point_id`` and ``on_front`` of the stored points that compete."""
    r = _ranked(mode, scenario, where).subquery("ranked").c
    return select(r.point_id, _unbeaten(r).label("on_front"))


def _ranked(mode: Mode, scenario: Scenario, where: ColumnElement[bool] | None) -> Select[Any]:
    p = result_points.c
    throughput = p[f"{mode}_images_per_second"]
    before = _best_before(p.top1_ppm, throughput, [p.scope_id]).label("best_before")
    ranked = select(p.point_id, p.top1_ppm, before).where(competing(mode, scenario))
    return ranked if where is None else ranked.where(where)


def with_dominance(points: FromClause, mode: Mode) -> Select[Any]:
    """Return the points of every scenario with the columns ``on_front`` (1 or 0) and ``chosen_from``.

    ``chosen_from`` is the number of test resolutions of which the point's would have to be the best.

    A point is beaten by one that is at least as accurate and as fast, and better in one of the two; equal points stay
    together. One pass over the points sorted by throughput: whatever comes in an earlier group of equals is faster,
    or as fast and more accurate.
    """
    ranked = _ranked_anew(points, mode)
    return select(*_kept(ranked), _unbeaten(ranked.c).label("on_front"))


def with_distances(points: FromClause, mode: Mode) -> Select[Any]:
    """Return ``with_dominance`` and the column ``behind``, which ``stored_distances`` explains."""
    ranked = _ranked_anew(points, mode)
    return select(*_kept(ranked), _unbeaten(ranked.c).label("on_front"), _behind(ranked.c))


def _ranked_anew(points: FromClause, mode: Mode) -> Subquery:
    candidates = scenarios_of(points, mode).subquery("candidates")
    c = candidates.c
    scope = [c.scenario, *(c[name] for name in SCOPE)]
    best_before = _best_before(c.top1_ppm, c.images_per_second, scope).label("best_before")
    return select(candidates, best_before).subquery("ranked")


def _kept(ranked: Subquery) -> list[ColumnElement[Any]]:
    return [column for column in ranked.c if column.name != "best_before"]


def _best_before(
    ppm: ColumnElement[int], throughput: ColumnElement[float], scope: Sequence[ColumnElement[Any]]
) -> ColumnElement[int]:
    """Return the best accuracy of what is faster, or as fast and more accurate; NULL if there is none."""
    return func.max(ppm).over(partition_by=list(scope), order_by=[throughput.desc(), ppm.desc()], groups=(None, -1))


def _unbeaten(ranked: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    beaten = cast(ranked.best_before >= ranked.top1_ppm, Integer)
    return func.coalesce(1 - beaten, 1)


def _behind(ranked: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    return func.coalesce(ranked.best_before - ranked.top1_ppm, 0).label("behind")


def scenarios_of(points: FromClause, mode: Mode) -> Select[Any]:
    """Repeat each point whose throughput may enter a front for every scenario that it belongs to.

    Args:
        points: Rows with the columns of ``variant_results``.
        mode: Which throughput counts.
    """
    ranked = select(points, *choice(points)).subquery("tested")
    names = union_all(*(select(literal(name, Text).label("scenario")) for name in SCENARIOS)).subquery("scenarios")
    r, scenario = ranked.c, names.c.scenario
    belongs = (
        (scenario == "all")
        | ((scenario == "native") & (r.test_resolution == r.native_resolution))
        | ((scenario == "best") & (r.ranking == 1))
    )
    kept: list[ColumnElement[Any]] = [column for column in r if column.name != "ranking"]
    return (
        select(scenario, cast(r[f"{mode}_images_per_second"], Double).label("images_per_second"), *kept)
        .join_from(ranked, names, belongs)
        .where(usable(r, mode))
    )


def choice(points: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return a point's rank among the test resolutions of its network (1 is the best one), and their number."""
    p = points.c
    alternatives = [*(p[name] for name in ALTERNATIVES)]
    ranking = func.row_number().over(
        partition_by=alternatives,
        order_by=[func.coalesce(p.validation_ppm, p.top1_ppm).desc(), func.coalesce(p.test_resolution, 0)],
    )
    return ranking.label("ranking"), func.count().over(partition_by=alternatives).label("chosen_from")


def usable(points: ReadOnlyColumnCollection[str, Any], mode: str) -> ColumnElement[bool]:
    """Return the condition under which a point's throughput may enter a front."""
    throughput, verdict = points[f"{mode}_images_per_second"], points[f"{mode}_verdict"]
    return and_(throughput.is_not(None), func.coalesce(verdict, "clean") != "contended")


def scope_key(values: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """Return what tells one scope from another as text; control characters part the values and stand for NULL.

    Args:
        values: Column of ``SCOPE`` → its value.
    """
    key: ColumnElement[str] = literal("", Text)
    for name in SCOPE:
        key = key + func.coalesce(cast(values[name], Text), "\x1e") + "\x1f"
    return key
