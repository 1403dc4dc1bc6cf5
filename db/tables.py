"""The tables of the store, with the constraints by which they defend themselves.

    sweeps ──< sweep_jobs >── jobs ──< attempts ──< epochs
       │                        │└──< search_trial_jobs >── search_trials >── searches
       └─ drivers ──────────────┘│
                                 ├── trainings ──< evaluations      (one row per finished job)
    variants, datasets, ─────────┘── measurements ──< measurement_rounds   (one measurement of several attempts)
    environments                                  └─< samples
    └──< sightings            publications ──< published_results    (other people's numbers)

Words and units are those of docs/views.md: resolutions in pixels, top-1 as counts of images, times in UTC. No table
bears a name of Optuna's, so that both can share one database.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from db.column_types import IDENTITY, JsonText, UtcDateTime
from db.search_records import TRIAL_ORIGINS, TRIAL_STATES

#: Alembic's own table, named apart from other programs' in the same database.
VERSION_TABLE: Final = "frontsweep_alembic_version"

STAGES: Final = ("train", "evaluate", "measure")
MODES: Final = ("train", "inference")
SWEEP_STATES: Final = ("running", "paused", "stopped", "finished", "failed")
#: A job in one of these is decided; only ``requeue`` opens it again.
FINAL_JOB_STATES: Final = ("done", "diverged", "failed", "quarantined", "cancelled")
JOB_STATES: Final = ("queued", "running", "blocked", *FINAL_JOB_STATES)
_FAILURES: Final = ("failed", "crashed", "lost", "out_of_memory", "timeout")
OUTCOMES: Final = ("done", "diverged", *_FAILURES, "stopped", "superseded")
VERDICTS: Final = ("clean", "noisy", "contended")

#: Above every throughput and loss there is; NaN compares as larger than it on Postgres and is NULL on SQLite, so
#: ``value < LARGEST`` refuses NaN and infinity on both.
LARGEST: Final = "1e300"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _hex32(name: str, *rules: ForeignKey, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    return Column(name, String(32), *rules, nullable=nullable, primary_key=primary_key)


def _key_of_owner(name: str, owner: ForeignKey) -> Column[int]:
    return Column(name, IDENTITY, owner, primary_key=True, autoincrement=False)


drivers = Table(
    "drivers",
    metadata,
    _hex32("driver_id", primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("boot_id", Text, nullable=False),
    # Seconds since the host's boot or epoch: an identity, not a time.
    Column("process_started", Double, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("heartbeat_at", UtcDateTime, nullable=False),
    Column("beats", BigInteger, nullable=False, server_default="0"),
    Column("ended_at", UtcDateTime),
    CheckConstraint("beats >= 0", name="beats"),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", IDENTITY, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("spec_text", Text, nullable=False),
    Column("spec_digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    _hex32("driver_id", ForeignKey("drivers.driver_id"), nullable=True),
    Column("artifacts", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    # Earlier pauses of the present launch, together.
    Column("paused_seconds", Double, nullable=False, server_default="0"),
    # Since when, by whom (user@host), and whether running jobs are interrupted; NULL unless the state is paused.
    Column("paused_at", UtcDateTime),
    Column("paused_by", Text),
    Column("pause_interrupts", Boolean),
    UniqueConstraint("name"),
    _one_of("state", SWEEP_STATES),
    CheckConstraint("(finished_at IS NOT NULL) = (state IN ('finished', 'failed'))", name="finished_at"),
    CheckConstraint(f"paused_seconds >= 0 AND paused_seconds < {LARGEST}", name="paused_seconds"),
    CheckConstraint(
        "(paused_at IS NOT NULL) = (state = 'paused') AND (paused_by IS NOT NULL) = (state = 'paused')"
        " AND (pause_interrupts IS NOT NULL) = (state = 'paused')",
        name="pause",
    ),
    Index(None, "driver_id"),
)

environments = Table(
    "environments",
    metadata,
    _hex32("environment_key", primary_key=True),
    Column("slot_kind", Text, nullable=False),
    Column("device", Text, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("software", JsonText, nullable=False),
    Column("details", JsonText, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    # When another environment had taken its place on every machine that had it: what was measured in it is stale.
    Column("superseded_at", UtcDateTime),
    CheckConstraint("threads >= 0", name="threads"),
)

sightings = Table(
    "sightings",
    metadata,
    _hex32("environment_key", ForeignKey("environments.environment_key"), primary_key=True),
    Column("node", Text, primary_key=True),
    Column("seen_at", UtcDateTime, nullable=False),  # the last time
)

variants = Table(
    "variants",
    metadata,
    Column("variant_id", IDENTITY, primary_key=True, autoincrement=True),
    Column("model_size", Text, nullable=False),
    Column("group_size", Integer, nullable=False),
    Column("expansion", Integer, nullable=False),
    Column("norm", Text, nullable=False),
    Column("width", Double, nullable=False),
    Column("small_images", Boolean, nullable=False),
    UniqueConstraint("model_size", "group_size", "expansion", "norm", "width", "small_images"),
    CheckConstraint("group_size >= 1 AND expansion >= 1 AND width > 0 AND width < 1e6", name="positive"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("dataset_id", IDENTITY, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("classes", Integer, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("image_side", Integer, nullable=False),
    Column("train_images", Integer),
    Column("test_images", Integer),
    Column("root", Text),
    # Held out of the training images: 0 is none, NULL as many as the rule says for a set of that size.
    Column("validation_images", Integer),
    # Digest of the fields above: a UNIQUE over nullable columns would let duplicates in.
    _hex32("digest"),
    UniqueConstraint("digest"),
    CheckConstraint("classes >= 1 AND channels >= 1 AND image_side >= 0", name="positive"),
    CheckConstraint("validation_images >= 0", name="validation_images"),
)

jobs = Table(
    "jobs",
    metadata,
    _hex32("fingerprint", primary_key=True),
    Column("stage", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("config", JsonText, nullable=False),
    _hex32("depends_on", ForeignKey("jobs.fingerprint", deferrable=True, initially="DEFERRED"), nullable=True),
    _hex32("environment_key", ForeignKey("environments.environment_key"), nullable=True),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),  # number of the last attempt: the fencing token
    _hex32("driver_id", ForeignKey("drivers.driver_id"), nullable=True),
    Column("slot", Text),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("progress", Double, nullable=False, server_default="0"),
    Column("progress_text", Text, nullable=False, server_default=""),
    _one_of("stage", STAGES),
    _one_of("state", JOB_STATES),
    CheckConstraint("(environment_key IS NOT NULL) = (stage = 'measure')", name="environment_key"),
    CheckConstraint("(depends_on IS NOT NULL) = (stage = 'evaluate')", name="depends_on"),
    CheckConstraint("(driver_id IS NOT NULL) = (state = 'running')", name="driver_id"),
    CheckConstraint("(slot IS NOT NULL) = (state = 'running')", name="slot"),
    CheckConstraint("state <> 'running' OR (attempt >= 1 AND started_at IS NOT NULL)", name="running"),
    CheckConstraint(
        "(finished_at IS NOT NULL) = (state IN ('done', 'diverged', 'failed', 'quarantined', 'cancelled'))",
        name="finished_at",
    ),
    CheckConstraint("attempt >= 0 AND crashes >= 0 AND losses >= 0", name="counts"),
    CheckConstraint("progress >= 0 AND progress <= 1", name="progress"),
    Index(None, "state"),
    Index(None, "driver_id"),
    Index(None, "depends_on"),
    Index(None, "changed_at"),
)

sweep_jobs = Table(
    "sweep_jobs",
    metadata,
    _key_of_owner("sweep_id", ForeignKey("sweeps.sweep_id")),
    _hex32("fingerprint", ForeignKey("jobs.fingerprint"), primary_key=True),
    Column("ordinal", Integer, nullable=False),
    UniqueConstraint("sweep_id", "ordinal"),
    Index(None, "fingerprint"),
)

attempts = Table(
    "attempts",
    metadata,
    _hex32("fingerprint", ForeignKey("jobs.fingerprint"), primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    _hex32("driver_id", ForeignKey("drivers.driver_id")),
    Column("slot", Text, nullable=False),
    Column("node", Text, nullable=False),
    _hex32("environment_key", ForeignKey("environments.environment_key"), nullable=True),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", Text),
    Column("failure", Text, nullable=False, server_default=""),
    Column("message", Text, nullable=False, server_default=""),
    Column("traceback", Text, nullable=False, server_default=""),
    Column("directory", Text, nullable=False),
    _one_of("outcome", OUTCOMES),
    CheckConstraint("attempt >= 1", name="attempt"),
    CheckConstraint("(ended_at IS NOT NULL) = (outcome IS NOT NULL)", name="ended_at"),
    Index(None, "driver_id"),
)

_ATTEMPT_OF = (["fingerprint", "attempt"], ["attempts.fingerprint", "attempts.attempt"])

epochs = Table(
    "epochs",
    metadata,
    _hex32("fingerprint", primary_key=True),
    Column("attempt", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("loss", Double, nullable=False),
    Column("learning_rate", Double, nullable=False),
    Column("images", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    # Held-out images that were tested after the epoch; NULL where none were.
    Column("validation_images", BigInteger),
    Column("validation_correct", BigInteger),
    ForeignKeyConstraint(*_ATTEMPT_OF),
    CheckConstraint("epoch >= 1 AND images >= 0 AND seconds >= 0", name="counts"),
    CheckConstraint(
        "(validation_correct IS NULL) = (validation_images IS NULL)"
        " AND validation_correct >= 0 AND validation_correct <= validation_images",
        name="validation_correct",
    ),
)

searches = Table(
    "searches",
    metadata,
    _key_of_owner("sweep_id", ForeignKey("sweeps.sweep_id")),
    Column("settings", JsonText, nullable=False),
    Column("importances", JsonText, nullable=False),
    Column("ended", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

search_trials = Table(
    "search_trials",
    metadata,
    _key_of_owner("sweep_id", ForeignKey("searches.sweep_id")),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("params", JsonText, nullable=False),
    Column("origin", Text, nullable=False),
    Column("state", Text, nullable=False),
    # A list, one value per objective of the search, null where it is not known; likewise one per floor.
    Column("objective_values", JsonText, nullable=False),
    Column("violations", JsonText, nullable=False),
    Column("curve", JsonText, nullable=False),
    Column("attributes", JsonText, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("sweep_id", "params"),
    _one_of("origin", TRIAL_ORIGINS),
    _one_of("state", TRIAL_STATES),
    CheckConstraint("number >= 0", name="number"),
    CheckConstraint("(finished_at IS NULL) = (state = 'open')", name="finished_at"),
)

search_trial_jobs = Table(
    "search_trial_jobs",
    metadata,
    _key_of_owner("sweep_id", ForeignKey("searches.sweep_id")),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _hex32("fingerprint", ForeignKey("jobs.fingerprint"), primary_key=True),
    # Whether it was done or asked for before the trial.
    Column("reused", Boolean, nullable=False),
    ForeignKeyConstraint(["sweep_id", "number"], ["search_trials.sweep_id", "search_trials.number"]),
    Index(None, "fingerprint"),
)

trainings = Table(
    "trainings",
    metadata,
    _hex32("fingerprint", primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("variant_id", IDENTITY, ForeignKey("variants.variant_id"), nullable=False),
    Column("dataset_id", IDENTITY, ForeignKey("datasets.dataset_id"), nullable=False),
    Column("train_resolution", Integer, nullable=False),
    Column("native_resolution", Integer),
    Column("half_resolution", Integer),
    Column("seed", BigInteger, nullable=False),
    Column("precision", Text, nullable=False),
    Column("optimizer", Text, nullable=False),
    Column("recipe", JsonText, nullable=False),
    _hex32("recipe_digest"),
    Column("params", BigInteger, nullable=False),
    Column("train_macs", BigInteger, nullable=False),
    Column("epochs", Integer, nullable=False),
    Column("train_loss", Double, nullable=False),
    Column("images_seen", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("checkpoint", Text, nullable=False),
    Column("checkpoint_sha256", String(64), nullable=False),
    Column("checkpoint_bytes", BigInteger, nullable=False),
    Column("dataset_digest", Text, nullable=False),
    _hex32("environment_key", ForeignKey("environments.environment_key")),
    Column("finished_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(*_ATTEMPT_OF),
    CheckConstraint("params > 0 AND train_macs > 0 AND train_resolution > 0 AND checkpoint_bytes > 0", name="positive"),
    CheckConstraint("epochs >= 0 AND images_seen >= 0 AND seconds >= 0", name="counts"),
    CheckConstraint(f"train_loss < {LARGEST}", name="train_loss"),
    Index(None, "variant_id"),
)

evaluations = Table(
    "evaluations",
    metadata,
    _hex32("fingerprint", primary_key=True),
    Column("attempt", Integer, nullable=False),
    _hex32("training", ForeignKey("trainings.fingerprint")),
    Column("test_resolution", Integer, nullable=False),
    Column("fine_tune", JsonText, nullable=False),
    _hex32("fine_tune_digest"),
    Column("fine_tune_layers", Text, nullable=False),
    Column("images", BigInteger, nullable=False),
    Column("correct", BigInteger, nullable=False),
    Column("correct_before_fine_tune", BigInteger, nullable=False),
    Column("validation_images", BigInteger, nullable=False, server_default="0"),
    Column("validation_correct", BigInteger, nullable=False, server_default="0"),
    Column("loss", Double, nullable=False),
    Column("test_macs", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("dataset_digest", Text, nullable=False),
    _hex32("environment_key", ForeignKey("environments.environment_key")),
    Column("finished_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(*_ATTEMPT_OF),
    CheckConstraint("images > 0 AND test_macs > 0 AND test_resolution > 0 AND seconds >= 0", name="positive"),
    CheckConstraint("correct >= 0 AND correct <= images", name="correct"),
    CheckConstraint(
        "correct_before_fine_tune >= 0 AND correct_before_fine_tune <= images", name="correct_before_fine_tune"
    ),
    CheckConstraint("validation_correct >= 0 AND validation_correct <= validation_images", name="validation_correct"),
    CheckConstraint(f"loss < {LARGEST}", name="loss"),
    Index(None, "training"),
    Index(None, "finished_at"),
)

measurements = Table(
    "measurements",
    metadata,
    Column("measurement_id", IDENTITY, primary_key=True, autoincrement=True),
    _hex32("fingerprint"),
    Column("attempt", Integer, nullable=False),
    Column("variant_id", IDENTITY, ForeignKey("variants.variant_id"), nullable=False),
    Column("channels", Integer, nullable=False),
    Column("classes", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("resolution", Integer, nullable=False),
    Column("precision", Text, nullable=False),
    Column("optimizer", Text),
    Column("batch_size_requested", Integer),
    Column("batch_size", Integer, nullable=False),
    Column("memory_format", Text, nullable=False),
    Column("images_per_second", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("cv", Double, nullable=False),
    Column("warmup_steps", Integer, nullable=False),
    Column("macs", BigInteger, nullable=False),
    Column("params", BigInteger, nullable=False),
    Column("peak_memory_bytes", BigInteger),
    Column("verdict", Text, nullable=False),
    Column("verdict_reason", Text, nullable=False),
    Column("conditions", JsonText, nullable=False),
    _hex32("environment_key", ForeignKey("environments.environment_key")),
    Column("measured_at", UtcDateTime, nullable=False),
    # Whether all its rounds are done; ``attempt`` is that of the first one.
    Column("complete", Boolean, nullable=False, server_default=true()),
    Column("compiled", Boolean, nullable=False, server_default=false()),
    Column("iqr", Double),
    Column("latency_p50_milliseconds", Double),
    Column("latency_p90_milliseconds", Double),
    Column("latency_p99_milliseconds", Double),
    Column("end_to_end_images_per_second", Double),
    Column("end_to_end_low", Double),
    Column("end_to_end_high", Double),
    Column("loading_images_per_second", Double),
    # How the network was laid out on IPUs; NULL on other devices.
    Column("micro_batch", Integer),
    Column("accumulation", Integer),
    Column("replicas", Integer),
    Column("ipus_per_replica", Integer),
    Column("device_iterations", Integer),
    UniqueConstraint("fingerprint", "attempt"),
    ForeignKeyConstraint(*_ATTEMPT_OF),
    _one_of("mode", MODES),
    _one_of("verdict", VERDICTS),
    CheckConstraint("(optimizer IS NOT NULL) = (mode = 'train')", name="optimizer"),
    CheckConstraint(f"images_per_second > 0 AND images_per_second < {LARGEST}", name="images_per_second"),
    CheckConstraint(f"low > 0 AND low <= high AND high < {LARGEST}", name="interval"),
    CheckConstraint(f"cv >= 0 AND cv < {LARGEST}", name="cv"),
    CheckConstraint("resolution > 0 AND batch_size > 0 AND warmup_steps >= 0", name="counts"),
    CheckConstraint(f"iqr >= 0 AND iqr < {LARGEST}", name="iqr"),
    CheckConstraint(
        "(micro_batch IS NULL AND accumulation IS NULL AND replicas IS NULL AND ipus_per_replica IS NULL"
        " AND device_iterations IS NULL)"
        " OR (COALESCE(micro_batch, 0) > 0 AND COALESCE(accumulation, 0) > 0 AND COALESCE(replicas, 0) > 0"
        " AND COALESCE(ipus_per_replica, 0) > 0 AND COALESCE(device_iterations, 0) > 0"
        " AND batch_size = micro_batch * accumulation * replicas)",
        name="ipu_layout",
    ),
    Index(None, "variant_id", "mode", "resolution"),
)

measurement_rounds = Table(
    "measurement_rounds",
    metadata,
    _key_of_owner("measurement_id", ForeignKey("measurements.measurement_id")),
    Column("round", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("images", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("verdict_reason", Text, nullable=False),
    Column("reference_images_per_second", Double),
    # Raw: blocks as [images, seconds], milliseconds of single images.
    Column("end_to_end", JsonText, nullable=False),
    Column("loading", JsonText, nullable=False),
    Column("latencies", JsonText, nullable=False),
    Column("conditions", JsonText, nullable=False),
    Column("measured_at", UtcDateTime, nullable=False),
    _one_of("verdict", VERDICTS),
    CheckConstraint(f"round >= 1 AND images > 0 AND seconds > 0 AND seconds < {LARGEST}", name="positive"),
    CheckConstraint(f"reference_images_per_second > 0 AND reference_images_per_second < {LARGEST}", name="reference"),
)

samples = Table(
    "samples",
    metadata,
    _key_of_owner("measurement_id", ForeignKey("measurements.measurement_id")),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("images", BigInteger, nullable=False),
    Column("seconds", Double, nullable=False),
    Column("round", Integer, nullable=False, server_default="1"),
    Column("reference_images_per_second", Double),
    CheckConstraint(f"images > 0 AND seconds > 0 AND seconds < {LARGEST}", name="positive"),
    CheckConstraint(f"reference_images_per_second > 0 AND reference_images_per_second < {LARGEST}", name="reference"),
)

publications = Table(
    "publications",
    metadata,
    Column("publication_id", IDENTITY, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("imported_at", UtcDateTime, nullable=False),
    UniqueConstraint("name"),
)

published_results = Table(
    "published_results",
    metadata,
    _key_of_owner("publication_id", ForeignKey("publications.publication_id", ondelete="CASCADE")),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("series", Text, nullable=False),
    Column("variant_id", IDENTITY, ForeignKey("variants.variant_id"), nullable=False),
    Column("train_resolution", Integer, nullable=False),
    Column("test_resolution", Integer),  # NULL: the best one, which the publication does not name
    Column("native_resolution", Integer),
    Column("half_resolution", Integer),
    Column("fine_tuned", Boolean, nullable=False),
    Column("top1_ppm", Integer, nullable=False),  # correct images per million
    Column("params", BigInteger),
    Column("train_macs", BigInteger),
    Column("train_images_per_second", Double),
    Column("inference_images_per_second", Double),
    Column("slot_kind", Text),
    Column("device", Text, nullable=False),
    CheckConstraint("top1_ppm >= 0 AND top1_ppm <= 1000000", name="top1_ppm"),
    CheckConstraint(f"train_images_per_second > 0 AND train_images_per_second < {LARGEST}", name="train_throughput"),
    CheckConstraint(
        f"inference_images_per_second > 0 AND inference_images_per_second < {LARGEST}", name="inference_throughput"
    ),
)
