"""Noisy measurements compete only where somebody asks for that: indexes for both.

Points are computed anew after the views are made, like everything that is computed from the other tables (see 0003).
"""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Replace the indexes of what competes by those of what was measured, which tell whether it competes."""
    # SQLite's indexes tell the number of a row anyway.
    told = "" if op.get_context().dialect.name == "sqlite" else " INCLUDE (point_id)"
    for mode in ("train", "inference"):
        name, throughput = f"ix_result_points_{mode}", f"{mode}_images_per_second"
        compared = f"scope_id, {throughput} DESC, top1_ppm DESC, native, best, {mode}_competes"
        op.execute(f"DROP INDEX {name}")
        op.execute(f"DROP INDEX {name}_of_sweep")
        op.execute(f"""
            CREATE INDEX {name} ON result_points ({compared}){told} WHERE {throughput} IS NOT NULL AND of_all = 1
        """)
        op.execute(f"""
            CREATE INDEX {name}_of_sweep ON result_points (sweep_id, {compared}){told} WHERE {throughput} IS NOT NULL
        """)
