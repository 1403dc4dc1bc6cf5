"""A database as a sweep would leave it, written by the store's own calls.

Sizes and multiply-accumulates are the real ones of each variant; accuracies and throughputs are drawn from a smooth,
fixed rule, so that tests know what to expect. Run ``python -m tests.dashboard.seeded FILE`` to look at one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
import random
import statistics
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from db.publications import read_csv
from db.records import DriverIdentity
from db.store import Store, open_store
from orchestrator.results import environment_record, new_job, store_result
from workers.protocol.architecture import architecture, macs, parameter_count
from workers.protocol.jobs import DataSet, EvaluateJob, Job, MeasureJob, TrainJob
from workers.protocol.orders import Environment, EvaluateResult, Finished, MeasureResult, Round, Sample, TrainResult
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION, Variant

PUBLISHED = Path(__file__).parents[2] / "examples" / "published_results.csv"
DATASET = DataSet("fashion-mnist", classes=10, channels=1, image_side=28, train_images=12_000, test_images=2_000)
CPU = Environment("cpu", "Intel(R) Xeon(R) Platinum 8481C", 1, {"torch": "2.10.0", "onednn": "3.7"})
GPU = Environment("cuda", "NVIDIA H200", 1, {"torch": "2.10.0", "cuda": "12.8"})
DRIVER = "d" * 32

#: Group size, expansion, norm → accuracy gained in percentage points, throughput factor.
FAMILIES = {
    (1, 6, "bn"): (0.2, 1.0),
    (1, 6, "gn"): (0.0, 0.94),
    (16, 4, "bn"): (0.5, 1.75),
    (16, 4, "ln+pn"): (0.9, 1.5),
}
WIDTHS = (0.25, 0.5, 1.0)
SEEDS = (0, 1)
#: What the usual share of Fashion-MNIST's 60,000 training images comes to.
VALIDATION_IMAGES = 6_000
TRAIN_RESOLUTIONS = (20, 28)
TEST_RESOLUTIONS = (20, 28)


@dataclass
class Clock:
    """Gives later and later times, at first long ago."""

    now: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=3))

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


class Seeder:
    """Writes what a sweep of these jobs would have written."""

    def __init__(self, url: str) -> None:
        self.clock = Clock()
        self.store: Store = open_store(url, self.clock)
        self.random = random.Random(7)
        identity = DriverIdentity(driver_id=DRIVER, host="lab-1", pid=4711, boot_id="b" * 32, process_started=1.0)
        self.store.register_driver(identity)
        for environment in (CPU, GPU):
            self.store.put_environment(environment_record(environment))

    def begin(self, name: str, jobs: list[Job]) -> int:
        sweep = self.store.take_sweep(name, f"name: {name}\n", "0" * 32, "runs", DRIVER)
        self.store.put_jobs(sweep, [new_job(job) for job in jobs])
        return sweep

    def end(self, sweep: int, state: str = "finished") -> None:
        self.store.set_sweep_state(sweep, state)
        self.store.release_sweep(sweep, DRIVER)

    def claim(self, job: Job, slot: str = "cpu-0") -> int:
        environment = GPU if isinstance(job, MeasureJob) and job.environment_key == GPU.key else CPU
        attempt = self.store.claim(
            job.fingerprint,
            driver_id=DRIVER,
            slot=slot,
            node="lab-1",
            environment_key=environment.key,
            directory="runs/{attempt}",
        )
        assert attempt is not None
        return attempt

    def do(self, job: Job, verdict: str = "clean") -> None:
        attempt = self.claim(job)
        self.clock.advance(20)
        result = self._result(job, attempt, verdict)
        environment = GPU if isinstance(job, MeasureJob) and job.environment_key == GPU.key else CPU
        finished = Finished(job.fingerprint, attempt, result)
        assert store_result(self.store, job, finished, Path("runs"), environment.key)

    def fail(self, job: Job, *, outcome: str, state: str, failure: str, message: str) -> None:
        attempt = self.claim(job)
        self.clock.advance(5)
        self.store.end_attempt(
            job.fingerprint, attempt, outcome=outcome, next_state=state, failure=failure, message=message
        )

    def _result(self, job: Job, attempt: int, verdict: str) -> TrainResult | EvaluateResult | MeasureResult:
        if isinstance(job, TrainJob):
            return _train_result(job)
        if isinstance(job, EvaluateJob):
            return _evaluate_result(job)
        return self._measure_result(job, attempt, verdict)

    def _measure_result(self, job: MeasureJob, attempt: int, verdict: str) -> MeasureResult:
        spread = {"clean": 0.01, "noisy": 0.08, "contended": 0.2}[verdict]
        rate = images_per_second(job)
        rates = [rate * self.random.gauss(1.0, spread) for _ in range(5)]
        network = architecture(job.variant, job.channels, job.classes)
        reason = "" if verdict == "clean" else "blocks disagree"
        blocks = [Sample(images=640, seconds=640 / one) for one in rates]
        return MeasureResult(
            rounds=[Round(attempt, blocks, verdict, reason)],
            complete=True,
            images_per_second=statistics.median(rates),
            low=min(rates),
            high=max(rates),
            cv=statistics.stdev(rates) / statistics.fmean(rates),
            iqr=max(rates) - min(rates),
            compiled=False,
            batch_size=64,
            memory_format="channels_last",
            warmup_steps=5,
            macs=macs(network, job.resolution),
            params=parameter_count(network),
            peak_memory_bytes=400_000_000,
            verdict=verdict,
            verdict_reason=reason,
        )


def variant(family: tuple[int, int, str], width: float) -> Variant:
    """Return a variant of a family."""
    group_size, expansion, norm = family
    return Variant("b0", group_size, expansion, norm, width, small_images=True)


def images_per_second(job: MeasureJob) -> float:
    """Return the throughput that a measurement of this database tells, but for its noise."""
    one = job.variant
    _, factor = FAMILIES.get((one.group_size, one.expansion, one.norm), (0.0, 1.0))
    cost = macs(architecture(one, job.channels, job.classes), job.resolution)
    rate = 9e6 / math.sqrt(cost) * factor / (3 if job.mode == "train" else 1)
    return rate * 40 if job.environment_key == GPU.key else rate


def _train_result(job: TrainJob) -> TrainResult:
    network = architecture(job.variant, job.dataset.channels, job.dataset.classes)
    return TrainResult(
        checkpoint="final.pt",
        checkpoint_sha256="0" * 64,
        checkpoint_bytes=1_000_000,
        params=parameter_count(network),
        train_macs=macs(network, job.resolution),
        epochs=job.recipe.epochs,
        train_loss=0.8,
        images_seen=48_000,
        seconds=20.0,
        dataset_digest="fashion",
    )


def _evaluate_result(job: EvaluateJob) -> EvaluateResult:
    one, trained = job.training.variant, job.training
    network = architecture(one, trained.dataset.channels, trained.dataset.classes)
    gain, _ = FAMILIES.get((one.group_size, one.expansion, one.norm), (0.0, 1.0))
    drawn = int(hashlib.sha256(job.fingerprint.encode()).hexdigest()[:8], 16) / 2**32 - 0.5
    top1 = 87.6 + 0.9 * math.log(macs(network, trained.resolution) / 1e6) + gain + 0.25 * drawn
    top1 -= 0.12 * abs(job.test_resolution - trained.resolution - 2)
    images = trained.dataset.test_images or 10_000
    held_out = VALIDATION_IMAGES if trained.dataset.validation_images is None else trained.dataset.validation_images
    return EvaluateResult(
        images=images,
        correct=round(images * top1 / 100),
        correct_before_fine_tune=round(images * (top1 - 0.8) / 100),
        loss=0.4,
        test_macs=macs(network, job.test_resolution),
        seconds=9.0,
        dataset_digest="fashion",
        validation_images=held_out,
        validation_correct=round(held_out * (top1 + 0.4 * drawn + 0.5) / 100),
    )


def accuracy_jobs(
    families: list[tuple[int, int, str]], seeds: tuple[int, ...] = SEEDS, dataset: DataSet = DATASET
) -> list[Job]:
    """Return the training runs and evaluations of some families."""
    jobs: list[Job] = []
    for family, width, resolution, seed in itertools.product(families, WIDTHS, TRAIN_RESOLUTIONS, seeds):
        training = TrainJob(variant(family, width), dataset, resolution, seed)
        jobs += [training, *(EvaluateJob(training, test) for test in TEST_RESOLUTIONS)]
    return jobs


def measure_jobs(families: list[tuple[int, int, str]], environment: Environment = CPU) -> list[MeasureJob]:
    """Return the measurements of some families on one kind of slot."""
    sides = sorted({*TRAIN_RESOLUTIONS, *TEST_RESOLUTIONS})
    return [
        MeasureJob(
            variant(family, width),
            DATASET.channels,
            DATASET.classes,
            mode,
            side,
            environment.key,
            optimizer="rmsprop" if mode == "train" else None,
        )
        for family, width, mode, side in itertools.product(families, WIDTHS, ("train", "inference"), sides)
    ]


def seed_without_validation(url: str) -> None:
    """Fill a database with one finished sweep that held no validation images out."""
    seeder = Seeder(url)
    families = list(FAMILIES)[:2]
    jobs = [*accuracy_jobs(families, dataset=replace(DATASET, validation_images=0)), *measure_jobs(families)]
    sweep = seeder.begin("fashion-all-trained", jobs)
    for job in jobs:
        seeder.do(job)
    seeder.end(sweep)
    seeder.store.close()


def seed(url: str, *, finished: bool = True, running: bool = True, published: bool = True) -> None:
    """Fill a database: one finished sweep on two devices, one that runs with failures, and published results."""
    seeder = Seeder(url)
    sweeps_and_published(seeder, finished=finished, running=running, published=published)
    seeder.store.close()


def sweeps_and_published(
    seeder: Seeder, *, finished: bool = True, running: bool = True, published: bool = True
) -> None:
    """Write what ``seed`` writes."""
    if finished:
        _finished_sweep(seeder)
    if running:
        _running_sweep(seeder)
    if published:
        records = read_csv(PUBLISHED, NATIVE_RESOLUTION, HALF_RESOLUTION)
        seeder.store.put_publication("arXiv 2106.03640, Figure 1", "imagenet", records)


def _finished_sweep(seeder: Seeder) -> None:
    families = list(FAMILIES)
    measured = measure_jobs(families) + measure_jobs(families, GPU)
    jobs = [*accuracy_jobs(families), *measured]
    sweep = seeder.begin("fashion-families", jobs)
    for job in jobs:
        is_first = isinstance(job, MeasureJob) and job.environment_key == CPU.key and job.variant.width == 0.25
        noisy = is_first and job.variant.norm == "gn"
        contended = isinstance(job, MeasureJob) and job.environment_key == CPU.key and _is_disturbed(job)
        seeder.do(job, "contended" if contended else "noisy" if noisy else "clean")
    seeder.end(sweep)


def _is_disturbed(job: MeasureJob) -> bool:
    return job.variant.norm == "bn" and job.variant.group_size == 16 and job.variant.width == 1.0


def _running_sweep(seeder: Seeder) -> None:
    family = (1, 6, "ln+pn")
    seeder.clock.now = dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=260)
    jobs = [*accuracy_jobs([family]), *measure_jobs([family])]
    seeder.begin("fashion-more-norms", jobs)
    trainings = [job for job in jobs if isinstance(job, TrainJob)]
    evaluations = [job for job in jobs if isinstance(job, EvaluateJob)]
    for job in trainings[:4]:
        seeder.do(job)
    for job in evaluations[:3]:
        seeder.do(job)
    seeder.fail(
        trainings[4], outcome="diverged", state="diverged", failure="diverged", message="loss became NaN in epoch 2"
    )
    for job in trainings[5:7]:
        seeder.fail(
            job,
            outcome="out_of_memory",
            state="failed",
            failure="out_of_memory",
            message="the worker was killed for want of memory",
        )
    for number, job in enumerate(trainings[7:9]):
        attempt = seeder.claim(job, slot=f"cpu-{number}")
        seeder.clock.advance(15)
        text = f"epoch {number + 2}/4 loss 0.8{number}"
        seeder.store.record_progress(job.fingerprint, attempt, 0.3 + 0.4 * number, text)
    seeder.store.beat(DRIVER)


if __name__ == "__main__":
    seed(f"sqlite:///{sys.argv[1]}")
