"""A slot's process: orders in on the standard input, reports out on the standard output."""

import faulthandler
import os
import queue
import signal
import sys
import threading
from types import FrameType
from typing import NoReturn, Optional

from workers.attempt import failed, run_attempt
from workers.private_stdout import printing_to
from workers.protocol.orders import Ready, order_from_json
from workers.reporting import ReportStream
from workers.slot import Slot

#: Exit code after SIGTERM, as shells count it.
_TERMINATED = 128 + signal.SIGTERM


def serve(slot: Slot, stream: ReportStream) -> NoReturn:
    """Do orders until the input ends.

    Never returns: the end of the input means that the supervisor is gone or wants this process gone, and ends it at
    once, in the middle of a job too.

    Args:
        slot: That this process is.
        stream: Where reports go.
    """
    faulthandler.enable()  # a crash in C leaves its Python stack in the log
    signal.signal(signal.SIGTERM, _terminate)
    # Ctrl-C in a terminal reaches every process of the group; what becomes of a running job is the supervisor's say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    stream.send(Ready(slot.environment))
    while True:
        line = lines.get()
        try:
            order = order_from_json(line)
        except (ValueError, TypeError, KeyError) as error:
            stream.send(failed("", 0, ValueError(f"not an order: {error}")))
            continue
        with printing_to(order.directory):
            run_attempt(order, slot, stream)


def _read(lines: "queue.Queue[str]") -> None:
    for line in sys.stdin:
        if line.strip():
            lines.put(line)
    os._exit(0)


def _terminate(number: int, frame: Optional[FrameType]) -> None:
    del number, frame
    os._exit(_TERMINATED)
