"""What a sweep file may say: every key with its kind, its limits and its default.

The models hold what one key or section can tell by itself. What only several keys together tell (an axis named twice,
a batch larger than the data set) is checked in ``sweep`` and ``sweep_recipe``.
"""

import dataclasses
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, PlainValidator, WithJsonSchema

from orchestrator.exclusion import Exclusion, parse_exclusion
from orchestrator.search_section import SearchSection
from orchestrator.slot_sections import SlotsSection
from orchestrator.source_tree import shown
from orchestrator.sweep_file import NONE
from orchestrator.sweep_values import (
    LARGEST_RESOLUTION,
    SMALLEST_RESOLUTION,
    Choice,
    Flag,
    Number,
    NumberedChoice,
    OneOrMore,
    Section,
    Text,
    Whole,
)
from workers.protocol.datasets import NAMED
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import MEMORY_FORMATS, MODES, PRECISIONS
from workers.protocol.recipe import (
    AUGMENTATION_POLICIES,
    AUGMENTATIONS,
    FINE_TUNE_LAYERS,
    OPTIMIZERS,
    PRESETS,
    SCHEDULES,
    FineTune,
    Recipe,
)
from workers.protocol.variant import NORMS, SIZES

#: The data set whose images are the user's own.
IMAGE_FOLDER = "image-folder"

#: How the file writes None of a recipe: the optimizer's, the size's or the paper's own value.
AUTO = "auto"

_RECIPE, _FINE_TUNE = PRESETS["short"], FineTune()
#: Tests the weights as trained; without layers the other fields mean nothing and are the defaults.
NO_FINE_TUNING = FineTune(layers="none")

_Images = Whole(1, 100_000_000)
_Batch = Whole(1, 65_536, unit="images")
_Fraction = Number(0, 1, high_open=True)
_LearningRate = Number(0, low_open=True, words=(AUTO,))


def _written(value: Any) -> Any:
    """Return a record's value as the file writes it."""
    return AUTO if value is None else value


def _recorded(value: Any) -> Any:
    """Return a value of the file as records have it."""
    return None if value == AUTO else value


def _test_resolution(value: Any) -> Any:
    """Accept pixels, ``native``, or a step such as ``+32``, which stays text."""
    pixels = Whole(SMALLEST_RESOLUTION, LARGEST_RESOLUTION, ("native",), "pixels")
    if isinstance(value, str) and value.startswith("+"):
        if value[1:].isascii() and value[1:].isdigit() and int(value[1:]) <= LARGEST_RESOLUTION:
            return f"+{int(value[1:])}"
        raise ValueError(f"{shown(value)} is not a step from the train resolution, such as +32")
    try:
        return pixels.check(value)
    except ValueError as error:
        raise ValueError(f"{error}; or a step from the train resolution, such as +32") from error


def _rule(value: Any) -> Exclusion:
    return parse_exclusion(Text().check(value))


def _none_if_off(value: Any) -> Any:
    """Take ``false`` and ``none`` for the absence of a section."""
    return None if value is False or value == NONE else value


_TestResolution: TypeAlias = Annotated[
    int | str,
    PlainValidator(_test_resolution),
    WithJsonSchema(
        {
            "anyOf": [
                # From 0, since editors read an unquoted step (+0) as a number.
                {"type": "integer", "minimum": 0, "maximum": LARGEST_RESOLUTION},
                {"enum": ["native"]},
                {"type": "string", "pattern": r"^\+[0-9]{1,4}$"},
            ]
        }
    ),
]
_Rule: TypeAlias = Annotated[Exclusion, PlainValidator(_rule), WithJsonSchema({"type": "string", "minLength": 1})]

_Sizes: TypeAlias = Annotated[tuple[Annotated[str, Choice(tuple(SIZES))], ...], OneOrMore()]
_Widths: TypeAlias = Annotated[tuple[Annotated[float, Number(0, 10, low_open=True)], ...], OneOrMore()]
_Flags: TypeAlias = Annotated[tuple[Annotated[bool, Flag()], ...], OneOrMore()]
_GroupSizes: TypeAlias = Annotated[tuple[Annotated[int, Whole(1, 4096, unit="channels")], ...], OneOrMore()]
_Expansions: TypeAlias = Annotated[tuple[Annotated[int | str, Whole(1, 64, ("auto",))], ...], OneOrMore()]
_Norms: TypeAlias = Annotated[tuple[Annotated[str, Choice(NORMS)], ...], OneOrMore()]
_TrainResolutions: TypeAlias = Annotated[
    tuple[
        Annotated[int | str, Whole(SMALLEST_RESOLUTION, LARGEST_RESOLUTION, ("native", "half"), "pixels")],
        ...,
    ],
    OneOrMore(),
]
_Precisions: TypeAlias = Annotated[tuple[Annotated[str, NumberedChoice(PRECISIONS)], ...], OneOrMore()]
_Seeds: TypeAlias = Annotated[tuple[Annotated[int, Whole(0, 2**32 - 1)], ...], OneOrMore()]


