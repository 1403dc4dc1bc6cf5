"""How a measured network was laid out on IPUs."""

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    for name in ("micro_batch", "accumulation", "replicas", "ipus_per_replica"):
        op.execute(f"ALTER TABLE measurements ADD COLUMN {name} INTEGER")
    # Both engines check the other columns too, by the constraint of the one that comes last.
    op.execute("""
        ALTER TABLE measurements ADD COLUMN device_iterations INTEGER
        CONSTRAINT ck_measurements_ipu_layout CHECK (
            (micro_batch IS NULL AND accumulation IS NULL AND replicas IS NULL AND ipus_per_replica IS NULL
                AND device_iterations IS NULL)
            OR (COALESCE(micro_batch, 0) > 0 AND COALESCE(accumulation, 0) > 0 AND COALESCE(replicas, 0) > 0
                AND COALESCE(ipus_per_replica, 0) > 0 AND COALESCE(device_iterations, 0) > 0
                AND batch_size = micro_batch * accumulation * replicas)
        )
    """)
