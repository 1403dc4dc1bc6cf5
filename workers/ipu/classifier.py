"""Running networks forwards on IPUs, on batches of one size."""

import copy
from typing import Dict, List

import torch
from torch import Tensor, nn

from workers.ipu.attachment import Attachment
from workers.ipu.errors import translated
from workers.ipu.options import make_options
from workers.ipu.pipeline import begin_stages
from workers.ipu.precision import activation_type, for_inference
from workers.protocol.ipu import IpuLayout, IpuSettings


class PoptorchClassifier:
    """Runs a copy of a network; compiled at the first call.

    Args:
        network: On the host, in evaluation mode, single precision.
        layout: How it is laid out; its micro-batch is settled.
        precision: One of ``IPU_PRECISIONS``.
        settings: Of the slot.
        attachment: Of the slot.

    Raises:
        JobError: The network cannot be cut into the stages.
    """

    exclusive = True

    def __init__(
        self,
        network: nn.Module,
        *,
        layout: IpuLayout,
        precision: str,
        settings: IpuSettings,
        attachment: Attachment,
    ) -> None:
        import poptorch

        self.images_per_call = layout.images_per_call()
        self._attachment = attachment
        self._type = activation_type(precision)
        own = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        begin_stages(own, layout.ipus_per_replica, layout.split)
        for_inference(own, precision)
        # Evaluation mode anew: what a proxy norm has kept is of before.
        options = make_options(layout, training=False, settings=settings)
        self.executor = poptorch.inferenceModel(own.eval(), options=options)

    def __call__(self, images: Tensor) -> Tensor:
        """Return what the network makes of any number of images; the last call is filled up with zeros.

        Raises:
            DeviceError: The network does not fit on the IPUs, or they are in use or broke.
        """
        self._attachment.take(self.executor)
        outputs: List[Tensor] = []
        for some in torch.split(images.to(self._type), self.images_per_call):
            missing = self.images_per_call - len(some)
            whole = torch.cat([some, some.new_zeros(missing, *some.shape[1:])]) if missing else some
            with translated():
                outputs.append(self.executor(whole.contiguous())[: len(some)])
        return torch.cat(outputs)

    def load(self, weights: Dict[str, Tensor]) -> None:
        """Take other weights; on the IPUs too, where the network is there.

        Raises:
            DeviceError: They broke.
        """
        with translated():
            self.executor.load_state_dict(weights)

    def close(self) -> None:
        """Free the IPUs."""
        self._attachment.destroy(self.executor)
