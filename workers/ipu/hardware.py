"""Which IPUs and which PopTorch this worker has, and why not where it has none."""

import faulthandler
import os
import re
import signal
import sys
from types import ModuleType
from typing import Any, Dict, NamedTuple

import torch

from workers.environment import machine_details, settings_in
from workers.errors import DeviceError
from workers.ipu.tools import device_info
from workers.protocol.ipu import MOST_IPUS, IpuSettings
from workers.protocol.orders import Environment

#: Environment variables by which the same program runs differently on IPUs, or on none.
_SETTINGS = (
    "POPLAR_ENGINE_OPTIONS",
    "POPLAR_RUNTIME_OPTIONS",
    "POPLAR_TARGET_OPTIONS",
    "POPTORCH_DEFAULT_OPTIONS",
    "POPTORCH_IPU_MODEL",
    "POPTORCH_SMALL_IPU_MODEL",
    "POPTORCH_IPU_MODEL_VERSION",
)
#: With one of them PopTorch simulates an IPU on the host.
_SIMULATION = ("POPTORCH_IPU_MODEL", "POPTORCH_SMALL_IPU_MODEL")
#: ``poptorch.ipuHardwareVersion()`` → name.
_GENERATIONS = {1: "Mk1", 2: "Mk2", 21: "C600"}
#: A part of the SDK with its version, as the names of its directories have it.
_SDK_PART = re.compile(r"/(poplar|popart)-[^/:]*?-(\d+\.\d+[^/:]*)")


class Hardware(NamedTuple):
    """The IPUs that PopTorch sees.

    Attributes:
        present: The most that one program can have, a power of two; whether they are free is not told.
        name: Of the kind of IPU.
        info: What ``gc-info`` tells of the first; empty where it is not there.
    """

    present: int
    name: str
    info: Dict[str, str]


def open_ipus(settings: IpuSettings) -> Hardware:
    """Import PopTorch and look for the slot's IPUs, having set this process up for them.

    Raises:
        DeviceError: PopTorch cannot be imported, or there are too few IPUs; the message says what to do.
    """
    if settings.wait:
        os.environ["POPTORCH_WAIT_FOR_IPU"] = "1"
    poptorch = import_poptorch()
    hardware = find_ipus(poptorch)
    wanted = settings.slot_ipus()
    if hardware.present < wanted:
        raise DeviceError(
            f"the slot takes {wanted} IPUs, and a program here can have {hardware.present}: ask for fewer replicas or "
            "ipus_per_replica, or for a larger partition"
        )
    return hardware


def import_poptorch() -> ModuleType:
    """Return PopTorch.

    Its own way with signals and uncaught exceptions is undone: a worker that is told to end has to end.

    Raises:
        DeviceError: It cannot be imported; the message says what to do.
    """
    hook = sys.excepthook
    try:
        import poptorch
    except ModuleNotFoundError as error:
        raise DeviceError(_not_installed(error)) from error
    except ImportError as error:
        raise DeviceError(_not_enabled(error)) from error
    except AssertionError as error:  # of torch's version
        raise DeviceError(f"{_interpreter()} has a PopTorch that cannot use its torch: {_line(error)}") from error
    sys.excepthook = hook
    faulthandler.unregister(signal.SIGTERM)
    return poptorch  # type: ignore[no-any-return]


def find_ipus(poptorch: Any) -> Hardware:
    """Return the IPUs that PopTorch sees.

    Raises:
        DeviceError: There are none.
    """
    if any(os.environ.get(name, "0") not in {"", "0"} for name in _SIMULATION):
        return Hardware(1, "model, simulated on the host", {})
    present = 0
    count = 1
    while count <= MOST_IPUS and poptorch.ipuHardwareIsAvailable(count):
        present, count = count, 2 * count
    if present == 0:
        raise DeviceError(_no_ipus(poptorch.__version__))
    info = device_info()
    generation = _GENERATIONS.get(poptorch.ipuHardwareVersion(), "IPU of unknown kind")
    return Hardware(present, info.get("board variant") or info.get("board type") or generation, info)


def describe_ipus(settings: IpuSettings, hardware: Hardware) -> Environment:
    """Return what a measurement on a slot of IPUs is valid for.

    Args:
        settings: Of the slot; how many IPUs it takes is part of the device's name.
        hardware: That was found.
    """
    import poptorch

    ipus = settings.slot_ipus()
    return Environment(
        slot_kind="ipu",
        device=f"Graphcore IPU {hardware.name} ({ipus} IPU{'s' if ipus > 1 else ''})",
        threads=torch.get_num_threads(),
        software={
            "torch": torch.__version__,
            "poptorch": poptorch.__version__,
            **_sdk_versions(),
            **_firmware(hardware.info),
            **settings_in(_SETTINGS),
        },
        details=dict(machine_details(), ipus=hardware.present, ipu_info=hardware.info),
    )


def _sdk_versions() -> Dict[str, str]:
    """Return the versions of Poplar and PopART where the paths that their scripts set tell them."""
    names = ("POPLAR_SDK_ENABLED", "LD_LIBRARY_PATH", "PYTHONPATH", "PATH")
    paths = ":".join(os.environ.get(name, "") for name in names)
    return dict(reversed(_SDK_PART.findall(paths)))


def _firmware(info: Dict[str, str]) -> Dict[str, str]:
    known = {"driver": "driver version", "firmware": "firmware version"}
    return {name: info[key] for name, key in known.items() if key in info}


def _not_installed(error: ModuleNotFoundError) -> str:
    if error.name != "poptorch":
        return f"PopTorch is in {_interpreter()}, but lacks a package: {_line(error)}"
    return (
        f"there is no PopTorch in {_interpreter()}: name an interpreter that has it (python, under slots.ipu); "
        "the SDK's poptorch-*.whl is for Python 3.8 and torch 2.0.1"
    )


def _not_enabled(error: ImportError) -> str:
    if not os.environ.get("POPLAR_SDK_ENABLED"):
        return (
            f"PopTorch is in {_interpreter()}, but the Poplar SDK is not enabled: name the SDK's "
            "poplar-*/enable.sh and popart-*/enable.sh (enable, under slots.ipu), or source them first"
        )
    enabled = os.environ["POPLAR_SDK_ENABLED"]
    return f"PopTorch in {_interpreter()} does not load with the enabled SDK, {enabled}: {_cause(error)}"


def _no_ipus(version: str) -> str:
    partition = os.environ.get("IPUOF_VIPU_API_PARTITION_ID", "not set")
    return (
        f"PopTorch {version} finds no IPU (IPUOF_VIPU_API_PARTITION_ID: {partition}): "
        "`gc-info --list-devices` and `gc-monitor` show what this machine can reach"
    )


def _interpreter() -> str:
    return f"{sys.executable} (Python {sys.version_info[0]}.{sys.version_info[1]}, torch {torch.__version__})"


def _cause(error: BaseException) -> str:
    return _line(error.__cause__ or error)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
