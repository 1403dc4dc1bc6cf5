"""Pauses of sweeps: since when, by whom, and for how long before."""

from alembic import op

revision = "0009"
down_revision = "0008"

_LARGEST = "1e300"


def upgrade() -> None:
    """Add the columns; a sweep that another program called paused has nobody who would go on with it."""
    sqlite = op.get_context().dialect.name == "sqlite"
    double, time = ("DOUBLE", "TEXT") if sqlite else ("DOUBLE PRECISION", "TIMESTAMP WITH TIME ZONE")
    op.execute("UPDATE sweeps SET state = 'stopped' WHERE state = 'paused'")
    op.execute(f"""
        ALTER TABLE sweeps ADD COLUMN paused_seconds {double} DEFAULT 0 NOT NULL
        CONSTRAINT ck_sweeps_paused_seconds CHECK (paused_seconds >= 0 AND paused_seconds < {_LARGEST})
    """)
    op.execute(f"ALTER TABLE sweeps ADD COLUMN paused_at {time}")
    op.execute("ALTER TABLE sweeps ADD COLUMN paused_by TEXT")
    # Both engines check the other columns too, by the constraint of the one that comes last.
    op.execute("""
        ALTER TABLE sweeps ADD COLUMN pause_interrupts BOOLEAN
        CONSTRAINT ck_sweeps_pause CHECK (
            (paused_at IS NOT NULL) = (state = 'paused') AND (paused_by IS NOT NULL) = (state = 'paused')
            AND (pause_interrupts IS NOT NULL) = (state = 'paused')
        )
    """)
