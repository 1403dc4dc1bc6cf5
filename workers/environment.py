"""The hardware and software of this worker, as throughput can depend on them."""

import os
import platform
import re
import socket
from typing import Any, Dict, Sequence

import torch

from workers.measuring.graphics import driver_version
from workers.measuring.processors import cpu_model
from workers.models.kernel_library import kernels
from workers.protocol.orders import Environment

#: Environment variables by which libraries compute or allocate differently; they change throughput like a version does.
_SETTINGS = (
    "LD_PRELOAD",  # another allocator or OpenMP
    "MALLOC_CONF",
    "GLIBC_TUNABLES",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "GOMP_CPU_AFFINITY",
    "NVIDIA_TF32_OVERRIDE",
    "CUDA_LAUNCH_BLOCKING",
    "PYTORCH_CUDA_ALLOC_CONF",
)


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
        software={**(_gpu_software() if on_gpu else _cpu_software()), **settings_in()},
        details=machine_details(),
    )


def settings_in(further: Sequence[str] = ()) -> Dict[str, str]:
    """Return which environment variables are set that change throughput, as one text; nothing where none is.

    Args:
        further: Names of variables beside those that matter on every kind of slot.
    """
    found = [f"{name}={os.environ[name]}" for name in (*_SETTINGS, *further) if os.environ.get(name)]
    return {"settings": " ".join(found)} if found else {}


def machine_details() -> Dict[str, Any]:
    """Return what is worth keeping of this machine and changes no throughput by itself."""
    return {
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "logical_cpus": os.cpu_count(),
    }


def _cpu_software() -> Dict[str, str]:
    software = {"torch": torch.__version__, "onednn": _onednn_version(), "kernels": kernels().name}
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
