"""Which trial comes next, which jobs it needs, and when it is over.

    stored results ─▶ trials that cost nothing
    sampler ─▶ open ──measured──▶ infeasible | skipped         its training is not paid for
                 │
                 └──trained, tested──▶ complete | infeasible   pruned, failed on the way
                                          └─▶ companions: the other test resolutions of that training

Pure but for what it asks of ``Results``: what is to be stored and done comes out as actions, one pass at a time, and
every proposal follows from the trials before it alone. So whoever starts again from the stored trials goes on as if
nothing had happened.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from db.search_records import NewTrial, TrialEnd, TrialRow
from orchestrator.search.sampling import Proposal

if TYPE_CHECKING:
    import datetime as dt

    from orchestrator.search.goal import Goal
    from orchestrator.search.space import Point, Space
    from workers.protocol.jobs import EvaluateJob, Job, MeasureJob

#: States of a job from which no result comes.
_WITHOUT_RESULT = {
    "diverged": "diverged",
    "failed": "failed",
    "quarantined": "crashed too often",
    "cancelled": "was cancelled",
}

#: Trials that fail before any other one is over, after which a search gives up.
_HOPELESS = 5

#: Trials so far and the number of the next → what to try; None where everything has been.
Proposer = Callable[[Sequence[TrialRow], int], Proposal | None]


class Results(Protocol):
    """What is known of jobs."""

    def states(self, fingerprints: Collection[str]) -> Mapping[str, str]:
        """Return the state of each of these jobs that exists."""

    def throughput(self, job: MeasureJob) -> float:
        """Return images per second of a measurement that is done."""

    def top1(self, jobs: Sequence[EvaluateJob]) -> float:
        """Return the percentage of right answers over all of these evaluations, which are done."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A new trial.

    Attributes:
        trial: What it tries.
        jobs: Those it needs first.
        ending: Where nothing has to run.
    """

    trial: NewTrial
    jobs: tuple[Job, ...]
    ending: TrialEnd | None = None


@dataclass(frozen=True, slots=True)
class Extend:
    """An open trial needs further jobs."""

    number: int
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """An open trial is over.

    Attributes:
        number: Which.
        ending: How.
        withdrawn: Jobs that nobody waits for any more.
    """

    number: int
    ending: TrialEnd
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reopen:
    """A trial that failed has a new chance: its jobs were queued again."""

    number: int


Action = Begin | Extend | Finish | Reopen


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far to go.

    Attributes:
        trials: Proposals of the sampler; None is no limit.
        companions: Further tests of each training; None is all.
    """

    trials: int | None = None
    companions: int | None = None


