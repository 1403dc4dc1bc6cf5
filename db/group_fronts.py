"""The fronts of groups of points: of all whose group size is 16, say, as if nothing else had been measured."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, FromClause, Select, Text, case, cast, func, select

from db.derived_tables import POINT_COLUMNS, competing, result_points
from db.front_views import MODES, Mode, Scenario, looked_up
from db.fronts import Points, in_order

#: What a front is judged by besides accuracy: measured images per second, or multiply-accumulates of a forward pass.
Cost = Literal["images_per_second", "macs"]
COSTS: Final[tuple[Cost, ...]] = ("images_per_second", "macs")

#: Columns of the points that may tell one group from another. The train resolution tells native and half ones apart
#: from other pixels, since sizes differ in their pixels.
GROUPS: Final = (
    "series",
    "group_size",
    "expansion",
    "norm",
    "train_resolution",
    "test_resolution",
    "model_size",
    "width",
    "fine_tune_layers",
)
_MACS: Final[dict[Mode, str]] = dict(zip(MODES, ("train_macs", "test_macs"), strict=True))
_TOLD: Final = tuple(name for name in (*POINT_COLUMNS, "chosen_from") if name != "top1_ppm")


def fronts_of_groups(
    points: Points,
    mode: Mode,
    scenario: Scenario,
    where: ColumnElement[bool],
    *,
    by: Sequence[str],
    cost: Cost,
    noisy: bool = False,
) -> Select[Any]:
    """Query the points that no other one of their group and scope beats, with the columns of ``Reader.points``.

    In a group, whatever is at least as accurate and as fast (as cheap in ``macs``), and better in one of the two, beats
    a point; equal points stay together. Points whose cost is not known take no part.

    Args:
        points: Which compete.
        mode: Whose throughput, and whose multiply-accumulates.
        scenario: Which test resolutions count.
        where: On the points: which of them compete.
        by: Of ``GROUPS``; points that differ in one are in different groups. Empty: all are one group.
        cost: By what, besides accuracy, they are judged.
        noisy: Whether noisy measurements compete, too.
    """
    rows, told = points.table, points.told
    joined = rows if told is rows else rows.join(told, told.c.point_id == rows.c.point_id)
    p = rows.c
    throughput = p[f"{mode}_images_per_second"]
    value = throughput if cost == "images_per_second" else told.c[_MACS[mode]]
    cheapest_first = value.desc() if cost == "images_per_second" else value.asc()
    best_before = func.max(p.top1_ppm).over(
        partition_by=[p.scope_id, *(_group(told, name) for name in by)],
        order_by=[cheapest_first, p.top1_ppm.desc()],
        groups=(None, -1),
    )
    carried = [] if rows is result_points else [p[name] for name in _TOLD if name in p]
    columns = (p.point_id, throughput.label("images_per_second"), p.top1_ppm, *carried)
    ranked = (
        select(*columns, best_before.label("best_before"))
        .select_from(joined)
        .where(competing(p, mode, scenario, noisy=noisy), value.is_not(None), where)
        .subquery("ranked")
    )
    r = ranked.c
    leads = case((r.best_before >= r.top1_ppm, 0), else_=1)
    kept = [column for column in r if column.name != "best_before"]
    front = select(*kept, leads.label("on_front")).where(leads == 1).subquery("front")
    return in_order(looked_up(front, scenario).subquery("found"))


def _group(told: FromClause, name: str) -> ColumnElement[Any]:
    column: ColumnElement[Any] = told.c[name]
    if name != "train_resolution":
        return column
    native, half = told.c.native_resolution, told.c.half_resolution
    return case((column == native, "native"), (column == half, "half"), else_=cast(column, Text))
