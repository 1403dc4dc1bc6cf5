"""Images, recipes and fine-tuning that must be refused: each with file, line and key, and what to do instead."""

import pytest

from orchestrator.expansion import expand
from tests.sweep.example_sweep import SMALL, SWEEP, refusal, sweep_of

RECIPE = SWEEP.partition("\nrecipe: ")[2].partition("\n")[0]
FASHION = "dataset: {name: fashion-mnist, train_images: 12000}"

# One change to the documentation's sweep, and how its refusal begins (after "sweep.yaml:").
EDITS = {
    # images
    "all images while some are held out": (
        "12000",
        "60000",
        "2: dataset.train_images: 60000 and the 6000 held out for validation are more than the 60000 that",
    ),
    "more images than are left": (
        "12000",
        "59001, validation_images: 1000",
        "2: dataset.train_images: 59001 and the 1000 held out for validation are more than the 60000 that",
    ),
    "all images held out": (
        "train_images: 12000",
        "validation_images: 60000",
        "2: dataset.validation_images: 60000 held out of the 60000 that fashion-mnist has leave fewer than one",
    ),
    "more held out than there are": (
        "12000",
        "12000, validation_images: 70000",
        "2: dataset.validation_images: 70000 held out of the 60000",
    ),
    "fewer held out than classes": (
        "12000",
        "12000, validation_images: 9",
        "2: dataset.validation_images: 9 is fewer than one for each of the 10 classes of fashion-mnist: 0 holds none",
    ),
    "less than none held out": (
        "12000",
        "12000, validation_images: -1",
        "2: dataset.validation_images: -1 is not a whole number from 0 to",
    ),
    "batch beyond what is not held out": (
        "dataset: {name: fashion-mnist, train_images: 12000}",
        "dataset: {name: fashion-mnist, validation_images: 59900}",
        "13: recipe.batch_size: 128 is more than the 100 training images: no batch would be full",
    ),
    "a batch that was not written": (
        "fashion-mnist, train_images: 12000",
        "fashion-mnist, train_images: 100",
        "14: fine_tune.batch_size: 128 is more than the 100 training images",
    ),
    "a batch for statistics": (
        "layers: head",
        "layers: [none, batch-norm-statistics], batch_size: 20000",
        "14: fine_tune.batch_size: 20000 is more than",
    ),
    # recipes
    "warm-up of a preset": (
        "epochs: 4,",
        "preset: paper, epochs: 4,",
        "13: recipe.warmup_epochs: 5 is longer than",
    ),
    "unknown preset": (
        "epochs: 4",
        "preset: papre",
        "13: recipe.preset: 'papre' is not one of short, paper - did you mea",
    ),
    "number for a recipe": (f"recipe: {RECIPE}", "recipe: 5", "13: recipe: 5 is not a mapping of keys: preset, epochs"),
    "unknown preset alone": (
        f"recipe: {RECIPE}",
        "recipe: papre",
        "13: recipe.preset: 'papre' is not one of short, paper - did you mean 'paper'?",
    ),
    "auto where nothing is": ("epochs: 4", "epochs: auto", "13: recipe.epochs: 'auto' is not a whole number"),
    "automatic, misspelt": (
        "mixup: 0.1",
        "mixup: atuo",
        "13: recipe.mixup: 'atuo' is not a number of 0 or more and at most 100 or auto - did you mean 'auto'?",
    ),
    "two averages": (
        "weight_average: 0.97",
        "weight_average: 0.97, ema: 0.999",
        "13: recipe.ema: weights are averaged in one way: of weight_average 0.97 and ema 0.999 set one to 0",
    ),
    "a preset's average beside another": (
        f"recipe: {RECIPE}",
        "recipe: {preset: paper, ema: 0.999}",
        "13: recipe.ema: weights are averaged in one way: of weight_average 0.97 and ema 0.999 set one to 0",
    ),
    "an average of everything": ("epochs: 4", "ema: 1", "13: recipe.ema: 1 is not a number of 0 or more and below 1"),
    "warm-up of no average": (
        "weight_average: 0.97",
        "average_warmup: false",
        "13: recipe.average_warmup: has no effect, since no weights are averaged",
    ),
    "decay of another optimizer": (
        "optimizer: rmsprop",
        "optimizer: adamw, rms_decay: 0.9",
        "13: recipe.rms_decay: has no effect with adamw, only with rmsprop: leave it out",
    ),
    "momentum of another optimizer": (
        "optimizer: rmsprop",
        "optimizer: adamw, momentum: 0.8",
        "13: recipe.momentum: has no effect with adamw, only with rmsprop and sgd: leave it out",
    ),
    "no decay": ("epochs: 4", "rms_decay: 0", "13: recipe.rms_decay: 0 is not a number above 0 and below 1 or auto"),
    "more than always": (
        "epochs: 4",
        "cutmix: 1.5",
        "13: recipe.cutmix: 1.5 is not a number of 0 or more and at most 1",
    ),
    "unknown policy": (
        "epochs: 4",
        "augmentation_policy: auto-augment",
        "13: recipe.augmentation_policy: 'auto-augment' is not one of none, autoaugment, randaugment - did you mean",
    ),
    # fine-tuning
    "unknown layers": (
        "layers: head",
        "layers: [head, last]",
        "14: fine_tune.layers[1]: 'last' is not one of none, head, last-block, batch-norm-statistics - did you m",
    ),
    "no layers": ("layers: head", "layers: []", "14: fine_tune.layers: is empty: name at least one value"),
    "nothing but statistics without batch norms": (
        "layers: head",
        "layers: batch-norm-statistics",
        "14: fine_tune.layers: networks with gn have no batch norms, so none of them would be tested: add",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), EDITS.values(), ids=EDITS.keys())
