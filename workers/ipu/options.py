"""From a layout to PopTorch's options."""

from typing import Any

import torch

from workers.protocol.ipu import IpuLayout, IpuSettings


def make_options(layout: IpuLayout, *, training: bool, settings: IpuSettings, seed: int = 0) -> Any:
    """Return the ``poptorch.Options`` by which a network is compiled.

    Group norms keep torch's order of channels, rather than the strided one that is quicker, so that checkpoints mean
    the same on every kind of slot.

    Args:
        layout: Its micro-batch is settled.
        training: Whether weights are updated.
        settings: Of the slot.
        seed: Of what the device draws: dropout, stochastic depth, rounding by chance.
    """
    import poptorch

    options = poptorch.Options()
    options.deviceIterations(layout.device_iterations)
    options.replicationFactor(layout.replicas)
    options.showCompilationProgressBar(False)
    options.Precision.setPartialsType(torch.half if layout.partials == "half" else torch.float)
    if training:
        options.outputMode(poptorch.OutputMode.Sum)
        options.randomSeed(seed)
        options.Training.gradientAccumulation(layout.accumulation)
        options.Training.accumulationAndReplicationReductionType(poptorch.ReductionType.Mean)
        options.Precision.enableStochasticRounding(layout.stochastic_rounding)
        options.enableStableNorm(True)
    else:
        options.outputMode(poptorch.OutputMode.All)
    if layout.available_memory:
        shares = {f"IPU{number}": share for number, share in enumerate(layout.available_memory)}
        options.setAvailableMemoryProportion(shares)
    if layout.data == "synthetic":
        options.enableSyntheticData(True)
    if settings.executable_cache is not None:
        options.enableExecutableCaching(settings.executable_cache)
    return options
