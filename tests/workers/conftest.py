"""Small real jobs for the worker's tests."""

import dataclasses

import pytest
import torch

from workers.protocol.jobs import DataSet, EvaluateJob, MeasureJob, TrainJob
from workers.protocol.orders import Order
from workers.protocol.recipe import FineTune, Recipe
from workers.protocol.variant import Variant


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def cpu():
    return torch.device("cpu")


@pytest.fixture
def variant():
    return Variant("b0", group_size=16, expansion=4, norm="gn", width=0.25, small_images=True)


@pytest.fixture
def shapes():
    return DataSet(
        "shapes", classes=8, channels=1, image_side=48, train_images=96, test_images=64, validation_images=40
    )


@pytest.fixture
def train_job(variant, shapes):
    """Three epochs of three steps, with everything random switched on."""
    recipe = Recipe(epochs=3, batch_size=32, mixup=0.2, stochastic_depth=0.2, weight_average=0.97)
    return TrainJob(variant, shapes, resolution=16, seed=7, recipe=recipe)


@pytest.fixture
def evaluate_job(train_job):
    return EvaluateJob(train_job, test_resolution=20, fine_tune=FineTune(epochs=2, batch_size=16))


@pytest.fixture
def measure_job(variant):
    return MeasureJob(
        variant,
        channels=1,
        classes=8,
        mode="inference",
        resolution=16,
        environment_key="",
        batch_size=16,
        memory_format="channels_last",
        blocks=4,
        block_seconds=0.05,
        warmup_seconds=0.05,
    )


@pytest.fixture
def order_of(tmp_path):
    def make(job, attempt=1, **fields):
        return Order(job, attempt, str(tmp_path / f"attempt-{attempt}"), str(tmp_path / "data"), **fields)

    return make


@pytest.fixture
def with_recipe():
    """From a job to the same with other fields of its recipe."""

    def change(job, **fields):
        return dataclasses.replace(job, recipe=dataclasses.replace(job.recipe, **fields))

    return change
