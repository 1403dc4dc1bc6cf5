"""A part of the points of one scenario, asked for as much of it as a page shows: never more rows than it draws.

scopes     where there are any, and how many
nearest    all of the front, and of the others those that miss it by least
families   what the points are called
left_out   how many tested configurations have no throughput that may enter a front
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, FromClause, Select, and_, case, func, literal, or_, select

from db import fronts
from db.derived_tables import competing, point_scopes, result_points
from db.filters import Condition
from db.front_views import (
    SCOPE,
    Mode,
    Scenario,
    scenarios_of,
    scope_key,
    stored_columns,
    stored_distances,
    usable,
    with_distances,
)
from db.variant_results_view import TESTED
from db.views import VARIANT_RESULTS

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
        waiting: Not measured.
    """

    contended: int
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
        self._conditions = conditions
        self._sweep = sweep
        #: None where points must be pooled anew.
        self._stored = fronts.stored_where(conditions, sweep)

    def scopes(self) -> list[Row]:
        """Return where there are points: rows with the columns of ``SCOPE``, those of images, and ``points``."""
        return self._read(self._new_scopes() if self._stored is None else self._stored_scopes(self._stored))

    def nearest(self, scopes: Sequence[Scope], others: int | None = None) -> list[Row]:
        """Return every point of the front and the nearest others, with the columns and the order of ``Reader.points``.

        Near is whose accuracy is little below the best of those that are as fast or faster; among equals, the faster.

        Args:
            scopes: In which; of ``scopes``.
            others: How many at most that are not on the front; all if None.
        """
        judged = self._judged(scopes)
        j = judged.c
        rows = select(judged).order_by(j.on_front.desc(), j.behind, *_nearest_first(judged))
        if others is not None:
            on_front = select(func.count()).select_from(judged).where(j.on_front == 1).scalar_subquery()
            rows = rows.limit(on_front + literal(others))
        chosen = rows.subquery("chosen")
        found = self._read(fronts.in_order(chosen if self._stored is None else self._looked_up(chosen)))
        return [
            {**{name: row[name] for name in row if name != "behind"}, "on_front": row["on_front"] == 1} for row in found
        ]

    def families(self, scopes: Sequence[Scope]) -> list[Row]:
        """Return each series that has points in some scopes, with what it is made of."""
        if self._stored is None:
            c = self._candidates().c
            query = select(*(c[name] for name in _FAMILY)).where(_in_one_of(c, scopes))
        else:
            query = select(*(result_points.c[name] for name in _FAMILY)).where(*self._stored_in(self._stored, scopes))
        return sorted(self._read(query.distinct()), key=lambda row: str(row["series"]))

    def left_out(self, scopes: Sequence[Scope]) -> LeftOut:
        """Return how many configurations were tested on the data of some scopes and have no usable throughput there."""
        measured = [scope for scope in scopes if scope["source"] == "measured"]
        if not measured:
            return LeftOut(0, 0)
        points = self._tested()
        waits, drawn = points.alias("waits"), points.alias("drawn")
        w, d = waits.c, drawn.c
        same = and_(*(w[name] == d[name] for name in TESTED))
        contended = func.max(case((w[f"{self._mode}_verdict"] == "contended", 1), else_=0)).label("contended")
        each = (
            select(contended)
            .select_from(waits.outerjoin(drawn, and_(same, usable(d, self._mode), _in_one_of(d, measured))))
            .where(w.source == "measured", ~usable(w, self._mode), _in_one_of(w, measured) | _nowhere(w, measured))
            .group_by(*(w[name] for name in TESTED))
            .having(func.count(d.variant_id) == 0)
            .subquery("each")
        )
        (row,) = self._read(
            select(func.count().label("all"), func.coalesce(func.sum(each.c.contended), 0).label("some"))
        )
        return LeftOut(contended=int(row["some"]), waiting=int(row["all"]) - int(row["some"]))

    # The points that are stored, narrowed down by what holds for whole choices ------------------------------------

    def _stored_in(self, where: ColumnElement[bool], scopes: Sequence[Scope]) -> list[ColumnElement[bool]]:
        keys = [
            scope_key({name: literal(scope[name], result_points.c[name].type) for name in SCOPE}) for scope in scopes
        ]
        numbers = select(point_scopes.c.scope_id).where(point_scopes.c.scope_key.in_(keys))
        return [competing(self._mode, self._scenario), where, result_points.c.scope_id.in_(numbers)]

    def _stored_scopes(self, where: ColumnElement[bool]) -> Select[Any]:
        p = result_points.c
        # One point of each tells the rest of it; counting reads nothing but an index.
        counted = (
            select(func.max(p.point_id).label("one"), func.count().label("points"))
            .where(competing(self._mode, self._scenario), where)
            .group_by(p.scope_id)
            .subquery("counted")
        )
        told = [p[name] for name in (*SCOPE, *_IMAGES)]
        query = select(*told, counted.c.points).join_from(counted, result_points, p.point_id == counted.c.one)
        return query.order_by(*(p[name] for name in SCOPE))

    def _looked_up(self, chosen: FromClause) -> FromClause:
        """Return the stored points of some numbers, with the columns of ``Reader.points``."""
        p = result_points.c
        columns = stored_columns(self._mode, self._scenario, VARIANT_RESULTS)
        found = select(*columns, chosen.c.on_front).join_from(chosen, result_points, p.point_id == chosen.c.point_id)
        return found.subquery("found")

    def _judged(self, scopes: Sequence[Scope]) -> CTE:
        if self._stored is not None:
            inside = and_(*self._stored_in(self._stored, scopes))
            return stored_distances(self._mode, self._scenario, inside).cte("judged")
        judged = with_distances(fronts.chosen_points(self._conditions, self._sweep), self._mode).subquery("anew")
        mine = (judged.c.scenario == self._scenario) & _in_one_of(judged.c, scopes)
        return select(judged).where(mine).cte("judged")

    # Points that are pooled anew ----------------------------------------------------------------------------------

    def _candidates(self) -> FromClause:
        points = scenarios_of(fronts.chosen_points(self._conditions, self._sweep), self._mode).subquery("points")
        return select(points).where(points.c.scenario == self._scenario).subquery("candidates")

    def _new_scopes(self) -> Select[Any]:
        c = self._candidates().c
        scope = [c[name] for name in SCOPE]
        images = [func.max(c[name]).label(name) for name in _IMAGES]
        return select(*scope, *images, func.count().label("points")).group_by(*scope).order_by(*scope)

    def _tested(self) -> FromClause:
        """Return everything that was tested; pooled once, though it is read twice."""
        points = fronts.chosen_points(self._conditions, self._sweep)
        pooled_anew = self._sweep is not None or fronts.row_conditions(self._conditions)
        return select(points).cte("tested") if pooled_anew else points


def _nearest_first(judged: FromClause) -> list[ColumnElement[Any]]:
    """Return what decides among points that are as far behind: throughput, then anything that is always the same."""
    j = judged.c
    last = [j.point_id] if "point_id" in j else [j[name] for name in fronts.TIE_BREAKERS]
    return [j.images_per_second.desc(), j.top1_ppm.desc(), *last]


def _in_one_of(columns: Any, scopes: Sequence[Scope], names: Sequence[str] = SCOPE) -> ColumnElement[bool]:
    same = [and_(*(_is(columns[name], scope[name]) for name in names)) for scope in scopes]
    return or_(False, *same)


def _nowhere(columns: Any, scopes: Sequence[Scope]) -> ColumnElement[bool]:
    """Return the condition that a point is of the data set of some scopes, and of no place."""
    return and_(columns.device.is_(None), _in_one_of(columns, scopes, ("dataset", "dataset_id")))


def _is(column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value
