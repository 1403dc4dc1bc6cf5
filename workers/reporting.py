"""The way of reports out of this process: a stream of lines, and the spool file of the last one."""

import os
import threading
import time
from typing import TextIO

from workers.durable_file import write_durably
from workers.protocol.orders import REPORT_FILE, EpochDone, Order, Progress, Report, report_to_json
from workers.training.observer import Epoch

#: Shortest time between two signs of progress: often enough for a person, rare enough to cost nothing.
_PROGRESS_SECONDS = 0.5


class ReportStream:
    """Writes reports as lines, each whole.

    Args:
        stream: Where they go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, report: Report) -> None:
        """Write one report; where nobody reads any more, end this process.

        Going on would be work for nobody, and an exception would make the job look failed. A final report is in
        its spool file by then.
        """
        with self._lock:
            try:
                self._stream.write(report_to_json(report) + "\n")
                self._stream.flush()
            except BrokenPipeError:
                os._exit(1)


class AttemptObserver:
    """Turns what a job tells into reports of one attempt.

    Args:
        order: The attempt.
        stream: Where its reports go.
    """

    def __init__(self, order: Order, stream: ReportStream) -> None:
        self._job = order.job.fingerprint
        self._attempt = order.attempt
        self._stream = stream
        self._sent = float("-inf")

    def progress(self, done: float, text: str) -> None:
        """Report progress, unless the last was a moment ago."""
        now = time.monotonic()
        if now - self._sent >= _PROGRESS_SECONDS:
            self._sent = now
            self._stream.send(Progress(self._job, self._attempt, min(1.0, done), text))

    def epoch_done(self, number: int, epoch: Epoch) -> None:
        """Report the end of an epoch."""
        self._stream.send(EpochDone(self._job, self._attempt, number, **epoch._asdict()))


def spool(directory: str, report: Report) -> None:
    """Keep the report that ends an attempt, whatever becomes of its readers.

    Raises:
        OSError: The disk is full or the directory cannot be written.
    """
    write_durably(os.path.join(directory, REPORT_FILE), report_to_json(report).encode())
