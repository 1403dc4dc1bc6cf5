"""Calling a store that may be away for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from db.errors import DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: How long a driver waits for a database that went away while the slots go on working, seconds.
PATIENCE_SECONDS = 600.0


class PatientCalls:
    """Calls again until the store answers; the driver's ``Patience``.

    Args:
        note: Tells a person that it waits.
        hurried: Whether somebody wants an end now, and waiting is over.
    """

    def __init__(self, note: Callable[[str], None], hurried: Callable[[], bool]) -> None:
        self._note = note
        self._hurried = hurried

    def __call__(self, call: Callable[[], T]) -> T:
        """Call the store; while it is away, wait: the slots go on working and nothing they report is lost.

        Raises:
            DatabaseUnavailableError: It has been away for too long.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        told = False
        while True:
            try:
                return call()
            except DatabaseUnavailableError as error:
                if time.monotonic() > give_up or self._hurried():
                    raise
                if not told:
                    self._note(f"the database is away, waiting for it: {error}")
                    told = True
                time.sleep(1.0)
