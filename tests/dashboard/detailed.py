"""A small sweep with all that is told of single results: epochs, rounds that took turns, latencies, a crash.

Run ``python -m tests.dashboard.detailed FILE`` to look at one.
"""

from __future__ import annotations

import contextlib
import math
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from db.reader import open_reader
from db.records import EpochRecord
from orchestrator.results import store_result
from tests.dashboard.seeded import CPU, DATASET, GPU, VALIDATION_IMAGES, Seeder, images_per_second, variant
from workers.protocol.architecture import architecture, macs, parameter_count
from workers.protocol.jobs import EvaluateJob, Loading, MeasureJob, TrainJob
from workers.protocol.orders import Finished, Latency, MeasureResult, Round, Sample, Throughput
from workers.protocol.recipe import Recipe

if TYPE_CHECKING:
    from db.result_details import Measured, ResultDetails

FAMILIES = ((1, 6, "bn"), (16, 4, "ln+pn"))
SEEDS = (0, 1)
TESTS = (20, 28)
EPOCHS = 8
#: How fast the machine is in each round, the same for all that is measured in it; the third was disturbed.
MACHINE = (1.0, 0.85, 0.6, 0.97)
DISTURBED = 3
#: Epochs after which trainings of the second family were tested.
TESTED = (1, 2, 4, 8)


def training(family: tuple[int, int, str], seed: int = 0) -> TrainJob:
    return TrainJob(variant(family, 0.5), DATASET, 20, seed, recipe=Recipe(epochs=EPOCHS))


def evaluation(family: tuple[int, int, str], seed: int = 0, test: int = 28) -> EvaluateJob:
    return EvaluateJob(training(family, seed), test)


def measurement(family: tuple[int, int, str], mode: str, resolution: int, environment=CPU) -> MeasureJob:
    return MeasureJob(
        variant(family, 0.5),
        DATASET.channels,
        DATASET.classes,
        mode,
        resolution,
        environment.key,
        optimizer="rmsprop" if mode == "train" else None,
        loading=Loading(DATASET),
    )


def measurements(environment=CPU) -> list[MeasureJob]:
    jobs = []
    for family in FAMILIES:
        jobs += [measurement(family, "train", 20, environment)]
        jobs += [measurement(family, "inference", side, environment) for side in TESTS]
    return jobs


class DetailedSeeder(Seeder):
    """Writes what a sweep would have written, with everything that is told on the way."""

    def train(self, job: TrainJob, *, crashes: bool = False) -> None:
        if crashes:
            attempt = self.claim(job)
            self._epochs(job, attempt, 3)
            self.clock.advance(12)
            message = "the worker was killed by signal 9"
            self.store.end_attempt(
                job.fingerprint, attempt, outcome="crashed", next_state="queued", failure="crashed", message=message
            )
        attempt = self.claim(job)
        self._epochs(job, attempt, EPOCHS)
        self.clock.advance(95)
        report = Finished(job.fingerprint, attempt, self._result(job, attempt, "clean"))
        assert store_result(self.store, job, report, Path("runs"), CPU.key)

    def _epochs(self, job: TrainJob, attempt: int, count: int) -> None:
        plain = job.variant.norm == "bn"
        for epoch in range(1, count + 1):
            loss = 0.62 + (1.7 if plain else 1.5) * math.exp(-0.55 * epoch) + 0.04 * job.seed + 0.06 * plain
            rate = 0.016 * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))
            record = EpochRecord(epoch=epoch, loss=loss, learning_rate=rate, images=12_000, seconds=11.5 + 0.2 * epoch)
            if not plain and epoch in TESTED:
                correct = round(VALIDATION_IMAGES * (0.925 - 0.45 * math.exp(-0.5 * epoch) - 0.004 * job.seed))
                record = replace(record, validation_images=VALIDATION_IMAGES, validation_correct=correct)
            self.store.record_epoch(job.fingerprint, attempt, record)

    def measure_in_turns(self, jobs: list[MeasureJob]) -> None:
        """Give every measurement its first round before any has its second."""
        rounds: dict[str, list[Round]] = {job.fingerprint: [] for job in jobs}
        for number in range(1, len(MACHINE) + 1):
            for job in jobs:
                attempt = self.claim(job, slot=f"{'cuda' if job.environment_key == GPU.key else 'cpu'}-0")
                self.clock.advance(9)
                rounds[job.fingerprint].append(self._round(job, attempt, number))
                result = _over(job, rounds[job.fingerprint], complete=number == len(MACHINE))
                report = Finished(job.fingerprint, attempt, result)
                assert store_result(self.store, job, report, Path("runs"), job.environment_key)

    def _round(self, job: MeasureJob, attempt: int, number: int) -> Round:
        rate = images_per_second(job) * MACHINE[number - 1]
        rates = [rate * self.random.gauss(1.0, 0.012) for _ in range(5)]
        disturbed = number == DISTURBED
        return Round(
            attempt,
            [Sample(images=640, seconds=640 / one) for one in rates],
            "contended" if disturbed else "clean",
            "other processes used 0.9 of a processor" if disturbed else "",
            reference_images_per_second=5_200 * MACHINE[number - 1],
            end_to_end=[Sample(images=640, seconds=640 / (0.8 * one)) for one in rates[:3]],
            loading=[Sample(images=640, seconds=640 / (5 * one)) for one in rates[:3]],
            latencies=[4.0 + 0.2 * self.random.random() for _ in range(20)] if job.mode == "inference" else [],
            conditions={},
        )


