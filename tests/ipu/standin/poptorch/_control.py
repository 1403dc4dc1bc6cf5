"""What a test makes the stand-in do, read from the environment each time it matters.

Environment variables reach workers that run as programs of their own, which objects in a test's memory do not:

======================================  ==============================================================================
``POPTORCH_STANDIN_IPUS``               IPUs present, 4 if not given; 0 is a machine without any
``POPTORCH_STANDIN_BUSY``               IPUs of them that other programs hold
``POPTORCH_STANDIN_DEVICES``            a directory: programs that name the same one share its IPUs, by locked files
``POPTORCH_STANDIN_VERSION``            hardware version, 2 (Mk2) if not given
``POPTORCH_STANDIN_OOM_ABOVE``          largest micro-batch that fits; larger ones run out of memory while compiling
``POPTORCH_STANDIN_RECOVERABLE``        ``N:ACTION``: the Nth run of any program raises RecoverableError, such as
                                        ``3:IPU_RESET``; ``POPTORCH_STANDIN_ONCE`` limits it
``POPTORCH_STANDIN_UNRECOVERABLE``      ``N``: the Nth run of any program raises UnrecoverableError
``POPTORCH_STANDIN_ONCE``               a file: the two errors above happen only while it does not exist, and create it
``POPTORCH_STANDIN_COMPILE_SECONDS``    how long a compilation takes; one that is found in the cache takes none
``POPTORCH_STANDIN_NO_SDK``             importing fails as without an enabled Poplar SDK
``POPTORCH_STANDIN_ANY_TORCH``          importing works with every version of torch, not only PopTorch's
``POPTORCH_STANDIN_LOG``                a file that gets one JSON object a line for everything that happens (compile,
                                        run, attach, ...): what a test in another process can look at
======================================  ==============================================================================
"""

import json
import os
from typing import Any, Optional, Tuple

PREFIX = "POPTORCH_STANDIN_"
_runs = 0


def text(name: str, default: str = "") -> str:
    return os.environ.get(PREFIX + name, default)


def number(name: str, default: int) -> int:
    return int(text(name) or default)


def flag(name: str) -> bool:
    return text(name) not in {"", "0"}


def log(event: str, **details: Any) -> None:
    """Write down what happens, for tests."""
    path = text("LOG")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(dict(details, event=event, pid=os.getpid())) + "\n")


def broken_run() -> Optional[Tuple[str, str]]:
    """Count a run of a program and return (``recoverable``, action) or (``unrecoverable``, "") where it is to fail."""
    global _runs  # noqa: PLW0603  # counts for the whole process
    _runs += 1
    once = text("ONCE")
    if once and os.path.exists(once):
        return None
    count, _, action = text("RECOVERABLE").partition(":")
    found = None
    if count and int(count) == _runs:
        found = ("recoverable", action)
    elif number("UNRECOVERABLE", 0) == _runs:
        found = ("unrecoverable", "")
    if found and once:
        with open(once, "w", encoding="utf-8"):
            pass
    return found
