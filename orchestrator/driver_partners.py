"""Who a driver talks to, besides the store and the slots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from db.records import Pause
    from orchestrator.scheduling.events import Task
    from workers.protocol.orders import Environment, EpochDone

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobNews:
    """What a ``JobSource`` says.

    Attributes:
        added: Jobs to do, as the scheduler knows them; the store has them.
        withdrawn: Fingerprint → why nobody wants it any more.
    """

    added: tuple[Task, ...] = ()
    withdrawn: Mapping[str, str] = field(default_factory=dict)


class Patience(Protocol):
    """How the store is called where it may be away for a while."""

    def __call__(self, call: Callable[[], T]) -> T:
        """Call again until it answers."""


def impatient(call: Callable[[], T]) -> T:
    """Call once."""
    return call()


class JobSource(Protocol):
    """Where further jobs come from while others run."""

    def validate_after(self, fingerprint: str) -> tuple[int, ...]:
        """Return the epochs after which a training is to test its held-out images."""

    def advance(self, slots: int, patiently: Patience) -> JobNews:
        """Take in what the store knows by now, and say what follows; nothing until more is known.

        Args:
            slots: How many there are.
            patiently: How the store is called.
        """

    def rested(self, seconds: float) -> None:
        """Take in that the sweep was paused for so long: what it is given in hours is not used up by that."""

    def epoch_done(self, report: EpochDone, patiently: Patience) -> JobNews:
        """Take in an epoch of a training, which is stored."""


class Listener(Protocol):
    """Who is told what happens, for a person to see."""

    def added(self, fingerprint: str, state: str) -> None:
        """There is a further job."""

    def withdrawn(self, fingerprint: str) -> None:
        """Nobody wants a job any more."""

    def slot(self, slot_id: str, environment: Environment | None) -> None:
        """A slot came (with its environment) or went (None)."""

    def started(self, slot_id: str, fingerprint: str) -> None:
        """A job started on a slot."""

    def progressed(self, slot_id: str, done: float, text: str) -> None:
        """The job of a slot is this far."""

    def ended(self, fingerprint: str, state: str, text: str) -> None:
        """A job's attempt ended; ``state`` is the job's state from now on."""

    def round_done(self, fingerprint: str) -> None:
        """A measurement has one more round and wants another one."""

    def paused(self, pause: Pause | None) -> None:
        """The sweep is paused (by whom, since when), or goes on (None)."""

    def note(self, text: str) -> None:
        """Something worth a line."""
