"""Launching a sweep: from a file to a running driver, and what is taken up from earlier runs on the way.

read and check the file ─▶ fetch the images ─▶ look at the slots ─▶ list the jobs      no database before this point
─▶ open the store, take the sweep ─▶ take in what earlier runs left ─▶ plan ─▶ run
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import DatabaseMissingError, SweepHeldError
from db.reader import open_reader
from db.store import open_store
from orchestrator.capacity import find_capacity
from orchestrator.driver import Driver
from orchestrator.driver_identity import LEASE_SECONDS, DriverWatch, this_driver
from orchestrator.errors import ImpossibleHereError
from orchestrator.expansion import expand
from orchestrator.images import fetch_images
from orchestrator.live_view import LiveView
from orchestrator.planning import PastJob, make_plan
from orchestrator.results import environment_record, new_job, store_result
from orchestrator.run_files import RunFiles
from orchestrator.scheduling.events import Task
from orchestrator.scheduling.scheduler import Scheduler
from orchestrator.slots.ray_pool import RayPool
from orchestrator.sweep import load_sweep
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob, digest, job_from_dict
from workers.protocol.orders import Finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from db.reader import Reader
    from db.records import JobRow
    from db.store import Store
    from orchestrator.capacity import Capacity
    from orchestrator.expansion import Expansion
    from orchestrator.planning import Plan
    from orchestrator.sweep import Sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """What a person asks of ``plan`` and ``launch``.

    Attributes:
        sweep_file: The file.
        overrides: ``key=value`` texts.
        url: Of the database.
        home: Directory of the runs' files.
        data_directory: Where named data sets lie.
        address: Of a Ray cluster; None is this machine.
        allow_many: Whether a very large sweep is meant.
    """

    sweep_file: Path
    overrides: Sequence[str]
    url: str
    home: Path
    data_directory: Path
    address: str | None = None
    allow_many: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a launch ended.

    Attributes:
        plan: What was to be done.
        counts: Stage → state → jobs, at the end.
        stopped_by: Number of the signal that ended it, or None.
    """

    plan: Plan
    counts: dict[str, dict[str, int]]
    stopped_by: int | None

    def count(self, *states: str) -> int:
        """Return how many jobs of the sweep are in these states."""
        return sum(by_state.get(state, 0) for by_state in self.counts.values() for state in states)


def plan_sweep(options: LaunchOptions) -> tuple[Sweep, Capacity, Plan]:
    """Say what a launch would do; writes nothing, not even a database."""
    sweep = load_sweep(options.sweep_file, options.overrides)
    capacity = find_capacity(options.address, sweep.spec.slots, options.home)
    try:
        expansion = expand(sweep, capacity.environment_keys, allow_many=options.allow_many)
        try:
            reader = open_reader(options.url)
        except DatabaseMissingError:
            return sweep, capacity, make_plan(expansion, {}, capacity.slots)
        with contextlib.closing(reader):
            return sweep, capacity, _plan(reader, expansion, capacity)
    finally:
        capacity.close()


def launch(options: LaunchOptions, console: Console) -> Outcome:
    """Run a sweep to its end, or to the signal that stops it.

    Raises:
        OrchestratorError: The file, the slots or another driver forbid it.
        StoreError: The database does.
    """
    sweep = load_sweep(options.sweep_file, options.overrides)
    if sweep.spec.trains:
        fetch_images(sweep.dataset, options.data_directory)
    capacity = find_capacity(options.address, sweep.spec.slots, options.home)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(capacity.close)
        expansion = expand(sweep, capacity.environment_keys, allow_many=options.allow_many)
        store = cleanup.enter_context(contextlib.closing(open_store(options.url)))
        reader = cleanup.enter_context(contextlib.closing(open_reader(options.url)))
        return _Launch(
            options=options,
            console=console,
            sweep=sweep,
            capacity=capacity,
            expansion=expansion,
            store=store,
            reader=reader,
        ).run()


