"""Does a search find what a whole grid would, for less?

Grids are searched of which every result is known (``benchmarks/search_grids.py``). What decides is the real code, from
the sweep file's points to the samplers; time is simulated, on two slots. Counted is what the slots were busy with until
the results known by then cover 95 % of the hypervolume of the whole grid, as a share of the whole grid's slot-seconds.

    random    the same search, with trials drawn at random: what are the proposals worth?
    optuna    Optuna alone, with the same sampler, each trial with a training, test and measurement of its own
    default   the same with the sampler and settings that Optuna chooses itself

The goal is a median of 40 % at the most. Run: ``python -m benchmarks.search [--quick]``.
"""

import datetime as dt
import heapq
import math
import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import optuna
from optuna.trial import TrialState

from benchmarks.pairs import print_ratio, quick
from benchmarks.search_grids import WIDTHS, Grid, drawn, quickstart
from db.search_records import TrialRow
from orchestrator.search.costs import costs_of
from orchestrator.search.optuna_study import distribution, quiet
from orchestrator.search.sampling import Proposal, propose
from orchestrator.search.searching import Begin, Extend, Limits, Search
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob

_SLOTS: Final = 2
_ROOM: Final = _SLOTS + 1  # trials open at once, as in the real thing
_COVERED: Final = 0.95
_GOAL: Final = 0.40
#: Where a peer may give up, in whole grids; it counts as if it had been done then.
_GIVES_UP: Final = 2.0
_NOON: Final = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)

Values = Sequence[float]


def main() -> None:
    """Search and print."""
    is_quick = quick(__doc__ or "")
    seeds = 3 if is_quick else 20
    grids: dict[str, Callable[[int], Grid]] = {
        "quickstart-train": lambda _: quickstart("train"),
        "quickstart-inference": lambda _: quickstart("inference"),
        "widths": lambda seed: drawn(WIDTHS, "inference", seed),
    }
    print(f"{seeds} seeds, {_SLOTS} slots; medians of the share of the whole grid's slot-seconds, and quartiles")
    for name in ["quickstart-train"] if is_quick else grids:
        _compare(name, grids[name], seeds, ["gp"] if is_quick else ["gp", "tpe", "nsga2"])


def _compare(name: str, grid_of: Callable[[int], Grid], seeds: int, samplers: Sequence[str]) -> None:
    ours, *others = samplers
    ways: dict[str, Callable[[Grid, int], float]] = {
        "search": lambda grid, seed: _searched(grid, seed, ours),
        **{other: lambda grid, seed, other=other: _searched(grid, seed, other) for other in others},
        "random": lambda grid, seed: _searched(grid, seed, "random"),
        "optuna": lambda grid, seed: _plain(grid, seed, ours),
        "default": lambda grid, seed: _plain(grid, seed, None),
    }
    shares = {way: [run(grid_of(seed), seed) for seed in range(seeds)] for way, run in ways.items()}
    for way, found in shares.items():
        low, middle, high = statistics.quantiles(found, n=4)
        print(f"share {name}-{way} {middle:.2f} [{low:.2f}, {high:.2f}]", flush=True)
    verdict = "met" if statistics.median(shares["search"]) <= _GOAL else "missed"
    print(f"goal {name}: at most {_GOAL:.2f}, {verdict}")
    for peer in ("random", "optuna", "default"):
        print_ratio(f"{name}-{peer}", shares["search"], shares[peer])


# ---- slots in simulated time --------------------------------------------------------------------------------------


@dataclass
class _Slots:
    """Slots that do one piece of work after another, in the order of asking."""

    clock: float = 0.0
    busy: float = 0.0
    _waiting: list[tuple[str, float]] = field(default_factory=list)
    _running: list[tuple[float, int, str, float]] = field(default_factory=list)
    _count: int = 0

    def ask(self, name: str, seconds: float) -> None:
        """Queue a piece of work, and start what there is room for."""
        self._waiting.append((name, seconds))
        self._start()

    def next(self) -> str | None:
        """Let time pass until a piece of work is done: its name; None if there is none."""
        if not self._running:
            return None
        end, _, name, began = heapq.heappop(self._running)
        self.clock, self.busy = end, self.busy + end - began
        self._start()
        return name

    @property
    def slot_seconds(self) -> float:
        """What slots have been busy with so far."""
        return self.busy + math.fsum(self.clock - began for _, _, _, began in self._running)

    def _start(self) -> None:
        while self._waiting and len(self._running) < _SLOTS:
            name, seconds = self._waiting.pop(0)
            self._count += 1
            heapq.heappush(self._running, (self.clock + seconds, self._count, name, self.clock))


