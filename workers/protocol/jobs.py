"""The three kinds of job, as plain data that travels as JSON, and their fingerprints.

A job is described completely by its fields: two jobs with the same fingerprint are the same job, whichever sweep
asks for it, and the finished one serves both. What a job's result does not depend on (paths, slots, attempts) is
therefore not a field here but part of the order that a slot gets (``orders.Order``).

    train    ─▶ one checkpoint, once per variant, train resolution, seed and recipe
    evaluate ─▶ from that checkpoint: fine-tune at one test resolution, test there
    measure  ─▶ throughput of an architecture in one mode at one resolution on one kind of slot; needs no weights
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, ClassVar, Dict, Mapping, Optional, Tuple, Type, TypeVar, Union

from workers.protocol.ipu import IPU_ONLY_PRECISIONS, IpuLayout
from workers.protocol.recipe import NEUTRAL, FineTune, Recipe, came_later, is_neutral
from workers.protocol.variant import Variant

#: Raised by one when the meaning of a stage's result changes, so that old results are not taken for new ones.
METHOD_VERSION: Dict[str, int] = {"train": 1, "evaluate": 1, "measure": 1}

STAGES: Tuple[str, ...] = ("train", "evaluate", "measure")
MODES: Tuple[str, ...] = ("train", "inference")
PRECISIONS: Tuple[str, ...] = ("fp32", "bf16", "fp16", *IPU_ONLY_PRECISIONS)
MEMORY_FORMATS: Tuple[str, ...] = ("channels_last", "contiguous")

T = TypeVar("T")


@dataclass(frozen=True)
class DataSet:
    """Which images, and how many of them.

    Attributes:
        name: ``fashion-mnist``, ``cifar10``, ``cifar100``, ``image-folder`` or ``shapes`` (drawn, not real images).
        classes: Number of classes.
        channels: Channels per image (1 grey, 3 colour).
        image_side: Side in pixels of the stored images; 0 where they differ in size (``image-folder``).
        train_images: Training images used: a fixed, seeded, class-balanced subset. None: all of them.
        test_images: Likewise for testing.
        validation_images: Images of the training split that are held out to choose by (the test resolution, a searched
            setting): a fixed, seeded, class-balanced subset. None: ``datasets.default_validation_images``; 0: none.
        root: Directory of the images; only ``image-folder`` names it, the others have one known content.
    """

    name: str
    classes: int
    channels: int
    image_side: int
    train_images: Optional[int] = None
    test_images: Optional[int] = None
    root: Optional[str] = None
    validation_images: Optional[int] = field(default=None, metadata=came_later(0))


@dataclass(frozen=True)
class TrainJob:
    """Train one variant once."""

    stage: ClassVar[str] = "train"

    variant: Variant
    dataset: DataSet
    resolution: int
    seed: int
    recipe: Recipe = field(default_factory=Recipe)
    precision: str = "fp32"

    @property
    def fingerprint(self) -> str:
        """Identity of the result: 32 hexadecimal digits, without anything about the hardware."""
        return _fingerprint(self)

    @property
    def label(self) -> str:
        """Short name for people."""
        return f"{self.variant.label} @{self.resolution} seed {self.seed}"


@dataclass(frozen=True)
class EvaluateJob:
    """Fine-tune one training run's network at a test resolution and test it there."""

    stage: ClassVar[str] = "evaluate"

    training: TrainJob
    test_resolution: int
    fine_tune: FineTune = field(default_factory=FineTune)

    @property
    def fingerprint(self) -> str:
        """Identity of the result: 32 hexadecimal digits, without anything about the hardware."""
        return _fingerprint(self)

    @property
    def label(self) -> str:
        """Short name for people."""
        tuned = "" if self.fine_tune.layers == "none" else f" {self.fine_tune.layers}"
        return f"{self.training.label} → {self.test_resolution}{tuned}"


@dataclass(frozen=True)
class Loading:
    """Where the images of an end-to-end measurement come from, and what is done to them on the way.

    Attributes:
        dataset: Which images; training images for mode ``train``, test images for ``inference``.
        augmentation: As in ``Recipe``; ``none`` for ``inference``, like the others.
        augmentation_policy: Likewise.
        mixup: Alpha of mixup's Beta distribution; 0 is off.
        cutmix: Probability that an image gets a part of another one; 0 is off.
    """

    dataset: DataSet
    augmentation: str = "none"
    augmentation_policy: str = "none"
    mixup: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True)
