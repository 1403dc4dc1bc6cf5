"""Measurements in rounds, what they tell besides throughput, and which environments are no longer there.

What an earlier release measured is a complete measurement of one round. Columns are added in place, by SQL that both
engines read (see 0002).
"""

import sqlalchemy as sa
from alembic import op

from db.column_types import IDENTITY, JsonText, UtcDateTime

revision = "0005"
down_revision = "0004"

_LARGEST = "1e300"
_NUMBERS = (
    "latency_p50_milliseconds",
    "latency_p90_milliseconds",
    "latency_p99_milliseconds",
    "end_to_end_images_per_second",
    "end_to_end_low",
    "end_to_end_high",
    "loading_images_per_second",
)


def upgrade() -> None:
    """Add the columns and tables, and fill them."""
    sqlite = op.get_context().dialect.name == "sqlite"
    double, yes, no = ("DOUBLE", "1", "0") if sqlite else ("DOUBLE PRECISION", "true", "false")
    op.execute(f"ALTER TABLE measurements ADD COLUMN complete BOOLEAN DEFAULT {yes} NOT NULL")
    op.execute(f"ALTER TABLE measurements ADD COLUMN compiled BOOLEAN DEFAULT {no} NOT NULL")
    op.execute(f"""
        ALTER TABLE measurements ADD COLUMN iqr {double}
        CONSTRAINT ck_measurements_iqr CHECK (iqr >= 0 AND iqr < {_LARGEST})
    """)
    for name in _NUMBERS:
        op.execute(f"ALTER TABLE measurements ADD COLUMN {name} {double}")
    op.execute("ALTER TABLE samples ADD COLUMN round INTEGER DEFAULT 1 NOT NULL")
    op.execute(f"ALTER TABLE environments ADD COLUMN superseded_at {'TEXT' if sqlite else 'TIMESTAMP WITH TIME ZONE'}")
    _create_sightings()
    _create_rounds()


def _create_sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_sightings_environment_key")
        ),
        sa.PrimaryKeyConstraint("environment_key", "node", name=op.f("pk_sightings")),
    )
    op.execute("""
        INSERT INTO sightings (environment_key, node, seen_at)
        SELECT environment_key, node, MAX(started_at) FROM attempts
        WHERE environment_key IS NOT NULL GROUP BY environment_key, node
    """)


def _create_rounds() -> None:
    op.create_table(
        "measurement_rounds",
        sa.Column("measurement_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verdict_reason", sa.Text(), nullable=False),
        sa.Column("reference_images_per_second", sa.Double(), nullable=True),
        sa.Column("end_to_end", JsonText(), nullable=False),
        sa.Column("loading", JsonText(), nullable=False),
        sa.Column("latencies", JsonText(), nullable=False),
        sa.Column("conditions", JsonText(), nullable=False),
        sa.Column("measured_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("verdict IN ('clean', 'noisy', 'contended')", name=op.f("ck_measurement_rounds_verdict")),
        sa.CheckConstraint(
            f"round >= 1 AND images > 0 AND seconds > 0 AND seconds < {_LARGEST}",
            name=op.f("ck_measurement_rounds_positive"),
        ),
        sa.CheckConstraint(
            f"reference_images_per_second > 0 AND reference_images_per_second < {_LARGEST}",
            name=op.f("ck_measurement_rounds_reference"),
        ),
        sa.ForeignKeyConstraint(
            ["measurement_id"], ["measurements.measurement_id"], name=op.f("fk_measurement_rounds_measurement_id")
        ),
        sa.PrimaryKeyConstraint("measurement_id", "round", name=op.f("pk_measurement_rounds")),
    )
    op.execute("""
        INSERT INTO measurement_rounds (measurement_id, round, attempt, images, seconds, verdict, verdict_reason,
                                        end_to_end, loading, latencies, conditions, measured_at)
        SELECT m.measurement_id, 1, m.attempt, SUM(s.images), SUM(s.seconds), m.verdict, m.verdict_reason,
               '[]', '[]', '[]', m.conditions, m.measured_at
        FROM measurements AS m JOIN samples AS s ON s.measurement_id = m.measurement_id
        GROUP BY m.measurement_id
    """)
