"""The measurements of one network: in training, and per test resolution in inference, as a kind of slot makes them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from orchestrator.combinations import Combination
from orchestrator.placement import Place, has_precision, inference_of, training_of
from orchestrator.sweep import Sweep
from orchestrator.sweep_spec import MeasureSection
from workers.protocol.ipu import ImpossibleLayoutError, IpuLayout
from workers.protocol.jobs import Loading, MeasureJob
from workers.protocol.recipe import NoPaperValueError, Recipe, cutmix_probability, mixup_alpha


def measure_jobs(
    sweep: Sweep, cell: Combination, tests: Sequence[int], place: Place, recipe: Recipe
) -> Iterator[MeasureJob]:
    """Yield the measurements of a combination in one environment: in training, and in inference per test resolution.

    There are none where the slots of that environment do not have the combination's number format.
    """
    measure = sweep.spec.measure
    if measure is None or not has_precision(place.kind, cell.precision):
        return
    loads = sweep.spec.trains and measure.end_to_end
    for mode in measure.modes:
        try:
            how = _on_ipus(sweep, cell, mode, recipe) if place.kind == "ipu" else _on_others(measure)
        except ImpossibleLayoutError:  # of a combination that a rule leaves out, or that other slots measure
            continue
        for resolution in (cell.train_resolution,) if mode == "train" else tests:
            yield MeasureJob(
                variant=cell.variant,
                channels=sweep.dataset.channels,
                classes=sweep.dataset.classes,
                mode=mode,
                resolution=resolution,
                environment_key=place.environment_key,
                batch_size=how.batch_size,
                precision=cell.precision,
                memory_format=how.memory_format,
                optimizer=recipe.optimizer if mode == "train" else None,
                blocks=measure.blocks,
                block_seconds=measure.block_seconds,
                warmup_seconds=measure.warmup_seconds,
                rounds=measure.rounds,
                compile=how.compile,
                loading=_loading(sweep, cell, mode, recipe) if loads and how.loads else None,
                ipu=how.ipu,
            )


class _How(NamedTuple):
    """Fields of a measurement that its kind of slot decides about."""

    batch_size: int | None
    memory_format: str | None
    compile: bool | None
    ipu: IpuLayout | None = None

    @property
    def loads(self) -> bool:
        """Whether images reach the slot at all."""
        return self.ipu is None or self.ipu.data != "synthetic"


def _on_others(measure: MeasureSection) -> _How:
    return _How(
        batch_size=_given(measure.batch_size),
        memory_format=None if measure.memory_format == "auto" else measure.memory_format,
        compile=None if measure.compile == "auto" else bool(measure.compile),
    )


def _on_ipus(sweep: Sweep, cell: Combination, mode: str, recipe: Recipe) -> _How:
    """Lay a measurement out; what has no effect on IPUs is always the same, so that equal measurements are one."""
    ipu, measure = sweep.spec.ipu, sweep.spec.measure
    if ipu is None or measure is None:
        return _How(None, "contiguous", compile=False)
    given = _given(measure.batch_size)
    if mode == "train":
        layout = training_of(ipu, cell.variant, cell.precision, given or recipe.batch_size)
    else:
        layout = inference_of(ipu, cell.variant, cell.precision, given)
    batch_size = None if layout.micro_batch is None else layout.batch_size()
    return _How(batch_size, "contiguous", compile=False, ipu=layout)


def _given(batch_size: int | str) -> int | None:
    return batch_size if isinstance(batch_size, int) else None


def _loading(sweep: Sweep, cell: Combination, mode: str, recipe: Recipe) -> Loading:
    """Return what happens to images on the way to a training step, or to a test."""
    if mode == "inference":
        return Loading(sweep.dataset)
    mixup, cutmix = _mixing(recipe, cell.variant.size)
    return Loading(
        sweep.dataset,
        augmentation=recipe.augmentation,
        augmentation_policy=recipe.augmentation_policy,
        mixup=mixup,
        cutmix=cutmix,
    )


def _mixing(recipe: Recipe, size: str) -> tuple[float, float]:
    try:
        return mixup_alpha(recipe, size), cutmix_probability(recipe, size)
    except NoPaperValueError:  # of a combination that a rule leaves out: any other was refused before
        return 0.0, 0.0
