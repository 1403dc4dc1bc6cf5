"""Which slots a run has, which it had, and when to give up for want of any."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from orchestrator.errors import ImpossibleHereError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: How long a run waits for a slot when there is none, seconds: a cluster may lose its machines and get others.
SLOTLESS_SECONDS = 120.0


class Roster:
    """The slots of a run.

    Args:
        clock: Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._here: set[str] = set()
        self._lost: dict[str, str] = {}
        self._last_seen = clock()

    def __len__(self) -> int:
        return len(self._here)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._here))

    def add(self, slot_id: str) -> None:
        """A slot is here, or here again."""
        self._here.add(slot_id)
        self._lost.pop(slot_id, None)

    def lose(self, slot_id: str, reason: str) -> None:
        """A slot is gone; ``reason`` is for a person."""
        self._here.discard(slot_id)
        self._lost[slot_id] = reason

    def require_some(self, *, patiently: bool) -> None:
        """Give up when there has been no slot for long.

        Args:
            patiently: Whether there is a good reason for having none, so that no time counts.

        Raises:
            ImpossibleHereError: There has been none.
        """
        if self._here or patiently:
            self._last_seen = self._clock()
        elif self._clock() - self._last_seen > SLOTLESS_SECONDS:
            listed = "".join(f"\n  {slot_id}: {reason}" for slot_id, reason in sorted(self._lost.items()))
            raise ImpossibleHereError(
                f"no slot for {SLOTLESS_SECONDS:.0f} s{':' if listed else ''}{listed}",
                hint="`orchestrator doctor` with the sweep file tells what is wrong. When that is mended, launch the "
                "file again: what is done is kept, and what ran there is queued.",
            )
