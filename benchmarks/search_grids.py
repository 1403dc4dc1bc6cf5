"""Whole grids whose every result is known beforehand, to search in: recorded ones, and drawn ones.

Spaces and jobs are those of real sweep files. ``quickstart_grid.csv`` has what `examples/quickstart.yaml` found on two
cores: top-1 in percent, images per second, and seconds of each attempt as its slot was busy with it.
"""

import csv
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from db.hypervolume import hypervolume
from orchestrator.planning import work
from orchestrator.search.goal import Goal
from orchestrator.search.space import Point, Space, make_space
from orchestrator.sweep import check_sweep
from orchestrator.sweep_file import parse_document
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob

HERE: Final = Path(__file__).parent
_QUICKSTART: Final = HERE / "quickstart_grid.csv"
_EXAMPLE: Final = HERE.parent / "examples" / "quickstart.yaml"

#: Across four widths of one network; 28 trainings, 140 tests.
WIDTHS: Final = """
name: widths
dataset: {name: cifar10}
model: {size: b0, small_images: true, width: [0.25, 0.5, 0.75, 1.0]}
grid: {group_size: 16, norm: ln+pn}
recipe: {epochs: 30, batch_size: 128}
fine_tune: {layers: head, epochs: 2, batch_size: 128}
search:
  axes: {train_resolution: {low: 16, high: 40, step: 4}, test_resolution: {low: +0, high: +16, step: 4}}
"""


@dataclass(frozen=True)
class Grid:
    """A space with everything that there is to be found out in it.

    Attributes:
        space: Its points.
        goal: Top-1 and a throughput.
        top1: Of an evaluation, percent.
        throughput: Of a measurement, images per second.
        seconds: How long a slot is busy with a job.
    """

    space: Space
    goal: Goal
    top1: Callable[[EvaluateJob], float]
    throughput: Callable[[MeasureJob], float]
    seconds: Callable[[Job], float]

    def values(self, point: Point) -> tuple[float, float]:
        """Return top-1, in percent over all seeds, and images per second."""
        (measurement,) = point.measurements.values()
        top1 = math.fsum(map(self.top1, point.evaluations)) / len(point.evaluations)
        return top1, self.throughput(measurement)

    @cached_property
    def slot_seconds(self) -> float:
        """What all of it costs."""
        jobs = {job.fingerprint: job for point in self.space.points.values() for job in point.jobs}
        return math.fsum(map(self.seconds, jobs.values()))

    @cached_property
    def _all(self) -> list[tuple[float, float]]:
        return [self.values(point) for point in self.space.points.values()]

    @cached_property
    def _reference(self) -> list[float]:
        return [min(column) for column in zip(*self._all, strict=True)]

    @cached_property
    def _whole(self) -> float:
        return hypervolume(self._all, self._reference)

    def covered(self, values: Sequence[Sequence[float]]) -> float:
        """Return the hypervolume of some results as a share of the whole grid's, above its worst values."""
        return hypervolume(values, self._reference) / self._whole


# ---- recorded -----------------------------------------------------------------------------------------------------


@lru_cache
def quickstart(mode: str) -> Grid:
    """Return the recorded grid of the quickstart: 16 trainings, 48 tests."""
    rows = list(csv.DictReader(_QUICKSTART.open(encoding="utf-8")))
    tests = {_cell(row): row for row in rows}
    trainings = {cell[:4]: row for cell, row in tests.items()}
    measured = {
        (*cell[:3], one, int(row[f"{'train' if one == 'train' else 'test'}_resolution"])): row
        for cell, row in tests.items()
        for one in ("train", "inference")
    }

    def seconds(job: Job) -> float:
        if isinstance(job, TrainJob):
            return float(trainings[_of_training(job)]["training_seconds"])
        if isinstance(job, EvaluateJob):
            return float(tests[_of_test(job)]["evaluation_seconds"])
        return float(measured[_of_measurement(job)][f"{job.mode}_measurement_seconds"])

    return _grid(
        f"{_EXAMPLE.read_text(encoding='utf-8')}\nsearch:\n",
        mode,
        top1=lambda job: float(tests[_of_test(job)]["top1"]),
        throughput=lambda job: float(measured[_of_measurement(job)][f"{job.mode}_images_per_second"]),
        seconds=seconds,
    )


