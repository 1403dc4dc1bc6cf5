"""Numbers and names as a person reads them. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:-])")
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"))


def literal(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", text)


def counted(number: int, noun: str) -> str:
    """Return ``1 job`` or ``1,200 jobs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(parts: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last


def duration(seconds: float) -> str:
    """Return ``45 s``, ``3 min`` or ``2 h 5 min``."""
    if seconds < 60:
        return f"{max(0, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def rate(images_per_second: float) -> str:
    """Return a throughput with three significant digits and its unit."""
    return f"{images_per_second:,.{_decimals(images_per_second)}f} images/s"


def milliseconds(duration: float) -> str:
    """Return a short time with three significant digits and its unit."""
    return f"{duration:,.{_decimals(duration)}f} ms"


def _decimals(number: float) -> int:
    return 0 if number >= 100 else 1 if number >= 10 else 2


def amount(number: float | None, unit: str) -> str:
    """Return a large number with a prefix and its unit, e.g. ``153 M MACs``; a dash when it is not known."""
    if number is None:
        return "–"
    for size, prefix in _PREFIXES:
        if number >= size:
            return f"{number / size:.3g} {prefix} {unit}"
    return f"{number:,.0f} {unit}"


def top1(percent: float, deviation: float | None = None, seeds: int | None = None) -> str:
    """Return an accuracy, e.g. ``91.20 % ± 0.15 over 2 seeds``."""
    spread = "" if deviation is None else f" ± {deviation:.2f}"
    over = "" if seeds is None or seeds < 2 else f" over {seeds} seeds"
    return f"{percent:.2f} %{spread}{over}"


def resolution(row: Row) -> str:
    """Return a training run's resolution as the paper names it: ``Native``, ``Half``, or pixels."""
    pixels = row["train_resolution"]
    if pixels == row["native_resolution"]:
        return "Native"
    return "Half" if pixels == row["half_resolution"] else f"{pixels} px"


def network(row: Row) -> str:
    """Return a network's size, with its extra width where it has one: ``b0``, ``b0 ×0.25``."""
    width = row["width"]
    return str(row["model_size"]) if width in {None, 1.0} else f"{row['model_size']} ×{width:g}"


def place(row: Row) -> str:
    """Return where a row's throughput belongs: rows of different places never compete."""
    if row["source"] == "published":
        return f"{row['device']}, published"
    if row["device"] is None:
        return "not measured yet"
    threads = counted(row["threads"], "thread")
    return f"{row['device']}, {threads}, {row['precision']}"


def data_set(row: Row) -> str:
    """Return a data set with the parts of it that were used."""
    parts = [
        f"{row[name]:,} {words}"
        for name, words in (
            ("train_images", "training images"),
            ("test_images", "test images"),
            ("validation_images", "validation images"),
        )
        if row[name]
    ]
    return ", ".join([str(row["dataset"]), *parts])