def test_a_setting_is_refused_with_line_and_key(old, new, expected):
    assert SWEEP.count(old) >= 1
    message = refusal(SWEEP.replace(old, new, 1))
    assert any(line.startswith(f"sweep.yaml:{expected}") for line in message.splitlines()), message


LARGE = """\
name: large
dataset: {name: cifar10}
model: {size: [b5, b6]}
grid: {group_size: 1, norm: gn, train_resolution: 64}
test_resolution: 64
recipe: paper
"""


def test_what_is_left_to_the_paper_is_refused_for_sizes_that_it_does_not_train():
    lines = refusal(LARGE).splitlines()
    advice = "it holds for all sizes of the sweep"
    assert lines == [
        f"sweep.yaml:6: recipe.mixup: the paper trains no b6: name its mixup, such as 0.2; {advice}",
        f"sweep.yaml:6: recipe.cutmix: the paper trains no b6: name its cutmix, such as 0.72; {advice}",
    ]
    (line,) = refusal(LARGE.replace("paper", "{preset: paper,\n  cutmix: auto, mixup: 0.2}")).splitlines()
    assert line.startswith("sweep.yaml:7: recipe.cutmix: the paper trains no b6")
    expand(sweep_of(LARGE, "recipe.mixup=0.2", "recipe.cutmix=0.72"), {})
    expand(sweep_of(LARGE, "exclude=[\"size == 'b6'\"]"), {})
    expand(sweep_of(LARGE, "recipe=short"), {})


def test_a_decay_that_a_batch_leaves_nothing_of_is_refused():
    paper = SMALL + "recipe: {rms_decay: auto, batch_size: 16384}\n"
    assert refusal(paper) == (
        "sweep.yaml:5: recipe.rms_decay: the paper's 1 - batch_size / 16384 leaves nothing for batches of 16384: "
        "give a number, such as 0.9"
    )
    sweep_of(paper, "recipe.batch_size=16383")
    sweep_of(paper, "recipe.rms_decay=0.9")
    sweep_of(paper, "recipe.optimizer=sgd", "recipe={preset: paper, optimizer: sgd, batch_size: 16384}")


def test_a_rule_may_leave_out_networks_that_nothing_would_test():
    norms = ["grid.norm=[bn, gn]", "fine_tune={layers: batch-norm-statistics}"]
    assert "networks with gn have no batch norms" in refusal(SMALL, *norms)
    expand(sweep_of(SMALL, *norms, "exclude=[\"norm != 'bn'\"]"), {})


def test_few_images_of_a_folder_are_refused_by_its_classes(tmp_path):
    for part in ("train/a", "train/b", "val/a", "val/b"):
        (tmp_path / part).mkdir(parents=True)
    folder = f"dataset={{name: image-folder, root: {tmp_path}, train_images: 200, validation_images: 1}}"
    message = refusal(SMALL, folder, "model.small_images=false")
    assert "validation_images: 1 is fewer than one for each of the 2 classes of image-folder: 0 holds none" in message


def test_images_that_are_not_there_are_refused_with_the_numbers_that_are():
    message = refusal(SWEEP.replace("12000", "60000"))
    assert message.endswith("that fashion-mnist has: lower train_images to 54000, or set validation_images: 0")
    message = refusal(SWEEP.replace(FASHION, "dataset: {name: fashion-mnist, validation_images: 60000}"))
    assert message.endswith("leave fewer than one for each of its 10 classes: hold out fewer, or 0 for none")
