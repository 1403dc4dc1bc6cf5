"""From workers' reports to records."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from orchestrator.results import evaluation_record, new_job, training_record
from workers.protocol.jobs import DataSet, EvaluateJob, TrainJob, recipe_digest
from workers.protocol.orders import EvaluateResult, TrainResult
from workers.protocol.recipe import PRESETS, FineTune, Recipe
from workers.protocol.variant import Variant

TRAINING = TrainJob(
    Variant("b0", 16, 4, "bn", 0.25, small_images=True),
    DataSet("fashion-mnist", 10, 1, 28, train_images=2000, validation_images=1000),
    resolution=20,
    seed=3,
)
TRAINED = TrainResult(
    params=1000,
    train_macs=2000,
    epochs=4,
    train_loss=0.5,
    images_seen=8000,
    seconds=1.5,
    checkpoint="weights.pt",
    checkpoint_sha256="0" * 64,
    checkpoint_bytes=100,
    dataset_digest="1" * 64,
)
TESTED = EvaluateResult(
    images=500,
    correct=400,
    correct_before_fine_tune=390,
    loss=0.6,
    test_macs=3000,
    seconds=0.5,
    dataset_digest="1" * 64,
    validation_images=1000,
    validation_correct=815,
)


def test_a_training_is_stored_with_its_whole_recipe_and_its_images():
    record = training_record(TRAINING, TRAINED, Path("/runs/one"), "environment")
    assert record.recipe == dataclasses.asdict(Recipe())
    assert (record.dataset.train_images, record.dataset.validation_images) == (2000, 1000)
    assert (record.native_resolution, record.half_resolution) == (28, 20)
    assert record.checkpoint == "/runs/one/weights.pt"


def test_recipes_have_the_digests_that_the_first_release_gave_them():
    record = training_record(TRAINING, TRAINED, Path("/runs/one"), "environment")
    assert record.recipe_digest == "8a53a94eae59fd46a1134a8c6a22dcba"
    record = evaluation_record(EvaluateJob(TRAINING, 28), TESTED, "environment")
    assert record.fine_tune_digest == "6fca2c16fb5e3cdb12dcfc99c7c1d186"


def test_the_papers_recipe_is_stored_as_it_was_asked_for():
    job = dataclasses.replace(TRAINING, recipe=PRESETS["paper"])
    record = training_record(job, TRAINED, Path("/runs/one"), "environment")
    assert record.recipe["mixup"] is None
    assert record.recipe["rms_decay"] is None
    assert record.recipe_digest == recipe_digest(PRESETS["paper"])


def test_an_evaluation_is_stored_with_both_accuracies():
    job = EvaluateJob(TRAINING, 28, FineTune("batch-norm-statistics", epochs=1))
    record = evaluation_record(job, TESTED, "environment")
    assert (record.images, record.correct, record.correct_before_fine_tune) == (500, 400, 390)
    assert (record.validation_images, record.validation_correct) == (1000, 815)
    assert record.training == TRAINING.fingerprint
    assert record.fine_tune_layers == "batch-norm-statistics"


def test_an_evaluation_waits_for_its_training():
    job = new_job(EvaluateJob(TRAINING, 28, FineTune("last-block")))
    assert job.depends_on == TRAINING.fingerprint
    assert job.label == "b0×0.25 G16 e4 bn @20 seed 3 → 28 last-block"
