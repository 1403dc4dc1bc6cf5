"""A search to start from, and a world in which its jobs are done at once: what the real one would find out, made up."""

from __future__ import annotations

import datetime as dt

from orchestrator.search.goal import Goal
from orchestrator.search.sampling import propose
from orchestrator.search.searching import Begin, Extend, Finish, Limits, Reopen, Search
from orchestrator.search.space import make_space
from tests.sweep.example_sweep import sweep_of

SEARCH = """\
name: look
dataset: {name: fashion-mnist, train_images: 2000, test_images: 1000, validation_images: 500}
model: {size: b0, width: 0.25, small_images: true}
grid:
  group_size: [1, 16]
  norm: [gn, ln+pn]
  seed: [0, 1]
recipe: {epochs: 4, batch_size: 50}
fine_tune: {layers: head, epochs: 1, batch_size: 50}
search:
  axes: {train_resolution: {low: 12, high: 28, step: 8}, test_resolution: {low: +0, high: +16, step: 8}}
  objectives: [top1, train_images_per_second]
  budget: {trials: 6}
"""
NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)
HERE = "e" * 32


def space_of(text=SEARCH, *overrides):
    sweep = sweep_of(text, *overrides)
    return make_space(sweep, sweep.spec.search.modes, HERE)


class World:
    """The store and the slots in one: jobs are asked for, done, and found out about.

    Accuracy grows with resolution and is best a step above the train resolution; larger images are slower.
    """

    def __init__(self):
        self.jobs = {}
        self.state = {}
        self.log = []

    def ask(self, jobs):
        for job in jobs:
            self.jobs[job.fingerprint] = job
            self.state.setdefault(job.fingerprint, "queued")

    def do(self, stage=None, state="done"):
        """End all waiting jobs, or those of a stage; evaluations only after their training."""
        ended = [key for key, one in self.state.items() if one == "queued" and stage in {None, self.jobs[key].stage}]
        for key in ended:
            self.state[key] = state
        return ended

    # ---- Results

    def states(self, fingerprints):
        return {key: self.state[key] for key in fingerprints if key in self.state}

    def throughput(self, job):
        assert self.state[job.fingerprint] == "done"
        speed = {1: 1.0, 16: 1.6}[job.variant.group_size] / {"gn": 1.0, "ln+pn": 1.1}[job.variant.norm]
        return 1e6 * speed / job.resolution**2 * (3 if job.mode == "inference" else 1)

    def top1(self, jobs):
        assert all(self.state[job.fingerprint] == "done" for job in jobs)
        return sum(map(self._one, jobs)) / len(jobs)

    def _one(self, job):
        training = job.training
        better = {"gn": 0.0, "ln+pn": 2.0}[training.variant.norm] - (training.variant.group_size == 16)
        return 60 + training.resolution / 2 + better - abs(job.test_resolution - training.resolution - 8) / 4


def search_over(space, goal=None, *, trials=(), asked=None, proposed=6, companions=None, sampler="tpe", seed=0):
    goal = goal or Goal(objectives=("top1", "train_images_per_second"))

    def next_of(known, number):
        return propose(space.axes, space.points, goal.objectives, sampler, seed, known, number, floors=goal.constraints)

    return Search(space, goal, Limits(trials=proposed, companions=companions), next_of, trials, asked)


class Ledger:
    """What a search has stored: the rows from which another one goes on."""

    def __init__(self):
        self.trials = {}
        self.asked = {}
        self.withdrawn = set()

    def take(self, action, search, world):
        """Do what an action asks for."""
        match action:
            case Begin(trial, jobs):
                self.asked[trial.number] = {job.fingerprint for job in jobs}
                world.ask(jobs)
                number = trial.number
            case Extend(number, jobs):
                self.asked[number] |= {job.fingerprint for job in jobs}
                world.ask(jobs)
            case Finish(number, _, withdrawn):
                self.withdrawn |= set(withdrawn)
            case Reopen(number):
                pass
        self.trials[number] = search.trials[number]

    def follow(self, search, world, room=1):
        """Carry out all that follows from what is known; return how many actions that were."""
        count = 0
        while actions := search.advance(world, room, NOW):
            for action in actions:
                self.take(action, search, world)
            count += len(actions)
        return count


def run(search, world, ledger=None, room=1):
    """Run a search to its end."""
    ledger = ledger or Ledger()
    ledger.follow(search, world, room)
    while world.do():
        ledger.follow(search, world, room)
    return ledger


def outline(trials):
    """What was tried, in which order, and what came of it."""
    return [(trial.number, dict(trial.params), trial.origin, trial.state, trial.values) for trial in trials]
