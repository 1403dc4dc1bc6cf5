"""Rows as a small sweep would store them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from db.records import (
    DataSetRecord,
    DriverIdentity,
    EnvironmentRecord,
    EvaluationRecord,
    MeasurementRecord,
    NewJob,
    RoundRecord,
    SampleRecord,
    TrainingRecord,
    VariantRecord,
)
from db.store import Store

CPU = EnvironmentRecord(environment_key="c" * 32, slot_kind="cpu", device="Xeon", threads=1, software={"torch": "2.10"})
GPU = EnvironmentRecord(
    environment_key="9" * 32, slot_kind="cuda", device="H200", threads=4, software={"torch": "2.10"}
)
FASHION = DataSetRecord(name="fashion-mnist", classes=10, channels=1, image_side=28, train_images=12000)


def digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def driver(number: int = 1) -> DriverIdentity:
    return DriverIdentity(driver_id=digest("driver", number), host="here", pid=number, boot_id="b", process_started=1.5)


def job(number: object, stage: str = "train", **fields: object) -> NewJob:
    return NewJob(
        fingerprint=digest("job", number), stage=stage, label=f"job {number}", config={"n": str(number)}, **fields
    )


def training(**changes: object) -> TrainingRecord:
    values = {
        "variant": VariantRecord(
            model_size="b0", group_size=16, expansion=4, norm="ln+pn", width=0.25, small_images=True
        ),
        "dataset": FASHION,
        "train_resolution": 20,
        "native_resolution": 28,
        "half_resolution": 20,
        "seed": 0,
        "precision": "fp32",
        "optimizer": "rmsprop",
        "recipe": {"epochs": 4},
        "recipe_digest": digest("recipe"),
        "params": 450_000,
        "train_macs": 12_000_000,
        "epochs": 4,
        "train_loss": 0.7,
        "images_seen": 48_000,
        "seconds": 31.5,
        "checkpoint": "weights.pt",
        "checkpoint_sha256": "ab" * 32,
        "checkpoint_bytes": 1_900_000,
        "dataset_digest": "cd" * 32,
        "environment_key": CPU.environment_key,
    }
    return TrainingRecord(**{**values, **changes})


def evaluation(trained: str, **changes: object) -> EvaluationRecord:
    values = {
        "training": trained,
        "test_resolution": 28,
        "fine_tune": {"layers": "head"},
        "fine_tune_digest": digest("fine tune"),
        "fine_tune_layers": "head",
        "images": 10_000,
        "correct": 8_500,
        "correct_before_fine_tune": 8_300,
        "loss": 0.4,
        "test_macs": 20_000_000,
        "seconds": 8.0,
        "dataset_digest": "cd" * 32,
        "environment_key": CPU.environment_key,
    }
    return EvaluationRecord(**{**values, **changes})


BLOCKS = (SampleRecord(images=1000, seconds=1.0), SampleRecord(images=1010, seconds=1.0))


def measurement_round(attempt: int = 1, samples: Sequence[SampleRecord] = BLOCKS, **changes: object) -> RoundRecord:
    values = {"verdict": "clean", "verdict_reason": "", "reference_images_per_second": 500.0, "conditions": {"load": 1}}
    return RoundRecord(**{**values, "attempt": attempt, "samples": samples, **changes})


def measurement(*, attempt: int = 1, samples: Sequence[SampleRecord] = BLOCKS, **changes: object) -> MeasurementRecord:
    """A measurement of one round, which the attempt did."""
    said = {name: changes[name] for name in ("verdict", "verdict_reason") if name in changes}
    values = {
        "variant": training().variant,
        "channels": 1,
        "classes": 10,
        "mode": "train",
        "resolution": 20,
        "precision": "fp32",
        "optimizer": "rmsprop",
        "batch_size_requested": None,
        "batch_size": 128,
        "memory_format": "channels_last",
        "images_per_second": 1000.0,
        "low": 990.0,
        "high": 1010.0,
        "cv": 0.01,
        "warmup_steps": 3,
        "macs": 12_000_000,
        "params": 450_000,
        "peak_memory_bytes": None,
        "verdict": "clean",
        "verdict_reason": "",
        "conditions": {"load": 0.1},
        "environment_key": CPU.environment_key,
        "rounds": (measurement_round(attempt, samples, **said),),
    }
    return MeasurementRecord(**{**values, **changes})


@dataclass
class Sweep:
    """A sweep that finishes jobs in the store the way a driver does."""

    store: Store
    name: str = "fashion"
    number: int = 1
    jobs: list[NewJob] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.driver_id = driver(self.number).driver_id
        self.store.register_driver(driver(self.number))
        self.store.put_environment(CPU)
        self.store.put_environment(GPU)
        self.sweep_id = self.store.take_sweep(self.name, "name: x", "d", "artifacts", self.driver_id)

    def ask(self, *jobs: NewJob) -> None:
        self.jobs.extend(jobs)
        self.store.put_jobs(self.sweep_id, self.jobs)

    def claim(self, one: NewJob, environment: EnvironmentRecord = CPU) -> int | None:
        return self.store.claim(
            one.fingerprint,
            driver_id=self.driver_id,
            slot="cpu/0",
            node="here",
            environment_key=environment.environment_key,
            directory="runs/{attempt}",
        )

    def train(self, number: object, **changes: object) -> str:
        new = job(("train", number))
        self.ask(new)
        attempt = self.claim(new)
        if attempt is not None:
            assert self.store.finish_training(new.fingerprint, attempt, training(**changes))
        return new.fingerprint

    def evaluate(self, trained: str, **changes: object) -> str:
        new = job(("evaluate", trained, sorted(changes.items(), key=str)), "evaluate", depends_on=trained)
        self.ask(new)
        attempt = self.claim(new)
        if attempt is not None:
            assert self.store.finish_evaluation(new.fingerprint, attempt, evaluation(trained, **changes))
        return new.fingerprint

    def measure(self, key: object = "", environment: EnvironmentRecord = CPU, **changes: object) -> str:
        if changes.get("mode") == "inference":
            changes = {"optimizer": None, "resolution": 28, **changes}
        point = {name: value for name, value in changes.items() if name in {"variant", "mode", "resolution"}}
        name = ("measure", key, environment.environment_key, sorted(point.items(), key=str))
        new = job(name, "measure", environment_key=environment.environment_key)
        self.ask(new)
        self.store.requeue([new.fingerprint], from_states=["done"])
        attempt = self.claim(new, environment)
        assert attempt is not None
        changes = {"attempt": attempt, **changes} if "rounds" not in changes else changes
        record = measurement(environment_key=environment.environment_key, **changes)
        assert self.store.finish_measurement(new.fingerprint, attempt, record)
        return new.fingerprint
