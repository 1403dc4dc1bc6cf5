"""Signals that ask a run to end: the first lets running jobs finish, the next ones stop them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self


class Signals:
    """Hears Ctrl-C and SIGTERM for the length of a block."""

    def __init__(self) -> None:
        self._heard: list[int] = []
        self._followed = 0

    def __enter__(self) -> Self:
        self._handlers = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    @property
    def first(self) -> int | None:
        """Number of the first one; None if there was none."""
        return self._heard[0] if self._heard else None

    @property
    def repeated(self) -> bool:
        """Whether somebody has lost patience."""
        return len(self._heard) > 1

    @property
    def urgent(self) -> bool:
        """Whether running jobs shall be stopped rather than waited for."""
        return self.repeated or self.first == signal.SIGTERM

    def heard_more(self) -> bool:
        """Whether there were further ones since this was last asked."""
        news, self._followed = len(self._heard) > self._followed, len(self._heard)
        return news

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._heard.append(number)
