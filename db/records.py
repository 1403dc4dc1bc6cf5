"""Plain data that goes into the store and comes out of it.

Configurations are plain dictionaries of the caller's; the store only keeps them. Times are aware, in UTC.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverIdentity:
    """Which process drives sweeps, told so that another one can find out whether it still lives.

    Attributes:
        driver_id: 32 hexadecimal digits, drawn at random.
        host: Name of its machine.
        pid: Process number there.
        boot_id: The machine's boot, as the kernel names it.
        process_started: Start time of the process as the kernel counts it; with ``boot_id`` it tells a reused pid.
    """

    driver_id: str
    host: str
    pid: int
    boot_id: str
    process_started: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverRow:
    """A driver as stored.

    Attributes:
        beats: Heartbeats so far; unchanged for a whole lease by the observer's own clock means dead.
        ended_at: None while it has neither ended nor been declared dead.
    """

    driver_id: str
    host: str
    pid: int
    boot_id: str
    process_started: float
    started_at: dt.datetime
    heartbeat_at: dt.datetime
    beats: int
    ended_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Pause:
    """The pause of a sweep.

    Attributes:
        since: When somebody asked for it.
        by: Who, as ``user@host``.
        interrupts: Whether running jobs are interrupted; else they go on to their end.
    """

    since: dt.datetime
    by: str
    interrupts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """A sweep as stored.

    Attributes:
        driver_id: Who runs it; None when nobody does.
        paused_seconds: How long the earlier pauses of its present launch were, together.
        paused_at: Of the present pause; None unless paused. Likewise ``paused_by`` and ``pause_interrupts``.
    """

    sweep_id: int
    name: str
    spec_text: str
    spec_digest: str
    state: str
    driver_id: str | None
    artifacts: str
    created_at: dt.datetime
    updated_at: dt.datetime
    finished_at: dt.datetime | None
    paused_seconds: float = 0.0
    paused_at: dt.datetime | None = None
    paused_by: str | None = None
    pause_interrupts: bool | None = None

    @property
    def pause(self) -> Pause | None:
        """Its present pause; None where it is not paused."""
        if self.paused_at is None:
            return None
        return Pause(self.paused_at, self.paused_by or "", bool(self.pause_interrupts))

    @property
    def goes_on(self) -> bool:
        """Whether somebody runs it or means to go on by himself: it runs or is paused."""
        return self.state in {"running", "paused"}

    def seconds_paused(self, now: dt.datetime) -> float:
        """Return how long its present launch has been paused, all pauses together."""
        present = 0.0 if self.paused_at is None else (now - self.paused_at).total_seconds()
        return self.paused_seconds + max(0.0, present)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """Hardware and software of a slot; the key is the caller's digest of what throughput depends on."""

    environment_key: str
    slot_kind: str
    device: str
    threads: int
    software: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job that a sweep asks for.

    Attributes:
        fingerprint: 32 hexadecimal digits; an existing job of this fingerprint is reused.
        stage: ``train``, ``evaluate`` or ``measure``.
        label: Short name for people.
        config: The job as JSON types.
        depends_on: For ``evaluate``: fingerprint of its training run.
        environment_key: For ``measure``: where it is measured.
        state: ``queued``, or ``blocked`` with a reason.
        reason: Why blocked.
    """

    fingerprint: str
    stage: str
    label: str
    config: Mapping[str, Any]
    depends_on: str | None = None
    environment_key: str | None = None
    state: str = "queued"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job as stored.

    Attributes:
        attempt: Number of the last attempt, 0 before the first; the fencing token.
        driver_id: Who runs it; None unless running. Likewise ``slot``.
        crashes: Attempts whose process died, since the job was last requeued by hand.
        losses: Attempts lost with their driver, since then.
        not_before: No attempt should start earlier.
        changed_at: Last change of this row.
        progress: Fraction done of the running attempt, 0 to 1.
    """

    fingerprint: str
    stage: str
    label: str
    config: dict[str, Any]
    depends_on: str | None
    environment_key: str | None
    state: str
    reason: str
    attempt: int
    driver_id: str | None
    slot: str | None
    crashes: int
    losses: int
    not_before: dt.datetime | None
    created_at: dt.datetime
    changed_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    progress: float
    progress_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try at a job; ``outcome`` is None while it runs."""

    fingerprint: str
    attempt: int
    driver_id: str
    slot: str
    node: str
    environment_key: str | None
    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: str | None
    failure: str
    message: str
    traceback: str
    directory: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord:
    """One epoch of a training run.

    Attributes:
        epoch: From 1.
        loss: Mean over it.
        learning_rate: At its end.
        images: Seen in it.
        seconds: Wall time of its steps.
        validation_images: Held-out images that were tested after it; None where they were not.
        validation_correct: Of these classified right; likewise.
    """

    epoch: int
    loss: float
    learning_rate: float
    images: int
    seconds: float
    validation_images: int | None = None
    validation_correct: int | None = None

    @property
    def validation_top1(self) -> float | None:
        """Top-1 of the held-out images after it, percent; None where none were tested."""
        if self.validation_correct is None or not self.validation_images:
            return None
        return 100.0 * self.validation_correct / self.validation_images


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRecord:
    """One architecture."""

    model_size: str
    group_size: int
    expansion: int
    norm: str
    width: float = 1.0
    small_images: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSetRecord:
    """One data set as a sweep asks for it.

    Attributes:
        image_side: Pixels; 0 where images differ in size.
        train_images: None means all that are not held out.
        test_images: None means all.
        validation_images: Held out of the training images; 0 means none, None as many as the rule says.
    """

    name: str
    classes: int
    channels: int
    image_side: int
    train_images: int | None = None
    test_images: int | None = None
    root: str | None = None
    validation_images: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecord:
    """Result of a training run.

    Attributes:
        native_resolution: What the network was designed for, pixels; None if nobody said.
        half_resolution: The one with about half its pixels.
        recipe: As JSON types.
        recipe_digest: 32 hexadecimal digits; equal digests may be averaged over seeds.
        params: Trained parameters.
        train_macs: Multiply-accumulates of one image's forward pass at the train resolution.
        train_loss: Mean over the last epoch.
        images_seen: Over all epochs.
        seconds: Wall time of the training steps.
        checkpoint: Path of the final weights.
        dataset_digest: Of the images and labels that were used.
        environment_key: Where it ran.
    """

    variant: VariantRecord
    dataset: DataSetRecord
    train_resolution: int
    native_resolution: int | None
    half_resolution: int | None
    seed: int
    precision: str
    optimizer: str
    recipe: Mapping[str, Any]
    recipe_digest: str
    params: int
    train_macs: int
    epochs: int
    train_loss: float
    images_seen: int
    seconds: float
    checkpoint: str
    checkpoint_sha256: str
    checkpoint_bytes: int
    dataset_digest: str
    environment_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """Result of an evaluation: accuracy as counts of test images.

    Attributes:
        training: Fingerprint of the training run whose weights were tested.
        fine_tune: As JSON types.
        fine_tune_digest: 32 hexadecimal digits; equal digests may be averaged over seeds.
        correct_before_fine_tune: Right answers with the weights as trained.
        validation_images: Held-out training images that were tested too; 0 if none are held out.
        validation_correct: Of these right, after fine-tuning.
        test_macs: Multiply-accumulates of one image's forward pass at the test resolution.
        seconds: Wall time of fine-tuning and testing.
    """

    training: str
    test_resolution: int
    fine_tune: Mapping[str, Any]
    fine_tune_digest: str
    fine_tune_layers: str
    images: int
    correct: int
    correct_before_fine_tune: int
    loss: float
    test_macs: int
    seconds: float
    dataset_digest: str
    environment_key: str
    validation_images: int = 0
    validation_correct: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """One timed block.

    Attributes:
        images: Through the network.
        seconds: That it took.
        reference_images_per_second: Of a small fixed network right before and after it; None if not told.
    """

    images: int
    seconds: float
    reference_images_per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRecord:
    """One round of a measurement, done by one attempt.

    Attributes:
        attempt: Its number.
        samples: Timed blocks, in order.
        verdict: ``clean``, ``noisy`` or ``contended``, with ``verdict_reason`` in words.
        reference_images_per_second: Of a small fixed network before, between and after the blocks; None if not told.
        end_to_end: Blocks with images loaded and prepared as well.
        loading: Blocks of loading and preparing alone.
        latencies: Of single images, milliseconds.
        conditions: What was read before and after.
    """

    attempt: int
    samples: Sequence[SampleRecord]
    verdict: str
    verdict_reason: str
    reference_images_per_second: float | None = None
    end_to_end: Sequence[SampleRecord] = ()
    loading: Sequence[SampleRecord] = ()
    latencies: Sequence[float] = ()
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRecord:
    """Result of a measurement, over all its rounds so far, with everything needed to judge it.

    Attributes:
        mode: ``train`` or ``inference``.
        optimizer: For mode ``train``.
        batch_size_requested: None where the best was searched.
        images_per_second: Median over the samples.
        low: Lower end of its 95 % interval, images per second; ``high`` the upper.
        cv: Standard deviation over mean of the samples, a fraction.
        verdict: ``clean``, ``noisy`` or ``contended``, with ``verdict_reason`` in words.
        conditions: How batch size, memory format and compilation were settled.
        rounds: In order; at least one.
        complete: Whether no further round is wanted; the job is done then.
        compiled: Whether the network was compiled.
        iqr: Interquartile range of the samples, images per second.
        latency_p50_milliseconds: Of single images; None for mode ``train``. Likewise the other percentiles.
        end_to_end_images_per_second: With images loaded and prepared as well, with ``end_to_end_low`` and
            ``end_to_end_high``; None where not measured.
        loading_images_per_second: Of loading and preparing alone; likewise.
        micro_batch: On IPUs, images that one replica computes at a time; None elsewhere, like the four below. The batch
            size is micro-batch × accumulation × replicas, and one call of the device takes so many times
            ``device_iterations`` images.
        accumulation: Micro-batches of a replica per weight update.
        replicas: Copies of the network.
        ipus_per_replica: Stages of its pipeline.
        device_iterations: Batches per call.
    """

    variant: VariantRecord
    channels: int
    classes: int
    mode: str
    resolution: int
    precision: str
    optimizer: str | None
    batch_size_requested: int | None
    batch_size: int
    memory_format: str
    images_per_second: float
    low: float
    high: float
    cv: float
    warmup_steps: int
    macs: int
    params: int
    peak_memory_bytes: int | None
    verdict: str
    verdict_reason: str
    conditions: Mapping[str, Any]
    environment_key: str
    rounds: Sequence[RoundRecord]
    complete: bool = True
    compiled: bool = False
    iqr: float | None = None
    latency_p50_milliseconds: float | None = None
    latency_p90_milliseconds: float | None = None
    latency_p99_milliseconds: float | None = None
    end_to_end_images_per_second: float | None = None
    end_to_end_low: float | None = None
    end_to_end_high: float | None = None
    loading_images_per_second: float | None = None
    micro_batch: int | None = None
    accumulation: int | None = None
    replicas: int | None = None
    ipus_per_replica: int | None = None
    device_iterations: int | None = None

    @property
    def samples(self) -> tuple[SampleRecord, ...]:
        """The timed blocks of all rounds, in order."""
        return tuple(sample for one in self.rounds for sample in one.samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """A measurement as stored, with the attempt that made its first round."""

    measurement_id: int
    fingerprint: str
    attempt: int
    measured_at: dt.datetime
    record: MeasurementRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Jobs that failed alike.

    Attributes:
        failure: Class of the failure, e.g. ``out_of_memory``.
        message: The first line of what was reported.
        state: The state that the jobs are in.
        jobs: Fingerprints, in the sweep's order.
    """

    stage: str
    state: str
    failure: str
    message: str
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """How long one successful attempt took: what time predictions are made from."""

    stage: str
    config: dict[str, Any]
    slot_kind: str | None
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRecord:
    """One published result; ``top1_ppm`` is correct images per million, ``test_resolution`` None where not named."""

    series: str
    variant: VariantRecord
    train_resolution: int
    test_resolution: int | None
    native_resolution: int | None
    half_resolution: int | None
    fine_tuned: bool
    top1_ppm: int
    params: int | None
    train_macs: int | None
    train_images_per_second: float | None
    inference_images_per_second: float | None
    slot_kind: str | None
    device: str
