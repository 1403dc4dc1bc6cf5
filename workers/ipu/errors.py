"""What PopTorch raises, in words that say what to do, each with its class of failure."""

import contextlib
import re
from typing import Any, Iterator

from workers.errors import DeviceBrokenError, DeviceError, DeviceMemoryError, DeviceResetError, JobError

#: What the compilers say where a program does not fit into the tiles' memory; there is no class of its own for it.
_TOO_LARGE = re.compile(
    r"out of memory"
    r"|more data than it has total memory"
    r"|too much code to fit"
    r"|memory_allocation_error"
    r"|exceed\w* (?:the )?(?:available |tile )?memory",
    re.IGNORECASE,
)
#: What is said where IPUs are in use, or too few.
_NOT_FREE = re.compile(r"failed to (?:acquire|attach)|no (?:IPU|device) (?:detected|found|available)", re.IGNORECASE)
#: Poplar's names of the ways in which a device is reset → what a person does.
_RECOVERIES = {
    "IPU_RESET": "reset the IPUs (a new process does so when it attaches)",
    "LINK_RESET": "reset the links between the IPUs (vipu reset partition)",
    "PARTITION_RESET": "reset the partition (vipu reset partition)",
    "FULL_RESET": "switch the IPU machine off and on",
}
#: Kinds of failure of the system whose cause Poplar does not know; a new process may fare better.
_UNKNOWN_CAUSE = "unknown_runtime_error"
#: Characters of PopTorch's words that are repeated; all are in the traceback.
_LONGEST = 500


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Have what PopTorch raises meanwhile raised as one of ours, with a class of failure.

    Raises:
        DeviceMemoryError: The network does not fit on the IPUs.
        DeviceResetError: The IPUs failed and have to be reset.
        DeviceBrokenError: They failed for good.
        DeviceError: They are in use, or too few.
        JobError: Anything else that PopTorch refuses.
    """
    import poptorch

    try:
        yield
    except poptorch.Error as error:
        raise translation(error) from error


def translation(error: Any) -> JobError:
    """Return a PopTorch error in our words.

    Args:
        error: A ``poptorch.Error``. Its attributes belong to the class, and the next error overwrites them.
    """
    import poptorch

    said = _in_one_line(error.message or str(error))
    kind = error.type or type(error).__name__
    if isinstance(error, poptorch.UnrecoverableError):
        return DeviceBrokenError(f"the IPUs failed for good, take the machine out of service: {said}")
    if isinstance(error, poptorch.RecoverableError):
        action = error.recovery_action
        todo = _RECOVERIES.get(action, f"recover them ({action})" if action else "reset them")
        return DeviceResetError(f"the IPUs failed; to go on, {todo}: {said}")
    if kind.endswith(_UNKNOWN_CAUSE):
        return DeviceResetError(f"the IPUs failed for a reason that Poplar does not know: {said}")
    if _TOO_LARGE.search(f"{kind} {error}"):
        return DeviceMemoryError(
            "the network does not fit on the IPUs: take a smaller micro_batch, more ipus_per_replica, or a lower "
            f"available_memory: {said}"
        )
    if _NOT_FREE.search(said):
        return DeviceError(f"the IPUs are in use or too few; wait: true waits until they are free: {said}")
    return JobError(f"PopTorch refuses ({kind}): {said}")


def _in_one_line(text: str) -> str:
    """Return what was said, without the places in PopTorch's own code."""
    said, _, _ = text.partition("Error raised in:")
    return " ".join(said.split())[:_LONGEST] or "no reason given"
