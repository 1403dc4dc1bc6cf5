"""How fast the reference network was around each timed block."""

from alembic import op

revision = "0010"
down_revision = "0009"

_LARGEST = "1e300"


def upgrade() -> None:
    """Add the column; of blocks that earlier releases timed nobody knows it."""
    double = "DOUBLE" if op.get_context().dialect.name == "sqlite" else "DOUBLE PRECISION"
    op.execute(f"""
        ALTER TABLE samples ADD COLUMN reference_images_per_second {double}
        CONSTRAINT ck_samples_reference CHECK (
            reference_images_per_second > 0 AND reference_images_per_second < {_LARGEST}
        )
    """)
