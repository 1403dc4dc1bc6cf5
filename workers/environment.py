"""The hardware and software of this worker, as throughput can depend on them."""

import os
import platform
import re
import socket
from typing import Any, Dict

import torch

from workers.measuring.graphics import driver_version
from workers.measuring.processors import cpu_model
from workers.protocol.orders import Environment


def describe_environment(slot_kind: str, device: torch.device) -> Environment:
    """Return what a measurement on this slot is valid for.

    Args:
        slot_kind: ``cpu`` or ``cuda``.
        device: Of the slot.
    """
    on_gpu = device.type == "cuda"
    return Environment(
        slot_kind=slot_kind,
        device=torch.cuda.get_device_name(device) if on_gpu else cpu_model(),
        threads=torch.get_num_threads(),
        software=_gpu_software() if on_gpu else _cpu_software(),
        details=_details(),
    )


def _cpu_software() -> Dict[str, str]:
    software = {"torch": torch.__version__, "onednn": _onednn_version()}
    if hasattr(torch.backends, "cpu"):  # torch 2.0 cannot tell yet
        software["cpu_capability"] = torch.backends.cpu.get_cpu_capability()
    return software


def _gpu_software() -> Dict[str, str]:
    return {
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "unknown",
        "cudnn": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
        "driver": driver_version() or "unknown",
    }


def _onednn_version() -> str:
    found = re.search(r"(?:MKL-DNN|oneDNN) v([\d.]+)", torch.__config__.show())
    return found.group(1) if found else "unknown"


def _details() -> Dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "logical_cpus": os.cpu_count(),
    }
