"""A few results beside each other: what they are called, in what they differ, how much faster one is. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dashboard.words import result_words, wording
from dashboard.words.settings import configuration
from db.bootstrap import Point
from db.front_views import MODES, Mode
from db.result_details import Measured
from db.speedup import SpeedupPoint, speedup

Row = Mapping[str, Any]

LETTERS: Final = "ABCDEF"
_SEPARATORS: Final = re.compile(r"[\s,;]+")
#: Parts of a name beyond its letter at most.
_PARTS: Final = 3
_MODE_WORDS: Final[dict[Mode, str]] = {"train": "Training", "inference": "Inference"}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the results.

    Attributes:
        row: What is told of the evaluation itself.
        config: Its job.
        measured: Its throughputs in the place that is compared.
        software: Of the environment in which its throughput was measured, name → version.
    """

    row: Row
    config: Row
    measured: Mapping[Mode, Measured] = field(default_factory=dict)
    software: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Property:
    """In what results may differ.

    Attributes:
        name: Of the property.
        values: Of each result, with its unit; a dash where it has none.
        differs: Whether they do.
    """

    name: str
    values: tuple[str, ...]
    differs: bool


def asked(text: str) -> list[str]:
    """Return the fingerprints that a text names, each once."""
    return list(dict.fromkeys(one.lower() for one in _SEPARATORS.split(text) if one))


#: What tells results apart in a name, from the most telling to the least.
_TELLING: Final[tuple[Callable[[Row], str], ...]] = (
    lambda row: str(row["series"]),
    wording.network,
    lambda row: f"train {row['train_resolution']} px",
    lambda row: f"test {row['test_resolution']} px",
    lambda row: f"seed {row['seed']}",
    lambda row: str(row["fine_tune_layers"]),
    wording.data_set,
    lambda row: str(row["precision"]),
    lambda row: f"recipe {row['recipe_digest'][:6]}",
)


def names(rows: Sequence[Row]) -> list[str]:
    """Return a name for each of some results: a letter, and in what it differs from the others."""
    telling = [tell for tell in _TELLING if len({tell(row) for row in rows}) > 1][:_PARTS]
    return [
        ": ".join(part for part in (letter, ", ".join(tell(row) for tell in telling)) if part)
        for letter, row in zip(LETTERS, rows, strict=False)
    ]


def _percent(value: float) -> str:
    return f"{value:.2f} %"


#: Column of an evaluation → what it is called, and how it is shown.
_COLUMNS: Final[dict[str, tuple[str, Callable[[Any], str]]]] = {
    "top1": ("Top-1", _percent),
    "top1_before_fine_tune": ("Top-1 before fine-tuning", _percent),
    "validation_top1": ("Validation top-1", _percent),
    "loss": ("Test loss", lambda value: f"{value:.4g}"),
    "series": ("Series", str),
    "model_size": ("Size", str),
    "width": ("Width", lambda value: f"×{value:g}"),
    "group_size": ("Group size", lambda value: wording.counted(value, "channel")),
    "expansion": ("Expansion", str),
    "norm": ("Norm", str),
    "small_images": ("Stem for small images", lambda value: "yes" if value else "no"),
    "params": ("Parameters", lambda value: f"{value:,}"),
    "train_macs": ("MACs at the train resolution", lambda value: wording.amount(value, "MACs")),
    "test_macs": ("MACs at the test resolution", lambda value: wording.amount(value, "MACs")),
    "train_resolution": ("Train resolution", "{} px".format),
    "test_resolution": ("Test resolution", "{} px".format),
    "native_resolution": ("Native resolution", "{} px".format),
    "seed": ("Seed", str),
    "precision": ("Precision", str),
    "dataset": ("Data set", str),
    "train_images": ("Training images", "{:,}".format),
    "images": ("Test images", "{:,}".format),
    "validation_images": ("Validation images", "{:,}".format),
    "fine_tune_layers": ("Fine-tuned layers", str),
}

#: What is compared of a measurement.
_MEASURED: Final = (
    "Throughput",
    "95 % interval",
    "Verdict",
    "Batch size",
    "Batch made of",
    "IPUs",
    "Memory format",
    "Compiled",
    "With loading",
    "Loading alone",
    "Latency of one image",
    "Peak memory",
)
_SETTINGS: Final = ("Training recipe", "Fine-tuning")


