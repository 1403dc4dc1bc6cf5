"""What a sweep file's section ``search`` may say: what to look for among the sweep's combinations, and how long."""

from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from orchestrator.source_tree import shown
from orchestrator.sweep_values import (
    LARGEST_RESOLUTION,
    SMALLEST_RESOLUTION,
    Choice,
    Number,
    OneOrMore,
    Section,
    Text,
    Whole,
)
from workers.protocol.jobs import MODES

#: What a search can look for; each is better the larger it is.
TOP1, SPEEDUP = "top1", "speedup"
THROUGHPUTS = {"train_images_per_second": "train", "inference_images_per_second": "inference"}
OBJECTIVES = (TOP1, *THROUGHPUTS, SPEEDUP)

SAMPLERS = ("nsga2", "tpe", "gp", "random")
PRUNERS = ("asha", "hyperband")
AUTO = "auto"


def _named(value: Any) -> Any:
    """Take ``{top1: maximize}`` for ``[top1]``.

    Raises:
        ValueError: Another direction.
    """
    if not isinstance(value, dict):
        return value
    for name, direction in value.items():
        if direction != "maximize":
            raise ValueError(f"{shown(direction)} of {name} is not a direction that makes sense: write maximize")
    return list(value)


def _offset_or_pixels(value: Any) -> Any:
    """Accept pixels, or a step from the train resolution such as ``+32``, which stays text."""
    if isinstance(value, str) and value.startswith("+") and value[1:].isascii() and value[1:].isdigit():
        return value
    try:
        return Whole(SMALLEST_RESOLUTION, LARGEST_RESOLUTION, unit="pixels").check(value)
    except ValueError as error:
        raise ValueError(f"{error}; or a step from the train resolution, such as +32") from error


_End: TypeAlias = Annotated[
    int | str,
    PlainValidator(_offset_or_pixels),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": LARGEST_RESOLUTION},
                {"type": "string", "pattern": r"^\+[0-9]{1,4}$"},
            ]
        }
    ),
]
_Pixels = Whole(SMALLEST_RESOLUTION, LARGEST_RESOLUTION, unit="pixels")
_Step = Whole(1, LARGEST_RESOLUTION, unit="pixels")


class TrainRange(Section):
    """Train resolutions from one to another."""

    low: Annotated[int, _Pixels]
    """The smallest, in pixels."""
    high: Annotated[int, _Pixels]
    """The largest, if the steps reach it."""
    step: Annotated[int, _Step]
    """Between two of them, in pixels; 32 keeps all on the network's stride, 8 with small_images."""

    @property
    def values(self) -> tuple[int, ...]:
        """The resolutions in pixels, ascending."""
        return tuple(range(self.low, self.high + 1, self.step))


class TestRange(Section):
    """Test resolutions from one to another."""

    __test__ = False  # to pytest it looks like a test

    low: _End
    """The smallest, in pixels; or as a step from the train resolution, such as +0."""
    high: _End
    """The largest, if the steps reach it, written like low."""
    step: Annotated[int, _Step]
    """Between two of them, in pixels; steps of 32 from the train resolution (8 with small_images) suit the strides."""

    @property
    def values(self) -> tuple[int | str, ...]:
        """The resolutions as ``test_resolution`` has them, ascending."""
        numbers = range(int(self.low), int(self.high) + 1, self.step)
        return tuple(f"+{number}" for number in numbers) if isinstance(self.low, str) else tuple(numbers)


class SearchAxes(Section):
    """Resolutions as ranges, instead of the lists of grid and test_resolution."""

    train_resolution: TrainRange | None = None
    """Train resolutions."""
    test_resolution: TestRange | None = None
    """Test resolutions."""


class Floors(Section):
    """What a result must at least reach."""

    top1: Annotated[float, Number(0, 100, low_open=True)] | None = None
    """Accuracy in percent, of the held-out images where there are any."""
    train_images_per_second: Annotated[float, Number(0, low_open=True)] | None = None
    """Training throughput on the slot that measures."""
    inference_images_per_second: Annotated[float, Number(0, low_open=True)] | None = None
    """Inference throughput there."""

    @property
    def named(self) -> dict[str, float]:
        """What is asked for, by name."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


class Budget(Section):
    """How long to go on; the first that is used up ends the search."""

    trials: Annotated[int, Whole(1, 1_000_000)] | None = None
    """Proposals of the sampler; what is stored already and further tests of a training do not count."""
    slot_hours: Annotated[float, Number(0, low_open=True)] | None = None
    """Time of all slots together that the trials have used, in hours."""
    hours: Annotated[float, Number(0, low_open=True)] | None = None
    """Time since the command was given, in hours, without pauses; what runs then is finished."""


class SpeedupSection(Section):
    """For the objective speedup: over what."""

    baseline: Annotated[str, Text()]
    """FILTER for the stored results whose front is the baseline, e.g. group_size=1 norm=gn."""
    mode: Annotated[str, Choice(MODES)] = "train"
    """Which throughput."""


class SearchSection(Section):
    """What to look for among the combinations of the sweep, and for how long."""

    axes: SearchAxes = SearchAxes()
    """Resolutions as ranges."""
    objectives: Annotated[tuple[Annotated[str, Choice(OBJECTIVES)], ...], OneOrMore(), BeforeValidator(_named)]
    """One or two; top1 is of the held-out images where there are any."""
    at_least: Floors = Floors()
    """What a result must reach to count."""
    speedup: SpeedupSection | None = None
    """Over what, where speedup is the objective."""
    sampler: Annotated[str, Choice((AUTO, *SAMPLERS))] = AUTO
    """Which of Optuna's samplers proposes; auto is gp for two objectives and tpe for one."""
    seed: Annotated[int, Whole(0, 2**32 - 1)] = 0
    """Of the sampler; trainings have those of the grid."""
    budget: Budget
    """How long to go on."""
    companions: Annotated[int | str, Whole(0, 1000, ("all",))] = "all"
    """Further test resolutions, the nearest first, at which each training is tested since it is paid for."""
    top1_ceiling: Annotated[float, Number(0, 100, low_open=True)] = 100.0
    """Percent that no network is expected to exceed; what could not reach the front even so is not trained."""
    pruner: Annotated[str, Choice(PRUNERS)] | None = None
    """Which of Optuna's pruners stops trainings whose accuracy lags; only where top1 is the one objective."""

    @property
    def sampler_name(self) -> str:
        """The sampler."""
        if self.sampler != AUTO:
            return self.sampler
        return "tpe" if len(self.objectives) == 1 else "gp"

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes whose throughput a trial needs."""
        asked = {*self.objectives, *self.at_least.named}
        needed = {mode for name, mode in THROUGHPUTS.items() if name in asked}
        if self.speedup is not None:
            needed.add(self.speedup.mode)
        return tuple(mode for mode in MODES if mode in needed)
