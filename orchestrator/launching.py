"""Launching a sweep: from a file to a running driver, and what is taken up from earlier runs on the way.

read and check the file ─▶ fetch the images ─▶ look at the slots ─▶ list the jobs      no database before this point
─▶ open the store, take the sweep ─▶ take in what earlier runs left ─▶ plan ─▶ run
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import DatabaseMissingError
from db.reader import open_reader
from orchestrator.capacity import find_capacity
from orchestrator.errors import ImpossibleHereError
from orchestrator.expansion import expand
from orchestrator.images import fetch_images
from orchestrator.planning import PastJob, make_plan
from orchestrator.results import new_job
from orchestrator.source_tree import input_error
from orchestrator.sweep import load_sweep
from orchestrator.sweep_run import open_run
from workers.protocol.jobs import EvaluateJob, TrainJob, job_from_dict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from db.reader import Reader
    from orchestrator.capacity import Capacity
    from orchestrator.expansion import Expansion
    from orchestrator.planning import Plan
    from orchestrator.sweep import Sweep
    from orchestrator.sweep_run import SweepRun


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
    if sweep.spec.search is not None:
        message = "the file describes a search: run it with `orchestrator search`, or leave the section out"
        raise input_error([sweep.document.problem(("search",), message)])
    if sweep.spec.trains:
        fetch_images(sweep.dataset, options.data_directory)
    capacity = find_capacity(options.address, sweep.spec.slots, options.home)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(capacity.close)
        expansion = expand(sweep, capacity.environment_keys, allow_many=options.allow_many)
        jobs = {job.fingerprint: job for job in expansion.jobs}
        run = cleanup.enter_context(open_run(options, sweep, capacity, jobs, console))
        return _run(run, expansion, capacity, console)


def _run(run: SweepRun, expansion: Expansion, capacity: Capacity, console: Console) -> Outcome:
    store, reader = run.store, run.reader
    sweep_id = run.take_sweep()
    run.put_environments()
    store.put_jobs(sweep_id, [new_job(job) for job in expansion.jobs])
    run.take_in_unread(store.jobs_of(sweep_id))
    plan = _plan(reader, expansion, capacity)
    for note in (*plan.notes, *capacity.notes):
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(plan_summary(plan), markup=False, highlight=False)
    store.requeue([job.fingerprint for job in plan.to_run if isinstance(job, TrainJob)], ("done",))
    stopped_by = run.drive(sweep_id) if plan.to_run else None
    outcome = Outcome(plan, reader.counts(sweep_id), stopped_by)
    store.set_sweep_state(sweep_id, _sweep_state(outcome))
    return outcome


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
        checkpoints_missing(reader, expansion.evaluations),
    )


def checkpoints_missing(reader: Reader, evaluations: Sequence[EvaluateJob]) -> set[str]:
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
