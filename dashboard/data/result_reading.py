"""What the pages about single results read of the store, kept until the store changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from dashboard.data.reading import Rows, Source
from db.records import EpochRecord, JobRow
from db.result_details import Measured, Row

_kept = st.cache_data(
    max_entries=100, show_spinner=False, hash_funcs={Source: lambda where: (where.url, where.version)}
)


@dataclass(frozen=True, slots=True)
class Run:
    """A training run.

    Attributes:
        job: Its job.
        row: Its row of ``trainings``; None if it has no result.
        epochs: Of its last attempt, as far as they are told.
        tests: Its evaluations and those of other seeds of the same configuration.
    """

    job: JobRow
    row: Row | None
    epochs: list[EpochRecord]
    tests: Rows


@_kept
def job(where: Source, prefix: str) -> JobRow:
    """Return the job whose fingerprint begins so.

    Raises:
        UnknownNameError: There is none, or several begin so.
    """
    return where.reader.details().job(prefix)


@_kept
def evaluations(where: Source, fingerprints: Sequence[str]) -> dict[str, Row]:
    """Return what is told of some evaluations themselves; those without a result are left out."""
    return where.reader.details().evaluations(fingerprints)


@_kept
def run(where: Source, fingerprint: str) -> Run:
    """Return a training run of a fingerprint."""
    reader = where.reader
    details = reader.details()
    return Run(
        job=details.job(fingerprint),
        row=reader.training(fingerprint),
        epochs=reader.epochs_of(fingerprint),
        tests=details.related(fingerprint),
    )


@_kept
def epochs(where: Source, fingerprint: str) -> list[EpochRecord]:
    """Return the epochs of a training run, each as its last attempt did it."""
    return where.reader.epochs_of(fingerprint)


@_kept
def in_places(where: Source, fingerprints: Sequence[str]) -> Rows:
    """Return the rows of ``results`` of some evaluations: one per sweep and place."""
    return where.reader.details().in_places(fingerprints)


@_kept
def measured(where: Source, numbers: Sequence[int]) -> dict[int, Measured]:
    """Return some measurements by their numbers."""
    return where.reader.details().measured(numbers)


@_kept
def measurements_of(where: Source, fingerprint: str) -> list[int]:
    """Return the numbers of the measurements that a job made, the newest first."""
    return where.reader.details().measurements_of(fingerprint)


@_kept
def sweeps_of(where: Source, fingerprint: str) -> list[str]:
    """Return the names of the sweeps that ask for a job now."""
    return where.reader.details().sweeps_of(fingerprint)


@_kept
def attempts(where: Source, fingerprints: Sequence[str]) -> Rows:
    """Return the attempts at some jobs in the order in which they began."""
    return where.reader.details().attempts(fingerprints)


@_kept
def environments(where: Source, keys: Sequence[str]) -> Rows:
    """Return some environments, the first seen first."""
    return where.reader.details().environments(keys)


@_kept
def jobs(where: Source, fingerprints: Sequence[str]) -> dict[str, JobRow]:
    """Return some jobs by their fingerprints."""
    return where.reader.details().jobs(fingerprints)
