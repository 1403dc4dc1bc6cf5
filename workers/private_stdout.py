"""Keeping the standard output for reports alone."""

import os
import sys
from typing import TextIO


def private_stdout() -> TextIO:
    """Take the standard output for reports alone.

    What libraries print from now on, from Python or from C, goes to the standard error instead of into the middle
    of a report.
    """
    sys.stdout.flush()
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return reports
