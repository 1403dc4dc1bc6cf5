"""One attempt at a job, from the order to the report that ends it."""

import os
import sys
import traceback
from typing import Union

from workers.data.loading import load_data_set
from workers.device import is_out_of_memory, return_free_memory
from workers.errors import CheckpointError, DeviceError, DivergedError, JobError
from workers.measuring.measurement import measure
from workers.protocol.jobs import EvaluateJob, MeasureJob, TrainJob
from workers.protocol.orders import Diverged, Environment, Failed, Finished, Order, Result, Started
from workers.reporting import AttemptObserver, ReportStream, spool
from workers.slot import Slot
from workers.training.evaluation import evaluate
from workers.training.training import train
from workers.weights import load_weights

FinalReport = Union[Finished, Diverged, Failed]


def run_attempt(order: Order, slot: Slot, stream: ReportStream) -> FinalReport:
    """Do what an order says; whatever happens is an answer.

    The final report is on the disk before it is sent.

    Args:
        order: What to do.
        slot: Where; a measurement for another environment than the slot's is refused.
        stream: Where reports go.

    Returns:
        The report that ended the attempt.
    """
    job, attempt = order.job.fingerprint, order.attempt
    stream.send(Started(job, attempt))
    report: FinalReport
    try:
        os.makedirs(order.directory, exist_ok=True)
        result = _result(order, slot, AttemptObserver(order, stream))
        report = Finished(job, attempt, result)
        spool(order.directory, report)
    except DivergedError as error:
        report = _spooled(order, Diverged(job, attempt, str(error)))
    except Exception as error:  # noqa: BLE001  # the one place where any failure becomes a report
        report = _spooled(order, failed(job, attempt, error))
    _free(slot)
    stream.send(report)
    return_free_memory()  # this process may be idle for long
    return report


def failed(job: str, attempt: int, error: BaseException) -> Failed:
    """Return the report of an exception, with its class of failure."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    lines = str(error).strip().splitlines() or [type(error).__name__]
    message = lines[0] if isinstance(error, JobError) else f"{type(error).__name__}: {lines[0]}"
    return Failed(job, attempt, _failure_class(error), message, text)


def _result(order: Order, slot: Slot, observer: AttemptObserver) -> Result:
    job, engine = order.job, slot.engine
    if isinstance(job, TrainJob):
        data = load_data_set(job.dataset, order.data_directory, engine.device)
        return train(
            job,
            data,
            engine,
            order.directory,
            observer,
            resume_from=order.resume_from,
            validate_after=order.validate_after,
        )
    if isinstance(job, EvaluateJob):
        if order.checkpoint is None:
            raise CheckpointError("the order names no checkpoint")
        weights = load_weights(order.checkpoint, job.training.variant, order.checkpoint_sha256)
        data = load_data_set(job.training.dataset, order.data_directory, engine.device)
        return evaluate(job, data, engine, weights, observer)
    _check_environment(job, slot.environment)
    return measure(
        job,
        slot.bench,
        observer,
        attempt=order.attempt,
        so_far=order.so_far,
        data_directory=order.data_directory,
    )


def _free(slot: Slot) -> None:
    """Free the device; where it broke, that was reported, and its process is of no more use."""
    try:
        slot.engine.close()
    except JobError as error:
        sys.stderr.write(f"the device could not be freed: {error}\n")


def _check_environment(job: MeasureJob, environment: Environment) -> None:
    """Refuse to file this slot's throughput under another slot's name; an empty key means wherever it runs."""
    if job.environment_key and job.environment_key != environment.key:
        raise DeviceError(
            f"the measurement is for environment {job.environment_key}; this slot is {environment.key} "
            f"({environment.device}, {environment.threads} threads)"
        )


def _failure_class(error: BaseException) -> str:
    if isinstance(error, JobError):
        return error.failure
    if is_out_of_memory(error):
        return "out_of_memory"
    # What CUDA says once a device is lost; every later call says it again, so the class asks for another process.
    if isinstance(error, RuntimeError) and "CUDA error" in str(error):
        return "device"
    return "error"


def _spooled(order: Order, report: FinalReport) -> FinalReport:
    """Spool a report; where even that fails, say so on the error stream and send it all the same."""
    try:
        spool(order.directory, report)
    except OSError as error:
        sys.stderr.write(f"the report of {report.job} could not be kept in {order.directory}: {error}\n")
    return report
