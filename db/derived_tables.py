"""Tables that are computed from the others, so that a front need not pool every evaluation anew.

    sweep_places   where a sweep has measured
    result_points  the rows of the view ``variant_results``, and likewise those of each sweep alone, with what tells
                   whether they compete
    point_scopes   within which points compete, numbered: fronts compare one integer

They hold nothing that could not be computed again: ``db.points`` writes them in the transaction that changes what they
are computed from, and nobody else does. Bundles leave them out.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from db.column_types import IDENTITY, UtcDateTime
from db.tables import MODES, metadata

derived = MetaData(naming_convention=metadata.naming_convention)

sweep_places = Table(
    "sweep_places",
    derived,
    Column("sweep_id", IDENTITY, primary_key=True, autoincrement=False),
    Column("environment_key", String(32), primary_key=True),
)

point_scopes = Table(
    "point_scopes",
    derived,
    Column("scope_id", IDENTITY, primary_key=True, autoincrement=True),
    Column("scope_key", Text, nullable=False),
    UniqueConstraint("scope_key"),
)

#: The columns of ``variant_results``, in their order; docs/views.md describes them.
_POINT: Final[tuple[Column[Any], ...]] = (
    Column("source", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("model_size", Text, nullable=False),
    Column("group_size", Integer, nullable=False),
    Column("expansion", Integer, nullable=False),
    Column("norm", Text, nullable=False),
    Column("width", Double, nullable=False),
    Column("small_images", Boolean, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("train_images", Integer),
    Column("test_images", Integer),
    Column("validation_images", BigInteger),
    Column("train_resolution", Integer, nullable=False),
    Column("test_resolution", Integer),
    Column("native_resolution", Integer),
    Column("half_resolution", Integer),
    Column("seeds", BigInteger),
    Column("top1_mean", Double, nullable=False),
    Column("top1_std", Double),
    Column("top1_ppm", BigInteger, nullable=False),
    Column("top1_before_fine_tune_mean", Double),
    Column("validation_top1_mean", Double),
    Column("validation_ppm", BigInteger),
    Column("images_sum", BigInteger),
    Column("correct_sum", BigInteger),
    Column("validation_images_sum", BigInteger),
    Column("validation_correct_sum", BigInteger),
    Column("params", BigInteger),
    Column("train_macs", BigInteger),
    Column("test_macs", BigInteger),
    Column("train_images_per_second", Double),
    Column("train_throughput_cv", Double),
    Column("train_verdict", Text),
    Column("inference_images_per_second", Double),
    Column("inference_throughput_cv", Double),
    Column("inference_verdict", Text),
    Column("slot_kind", Text),
    Column("device", Text),
    Column("threads", Integer),
    Column("precision", Text),
    Column("fine_tune_layers", Text),
    Column("recipe_digest", Text),
    Column("fine_tune_digest", Text),
    Column("train_measurement_id", BigInteger),
    Column("inference_measurement_id", BigInteger),
    Column("variant_id", BigInteger, nullable=False),
    Column("dataset_id", BigInteger),
    Column("finished_at", UtcDateTime),
)
POINT_COLUMNS: Final = tuple(column.name for column in _POINT)

result_points = Table(
    "result_points",
    derived,
    Column("point_id", IDENTITY, primary_key=True, autoincrement=True),
    *_POINT,
    # The sweep whose results it pools; NULL: of several sweeps, or published. 1 or 0: it pools all results. A
    # configuration that one sweep alone trained has the same points in both, so they are stored once, as both.
    Column("sweep_id", BigInteger),
    Column("of_all", Integer, nullable=False, server_default="1"),
    Column("scope_id", BigInteger),
    # 1 or 0: tested at the native resolution, at the best one.
    Column("native", Integer, nullable=False),
    Column("best", Integer, nullable=False),
    # Whether its throughput may enter a front: 1; 0: no; 2: only where noisy measurements compete, too.
    Column("train_competes", Integer, nullable=False),
    Column("inference_competes", Integer, nullable=False),
    Column("chosen_from", BigInteger, nullable=False),
    Index(None, "variant_id", "dataset_id", "train_resolution"),
    Index(None, "sweep_id", "finished_at"),
)


def competing(
    points: ReadOnlyColumnCollection[str, Any], mode: str, scenario: str, *, noisy: bool = False
) -> ColumnElement[bool]:
    """Return the condition under which a point competes.

    Args:
        points: Columns of ``result_points``, or of points computed like them.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        noisy: Whether noisy measurements compete, too.
    """
    return and_(of_scenario(points, mode, scenario), points[f"{mode}_competes"].in_((1, 2) if noisy else (1,)))


def of_scenario(points: ReadOnlyColumnCollection[str, Any], mode: str, scenario: str) -> ColumnElement[bool]:
    """Return the condition that a point of a scenario has a throughput, whether or not it competes."""
    measured = points[f"{mode}_images_per_second"].is_not(None)
    return measured if scenario == "all" else and_(measured, points[scenario] == 1)


def _index_fronts(mode: str) -> None:
    """Index what a front compares, in the order in which it does: of all results, and of each sweep."""
    p = result_points.c
    decides = (p.native, p.best, p[f"{mode}_competes"])
    compared = (p.scope_id, p[f"{mode}_images_per_second"].desc(), p.top1_ppm.desc(), *decides)
    measured = of_scenario(p, mode, "all")
    of_all = and_(measured, p.of_all == 1)
    told: dict[str, Any] = {"postgresql_include": ["point_id"]}  # SQLite's indexes have it anyway
    Index(f"ix_result_points_{mode}", *compared, sqlite_where=of_all, postgresql_where=of_all, **told)
    name = f"ix_result_points_{mode}_of_sweep"
    Index(name, p.sweep_id, *compared, sqlite_where=measured, postgresql_where=measured, **told)


for _mode in MODES:
    _index_fronts(_mode)