class DataSetSection(Section):
    """Which images."""

    name: Annotated[str, Choice((*NAMED, IMAGE_FOLDER))] | None = None
    """The data set; shapes is drawn by the program, image-folder are your own images; with recipe none not needed."""
    root: Annotated[str, Text()] | None = None
    """image-folder only: directory with train/CLASS/ and val/CLASS/; a relative one starts at the sweep file."""
    train_images: Annotated[int, _Images] | None = None
    """Training images to use, the same ones every time and as many of each class; all if left out."""
    test_images: Annotated[int, _Images] | None = None
    """Test images to use; all if left out."""
    validation_images: Annotated[int, Whole(0, _Images.high)] | None = None
    """Training images held out, to choose the test resolution by; a tenth, at most 10,000, if left out; 0 is none."""
    channels: Annotated[int, Whole(1, 64)] | None = None
    """Channels of an image, where no data set is named: with recipe none."""
    classes: Annotated[int, Whole(2, 1_000_000)] | None = None
    """Number of classes, likewise."""


class ModelSection(Section):
    """The networks' size. Each key takes one value or a list, and is an axis like those of the grid."""

    size: _Sizes | None = None
    """EfficientNet's size."""
    width: _Widths | None = None
    """Factor on the size's channels; 1.0 if left out."""
    small_images: _Flags | None = None
    """Stride 1 in the stem and in stage 2, for images of about 32 pixels; false if left out."""


class GridSection(Section):
    """Axes of which every combination is trained. Each takes one value or a list."""

    group_size: _GroupSizes | None = None
    """Channels per group of the spatial convolutions; 1 is depthwise."""
    expansion: _Expansions | None = None
    """Width of a block's inside over its input; auto is 6 for group size 1 and 4 for 16; auto if left out."""
    norm: _Norms | None = None
    """Normalisation: batch, group (4 groups) or layer norm; +pn with proxy-normalised activations."""
    train_resolution: _TrainResolutions | None = None
    """Side of the training images in pixels; native is the size's own, half has about half its pixels."""
    precision: _Precisions | None = None
    """Number format of the arithmetic; fp32 if left out; 16.16 and 16.32 are for IPUs, bf16 and fp16 for the others."""
    seed: _Seeds | None = None
    """Of everything random in a training; 0 if left out."""


class ZipSection(ModelSection, GridSection):
    """Axes that advance together: lists of equal length, crossed with the rest."""