def _over(job: MeasureJob, rounds: list[Round], *, complete: bool) -> MeasureResult:
    rates = [one.images / one.seconds for each in rounds if each.undisturbed for one in each.samples]
    times = sorted(time for each in rounds if each.undisturbed for time in each.latencies)
    network = architecture(job.variant, job.channels, job.classes)
    middle = statistics.median(rates)
    quarters = statistics.quantiles(rates, n=4)
    return MeasureResult(
        rounds=rounds,
        complete=complete,
        images_per_second=middle,
        low=middle * 0.8,
        high=middle * 1.25,
        cv=statistics.stdev(rates) / statistics.fmean(rates),
        iqr=quarters[2] - quarters[0],
        compiled=False,
        batch_size=128,
        memory_format="channels_last",
        warmup_steps=5,
        macs=macs(network, job.resolution),
        params=parameter_count(network),
        peak_memory_bytes=412_000_000,
        verdict="noisy" if len(rounds) > 1 else "clean",
        verdict_reason="all blocks together vary by 7 %" if len(rounds) > 1 else "",
        latency=Latency(times[len(times) // 2], times[-3], times[-1], len(times)) if times else None,
        end_to_end=Throughput(0.8 * middle, 0.7 * middle, 0.9 * middle),
        loading=Throughput(5 * middle, 4.6 * middle, 5.4 * middle),
    )


def seed_details(url: str) -> None:
    """Fill a database with a finished sweep on two devices, and one job that failed, one that runs."""
    seeder = DetailedSeeder(url)
    trainings = [training(family, seed) for family in FAMILIES for seed in SEEDS]
    tests = [evaluation(family, seed, test) for family in FAMILIES for seed in SEEDS for test in TESTS]
    on_cpu, on_gpu = measurements(), measurements(GPU)
    unlucky, running = failed_training(), running_training()
    seeder.begin("turns", [*trainings, *tests, *on_cpu, *on_gpu, unlucky, running])
    for number, job in enumerate(trainings):
        seeder.train(job, crashes=number == 0)
    for one in tests:
        seeder.do(one)
    seeder.measure_in_turns(on_cpu)
    seeder.measure_in_turns(on_gpu)
    seeder.fail(
        unlucky, outcome="failed", state="failed", failure="data", message="<b>train-images</b> is *damaged*\nat byte 7"
    )
    attempt = seeder.claim(running)
    seeder._epochs(running, attempt, 2)
    seeder.store.record_progress(running.fingerprint, attempt, 0.25, "epoch 3/8 loss 1.20")
    seeder.store.beat("d" * 32)
    seeder.store.close()


def measured(details: ResultDetails, job: MeasureJob) -> Measured:
    """Return the only measurement of a job."""
    (number,) = details.measurements_of(job.fingerprint)
    return details.measured([number])[number]


def epochs_of(url: str, family: tuple[int, int, str]) -> list[EpochRecord]:
    """Return the epochs of a family's first training."""
    with contextlib.closing(open_reader(url)) as reader:
        return reader.epochs_of(training(family).fingerprint)


def failed_training() -> TrainJob:
    return replace(training(FAMILIES[0]), seed=5)


def running_training() -> TrainJob:
    return replace(training(FAMILIES[0]), seed=6)


if __name__ == "__main__":
    seed_details(f"sqlite:///{sys.argv[1]}")
