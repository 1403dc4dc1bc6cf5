"""The driver's source of jobs while it runs a search: actions of ``Search`` are stored, and their jobs handed over."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from typing_extensions import assert_never

from db.store import utc_now
from orchestrator.driver_partners import JobNews
from orchestrator.launching import checkpoints_missing
from orchestrator.results import new_job
from orchestrator.search.sampling import importances, should_prune
from orchestrator.search.searching import Begin, Extend, Finish, Reopen, Search
from orchestrator.search.words import trial_words
from workers.protocol.jobs import EvaluateJob

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.reader import Reader
    from db.records import JobRow
    from db.search_records import TrialRow
    from db.search_store import SearchReader, SearchWriter
    from db.store import Store
    from orchestrator.driver_partners import Patience
    from orchestrator.scheduling.events import Task
    from orchestrator.search.searching import Action
    from orchestrator.search.space import Space
    from orchestrator.search.stored_results import StoredResults
    from orchestrator.search_section import SearchSection
    from orchestrator.sweep_run import SweepRun
    from workers.protocol.jobs import Job
    from workers.protocol.orders import EpochDone

_HOUR = 3600.0


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
        proposing = not self._used_up()  # what follows costs no slot anything
        while actions := self._search.advance(self._results, self._room, utc_now(), proposing=proposing):
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

    def rested(self, seconds: float) -> None:
        """Let time in which the sweep was paused not count towards its budget of hours."""
        self._began += seconds

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
            used = self._patiently(self._stored.slot_seconds)
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
