"""The device that a slot computes on, and what is peculiar to each kind."""

import contextlib
import ctypes
import os
from typing import ContextManager, Dict, Optional

import torch

from workers.errors import DeviceError
from workers.protocol.ipu import IPU_ONLY_PRECISIONS

#: Name of a precision → type that autocast computes in; fp32 needs no autocast.
_AUTOCAST: Dict[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}

#: Parameters of mallopt(3).
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def open_device(slot_kind: str) -> torch.device:
    """Return the device of a slot, having set this process up for it.

    Args:
        slot_kind: ``cpu`` or ``cuda`` (``workers.slot`` opens other kinds, too); a ``cuda`` slot sees its own GPU alone
            (``CUDA_VISIBLE_DEVICES``).

    Raises:
        DeviceError: There is no such device, or no such kind.
    """
    if slot_kind == "cpu":
        _keep_freed_memory()
        return torch.device("cpu")
    if slot_kind != "cuda":
        raise DeviceError(f"torch computes on cpu and cuda, not on {slot_kind!r}")
    if not torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
        raise DeviceError(f"torch {torch.__version__} finds no GPU (CUDA_VISIBLE_DEVICES: {visible})")
    return torch.device("cuda", torch.cuda.current_device())


def autocast(device: torch.device, precision: str) -> "ContextManager[object]":
    """Return the context in which a forward pass computes in a precision.

    Raises:
        DeviceError: The device cannot do it.
    """
    if precision == "fp32":
        return contextlib.nullcontext()
    if precision in IPU_ONLY_PRECISIONS:
        raise DeviceError(f"{precision} needs IPUs: on a CPU or a GPU take fp32 or bf16")
    if precision == "fp16" and device.type == "cpu":
        raise DeviceError("fp16 needs a GPU: on a CPU take fp32 or bf16")
    return torch.autocast(device.type, dtype=_AUTOCAST[precision])


def synchronize(device: torch.device) -> None:
    """Wait until the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def reset_peak_memory(device: torch.device) -> bool:
    """Start over counting the peak; return whether that is possible here."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    return_free_memory()
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # resets VmHWM, see proc(5)
    except OSError:
        return False
    return True


def peak_memory_bytes(device: torch.device) -> Optional[int]:
    """Return the most memory held since ``reset_peak_memory``: of the GPU, or of this process; None if unknown."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return _kibibytes("/proc/self/status", "VmHWM:")


def available_memory_bytes(device: torch.device) -> Optional[int]:
    """Return how much memory can still be taken without harm; None if unknown."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch holds but does not use can be used again.
        return int(free) + int(torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return _kibibytes("/proc/meminfo", "MemAvailable:")


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an exception says that memory of the device or the process ran out."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    # torch has no class of its own for a CPU that cannot allocate.
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def return_free_memory() -> None:
    """Have the C library give back to the system what was freed: for others, and so as not to count as the next job's.

    Only glibc can.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next allocation, as torch does with a GPU's.

    Otherwise every step returns its activations to the system and gets them back page by page: hundreds of thousands of
    page faults for a network of usual size, a tenth of a training step and more. Only glibc can be told.
    """
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_M_TRIM_THRESHOLD, -1)  # never shrink the heap unasked
        library.mallopt(_M_MMAP_MAX, 0)  # no mapping of its own, unmapped when freed, for anything


def _kibibytes(path: str, name: str) -> Optional[int]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    values = [int(line.split()[1]) * 1024 for line in lines if line.startswith(name)]
    return values[0] if values else None
