"""How a network is trained and fine-tuned, as plain data, and the paper's own settings.

Where a field says "the paper's", None stands for the value that the paper gives to a network of that size. It stays
None in the record, so that one recipe serves all sizes of a sweep; the functions below know the numbers.

Source:
    "Making EfficientNet More Efficient", arXiv 2106.03640, and the configurations published with it.
"""

from dataclasses import dataclass, field
from typing import Any, Dict, Optional, Tuple

OPTIMIZERS: Tuple[str, ...] = ("rmsprop", "adamw", "sgd")
SCHEDULES: Tuple[str, ...] = ("cosine", "exponential", "constant")
AUGMENTATIONS: Tuple[str, ...] = ("none", "flip", "crop-flip")
AUGMENTATION_POLICIES: Tuple[str, ...] = ("none", "autoaugment", "randaugment")
FINE_TUNE_LAYERS: Tuple[str, ...] = ("none", "head", "last-block", "batch-norm-statistics")

#: Size → alpha of mixup's Beta distribution.
PAPER_MIXUP: Dict[str, float] = {"b0": 0.1, "b1": 0.1, "b2": 0.1, "b3": 0.2, "b4": 0.2, "b5": 0.2}

#: Size → the lambda of the paper's configurations for CutMix; B0 is trained without.
PAPER_CUTMIX_LAMBDA: Dict[str, float] = {"b1": 0.95, "b2": 0.9, "b3": 0.9, "b4": 0.85, "b5": 0.8}

#: Key in the metadata of a field that ``came_later``.
NEUTRAL = "neutral"


class NoPaperValueError(ValueError):
    """The paper gives no value for a network of this size; the message says what to write."""


def came_later(neutral: Any) -> Dict[str, Any]:
    """Mark a field that records made before it was there do not have.

    While the field has the value that those records were made with, fingerprints leave it out: a result of theirs is
    still the result of the same job.

    Args:
        neutral: That value.
    """
    return {NEUTRAL: neutral}


def is_neutral(metadata: Any, value: Any) -> bool:
    """Tell whether a field marked by ``came_later`` has the value of the records made before it."""
    return NEUTRAL in metadata and bool(metadata[NEUTRAL] == value)


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
        mixup: Alpha of mixup's Beta distribution; 0 is off; None is the paper's.
        augmentation: ``none``, ``flip`` (left-right) or ``crop-flip`` (random resized crop, then flip).
        dropout: Before the classifier; None takes the size's own.
        stochastic_depth: Drop rate of the last block, growing linearly from 0 at the first.
        weight_average: Decay per epoch of the averaged weights that are tested and kept; 0 is off.
        cutmix: Probability that an image gets a part of another one; 0 is off; None is the paper's.
        rms_decay: Of rmsprop's mean of squared gradients, per update; None is the paper's, 1 - batch_size / 2**14.
        augmentation_policy: Changes of colour and shape after the flip: ``none``, ``autoaugment``, ``randaugment``.
        ema: Decay per update of the averaged weights that are tested and kept; 0 is off. Not with ``weight_average``.
        average_warmup: Whether the decay of ``weight_average`` or ``ema`` grows over the first updates, so that a short
            run soon forgets its first weights; the paper's does not.
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
    mixup: Optional[float] = 0.0
    augmentation: str = "flip"
    dropout: Optional[float] = None
    stochastic_depth: float = 0.0
    weight_average: float = 0.0
    cutmix: Optional[float] = field(default=0.0, metadata=came_later(0.0))
    rms_decay: Optional[float] = field(default=0.9, metadata=came_later(0.9))
    augmentation_policy: str = field(default="none", metadata=came_later("none"))
    ema: float = field(default=0.0, metadata=came_later(0.0))
    average_warmup: bool = field(default=True, metadata=came_later(True))


@dataclass(frozen=True)
class FineTune:
    """Training of the last layers at the test resolution before testing (paper, section 3.3).

    Attributes:
        layers: ``none``; ``head`` (last 1×1 convolution, its norm and the classifier); ``last-block`` (also the
            last stage); ``batch-norm-statistics`` (no weight changes, but every batch norm takes its mean and variance
            from the training images at the test resolution; for networks with batch norm only).
        epochs: Passes over the training images, prepared as for testing; SGD without momentum, cosine.
        batch_size: Images per update, or per batch whose statistics are taken.
        learning_rate: Peak value; None is 0.25 × batch_size / 512, the paper's.
    """

    layers: str = "head"
    epochs: int = 2
    batch_size: int = 128
    learning_rate: Optional[float] = None


#: Name in sweep files → recipe.
PRESETS: Dict[str, Recipe] = {
    "short": Recipe(),
    "paper": Recipe(
        epochs=350,
        batch_size=768,
        optimizer="rmsprop",
        schedule="exponential",
        warmup_epochs=5.0,
        label_smoothing=0.1,
        mixup=None,
        cutmix=None,
        rms_decay=None,
        augmentation="crop-flip",
        stochastic_depth=0.2,
        weight_average=0.97,
        average_warmup=False,
    ),
}


def mixup_alpha(recipe: Recipe, size: str) -> float:
    """Return alpha of mixup's Beta distribution for a network of a size; 0 is off.

    Raises:
        NoPaperValueError: The recipe takes the paper's value and the paper has none for this size.
    """
    if recipe.mixup is not None:
        return recipe.mixup
    if size not in PAPER_MIXUP:
        raise NoPaperValueError(f"the paper trains no {size}: name its mixup, such as 0.2")
    return PAPER_MIXUP[size]


def cutmix_probability(recipe: Recipe, size: str) -> float:
    """Return the probability that an image gets a part of another one, for a network of a size.

    The paper's configurations leave an image alone with probability ``1.55 · lambda - 0.96``.

    Raises:
        NoPaperValueError: The recipe takes the paper's value and the paper has none for this size.
    """
    if recipe.cutmix is not None:
        return recipe.cutmix
    if size not in PAPER_MIXUP:
        raise NoPaperValueError(f"the paper trains no {size}: name its cutmix, such as 0.72")
    if size not in PAPER_CUTMIX_LAMBDA:
        return 0.0
    return 1.0 - (1.55 * PAPER_CUTMIX_LAMBDA[size] - 0.96)


def rms_decay(recipe: Recipe) -> float:
    """Return the decay of rmsprop's mean of squared gradients, per update."""
    return 1.0 - recipe.batch_size * 2.0**-14 if recipe.rms_decay is None else recipe.rms_decay
