"""The IPUs of the machine: how many there are, and who holds them."""

import fcntl
import os
import time
from typing import Any, List, Optional

from poptorch import _control
from poptorch._errors import compiler_error

MOST_IPUS = 64
_POLL = 0.05  # seconds; PopTorch sleeps for 15
_held = 0


def present() -> int:
    """Return the IPUs that are there, in use or not."""
    return _control.number("IPUS", 4) if _control.text("IPUS") != "0" else 0


def simulated() -> bool:
    return any(
        os.environ.get(name, "0") not in {"", "0"} for name in ("POPTORCH_IPU_MODEL", "POPTORCH_SMALL_IPU_MODEL")
    )


class Reservation:
    """A number of IPUs held by this process until ``release``."""

    def __init__(self, ipus: int, locks: List[Any]) -> None:
        self.ipus = ipus
        self._locks: Optional[List[Any]] = locks

    def release(self) -> None:
        global _held  # noqa: PLW0603  # of the whole process
        if self._locks is None:
            return
        for lock in self._locks:
            os.close(lock)
        self._locks = None
        _held -= self.ipus


def needed(stages: int, replicas: int, *, round_up: bool) -> int:
    """Return the IPUs to reserve.

    Raises:
        Error: They are no power of two, or too many.
    """
    ipus = stages * replicas
    rounded = 1 << (ipus - 1).bit_length()
    if rounded != ipus and not round_up:
        raise compiler_error(
            f"The model specifies the use of {ipus} IPUs, however PopTorch must reserve a minimum of {rounded} in "
            "order to allow the model to run, because PopTorch must reserve a power of 2 or a multiple of 64 IPUs. "
            "Please reconfigure your model to use a different number of IPUs or set "
            "poptorch.Options().autoRoundNumIPUs(True)."
        )
    if rounded > MOST_IPUS:
        raise compiler_error(f"A process can use at most {MOST_IPUS} IPUs and the model needs {rounded}")
    return rounded


def acquire(ipus: int) -> Reservation:
    """Attach to IPUs; with POPTORCH_WAIT_FOR_IPU wait for those in use, unless the machine never has as many.

    Raises:
        Error: Not as many are there, or free.
    """
    global _held  # noqa: PLW0603  # of the whole process
    if simulated():
        return Reservation(0, [])
    while True:
        locks = _try(ipus)
        if locks is not None:
            _held += ipus
            return Reservation(ipus, locks)
        if present() < ipus:
            raise compiler_error(f"Failed to acquire {ipus} IPU(s): this system doesn't have a device with {ipus} IPUs")
        if not os.environ.get("POPTORCH_WAIT_FOR_IPU"):
            raise compiler_error(f"Failed to acquire {ipus} IPU(s)")
        time.sleep(_POLL)


def _try(ipus: int) -> Optional[List[Any]]:
    if _control.text("DEVICES"):
        return _try_shared(ipus, _control.text("DEVICES"))
    free = present() - _control.number("BUSY", 0) - _held
    return [] if free >= ipus else None


def _try_shared(ipus: int, directory: str) -> Optional[List[int]]:
    locks: List[int] = []
    for index in range(present() - _control.number("BUSY", 0)):
        lock = os.open(os.path.join(directory, f"ipu{index}"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        locks.append(lock)
        if len(locks) == ipus:
            return locks
    for lock in locks:
        os.close(lock)
    return None
