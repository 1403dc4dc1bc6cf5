"""``describe``: what a network costs, computed from its architecture alone, without a slot."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import InputError
from orchestrator.sweep_values import (
    LARGEST_RESOLUTION,
    SMALLEST_RESOLUTION,
    Choice,
    Flag,
    Kind,
    Number,
    Whole,
    did_you_mean,
)
from orchestrator.yaml_reader import core_scalar, doubtful_number
from workers.protocol.architecture import architecture, macs, parameter_count, stage_costs
from workers.protocol.variant import (
    AUTO_EXPANSION,
    NORMS,
    SIZES,
    ImpossibleVariantError,
    Variant,
    half_resolution,
    native_resolution,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Setting → what it takes, and its value where none is given.
_SETTINGS: dict[str, tuple[Kind, Any]] = {
    "group_size": (Whole(1, 4096, unit="channels"), 1),
    "expansion": (Whole(1, 64, ("auto",)), "auto"),
    "norm": (Choice(NORMS), "bn"),
    "width": (Number(0, 10, low_open=True), 1.0),
    "small_images": (Flag(), False),
    "resolution": (Whole(SMALLEST_RESOLUTION, LARGEST_RESOLUTION, ("native", "half"), "pixels"), "native"),
    "channels": (Whole(1, 4096), 3),
    "classes": (Whole(1, 10_000_000), 1000),
}


@dataclass(frozen=True, slots=True)
class Description:
    """What a network costs.

    Attributes:
        variant: The network.
        resolution: Side of the image in pixels.
        channels: Of the image.
        classes: Number of classes.
        params: Trained parameters.
        macs: Multiply-accumulates of one image's forward pass.
        activations: Values that the convolutions write for one image.
        stages: The same per stage.
    """

    variant: Variant
    resolution: int
    channels: int
    classes: int
    params: int
    macs: int
    activations: int
    stages: Sequence[dict[str, Any]]

    @property
    def headline(self) -> str:
        """The totals in one line."""
        return (
            f"{self.variant.label} at {self.resolution} pixels: {self.params:,} parameters, "
            f"{self.macs:,} multiply-accumulates and {self.activations:,} convolution outputs per image"
        )

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        rest = dataclasses.asdict(self)
        return {**rest.pop("variant"), **rest}


def describe_variant(size: str, settings: Sequence[str]) -> Description:
    """Describe a network.

    Args:
        size: ``b0`` to ``b7``.
        settings: ``key=value`` texts.

    Raises:
        InputError: An unknown setting, a value of the wrong kind, or a network that cannot be built.
    """
    values = {key: default for key, (_, default) in _SETTINGS.items()} | _parsed(settings)
    variant = Variant(
        size=_checked("size", Choice(tuple(SIZES)), size),
        group_size=values["group_size"],
        expansion=_expansion(values["expansion"], values["group_size"]),
        norm=values["norm"],
        width=values["width"],
        small_images=values["small_images"],
    )
    channels, classes = values["channels"], values["classes"]
    try:
        network = architecture(variant, channels, classes)
    except ImpossibleVariantError as error:
        raise InputError(f"{variant.label} cannot be built: {error}") from error
    resolution = _resolution(values["resolution"], variant)
    stages = [stage._asdict() for stage in stage_costs(network, resolution)]
    return Description(
        variant=variant,
        resolution=resolution,
        channels=channels,
        classes=classes,
        params=parameter_count(network),
        macs=macs(network, resolution),
        activations=sum(stage["activations"] for stage in stages),
        stages=stages,
    )


def _parsed(settings: Sequence[str]) -> dict[str, Any]:
    found = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not text:
            raise InputError(f"{setting!r} is not KEY=VALUE", hint=f"keys: {', '.join(_SETTINGS)}")
        if key not in _SETTINGS:
            close = did_you_mean(key, _SETTINGS) or f": expected one of {', '.join(_SETTINGS)}"
            raise InputError(f"{key!r} is not a setting{close}")
        found[key] = _checked(key, _SETTINGS[key][0], text)
    return found


def _checked(key: str, kind: Kind, text: str) -> Any:
    if doubt := doubtful_number(text):
        raise InputError(f"{key}: {doubt}")
    try:
        return kind.check(core_scalar(text))
    except ValueError as error:
        raise InputError(f"{key}: {error}") from None


def _expansion(expansion: int | str, group_size: int) -> int:
    if isinstance(expansion, int):
        return expansion
    if group_size not in AUTO_EXPANSION:
        known = ", ".join(map(str, AUTO_EXPANSION))
        raise InputError(f"expansion: auto knows group sizes {known} only: name that of {group_size}, e.g. expansion=4")
    return AUTO_EXPANSION[group_size]


def _resolution(resolution: int | str, variant: Variant) -> int:
    if isinstance(resolution, int):
        return resolution
    found = {"native": native_resolution, "half": half_resolution}[resolution](variant, 0)
    if found == 0:
        raise InputError("resolution: small_images networks have no native or half one of their own: give pixels")
    return found
