"""From a worker's report to the store's records: the one place where both vocabularies meet."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from typing_extensions import assert_never

from db.records import (
    DataSetRecord,
    EnvironmentRecord,
    EpochRecord,
    EvaluationRecord,
    MeasurementRecord,
    NewJob,
    RoundRecord,
    SampleRecord,
    TrainingRecord,
    VariantRecord,
)
from workers.protocol.jobs import EvaluateJob, MeasureJob, TrainJob, job_to_dict, recipe_digest
from workers.protocol.orders import EvaluateResult, MeasureResult, Round, Sample, TrainResult
from workers.protocol.variant import half_resolution, native_resolution

if TYPE_CHECKING:
    from pathlib import Path

    from db.store import Store
    from workers.protocol.jobs import DataSet, Job
    from workers.protocol.orders import Environment, EpochDone, Finished
    from workers.protocol.variant import Variant


def new_job(job: Job) -> NewJob:
    """Return the job as the store keeps it."""
    return NewJob(
        fingerprint=job.fingerprint,
        stage=job.stage,
        label=job.label,
        config=job_to_dict(job),
        depends_on=job.training.fingerprint if isinstance(job, EvaluateJob) else None,
        environment_key=job.environment_key if isinstance(job, MeasureJob) else None,
    )


def store_result(store: Store, job: Job, report: Finished, directory: Path, environment_key: str) -> bool:
    """Store what an attempt found out.

    Args:
        store: The results database.
        job: What was to be done.
        report: What the worker says.
        directory: The attempt's own.
        environment_key: Of the slot that did it.

    Returns:
        Whether it was accepted; not if the job has a result already or a newer attempt.
    """
    key = (report.job, report.attempt)
    match job:
        case TrainJob():
            assert isinstance(report.result, TrainResult)  # noqa: S101  # the protocol pairs them
            return store.finish_training(*key, training_record(job, report.result, directory, environment_key))
        case EvaluateJob():
            assert isinstance(report.result, EvaluateResult)  # noqa: S101
            return store.finish_evaluation(*key, evaluation_record(job, report.result, environment_key))
        case MeasureJob():
            assert isinstance(report.result, MeasureResult)  # noqa: S101
            return store.finish_measurement(*key, measurement_record(job, report.result, environment_key))
        case _:
            assert_never(job)


def training_record(job: TrainJob, result: TrainResult, directory: Path, environment_key: str) -> TrainingRecord:
    """Return a training run's result as the store keeps it."""
    side = job.dataset.image_side
    return TrainingRecord(
        variant=_variant(job.variant),
        dataset=_dataset(job.dataset),
        train_resolution=job.resolution,
        native_resolution=native_resolution(job.variant, side) or None,
        half_resolution=half_resolution(job.variant, side) or None,
        seed=job.seed,
        precision=job.precision,
        optimizer=job.recipe.optimizer,
        recipe=dataclasses.asdict(job.recipe),
        recipe_digest=recipe_digest(job.recipe),
        params=result.params,
        train_macs=result.train_macs,
        epochs=result.epochs,
        train_loss=result.train_loss,
        images_seen=result.images_seen,
        seconds=result.seconds,
        checkpoint=str(directory / result.checkpoint),
        checkpoint_sha256=result.checkpoint_sha256,
        checkpoint_bytes=result.checkpoint_bytes,
        dataset_digest=result.dataset_digest,
        environment_key=environment_key,
    )


def evaluation_record(job: EvaluateJob, result: EvaluateResult, environment_key: str) -> EvaluationRecord:
    """Return an evaluation's result as the store keeps it."""
    return EvaluationRecord(
        training=job.training.fingerprint,
        test_resolution=job.test_resolution,
        fine_tune=dataclasses.asdict(job.fine_tune),
        fine_tune_digest=recipe_digest(job.fine_tune),
        fine_tune_layers=job.fine_tune.layers,
        images=result.images,
        correct=result.correct,
        correct_before_fine_tune=result.correct_before_fine_tune,
        loss=result.loss,
        validation_images=result.validation_images,
        validation_correct=result.validation_correct,
        test_macs=result.test_macs,
        seconds=result.seconds,
        dataset_digest=result.dataset_digest,
        environment_key=environment_key,
    )


