"""Searches as a driver would leave them, written by the store's own calls.

One for two objectives that runs, one for one objective that gave trainings up on the way and is finished, and one that
has just begun. Run ``python -m tests.dashboard.searched FILE`` to look at them.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import random
import sys
from typing import Any

from db.search_records import NewTrial, TrialEnd, Value
from orchestrator.results import new_job
from tests.dashboard.seeded import (
    CPU,
    DATASET,
    DRIVER,
    Seeder,
    _evaluate_result,
    images_per_second,
    sweeps_and_published,
    variant,
)
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob
from workers.protocol.recipe import Recipe

RUNNING, FINISHED, BEGUN = "fashion-resolutions", "fashion-accuracy", "fashion-just-begun"
#: Images per second that inference must reach in the search that runs.
FLOOR = 1_000.0
#: Below so many images per second in training, trials are skipped.
SLOW = 480.0
BUDGET = 40
#: Trials of which all was there, and the number after them of the one that fails.
STORED, FAILS = 4, 5
EPOCHS = 8
SEEDS = (0, 1)
_FAMILIES = {"bn": (1, 6, "bn"), "ln+pn": (16, 4, "ln+pn")}
_RESOLUTIONS: dict[str, tuple[Value, ...]] = {
    "train_resolution": (16, 20, 24, 28),
    "test_resolution": (16, 20, 24, 28, 32, 36),
    "norm": ("bn", "ln+pn"),
}
_WIDTHS: dict[str, tuple[Value, ...]] = {
    "width": (0.25, 0.5, 1.0),
    "train_resolution": (16, 20, 24, 28),
    "norm": ("bn", "ln+pn"),
}


def search_settings(axes: dict[str, tuple[Value, ...]], objectives: list[str], **others: Any) -> dict[str, Any]:
    """Return settings as a search's file and sweep give them."""
    return {
        "axes": [{"name": name, "values": list(values)} for name, values in axes.items()],
        "objectives": objectives,
        "floors": {},
        "sampler": "nsga2",
        "seed": 0,
        "budget": {"trials": BUDGET, "slot_hours": None, "hours": None},
        "pruner": None,
        "points": math.prod(len(values) for values in axes.values()),
        **others,
    }


