"""Every combination of a sweep's axes, with ``auto``, ``native``, ``half`` and steps turned into numbers."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from orchestrator.exclusion import Value
from orchestrator.source_tree import KeyPath
from orchestrator.sweep import Sweep
from orchestrator.sweep_spec import AXES, home_of
from workers.protocol.recipe import FineTune
from workers.protocol.variant import AUTO_EXPANSION, Variant, half_resolution, native_resolution

#: Axis → its value and where that was written.
Settings: TypeAlias = Mapping[str, tuple[Any, KeyPath]]


@dataclass(frozen=True, slots=True)
class Combination:
    """One training that the axes ask for, before rules and whether or not it can be.

    Attributes:
        variant: The network; its expansion is 0 where ``auto`` does not know it.
        train_resolution: In pixels; 0 where the file leaves it to images that have no size of their own.
        test_resolutions: Likewise, each once.
        arms: The ways of fine-tuning that this network can be tested with.
        precision: Number format.
        seed: Of everything random.
        values: What rules look at; None is not known.
        paths: Axis → where its value was written.
        written: Axis → its value as it was written.
    """

    variant: Variant
    train_resolution: int
    test_resolutions: tuple[int, ...]
    arms: tuple[FineTune, ...]
    precision: str
    seed: int
    values: Mapping[str, Value]
    paths: Mapping[str, KeyPath]
    written: Mapping[str, Any]

    @property
    def tests(self) -> tuple[tuple[int, FineTune], ...]:
        """Test resolution and fine-tuning of every evaluation."""
        return tuple(itertools.product(self.test_resolutions, self.arms))


def dimensions(sweep: Sweep) -> list[list[Settings]]:
    """Return what is crossed with what: the values of single axes, and the steps of zipped groups."""
    spec = sweep.spec
    zipped = {axis for group in spec.zip for axis in group.model_fields_set}
    crossed: list[list[Settings]] = []
    for axis, default in AXES.items():
        home = home_of(axis)
        values = getattr(getattr(spec, home), axis) or (default,)
        if axis not in zipped:
            crossed.append([{axis: (value, (home, axis, index))} for index, value in enumerate(values)])
    for number, group in enumerate(spec.zip):
        lists = {axis: getattr(group, axis) for axis in AXES if axis in group.model_fields_set}
        steps = range(len(next(iter(lists.values()))))
        crossed.append(
            [{axis: (values[step], ("zip", number, axis, step)) for axis, values in lists.items()} for step in steps]
        )
    return crossed


def combinations(sweep: Sweep, crossed: Sequence[Sequence[Settings]]) -> Iterator[Combination]:
    """Yield every combination of the dimensions, the last one turning fastest."""
    for choice in itertools.product(*crossed):
        yield _combination(sweep, {axis: setting for part in choice for axis, setting in part.items()})


def _combination(sweep: Sweep, settings: Settings) -> Combination:
    axis = {name: value for name, (value, _) in settings.items()}
    auto = axis["expansion"] == "auto"
    expansion = AUTO_EXPANSION.get(axis["group_size"], 0) if auto else axis["expansion"]
    variant = Variant(
        size=axis["size"],
        group_size=axis["group_size"],
        expansion=expansion,
        norm=axis["norm"],
        width=axis["width"],
        small_images=axis["small_images"],
    )
    native, half = _own_resolutions(variant, sweep.dataset.image_side)
    train = {"native": native, "half": half}.get(axis["train_resolution"], axis["train_resolution"])
    tests = [_test_pixels(test, train, native) for test in sweep.spec.test_resolution]
    pixels = {"train_resolution": train, "native_resolution": native, "half_resolution": half}
    return Combination(
        variant=variant,
        train_resolution=train,
        test_resolutions=tuple(dict.fromkeys(tests)),
        arms=tuple(arm for arm in sweep.spec.fine_tune_arms if applies(arm, variant)),
        precision=axis["precision"],
        seed=axis["seed"],
        values=axis | {name: value or None for name, value in {**pixels, "expansion": expansion}.items()},
        paths={name: path for name, (_, path) in settings.items()},
        written=axis,
    )


def applies(arm: FineTune, variant: Variant) -> bool:
    """Tell whether a network can be fine-tuned in this way: statistics of batch norms need batch norms."""
    return arm.layers != "batch-norm-statistics" or variant.norm == "bn"


def _own_resolutions(variant: Variant, image_side: int) -> tuple[int, int]:
    """Return the native and the half resolution, 0 for networks made for images whose size is not known."""
    if variant.small_images and image_side == 0:
        return 0, 0
    return native_resolution(variant, image_side), half_resolution(variant, image_side)


def _test_pixels(test: int | str, train: int, native: int) -> int:
    if test == "native":
        return native
    if isinstance(test, str):  # a step such as +32
        return train + int(test) if train else 0
    return test
