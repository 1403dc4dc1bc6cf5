"""One run of a sweep, from the open store on: the sweep is taken, what earlier runs left is taken in, a driver runs."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import SweepHeldError
from db.reader import open_reader
from db.store import open_store
from orchestrator.driver import Driver
from orchestrator.driver_identity import LEASE_SECONDS, DriverWatch, this_driver
from orchestrator.live_view import LiveView
from orchestrator.output import pause_words
from orchestrator.placement import runs_on
from orchestrator.results import environment_record, store_result
from orchestrator.run_files import RunFiles
from orchestrator.scheduling.events import Task
from orchestrator.scheduling.scheduler import Scheduler
from orchestrator.slots.ray_pool import RayPool
from workers.protocol.jobs import MeasureJob, digest
from workers.protocol.orders import Finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

    from rich.console import Console
    from typing_extensions import Self

    from db.reader import Reader
    from db.records import JobRow, Pause
    from db.store import Store
    from orchestrator.capacity import Capacity
    from orchestrator.driver_partners import JobSource
    from orchestrator.launching import LaunchOptions
    from orchestrator.sweep import Sweep
    from workers.protocol.jobs import Job


@contextlib.contextmanager
def open_run(
    options: LaunchOptions, sweep: Sweep, capacity: Capacity, jobs: Mapping[str, Job], console: Console
) -> Iterator[SweepRun]:
    """Open the database and register this process as a driver, for the length of a block.

    Args:
        options: What a person asks for.
        sweep: The sweep.
        capacity: The slots.
        jobs: As of ``SweepRun``.
        console: Where a person reads.

    Raises:
        StoreError: The database cannot be used.
    """
    with (
        contextlib.closing(open_store(options.url)) as store,
        contextlib.closing(open_reader(options.url)) as reader,
        SweepRun(
            sweep=sweep,
            capacity=capacity,
            store=store,
            reader=reader,
            console=console,
            home=options.home,
            data_directory=options.data_directory,
            jobs=jobs,
        ) as run,
    ):
        yield run


class SweepRun:
    """What this process needs to run a sweep; a context, in which it is registered as a driver.

    Args:
        sweep: What is asked for.
        capacity: The slots.
        store: The results database.
        reader: Looks things up in it.
        console: Where a person reads.
        home: Directory of the runs' files.
        data_directory: Where named data sets lie.
        jobs: The sweep's jobs by fingerprint; a ``JobSource`` adds to them.
    """

    def __init__(
        self,
        *,
        sweep: Sweep,
        capacity: Capacity,
        store: Store,
        reader: Reader,
        console: Console,
        home: Path,
        data_directory: Path,
        jobs: Mapping[str, Job],
    ) -> None:
        self._sweep = sweep
        self._capacity = capacity
        self._store = store
        self._reader = reader
        self._console = console
        self._files = RunFiles(home)
        self._data_directory = data_directory
        self._jobs = jobs
        self._identity = this_driver()
        self._drivers = DriverWatch(store, self._identity.driver_id)

    @property
    def store(self) -> Store:
        """The results database."""
        return self._store

    @property
    def reader(self) -> Reader:
        """Looks things up in it."""
        return self._reader

    def __enter__(self) -> Self:
        self._store.register_driver(self._identity)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._store.end_driver(self._identity.driver_id)

    # ---- before ------------------------------------------------------------------------------------------------

    def take_sweep(self) -> int:
        """Take the sweep; a holder on another machine is given a lease's time to show that it lives.

        Raises:
            SweepHeldError: It lives.
        """
        pause = self._pause_before()
        self._drivers.reap_the_dead()
        give_up = time.monotonic() + LEASE_SECONDS * 1.5
        text = self._sweep.document.text
        told = False
        while True:
            try:
                sweep_id = self._store.take_sweep(
                    self._sweep.spec.name, text, digest(text), str(self._files.home), self._identity.driver_id
                )
                self._store.set_sweep_state(sweep_id, "running")
            except SweepHeldError as error:
                if error.holder.host == self._identity.host or time.monotonic() > give_up:
                    raise
                if not told:
                    self._console.print(f"{error.message}; waiting to see whether it still lives", markup=False)
                    told = True
                time.sleep(2.0)
                self._drivers.reap_the_dead()
            else:
                if pause is not None:
                    note = f"note: the sweep was {pause_words(pause)}; launching it ends the pause"
                    self._console.print(note, markup=False, highlight=False)
                return sweep_id

    def _pause_before(self) -> Pause | None:
        """Return the pause in which an earlier driver of the sweep has died, if it has."""
        return next((row.pause for row in self._reader.sweeps() if row.name == self._sweep.spec.name), None)

    def put_environments(self) -> None:
        """Keep what the slots are, before any job names it."""
        for environments in self._capacity.environments.values():
            for environment in environments:
                self._store.put_environment(environment_record(environment))

    def take_in_unread(self, rows: Sequence[JobRow]) -> None:
        """Store results that a worker finished and nobody took from it: they lie in the attempts' directories."""
        taken = 0
        for row in rows:
            if row.attempt == 0 or row.state in {"done", "diverged", "running"} or row.fingerprint not in self._jobs:
                continue
            for attempt in reversed(self._reader.attempts_of(row.fingerprint)):
                report = self._files.unread_report(row.fingerprint, attempt.attempt)
                if isinstance(report, Finished) and attempt.environment_key and attempt.outcome in {None, "lost"}:
                    job, directory = self._jobs[row.fingerprint], Path(attempt.directory)
                    taken += store_result(self._store, job, report, directory, attempt.environment_key)
        if taken:
            self._console.print(f"took in {taken} result(s) that an earlier run had finished but not stored")

    # ---- running -----------------------------------------------------------------------------------------------

    def drive(self, sweep_id: int, source: JobSource | None = None) -> int | None:
        """Run until nothing is left to do.

        Returns:
            None, or the number of the signal that ended the run.
        """
        rows = {row.fingerprint: row for row in self._store.jobs_of(sweep_id) if row.fingerprint in self._jobs}
        pool = self._capacity.pool or RayPool(None, self._capacity.resources)
        states = {fingerprint: row.state for fingerprint, row in rows.items()}
        rounds_done = self._store.rounds_done(sweep_id)
        scheduler = Scheduler(
            self._tasks(rows, rounds_done),
            elsewhere=[fingerprint for fingerprint, state in states.items() if state == "running"],
        )
        try:
            with LiveView(self._console, self._sweep.spec.name, self._jobs, states, rounds_done) as view:
                driver = Driver(
                    store=self._store,
                    reader=self._reader,
                    sweep_id=sweep_id,
                    driver_id=self._identity.driver_id,
                    drivers=self._drivers,
                    pool=pool,
                    requests=self._capacity.requests,
                    arrived=self._capacity.arrived,
                    scheduler=scheduler,
                    jobs=self._jobs,
                    files=self._files,
                    data_directory=str(self._data_directory),
                    listener=view,
                    source=source,
                )
                return driver.run()
        finally:
            pool.close()

    def task(self, row: JobRow, ordinal: int, rounds_done: int = 0) -> Task:
        """Return a job as the scheduler knows it.

        Args:
            row: The job as stored.
            ordinal: Its place in the sweep.
            rounds_done: Of a measurement: rounds that are stored.
        """
        return Task(
            fingerprint=row.fingerprint,
            stage=row.stage,
            ordinal=ordinal,
            slot_kinds=self._slot_kinds(self._jobs[row.fingerprint]),
            depends_on=row.depends_on,
            environment_key=row.environment_key,
            state="queued" if row.state == "running" else row.state,
            crashes=row.crashes,
            losses=row.losses,
            rounds_done=rounds_done,
        )

    def _tasks(self, rows: Mapping[str, JobRow], rounds_done: Mapping[str, int]) -> Iterator[Task]:
        for ordinal, (fingerprint, row) in enumerate(rows.items()):
            yield self.task(row, ordinal, rounds_done.get(fingerprint, 0))

    def _slot_kinds(self, job: Job) -> frozenset[str]:
        """Return the kinds of slot that may run a job; a measurement belongs to that of its environment."""
        if not isinstance(job, MeasureJob):
            named = {request.kind for request in self._capacity.requests}
            return frozenset(kind for kind in named if runs_on(kind, job, self._sweep.spec.ipu))
        kinds = self._capacity.environment_keys
        return frozenset(kind for kind, keys in kinds.items() if job.environment_key in keys)
