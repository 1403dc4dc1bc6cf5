"""Everything about single results: what a page about one of them, or about a few side by side, asks for.

A result is found by its job's fingerprint, or by the first digits of it. Each read looks up a few rows by an index,
however many results there are.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Double, FromClause, Select, and_, cast, select

from db.bootstrap import Blocks
from db.errors import UnknownNameError
from db.measurement_rows import blocks_of, rounds_of_samples
from db.records import JobRow
from db.results_view import OF_TRAININGS, evaluated_runs, measured_results
from db.tables import (
    attempts,
    environments,
    evaluations,
    jobs,
    measurement_rounds,
    measurements,
    samples,
    sweep_jobs,
    sweeps,
    trainings,
    variants,
)
from db.variant_results_view import TRAINED, VARIANT
from db.verdicts import shown_verdict

Row = dict[str, Any]

#: Digits that a person must give at least; fewer would name several jobs of a large database.
SHORTEST_PREFIX: Final = 4
_PREFIX: Final = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
#: Columns of ``results`` that are told of an evaluation without a sweep, a place or a throughput.
_TESTED: Final = (
    *OF_TRAININGS,
    "test_resolution",
    "top1",
    "top1_before_fine_tune",
    "validation_top1",
    "images",
    "correct",
    "correct_before_fine_tune",
    "validation_images",
    "validation_correct",
    "test_macs",
    "fine_tune_layers",
    "fine_tune_digest",
    "evaluation",
    "finished_at",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement with all that was timed.

    Attributes:
        row: Its row of ``measurements``, with its ``variants``' columns, ``slot_kind``, ``device``, ``threads``,
            ``superseded_at``, and ``shown_verdict``, which may also be ``stale``.
        rounds: Its rows of ``measurement_rounds``, in order, each with ``counts``: whether the throughput is computed
            from it.
        blocks: Its timed blocks in order: ``round``, ``ordinal``, ``images``, ``seconds``, ``images_per_second``, and
            ``counts``, as of its round.
    """

    row: Row
    rounds: tuple[Row, ...]
    blocks: tuple[Row, ...]

    @property
    def timed(self) -> Blocks:
        """The blocks that count."""
        return blocks_of([block for block in self.blocks if block["counts"]])


