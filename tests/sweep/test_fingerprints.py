"""Fingerprints that databases hold already: a change here makes every finished job of the kind unknown."""

import dataclasses

import pytest

from tests.sweep.example_sweep import SMALL, sweep_of
from workers.protocol.jobs import DataSet, EvaluateJob, MeasureJob, TrainJob, job_from_dict, job_to_dict, recipe_digest
from workers.protocol.recipe import PRESETS, FineTune, Recipe
from workers.protocol.variant import Variant

SMALLEST = TrainJob(Variant("b0", 1, 6, "bn"), DataSet("shapes", 8, 1, 48, validation_images=0), 48, 0)
FASHION = TrainJob(
    Variant("b0", 16, 4, "ln+pn", 0.25, small_images=True),
    DataSet("fashion-mnist", 10, 1, 28, train_images=12000, validation_images=0),
    resolution=20,
    seed=1,
    recipe=Recipe(mixup=0.1, weight_average=0.97),
    precision="bf16",
)
IMAGENET = TrainJob(
    Variant("b3", 16, 4, "gn"),
    DataSet("image-folder", 1000, 3, 0, root="/data/imagenet", validation_images=0),
    resolution=204,
    seed=0,
    recipe=Recipe(
        epochs=350,
        batch_size=768,
        learning_rate=0.046875,
        schedule="exponential",
        warmup_epochs=5.0,
        mixup=0.2,
        augmentation="crop-flip",
        stochastic_depth=0.2,
        weight_average=0.97,
    ),
    precision="fp16",
)
TRAINING_STEP = MeasureJob(Variant("b0", 1, 6, "bn"), 1, 8, "train", 48, "a" * 32, optimizer="rmsprop", rounds=1)
INFERENCE = MeasureJob(
    Variant("b0", 16, 4, "gn"), 3, 10, "inference", 32, "a" * 32, batch_size=64, memory_format="contiguous", rounds=1
)

#: As release 0001 wrote them, which held no validation images out and knew none of the later settings.
FIRST_RELEASE = {
    "806ca6427d821b32734fcc5acc50512c": SMALLEST,
    "6e8e5d9a7fa16eb9ce24dfc4915a3df8": FASHION,
    "2374e51073792fd55e5d10c1d8333606": IMAGENET,
    "6342022918db6141d3c642525c9c4155": EvaluateJob(SMALLEST, 48, FineTune("none")),
    "3961d797ddd21c13d6ac69c517a846f9": EvaluateJob(FASHION, 28, FineTune(epochs=1)),
    "03837c0a8b49792204e4a6ddce4b3a83": EvaluateJob(IMAGENET, 300, FineTune("last-block", 2, 512, 0.25)),
    "8d931f1a5cc61710d2359ff3ce17b5cc": TRAINING_STEP,
    "7da279c0cbfb82b68f285c81f4f7bc12": INFERENCE,
}
FIRST_RELEASE_DIGESTS = {
    "8a53a94eae59fd46a1134a8c6a22dcba": Recipe(),
    "87d0a616a3062113be3282f3abde8065": FASHION.recipe,
    "57b4aeccb1b62a812b5065c23e01691a": IMAGENET.recipe,
    "6fca2c16fb5e3cdb12dcfc99c7c1d186": FineTune(),
    "c473d57092903eee787754aefccea5d1": FineTune("none"),
    "26d9c6acbe4a6c4e467163713b2292c7": FineTune("last-block", 2, 512, 0.25),
}


@pytest.mark.parametrize(("fingerprint", "job"), FIRST_RELEASE.items(), ids=lambda value: getattr(value, "label", ""))
def test_jobs_of_the_first_release_are_known(fingerprint, job):
    assert job.fingerprint == fingerprint
    assert job_from_dict(job_to_dict(job)).fingerprint == fingerprint


@pytest.mark.parametrize(("digest", "recipe"), FIRST_RELEASE_DIGESTS.items())
def test_recipes_of_the_first_release_are_known(digest, recipe):
    assert recipe_digest(recipe) == digest


def test_jobs_with_later_settings_are_known():
    held_out = dataclasses.replace(SMALLEST, dataset=DataSet("shapes", 8, 1, 48))
    paper = dataclasses.replace(SMALLEST, recipe=PRESETS["paper"])
    assert held_out.fingerprint == "3f96b7f7926e37c43029efe386182156"
    assert EvaluateJob(held_out, 48).fingerprint == "5f57d75d643c43188a735c14ed14fa4a"
    assert paper.fingerprint == "dfff260dd60a37f865c58f1c59c8de7f"
    assert recipe_digest(paper.recipe) == "e72d917dde076d33ffa869045d73378a"


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Recipe)])
def test_every_setting_of_a_recipe_makes_another_job(name):
    value = getattr(SMALLEST.recipe, name)
    other = {str: "other", bool: False, int: 5}.get(type(value), 0.31)
    changed = dataclasses.replace(SMALLEST, recipe=dataclasses.replace(SMALLEST.recipe, **{name: other}))
    assert changed.fingerprint != SMALLEST.fingerprint
    assert recipe_digest(changed.recipe) != recipe_digest(SMALLEST.recipe)


def test_each_number_of_held_out_images_makes_another_job():
    counts = (None, 0, 10, 20)
    jobs = [dataclasses.replace(SMALLEST, dataset=DataSet("shapes", 8, 1, 48, validation_images=n)) for n in counts]
    assert len({job.fingerprint for job in jobs}) == len(counts)


def test_a_sweep_without_later_settings_asks_for_jobs_of_the_first_release():
    small = sweep_of(SMALL, "dataset={name: fashion-mnist, train_images: 12000, validation_images: 0}")
    recipe = sweep_of(SMALL, "recipe={mixup: 0.1, weight_average: 0.97, cutmix: 0, ema: 0}").spec.recipe_record
    assert small.dataset == FASHION.dataset
    assert recipe == FASHION.recipe


@pytest.mark.parametrize("job", FIRST_RELEASE.values(), ids=lambda job: job.label)
def test_a_job_that_the_first_release_stored_is_read_as_what_it_meant(job):
    stored = job_to_dict(job)
    training = stored.get("training", stored)
    if "dataset" in training:
        del training["dataset"]["validation_images"]
        for name in ("cutmix", "rms_decay", "augmentation_policy", "ema", "average_warmup"):
            del training["recipe"][name]
    assert job_from_dict(stored) == job
