"""What a job tells while it runs."""

from typing import NamedTuple, Optional, Protocol


class Epoch(NamedTuple):
    """What one epoch of training came to.

    Attributes:
        loss: Mean over its steps.
        learning_rate: At its last step.
        images: Seen.
        seconds: Wall time of its steps.
        validation_images: Held-out images that were tested after it; None where they were not.
        validation_correct: Of these classified right; likewise.
    """

    loss: float
    learning_rate: float
    images: int
    seconds: float
    validation_images: Optional[int] = None
    validation_correct: Optional[int] = None


class Observer(Protocol):
    """Receives a job's signs of life."""

    def progress(self, done: float, text: str) -> None:
        """Say how far the job is; cheap, may be called at every step.

        Args:
            done: Fraction done, 0 to 1.
            text: Short words for a person.
        """

    def epoch_done(self, number: int, epoch: Epoch) -> None:
        """Say that an epoch of training ended, its number counted from 1."""


class SilentObserver:
    """For callers who wait for the result only."""

    def progress(self, done: float, text: str) -> None:
        """Say nothing."""

    def epoch_done(self, number: int, epoch: Epoch) -> None:
        """Say nothing."""
