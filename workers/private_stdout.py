"""Where what this process prints goes: reports to their reader, everything else to a log."""

import contextlib
import os
import sys
from typing import Iterator, TextIO

from workers.protocol.orders import LOG_FILE


def private_stdout() -> TextIO:
    """Take the standard output for reports alone.

    What libraries print from now on, from Python or from C, goes to the standard error instead of into the middle
    of a report.
    """
    sys.stdout.flush()
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return reports


@contextlib.contextmanager
def printing_to(directory: str) -> Iterator[None]:
    """Send what is printed meanwhile, from Python or from C, to the log in an attempt's directory.

    Where there can be no such file, it goes on going where it went: a log is not worth a job.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        log = os.open(os.path.join(directory, LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError:
        yield
        return
    before = os.dup(2)
    try:
        _point_output_at(log)
        yield
    finally:
        _point_output_at(before)
        os.close(before)
        os.close(log)


def _point_output_at(descriptor: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    for standard in (1, 2):
        os.dup2(descriptor, standard)