class _Launch:
    """One launch, from the open store on."""

    def __init__(
        self,
        *,
        options: LaunchOptions,
        console: Console,
        sweep: Sweep,
        capacity: Capacity,
        expansion: Expansion,
        store: Store,
        reader: Reader,
    ) -> None:
        self._options = options
        self._console = console
        self._sweep = sweep
        self._capacity = capacity
        self._expansion = expansion
        self._store = store
        self._reader = reader
        self._files = RunFiles(options.home)
        self._jobs: dict[str, Job] = {job.fingerprint: job for job in expansion.jobs}
        self._identity = this_driver()
        self._drivers = DriverWatch(store, self._identity.driver_id)

    def run(self) -> Outcome:
        self._store.register_driver(self._identity)
        try:
            sweep_id = self._take_sweep()
            self._put_jobs(sweep_id)
            self._take_in_unread(self._store.jobs_of(sweep_id))
            plan = _plan(self._reader, self._expansion, self._capacity)
            for note in plan.notes:
                self._console.print(f"note: {note}", markup=False, highlight=False)
            self._console.print(plan_summary(plan), markup=False, highlight=False)
            self._store.requeue([job.fingerprint for job in plan.to_run if isinstance(job, TrainJob)], ("done",))
            stopped_by = self._drive(sweep_id) if plan.to_run else None
            outcome = Outcome(plan, self._reader.counts(sweep_id), stopped_by)
            self._store.set_sweep_state(sweep_id, _sweep_state(outcome))
            return outcome
        finally:
            self._store.end_driver(self._identity.driver_id)

    # ---- before ------------------------------------------------------------------------------------------------

    def _take_sweep(self) -> int:
        """Take the sweep; a holder on another machine is given a lease's time to show that it lives."""
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
                return sweep_id

    def _put_jobs(self, sweep_id: int) -> None:
        for environments in self._capacity.environments.values():
            for environment in environments:
                self._store.put_environment(environment_record(environment))
        self._store.put_jobs(sweep_id, [new_job(job) for job in self._jobs.values()])

    def _take_in_unread(self, rows: Sequence[JobRow]) -> None:
        """Store results that a worker finished and nobody took from it: they lie in the attempts' directories."""
        taken = 0
        for row in rows:
            if row.attempt == 0 or row.state in {"done", "diverged", "running"}:
                continue
            for attempt in reversed(self._reader.attempts_of(row.fingerprint)):
                report = self._files.unread_report(row.fingerprint, attempt.attempt)
                if isinstance(report, Finished) and attempt.environment_key and attempt.outcome in {None, "lost"}:
                    job, directory = self._jobs[row.fingerprint], Path(attempt.directory)
                    taken += store_result(self._store, job, report, directory, attempt.environment_key)
        if taken:
            self._console.print(f"took in {taken} result(s) that an earlier run had finished but not stored")

    # ---- running -----------------------------------------------------------------------------------------------

    def _drive(self, sweep_id: int) -> int | None:
        rows = {row.fingerprint: row for row in self._store.jobs_of(sweep_id)}
        pool = self._capacity.pool or RayPool(None)
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
                    data_directory=str(self._options.data_directory),
                    listener=view,
                )
                return driver.run()
        finally:
            pool.close()

    def _tasks(self, rows: dict[str, JobRow], rounds_done: dict[str, int]) -> Iterator[Task]:
        kinds = frozenset(request.kind for request in self._capacity.requests)
        for ordinal, (fingerprint, job) in enumerate(self._jobs.items()):
            row = rows[fingerprint]
            measured = isinstance(job, MeasureJob)
            yield Task(
                fingerprint=fingerprint,
                stage=job.stage,
                ordinal=ordinal,
                slot_kinds=frozenset({self._expansion.slot_kinds[row.environment_key or ""]}) if measured else kinds,
                depends_on=row.depends_on,
                environment_key=row.environment_key,
                state="queued" if row.state == "running" else row.state,
                crashes=row.crashes,
                losses=row.losses,
                rounds_done=rounds_done.get(fingerprint, 0),
            )


def _plan(reader: Reader, expansion: Expansion, capacity: Capacity) -> Plan:
    fingerprints = [job.fingerprint for job in expansion.jobs]
    history = [
        PastJob(job_from_dict(run.config), run.slot_kind, run.seconds) for run in reader.history() if run.slot_kind
    ]
    return make_plan(
        expansion,
        reader.job_states(fingerprints),
        capacity.slots,
        history,
        _checkpoints_missing(reader, expansion.evaluations),
    )


def _checkpoints_missing(reader: Reader, evaluations: Sequence[EvaluateJob]) -> set[str]:
    """Return the finished trainings whose weights are gone."""
    rows = (reader.training(training) for training in {job.training.fingerprint: None for job in evaluations})
    return {row["fingerprint"] for row in rows if row is not None and not Path(row["checkpoint"]).exists()}


def _sweep_state(outcome: Outcome) -> str:
    if outcome.count("failed", "quarantined"):
        return "failed"
    return "stopped" if outcome.stopped_by is not None or outcome.count("queued", "running", "blocked") else "finished"


def plan_summary(plan: Plan) -> str:
    """Return the plan in one line, e.g. ``to run: 16 train, 48 evaluate, 40 measure; reused: 8``."""
    to_run = ", ".join(f"{stage.count('to_run')} {name}" for name, stage in plan.stages.items() if stage.jobs_in_all)
    reused = sum(stage.count("reused") for stage in plan.stages.values())
    seconds = plan.predicted_seconds
    predicted = f"; about {max(1, round(seconds / 60))} min" if seconds and plan.to_run else ""
    rest = Counter({group: sum(stage.count(group) for stage in plan.stages.values()) for group in ("held", "diverged")})
    others = "".join(f"; {group}: {count}" for group, count in rest.items() if count)
    impossible = f"; impossible here: {plan.impossible}" if plan.impossible else ""
    return f"to run: {to_run}; reused: {reused}{others}{impossible}{predicted}"


def require_possible(plan: Plan) -> None:
    """Refuse a plan of which nothing can be done here.

    Raises:
        ImpossibleHereError: Every job that is left needs slots that are not here.
    """
    if plan.impossible and not plan.to_run:
        raise ImpossibleHereError(f"{plan.impossible} job(s) need slots that are not here", hint="see `slots`")
