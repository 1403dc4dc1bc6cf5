"""Validation images: how many are held out of the training images, and how many of them an evaluation got right.

What an earlier release trained held none out. Columns are added in place, by SQL that both engines read: rebuilding a
table, as Alembic does for SQLite, would lose its other CHECK constraints, which cannot be read back from the database.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    op.execute("""
        ALTER TABLE datasets ADD COLUMN validation_images INTEGER
        CONSTRAINT ck_datasets_validation_images CHECK (validation_images >= 0)
    """)
    op.execute("UPDATE datasets SET validation_images = 0")
    op.execute("ALTER TABLE evaluations ADD COLUMN validation_images BIGINT DEFAULT 0 NOT NULL")
    op.execute("""
        ALTER TABLE evaluations ADD COLUMN validation_correct BIGINT DEFAULT 0 NOT NULL
        CONSTRAINT ck_evaluations_validation_correct
        CHECK (validation_correct >= 0 AND validation_correct <= validation_images)
    """)
