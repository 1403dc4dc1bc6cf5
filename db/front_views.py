"""The views ``training_front`` and ``inference_front``: the non-dominated rows of each scenario.

Functions of the points, stored ones or such as are computed in the query, so that a query which filters them first
applies the very same rule.

    native  tested at the network's native resolution
    best    tested, for each training configuration and fine-tuning, at the resolution that is most accurate on the
            validation images (the smaller on a tie); on the test images themselves where none were held out
    all     every test resolution

The choice is among all that was tested, also where no throughput was measured. Noisy measurements take part only where
somebody asks for that; the views leave them out.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.sql import CompoundSelect
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from db.derived_tables import POINT_COLUMNS, competing, of_scenario, result_points
from db.variant_results_view import PLACE, TRAINING
from db.verdicts import is_clean, is_usable

Mode = Literal["train", "inference"]
Scenario = Literal["native", "best", "all"]
MODES: Final[tuple[Mode, ...]] = ("train", "inference")
SCENARIOS: Final[tuple[Scenario, ...]] = ("native", "best", "all")

#: Columns of ``points_of`` that the views leave out.
JUDGEMENT: Final = ("on_front", "chosen_from")
#: Points compete only where all of these are equal.
SCOPE: Final = ("source", "dataset", "dataset_id", "precision", *PLACE)
#: A test resolution is chosen among points where all of these are equal.
ALTERNATIVES: Final = (*TRAINING, *PLACE, "fine_tune_digest")


def front(mode: Mode) -> CompoundSelect[Any]:
    """Query the points that no other one of their scenario and scope beats, among all results.

    The comparison reads nothing but the index of what it compares; the few that are left are looked up.

    Args:
        mode: Which throughput counts.
    """
    of_all = result_points.c.of_all == 1
    return union_all(*(_front_of_scenario(points_of(result_points, mode, one, of_all)) for one in SCENARIOS))


def _front_of_scenario(points: Select[Any]) -> Select[Any]:
    told = points.selected_columns
    return points.with_only_columns(*(one for one in told if one.name not in JUDGEMENT)).where(told.on_front == 1)


def points_of(
    points: FromClause, mode: Mode, scenario: Scenario, where: ColumnElement[bool], *, noisy: bool = False
) -> Select[Any]:
    """Query points of one scenario, with the columns ``on_front`` (1 or 0) and ``chosen_from``.

    ``chosen_from`` is the number of test resolutions of which the point's would have to be the best.

    Args:
        points: ``result_points``, or what ``chosen_anew`` or ``like_stored`` returns.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        where: Which of the points compete. Must let through all or none of the resolutions among which one is chosen.
        noisy: Whether noisy measurements compete, too.
    """
    return looked_up(judge(points, mode, scenario, where, noisy=noisy).subquery("judged"), scenario)


def looked_up(judged: FromClause, scenario: Scenario) -> Select[Any]:
    """Query what ``points_of`` tells of some rows of ``judge``, or of ``set_aside``."""
    j, p = judged.c, result_points.c
    known = all(name in j for name in _TOLD)
    rows = judged if known else judged.join(result_points, p.point_id == j.point_id)
    columns = [j[name] if name in j else p[name] for name in _TOLD]
    return select(literal(scenario, Text).label("scenario"), j.images_per_second, *columns, j.on_front).select_from(
        rows
    )


#: What is told of a point besides its scenario, the throughput that counts, and whether it lies on the front.
_TOLD: Final = (*POINT_COLUMNS, "chosen_from")


def judge(
    points: FromClause, mode: Mode, scenario: Scenario, where: ColumnElement[bool], *, noisy: bool = False
) -> Select[Any]:
    """Query number, ``images_per_second``, ``top1_ppm``, ``on_front`` and ``behind`` of the points that compete.

    A point is beaten by one that is at least as accurate and as fast, and better in one of the two; equal points stay
    together. One pass over the points sorted by throughput: whatever comes in an earlier group of equals is faster,
    or as fast and more accurate. ``behind`` is by how many correct images per million the best of these is more
    accurate; it means nothing on the front. What else is told of a point is there, too, if it is not stored.

    Arguments as of ``points_of``.
    """
    p = points.c
    throughput = p[f"{mode}_images_per_second"].label("images_per_second")
    best_before = func.max(p.top1_ppm).over(
        partition_by=p.scope_id, order_by=[throughput.desc(), p.top1_ppm.desc()], groups=(None, -1)
    )
    ranked = (
        select(p.point_id, throughput, p.top1_ppm, best_before.label("best_before"), *_carried(points))
        .where(competing(p, mode, scenario, noisy=noisy), where)
        .subquery("ranked")
    )
    r = ranked.c
    beaten = cast(r.best_before >= r.top1_ppm, Integer)
    on_front, behind = func.coalesce(1 - beaten, 1).label("on_front"), func.coalesce(r.best_before - r.top1_ppm, 0)
    told = [column for column in r if column.name != "best_before"]
    return select(*told, on_front, behind.label("behind"))


def set_aside(
    points: FromClause, mode: Mode, scenario: Scenario, where: ColumnElement[bool], *, noisy: bool = False
) -> Select[Any]:
    """Query the points of a scenario that were measured and do not compete, with the columns of ``judge`` but one.

    Arguments as of ``points_of``.
    """
    p = points.c
    throughput = p[f"{mode}_images_per_second"].label("images_per_second")
    columns = (p.point_id, throughput, p.top1_ppm, *_carried(points), literal(0).label("on_front"))
    return select(*columns).where(of_scenario(p, mode, scenario), ~competing(p, mode, "all", noisy=noisy), where)


def _carried(points: FromClause) -> list[ColumnElement[Any]]:
    """Return what points that are not stored have to carry along, since it cannot be looked up."""
    return [] if points is result_points else [points.c[one] for one in _TOLD if one in points.c and one != "top1_ppm"]


def chosen_anew(where: ColumnElement[bool]) -> CTE:
    """Return stored points among which the best test resolutions are chosen anew: numbers, and what decides a front.

    Args:
        where: On ``result_points``: which of them compete.
    """
    rates = [f"{mode}_images_per_second" for mode in MODES]
    verdicts = [f"{mode}_verdict" for mode in MODES]
    decides = ("point_id", "scope_id", "top1_ppm", *rates)
    needed = dict.fromkeys((*decides, *verdicts, *ALTERNATIVES, "test_resolution", "validation_ppm"))
    some = select(*(result_points.c[name] for name in needed)).where(where).subquery("some")
    return with_choice(some, decides).cte("chosen_anew")


def like_stored(points: FromClause) -> CTE:
    """Return points that are computed in the query with the columns of ``result_points`` that fronts read.

    Args:
        points: Rows with the columns of ``variant_results``.
    """
    judged = with_choice(points, POINT_COLUMNS).subquery("judged")
    number = func.row_number().over().label("point_id")
    key = scope_key({name: judged.c[name] for name in SCOPE}).label("scope_id")
    return select(judged, number, key).cte("computed")


def with_choice(points: FromClause, kept: Sequence[str], apart: Sequence[str] = ()) -> Select[Any]:
    """Add to points what tells whether they compete: the last columns of ``result_points``.

    Args:
        points: Rows with the columns of ``variant_results``.
        kept: Which of their columns to keep.
        apart: Columns, kept ones; points that differ in one of them have nothing to do with each other.
    """
    p = points.c
    native = _number(p.test_resolution == p.native_resolution).label("native")
    competes = [_competes(p, mode).label(f"{mode}_competes") for mode in MODES]
    ranking, chosen_from = _choice(points, apart)
    ranked = select(*(p[name] for name in kept), native, *competes, ranking, chosen_from).subquery("ranked")
    r = ranked.c
    columns = [_number(r.ranking == 1).label("best") if one.name == "ranking" else one for one in r]
    return select(*columns)


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _choice(points: FromClause, apart: Sequence[str]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return a point's rank among the test resolutions of its network (1 is the best one), and their number."""
    p = points.c
    alternatives = [p[name] for name in (*ALTERNATIVES, *apart)]
    ranking = func.row_number().over(
        partition_by=alternatives,
        order_by=[func.coalesce(p.validation_ppm, p.top1_ppm).desc(), func.coalesce(p.test_resolution, 0)],
    )
    return ranking.label("ranking"), func.count().over(partition_by=alternatives).label("chosen_from")


def _competes(points: ReadOnlyColumnCollection[str, Any], mode: str) -> ColumnElement[int]:
    return case((usable(points, mode, noisy=False), 1), (usable(points, mode, noisy=True), 2), else_=0)


def usable(points: ReadOnlyColumnCollection[str, Any], mode: str, *, noisy: bool) -> ColumnElement[bool]:
    """Return the condition under which a point's throughput may enter a front."""
    throughput, verdict = points[f"{mode}_images_per_second"], points[f"{mode}_verdict"]
    return and_(throughput.is_not(None), is_usable(verdict) if noisy else is_clean(verdict))


def scope_key(values: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """Return what tells one scope from another as text; control characters part the values and stand for NULL.

    Args:
        values: Column of ``SCOPE`` → its value.
    """
    key: ColumnElement[str] = literal("", Text)
    for name in SCOPE:
        key = key + func.coalesce(cast(values[name], Text), "\x1e") + "\x1f"
    return key