def properties(sides: Sequence[Side]) -> list[Property]:
    """Return every property of some results, in the order of a table."""
    evaluated = [
        _property(name, [side.row[column] for side in sides], shown) for column, (name, shown) in _COLUMNS.items()
    ]
    outcomes, network = evaluated[:4], evaluated[4:]
    settings = [
        one
        for group in _SETTINGS
        for one in _by_name(group, [configuration(side.config).get(group, {}) for side in sides])
    ]
    software = _by_name("Software", [side.software for side in sides])
    return [*outcomes, *_throughputs(sides), *network, *settings, *software]


def _throughputs(sides: Sequence[Side]) -> list[Property]:
    found = []
    for mode in MODES:
        facts = [result_words.throughput(side.measured[mode]) if mode in side.measured else {} for side in sides]
        told = [{str(name): one[name] for name in _MEASURED if name in one} for one in facts]
        found += _by_name(_MODE_WORDS[mode], told)
    return found


def _property(name: str, values: Sequence[Any], shown: Callable[[Any], str]) -> Property:
    told = tuple("–" if value is None else shown(value) for value in values)
    return Property(name, told, differs=any(value != values[0] for value in values))


def _by_name(group: str, sides: Sequence[Mapping[str, Any]]) -> list[Property]:
    keys = dict.fromkeys(key for side in sides for key in side)
    return [_property(f"{group}: {_lower(key)}", [side.get(key) for side in sides], str) for key in keys]


def _lower(text: str) -> str:
    """Return a text as it stands after a colon; names of software keep their capitals."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def table(found: Iterable[Property], sides: Sequence[str]) -> list[dict[str, str]]:
    """Return properties as the rows of a table, a column for each result."""
    return [{"property": one.name, **dict(zip(sides, one.values, strict=True))} for one in found]


def ratio(first: Measured, other: Measured) -> SpeedupPoint:
    """Return how many times the throughput of one measurement another one has.

    Its interval is that of a speed-up: rounds are drawn together, so that a machine that was slow in one round of both
    does not widen it.
    """
    sides = [
        [Point(top1=0.0, images_per_second=one.row["images_per_second"], blocks=one.timed)] for one in (first, other)
    ]
    return speedup(*sides).points[0]


def ratios(sides: Mapping[str, Side], mode: Mode) -> dict[str, SpeedupPoint]:
    """Return the ratio of each result's throughput to the first one's, by name.

    Left out is what was not measured, or has the very measurement of the first one.
    """
    first = next(iter(sides.values()))
    if mode not in first.measured:
        return {}
    return {
        name: ratio(first.measured[mode], side.measured[mode])
        for name, side in sides.items()
        if mode in side.measured and _number(side, mode) != _number(first, mode)
    }


def _number(side: Side, mode: Mode) -> int:
    number: int = side.measured[mode].row["measurement_id"]
    return number


def sentences(sides: Mapping[str, Side]) -> list[str]:
    """Say of each result how it differs from the first one in accuracy and throughput."""
    first = next(iter(sides.values()))
    found = {mode: ratios(sides, mode) for mode in MODES if mode in first.measured}
    said = []
    for name, side in sides.items():
        if side is not first:
            points, low, high = result_words.difference(first.row, side.row)
            parts = [f"{points:+.2f} percentage points of top-1 (95 % interval {low:+.2f} to {high:+.2f})"]
            parts += [_compared(mode, found[mode].get(name)) for mode in found if mode in side.measured]
            said.append(f"{name} beside {LETTERS[0]}: {wording.listed(parts)}.")
    return said


def _compared(mode: Mode, one: SpeedupPoint | None) -> str:
    return f"{_times(one)} {_VERBS[mode]}" if one else f"the same measurement of {_MODE_WORDS[mode].lower()}"


_VERBS: Final[dict[Mode, str]] = {"train": "as fast to train", "inference": "as fast in inference"}


def _times(one: SpeedupPoint) -> str:
    interval = "" if one.low is None or one.high is None else f" (95 % interval {one.low:.2f}–{one.high:.2f})"
    return f"{one.speedup:.2f}×{interval}"
