"""The first rows of ``results`` in some order, and their number, without touching all of them."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, func, select, union_all

from db.results_view import measured_results, published_as_results

#: Gives what must hold of the rows, or their order, by the columns of ``results``.
Condition = Callable[[FromClause], ColumnElement[bool]]
Order = Callable[[FromClause], Sequence[ColumnElement[Any]]]


def first_results(columns: Sequence[str], where: Condition, order: Order, limit: int) -> Select[Any]:
    """Query the first rows of ``results``.

    Our own results and published ones are put in order apart: an engine can then follow an index through ours and stop
    early, which it cannot through both together.

    Args:
        columns: Which, in this order.
        where: Which rows.
        order: What they are sorted by.
        limit: How many rows at most.
    """
    parts = []
    for number, query in enumerate((measured_results(), published_as_results())):
        rows = query.subquery(f"rows_{number}")
        first = select(rows).where(where(rows)).order_by(*order(rows)).limit(limit)
        parts.append(select(first.subquery(f"first_{number}")))
    every = union_all(*parts).subquery("results")
    return select(*(every.c[name] for name in columns)).order_by(*order(every)).limit(limit)


def counted_results(where: Condition, most: int) -> Select[Any]:
    """Query the number of rows of ``results``, counting no further than ``most``.

    Args:
        where: Which rows.
        most: Where counting ends.
    """
    parts = []
    for number, query in enumerate((measured_results(), published_as_results())):
        rows = query.subquery(f"rows_{number}")
        some = select(rows.c.variant_id).where(where(rows)).limit(most)
        parts.append(select(some.subquery(f"some_{number}")))
    return select(func.count().label("rows")).select_from(union_all(*parts).limit(most).subquery("results"))