Key = tuple[float | int | str, ...]


def _cell(row: Mapping[str, str]) -> Key:
    pixels = int(row["train_resolution"]), int(row["test_resolution"])
    return (float(row["width"]), int(row["group_size"]), row["norm"], *pixels)


def _of_training(job: TrainJob) -> Key:
    return job.variant.width, job.variant.group_size, job.variant.norm, job.resolution


def _of_test(job: EvaluateJob) -> Key:
    return (*_of_training(job.training), job.test_resolution)


def _of_measurement(job: MeasureJob) -> Key:
    return job.variant.width, job.variant.group_size, job.variant.norm, job.mode, job.resolution


# ---- drawn --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Law:
    """What accuracies and speeds of a drawn grid follow.

    Accuracy grows with width and with the logarithm of the train resolution, ever more slowly, and is best at a test
    resolution somewhat above that of training (Touvron et al., "Fixing the train-test resolution discrepancy"); each
    result is off by chance. Throughput falls with the work of an image, and some kinds of layers do it faster.
    """

    capacity: float
    resolution: float
    discrepancy: float
    best_test: float
    noise: float
    norms: Mapping[str, tuple[float, float]]
    groups: Mapping[int, tuple[float, float]]
    seed: int

    def top1(self, job: EvaluateJob) -> float:
        """Return percent."""
        variant, train = job.training.variant, job.training.resolution
        blur = math.log(job.test_resolution / train / self.best_test) ** 2
        saturated = 1 - math.exp(-train / 16) + 0.3 * (1 - math.exp(-job.test_resolution / 16))
        better = self.norms[variant.norm][0] + self.groups[variant.group_size][0]
        better += self.capacity * (1 - 0.25 / variant.width) + self._chance(job, self.noise)
        return 70 + self.resolution * saturated + better - self.discrepancy * blur

    def throughput(self, job: MeasureJob) -> float:
        """Return images per second."""
        faster = self.norms[job.variant.norm][1] * self.groups[job.variant.group_size][1]
        work_of_image = (0.1 + job.variant.width**1.7) * job.resolution**2
        return 2e6 * faster / work_of_image * math.exp(self._chance(job, 0.01))

    def _chance(self, job: Job, spread: float) -> float:
        return random.Random(f"{self.seed} {job.fingerprint}").gauss(0, spread)  # noqa: S311  # a simulation


def _drawn_law(seed: int) -> _Law:
    draw = random.Random(seed)  # noqa: S311  # a simulation
    return _Law(
        capacity=draw.uniform(3, 8),
        resolution=draw.uniform(8, 20),
        discrepancy=draw.uniform(6, 20),
        best_test=draw.uniform(1.05, 1.4),
        noise=draw.uniform(0.05, 0.25),
        norms={norm: (draw.uniform(0, 1.5), draw.uniform(0.8, 1.0)) for norm in ("bn", "gn", "ln+pn")},
        groups={size: (draw.uniform(0, 1), draw.uniform(0.8, 1.4)) for size in (1, 16)},
        seed=seed,
    )


@lru_cache
def drawn(text: str, mode: str, seed: int) -> Grid:
    """Return a grid with a law of its own."""
    law = _drawn_law(seed)
    return _grid(text, mode, top1=law.top1, throughput=law.throughput, seconds=drawn_seconds)


def drawn_seconds(job: Job) -> float:
    """Return what a job takes: its process, and its work at the speed of a small GPU; a measurement three times so."""
    if isinstance(job, MeasureJob):
        return 3 * (12 + job.warmup_seconds + job.blocks * job.block_seconds)
    return 6 + (work(job) or 0) / 1e12


def _grid(text: str, mode: str, **known: Callable[..., float]) -> Grid:
    objectives = ("top1", f"{mode}_images_per_second")
    text += f"  objectives: [{', '.join(objectives)}]\n  budget: {{trials: 1}}\n"
    space = make_space(check_sweep(parse_document(text.encode(), "search.yaml"), Path()), (mode,), "e" * 32)
    return Grid(space, Goal(objectives=objectives), **known)