class SearchSeeder(Seeder):
    """Writes searches, trial by trial."""

    def do(self, job: Job, verdict: str = "clean") -> None:
        """Do a job, unless another sweep did it before."""
        if not self.is_done(job):
            super().do(job, verdict)

    def begin_search(self, name: str, settings: dict[str, Any]) -> None:
        self.sweep = self.begin(name, [])
        self.search = self.store.search(self.sweep)
        self.search.put(settings)
        self.number = itertools.count()
        self.settings = settings

    def training(self, params: dict[str, Value], seed: int) -> TrainJob:
        network = variant(_FAMILIES[str(params["norm"])], float(params.get("width", 0.75)))
        return TrainJob(network, DATASET, int(params["train_resolution"]), seed, recipe=Recipe(epochs=EPOCHS))

    def jobs(self, params: dict[str, Value]) -> tuple[list[MeasureJob], list[Job]]:
        """Return what a trial needs: first its measurements, then its trainings and evaluations."""
        train, test = int(params["train_resolution"]), int(params.get("test_resolution", 28))
        trainings = [self.training(params, seed) for seed in SEEDS]
        one = trainings[0].variant
        measured = [
            MeasureJob(one, DATASET.channels, DATASET.classes, mode, side, CPU.key, optimizer=optimizer)
            for mode, side, optimizer in (("train", train, "rmsprop"), ("inference", test, None))
        ]
        return measured, [*trainings, *(EvaluateJob(training, test) for training in trainings)]

    def is_done(self, job: Job) -> bool:
        return self.store.job_states([job.fingerprint]).get(job.fingerprint) == "done"

    def do_all(self, jobs: list[Any]) -> None:
        """Do those that nobody has done."""
        for job in jobs:
            if not self.is_done(job):
                self.do(job)
                self.clock.advance(2)

    def values(self, params: dict[str, Value]) -> dict[str, float]:
        """Return what a trial comes to: top-1 in percent, images per second in training and in inference."""
        measured, rest = self.jobs(params)
        results = [_evaluate_result(job) for job in rest if isinstance(job, EvaluateJob)]
        right = sum(one.validation_correct for one in results)
        rates = {f"{job.mode}_images_per_second": images_per_second(job) for job in measured}
        return {"top1": 100 * right / sum(one.validation_images for one in results), **rates}

    def ending(self, params: dict[str, Value], state: str, reason: str = "", top1: float | None = None) -> TrialEnd:
        """Return how a trial ends: one that is not complete has the accuracy that is given, a failed one nothing."""
        known: dict[str, float | None] = {**self.values(params)}
        if state != "complete":
            known["top1"] = top1
        names, floors = self.settings["objectives"], self.settings["floors"]
        if state == "failed":
            return TrialEnd(state=state, values=(None,) * len(names), reason=reason)
        missing = tuple(limit - known[name] for name, limit in floors.items())
        return TrialEnd(state=state, values=tuple(known[name] for name in names), violations=missing, reason=reason)

    def propose(self, params: dict[str, Value], jobs: list[Any], origin: str = "sampler") -> int:
        """Begin a trial."""
        trial = NewTrial(number=next(self.number), params=params, origin=origin)
        self.search.add_trial(trial, [new_job(job) for job in jobs])
        return trial.number

    def trial(
        self, params: dict[str, Value], state: str = "complete", origin: str = "sampler", reason: str = ""
    ) -> None:
        """Write a trial that ends so, and do what it needs for that."""
        measured, rest = self.jobs(params)
        asked = measured if state in {"infeasible", "skipped"} else [*measured, *rest]
        number = self.propose(params, asked, origin)
        tests = len(SEEDS)  # of the trial itself; trainings may be those of others
        self.do_all([*measured, *rest[:-tests]] if state == "failed" else asked)
        if state == "failed":
            self.fail(
                rest[-tests],
                outcome="crashed",
                state="failed",
                failure="crashed",
                message="the worker was killed by signal 9",
            )
        self.search.finish_trial(number, self.ending(params, state, reason))


def _points(axes: dict[str, tuple[Value, ...]], order: int) -> list[dict[str, Value]]:
    """Return every point of a space, shuffled."""
    points = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    random.Random(order).shuffle(points)
    return points


def _two_objectives(seeder: SearchSeeder) -> None:
    """Write a search that runs: stored results first, then trials of every state, two of them open."""
    points = _points(_RESOLUTIONS, 3)
    seeder.clock.now = dt.datetime.now(dt.timezone.utc) - dt.timedelta(minutes=35)
    stored = points[:STORED]
    jobs = [job for params in stored for part in seeder.jobs(params) for job in part]
    before = seeder.begin("fashion-before", jobs)
    seeder.do_all(jobs)
    seeder.end(before)
    floors = {"inference_images_per_second": FLOOR}
    seeder.begin_search(
        RUNNING, search_settings(_RESOLUTIONS, ["top1", "train_images_per_second"], floors=floors, pruner=None)
    )
    for params in stored:
        seeder.trial(params, origin="stored")
    for index, params in enumerate(points[STORED:30]):
        _tried(seeder, params, index)
    for params in points[30:32]:
        measured, rest = seeder.jobs(params)
        seeder.propose(params, [*measured, *rest])
    of_accuracy = {"train_resolution": 0.71, "test_resolution": 0.18, "norm": 0.11}
    of_throughput = {"train_resolution": 0.64, "norm": 0.36, "test_resolution": 0.0}
    seeder.search.set_importances({"top1": of_accuracy, "train_images_per_second": of_throughput})


