"""What measuring needs of each kind of device: the seam between the method and the machine.

The method (rounds, blocks, verdicts, statistics) is one for all devices. A bench settles how a network is run on its
device, sets it up, and says what one of its steps is.
"""

from typing import Any, ContextManager, Dict, Iterator, List, NamedTuple, Optional, Protocol, Tuple

import torch
from torch import Tensor

from workers.engine import EpochBatches
from workers.measuring.setting import Setting
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult
from workers.training.observer import Observer

Batch = Tuple[Tensor, Tensor]


class Latencies(NamedTuple):
    """How long single images take.

    Attributes:
        milliseconds: Of each pass, to the microsecond.
        conditions: For the record.
    """

    milliseconds: List[float]
    conditions: Dict[str, Any]


class Network(Protocol):
    """A network on its device, in one setting.

    Attributes:
        images_per_step: Images that one step takes.
        takes_images: Whether a step computes on the images that it is given, rather than on some that the device makes
            up.
    """

    images_per_step: int
    takes_images: bool

    def start(self) -> Dict[str, Any]:
        """Do what comes before the first step and belongs to none; return what there is to tell, for the record."""

    def step(self) -> object:
        """Train on, or classify, a batch of random images that are already where steps take them from."""

    def use(self, images: Tensor, targets: Tensor) -> Tensor:
        """Train on a batch, or classify it.

        Args:
            images: ``images_per_step`` × channels × height × width.
            targets: Classes, or the mass of each class; without influence on inference.

        Returns:
            The loss, or the logits.
        """

    def latencies(self, seconds: float) -> Latencies:
        """Pass single images, one after the other, for some seconds."""


class Bench(Protocol):
    """Where networks are measured.

    Attributes:
        device: That a step leaves at work when it returns, and where batches are prepared; the host's where steps
            return when all is done.
        referenced: Whether that device computes the steps, so that the reference network, which runs on it, tells how
            fast they are at the moment.
    """

    device: torch.device
    referenced: bool

    def choose_setting(self, job: MeasureJob, observer: Observer) -> Setting:
        """Settle what the job leaves open, so that no network is held back by a setting that suits another one."""

    def setting_of(self, job: MeasureJob, earlier: MeasureResult) -> Setting:
        """Return the setting of a job's earlier rounds."""

    def network(self, job: MeasureJob, setting: Setting) -> ContextManager[Network]:
        """Set a network up; the device is free again after the context."""

    def batches(self, source: EpochBatches, job: MeasureJob) -> ContextManager[Iterator[Batch]]:
        """Load the batches of all epochs, one after the other, as training of the job's network does on this device."""

    def reset_peak_memory(self) -> bool:
        """Start over counting the peak; return whether that is possible here."""

    def peak_memory_bytes(self) -> Optional[int]:
        """Return the most memory held since; None if unknown."""

    def conditions(self) -> Dict[str, Any]:
        """Return what is worth noting of the device at one moment."""
