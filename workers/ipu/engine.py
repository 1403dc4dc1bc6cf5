"""The engine of IPUs: PopTorch."""

import contextlib
import dataclasses
import os
from typing import ContextManager

import torch
from torch import nn

from workers.engine import EpochBatches, OptimizerSettings, Updates, Work
from workers.errors import JobError
from workers.ipu.attachment import Attachment
from workers.ipu.classifier import PoptorchClassifier
from workers.ipu.loader import LoadedAhead
from workers.ipu.precision import activation_type, check_precision
from workers.ipu.trainer import PoptorchTrainer
from workers.models.kernel_library import SWITCH
from workers.protocol.ipu import (
    ImpossibleLayoutError,
    IpuLayout,
    IpuSettings,
    fine_tuning_layout,
    testing_layout,
    training_layout,
)


class PoptorchEngine:
    """Computes with PopTorch.

    Images are prepared on the host, by another process where a training loads them. One network is on the IPUs at a
    time; between training and testing they change places, each with its weights.

    With the same seed and ``fp32`` a training gives what torch gives: order and preparation of the images, initial
    weights, learning rates and averages are the same code. Dropout and stochastic depth draw other numbers. An average
    per update (``ema``) copies the weights to the host at every one: right, and slow.

    Args:
        settings: Of the slot.
    """

    name = "poptorch"
    memory_format = torch.contiguous_format

    def __init__(self, settings: IpuSettings) -> None:
        os.environ[SWITCH] = "off"  # PopTorch compiles torch's operations, not our kernels
        self.settings = settings
        self.device = torch.device("cpu")
        self.attachment = Attachment()

    def trainer(
        self, network: nn.Module, optimizer: OptimizerSettings, work: Work, updates: Updates
    ) -> PoptorchTrainer:
        """Prepare to train a network.

        Raises:
            DeviceError: The precision is none of an IPU's.
            JobError: The batch cannot be cut up as the slot's settings say, or PopTorch has no such optimiser.
        """
        check_precision(work.precision)
        return PoptorchTrainer(
            network,
            optimizer,
            layout=self._training_layout(work, updates.batch_size),
            precision=work.precision,
            updates=updates,
            settings=self.settings,
            attachment=self.attachment,
        )

    def classifier(self, network: nn.Module, work: Work) -> PoptorchClassifier:
        """Prepare to run a network forwards.

        Raises:
            DeviceError: The precision is none of an IPU's.
            JobError: The network cannot be laid out as the slot's settings say.
        """
        check_precision(work.precision)
        return PoptorchClassifier(
            network,
            layout=self._testing_layout(work),
            precision=work.precision,
            settings=self.settings,
            attachment=self.attachment,
        )

    def epochs(self, batches: EpochBatches, first: int, work: Work) -> LoadedAhead:
        """Return the batches from an epoch on, prepared ahead by another process."""
        return LoadedAhead(batches, first, activation_type(work.precision))

    def autocast(self, precision: str) -> "ContextManager[object]":
        """Return the context in which torch computes on the host: in single precision, whatever the IPUs do.

        Raises:
            DeviceError: The precision is none of an IPU's.
        """
        check_precision(precision)
        return contextlib.nullcontext()

    def synchronize(self) -> None:
        """Do nothing: a call of the device returns when it is done."""

    def close(self) -> None:
        """Free the IPUs, for jobs of other workers."""
        self.attachment.release()

    def _training_layout(self, work: Work, batch_size: int) -> IpuLayout:
        lay_out = training_layout if work.part == "network" else fine_tuning_layout
        variant = work.variant
        try:
            return lay_out(self.settings, variant.size, batch_size, precision=work.precision, norm=variant.norm)
        except ImpossibleLayoutError as error:
            raise JobError(f"slots.ipu.{error.key}: {error}") from error

    def _testing_layout(self, work: Work) -> IpuLayout:
        settings = self.settings
        if work.part == "tuned":  # a few layers
            settings = dataclasses.replace(settings, inference_ipus_per_replica=1)
        try:
            return testing_layout(settings, work.variant.size, precision=work.precision)
        except ImpossibleLayoutError as error:
            raise JobError(f"slots.ipu.{error.key}: {error}") from error
