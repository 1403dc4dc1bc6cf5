"""All rounds of a measurement, one after the other, each by a process of its own; for a job alone."""

import dataclasses
import os
import subprocess
import sys
from typing import List, TextIO

from workers.durable_file import write_durably
from workers.order_file import attempt_directory
from workers.protocol.orders import REPORT_FILE, Finished, MeasureResult, Order, order_to_json, report_from_json

#: Name of the file in a round's directory that holds its order.
ORDER_FILE = "order.json"


def measure_rounds(path: str, first: Order, options: List[str], reports: TextIO) -> int:
    """Make rounds until no further one is wanted; the last report holds the result over all of them.

    The loading order of libraries, the places of memory and the choice of kernels differ from process to process and
    are the same for all blocks of one: only several processes show how much a throughput owes to them.

    Args:
        path: The job's file; the rounds' directories lie beside it.
        first: The order of the first round.
        options: Of the command line, for every round.
        reports: Where the rounds' reports go.

    Returns:
        The exit code of the last process: 0 if all went well.
    """
    order = first
    while order.so_far is None or not order.so_far.complete:
        order = dataclasses.replace(order, directory=attempt_directory(path, order.attempt))
        code = _run(order, options, reports)
        if code != 0:
            return code
        order = dataclasses.replace(order, attempt=order.attempt + 1, so_far=_result(order.directory))
    return 0


def _run(order: Order, options: List[str], reports: TextIO) -> int:
    os.makedirs(order.directory, exist_ok=True)
    file = os.path.join(order.directory, ORDER_FILE)
    write_durably(file, order_to_json(order).encode())
    return subprocess.run([sys.executable, "-m", "workers", file, *options], stdout=reports, check=False).returncode


def _result(directory: str) -> MeasureResult:
    """Read what the round left; it was finished, or its process had not ended well."""
    with open(os.path.join(directory, REPORT_FILE), encoding="utf-8") as file:
        report = report_from_json(file.read())
    if not isinstance(report, Finished) or not isinstance(report.result, MeasureResult):
        raise TypeError(f"{directory} holds no measurement")
    return report.result
