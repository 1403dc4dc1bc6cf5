"""Tables of the first release.

Views are dropped before and created anew after every upgrade (``db.views``); a script changes tables only.
"""

import sqlalchemy as sa
from alembic import op

from db.column_types import IDENTITY, JsonText, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "datasets",
        sa.Column("dataset_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("image_side", sa.Integer(), nullable=False),
        sa.Column("train_images", sa.Integer(), nullable=True),
        sa.Column("test_images", sa.Integer(), nullable=True),
        sa.Column("root", sa.Text(), nullable=True),
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.CheckConstraint("classes >= 1 AND channels >= 1 AND image_side >= 0", name=op.f("ck_datasets_positive")),
        sa.PrimaryKeyConstraint("dataset_id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("digest", name=op.f("uq_datasets_digest")),
    )
    op.create_table(
        "drivers",
        sa.Column("driver_id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("process_started", sa.Double(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("heartbeat_at", UtcDateTime(), nullable=False),
        sa.Column("beats", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("beats >= 0", name=op.f("ck_drivers_beats")),
        sa.PrimaryKeyConstraint("driver_id", name=op.f("pk_drivers")),
    )
    op.create_table(
        "environments",
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.Column("slot_kind", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("threads", sa.Integer(), nullable=False),
        sa.Column("software", JsonText(), nullable=False),
        sa.Column("details", JsonText(), nullable=False),
        sa.Column("first_seen_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("threads >= 0", name=op.f("ck_environments_threads")),
        sa.PrimaryKeyConstraint("environment_key", name=op.f("pk_environments")),
    )
    op.create_table(
        "publications",
        sa.Column("publication_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("imported_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("publication_id", name=op.f("pk_publications")),
        sa.UniqueConstraint("name", name=op.f("uq_publications_name")),
    )
    op.create_table(
        "variants",
        sa.Column("variant_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("model_size", sa.Text(), nullable=False),
        sa.Column("group_size", sa.Integer(), nullable=False),
        sa.Column("expansion", sa.Integer(), nullable=False),
        sa.Column("norm", sa.Text(), nullable=False),
        sa.Column("width", sa.Double(), nullable=False),
        sa.Column("small_images", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "group_size >= 1 AND expansion >= 1 AND width > 0 AND width < 1e6", name=op.f("ck_variants_positive")
        ),
        sa.PrimaryKeyConstraint("variant_id", name=op.f("pk_variants")),
        sa.UniqueConstraint(
            "model_size",
            "group_size",
            "expansion",
            "norm",
            "width",
            "small_images",
            name=op.f("uq_variants_model_size_group_size_expansion_norm_width_small_images"),
        ),
    )
    op.create_table(
        "jobs",
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("config", JsonText(), nullable=False),
        sa.Column("depends_on", sa.String(length=32), nullable=True),
        sa.Column("environment_key", sa.String(length=32), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("driver_id", sa.String(length=32), nullable=True),
        sa.Column("slot", sa.Text(), nullable=True),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("progress_text", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("(depends_on IS NOT NULL) = (stage = 'evaluate')", name=op.f("ck_jobs_depends_on")),
        sa.CheckConstraint("(driver_id IS NOT NULL) = (state = 'running')", name=op.f("ck_jobs_driver_id")),
        sa.CheckConstraint("(environment_key IS NOT NULL) = (stage = 'measure')", name=op.f("ck_jobs_environment_key")),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (state IN ('done', 'diverged', 'failed', 'quarantined', 'cancelled'))",
            name=op.f("ck_jobs_finished_at"),
        ),
        sa.CheckConstraint("(slot IS NOT NULL) = (state = 'running')", name=op.f("ck_jobs_slot")),
        sa.CheckConstraint("stage IN ('train', 'evaluate', 'measure')", name=op.f("ck_jobs_stage")),
        sa.CheckConstraint(
            "state <> 'running' OR (attempt >= 1 AND started_at IS NOT NULL)", name=op.f("ck_jobs_running")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'blocked', 'done', 'diverged', 'failed', 'quarantined', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.CheckConstraint("attempt >= 0 AND crashes >= 0 AND losses >= 0", name=op.f("ck_jobs_counts")),
        sa.CheckConstraint("progress >= 0 AND progress <= 1", name=op.f("ck_jobs_progress")),
        sa.ForeignKeyConstraint(
            ["depends_on"], ["jobs.fingerprint"], name=op.f("fk_jobs_depends_on"), initially="DEFERRED", deferrable=True
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.driver_id"], name=op.f("fk_jobs_driver_id")),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_jobs_environment_key")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_changed_at"), "jobs", ["changed_at"], unique=False)
    op.create_index(op.f("ix_jobs_depends_on"), "jobs", ["depends_on"], unique=False)
    op.create_index(op.f("ix_jobs_driver_id"), "jobs", ["driver_id"], unique=False)
    op.create_index(op.f("ix_jobs_state"), "jobs", ["state"], unique=False)
    op.create_table(
        "published_results",
        sa.Column("publication_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("variant_id", IDENTITY, nullable=False),
        sa.Column("train_resolution", sa.Integer(), nullable=False),
        sa.Column("test_resolution", sa.Integer(), nullable=True),
        sa.Column("native_resolution", sa.Integer(), nullable=True),
        sa.Column("half_resolution", sa.Integer(), nullable=True),
        sa.Column("fine_tuned", sa.Boolean(), nullable=False),
        sa.Column("top1_ppm", sa.Integer(), nullable=False),
        sa.Column("params", sa.BigInteger(), nullable=True),
        sa.Column("train_macs", sa.BigInteger(), nullable=True),
        sa.Column("train_images_per_second", sa.Double(), nullable=True),
        sa.Column("inference_images_per_second", sa.Double(), nullable=True),
        sa.Column("slot_kind", sa.Text(), nullable=True),
        sa.Column("device", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "inference_images_per_second > 0 AND inference_images_per_second < 1e300",
            name=op.f("ck_published_results_inference_throughput"),
        ),
        sa.CheckConstraint("top1_ppm >= 0 AND top1_ppm <= 1000000", name=op.f("ck_published_results_top1_ppm")),
        sa.CheckConstraint(
            "train_images_per_second > 0 AND train_images_per_second < 1e300",
            name=op.f("ck_published_results_train_throughput"),
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.publication_id"],
            name=op.f("fk_published_results_publication_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.variant_id"], name=op.f("fk_published_results_variant_id")),
        sa.PrimaryKeyConstraint("publication_id", "ordinal", name=op.f("pk_published_results")),
    )
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec_text", sa.Text(), nullable=False),
        sa.Column("spec_digest", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("driver_id", sa.String(length=32), nullable=True),
        sa.Column("artifacts", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(finished_at IS NOT NULL) = (state IN ('finished', 'failed'))", name=op.f("ck_sweeps_finished_at")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'stopped', 'finished', 'failed')", name=op.f("ck_sweeps_state")
        ),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.driver_id"], name=op.f("fk_sweeps_driver_id")),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("name", name=op.f("uq_sweeps_name")),
    )
    op.create_index(op.f("ix_sweeps_driver_id"), "sweeps", ["driver_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("driver_id", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("environment_key", sa.String(length=32), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), server_default="", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("traceback", sa.Text(), server_default="", nullable=False),
        sa.Column("directory", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('done', 'diverged', 'failed', 'crashed', 'lost', 'out_of_memory', 'timeout', 'stopped', "
            "'superseded')",
            name=op.f("ck_attempts_outcome"),
        ),
        sa.CheckConstraint("(ended_at IS NOT NULL) = (outcome IS NOT NULL)", name=op.f("ck_attempts_ended_at")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_attempts_attempt")),
        sa.ForeignKeyConstraint(["driver_id"], ["drivers.driver_id"], name=op.f("fk_attempts_driver_id")),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_attempts_environment_key")
        ),
        sa.ForeignKeyConstraint(["fingerprint"], ["jobs.fingerprint"], name=op.f("fk_attempts_fingerprint")),
        sa.PrimaryKeyConstraint("fingerprint", "attempt", name=op.f("pk_attempts")),
    )
    op.create_index(op.f("ix_attempts_driver_id"), "attempts", ["driver_id"], unique=False)
    op.create_table(
        "sweep_jobs",
        sa.Column("sweep_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["fingerprint"], ["jobs.fingerprint"], name=op.f("fk_sweep_jobs_fingerprint")),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_sweep_jobs_sweep_id")),
        sa.PrimaryKeyConstraint("sweep_id", "fingerprint", name=op.f("pk_sweep_jobs")),
        sa.UniqueConstraint("sweep_id", "ordinal", name=op.f("uq_sweep_jobs_sweep_id_ordinal")),
    )
    op.create_index(op.f("ix_sweep_jobs_fingerprint"), "sweep_jobs", ["fingerprint"], unique=False)
    op.create_table(
        "epochs",
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("learning_rate", sa.Double(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("epoch >= 1 AND images >= 0 AND seconds >= 0", name=op.f("ck_epochs_counts")),
        sa.ForeignKeyConstraint(
            ["fingerprint", "attempt"],
            ["attempts.fingerprint", "attempts.attempt"],
            name=op.f("fk_epochs_fingerprint_attempt"),
        ),
        sa.PrimaryKeyConstraint("fingerprint", "attempt", "epoch", name=op.f("pk_epochs")),
    )
    op.create_table(
        "measurements",
        sa.Column("measurement_id", IDENTITY, autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("variant_id", IDENTITY, nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("resolution", sa.Integer(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("optimizer", sa.Text(), nullable=True),
        sa.Column("batch_size_requested", sa.Integer(), nullable=True),
        sa.Column("batch_size", sa.Integer(), nullable=False),
        sa.Column("memory_format", sa.Text(), nullable=False),
        sa.Column("images_per_second", sa.Double(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
        sa.Column("cv", sa.Double(), nullable=False),
        sa.Column("warmup_steps", sa.Integer(), nullable=False),
        sa.Column("macs", sa.BigInteger(), nullable=False),
        sa.Column("params", sa.BigInteger(), nullable=False),
        sa.Column("peak_memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("verdict_reason", sa.Text(), nullable=False),
        sa.Column("conditions", JsonText(), nullable=False),
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.Column("measured_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(optimizer IS NOT NULL) = (mode = 'train')", name=op.f("ck_measurements_optimizer")),
        sa.CheckConstraint("mode IN ('train', 'inference')", name=op.f("ck_measurements_mode")),
        sa.CheckConstraint("verdict IN ('clean', 'noisy', 'contended')", name=op.f("ck_measurements_verdict")),
        sa.CheckConstraint("cv >= 0 AND cv < 1e300", name=op.f("ck_measurements_cv")),
        sa.CheckConstraint(
            "images_per_second > 0 AND images_per_second < 1e300", name=op.f("ck_measurements_images_per_second")
        ),
        sa.CheckConstraint("low > 0 AND low <= high AND high < 1e300", name=op.f("ck_measurements_interval")),
        sa.CheckConstraint(
            "resolution > 0 AND batch_size > 0 AND warmup_steps >= 0", name=op.f("ck_measurements_counts")
        ),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_measurements_environment_key")
        ),
        sa.ForeignKeyConstraint(
            ["fingerprint", "attempt"],
            ["attempts.fingerprint", "attempts.attempt"],
            name=op.f("fk_measurements_fingerprint_attempt"),
        ),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.variant_id"], name=op.f("fk_measurements_variant_id")),
        sa.PrimaryKeyConstraint("measurement_id", name=op.f("pk_measurements")),
        sa.UniqueConstraint("fingerprint", "attempt", name=op.f("uq_measurements_fingerprint_attempt")),
    )
    op.create_index(
        op.f("ix_measurements_variant_id_mode_resolution"),
        "measurements",
        ["variant_id", "mode", "resolution"],
        unique=False,
    )
    op.create_table(
        "trainings",
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("variant_id", IDENTITY, nullable=False),
        sa.Column("dataset_id", IDENTITY, nullable=False),
        sa.Column("train_resolution", sa.Integer(), nullable=False),
        sa.Column("native_resolution", sa.Integer(), nullable=True),
        sa.Column("half_resolution", sa.Integer(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("optimizer", sa.Text(), nullable=False),
        sa.Column("recipe", JsonText(), nullable=False),
        sa.Column("recipe_digest", sa.String(length=32), nullable=False),
        sa.Column("params", sa.BigInteger(), nullable=False),
        sa.Column("train_macs", sa.BigInteger(), nullable=False),
        sa.Column("epochs", sa.Integer(), nullable=False),
        sa.Column("train_loss", sa.Double(), nullable=False),
        sa.Column("images_seen", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("checkpoint_sha256", sa.String(length=64), nullable=False),
        sa.Column("checkpoint_bytes", sa.BigInteger(), nullable=False),
        sa.Column("dataset_digest", sa.Text(), nullable=False),
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("epochs >= 0 AND images_seen >= 0 AND seconds >= 0", name=op.f("ck_trainings_counts")),
        sa.CheckConstraint(
            "params > 0 AND train_macs > 0 AND train_resolution > 0 AND checkpoint_bytes > 0",
            name=op.f("ck_trainings_positive"),
        ),
        sa.CheckConstraint("train_loss < 1e300", name=op.f("ck_trainings_train_loss")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.dataset_id"], name=op.f("fk_trainings_dataset_id")),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_trainings_environment_key")
        ),
        sa.ForeignKeyConstraint(
            ["fingerprint", "attempt"],
            ["attempts.fingerprint", "attempts.attempt"],
            name=op.f("fk_trainings_fingerprint_attempt"),
        ),
        sa.ForeignKeyConstraint(["variant_id"], ["variants.variant_id"], name=op.f("fk_trainings_variant_id")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_trainings")),
    )
    op.create_index(op.f("ix_trainings_variant_id"), "trainings", ["variant_id"], unique=False)
    op.create_table(
        "evaluations",
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("training", sa.String(length=32), nullable=False),
        sa.Column("test_resolution", sa.Integer(), nullable=False),
        sa.Column("fine_tune", JsonText(), nullable=False),
        sa.Column("fine_tune_digest", sa.String(length=32), nullable=False),
        sa.Column("fine_tune_layers", sa.Text(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("correct", sa.BigInteger(), nullable=False),
        sa.Column("correct_before_fine_tune", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.Double(), nullable=False),
        sa.Column("test_macs", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("dataset_digest", sa.Text(), nullable=False),
        sa.Column("environment_key", sa.String(length=32), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("correct >= 0 AND correct <= images", name=op.f("ck_evaluations_correct")),
        sa.CheckConstraint(
            "correct_before_fine_tune >= 0 AND correct_before_fine_tune <= images",
            name=op.f("ck_evaluations_correct_before_fine_tune"),
        ),
        sa.CheckConstraint(
            "images > 0 AND test_macs > 0 AND test_resolution > 0 AND seconds >= 0",
            name=op.f("ck_evaluations_positive"),
        ),
        sa.CheckConstraint("loss < 1e300", name=op.f("ck_evaluations_loss")),
        sa.ForeignKeyConstraint(
            ["environment_key"], ["environments.environment_key"], name=op.f("fk_evaluations_environment_key")
        ),
        sa.ForeignKeyConstraint(
            ["fingerprint", "attempt"],
            ["attempts.fingerprint", "attempts.attempt"],
            name=op.f("fk_evaluations_fingerprint_attempt"),
        ),
        sa.ForeignKeyConstraint(["training"], ["trainings.fingerprint"], name=op.f("fk_evaluations_training")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_evaluations")),
    )
    op.create_index(op.f("ix_evaluations_training"), "evaluations", ["training"], unique=False)
    op.create_table(
        "samples",
        sa.Column("measurement_id", IDENTITY, autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.CheckConstraint("images > 0 AND seconds > 0 AND seconds < 1e300", name=op.f("ck_samples_positive")),
        sa.ForeignKeyConstraint(
            ["measurement_id"], ["measurements.measurement_id"], name=op.f("fk_samples_measurement_id")
        ),
        sa.PrimaryKeyConstraint("measurement_id", "ordinal", name=op.f("pk_samples")),
    )
    # ### end Alembic commands ###
