"""A slot of IPUs."""

from typing import Tuple

from workers.ipu.bench import IpuBench
from workers.ipu.engine import PoptorchEngine
from workers.ipu.hardware import describe_ipus, open_ipus
from workers.protocol.ipu import IpuSettings
from workers.protocol.orders import Environment


def open_ipu_slot(settings: IpuSettings) -> Tuple[PoptorchEngine, IpuBench, Environment]:
    """Return what computes, where throughput is measured, and what measurements are valid for.

    Raises:
        DeviceError: PopTorch cannot be imported, or there are too few IPUs.
    """
    hardware = open_ipus(settings)
    engine = PoptorchEngine(settings)
    return engine, IpuBench(engine), describe_ipus(settings, hardware)