class RecipeSection(Section):
    """How networks are trained; what is left out is the preset's."""

    preset: Annotated[str, Choice(tuple(PRESETS))] = "short"
    """What the other keys change: short suits a few epochs on small images, paper is arXiv 2106.03640's."""
    epochs: Annotated[int, Whole(1, 100_000)] = _RECIPE.epochs
    """Passes over the training images."""
    batch_size: Annotated[int, _Batch] = _RECIPE.batch_size
    """Images per weight update."""
    optimizer: Annotated[str, Choice(OPTIMIZERS)] = _RECIPE.optimizer
    """rmsprop is TensorFlow's variant, as in the paper."""
    learning_rate: Annotated[float | str, _LearningRate] = _written(_RECIPE.learning_rate)
    """Peak value; auto is the optimizer's usual one, scaled to the batch size."""
    momentum: Annotated[float, _Fraction] = _RECIPE.momentum
    """Of rmsprop and sgd."""
    weight_decay: Annotated[float | str, Number(0, 10, words=(AUTO,))] = _written(_RECIPE.weight_decay)
    """auto is the optimizer's usual one; norms are not decayed."""
    schedule: Annotated[str, Choice(SCHEDULES)] = _RECIPE.schedule
    """cosine to zero, exponential (0.97 in 146 equal drops over the run, the paper's), or constant."""
    warmup_epochs: Annotated[float, Number(0, 100_000)] = _RECIPE.warmup_epochs
    """Linear warm-up of the learning rate from zero, may be a fraction of an epoch."""
    label_smoothing: Annotated[float, _Fraction] = _RECIPE.label_smoothing
    """Mass moved from the true class to all classes."""
    mixup: Annotated[float | str, Number(0, 100, words=(AUTO,))] = _written(_RECIPE.mixup)
    """Alpha of mixup's Beta distribution; 0 is off; auto is the paper's for the size."""
    augmentation: Annotated[str, Choice(AUGMENTATIONS)] = _RECIPE.augmentation
    """flip is left-right; crop-flip also takes a random part of the image and resizes it."""
    dropout: Annotated[float | str, Number(0, 1, high_open=True, words=(AUTO,))] = _written(_RECIPE.dropout)
    """Before the classifier; auto is the size's own."""
    stochastic_depth: Annotated[float, _Fraction] = _RECIPE.stochastic_depth
    """Drop rate of the last block, growing linearly from 0 at the first."""
    weight_average: Annotated[float, _Fraction] = _RECIPE.weight_average
    """Decay per epoch of the averaged weights, which are then the ones tested and kept; 0 is off."""
    cutmix: Annotated[float | str, Number(0, 1, words=(AUTO,))] = _written(_RECIPE.cutmix)
    """Probability that an image gets a part of another one; 0 is off; auto is the paper's for the size."""
    rms_decay: Annotated[float | str, Number(0, 1, low_open=True, high_open=True, words=(AUTO,))] = _written(
        _RECIPE.rms_decay
    )
    """Of rmsprop's mean of squared gradients, per update; auto is the paper's, 1 - batch_size / 16384."""
    augmentation_policy: Annotated[str, Choice(AUGMENTATION_POLICIES)] = _RECIPE.augmentation_policy
    """Changes of colour and shape after the flip."""
    ema: Annotated[float, _Fraction] = _RECIPE.ema
    """Decay per update of the averaged weights; 0 is off; instead of weight_average."""
    average_warmup: Annotated[bool, Flag()] = _RECIPE.average_warmup
    """Whether the decay of the averaged weights grows over the first updates, so that they soon forget the start."""

    @property
    def record(self) -> Recipe:
        """The recipe as jobs carry it; what has no effect in it is as by default, so that equal jobs are one."""
        changes = {key: _recorded(getattr(self, key)) for key in self.model_fields_set - {"preset"}}
        recipe = dataclasses.replace(PRESETS[self.preset], **changes)
        if recipe.optimizer != "rmsprop":
            recipe = dataclasses.replace(recipe, rms_decay=_RECIPE.rms_decay)
        if recipe.weight_average == recipe.ema == 0:
            recipe = dataclasses.replace(recipe, average_warmup=_RECIPE.average_warmup)
        return recipe


class FineTuneSection(Section):
    """Training of the last layers at each test resolution before testing there."""

    layers: Annotated[tuple[Annotated[str, Choice(FINE_TUNE_LAYERS)], ...], OneOrMore()] = (_FINE_TUNE.layers,)
    """none: as trained; head: last convolution, its norm, classifier; last-block: also stage 7; several: each."""
    epochs: Annotated[int, Whole(1, 10_000)] = _FINE_TUNE.epochs
    """Passes over the training images."""
    batch_size: Annotated[int, _Batch] = _FINE_TUNE.batch_size
    """Images per weight update."""
    learning_rate: Annotated[float | str, _LearningRate] = _written(_FINE_TUNE.learning_rate)
    """Peak value; auto is 0.25 per 512 images of the batch, the paper's."""

    def arm(self, layers: str) -> FineTune:
        """Return one way of fine-tuning as jobs carry it; fields that mean nothing for it are always the same."""
        if layers == "none":
            return NO_FINE_TUNING
        if layers == "batch-norm-statistics":
            return FineTune(layers, epochs=1, batch_size=self.batch_size)
        return FineTune(layers, self.epochs, self.batch_size, _recorded(self.learning_rate))


