"""Points of each sweep beside those of all results, and indexes for both.

They are filled after the views are made, like everything that is computed from the other tables (see 0003).
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_MODES = ("train", "inference")


def upgrade() -> None:
    """Add the columns, and replace the indexes of each scenario by those of each mode."""
    op.execute("ALTER TABLE result_points ADD COLUMN sweep_id BIGINT")
    op.execute("ALTER TABLE result_points ADD COLUMN of_all INTEGER DEFAULT 1 NOT NULL")
    op.create_index("ix_result_points_sweep_id_finished_at", "result_points", ["sweep_id", "finished_at"])
    # SQLite's indexes tell the number of a row anyway.
    told = "" if op.get_context().dialect.name == "sqlite" else " INCLUDE (point_id)"
    for mode in _MODES:
        for scenario in ("all", "native", "best"):
            op.execute(f"DROP INDEX ix_result_points_{mode}_{scenario}")
        compared = f"scope_id, {mode}_images_per_second DESC, top1_ppm DESC, native, best"
        op.execute(f"""
            CREATE INDEX ix_result_points_{mode} ON result_points ({compared}){told}
            WHERE {mode}_competes = 1 AND of_all = 1
        """)
        op.execute(f"""
            CREATE INDEX ix_result_points_{mode}_of_sweep ON result_points (sweep_id, {compared}){told}
            WHERE {mode}_competes = 1
        """)
