"""A machine-wide lock: measurements alone, everything else together.

Two sweeps on one machine know nothing of each other, and each has a scheduler that keeps only its own measurements
undisturbed. So each attempt also holds this lock: shared for training and evaluating, exclusive for measuring. A
measurement that waits keeps new attempts out, so that it gets its turn. The system frees the lock when its holder dies.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

#: Time between two tries, seconds.
RETRY_SECONDS = 0.1


class NodeLock:
    """The lock of this machine and user.

    Args:
        directory: Where the lock files lie; None is the system's directory for temporary files.
    """

    def __init__(self, directory: Path | None = None) -> None:
        base = directory or Path(tempfile.gettempdir())
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._gate = os.open(base / f"frontsweep-{os.getuid()}.gate.lock", flags, 0o600)
        self._node = os.open(base / f"frontsweep-{os.getuid()}.node.lock", flags, 0o600)

    def acquire(self, *, exclusive: bool, give_up: Callable[[], bool], waiting: Callable[[], None]) -> bool:
        """Wait for the lock.

        Args:
            exclusive: For a measurement.
            give_up: Asked between tries; True ends the waiting.
            waiting: Called once if the lock is not free at once.

        Returns:
            Whether the lock is held now.
        """
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        told = False
        while not (self._try(self._gate, kind) and self._try(self._node, kind)):
            if give_up():
                self.release()
                return False
            if not told:
                waiting()
                told = True
            time.sleep(RETRY_SECONDS)
        if not exclusive:
            fcntl.flock(self._gate, fcntl.LOCK_UN)
        return True

    def release(self) -> None:
        """Let go of the lock, whether it is held or not."""
        fcntl.flock(self._node, fcntl.LOCK_UN)
        fcntl.flock(self._gate, fcntl.LOCK_UN)

    def close(self) -> None:
        """Release it and close its files."""
        os.close(self._node)
        os.close(self._gate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @staticmethod
    def _try(descriptor: int, kind: int) -> bool:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
