"""Logarithmic axes that stay readable over less than a decade. Pure."""

import math
from collections.abc import Sequence
from typing import Any, Final

import altair as alt

_FEWEST, _MOST = 4, 9
#: Ticks per decade, from sparse to dense.
_STEPS: Final = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    tuple(tenth / 10 for tenth in range(10, 100, 5)),
    tuple(tenth / 10 for tenth in range(10, 100)),
    tuple(hundredth / 100 for hundredth in range(100, 1000, 2)),
    tuple(thousandth / 1000 for thousandth in range(1000, 10000, 5)),
)


def log_domain(values: Sequence[float], margin: float = 0.06) -> tuple[float, float]:
    """Return the ends of a logarithmic axis around positive values, with a margin on both sides."""
    low, high = math.log10(min(values)), math.log10(max(values))
    edge = max(margin * (high - low), 0.02)
    return 10 ** (low - edge), 10 ** (high + edge)


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values between two positive ends: the sparsest set that has enough of them."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks: list[float] = []
    for steps in _STEPS:
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) >= _FEWEST:
            break
    return ticks[:: math.ceil(len(ticks) / _MOST)] if ticks else ticks


def log_channel(field: str, title: str, values: Sequence[float]) -> dict[str, Any]:
    """Return the encoding of a logarithmic x axis, as Vega-Lite has it.

    Args:
        field: Column of the data.
        title: With its unit.
        values: What must fit on the axis.
    """
    low, high = log_domain(values)
    axis = {"values": log_ticks(low, high), "format": "~s", "grid": True, "labelFlush": False}
    scale = {"type": "log", "domain": [low, high], "nice": False}
    return {"field": field, "type": "quantitative", "title": title, "axis": axis, "scale": scale}


def log_x(field: str, title: str, values: Sequence[float]) -> alt.X:
    """Return the same for Altair; arguments as of ``log_channel``."""
    return alt.X(**_altair(log_channel(field, title, values)))


def top1_channel(values: Sequence[float], field: str = "top1") -> dict[str, Any]:
    """Return the encoding of an accuracy axis in percent that fits some values, as Vega-Lite has it."""
    low, high = min(values), max(values)
    edge = max(0.05 * (high - low), 0.1)
    scale = {"zero": False, "nice": True, "domain": [low - edge, high + edge]}
    return {"field": field, "type": "quantitative", "title": "Top-1 accuracy, %", "scale": scale}


def top1_y(values: Sequence[float], field: str = "top1") -> alt.Y:
    """Return the same for Altair."""
    return alt.Y(**_altair(top1_channel(values, field)))


def _altair(channel: dict[str, Any]) -> dict[str, Any]:
    parts = {"axis": alt.Axis, "scale": alt.Scale}
    return {name: parts[name](**value) if name in parts else value for name, value in channel.items()}
