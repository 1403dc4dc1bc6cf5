"""``describe``: what a network costs, computed from its architecture alone, without a slot."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import InputError
from orchestrator.sweep_values import did_you_mean
from workers.protocol.architecture import architecture, macs, parameter_count, stage_costs
from workers.protocol.variant import AUTO_EXPANSION, ImpossibleVariantError, Variant, half_resolution, native_resolution

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Setting → its value where none is given.
_DEFAULTS = {
    "group_size": "1",
    "expansion": "auto",
    "norm": "bn",
    "width": "1.0",
    "small_images": "false",
    "resolution": "native",
    "channels": "3",
    "classes": "1000",
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
    values = {**_DEFAULTS, **_parsed(settings)}
    group_size = _whole("group_size", values["group_size"])
    variant = Variant(
        size=size,
        group_size=group_size,
        expansion=_expansion(values["expansion"], group_size),
        norm=values["norm"],
        width=_number("width", values["width"]),
        small_images=_flag("small_images", values["small_images"]),
    )
    channels, classes = _whole("channels", values["channels"]), _whole("classes", values["classes"])
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


def _parsed(settings: Sequence[str]) -> dict[str, str]:
    found = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not value:
            raise InputError(f"{setting!r} is not KEY=VALUE", hint=f"keys: {', '.join(_DEFAULTS)}")
        if key not in _DEFAULTS:
            raise InputError(f"{key!r} is not a setting{did_you_mean(key, tuple(_DEFAULTS))}")
        found[key] = value
    return found


def _expansion(text: str, group_size: int) -> int:
    if text != "auto":
        return _whole("expansion", text)
    if group_size not in AUTO_EXPANSION:
        raise InputError(f"expansion=auto knows group sizes {', '.join(map(str, AUTO_EXPANSION))} only: name it")
    return AUTO_EXPANSION[group_size]


def _resolution(text: str, variant: Variant) -> int:
    if text in {"native", "half"}:
        found = {"native": native_resolution, "half": half_resolution}[text](variant, 0)
        if found == 0:
            raise InputError("small_images networks have no native or half resolution of their own: give pixels")
        return found
    pixels = _whole("resolution", text)
    if pixels == 0:
        raise InputError("resolution=0 is no image")
    return pixels


def _whole(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise InputError(f"{key}={text} is not a whole number")
    return int(text)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{key}={text} is not a number") from None


def _flag(key: str, text: str) -> bool:
    if text not in {"true", "false"}:
        raise InputError(f"{key}={text} is neither true nor false")
    return text == "true"