class MeasureJob:
    """Measure the throughput of one architecture on one kind of slot.

    Attributes:
        variant: The network.
        channels: Channels per image.
        classes: Number of classes.
        mode: ``train`` (the optimiser step that training uses) or ``inference``.
        resolution: Side of the images in pixels.
        environment_key: Which hardware and software: ``Environment.key`` of the slot that measures.
        batch_size: Images per step; None searches the size with the best throughput.
        precision: Number format of the arithmetic.
        memory_format: ``channels_last``, ``contiguous``, or None to take the faster of the two.
        optimizer: The recipe's, for mode ``train``; None for inference.
        blocks: Timed blocks of a round; each gives one sample.
        block_seconds: Shortest duration of a block.
        warmup_seconds: Untimed running before the first block of a round, at least three steps.
        rounds: Rounds, each by a process of its own; those of a sweep's measurements take turns.
        compile: Whether the network is compiled (``torch.compile``); None takes the faster way.
        loading: For the throughput with images loaded and prepared as in training or testing; None measures on a batch
            that lies on the device alone.
        ipu: How the network is laid out where the slot has IPUs; None elsewhere. ``batch_size``, if given, is that of
            a weight update, or of a pass through all replicas.
    """

    stage: ClassVar[str] = "measure"

    variant: Variant
    channels: int
    classes: int
    mode: str
    resolution: int
    environment_key: str
    batch_size: Optional[int] = None
    precision: str = "fp32"
    memory_format: Optional[str] = None
    optimizer: Optional[str] = None
    blocks: int = 5
    block_seconds: float = 1.0
    warmup_seconds: float = 1.0
    rounds: int = field(default=3, metadata=came_later(1))
    compile: Optional[bool] = field(default=False, metadata=came_later(False))
    loading: Optional[Loading] = field(default=None, metadata=came_later(None))
    ipu: Optional[IpuLayout] = field(default=None, metadata=came_later(None))

    @property
    def fingerprint(self) -> str:
        """Identity of the result: 32 hexadecimal digits, the hardware and software among what it covers."""
        return _fingerprint(self)

    @property
    def label(self) -> str:
        """Short name for people."""
        return f"{self.variant.label} @{self.resolution} {self.mode}"


Job = Union[TrainJob, EvaluateJob, MeasureJob]
JOB_TYPES: Dict[str, Type[Any]] = {kind.stage: kind for kind in (TrainJob, EvaluateJob, MeasureJob)}


def job_to_dict(job: Job) -> Dict[str, Any]:
    """Return the job as JSON types, with its stage."""
    return dict(dataclasses.asdict(job), stage=job.stage)


def job_from_dict(data: Mapping[str, Any]) -> Job:
    """Rebuild a job from ``job_to_dict``.

    Raises:
        ValueError: The data names no known stage, or lacks or adds a field.
    """
    stage = data.get("stage")
    if stage not in JOB_TYPES:
        raise ValueError("unknown stage {!r}: expected one of {}".format(stage, ", ".join(STAGES)))
    job: Job = from_dict(JOB_TYPES[stage], {key: value for key, value in data.items() if key != "stage"})
    return job


#: Fields that hold another record rather than a JSON value.
_NESTED: Dict[str, Type[Any]] = {
    "variant": Variant,
    "dataset": DataSet,
    "recipe": Recipe,
    "fine_tune": FineTune,
    "training": TrainJob,
    "loading": Loading,
    "ipu": IpuLayout,
}


def from_dict(kind: Type[T], data: Mapping[str, Any]) -> T:
    """Rebuild a record of this module from the JSON types that ``dataclasses.asdict`` made of it.

    Fields that came later than the data have the value that was meant when there was no such field.

    Raises:
        ValueError: A field is missing or unknown.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    unknown = sorted(set(data) - {one.name for one in fields})
    if unknown:
        raise ValueError("{} has no field {}".format(kind.__name__, ", ".join(unknown)))
    values = {one.name: one.metadata[NEUTRAL] for one in fields if NEUTRAL in one.metadata}
    for name, value in data.items():
        nested = name in _NESTED and isinstance(value, Mapping)
        plain = tuple(value) if isinstance(value, list) else value  # JSON knows no tuples
        values[name] = from_dict(_NESTED[name], value) if nested else plain
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


def canonical_json(value: Any) -> str:
    """One text for one value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(value: Any) -> str:
    """32 hexadecimal digits of SHA-256 over the canonical JSON of a value."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()[:32]


def _fingerprint(job: Job) -> str:
    stages = [job.stage] if job.stage != "evaluate" else ["train", "evaluate"]
    described = dict(_without_neutral(job), stage=job.stage)
    return digest({"job": described, "method": [METHOD_VERSION[stage] for stage in stages]})


def recipe_digest(record: Union[Recipe, FineTune]) -> str:
    """Return 32 hexadecimal digits that are equal for equal recipes, whichever release wrote them."""
    return digest(_without_neutral(record))


def _without_neutral(record: Any) -> Dict[str, Any]:
    """Return a record as JSON types, without the fields that say what was so before they were there."""
    values: Dict[str, Any] = {}
    for one in dataclasses.fields(record):
        value = getattr(record, one.name)
        if not is_neutral(one.metadata, value):
            values[one.name] = _without_neutral(value) if dataclasses.is_dataclass(value) else value
    return values
