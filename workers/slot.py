"""What a worker process has to do its jobs with, by the kind of slot that it is."""

from typing import NamedTuple, Optional

from workers.device import open_device
from workers.engine import Engine
from workers.environment import describe_environment
from workers.measuring.bench import Bench
from workers.measuring.torch_bench import TorchBench
from workers.protocol.ipu import IpuSettings
from workers.protocol.orders import Environment
from workers.torch_engine import TorchEngine


class Slot(NamedTuple):
    """One slot, as its own process sees it.

    Attributes:
        engine: What trains and tests.
        bench: Where throughput is measured.
        environment: What its measurements are valid for.
    """

    engine: Engine
    bench: Bench
    environment: Environment


def open_slot(kind: str, ipu: Optional[IpuSettings] = None) -> Slot:
    """Return a slot, having set this process up for it.

    Args:
        kind: ``cpu``, ``cuda`` or ``ipu``.
        ipu: How IPUs are used, for a slot of them; None for the defaults.

    Raises:
        DeviceError: There is no such device, or no such kind.
    """
    if kind == "ipu":
        from workers.ipu.slot import open_ipu_slot

        return Slot(*open_ipu_slot(ipu or IpuSettings()))
    device = open_device(kind)
    return Slot(TorchEngine(device), TorchBench(device), describe_environment(kind, device))