class Search:
    """The trials of a search.

    Args:
        space: What may be chosen.
        goal: What is looked for.
        limits: How far to go.
        propose: Makes proposals.
        trials: Those that are stored.
        asked: Number of a trial → fingerprints of the jobs that it has asked for.
    """

    def __init__(
        self,
        space: Space,
        goal: Goal,
        limits: Limits,
        propose: Proposer,
        trials: Iterable[TrialRow] = (),
        asked: Mapping[int, Collection[str]] | None = None,
    ) -> None:
        self._space = space
        self._goal = goal
        self._limits = limits
        self._propose_next = propose
        self._trials: dict[int, TrialRow] = {trial.number: trial for trial in trials}
        self._asked: dict[int, set[str]] = {number: set(jobs) for number, jobs in (asked or {}).items()}
        self._tried = {self._key(trial) for trial in self._trials.values()}
        self._accompanied: set[int] = set()
        self._looked_at_stored = False
        self._exhausted = False

    @property
    def trials(self) -> list[TrialRow]:
        """All trials, in the order of proposing."""
        return list(self._trials.values())

    @property
    def open_trials(self) -> list[TrialRow]:
        """Those that are not over."""
        return [trial for trial in self._trials.values() if trial.state == "open"]

    @property
    def ended(self) -> str:
        """Why nothing more is proposed; empty while something may be."""
        if self._exhausted:
            return "everything has been tried"
        first = [trial.state for trial in self._trials.values() if trial.origin == "sampler"][:_HOPELESS]
        if len(first) == _HOPELESS and set(first) == {"failed"}:
            return f"its first {_HOPELESS} trials failed"
        proposed = sum(trial.origin == "sampler" for trial in self._trials.values())
        if self._limits.trials is not None and proposed >= self._limits.trials:
            return f"its {self._limits.trials} trials are made"
        return ""

    def wanting(self, fingerprint: str) -> list[TrialRow]:
        """Return the open trials that have asked for a job."""
        return [trial for trial in self.open_trials if fingerprint in self._asked.get(trial.number, ())]

    # ---- one pass ----------------------------------------------------------------------------------------------

    def advance(self, results: Results, room: int, now: dt.datetime, *, proposing: bool = True) -> list[Action]:
        """Return what is to be done now; after that was done, ask again until there is nothing.

        Args:
            results: What is known of jobs.
            room: How many trials may be open at once.
            now: The time.
            proposing: Whether the budget allows another proposal.
        """
        return (
            self._look_at_stored(results, now)
            or list(self._follow_open(results, now))
            or list(self._accompany(now))
            or (self._propose(now) if proposing and len(self.open_trials) < room else [])
        )

    def stop(self, number: int, reason: str, results: Results, now: dt.datetime) -> Finish:
        """End an open trial whose accuracy lags."""
        values = (max(self._trials[number].curve.values(), default=None),)
        return self._end(number, TrialEnd(state="pruned", values=values, reason=reason), self._states(results), now)

    def reported(self, number: int, epoch: int, top1: float) -> TrialRow:
        """Keep the accuracy of a trial after an epoch, percent; return the trial."""
        trial = self._trials[number]
        self._trials[number] = dataclasses.replace(trial, curve={**trial.curve, epoch: top1})
        return self._trials[number]

    # ---- what is there already ---------------------------------------------------------------------------------

    def _look_at_stored(self, results: Results, now: dt.datetime) -> list[Action]:
        """Take what earlier sweeps found out, and give trials another chance whose jobs have got one; once."""
        if self._looked_at_stored:
            return []
        self._looked_at_stored = True
        points = [point for point in self._space.points.values() if point.values not in self._tried]
        failed = [trial for trial in self._trials.values() if trial.state == "failed"]
        wanted = {job.fingerprint for point in points for job in point.jobs}
        states = results.states(wanted.union(*(self._asked.get(trial.number, ()) for trial in failed)))
        actions: list[Action] = [self._reopen(trial) for trial in failed if self._has_new_chance(trial, states)]
        stored = [point for point in points if point.is_done(states)]
        return [*actions, *(self._begin(point, "stored", {}, now, self._result(point, results)) for point in stored)]

    def _has_new_chance(self, trial: TrialRow, states: Mapping[str, str]) -> bool:
        asked = self._asked.get(trial.number)
        return bool(asked) and not any(states.get(job) in _WITHOUT_RESULT for job in asked or ())

    def _reopen(self, trial: TrialRow) -> Reopen:
        self._trials[trial.number] = dataclasses.replace(trial, state="open", finished_at=None, reason="")
        return Reopen(trial.number)

    # ---- open trials -------------------------------------------------------------------------------------------

    def _follow_open(self, results: Results, now: dt.datetime) -> Iterator[Action]:
        opened = self.open_trials
        points = {trial.number: self._space.at(trial.params) for trial in opened}
        needed = {job.fingerprint for point in points.values() if point for job in point.jobs}
        states = results.states(needed)
        for trial in opened:
            point = points[trial.number]
            if point is None:
                reason = "it is not among the combinations of the file any more"
                yield self._end(trial.number, TrialEnd(state="failed", reason=reason), states, now)
            else:
                yield from self._follow(trial.number, point, results, states, now)

    def _follow(
        self, number: int, point: Point, results: Results, states: Mapping[str, str], now: dt.datetime
    ) -> Iterator[Action]:
        wanted = self._wanted(point, states)
        broken = next((job for job in wanted if states.get(job.fingerprint) in _WITHOUT_RESULT), None)
        if broken is not None:
            reason = f"{broken.label} {_WITHOUT_RESULT[states[broken.fingerprint]]}"
            yield self._end(number, TrialEnd(state="failed", reason=reason), states, now)
            return
        if point.is_done(states):
            yield self._end(number, self._result(point, results), states, now)
            return
        early = self._early_end(point, results, states)
        if early is not None:
            yield self._end(number, early, states, now)
            return
        missing = tuple(job for job in wanted if job.fingerprint not in self._asked.get(number, ()))
        if missing:
            self._asked.setdefault(number, set()).update(job.fingerprint for job in missing)
            yield Extend(number, missing)

    def _wanted(self, point: Point, states: Mapping[str, str]) -> tuple[Job, ...]:
        """Return the jobs to ask for: measurements alone as long as they may make the rest needless."""
        if self._goal.throughput_decides and not _all_done(point.measurements.values(), states):
            return tuple(point.measurements.values())
        return point.jobs

    def _early_end(self, point: Point, results: Results, states: Mapping[str, str]) -> TrialEnd | None:
        if not (self._goal.throughput_decides and _all_done(point.measurements.values(), states)):
            return None
        return self._goal.early_end(self._throughputs(point, results), self._trials.values())

    def _result(self, point: Point, results: Results) -> TrialEnd:
        return self._goal.end(results.top1(point.evaluations), self._throughputs(point, results))

    def _throughputs(self, point: Point, results: Results) -> dict[str, float]:
        return {mode: results.throughput(job) for mode, job in point.measurements.items()}

    def _states(self, results: Results) -> Mapping[str, str]:
        return results.states({job for trial in self.open_trials for job in self._asked.get(trial.number, ())})

    def _end(self, number: int, ending: TrialEnd, states: Mapping[str, str], now: dt.datetime) -> Finish:
        self._trials[number] = _ended(self._trials[number], ending, now)
        others = {job for trial in self.open_trials for job in self._asked.get(trial.number, ())}
        mine = self._asked.get(number, set())
        withdrawn = () if ending.state == "complete" else tuple(sorted(mine - others - _decided(states)))
        return Finish(number, ending, withdrawn)

    # ---- new trials --------------------------------------------------------------------------------------------

    def _accompany(self, now: dt.datetime) -> Iterator[Action]:
        """Test a training that is paid for elsewhere, too; the sampler learns from each."""
        for trial in self.trials:
            point = self._space.at(trial.params)
            if trial.origin != "sampler" or trial.number in self._accompanied or point is None:
                continue
            if trial.state not in {"complete", "infeasible"} or not self._asked_for_training(trial, point):
                continue
            self._accompanied.add(trial.number)
            for other in self._space.companions(point)[: self._limits.companions]:
                if other.values not in self._tried:
                    yield self._begin(other, "companion", {}, now)

    def _asked_for_training(self, trial: TrialRow, point: Point) -> bool:
        return {training.fingerprint for training in point.trainings} <= self._asked.get(trial.number, set())

    def _propose(self, now: dt.datetime) -> list[Action]:
        if self.ended:
            return []
        proposal = self._propose_next(self.trials, len(self._trials))
        point = None if proposal is None else self._space.at(proposal.params)
        if proposal is None or point is None:
            self._exhausted = True
            return []
        return [self._begin(point, "sampler", proposal.attributes, now)]

    def _begin(
        self,
        point: Point,
        origin: str,
        attributes: Mapping[str, object],
        now: dt.datetime,
        ending: TrialEnd | None = None,
    ) -> Begin:
        number = len(self._trials)
        params = self._space.params(point)
        trial = TrialRow(
            number=number, params=params, origin=origin, state="open", attributes=attributes, created_at=now
        )
        self._trials[number] = trial if ending is None else _ended(trial, ending, now)
        self._tried.add(point.values)
        jobs = self._wanted(point, {}) if ending is None else point.jobs
        self._asked[number] = {job.fingerprint for job in jobs}
        return Begin(NewTrial(number=number, params=params, origin=origin, attributes=attributes), jobs, ending)

    def _key(self, trial: TrialRow) -> tuple[object, ...]:
        return tuple(trial.params.get(axis.name) for axis in self._space.axes)


def _ended(trial: TrialRow, ending: TrialEnd, now: dt.datetime) -> TrialRow:
    return dataclasses.replace(
        trial,
        state=ending.state,
        values=ending.values,
        violations=ending.violations,
        reason=ending.reason,
        finished_at=now,
    )


def _all_done(jobs: Iterable[Job], states: Mapping[str, str]) -> bool:
    return all(states.get(job.fingerprint) == "done" for job in jobs)


def _decided(states: Mapping[str, str]) -> set[str]:
    return {fingerprint for fingerprint, state in states.items() if state == "done" or state in _WITHOUT_RESULT}
