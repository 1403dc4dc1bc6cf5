"""Searches and their trials; accuracy of the held-out images after an epoch."""

import sqlalchemy as sa
from alembic import op

from db.column_types import IDENTITY, JsonText, UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns and tables."""
    op.execute("ALTER TABLE epochs ADD COLUMN validation_images BIGINT")
    # Both engines check the other column too, by the constraint of the one that comes last.
    op.execute("""
        ALTER TABLE epochs ADD COLUMN validation_correct BIGINT
        CONSTRAINT ck_epochs_validation_correct CHECK (
            (validation_correct IS NULL) = (validation_images IS NULL)
            AND validation_correct >= 0 AND validation_correct <= validation_images
        )
    """)
    _create_searches()
    _create_trials()
    _create_trial_jobs()


def _create_searches() -> None:
    op.create_table(
        "searches",
        sa.Column("sweep_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("settings", JsonText(), nullable=False),
        sa.Column("importances", JsonText(), nullable=False),
        sa.Column("ended", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_searches_sweep_id")),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_searches")),
    )


def _create_trials() -> None:
    states = "'open', 'complete', 'infeasible', 'skipped', 'pruned', 'failed'"
    op.create_table(
        "search_trials",
        sa.Column("sweep_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("params", JsonText(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("objective_values", JsonText(), nullable=False),
        sa.Column("violations", JsonText(), nullable=False),
        sa.Column("curve", JsonText(), nullable=False),
        sa.Column("attributes", JsonText(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("origin IN ('sampler', 'stored', 'companion')", name=op.f("ck_search_trials_origin")),
        sa.CheckConstraint(f"state IN ({states})", name=op.f("ck_search_trials_state")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_search_trials_number")),
        sa.CheckConstraint("(finished_at IS NULL) = (state = 'open')", name=op.f("ck_search_trials_finished_at")),
        sa.ForeignKeyConstraint(["sweep_id"], ["searches.sweep_id"], name=op.f("fk_search_trials_sweep_id")),
        sa.PrimaryKeyConstraint("sweep_id", "number", name=op.f("pk_search_trials")),
        sa.UniqueConstraint("sweep_id", "params", name=op.f("uq_search_trials_sweep_id_params")),
    )


def _create_trial_jobs() -> None:
    op.create_table(
        "search_trial_jobs",
        sa.Column("sweep_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("reused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["sweep_id"], ["searches.sweep_id"], name=op.f("fk_search_trial_jobs_sweep_id")),
        sa.ForeignKeyConstraint(
            ["sweep_id", "number"],
            ["search_trials.sweep_id", "search_trials.number"],
            name=op.f("fk_search_trial_jobs_sweep_id_number"),
        ),
        sa.ForeignKeyConstraint(["fingerprint"], ["jobs.fingerprint"], name=op.f("fk_search_trial_jobs_fingerprint")),
        sa.PrimaryKeyConstraint("sweep_id", "number", "fingerprint", name=op.f("pk_search_trial_jobs")),
    )
    op.create_index(op.f("ix_search_trial_jobs_fingerprint"), "search_trial_jobs", ["fingerprint"])
