"""What the keys of ``recipe`` and ``fine_tune`` have to satisfy together, and what they ask of the data set."""

from collections.abc import Iterator

from orchestrator.source_tree import Problem
from orchestrator.sweep_dataset import image_counts
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import NO_FINE_TUNING, SweepSpec
from workers.protocol.jobs import DataSet
from workers.protocol.recipe import NoPaperValueError, Recipe, cutmix_probability, mixup_alpha, rms_decay

#: Setting → the optimizers that have it.
_OPTIMIZERS_WITH = {"momentum": ("rmsprop", "sgd"), "rms_decay": ("rmsprop",)}


def recipe_problems(spec: SweepSpec, dataset: DataSet | None, document: Document) -> Iterator[Problem]:
    """Find settings that contradict each other, have no effect, or do not fit the data set.

    Args:
        spec: The sweep.
        dataset: Its data set; None where that could not be found.
        document: The file, for the lines of problems.
    """
    if spec.recipe is None:
        return
    recipe = spec.recipe_record
    for key, message in (*_contradictions(recipe), *_without_effect(recipe, spec.recipe.model_fields_set)):
        yield document.problem(("recipe", key), message)
    train_images = image_counts(dataset).train if dataset else None
    for section, batch_size in _batch_sizes(spec).items():
        if train_images is not None and batch_size > train_images:
            message = f"{batch_size} is more than the {train_images} training images: no batch would be full"
            yield document.problem((section, "batch_size"), message)


def paper_value_problems(spec: SweepSpec, size: str, document: Document) -> Iterator[Problem]:
    """Find settings that are left to the paper, which has none for networks of this size."""
    for key, value in (("mixup", mixup_alpha), ("cutmix", cutmix_probability)):
        try:
            value(spec.recipe_record, size)
        except NoPaperValueError as error:
            yield document.problem(("recipe", key), f"{error}; it holds for all sizes of the sweep")


def _contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    if recipe.warmup_epochs > recipe.epochs:
        length = f"the whole training ({recipe.epochs} epochs)"
        yield "warmup_epochs", f"{recipe.warmup_epochs:g} is longer than {length}: give at most {recipe.epochs}"
    if recipe.weight_average > 0 and recipe.ema > 0:
        averages = f"weight_average {recipe.weight_average:g} and ema {recipe.ema:g}"
        yield "ema", f"weights are averaged in one way: of {averages} set one to 0"
    if rms_decay(recipe) <= 0:
        message = f"the paper's 1 - batch_size / 16384 leaves nothing for batches of {recipe.batch_size}"
        yield "rms_decay", f"{message}: give a number, such as 0.9"


def _without_effect(recipe: Recipe, written: set[str]) -> Iterator[tuple[str, str]]:
    """Find what was written in vain: whoever wrote it believes that it does something."""
    for key, optimizers in _OPTIMIZERS_WITH.items():
        if key in written and recipe.optimizer not in optimizers:
            yield key, f"has no effect with {recipe.optimizer}, only with {' and '.join(optimizers)}: leave it out"
    if "average_warmup" in written and recipe.weight_average == recipe.ema == 0:
        yield (
            "average_warmup",
            "has no effect, since no weights are averaged: set weight_average or ema, or leave it out",
        )


def _batch_sizes(spec: SweepSpec) -> dict[str, int]:
    """Return section → images per batch, where batches of training images are made."""
    sizes = {"recipe": spec.recipe_record.batch_size}
    if spec.fine_tune is not None and set(spec.fine_tune_arms) != {NO_FINE_TUNING}:
        sizes["fine_tune"] = spec.fine_tune.batch_size
    return sizes