def measurement_record(job: MeasureJob, result: MeasureResult, environment_key: str) -> MeasurementRecord:
    """Return a measurement's result as the store keeps it."""
    return MeasurementRecord(
        variant=_variant(job.variant),
        channels=job.channels,
        classes=job.classes,
        mode=job.mode,
        resolution=job.resolution,
        precision=job.precision,
        optimizer=job.optimizer,
        batch_size_requested=job.batch_size,
        batch_size=result.batch_size,
        memory_format=result.memory_format,
        compiled=result.compiled,
        images_per_second=result.images_per_second,
        low=result.low,
        high=result.high,
        cv=result.cv,
        iqr=result.iqr,
        **_beside(result),
        **_laid_out(job, result),
        warmup_steps=result.warmup_steps,
        macs=result.macs,
        params=result.params,
        peak_memory_bytes=result.peak_memory_bytes,
        verdict=result.verdict,
        verdict_reason=result.verdict_reason,
        conditions=result.conditions,
        environment_key=environment_key,
        rounds=[_round_record(one) for one in result.rounds],
        complete=result.complete,
    )


def _beside(result: MeasureResult) -> dict[str, Any]:
    """Return what a measurement tells besides the throughput of the network."""
    latency, end_to_end = result.latency, result.end_to_end
    return {
        "latency_p50_milliseconds": None if latency is None else latency.p50,
        "latency_p90_milliseconds": None if latency is None else latency.p90,
        "latency_p99_milliseconds": None if latency is None else latency.p99,
        "end_to_end_images_per_second": None if end_to_end is None else end_to_end.images_per_second,
        "end_to_end_low": None if end_to_end is None else end_to_end.low,
        "end_to_end_high": None if end_to_end is None else end_to_end.high,
        "loading_images_per_second": None if result.loading is None else result.loading.images_per_second,
    }


def _laid_out(job: MeasureJob, result: MeasureResult) -> dict[str, Any]:
    """Return how a network was laid out on IPUs; nothing where there are none."""
    if job.ipu is None:
        return {}
    layout = job.ipu
    return {
        "micro_batch": layout.micro_batch_of(result.batch_size),
        "accumulation": layout.accumulation,
        "replicas": layout.replicas,
        "ipus_per_replica": layout.ipus_per_replica,
        "device_iterations": layout.device_iterations,
    }


def _round_record(one: Round) -> RoundRecord:
    blocks = {name: tuple(SampleRecord(**vars(sample)) for sample in getattr(one, name)) for name in _BLOCKS}
    return RoundRecord(**{**vars(one), **blocks, "latencies": tuple(one.latencies)})


def measured_so_far(record: MeasurementRecord) -> MeasureResult:
    """Return a stored measurement as the attempt at its next round gets it.

    What is computed from the rounds is computed anew with the next one; here is only what that attempt goes by.
    """
    return MeasureResult(
        rounds=[_round(one) for one in record.rounds],
        **{name: getattr(record, name) for name in _CARRIED},
        iqr=record.iqr or 0.0,
        conditions=dict(record.conditions),
    )


#: Fields of a round that are blocks.
_BLOCKS = ("samples", "end_to_end", "loading")
#: Fields that a measurement's record and its result have in common.
_CARRIED = (
    "complete",
    "images_per_second",
    "low",
    "high",
    "cv",
    "batch_size",
    "memory_format",
    "compiled",
    "warmup_steps",
    "macs",
    "params",
    "peak_memory_bytes",
    "verdict",
    "verdict_reason",
)


def _round(record: RoundRecord) -> Round:
    plain = {one.name: getattr(record, one.name) for one in dataclasses.fields(record) if one.name not in _BLOCKS}
    blocks = {name: [Sample(**dataclasses.asdict(sample)) for sample in getattr(record, name)] for name in _BLOCKS}
    return Round(**{**plain, **blocks, "latencies": list(record.latencies), "conditions": dict(record.conditions)})


def environment_record(environment: Environment) -> EnvironmentRecord:
    """Return a slot's environment as the store keeps it."""
    return EnvironmentRecord(environment_key=environment.key, **dataclasses.asdict(environment))


def epoch_record(report: EpochDone) -> EpochRecord:
    """Return one epoch as the store keeps it."""
    return EpochRecord(
        epoch=report.epoch,
        loss=report.loss,
        learning_rate=report.learning_rate,
        images=report.images,
        seconds=report.seconds,
        validation_images=report.validation_images,
        validation_correct=report.validation_correct,
    )


def _variant(variant: Variant) -> VariantRecord:
    return VariantRecord(
        model_size=variant.size,
        group_size=variant.group_size,
        expansion=variant.expansion,
        norm=variant.norm,
        width=variant.width,
        small_images=variant.small_images,
    )


def _dataset(dataset: DataSet) -> DataSetRecord:
    return DataSetRecord(**dataclasses.asdict(dataset))