class MeasureSection(Section):
    """How throughput is measured."""

    modes: Annotated[tuple[Annotated[str, Choice(MODES)], ...], OneOrMore()] = MODES
    """train at the train resolutions, inference at the test resolutions."""
    batch_size: Annotated[int | str, Whole(1, 65_536, ("auto",), "images")] = "auto"
    """Images per step; auto searches the fastest."""
    memory_format: Annotated[str, Choice(("auto", *MEMORY_FORMATS))] = "auto"
    """Order of the values in memory; auto takes the faster."""
    compile: Annotated[str | bool, Flag(("auto",))] = False
    """Whether networks are compiled (torch.compile); auto takes the faster way."""
    rounds: Annotated[int, Whole(1, 1000)] = 3
    """Rounds, each by a process of its own; the networks of a sweep take turns, round by round."""
    blocks: Annotated[int, Whole(2, 1000)] = 5
    """Timed blocks of a round, each of which gives one sample."""
    block_seconds: Annotated[float, Number(0, 3600, low_open=True)] = 1.0
    """Shortest duration of a block in seconds."""
    warmup_seconds: Annotated[float, Number(0, 3600)] = 1.0
    """Untimed running before the first block of a round in seconds, at least three steps."""
    end_to_end: Annotated[bool, Flag()] = True
    """Whether throughput is also measured with images loaded and prepared; not where a sweep only measures."""


class SweepSpec(Section):
    """A sweep of EfficientNet variants: what to train, at which resolutions to test, what to measure."""

    name: Annotated[
        str,
        Text(r"[A-Za-z0-9][A-Za-z0-9._+-]*", "letters, digits, dots, dashes, plus signs and underscores", 100),
    ]
    """Name of the sweep, unique in its database; the same name again resumes."""
    dataset: DataSetSection
    """Which images to train on and test with."""
    model: ModelSection = ModelSection()
    """Which sizes of network."""
    grid: GridSection = GridSection()
    """Axes of which every combination is trained."""
    zip: tuple[ZipSection, ...] = ()
    """Groups of axes whose lists advance together, crossed with the grid and with each other."""
    exclude: tuple[_Rule, ...] = ()
    """Rules over the axes; what one of them holds for is left out."""
    test_resolution: Annotated[tuple[_TestResolution, ...], OneOrMore()] = ("native",)
    """Where each training is tested: pixels, native, or steps from the train resolution such as +32."""
    recipe: Annotated[RecipeSection | None, BeforeValidator(_none_if_off)] = RecipeSection()
    """How networks are trained; none to train and test nothing, and only measure throughput."""
    fine_tune: Annotated[FineTuneSection | None, BeforeValidator(_none_if_off)] = FineTuneSection()
    """Training of the last layers at each test resolution; none to test the weights as trained."""
    measure: Annotated[MeasureSection | None, BeforeValidator(_none_if_off)] = MeasureSection()
    """How throughput is measured; false to measure nothing."""
    slots: SlotsSection | None = None
    """On what to run; if left out the accelerators that are there, or else the processors."""
    search: SearchSection | None = None
    """For `orchestrator search`: which of all these combinations are worth their time."""

    @property
    def trains(self) -> bool:
        """Whether networks are trained and tested, and not only measured."""
        return self.recipe is not None

    @property
    def ipu(self) -> IpuSettings | None:
        """Settings of the IPU slots; None where the sweep names none."""
        return None if self.slots is None or self.slots.ipu is None else self.slots.ipu.settings

    @property
    def recipe_record(self) -> Recipe:
        """The recipe as jobs carry it; where nothing is trained, the one whose training steps are measured."""
        return (self.recipe or RecipeSection()).record

    @property
    def fine_tune_arms(self) -> tuple[FineTune, ...]:
        """Every way in which a trained network is fine-tuned and tested, as jobs carry them."""
        if self.fine_tune is None or not self.trains:
            return (NO_FINE_TUNING,)
        return tuple(self.fine_tune.arm(layers) for layers in dict.fromkeys(self.fine_tune.layers))


#: Axis → its value where the file names none; None where it must.
AXES: dict[str, str | int | float | bool | None] = {
    "size": None,
    "width": 1.0,
    "small_images": False,
    "group_size": None,
    "expansion": "auto",
    "norm": None,
    "train_resolution": None,
    "precision": "fp32",
    "seed": 0,
}


def home_of(axis: str) -> str:
    """Return the section that an axis is a key of: ``model`` or ``grid``."""
    return "model" if axis in ModelSection.model_fields else "grid"
