"""The views that people query, made from the queries that the program itself uses.

    results ──▶ (db.points) ──▶ result_points ──▶ variant_results, training_front, inference_front

They are dropped before every migration and created anew after it, always all of them, from this one place. Their
columns are described in docs/views.md; a change of them needs a migration, if only an empty one.
"""

from typing import Any, Final

from sqlalchemy import Connection, Select, TableClause, column, select, table
from sqlalchemy.sql import CompoundSelect

from db.derived_tables import POINT_COLUMNS, result_points
from db.front_views import front
from db.results_view import results

Query = Select[Any] | CompoundSelect[Any]


def _as_table(name: str, query: Query) -> TableClause:
    return table(name, *(column(one.name, one.type) for one in query.selected_columns if isinstance(one.name, str)))


_RESULTS: Final = results()
RESULTS: Final = _as_table("results", _RESULTS)
_VARIANT_RESULTS: Final = select(*(result_points.c[name] for name in POINT_COLUMNS)).where(result_points.c.of_all == 1)
VARIANT_RESULTS: Final = _as_table("variant_results", _VARIANT_RESULTS)
_TRAINING_FRONT: Final = front("train")
_INFERENCE_FRONT: Final = front("inference")
TRAINING_FRONT: Final = _as_table("training_front", _TRAINING_FRONT)
INFERENCE_FRONT: Final = _as_table("inference_front", _INFERENCE_FRONT)

#: Name → query, each after those that it reads.
_QUERIES: Final[dict[str, Query]] = {
    "results": _RESULTS,
    "variant_results": _VARIANT_RESULTS,
    "training_front": _TRAINING_FRONT,
    "inference_front": _INFERENCE_FRONT,
}
#: Name → view, for queries.
VIEWS: Final = {one.name: one for one in (RESULTS, VARIANT_RESULTS, TRAINING_FRONT, INFERENCE_FRONT)}


def definition(name: str, connection: Connection) -> str:
    """Return the SQL of a view for the engine at hand."""
    compiled = _QUERIES[name].compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    return str(compiled)


def create_all(connection: Connection) -> None:
    """Create every view."""
    for name in _QUERIES:
        connection.exec_driver_sql(f"CREATE VIEW {name} AS {definition(name, connection)}")


def drop_all(connection: Connection) -> None:
    """Drop whichever of the views exist."""
    for name in reversed(_QUERIES):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")
