"""Who drives sweeps: this process, and which of the others are gone.

A driver of this machine is looked up among the processes. One of another machine counts as dead when its heartbeats
stand still for a lease by this process's own clock: no two clocks are compared, so none has to be right.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from db.records import DriverIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from db.records import DriverRow
    from db.store import Store

#: A driver of another machine whose heartbeat (every 5 s) stands still for this long counts as dead, seconds.
LEASE_SECONDS = 90.0


def this_driver() -> DriverIdentity:
    """Return the identity of this process."""
    return DriverIdentity(
        driver_id=uuid.uuid4().hex,
        host=socket.gethostname(),
        pid=os.getpid(),
        boot_id=_boot_id(),
        process_started=_start_of(os.getpid()),
    )


def is_gone(driver: DriverRow) -> bool:
    """Whether the driver certainly does not run any more.

    Only a driver of this machine can be known to be gone; of another one the heartbeats must tell.
    """
    if driver.host != socket.gethostname():
        return False
    if driver.boot_id != _boot_id():
        return True
    try:
        return abs(_start_of(driver.pid) - driver.process_started) > 0.5
    except psutil.NoSuchProcess:
        return True


def _boot_id() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text("ascii").strip() if path.exists() else f"boot {psutil.boot_time():.0f}"


def _start_of(pid: int) -> float:
    """Return when a process started, in seconds since the machine's boot where the kernel tells (no clock moves it).

    Raises:
        psutil.NoSuchProcess: There is none.
    """
    process = psutil.Process(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return process.create_time()
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")  # field 22 of proc(5): starttime


class DriverWatch:
    """Looks after the other drivers of a store.

    Args:
        store: The results database.
        driver_id: This driver, which is left out.
        clock: Seconds, never going back.
    """

    def __init__(self, store: Store, driver_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._driver_id = driver_id
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}

    def reap_the_dead(self) -> list[tuple[str, int]]:
        """Give the jobs of dead drivers back, and return them as (fingerprint, attempt)."""
        given_back: list[tuple[str, int]] = []
        for driver in self._store.live_drivers():
            if driver.driver_id != self._driver_id and (is_gone(driver) or self._is_silent(driver)):
                given_back += self._store.reap_driver(driver.driver_id, driver.beats)
        return given_back

    def _is_silent(self, driver: DriverRow) -> bool:
        now = self._clock()
        beats, since = self._seen.get(driver.driver_id, (-1, now))
        if beats != driver.beats:
            self._seen[driver.driver_id] = (driver.beats, now)
            return False
        return now - since >= LEASE_SECONDS
