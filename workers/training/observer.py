"""What a job tells while it runs."""

from typing import Protocol


class Observer(Protocol):
    """Receives a job's signs of life."""

    def progress(self, done: float, text: str) -> None:
        """Say how far the job is; cheap, may be called at every step.

        Args:
            done: Fraction done, 0 to 1.
            text: Short words for a person.
        """

    def epoch_done(self, epoch: int, loss: float, learning_rate: float, images: int, seconds: float) -> None:
        """Say that an epoch of training ended; see ``workers.protocol.orders.EpochDone``."""


class SilentObserver:
    """For callers who wait for the result only."""

    def progress(self, done: float, text: str) -> None:
        """Say nothing."""

    def epoch_done(self, epoch: int, loss: float, learning_rate: float, images: int, seconds: float) -> None:
        """Say nothing."""
