"""Running a search: trials become jobs while others run, and results become the ends of trials.

file ─▶ space ─▶ stored trials ─▶ Search ◀──results── store
│ actions              ▲
└─▶ store, scheduler ─▶ slots
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import assert_never

from db.reader import open_reader
from db.store import open_store, utc_now
from orchestrator.capacity import find_capacity
from orchestrator.driver_partners import JobNews, impatient
from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.images import fetch_images
from orchestrator.launching import checkpoints_missing
from orchestrator.results import new_job
from orchestrator.search.costs import costs_of
from orchestrator.search.sampling import importances, propose, should_prune
from orchestrator.search.searching import Begin, Extend, Finish, Limits, Reopen, Search
from orchestrator.search.settings import goal_of, settings_of, with_stored_baseline
from orchestrator.search.space import make_space
from orchestrator.search.words import trial_words
from orchestrator.source_tree import input_error
from orchestrator.sweep import load_sweep
from orchestrator.sweep_run import SweepRun
from workers.protocol.jobs import EvaluateJob

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from rich.console import Console

    from db.reader import Reader
    from db.records import JobRow
    from db.search_records import TrialRow
    from db.search_store import SearchReader, SearchWriter
    from db.store import Store
    from orchestrator.capacity import Capacity
    from orchestrator.driver_partners import Patience
    from orchestrator.launching import LaunchOptions
    from orchestrator.scheduling.events import Task
    from orchestrator.search.goal import Goal
    from orchestrator.search.sampling import Proposal
    from orchestrator.search.searching import Action
    from orchestrator.search.space import Space
    from orchestrator.search_section import SearchSection
    from orchestrator.sweep import Sweep
    from workers.protocol.jobs import Job, MeasureJob
    from workers.protocol.orders import Environment, EpochDone

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """How a search ended.

    Attributes:
        sweep_id: The sweep that it is.
        name: Its name.
        trials: All of them.
        counts: Stage → state → jobs, at the end.
        stopped_by: Number of the signal that ended it, or None.
    """

    sweep_id: int
    name: str
    trials: tuple[TrialRow, ...]
    counts: Mapping[str, Mapping[str, int]]
    stopped_by: int | None


def search(options: LaunchOptions, console: Console) -> SearchOutcome:
    """Run a search to its end, or to the signal that stops it.

    Raises:
        OrchestratorError: The file, the slots or another driver forbid it.
        StoreError: The database does.
    """
    sweep = load_sweep(options.sweep_file, options.overrides)
    section = section_of(sweep)
    fetch_images(sweep.dataset, options.data_directory)
    capacity = find_capacity(options.address, sweep.spec.slots, options.home)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(capacity.close)
        space = space_of(sweep, capacity, allow_many=options.allow_many)
        goal = goal_of(section, sweep, options.url, the_environment(sweep, capacity))
        store = cleanup.enter_context(contextlib.closing(open_store(options.url)))
        reader = cleanup.enter_context(contextlib.closing(open_reader(options.url)))
        jobs: dict[str, Job] = {job.fingerprint: job for point in space.points.values() for job in point.jobs}
        run = cleanup.enter_context(
            SweepRun(
                sweep=sweep,
                capacity=capacity,
                store=store,
                reader=reader,
                console=console,
                home=options.home,
                data_directory=options.data_directory,
                jobs=jobs,
            )
        )
        slots = sum(capacity.slots.values())
        return _run(run, sweep, space, goal, slots, store=store, reader=reader, console=console)


def section_of(sweep: Sweep) -> SearchSection:
    """Return the section ``search`` of a file.

    Raises:
        InputError: It has none.
    """
    if sweep.spec.search is None:
        message = "missing: the objectives and the budget of the search; without them the file is for `launch`"
        raise input_error([sweep.document.problem(("search",), message)])
    return sweep.spec.search


def the_environment(sweep: Sweep, capacity: Capacity) -> Environment:
    """Return the environment whose throughput counts.

    Raises:
        InputError: There are several.
    """
    found = [environment for environments in capacity.environments.values() for environment in environments]
    if len(found) > 1 and section_of(sweep).modes:
        kinds = ", ".join(capacity.environments)
        message = f"throughput is compared on one kind of hardware, but there are {len(found)} here ({kinds})"
        raise input_error([sweep.document.problem(("slots",), f"{message}: name one kind of slot")])
    return found[0]


def space_of(sweep: Sweep, capacity: Capacity, *, allow_many: bool) -> Space:
    """Return what the search may choose.

    Raises:
        InputError: A combination cannot be built, or there is nothing to choose.
    """
    expand(sweep, capacity.environment_keys, allow_many=allow_many)  # for what it refuses
    return make_space(sweep, section_of(sweep).modes, the_environment(sweep, capacity).key)


def _run(
    run: SweepRun,
    sweep: Sweep,
    space: Space,
    goal: Goal,
    slots: int,
    *,
    store: Store,
    reader: Reader,
    console: Console,
) -> SearchOutcome:
    section = section_of(sweep)
    sweep_id = run.take_sweep()
    run.put_environments()
    stored, writer = reader.search(sweep_id), store.search(sweep_id)
    known = stored.row()
    if known is not None:
        _require_same(sweep, known.settings, settings_of(section, space, goal))
        goal = with_stored_baseline(goal, known.settings)
    writer.put(settings_of(section, space, goal))
    run.take_in_unread(store.jobs_of(sweep_id))
    source = SearchSource(
        search=_search_of(space, goal, section, stored),
        section=section,
        space=space,
        results=StoredResults(store, reader, stored),
        writer=writer,
        stored=stored,
        run=run,
        store=store,
        reader=reader,
        note=lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True),
        epochs=sweep.spec.recipe_record.epochs,
    )
    source.advance(slots, impatient)  # stored results may be all that is wanted
    stopped_by = run.drive(sweep_id, source) if source.working else None
    source.close()
    outcome = SearchOutcome(sweep_id, sweep.spec.name, tuple(stored.trials()), reader.counts(sweep_id), stopped_by)
    store.set_sweep_state(sweep_id, _state(outcome))
    return outcome


def _search_of(space: Space, goal: Goal, section: SearchSection, stored: SearchReader) -> Search:
    asked: dict[int, set[str]] = {}
    for row in stored.trial_jobs():
        asked.setdefault(row["number"], set()).add(row["fingerprint"])
    companions = section.companions if isinstance(section.companions, int) else None
    limits = Limits(trials=section.budget.trials, companions=companions)
    return Search(space, goal, limits, proposer(space, goal, section), stored.trials(), asked)


def proposer(space: Space, goal: Goal, section: SearchSection) -> Callable[[Sequence[TrialRow], int], Proposal | None]:
    """Return what proposes the next trial of a search, by its sampler."""
    costs = costs_of(space)

    def next_of(trials: Sequence[TrialRow], number: int) -> Proposal | None:
        return propose(
            space.axes,
            space.points,
            goal.objectives,
            section.sampler_name,
            section.seed,
            trials,
            number,
            floors=goal.constraints,
            cost=costs,
        )

    return next_of


def _require_same(sweep: Sweep, known: Mapping[str, object], settings: Mapping[str, object]) -> None:
    """Refuse to go on with a search whose trials were about something else.

    Raises:
        InputError: They were.
    """
    for name in ("axes", "objectives", "floors", "mode"):
        if known[name] != settings[name]:
            message = f"{sweep.spec.name} was begun with other {name}"
            hint = "Give it another name: what it has trained and measured is reused at once."
            raise InputError(f"{sweep.document.source}: {message}", hint)


def _state(outcome: SearchOutcome) -> str:
    if any(trial.state == "open" for trial in outcome.trials) or outcome.stopped_by is not None:
        return "stopped"
    return "finished"


class StoredResults:
    """What the store knows of jobs.

    Attributes:
        patiently: How the store is called.

    Args:
        store: The results database.
        reader: Looks things up in it.
        stored: Reads the search.
    """

    def __init__(self, store: Store, reader: Reader, stored: SearchReader) -> None:
        self._store = store
        self._reader = reader
        self._stored = stored
        self._throughputs: dict[str, float] = {}
        self.patiently: Patience = impatient

    def states(self, fingerprints: Collection[str]) -> Mapping[str, str]:
        """Return the state of each of these jobs that exists."""
        return self.patiently(lambda: self._store.job_states(fingerprints))

    def throughput(self, job: MeasureJob) -> float:
        """Return images per second of a measurement that is done."""
        fingerprint = job.fingerprint
        if fingerprint not in self._throughputs:
            newest = self.patiently(lambda: self._reader.measurements_of(fingerprint))[0]
            self._throughputs[fingerprint] = newest.record.images_per_second
        return self._throughputs[fingerprint]

    def top1(self, jobs: Sequence[EvaluateJob]) -> float:
        """Return the percentage of right answers, of the validation images where some were held out."""
        counts = self.patiently(lambda: self._stored.counts_of([job.fingerprint for job in jobs]))
        held_out = "validation_" if all(row["validation_images"] for row in counts) else ""
        images, correct = (sum(row[held_out + name] for row in counts) for name in ("images", "correct"))
        return 100.0 * correct / images


@dataclass(slots=True)
class _Curves:
    """Accuracy after epochs, per trial and training."""

    right: dict[tuple[int, int], dict[str, tuple[int, int]]] = field(default_factory=dict)

    def add(self, number: int, epoch: int, training: str, correct: int, images: int) -> float:
        """Take in a training's epoch; return the trial's percentage then, over the trainings that got so far."""
        reports = self.right.setdefault((number, epoch), {})
        reports[training] = (correct, images)
        return 100.0 * sum(one for one, _ in reports.values()) / sum(one for _, one in reports.values())


class SearchSource:
    """Gives the driver the jobs of trials; the driver's ``JobSource``."""

    def __init__(
        self,
        *,
        search: Search,
        section: SearchSection,
        space: Space,
        results: StoredResults,
        writer: SearchWriter,
        stored: SearchReader,
        run: SweepRun,
        store: Store,
        reader: Reader,
        note: Callable[[str], None],
        epochs: int,
    ) -> None:
        self._search = search
        self._section = section
        self._space = space
        self._results = results
        self._writer = writer
        self._stored = stored
        self._run = run
        self._store = store
        self._reader = reader
        self._note = note
        self._epochs = epochs
        self._began = time.monotonic()
        self._curves = _Curves()
        self._tasks = 0
        self._slots = 1
        self._weighed = 0
        self._stored_before = 0

    # ---- JobSource ---------------------------------------------------------------------------------------------

    def validate_after(self, fingerprint: str) -> tuple[int, ...]:
        """Return every epoch but the last where trainings are pruned; the result tells the last."""
        if self._section.pruner is None or not self._search.wanting(fingerprint):
            return ()
        return tuple(range(1, self._epochs))

    def advance(self, slots: int, patiently: Patience) -> JobNews:
        """Take in what the store knows by now, and say what follows."""
        self._slots, self._stored_before = slots, 0
        self._results.patiently = patiently
        added: list[Job] = []
        withdrawn: dict[str, str] = {}
        while actions := self._search.advance(self._results, self._room, utc_now(), proposing=not self._used_up()):
            for action in actions:
                jobs, gone = self._carry_out(action)
                added += jobs
                withdrawn |= gone
        if self._stored_before:
            self._note(f"{self._stored_before} trial(s) cost nothing: all their results are stored")
        self._weigh(every=10)
        return JobNews(self._new_tasks(added), withdrawn)

    def epoch_done(self, report: EpochDone, patiently: Patience) -> JobNews:
        """Take in an epoch of a training; where its trials lag, nobody wants it any more."""
        self._results.patiently = patiently
        withdrawn: dict[str, str] = {}
        if self._section.pruner is None or report.validation_images is None or report.validation_correct is None:
            return JobNews()
        for trial in self._search.wanting(report.job):
            top1 = self._curves.add(
                trial.number, report.epoch, report.job, report.validation_correct, report.validation_images
            )
            row = self._search.reported(trial.number, report.epoch, top1)
            self._record_curve(row)
            if should_prune(self._section.pruner, self._epochs, self._search.trials, trial.number):
                reason = f"{top1:.2f} % after epoch {report.epoch} of {self._epochs} is behind the others"
                action = self._search.stop(trial.number, reason, self._results, utc_now())
                withdrawn |= self._carry_out(action)[1]
        return JobNews(withdrawn=withdrawn)

    def _record_curve(self, row: TrialRow) -> None:
        self._patiently(lambda: self._writer.record_curve(row.number, row.curve))

    def close(self) -> None:
        """Say in the store what the axes matter, and why the search has ended if it has."""
        self._weigh(every=1)
        reason = self._search.ended or self._used_up()
        if reason and not self._search.open_trials:
            self._writer.end(reason)

    # ---- what follows ------------------------------------------------------------------------------------------

    @property
    def _patiently(self) -> Patience:
        return self._results.patiently

    @property
    def _room(self) -> int:
        """Trials that may be open: with several slots one more, since measurements wait for quiet machines."""
        return 1 if self._slots == 1 else self._slots + 1

    @property
    def working(self) -> bool:
        """Whether a trial is open."""
        return bool(self._search.open_trials)

    def _used_up(self) -> str:
        """Return which budget of time is used up; empty if none."""
        budget = self._section.budget
        if budget.hours is not None and time.monotonic() - self._began >= budget.hours * _HOUR:
            return f"its {budget.hours:g} h are over"
        if budget.slot_hours is not None:
            used = sum(trial.slot_seconds for trial in self._patiently(self._stored.trials))
            if used >= budget.slot_hours * _HOUR:
                return f"its {budget.slot_hours:g} slot-hours are used up"
        return ""

    def _carry_out(self, action: Action) -> tuple[Sequence[Job], dict[str, str]]:
        """Store an action; return the jobs that come, and those that go with the reason."""
        match action:
            case Begin(trial, jobs, ending):
                self._patiently(lambda: self._writer.add_trial(trial, [new_job(job) for job in jobs], ending))
                self._stored_before += trial.origin == "stored"
                self._note_trial(trial.number)
                return (() if ending else self._ready(jobs)), {}
            case Extend(number, jobs):
                self._patiently(lambda: self._writer.extend_trial(number, [new_job(job) for job in jobs]))
                return self._ready(jobs), {}
            case Finish(number, ending, withdrawn):
                self._patiently(lambda: self._writer.finish_trial(number, ending, withdrawn))
                self._note_trial(number)
                return (), dict.fromkeys(withdrawn, f"trial {number}: {ending.reason}")
            case Reopen(number):
                self._patiently(lambda: self._writer.reopen_trial(number))
                return (), {}
            case _:
                assert_never(action)

    def _ready(self, jobs: Sequence[Job]) -> Sequence[Job]:
        """Have trainings done again whose weights are gone and that an evaluation still needs."""
        evaluations = [job for job in jobs if isinstance(job, EvaluateJob)]
        states = self._results.states([job.fingerprint for job in evaluations])
        waiting = [job for job in evaluations if states.get(job.fingerprint) != "done"]
        gone = self._patiently(lambda: checkpoints_missing(self._reader, waiting))
        if gone:
            self._patiently(lambda: self._store.requeue(sorted(gone), ("done",)))
        return jobs

    def _new_tasks(self, jobs: Sequence[Job]) -> tuple[Task, ...]:
        tasks = []
        for fingerprint in dict.fromkeys(job.fingerprint for job in jobs):
            self._tasks += 1
            row = self._row(fingerprint)
            tasks.append(dataclasses.replace(self._run.task(row, self._tasks), state=row.state))
        return tuple(tasks)

    def _row(self, fingerprint: str) -> JobRow:
        return self._patiently(lambda: self._reader.job(fingerprint))

    def _note_trial(self, number: int) -> None:
        trial = self._search.trials[number]
        if trial.origin != "stored" and (trial.state != "open" or trial.origin == "sampler"):
            self._note(trial_words(trial, self._space.axes, self._section.objectives))

    def _weigh(self, every: int) -> None:
        """Say anew what the axes matter, after some more trials."""
        over = sum(trial.state == "complete" for trial in self._search.trials)
        if over - self._weighed >= every:
            self._weighed = over
            found = importances(self._space.axes, self._section.objectives, self._search.trials)
            self._patiently(lambda: self._writer.set_importances(found))
