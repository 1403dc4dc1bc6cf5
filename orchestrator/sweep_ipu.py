"""What a sweep on IPU slots has to satisfy: number formats that the slots have, batches that can be cut up."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from orchestrator.combinations import Combination
from orchestrator.placement import fine_tuning_of, has_precision, inference_of, test_of, training_of
from orchestrator.source_tree import KeyPath, Problem
from orchestrator.sweep import Sweep
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import SweepSpec
from workers.protocol.architecture import stage_starts
from workers.protocol.ipu import IPU_ONLY_PRECISIONS, ImpossibleLayoutError, IpuSettings

SECTION: KeyPath = ("slots", "ipu")


def placement_problems(sweep: Sweep, cells: Sequence[Combination]) -> Iterator[Problem]:
    """Find what no slot of the sweep could do, and what cannot be laid out on its IPUs.

    Args:
        sweep: The sweep.
        cells: Its combinations, less the excluded ones.
    """
    yield from _precision_problems(sweep, cells)
    ipu = sweep.spec.ipu
    if ipu is None:
        return
    yield from _optimizer_problems(sweep)
    yield from _split_problems(ipu, sweep.document)
    on_ipus = {_network(cell): cell for cell in reversed(cells) if has_precision("ipu", cell.precision)}
    yield from _size_problems(ipu, [cell.variant.size for cell in on_ipus.values()], sweep.document)
    for cell in on_ipus.values():
        yield from _layout_problems(sweep, cell, ipu)


def _network(cell: Combination) -> tuple[Any, ...]:
    """Return what a layout depends on."""
    return cell.variant.size, cell.variant.norm, cell.precision, tuple(arm.layers for arm in cell.arms)


def _kinds(spec: SweepSpec) -> tuple[str, ...]:
    """Return the kinds of slot that may be there; those that nobody named have no IPUs among them."""
    return ("cpu", "cuda") if spec.slots is None else spec.slots.kinds


def _precision_problems(sweep: Sweep, cells: Sequence[Combination]) -> Iterator[Problem]:
    kinds = _kinds(sweep.spec)
    for precision, cell in {cell.precision: cell for cell in cells}.items():
        if any(has_precision(kind, precision) for kind in kinds):
            continue
        if precision in IPU_ONLY_PRECISIONS:
            message = f"{precision} is a number format of IPUs: name some in slots.ipu, or take fp32, bf16 or fp16"
        else:
            message = f"IPUs have no {precision}: take fp32, {' or '.join(IPU_ONLY_PRECISIONS)}, or name other slots"
        yield sweep.document.problem(cell.paths["precision"], message)


def _optimizer_problems(sweep: Sweep) -> Iterator[Problem]:
    recipe = sweep.spec.recipe_record
    if recipe.optimizer == "sgd" and recipe.momentum > 0.0:
        message = "sgd with momentum is Nesterov's, which PopTorch does not have: take rmsprop, adamw or momentum: 0"
        yield sweep.document.problem(("recipe", "optimizer"), message)


def _split_problems(ipu: IpuSettings, document: Document) -> Iterator[Problem]:
    """Check where stages begin, for those sizes too that are named and not in the sweep."""
    for size, names in ipu.split.items():
        known = stage_starts(size)
        path = (*SECTION, "split", size)
        unknown = [name for name in names if name not in known]
        if unknown:
            blocks = [name for name in known if name.count(".") == 2]
            message = (
                f"{size} has no module {unknown[0]!r} that a stage after the first could begin at: take one of "
                f"{blocks[0]} to {blocks[-1]}, a part of one such as {blocks[-1]}.spatial, head or classifier"
            )
            yield document.problem(path, message)
        elif list(names) != sorted(set(names), key=known.index):
            message = (
                f"stages begin in the order in which the network runs: {', '.join(sorted(set(names), key=known.index))}"
            )
            yield document.problem(path, message)


def _size_problems(ipu: IpuSettings, sizes: Sequence[str], document: Document) -> Iterator[Problem]:
    """Check that all sizes use the same number of IPUs, those too that are named and not in the sweep."""
    by_size = [value for value in (ipu.ipus_per_replica, ipu.replicas) if isinstance(value, Mapping)]
    named = set(by_size[0]).intersection(*by_size[1:]) if by_size else set()
    known = {size for size in sizes if all(size in value for value in by_size)}  # a missing one is said elsewhere
    used = {size: ipu.ipus(size) for size in sorted(named | known)}
    if len(set(used.values())) > 1:
        listed = ", ".join(f"{size} {count}" for size, count in used.items())
        message = (
            f"sizes would use different numbers of IPUs ({listed}), and throughput is compared per slot: choose "
            "ipus_per_replica and replicas with the same product for all"
        )
        yield document.problem((*SECTION, "replicas"), message)


def _layout_problems(sweep: Sweep, cell: Combination, ipu: IpuSettings) -> Iterator[Problem]:
    elsewhere = any(kind != "ipu" and has_precision(kind, cell.precision) for kind in _kinds(sweep.spec))
    spared = cell.variant.norm == "bn" and elsewhere  # other slots train it, which a note says
    found: dict[tuple[KeyPath, str], str] = {}
    for what, training, lay_out in _layouts(sweep.spec, cell, ipu):
        try:
            lay_out()
        except ImpossibleLayoutError as error:
            if not (training and spared):
                found.setdefault((_path_of(error.key, training=training), str(error)), what)
    for (path, message), what in found.items():
        yield sweep.document.problem(path, f"{message} ({what})")


def _layouts(spec: SweepSpec, cell: Combination, ipu: IpuSettings) -> Iterator[tuple[str, bool, Callable[[], object]]]:
    """Yield what is laid out: its name, whether it trains, and what lays it out."""
    variant, precision, recipe = cell.variant, cell.precision, spec.recipe_record
    if spec.trains:
        yield "recipe.batch_size", True, partial(training_of, ipu, variant, precision, recipe.batch_size)
        yield "tests", False, partial(test_of, ipu, variant, precision)
        for arm in cell.arms:
            yield "fine_tune.batch_size", True, partial(fine_tuning_of, ipu, variant, precision, arm)
    if spec.measure is None:
        return
    given = spec.measure.batch_size if isinstance(spec.measure.batch_size, int) else None
    if "train" in spec.measure.modes:
        what = "recipe.batch_size" if given is None else "measure.batch_size"
        yield what, True, partial(training_of, ipu, variant, precision, given or recipe.batch_size)
    if "inference" in spec.measure.modes:
        what = "measured inference" if given is None else "measure.batch_size"
        yield what, False, partial(inference_of, ipu, variant, precision, given)


def _path_of(key: str, *, training: bool) -> KeyPath:
    """Return where a field of ``IpuSettings`` stands in a sweep file."""
    of_inference, prefix = "inference_", ("inference",)
    if key.startswith(of_inference):
        return (*SECTION, *prefix, key.removeprefix(of_inference))
    if key == "device_iterations" or (not training and key == "micro_batch"):
        return (*SECTION, *prefix, key)
    return (*SECTION, key)
