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

from workers.protocol.variant import Variant

#: Raised by one when the meaning of a stage's result changes, so that old results are not taken for new ones.
METHOD_VERSION: Dict[str, int] = {"train": 1, "evaluate": 1, "measure": 1}

STAGES: Tuple[str, ...] = ("train", "evaluate", "measure")
MODES: Tuple[str, ...] = ("train", "inference")
OPTIMIZERS: Tuple[str, ...] = ("rmsprop", "adamw", "sgd")
SCHEDULES: Tuple[str, ...] = ("cosine", "exponential", "constant")
AUGMENTATIONS: Tuple[str, ...] = ("none", "flip", "crop-flip")
FINE_TUNE_LAYERS: Tuple[str, ...] = ("none", "head", "last-block")
PRECISIONS: Tuple[str, ...] = ("fp32", "bf16", "fp16")
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
        root: Directory of the images; only ``image-folder`` names it, the others have one known content.
    """

    name: str
    classes: int
    channels: int
    image_side: int
    train_images: Optional[int] = None
    test_images: Optional[int] = None
    root: Optional[str] = None


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults suit a few epochs on small images.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per weight update; a last smaller batch of an epoch is left out.
        optimizer: ``rmsprop`` is TensorFlow's variant (epsilon inside the root), as in the paper; or adamw, sgd.
        learning_rate: Peak value; None takes the optimizer's usual value scaled to ``batch_size``.
        momentum: Of rmsprop and sgd.
        weight_decay: None takes the optimizer's usual value; not applied to norms, biases of norms, or means.
        schedule: ``cosine`` to zero, ``exponential`` (0.97 in 146 equal drops over the run), or ``constant``.
        warmup_epochs: Linear warm-up from zero, may be a fraction.
        label_smoothing: Mass moved from the true class to all classes.
        mixup: Alpha of mixup's Beta distribution; 0 is off.
        augmentation: ``none``, ``flip`` (left-right) or ``crop-flip`` (random resized crop, then flip).
        dropout: Before the classifier; None takes the size's own.
        stochastic_depth: Drop rate of the last block, growing linearly from 0 at the first.
        weight_average: Decay per epoch of the averaged weights that are tested and kept; 0 is off.
    """

    epochs: int = 4
    batch_size: int = 128
    optimizer: str = "rmsprop"
    learning_rate: Optional[float] = None
    momentum: float = 0.9
    weight_decay: Optional[float] = None
    schedule: str = "cosine"
    warmup_epochs: float = 0.5
    label_smoothing: float = 0.1
    mixup: float = 0.0
    augmentation: str = "flip"
    dropout: Optional[float] = None
    stochastic_depth: float = 0.0
    weight_average: float = 0.0


@dataclass(frozen=True)
class FineTune:
    """Training of the last layers at the test resolution before testing (paper, section 3.3).

    Attributes:
        layers: ``none``; ``head`` (last 1×1 convolution, its norm and the classifier); ``last-block`` (also the
            last stage).
        epochs: Passes over the training images, prepared as for testing; SGD without momentum, cosine.
        batch_size: Images per update.
        learning_rate: Peak value; None is 0.25 × batch_size / 512, the paper's.
    """

    layers: str = "head"
    epochs: int = 2
    batch_size: int = 128
    learning_rate: Optional[float] = None


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
        return f"{self.training.label} → {self.test_resolution}"


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
        blocks: Timed blocks; each gives one sample.
        block_seconds: Shortest duration of a block.
        warmup_seconds: Untimed running before the first block, at least three steps.
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
}


def from_dict(kind: Type[T], data: Mapping[str, Any]) -> T:
    """Rebuild a record of this module from the JSON types that ``dataclasses.asdict`` made of it.

    Raises:
        ValueError: A field is missing or unknown.
    """
    names = {one.name for one in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(data) - names)
    if unknown:
        raise ValueError("{} has no field {}".format(kind.__name__, ", ".join(unknown)))
    values = {
        name: from_dict(_NESTED[name], value) if name in _NESTED and isinstance(value, Mapping) else value
        for name, value in data.items()
    }
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
    return digest({"job": job_to_dict(job), "method": [METHOD_VERSION[stage] for stage in stages]})
