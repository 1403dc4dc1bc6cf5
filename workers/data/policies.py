"""AutoAugment and RandAugment: changes of colour and shape, each image with its own draw.

The operations, their strengths and the policies are torchvision's. Only the draws are ours: torchvision takes them
from torch's global generator, which threads that decode images would share in an order of chance.

Source:
    Cubuk et al., "AutoAugment", arXiv 1805.09501; "RandAugment", arXiv 1909.13719.
"""

import itertools
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.data.arrays import Int64Array
from workers.data.transfer import send
from workers.errors import DataError

#: Strengths that torchvision's AutoAugment tells apart.
_AUTOAUGMENT_STRENGTHS = 10


class Step(NamedTuple):
    """One operation of a sub-policy.

    Attributes:
        operation: torchvision's name.
        probability: That it is applied.
        strength: In the operation's own unit.
        is_signed: Whether the strength is as often negative.
    """

    operation: str
    probability: float
    strength: float
    is_signed: bool


class Change(NamedTuple):
    """What is done to an image.

    Attributes:
        operation: torchvision's name.
        strength: In the operation's own unit.
    """

    operation: str
    strength: float


class Draws(NamedTuple):
    """What was drawn for a batch.

    Attributes:
        sub_policy: Images; the number of each one's sub-policy.
        applied: Steps × images; which steps are applied.
        negative: Steps × images; whose strength is negative where it has a sign.
    """

    sub_policy: Int64Array
    applied: NDArray[np.bool_]
    negative: NDArray[np.bool_]


NOTHING = Change("Identity", 0.0)


class Policy:
    """A choice of sub-policies, each a sequence of steps; every image draws one of them, all being equally likely.

    Args:
        sub_policies: Each with the same number of steps.
        settings: Of torchvision's operations: ``interpolation`` and ``fill``.
    """

    def __init__(self, sub_policies: Sequence[Sequence[Step]], settings: Dict[str, Any]) -> None:
        numbers: Dict[Change, int] = {NOTHING: 0}
        for step in itertools.chain.from_iterable(sub_policies):
            for change in _signs(step):
                numbers.setdefault(change, len(numbers))
        self._changes = tuple(numbers)
        self._settings = settings
        self._probability = np.array([[step.probability for step in steps] for steps in sub_policies])
        self._number = np.array([[[numbers[one] for one in _signs(step)] for step in steps] for steps in sub_policies])

    def draw(self, random: np.random.Generator, count: int) -> Draws:
        """Draw what happens to each image of a batch."""
        choices, steps = self._probability.shape
        sub_policy = random.integers(0, choices, count)
        applied = random.random((steps, count)) < self._probability[sub_policy].T
        return Draws(sub_policy, applied, random.random((steps, count)) < 0.5)

    def apply(self, image: Any, draws: Draws) -> Any:
        """Change one Pillow image as was drawn for a batch of it alone."""
        for [number] in self._numbers(draws):
            image = self._changed(image, self._changes[number])
        return image

    def apply_to_batch(self, images: Tensor, draws: Draws) -> Tensor:
        """Change a batch; images with the same change together.

        Args:
            images: Batch × channels × height × width, uint8.
            draws: Of ``draw``.
        """
        images = images.clone()
        for numbers in self._numbers(draws):
            for number in np.unique(numbers[numbers != 0]):
                chosen = send(torch.from_numpy(np.flatnonzero(numbers == number)), images.device)
                images[chosen] = self._changed(images[chosen], self._changes[number])
        return images

    def _numbers(self, draws: Draws) -> Int64Array:
        """Return the number of each change, steps × images; 0 is none."""
        steps = np.arange(self._probability.shape[1])[:, np.newaxis]
        numbers: Int64Array = self._number[draws.sub_policy, steps, draws.negative.astype(np.int64)]
        return np.where(draws.applied, numbers, 0)

    def _changed(self, images: Any, change: Change) -> Any:
        from torchvision.transforms.autoaugment import _apply_op

        return _apply_op(images, change.operation, change.strength, **self._settings)


def augmentation_policy(name: str, side: int, searched_on: str) -> Optional[Policy]:
    """Return a policy, or None for ``none``.

    Args:
        name: One of ``workers.protocol.recipe.AUGMENTATION_POLICIES``.
        side: Of the images in pixels; shifts are in proportion to it.
        searched_on: Data set on which AutoAugment's sub-policies were searched: ``imagenet`` or ``cifar10``.

    Raises:
        DataError: torchvision is not installed.
    """
    if name == "none":
        return None
    try:
        from torchvision.transforms import autoaugment
    except ImportError as error:
        message = f"augmentation_policy {name} is torchvision's, which this interpreter lacks: {error}"
        raise DataError(message) from error
    if name == "randaugment":
        return _randaugment(autoaugment.RandAugment(), side)
    return _autoaugment(autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy(searched_on)), side)


def stream_beside(random: np.random.Generator) -> np.random.Generator:
    """Return a random stream that shares no numbers with another one, which stays as it was."""
    bits: Any = random.bit_generator
    return np.random.Generator(bits.jumped())


def _randaugment(theirs: Any, side: int) -> Policy:
    """Return every sequence of operations as a sub-policy: operations are drawn independently of each other."""
    space = theirs._augmentation_space(theirs.num_magnitude_bins, (side, side))  # noqa: SLF001  # no public way
    steps = [Step(name, 1.0, *_strength(space[name], theirs.magnitude)) for name in space]
    return Policy(list(itertools.product(steps, repeat=theirs.num_ops)), _settings(theirs))


def _autoaugment(theirs: Any, side: int) -> Policy:
    space = theirs._augmentation_space(_AUTOAUGMENT_STRENGTHS, (side, side))  # noqa: SLF001  # no public way
    sub_policies = [
        [Step(name, probability, *_strength(space[name], level)) for name, probability, level in steps]
        for steps in theirs.policies
    ]
    return Policy(sub_policies, _settings(theirs))


def _strength(entry: Any, level: Optional[int]) -> Tuple[float, bool]:
    """Return an operation's strength at a level and whether it has a sign, from torchvision's table."""
    strengths, is_signed = entry
    return (float(strengths[level]) if strengths.ndim > 0 else 0.0), bool(is_signed)


def _settings(theirs: Any) -> Dict[str, Any]:
    return {"interpolation": theirs.interpolation, "fill": theirs.fill}


def _signs(step: Step) -> List[Change]:
    """Return a step's change with its strength as it is and negative, where it has a sign."""
    strength = step.strength
    return [Change(step.operation, strength), Change(step.operation, -strength if step.is_signed else strength)]
