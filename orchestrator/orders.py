"""What a slot is told to do: a job with what earlier attempts and other jobs left for it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from orchestrator.results import measured_so_far
from workers.protocol.jobs import EvaluateJob, MeasureJob, TrainJob
from workers.protocol.orders import Order

if TYPE_CHECKING:
    from db.reader import Reader
    from orchestrator.driver_partners import JobSource, Patience
    from orchestrator.run_files import RunFiles
    from workers.protocol.jobs import Job


class Orders:
    """Writes the orders of a run.

    Args:
        reader: Looks up what is stored.
        files: Where attempts write.
        data_directory: Where named data sets lie.
        source: Says when trainings are to be tested on their way; None if no job comes from one.
        patiently: How the store is called.
    """

    def __init__(
        self, reader: Reader, files: RunFiles, data_directory: str, source: JobSource | None, patiently: Patience
    ) -> None:
        self._reader = reader
        self._files = files
        self._data_directory = data_directory
        self._source = source
        self._patiently = patiently

    def order(self, job: Job, attempt: int) -> Order:
        """Return the order of an attempt at a job."""
        fingerprint = job.fingerprint
        order = Order(
            job=job,
            attempt=attempt,
            directory=str(self._files.attempt_directory(fingerprint, attempt)),
            data_directory=self._data_directory,
        )
        if isinstance(job, TrainJob):
            validate_after = self._source.validate_after(fingerprint) if self._source else ()
            resume_from = self._files.resume_point(fingerprint, attempt)
            return dataclasses.replace(order, resume_from=resume_from, validate_after=validate_after)
        if isinstance(job, EvaluateJob):
            return self._with_weights(order, job)
        return self._with_rounds(order, job)

    def _with_weights(self, order: Order, job: EvaluateJob) -> Order:
        row = self._patiently(lambda: self._reader.training(job.training.fingerprint)) or {}
        return dataclasses.replace(
            order, checkpoint=row.get("checkpoint"), checkpoint_sha256=row.get("checkpoint_sha256")
        )

    def _with_rounds(self, order: Order, job: MeasureJob) -> Order:
        rows = self._patiently(lambda: self._reader.measurements_of(job.fingerprint))
        if rows and not rows[0].record.complete:
            return dataclasses.replace(order, so_far=measured_so_far(rows[0].record))
        return order