# ---- ours ---------------------------------------------------------------------------------------------------------


@dataclass
class _World:
    """What the store and the slots are to a search."""

    grid: Grid
    slots: _Slots = field(default_factory=_Slots)
    _states: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, Job] = field(default_factory=dict)

    def ask(self, jobs: Sequence[Job]) -> None:
        """Queue jobs; an evaluation whose training is not done waits for it."""
        for job in jobs:
            if job.fingerprint not in self._asked:
                self._asked[job.fingerprint] = job
                self._states[job.fingerprint] = "queued"
                if self._is_ready(job):
                    self._send(job)

    def end_one(self) -> bool:
        """Let time pass until a job is done; False if there is none."""
        done = self.slots.next()
        if done is None:
            return False
        self._states[done] = "done"
        for job in self._asked.values():
            if isinstance(job, EvaluateJob) and job.training.fingerprint == done:
                self._send(job)
        return True

    def _is_ready(self, job: Job) -> bool:
        return not isinstance(job, EvaluateJob) or self._states.get(job.training.fingerprint) == "done"

    def _send(self, job: Job) -> None:
        self.slots.ask(job.fingerprint, self.grid.seconds(job))

    # What a search asks of results.

    def states(self, fingerprints: Collection[str]) -> Mapping[str, str]:
        """Return the state of each of these jobs that exists."""
        return {job: self._states[job] for job in fingerprints if job in self._states}

    def throughput(self, job: MeasureJob) -> float:
        """Return images per second."""
        return self.grid.throughput(job)

    def top1(self, jobs: Sequence[EvaluateJob]) -> float:
        """Return percent over all seeds."""
        return math.fsum(map(self.grid.top1, jobs)) / len(jobs)


def _searched(grid: Grid, seed: int, sampler: str) -> float:
    """Return what our search costs, as a share of the whole grid."""
    space, world = grid.space, _World(grid)

    def next_of(trials: Sequence[TrialRow], number: int) -> Proposal | None:
        return propose(
            space.axes, space.points, grid.goal.objectives, sampler, seed, trials, number, cost=costs_of(space)
        )

    search = Search(space, grid.goal, Limits(), next_of)
    while True:
        _carry_out(search, world)
        known = [trial.values for trial in search.trials if trial.state == "complete"]
        if grid.covered([[value or 0.0 for value in values] for values in known]) >= _COVERED or not world.end_one():
            return world.slots.slot_seconds / grid.slot_seconds


def _carry_out(search: Search, world: _World) -> None:
    now = _NOON + dt.timedelta(seconds=world.slots.clock)
    while actions := search.advance(world, _ROOM, now):
        for action in actions:
            if isinstance(action, Begin | Extend):
                world.ask(action.jobs)


# ---- Optuna alone -------------------------------------------------------------------------------------------------


def _plain(grid: Grid, seed: int, sampler: str | None) -> float:
    """Return what Optuna's own loop costs, as a share of the whole grid."""
    with quiet():
        study = optuna.create_study(directions=["maximize"] * 2, sampler=_sampler(sampler, seed))
        slots, running, known = _Slots(), {}, []
        while grid.covered(known) < _COVERED and slots.slot_seconds < _GIVES_UP * grid.slot_seconds:
            while len(running) < _SLOTS:
                trial, values, seconds = _ask(study, grid)
                running[str(trial.number)] = trial, values
                slots.ask(str(trial.number), seconds)
            trial, values = running.pop(slots.next() or "")
            study.tell(trial, values)
            known.append(values)
    return slots.slot_seconds / grid.slot_seconds


def _sampler(name: str | None, seed: int) -> optuna.samplers.BaseSampler:
    if name is None:
        return optuna.samplers.NSGAIISampler(seed=seed)  # what create_study takes for several objectives
    return {"gp": optuna.samplers.GPSampler, "tpe": optuna.samplers.TPESampler}[name](seed=seed)


def _ask(study: optuna.Study, grid: Grid) -> tuple[optuna.Trial, tuple[float, float], float]:
    """Ask until there is such a point; what rules leave out is told as failed, and costs nothing."""
    distributions = {axis.name: distribution(axis) for axis in grid.space.axes}
    while True:
        trial = study.ask(distributions)
        point = grid.space.at(trial.params)
        if point is not None:
            return trial, grid.values(point), math.fsum(map(grid.seconds, point.jobs))
        study.tell(trial, state=TrialState.FAIL)


if __name__ == "__main__":
    main()