class ResultDetails:
    """Reads all there is about some jobs and their results."""

    def __init__(self, read: Callable[[Select[Any]], list[Row]]) -> None:
        self._read = read

    def job(self, prefix: str) -> JobRow:
        """Return the job whose fingerprint begins so.

        Raises:
            UnknownNameError: There is none, or several begin so, or these are no digits of a fingerprint.
        """
        digits = prefix.strip().lower()
        if not _PREFIX.fullmatch(digits):
            raise UnknownNameError(
                f"{prefix!r} is no fingerprint", f"Give {SHORTEST_PREFIX} to 32 hexadecimal digits of one."
            )
        # A range rather than LIKE, which SQLite answers by reading every job; "g" follows the last digit.
        among = and_(jobs.c.fingerprint >= digits, jobs.c.fingerprint < digits + "g")
        rows = self._read(select(jobs).where(among).order_by(jobs.c.fingerprint).limit(2))
        if not rows:
            raise UnknownNameError(
                f"there is no result and no job {digits!r}", "Results are listed by `orchestrator results`."
            )
        if len(rows) > 1:
            raise UnknownNameError(f"several results or jobs begin with {digits!r}", "Give more digits.")
        return JobRow(**rows[0])

    def jobs(self, fingerprints: Sequence[str]) -> dict[str, JobRow]:
        """Return some jobs by their fingerprints; those that are not known are left out."""
        rows = self._read(select(jobs).where(jobs.c.fingerprint.in_(fingerprints)))
        return {row["fingerprint"]: JobRow(**row) for row in rows}

    def evaluations(self, fingerprints: Sequence[str]) -> dict[str, Row]:
        """Return what is told of some evaluations themselves; those without a result are left out.

        Columns of ``results`` without sweep, place and throughput, and ``loss``, ``seconds`` (of fine-tuning and
        testing), ``fine_tune`` and ``environment_key`` (where that was done).
        """
        more = [evaluations.c[name] for name in ("loss", "seconds", "fine_tune", "environment_key")]
        query = evaluated_runs(_TESTED).add_columns(*more).where(evaluations.c.fingerprint.in_(fingerprints))
        return {row["evaluation"]: row for row in self._read(query)}

    def related(self, training: str) -> list[Row]:
        """Return every test of a training run and of the same configuration with other seeds.

        The columns are those that ``results`` tells of an evaluation without a place.

        Args:
            training: Its fingerprint.
        """
        this = trainings.alias("this")
        same = select(this.c.fingerprint).where(
            this.c.fingerprint == training, *(this.c[name] == trainings.c[name] for name in TRAINED)
        )
        # Found by its variant first, which has an index.
        variant = select(this.c.variant_id).where(this.c.fingerprint == training).scalar_subquery()
        query = evaluated_runs(_TESTED).where(trainings.c.variant_id == variant, same.exists())
        order = (trainings.c.seed, evaluations.c.test_resolution, evaluations.c.fine_tune_layers)
        return self._read(query.order_by(*order, evaluations.c.fingerprint))

    def in_places(self, fingerprints: Sequence[str]) -> list[Row]:
        """Return the rows of ``results`` of some evaluations: one per sweep and place, the newest sweep first."""
        query = measured_results().where(evaluations.c.fingerprint.in_(fingerprints))
        order = (sweeps.c.sweep_id.desc(), environments.c.first_seen_at, environments.c.environment_key)
        return self._read(query.order_by(*order, evaluations.c.fingerprint))

    def sweeps_of(self, fingerprint: str) -> list[str]:
        """Return the names of the sweeps that ask for a job now, the newest first."""
        query = (
            select(sweeps.c.name)
            .join_from(sweep_jobs, sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
            .where(sweep_jobs.c.fingerprint == fingerprint)
            .order_by(sweeps.c.sweep_id.desc())
        )
        return [row["name"] for row in self._read(query)]

    def attempts(self, fingerprints: Sequence[str]) -> list[Row]:
        """Return the attempts at some jobs in the order in which they began, with the job's ``stage`` and ``label``."""
        query = (
            select(attempts, jobs.c.stage, jobs.c.label)
            .join_from(attempts, jobs, jobs.c.fingerprint == attempts.c.fingerprint)
            .where(attempts.c.fingerprint.in_(fingerprints))
            .order_by(attempts.c.started_at, attempts.c.fingerprint, attempts.c.attempt)
        )
        return self._read(query)

    def environments(self, keys: Sequence[str]) -> list[Row]:
        """Return the rows of ``environments`` of some keys, the first seen first."""
        query = select(environments).where(environments.c.environment_key.in_(keys))
        return self._read(query.order_by(environments.c.first_seen_at, environments.c.environment_key))

    def measurements_of(self, fingerprint: str) -> list[int]:
        """Return the numbers of the measurements that a job made, the newest first."""
        query = select(measurements.c.measurement_id).where(measurements.c.fingerprint == fingerprint)
        return [row["measurement_id"] for row in self._read(query.order_by(measurements.c.measurement_id.desc()))]

    def measured(self, numbers: Sequence[int]) -> dict[int, Measured]:
        """Return some measurements by their numbers; those that are not known are left out."""
        counted = {(row["measurement_id"], row["round"]) for row in self._read(rounds_of_samples(numbers))}
        rounds = _by_measurement(self._read(_in_order(measurement_rounds, "round", numbers)), counted)
        rate = (cast(samples.c.images, Double) / samples.c.seconds).label("images_per_second")
        blocks = _by_measurement(self._read(_in_order(samples, "ordinal", numbers).add_columns(rate)), counted)
        return {
            row["measurement_id"]: Measured(
                row, tuple(rounds[row["measurement_id"]]), tuple(blocks[row["measurement_id"]])
            )
            for row in self._read(_told(numbers))
        }


def _told(numbers: Sequence[int]) -> Select[Any]:
    place = [environments.c[name] for name in ("slot_kind", "device", "threads", "superseded_at")]
    verdict = shown_verdict(measurements, environments).label("shown_verdict")
    return (
        select(measurements, *(variants.c[name] for name in VARIANT), *place, verdict)
        .join_from(measurements, variants, variants.c.variant_id == measurements.c.variant_id)
        .join(environments, environments.c.environment_key == measurements.c.environment_key)
        .where(measurements.c.measurement_id.in_(numbers))
    )


def _in_order(table: FromClause, number: str, measured: Sequence[int]) -> Select[Any]:
    query = select(table).where(table.c.measurement_id.in_(measured))
    return query.order_by(table.c.measurement_id, table.c[number])


def _by_measurement(rows: Sequence[Row], counted: set[tuple[int, int]]) -> defaultdict[int, list[Row]]:
    found: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        counts = (row["measurement_id"], row["round"]) in counted
        found[row["measurement_id"]].append({**row, "counts": counts})
    return found
