"""What a search looks for, and how its axes and objectives are named. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashboard.words import wording
from db.search_records import TrialRow, Value

TOP1: Final = "top1"
SPEEDUP: Final = "speedup"
TRAIN_RESOLUTION, TEST_RESOLUTION, TEST_OFFSET = "train_resolution", "test_resolution", "test_offset"
#: Objective → how a sentence names it, the title of its axis, and the heading of its column.
_NAMES: Final = {
    TOP1: ("top-1 accuracy", "Top-1 accuracy, %", "top-1 %"),
    "train_images_per_second": ("training throughput", "Training throughput, images/s", "train images/s"),
    "inference_images_per_second": ("inference throughput", "Inference throughput, images/s", "inference images/s"),
    SPEEDUP: ("speed-up", "Speed-up over the baseline front, ×", "speed-up ×"),
}
_UNITS: Final = {TOP1: "%", SPEEDUP: "×"}
#: Axis whose name in the file would not do → its name in a sentence, and its unit.
_AXES: Final = {
    TRAIN_RESOLUTION: ("train resolution", ", px"),
    TEST_RESOLUTION: ("test resolution", ", px"),
    TEST_OFFSET: ("test less train resolution", ", px"),
    "fine_tune_layers": ("fine-tuned layers", ""),
}
SAMPLERS: Final = {"nsga2": "NSGA-II", "tpe": "TPE", "gp": "a Gaussian process", "random": "random draws"}
PRUNERS: Final = {"asha": "ASHA", "hyperband": "Hyperband"}


@dataclass(frozen=True, slots=True)
class Axis:
    """A searched axis: its name in the sweep file, and what may be chosen, in order."""

    name: str
    choices: tuple[Value, ...]

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return self._told[0]

    @property
    def heading(self) -> str:
        """Its name above a column of a table, with its unit."""
        return "".join(self._told)

    @property
    def title(self) -> str:
        """Its name beside an axis of a chart, with its unit."""
        return self.heading[:1].upper() + self.heading[1:]

    @property
    def _told(self) -> tuple[str, str]:
        return _AXES.get(self.name, (self.name.replace("_", " "), ""))


@dataclass(frozen=True, slots=True)
class Terms:
    """What a search looks for, out of its settings.

    Attributes:
        axes: What it may choose.
        objectives: One or two, more is better.
        floors: Objective → what it must reach at least.
        sampler: How it chooses.
        pruner: How it gives trainings up early; None: it does not.
        budget: ``trials``, ``slot_hours`` and ``hours``, as far as they are limited.
        points: How many combinations of the axes the sweep's rules keep; None where that is not known.
    """

    axes: tuple[Axis, ...]
    objectives: tuple[str, ...]
    floors: Mapping[str, float]
    sampler: str
    pruner: str | None
    budget: Mapping[str, float]
    points: int | None

    def axis(self, name: str) -> Axis | None:
        """Return the axis of this name; None where it is not searched."""
        return next((one for one in self.axes if one.name == name), None)

    def value(self, trial: TrialRow, index: int) -> float | None:
        """Return a trial's value of an objective by its place; None where it is not known."""
        return trial.values[index] if index < len(trial.values) else None


def terms(settings: Mapping[str, Any]) -> Terms:
    """Read what a search looks for out of its settings, as the store keeps them."""
    budget = settings.get("budget") or {}
    return Terms(
        axes=tuple(Axis(one["name"], tuple(one["values"])) for one in settings["axes"]),
        objectives=tuple(settings["objectives"]),
        floors=settings.get("floors") or {},
        sampler=str(settings.get("sampler", "")),
        pruner=settings.get("pruner"),
        budget={name: number for name, number in budget.items() if number is not None},
        points=settings.get("points"),
    )


def noun(objective: str) -> str:
    """Return an objective's name in a sentence."""
    return _NAMES.get(objective, (objective.replace("_", " "),))[0]


def title(objective: str) -> str:
    """Return an objective's name beside an axis of a chart, with its unit."""
    return _NAMES[objective][1] if objective in _NAMES else noun(objective)


def heading(objective: str) -> str:
    """Return an objective's name above a column of a table, with its unit."""
    return _NAMES[objective][2] if objective in _NAMES else noun(objective)


def unit(objective: str) -> str:
    """Return an objective's unit."""
    return _UNITS.get(objective, "images/s")


def told(objective: str, value: float | None) -> str:
    """Return a value of an objective with its unit; a dash where it is not known."""
    if value is None:
        return "–"
    if objective == TOP1:
        return wording.top1(value)
    return f"{value:.3g}×" if objective == SPEEDUP else wording.rate(value)


def is_rate(objective: str) -> bool:
    """Tell whether an objective is a throughput, which is drawn on a logarithmic axis."""
    return objective.endswith("per_second")


def settings_of(trial: TrialRow, axes: tuple[Axis, ...]) -> str:
    """Return what a trial tries, e.g. ``train resolution 20, test resolution 28``."""
    return ", ".join(f"{axis.words} {trial.params.get(axis.name, '–')}" for axis in axes)


def resolutions_first(axes: tuple[Axis, ...]) -> list[Axis]:
    """Return the axes with the train and the test resolution first, as far as they are searched."""
    first = (TRAIN_RESOLUTION, TEST_RESOLUTION, TEST_OFFSET)
    return sorted(axes, key=lambda axis: first.index(axis.name) if axis.name in first else len(first))
