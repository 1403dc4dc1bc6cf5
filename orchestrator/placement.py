"""Which kinds of slot can run what, and how networks lie on the IPUs of a slot.

A number format decides first: 16.16 and 16.32 are IPUs', bf16 and fp16 the other slots'. On IPUs a batch has to be cut
into micro-batches, and batch norm, which takes its statistics over one of them, allows that in one way only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from workers.protocol.ipu import (
    IPU_ONLY_PRECISIONS,
    IPU_PRECISIONS,
    ImpossibleLayoutError,
    fine_tuning_layout,
    inference_layout,
    measured_training_layout,
    testing_layout,
)
from workers.protocol.jobs import EvaluateJob

if TYPE_CHECKING:
    from workers.protocol.ipu import IpuLayout, IpuSettings
    from workers.protocol.jobs import TrainJob
    from workers.protocol.recipe import FineTune
    from workers.protocol.variant import Variant

#: Fine-tuning that changes no weight, so that no batch is trained on.
_UNTRAINED_LAYERS = frozenset({"none", "batch-norm-statistics"})


class Place(NamedTuple):
    """Where a measurement is made.

    Attributes:
        kind: Of the slot.
        environment_key: Of the slot's environment.
    """

    kind: str
    environment_key: str


def has_precision(kind: str, precision: str) -> bool:
    """Tell whether slots of a kind compute in a number format."""
    return precision in IPU_PRECISIONS if kind == "ipu" else precision not in IPU_ONLY_PRECISIONS


def runs_on(kind: str, job: TrainJob | EvaluateJob, ipu: IpuSettings | None) -> bool:
    """Tell whether slots of a kind can run a training or an evaluation.

    Args:
        kind: Of slot.
        job: What is to be done.
        ipu: Settings of the sweep's IPU slots; None where it has none.
    """
    training = job.training if isinstance(job, EvaluateJob) else job
    if not has_precision(kind, training.precision):
        return False
    if kind != "ipu" or ipu is None:
        return True
    try:
        if isinstance(job, EvaluateJob):
            test_of(ipu, training.variant, training.precision)
            fine_tuning_of(ipu, training.variant, training.precision, job.fine_tune)
        else:
            training_of(ipu, training.variant, training.precision, training.recipe.batch_size)
    except ImpossibleLayoutError:
        return False
    return True


def training_of(ipu: IpuSettings, variant: Variant, precision: str, batch_size: int) -> IpuLayout:
    """Lay out a training, or training steps that are measured.

    Raises:
        ImpossibleLayoutError: It cannot be done.
    """
    return measured_training_layout(ipu, variant.size, batch_size, precision=precision, norm=variant.norm)


def inference_of(ipu: IpuSettings, variant: Variant, precision: str, batch_size: int | None) -> IpuLayout:
    """Lay out inference that is measured; without a batch size the micro-batch may stay open.

    Raises:
        ImpossibleLayoutError: It cannot be done.
    """
    return inference_layout(ipu, variant.size, precision=precision, batch_size=batch_size)


def test_of(ipu: IpuSettings, variant: Variant, precision: str) -> IpuLayout:
    """Lay out a test.

    Raises:
        ImpossibleLayoutError: It cannot be done.
    """
    return testing_layout(ipu, variant.size, precision=precision)


def fine_tuning_of(ipu: IpuSettings, variant: Variant, precision: str, fine_tune: FineTune) -> IpuLayout | None:
    """Lay out the training of the last layers before a test; None where no weight changes.

    Raises:
        ImpossibleLayoutError: It cannot be done.
    """
    if fine_tune.layers in _UNTRAINED_LAYERS:
        return None
    return fine_tuning_layout(ipu, variant.size, fine_tune.batch_size, precision=precision, norm=variant.norm)
