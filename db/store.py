"""The write side of the store: every method is one short transaction."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.engine import URL

from db import checkpoints, driver_rows, environment_rows, job_rows, pauses, points, publications, result_rows, schema
from db.engine import transaction
from db.errors import UnknownNameError
from db.measurement_rows import unfinished_rounds
from db.records import (
    DriverIdentity,
    DriverRow,
    EnvironmentRecord,
    EpochRecord,
    EvaluationRecord,
    JobRow,
    MeasurementRecord,
    NewJob,
    PublishedRecord,
    SweepRow,
    TrainingRecord,
)
from db.search_store import SearchWriter
from db.tables import FINAL_JOB_STATES, sweeps
from db.urls import parse_url

#: What ``requeue`` opens again unless told otherwise.
UNSUCCESSFUL = ("failed", "quarantined", "cancelled", "diverged")
#: A result may still replace these; ``done`` and ``diverged`` are results themselves.
_REPLACED_BY_A_RESULT = ("failed", "quarantined", "cancelled")


def utc_now() -> dt.datetime:
    """Return the time, aware."""
    return dt.datetime.now(dt.timezone.utc)


def open_store(url: str, clock: Callable[[], dt.datetime] = utc_now) -> "Store":
    """Open the database for writing; created where there is none, and an older SQLite file is upgraded.

    Args:
        url: ``sqlite:///file.db`` or ``postgresql://user@host/database``.
        clock: Gives the times that are stored.

    Raises:
        StoreError: One of its kinds; see ``db.errors``.
    """
    parsed = parse_url(url)
    return Store(schema.prepare(parsed), parsed, clock)


class Store:
    """The database as the one writer of a sweep sees it.

    Guarantees: a job is claimed by one attempt at a time; a result is stored once, whole, together with its job's
    state; an attempt that was given up as lost can neither overwrite its successor nor lose its own result when there
    is no successor. Any method may raise ``DatabaseUnavailableError``; nothing was changed then, or, when the
    connection broke during the commit, everything was: calling it again is safe.
    """

    def __init__(self, engine: Engine, url: URL, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._engine = engine
        self._url = url
        self._now = clock

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def _transaction(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, self._url)

    # Drivers and sweeps -------------------------------------------------------------------------------------------

    def register_driver(self, identity: DriverIdentity) -> None:
        """Note that a driver has started."""
        with self._transaction() as connection:
            driver_rows.register(connection, identity, self._now())

    def beat(self, driver_id: str) -> bool:
        """Count one heartbeat; False when the driver was declared dead and must stop."""
        with self._transaction() as connection:
            return driver_rows.beat(connection, driver_id, self._now())

    def live_drivers(self) -> list[DriverRow]:
        """Return the drivers that have not ended, oldest first; some may be dead without having said so."""
        with self._transaction() as connection:
            return driver_rows.alive(connection)

    def end_driver(self, driver_id: str) -> bool:
        """Note that a driver ends in good order and release its sweeps; False when it had ended already.

        Its running jobs, if any are left, go back to queued as if it had been reaped.
        """
        with self._transaction() as connection:
            ended = driver_rows.end(connection, driver_id, None, self._now())
            driver_rows.requeue_running_jobs(connection, driver_id, self._now())
            return ended

    def reap_driver(self, driver_id: str, beats: int | None = None) -> list[tuple[str, int]]:
        """Declare a driver dead: its running jobs go back to queued, its sweeps are free.

        Args:
            driver_id: The driver.
            beats: Its heartbeats when it was last looked at; nothing is done if it has beaten since.

        Returns:
            Fingerprint and attempt of each job put back.
        """
        with self._transaction() as connection:
            if not driver_rows.end(connection, driver_id, beats, self._now()):
                return []
            return driver_rows.requeue_running_jobs(connection, driver_id, self._now())

    def take_sweep(self, name: str, spec_text: str, spec_digest: str, artifacts: str, driver_id: str) -> int:
        """Make the driver the only one that runs this sweep, and return the sweep's id.

        A sweep of this name is gone on with; its text is replaced by the present one.

        Raises:
            SweepHeldError: Another driver that has not ended holds it.
            DriverEndedError: This driver was declared dead.
        """
        values = {"name": name, "spec_text": spec_text, "spec_digest": spec_digest, "artifacts": artifacts}
        with self._transaction() as connection:
            driver_rows.require_alive(connection, driver_id)
            return driver_rows.take_sweep(connection, values, driver_id, self._now())

    def set_sweep_state(self, sweep_id: int, state: str) -> None:
        """Set a sweep's state: ``running``, ``stopped``, ``finished`` or ``failed``; it is not paused any more."""
        finished_at = self._now() if state in {"finished", "failed"} else None
        values = {"state": state, "finished_at": finished_at, "updated_at": self._now(), **pauses.NOT_PAUSED}
        with self._transaction() as connection:
            connection.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(values))

    def pause_sweep(self, sweep_id: int, by: str, *, interrupts: bool) -> bool:
        """Ask a sweep's driver to start nothing until ``resume_sweep``.

        A pause that lets jobs run on may be made one that interrupts them; it keeps who asked for it first, and when.

        Args:
            sweep_id: The sweep.
            by: Who asks, as ``user@host``.
            interrupts: Whether to interrupt what runs; else it goes on to its end.

        Returns:
            False when nobody runs the sweep, or it is paused already.
        """
        with self._transaction() as connection:
            return pauses.pause(connection, sweep_id, by, interrupts=interrupts, now=self._now())

    def resume_sweep(self, sweep_id: int) -> bool:
        """Let a paused sweep go on; False when it is not paused, or nobody runs it."""
        with self._transaction() as connection:
            return pauses.resume(connection, sweep_id, self._now())

    def sweep(self, sweep_id: int) -> SweepRow:
        """Return a sweep, whose state another process may have set.

        Raises:
            UnknownNameError: There is none.
        """
        with self._transaction() as connection:
            row = connection.execute(select(sweeps).where(sweeps.c.sweep_id == sweep_id)).mappings().one_or_none()
        if row is None:
            raise UnknownNameError(f"there is no sweep number {sweep_id}", "`orchestrator status` shows the newest.")
        return SweepRow(**row)

    def release_sweep(self, sweep_id: int, driver_id: str) -> None:
        """Let the sweep go, if this driver holds it."""
        held = (sweeps.c.sweep_id == sweep_id) & (sweeps.c.driver_id == driver_id)
        with self._transaction() as connection:
            connection.execute(update(sweeps).where(held).values(driver_id=None, updated_at=self._now()))

    def search(self, sweep_id: int) -> SearchWriter:
        """Return what writes the search that a sweep is, or becomes."""
        return SearchWriter(self._transaction, sweep_id, self._now)

    # Jobs ---------------------------------------------------------------------------------------------------------

    def put_environment(self, record: EnvironmentRecord, node: str | None = None) -> None:
        """Keep an environment and, with the name of a machine, that it was seen there just now.

        What was measured in another environment of the same device is stale once no machine is seen in it any more.

        Args:
            record: The environment.
            node: Name of the machine; None if not known.
        """
        with self._transaction() as connection:
            changed = environment_rows.put(connection, record, node, self._now())
            points.refresh_variants(connection, points.measured_in(connection, changed))

    def put_jobs(self, sweep_id: int, jobs: Sequence[NewJob]) -> None:
        """Insert the jobs that do not exist yet and make exactly these, in this order, the sweep's.

        A job that the sweep asked for before and does not now is unlinked; nothing is deleted.
        """
        with self._transaction() as connection:
            changed = job_rows.put(connection, sweep_id, jobs, self._now())
            points.refresh_jobs(connection, sweep_id, changed)

    def job_states(self, fingerprints: Iterable[str]) -> dict[str, str]:
        """Return the state of each of these jobs that exists."""
        with self._transaction() as connection:
            return job_rows.states(connection, fingerprints)

    def rounds_done(self, sweep_id: int) -> dict[str, int]:
        """Return how many rounds those measurements of a sweep have that wait for further ones, by fingerprint."""
        with self._transaction() as connection:
            return {row.fingerprint: row.rounds for row in connection.execute(unfinished_rounds(sweep_id))}

    def jobs_of(self, sweep_id: int) -> list[JobRow]:
        """Return the jobs of a sweep in the order in which it asks for them."""
        with self._transaction() as connection:
            return job_rows.of_sweep(connection, sweep_id)

    def claim(
        self,
        fingerprint: str,
        *,
        driver_id: str,
        slot: str,
        node: str,
        environment_key: str | None,
        directory: str,
    ) -> int | None:
        """Start an attempt at a queued job.

        Args:
            fingerprint: The job.
            driver_id: Who claims it.
            slot: On which slot.
            node: On which machine.
            environment_key: The slot's environment, put before; None if not known yet.
            directory: Of the attempt; ``{attempt}`` in it stands for the attempt's number.

        Returns:
            The attempt's number, or None when the job is not queued (any more).

        Raises:
            DriverEndedError: This driver was declared dead.
        """
        with self._transaction() as connection:
            driver_rows.require_alive(connection, driver_id)
            return job_rows.claim(
                connection,
                fingerprint,
                driver_id=driver_id,
                slot=slot,
                node=node,
                environment_key=environment_key,
                directory=directory,
                now=self._now(),
            )

    def record_progress(self, fingerprint: str, attempt: int, done: float, text: str) -> bool:
        """Note how far (0 to 1) the running attempt is; False when it is not the one that runs."""
        with self._transaction() as connection:
            return job_rows.record_progress(connection, fingerprint, attempt, done, text, self._now())

    def record_epoch(self, fingerprint: str, attempt: int, record: EpochRecord) -> None:
        """Keep one epoch of an attempt; told twice, kept once."""
        with self._transaction() as connection:
            job_rows.record_epoch(connection, fingerprint, attempt, record)

    def end_attempt(
        self,
        fingerprint: str,
        attempt: int,
        *,
        outcome: str,
        next_state: str,
        failure: str = "",
        message: str = "",
        traceback: str = "",
        reason: str = "",
        not_before: dt.datetime | None = None,
    ) -> bool:
        """End an attempt that brought no result; counts crashes and losses.

        Args:
            fingerprint: The job.
            attempt: The attempt's number.
            outcome: ``diverged``, ``failed``, ``crashed``, ``lost``, ``out_of_memory``, ``timeout`` or ``stopped``.
            next_state: The job's: ``queued`` for another attempt, or a final one.
            failure: Class of the failure.
            message: One line for a person.
            traceback: For the developer.
            reason: Why the job is in its next state, for people.
            not_before: With ``queued``: no attempt should start earlier.

        Returns:
            False when the attempt may not speak for the job any more: a newer one runs, or the job is decided. It is
            kept as superseded then. True also when this very outcome was stored before.
        """
        now = self._now()
        with self._transaction() as connection:
            job_rows.lock(connection, fingerprint)
            known = job_rows.outcome_of(connection, fingerprint, attempt)
            if known is not None and known != "lost":
                return known == outcome
            counted = job_rows.counted(outcome) if known is None else {}
            accepted = job_rows.decide(
                connection,
                fingerprint,
                attempt,
                state=next_state,
                overrides=(),
                values={"reason": reason, "not_before": not_before, **counted},
                now=now,
            )
            job_rows.close_attempt(
                connection,
                fingerprint,
                attempt,
                outcome=outcome if accepted else "superseded",
                failure=failure,
                message=message,
                traceback=traceback,
                now=now,
            )
            return accepted

    def set_job_states(
        self, fingerprints: Iterable[str], from_states: Sequence[str], to_state: str, reason: str
    ) -> int:
        """Move those of the jobs that are in one of some states to another; return how many.

        Running jobs are never moved: their attempt ends first. Nor does anything become ``done`` without a result.

        Raises:
            ValueError: To ``running`` or ``done``.
        """
        if to_state in {"running", "done"}:
            raise ValueError(f"a job becomes {to_state} by an attempt only")
        with self._transaction() as connection:
            return job_rows.set_state(connection, fingerprints, from_states, to_state, reason=reason, now=self._now())

    def requeue(self, fingerprints: Iterable[str], from_states: Sequence[str] = UNSUCCESSFUL) -> int:
        """Give decided jobs a new chance: queued, earlier crashes and losses forgotten; return how many.

        With ``done`` among the states, a job is done again: its result stays until the new one replaces it, and a new
        measurement stands beside the old one.
        """
        allowed = [state for state in from_states if state in FINAL_JOB_STATES]
        with self._transaction() as connection:
            return job_rows.set_state(
                connection, fingerprints, allowed, "queued", reason="", now=self._now(), reset=True
            )

    def cancel(self, fingerprints: Iterable[str], reason: str = "cancelled by the user") -> int:
        """Cancel those of the jobs that wait; running ones are the driver's to stop. Return how many."""
        return self.set_job_states(fingerprints, ("queued", "blocked"), "cancelled", reason)

    @contextmanager
    def holding_training(self, fingerprint: str) -> Iterator[list[checkpoints.TrainAttempt]]:
        """Give the attempts at a training, and keep it as it is for the length of the block: be quick.

        Meanwhile nobody starts it, and whoever asks for a new evaluation of it has to wait: a launch looks at the
        training's files after that, and so finds them as the block left them.

        Raises:
            UnknownNameError: There is no such job.
        """
        with self._transaction() as connection:
            job_rows.lock(connection, fingerprint)
            yield checkpoints.train_attempts(connection, fingerprint)

    # Results ------------------------------------------------------------------------------------------------------

    def finish_training(self, fingerprint: str, attempt: int, record: TrainingRecord) -> bool:
        """Store a training run's result and make its job done, in one transaction.

        Returns:
            True when this attempt's result is in the store (also when it was before); False when a newer attempt runs
            or another one's result is there already: the attempt is kept as superseded.
        """
        return self._finish(
            fingerprint,
            attempt,
            lambda connection, now: result_rows.put_training(connection, fingerprint, attempt, record, now),
        )

    def finish_evaluation(self, fingerprint: str, attempt: int, record: EvaluationRecord) -> bool:
        """Store an evaluation's result and make its job done; otherwise like ``finish_training``."""
        return self._finish(
            fingerprint,
            attempt,
            lambda connection, now: result_rows.put_evaluation(connection, fingerprint, attempt, record, now),
        )

    def finish_measurement(self, fingerprint: str, attempt: int, record: MeasurementRecord) -> bool:
        """Store a measurement with the round that an attempt added to it; otherwise like ``finish_training``.

        Its job is done when the measurement is complete, and queued for the next round else.

        Returns:
            False also where the stored measurement has gone on without this attempt.
        """
        return self._finish(
            fingerprint,
            attempt,
            lambda connection, now: result_rows.put_measurement(connection, fingerprint, record, now),
            state="done" if record.complete else "queued",
            acceptable=lambda connection: result_rows.follows(connection, fingerprint, record),
        )

    def _finish(
        self,
        fingerprint: str,
        attempt: int,
        put: Callable[[Connection, dt.datetime], None],
        *,
        state: str = "done",
        acceptable: Callable[[Connection], bool] = lambda _: True,
    ) -> bool:
        now = self._now()
        with self._transaction() as connection:
            job_rows.lock(connection, fingerprint)
            known = job_rows.outcome_of(connection, fingerprint, attempt)
            if known == "done":
                return True
            before = points.configurations_of(connection, fingerprint)
            fits = acceptable(connection)
            next_state = state if fits else "queued"
            decided = job_rows.decide(
                connection,
                fingerprint,
                attempt,
                state=next_state,
                overrides=_REPLACED_BY_A_RESULT if next_state == "done" else (),
                values={"reason": "", "progress": 1 if next_state == "done" else 0},
                now=now,
            )
            accepted = decided and fits
            if accepted:
                put(connection, now)
            job_rows.close_attempt(
                connection, fingerprint, attempt, outcome="done" if accepted else "superseded", now=now
            )
            if accepted:
                points.refresh_result(connection, fingerprint, before)
            return accepted

    def put_publication(self, name: str, dataset: str, records: Sequence[PublishedRecord]) -> None:
        """Keep published results beside our own; the same name again replaces them."""
        with self._transaction() as connection:
            variants = publications.put(connection, name, dataset, records, self._now())
            points.refresh_variants(connection, variants)
