"""A part of the points of one scenario, asked for as much of it as a page shows: never more rows than it draws.

scopes     where there are any, and how many
nearest    all of the front, and of the others those that miss it by least
greyed     what was measured there and does not compete
leaders    the fronts of groups
counted_*  how many there are of those that are not asked for to the last
families   what the points are called
left_out   how many tested configurations have no throughput that may enter a front
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal, or_, select
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from db import fronts, group_fronts
from db.derived_tables import competing, of_scenario
from db.filters import Condition
from db.front_views import SCOPE, Mode, Scenario, judge, looked_up, set_aside, usable
from db.group_fronts import Cost
from db.variant_results_view import TESTED

Row = dict[str, Any]
Scope = Mapping[str, Any]

#: What ``scopes`` tells of the data set, besides the columns within which points compete.
_IMAGES: Final = ("train_images", "test_images", "validation_images")
#: What names a family: its series, and what the series is made of.
_FAMILY: Final = ("series", "group_size", "norm", "train_resolution", "native_resolution", "half_resolution")


#: Why a measurement does not compete; of several in one place, the last of these tells.
_REASONS: Final = {1: "contended", 2: "noisy", 3: "stale"}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many tested configurations do not compete.

    Attributes:
        noisy: Measured with blocks that disagree, where noisy measurements do not compete.
        contended: Disturbed by other programs whenever they were measured.
        stale: Measured with hardware or software only that is no longer there.
        waiting: Not measured.
    """

    noisy: int
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
        *,
        noisy: bool,
    ) -> None:
        self._read = read
        self._mode: Mode = mode
        self._scenario: Scenario = scenario
        self._points = fronts.points_of(conditions, sweep)
        self._conditions = conditions
        self._sweep = sweep
        self._noisy = noisy

    def scopes(self, *, greyed: bool = False) -> list[Row]:
        """Return where there are points: rows with the columns of ``SCOPE``, those of images, and ``points``.

        Args:
            greyed: Also where something was measured and nothing competes; ``points`` is 0 there.
        """
        p = self._points.table.c
        number = func.count(case((competing(p, self._mode, "all", noisy=self._noisy), 1)))
        # One point of each tells the rest of it; counting reads nothing but an index.
        counted = (
            select(func.max(p.point_id).label("one"), number.label("points"))
            .where(of_scenario(p, self._mode, self._scenario), self._points.where)
            .group_by(p.scope_id)
            .having(number >= (0 if greyed else 1))
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
        inside = self._points.inside(scopes)
        judged = judge(self._points.table, self._mode, self._scenario, inside, noisy=self._noisy).cte("judged")
        j = judged.c
        nearest_first = (j.behind, j.images_per_second.desc(), j.top1_ppm.desc(), j.point_id)
        rows = select(judged).order_by(j.on_front.desc(), *nearest_first)
        if others is not None:
            on_front = select(func.count()).select_from(judged).where(j.on_front == 1).scalar_subquery()
            rows = rows.limit(on_front + literal(others))
        found = looked_up(rows.subquery("chosen"), self._scenario).subquery("found")
        return [{**row, "on_front": row["on_front"] == 1} for row in self._read(fronts.in_order(found))]

    def greyed(self, scopes: Sequence[Scope], most: int) -> list[Row]:
        """Return the most accurate points that were measured and do not compete; as ``nearest``.

        Args:
            scopes: In which; of ``scopes``.
            most: How many at most.
        """
        inside = self._points.inside(scopes)
        aside = set_aside(self._points.table, self._mode, self._scenario, inside, noisy=self._noisy).subquery("aside")
        rows = select(aside).order_by(aside.c.top1_ppm.desc(), aside.c.point_id).limit(most)
        found = looked_up(rows.subquery("chosen"), self._scenario).subquery("found")
        return [{**row, "on_front": False} for row in self._read(fronts.in_order(found))]

    def counted_greyed(self, scopes: Sequence[Scope]) -> int:
        """Return how many points ``greyed`` chooses among."""
        inside = self._points.inside(scopes)
        return self._counted(set_aside(self._points.table, self._mode, self._scenario, inside, noisy=self._noisy))

    def leaders(self, scopes: Sequence[Scope], *, by: Sequence[str], cost: Cost, most: int) -> list[Row]:
        """Return every point that is on the front of its group, the most accurate first; columns as of ``nearest``.

        Args:
            scopes: In which; of ``scopes``.
            by: Of ``group_fronts.GROUPS``: what tells groups apart.
            cost: By what, besides accuracy, they are judged.
            most: How many at most.
        """
        found = self._fronts_of_groups(scopes, by, cost).limit(most)
        return [{**row, "on_front": True} for row in self._read(found)]

    def counted_leaders(self, scopes: Sequence[Scope], *, by: Sequence[str], cost: Cost) -> int:
        """Return how many points ``leaders`` chooses among."""
        return self._counted(self._fronts_of_groups(scopes, by, cost).order_by(None))

    def _fronts_of_groups(self, scopes: Sequence[Scope], by: Sequence[str], cost: Cost) -> Select[Any]:
        inside = self._points.inside(scopes)
        return group_fronts.fronts_of_groups(
            self._points, self._mode, self._scenario, inside, by=by, cost=cost, noisy=self._noisy
        )

    def _counted(self, rows: Select[Any]) -> int:
        number: int = self._read(select(func.count().label("number")).select_from(rows.subquery("rows")))[0]["number"]
        return number

    def families(self, scopes: Sequence[Scope]) -> list[Row]:
        """Return each series that has points in some scopes, with what it is made of."""
        points = self._points
        rows = points.table
        if points.told is not rows:
            rows = rows.join(points.told, points.told.c.point_id == rows.c.point_id)
        competes = competing(points.table.c, self._mode, self._scenario, noisy=self._noisy)
        columns = [points.told.c[name] for name in _FAMILY]
        query = select(*columns).select_from(rows).where(competes, points.inside(scopes)).distinct()
        return sorted(self._read(query), key=lambda row: str(row["series"]))

    def left_out(self, scopes: Sequence[Scope]) -> LeftOut:
        """Return how many configurations were tested on the data of some scopes and have no usable throughput there."""
        measured = [scope for scope in scopes if scope["source"] == "measured"]
        if not measured:
            return LeftOut(0, 0, 0, 0)
        points = self._tested()
        waits, drawn = points.alias("waits"), points.alias("drawn")
        w, d = waits.c, drawn.c
        same, verdict = and_(*(w[name] == d[name] for name in TESTED)), w[f"{self._mode}_verdict"]
        why = func.max(case(*((verdict == one, rank) for rank, one in _REASONS.items()), else_=0)).label("why")
        each = (
            select(why)
            .select_from(waits.outerjoin(drawn, and_(same, self._usable(d), _in_one_of(d, measured))))
            .where(w.source == "measured", ~self._usable(w), _in_one_of(w, measured) | _nowhere(w, measured))
            .group_by(*(w[name] for name in TESTED))
            .having(func.count(d.variant_id) == 0)
            .subquery("each")
        )
        counts = {
            row["why"]: row["number"]
            for row in self._read(select(each.c.why, func.count().label("number")).group_by(each.c.why))
        }
        reasons = {reason: counts.get(rank, 0) for rank, reason in _REASONS.items()}
        return LeftOut(**reasons, waiting=counts.get(0, 0))

    def _usable(self, columns: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[bool]:
        return usable(columns, self._mode, noisy=self._noisy)

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
