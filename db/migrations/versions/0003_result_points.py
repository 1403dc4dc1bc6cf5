"""The tables that are computed from the others, and an index for the newest results.

They are filled after the views are made (``db.points.rebuild``): what a point is belongs to the program, not to a step
of the schema.
"""

import sqlalchemy as sa
from alembic import op

from db.column_types import IDENTITY, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables and the indexes."""
    op.create_table(
        "sweep_places",
        sa.Column("sweep_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", "environment_key", name="pk_sweep_places"),
    )
    op.create_table(
        "point_scopes",
        sa.Column("scope_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("scope_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope_id", name="pk_point_scopes"),
        sa.UniqueConstraint("scope_key", name="uq_point_scopes_scope_key"),
    )
    _create_result_points()
    op.create_index(
        "ix_result_points_variant_id_dataset_id_train_resolution",
        "result_points",
        ["variant_id", "dataset_id", "train_resolution"],
    )
    for mode in ("train", "inference"):
        # The general one first: of several that fit, SQLite takes the newest.
        for scenario, chosen in (("all", ""), ("native", " AND native = 1"), ("best", " AND best = 1")):
            op.execute(f"""
                CREATE INDEX ix_result_points_{mode}_{scenario}
                ON result_points (scope_id, {mode}_images_per_second DESC, top1_ppm DESC)
                WHERE {mode}_competes = 1{chosen}
            """)
    op.create_index("ix_evaluations_finished_at", "evaluations", ["finished_at"])
    # As the view ``results`` computes top1, word for word: else no engine knows that it is the same.
    if op.get_context().dialect.name == "sqlite":
        top1 = "(CAST(correct AS DOUBLE) * 100) / (images + 0.0)"
    else:
        top1 = "(CAST(correct AS DOUBLE PRECISION) * 100) / CAST(images AS NUMERIC)"
    op.execute(f"CREATE INDEX ix_evaluations_top1 ON evaluations (({top1}) DESC, fingerprint)")


def _create_result_points() -> None:
    op.create_table(
        "result_points",
        sa.Column("point_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("model_size", sa.Text(), nullable=False),
        sa.Column("group_size", sa.Integer(), nullable=False),
        sa.Column("expansion", sa.Integer(), nullable=False),
        sa.Column("norm", sa.Text(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("small_images", sa.Boolean(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("train_images", sa.Integer(), nullable=True),
        sa.Column("test_images", sa.Integer(), nullable=True),
        sa.Column("validation_images", sa.BigInteger(), nullable=True),
        sa.Column("train_resolution", sa.Integer(), nullable=False),
        sa.Column("test_resolution", sa.Integer(), nullable=True),
        sa.Column("native_resolution", sa.Integer(), nullable=True),
        sa.Column("half_resolution", sa.Integer(), nullable=True),
        sa.Column("seeds", sa.BigInteger(), nullable=True),
        sa.Column("top1_mean", sa.Double(), nullable=False),
        sa.Column("top1_std", sa.Double(), nullable=True),
        sa.Column("top1_ppm", sa.BigInteger(), nullable=False),
        sa.Column("top1_before_fine_tune_mean", sa.Double(), nullable=True),
        sa.Column("validation_top1_mean", sa.Double(), nullable=True),
        sa.Column("validation_ppm", sa.BigInteger(), nullable=True),
        sa.Column("images_sum", sa.BigInteger(), nullable=True),
        sa.Column("correct_sum", sa.BigInteger(), nullable=True),
        sa.Column("validation_images_sum", sa.BigInteger(), nullable=True),
        sa.Column("validation_correct_sum", sa.BigInteger(), nullable=True),
        sa.Column("params", sa.BigInteger(), nullable=True),
        sa.Column("train_macs", sa.BigInteger(), nullable=True),
        sa.Column("test_macs", sa.BigInteger(), nullable=True),
        sa.Column("train_images_per_second", sa.Double(), nullable=True),
        sa.Column("train_throughput_cv", sa.Double(), nullable=True),
        sa.Column("train_verdict", sa.Text(), nullable=True),
        sa.Column("inference_images_per_second", sa.Double(), nullable=True),
        sa.Column("inference_throughput_cv", sa.Double(), nullable=True),
        sa.Column("inference_verdict", sa.Text(), nullable=True),
        sa.Column("slot_kind", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("threads", sa.Integer(), nullable=True),
        sa.Column("precision", sa.Text(), nullable=True),
        sa.Column("fine_tune_layers", sa.Text(), nullable=True),
        sa.Column("recipe_digest", sa.Text(), nullable=True),
        sa.Column("fine_tune_digest", sa.Text(), nullable=True),
        sa.Column("train_measurement_id", sa.BigInteger(), nullable=True),
        sa.Column("inference_measurement_id", sa.BigInteger(), nullable=True),
        sa.Column("variant_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("scope_id", sa.BigInteger(), nullable=True),
        sa.Column("native", sa.Integer(), nullable=False),
        sa.Column("best", sa.Integer(), nullable=False),
        sa.Column("train_competes", sa.Integer(), nullable=False),
        sa.Column("inference_competes", sa.Integer(), nullable=False),
        sa.Column("chosen_from", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("point_id", name="pk_result_points"),
    )
