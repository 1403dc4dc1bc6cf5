"""What a sweep must not say of measuring: what has no effect where it only measures, or where it runs on IPUs alone."""

from collections.abc import Iterator

from orchestrator.source_tree import KeyPath, Problem
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import SweepSpec

_COUNTS = ("train_images", "test_images", "validation_images")


def measuring_problems(spec: SweepSpec, document: Document) -> Iterator[Problem]:
    """Find what was written in vain in a sweep that trains nothing, and what only such a sweep may say.

    Args:
        spec: The sweep.
        document: The file, for the lines of problems.
    """
    if spec.trains:
        yield from _shape_problems(spec, document)
        return
    if spec.measure is None:
        message = "nothing is left to do: with recipe none a sweep only measures, so give measure or leave it out"
        yield document.problem(("measure",), message)
    elif "end_to_end" in spec.measure.model_fields_set and spec.measure.end_to_end:
        message = "there are no images to load in a sweep that only measures (recipe none): leave it out"
        yield document.problem(("measure", "end_to_end"), message)
    for path in _of_trainings(spec):
        yield document.problem(path, "has no effect with recipe none, which trains and tests nothing: leave it out")


def _shape_problems(spec: SweepSpec, document: Document) -> Iterator[Problem]:
    for key in ("channels", "classes"):
        if spec.dataset.name is None and getattr(spec.dataset, key) is not None:
            message = "describes images that are only measured with: name a data set to train on, or set recipe: none"
            yield document.problem(("dataset", key), message)


def _of_trainings(spec: SweepSpec) -> Iterator[KeyPath]:
    for key in _COUNTS:
        if getattr(spec.dataset, key) is not None:
            yield ("dataset", key)
    if spec.fine_tune is not None and "fine_tune" in spec.model_fields_set:
        yield ("fine_tune",)
    if spec.grid.seed is not None:
        yield ("grid", "seed")
    for number, group in enumerate(spec.zip):
        if group.seed is not None:
            yield ("zip", number, "seed")


def compiling_problems(spec: SweepSpec, document: Document) -> Iterator[Problem]:
    """Find what a sweep that runs on IPUs alone asks for in vain."""
    if spec.measure is None or spec.slots is None or spec.slots.kinds != ("ipu",):
        return
    if spec.measure.compile is not False:
        message = "has no effect on IPU slots, whose programs are always compiled: leave it out"
        yield document.problem(("measure", "compile"), message)
    if spec.measure.memory_format == "channels_last":
        message = "has no effect on IPU slots, which choose the order of values themselves: leave it out"
        yield document.problem(("measure", "memory_format"), message)
