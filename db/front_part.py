"""A part of the points of one scenario, asked for as much of it as a page shows: never more rows than it draws.

scopes     where there are any, and how many
nearest    all of the front, and of the others those that miss it by least
families   what the points are called
left_out   how many tested configurations have no throughput that may enter a front
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, or_, select

from db import fronts
from db.derived_tables import competing
from db.filters import Condition
from db.front_views import SCOPE, Mode, Scenario, judge, looked_up, usable
from db.variant_results_view import TESTED

Row = dict[str, Any]
Scope = Mapping[str, Any]

#: What ``scopes`` tells of the data set, besides the columns within which points compete.
_IMAGES: Final = ("train_images", "test_images", "validation_images")
#: What names a family: its series, and what the series is made of.
_FAMILY: Final = ("series", "group_size", "norm", "train_resolution", "native_resolution", "half_resolution")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many tested configurations do not compete.

    Attributes:
        contended: Disturbed by other programs whenever they were measured.
        stale: Measured with hardware or software only that is no longer there.
        waiting: Not measured.
    """

    contended: int
    stale: int
    waiting: int


class FrontPart:
    """The points of one scenario that a FILTER lets through, and what it lets through that is not measured."""

    def __init__(
        self,
        read: Callable[[Select[Any]], list[Row]],
        mode: Mode,
        scenario: Scenario,
        conditions: Sequence[Condition],
        sweep: str | None,
    ) -> None:
        self._read = read
        self._mode: Mode = mode
        self._scenario: Scenario = scenario
        self._points = fronts.points_of(conditions, sweep)
        self._conditions = conditions
        self._sweep = sweep

    def scopes(self) -> list[Row]:
        """Return where there are points: rows with the columns of ``SCOPE``, those of images, and ``points``."""
        p = self._points.table.c
        # One point of each tells the rest of it; counting reads nothing but an index.
        counted = (
            select(func.max(p.point_id).label("one"), func.count().label("points"))
            .where(competing(p, self._mode, self._scenario), self._points.where)
            .group_by(p.scope_id)
            .subquery("counted")
        )
        told = self._points.told.alias("told").c
        columns = [told[name] for name in (*SCOPE, *_IMAGES)]
        query = select(*columns, counted.c.points).where(told.point_id == counted.c.one)
        return self._read(query.order_by(*(told[name] for name in SCOPE)))

    def nearest(self, scopes: Sequence[Scope], others: int | None = None) -> list[Row]:
        """Return every point of the front and the nearest others, with the columns and the order of ``Reader.points``.

        Near is whose accuracy is little below the best of those that are as fast or faster; among equals, the faster.

        Args:
            scopes: In which; of ``scopes``.
            others: How many at most that are not on the front; all if None.
        """
        judged = judge(self._points.table, self._mode, self._scenario, self._points.inside(scopes)).cte("judged")
        j = judged.c
        nearest_first = (j.behind, j.images_per_second.desc(), j.top1_ppm.desc(), j.point_id)
        rows = select(judged).order_by(j.on_front.desc(), *nearest_first)
        if others is not None:
            on_front = select(func.count()).select_from(judged).where(j.on_front == 1).scalar_subquery()
            rows = rows.limit(on_front + literal(others))
        found = looked_up(rows.subquery("chosen"), self._scenario).subquery("found")
        return [{**row, "on_front": row["on_front"] == 1} for row in self._read(fronts.in_order(found))]

    def families(self, scopes: Sequence[Scope]) -> list[Row]:
        """Return each series that has points in some scopes, with what it is made of."""
        points = self._points
        rows = points.table
        if points.told is not rows:
            rows = rows.join(points.told, points.told.c.point_id == rows.c.point_id)
        competes = competing(points.table.c, self._mode, self._scenario)
        columns = [points.told.c[name] for name in _FAMILY]
        query = select(*columns).select_from(rows).where(competes, points.inside(scopes)).distinct()
        return sorted(self._read(query), key=lambda row: str(row["series"]))

    def left_out(self, scopes: Sequence[Scope]) -> LeftOut:
        """Return how many configurations were tested on the data of some scopes and have no usable throughput there."""
        measured = [scope for scope in scopes if scope["source"] == "measured"]
        if not measured:
            return LeftOut(0, 0, 0)
        points = self._tested()
        waits, drawn = points.alias("waits"), points.alias("drawn")
        w, d = waits.c, drawn.c
        same, verdict = and_(*(w[name] == d[name] for name in TESTED)), w[f"{self._mode}_verdict"]
        why = func.max(case((verdict == "stale", 2), (verdict == "contended", 1), else_=0)).label("why")
        each = (
            select(why)
            .select_from(waits.outerjoin(drawn, and_(same, usable(d, self._mode), _in_one_of(d, measured))))
            .where(w.source == "measured", ~usable(w, self._mode), _in_one_of(w, measured) | _nowhere(w, measured))
            .group_by(*(w[name] for name in TESTED))
            .having(func.count(d.variant_id) == 0)
            .subquery("each")
        )
        counts = {
            row["why"]: row["number"]
            for row in self._read(select(each.c.why, func.count().label("number")).group_by(each.c.why))
        }
        return LeftOut(contended=counts.get(1, 0), stale=counts.get(2, 0), waiting=counts.get(0, 0))

    def _tested(self) -> FromClause:
        """Return everything that was tested; pooled once, though it is read twice."""
        points = fronts.chosen_points(self._conditions, self._sweep)
        return select(points).cte("tested") if fronts.row_conditions(self._conditions) else points


def _in_one_of(columns: Any, scopes: Sequence[Scope], names: Sequence[str] = SCOPE) -> ColumnElement[bool]:
    same = [and_(*(_is(columns[name], scope[name]) for name in names)) for scope in scopes]
    return or_(False, *same)


def _nowhere(columns: Any, scopes: Sequence[Scope]) -> ColumnElement[bool]:
    """Return the condition that a point is of the data set of some scopes, and of no place."""
    return and_(columns.device.is_(None), _in_one_of(columns, scopes, ("dataset", "dataset_id")))


def _is(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