def _tried(seeder: SearchSeeder, params: dict[str, Value], index: int) -> None:
    known = seeder.values(params)
    training = seeder.training(params, SEEDS[0])
    trained = seeder.is_done(training)
    if known["inference_images_per_second"] < FLOOR:
        short = FLOOR - known["inference_images_per_second"]
        seeder.trial(params, "infeasible", reason=f"inference throughput is {short:.0f} images/s short of the floor")
    elif index == FAILS:
        seeder.trial(params, "failed", reason="an evaluation failed for good: the worker was killed by signal 9")
    elif not trained and index > FAILS and known["train_images_per_second"] < SLOW:
        seeder.trial(params, "skipped", reason="whatever its accuracy, it could not do better than trial 3")
    else:
        seeder.trial(params, origin="companion" if trained else "sampler")


def _one_objective(seeder: SearchSeeder) -> None:
    """Write a search that is finished and gave most of its trainings up on the way."""
    budget = {"trials": len(_points(_WIDTHS, 5)), "slot_hours": 2.0, "hours": None}
    floors = {"train_images_per_second": 350.0}
    settings = search_settings(_WIDTHS, ["top1"], floors=floors, sampler="tpe", pruner="asha", budget=budget)
    seeder.begin_search(FINISHED, settings)
    best = 0.0
    for index, params in enumerate(_points(_WIDTHS, 5)):
        known = seeder.values(params)
        if known["train_images_per_second"] < floors["train_images_per_second"]:
            short = floors["train_images_per_second"] - known["train_images_per_second"]
            seeder.trial(params, "infeasible", reason=f"training throughput is {short:.0f} images/s short of the floor")
            continue
        epochs = 8 if index < 4 or known["top1"] > best - 2.0 else 4 if known["top1"] > best - 3.0 else 2
        _learned(seeder, params, epochs)
        best = max(best, known["top1"] if epochs == EPOCHS else 0.0)
    seeder.search.set_importances({"top1": {"width": 0.62, "train_resolution": 0.3, "norm": 0.08}})
    seeder.search.end(f"the budget of {budget['trials']} trials is used up")
    seeder.end(seeder.sweep)


def _learned(seeder: SearchSeeder, params: dict[str, Value], epochs: int) -> None:
    """Write a trial with its accuracy after some epochs; one that has not all of them was given up."""
    measured, rest = seeder.jobs(params)
    number = seeder.propose(params, [*measured, *rest])
    top1 = seeder.values(params)["top1"]
    curve = {one: top1 - 30 / (one + 1) ** 1.5 for one in (1, 2, 4, 8) if one <= epochs}
    seeder.search.record_curve(number, curve)
    is_pruned = epochs < EPOCHS
    seeder.do_all([*measured, *rest[: 1 if is_pruned else len(rest)]])
    reason = f"not among the better half after epoch {epochs}" if is_pruned else ""
    state = "pruned" if is_pruned else "complete"
    seeder.search.finish_trial(number, seeder.ending(params, state, reason, max(curve.values())))


def _begun(seeder: SearchSeeder) -> None:
    seeder.begin_search(BEGUN, search_settings(_RESOLUTIONS, ["top1", "inference_images_per_second"], sampler="gp"))
    measured, rest = seeder.jobs({"train_resolution": 28, "test_resolution": 36, "norm": "bn"})
    seeder.propose({"train_resolution": 28, "test_resolution": 36, "norm": "bn"}, [*measured, *rest])


def seed_searches(url: str) -> None:
    """Fill a database with three searches."""
    seeder = SearchSeeder(url)
    _searches(seeder)
    seeder.store.close()


def seed_everything(url: str) -> None:
    """Fill a database with three searches, a finished sweep, one that runs, and published results."""
    seeder = SearchSeeder(url)
    _searches(seeder)
    sweeps_and_published(seeder)
    seeder.store.close()


def _searches(seeder: SearchSeeder) -> None:
    _one_objective(seeder)
    _two_objectives(seeder)
    _begun(seeder)
    seeder.clock.now = dt.datetime.now(dt.timezone.utc)
    seeder.store.beat(DRIVER)


if __name__ == "__main__":
    seed_searches(f"sqlite:///{sys.argv[1]}")
