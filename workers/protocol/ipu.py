"""How networks are laid out on the Graphcore IPUs of a slot, as plain data.

A slot has a fixed number of IPUs. A network is cut into stages, one IPU each (``ipus_per_replica``), and copied
(``replicas``). Batches multiply:

    images per call of the device = micro-batch × device iterations × accumulation × replicas
    batch of one weight update    = micro-batch × accumulation × replicas

What a training's result depends on is its batch per update, which is the recipe's on every kind of slot; how that batch
is cut up changes its speed alone (but for batch norm, which takes its statistics over a micro-batch).

Source:
    PopTorch 3.4's documentation; the micro-batches are those of the configurations published with "Making EfficientNet
    More Efficient", arXiv 2106.03640.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

#: Number formats of an IPU: fp32; 16.16: weights and activations are half precision; 16.32: weights are single
#: precision, activations half.
IPU_PRECISIONS: Tuple[str, ...] = ("fp32", "16.16", "16.32")
#: Number formats that no other kind of slot has.
IPU_ONLY_PRECISIONS: Tuple[str, ...] = ("16.16", "16.32")
PARTIALS: Tuple[str, ...] = ("float", "half")
DATA_MODES: Tuple[str, ...] = ("generated", "synthetic")
#: IPUs that one process can use at most.
MOST_IPUS = 64
#: Size → largest micro-batch that training takes where none is named; the smaller of the paper's with group size 1 and
#: 16, native resolution. Sizes that the paper does not train are given B5's share of memory.
TYPICAL_MICRO_BATCH: Dict[str, int] = {"b0": 12, "b1": 8, "b2": 12, "b3": 6, "b4": 3, "b5": 2, "b6": 1, "b7": 1}

#: One value for all sizes, or size → value.
PerSize = Union[int, Mapping[str, int]]


class ImpossibleLayoutError(ValueError):
    """A network cannot be laid out as asked.

    Attributes:
        key: Setting that should be changed, a key of ``IpuSettings``.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class IpuLayout:
    """How one network is run on the IPUs of a slot.

    Attributes:
        ipus_per_replica: Stages of the pipeline; a power of two.
        replicas: Copies of the network that share each batch.
        micro_batch: Images that a copy computes at a time; None where the best is searched (inference only).
        accumulation: Micro-batches of a copy per weight update; 1 for inference.
        device_iterations: Batches per call of the device.
        split: First module of each stage after the first, as ``model.named_modules`` names it; empty cuts the network
            into stages of like cost.
        partials: Number format in which convolutions and matrix products are summed.
        available_memory: Share of each IPU's memory that a convolution may take for itself, one per stage; empty leaves
            it to PopTorch.
        stochastic_rounding: Whether half-precision weights are rounded by chance; training only.
        loss_scaling: Factor on the loss that keeps half-precision gradients from vanishing; 1 for fp32.
        data: ``generated``: images come from the host; ``synthetic``: the device makes them up, which leaves out all
            transfer, an upper bound.
    """

    ipus_per_replica: int = 1
    replicas: int = 1
    micro_batch: Optional[int] = None
    accumulation: int = 1
    device_iterations: int = 1
    split: Tuple[str, ...] = ()
    partials: str = "float"
    available_memory: Tuple[float, ...] = ()
    stochastic_rounding: bool = False
    loss_scaling: float = 1.0
    data: str = "generated"

    @property
    def ipus(self) -> int:
        """IPUs in use."""
        return self.ipus_per_replica * self.replicas

    def batch_size(self, micro_batch: Optional[int] = None) -> int:
        """Images per weight update, or per pass through all replicas.

        Args:
            micro_batch: Where the layout leaves it open.
        """
        return self._micro(micro_batch) * self.accumulation * self.replicas

    def images_per_call(self, micro_batch: Optional[int] = None) -> int:
        """Images that one call of the device takes: its combined batch.

        Args:
            micro_batch: Where the layout leaves it open.
        """
        return self.batch_size(micro_batch) * self.device_iterations

    def with_micro_batch(self, micro_batch: int) -> "IpuLayout":
        """Return this layout with the micro-batch settled."""
        return dataclasses.replace(self, micro_batch=micro_batch)

    def micro_batch_of(self, batch_size: int) -> int:
        """Return the micro-batch that makes a batch: the inverse of ``batch_size``."""
        return batch_size // (self.accumulation * self.replicas)

    def _micro(self, given: Optional[int]) -> int:
        micro = self.micro_batch if given is None else given
        if micro is None:
            raise ValueError("the micro-batch is not settled")
        return micro


@dataclass(frozen=True)
class IpuSettings:
    """What a sweep file says about IPU slots, as a slot's worker gets it.

    Attributes:
        ipus_per_replica: Stages for training, by size.
        replicas: Copies for training, by size; every size uses the same number of IPUs, the slot's.
        micro_batch: For training, by size; None takes the largest divisor of the batch up to ``TYPICAL_MICRO_BATCH``.
        split: Size → first module of each stage after the first, for training.
        inference_ipus_per_replica: Stages for inference, by size; copies fill the slot's IPUs.
        inference_micro_batch: By size; None searches the one with the best throughput.
        device_iterations: Batches per call in inference measurements.
        partials: See ``IpuLayout``; None is half with 16.16 and float otherwise.
        available_memory: See ``IpuLayout``: one value for all IPUs, or none.
        stochastic_rounding: See ``IpuLayout``; None is on with 16.16 and off otherwise.
        loss_scaling: See ``IpuLayout``; None is 128 with half-precision activations and 1 otherwise.
        data: See ``IpuLayout``; of measurements.
        executable_cache: Directory where compiled programs are kept; None compiles anew.
        wait: Whether to wait for IPUs that are in use, rather than fail.
    """

    ipus_per_replica: PerSize = 1
    replicas: PerSize = 1
    micro_batch: Optional[PerSize] = None
    split: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    inference_ipus_per_replica: PerSize = 1
    inference_micro_batch: Optional[PerSize] = None
    device_iterations: int = 16
    partials: Optional[str] = None
    available_memory: Optional[float] = None
    stochastic_rounding: Optional[bool] = None
    loss_scaling: Optional[float] = None
    data: str = "generated"
    executable_cache: Optional[str] = None
    wait: bool = False

    def ipus(self, size: str) -> int:
        """Return the IPUs that training a network of a size takes.

        Raises:
            ImpossibleLayoutError: The settings do not name the size.
        """
        return _of(self.ipus_per_replica, size, "ipus_per_replica") * _of(self.replicas, size, "replicas")

    def slot_ipus(self) -> int:
        """Return the IPUs of a slot: those of the size that takes most."""
        named = [value for value in (self.ipus_per_replica, self.replicas) if isinstance(value, Mapping)]
        sizes = set(named[0]).intersection(*named[1:]) if named else {"b0"}
        return max((self.ipus(size) for size in sizes), default=1)


def settings_to_dict(settings: IpuSettings) -> Dict[str, Any]:
    """Return settings as JSON types."""
    return dataclasses.asdict(settings)


def settings_from_dict(data: Mapping[str, Any]) -> IpuSettings:
    """Rebuild settings from ``settings_to_dict``.

    Raises:
        TypeError: The data has an unknown field.
    """
    split = {size: tuple(names) for size, names in dict(data.get("split", {})).items()}
    return IpuSettings(**dict(data, split=split))


def training_layout(settings: IpuSettings, size: str, batch_size: int, *, precision: str, norm: str) -> IpuLayout:
    """Lay a training out so that one weight update takes the recipe's batch.

    Args:
        settings: Of the slot.
        size: Of the network, such as ``b0``.
        batch_size: Images per weight update.
        precision: One of ``IPU_PRECISIONS``.
        norm: Of the network.

    Raises:
        ImpossibleLayoutError: The batch cannot be cut up so.
    """
    stages = _of(settings.ipus_per_replica, size, "ipus_per_replica")
    replicas = _of(settings.replicas, size, "replicas")
    _check_ipus(size, stages, replicas)
    per_replica, rest = divmod(batch_size, replicas)
    if rest or per_replica == 0:
        raise ImpossibleLayoutError(
            "replicas", f"a batch of {batch_size} images cannot be shared by {replicas} replicas of {size}"
        )
    given = None if settings.micro_batch is None else _of(settings.micro_batch, size, "micro_batch")
    micro = _micro_batch(size, per_replica, stages, norm) if given is None else given
    accumulation, rest = divmod(per_replica, micro)
    if rest or accumulation == 0:
        raise ImpossibleLayoutError(
            "micro_batch",
            f"{per_replica} images per replica of {size} ({batch_size} / {replicas}) are no multiple of a micro-batch "
            f"of {micro}",
        )
    if norm == "bn" and (accumulation > 1 or replicas > 1):
        raise ImpossibleLayoutError(
            "micro_batch",
            f"batch norm takes its statistics over a micro-batch, here {micro} of {batch_size} images, which would be "
            f"another network than on other slots: use replicas 1 and micro_batch {batch_size}, or another norm",
        )
    if stages > 1 and accumulation < 2 * stages - 1:
        raise ImpossibleLayoutError(
            "micro_batch",
            f"a pipeline of {stages} IPUs ({size}) needs at least {2 * stages - 1} micro-batches per weight update and "
            f"replica, and {per_replica} images in micro-batches of {micro} are {accumulation}",
        )
    return IpuLayout(
        ipus_per_replica=stages,
        replicas=replicas,
        micro_batch=micro,
        accumulation=accumulation,
        split=_split(settings, size, stages),
        stochastic_rounding=_or(settings.stochastic_rounding, precision == "16.16"),
        loss_scaling=_or(settings.loss_scaling, 1.0 if precision == "fp32" else 128.0),
        **_numbers(settings, stages, precision),
    )


def measured_training_layout(
    settings: IpuSettings, size: str, batch_size: int, *, precision: str, norm: str
) -> IpuLayout:
    """Lay out training steps that are measured: a training's, on the images that the settings want measured with.

    Raises:
        ImpossibleLayoutError: As in ``training_layout``.
    """
    layout = training_layout(settings, size, batch_size, precision=precision, norm=norm)
    return dataclasses.replace(layout, data=settings.data)


def fine_tuning_layout(settings: IpuSettings, size: str, batch_size: int, *, precision: str, norm: str) -> IpuLayout:
    """Lay out the training of a network's last layers, which fit on one IPU: as many replicas as share the batch.

    Raises:
        ImpossibleLayoutError: With batch norm, as in ``training_layout``.
    """
    ipus = 1 if norm == "bn" else settings.ipus(size)
    replicas = max(count for count in _powers_of_two(ipus) if batch_size % count == 0)
    alone = dataclasses.replace(settings, ipus_per_replica=1, replicas=replicas, micro_batch=None, split={})
    return training_layout(alone, size, batch_size, precision=precision, norm=norm)


def inference_layout(
    settings: IpuSettings, size: str, *, precision: str, batch_size: Optional[int] = None
) -> IpuLayout:
    """Lay out a measurement of inference; the replicas fill the slot.

    Args:
        settings: Of the slot.
        size: Of the network.
        precision: One of ``IPU_PRECISIONS``.
        batch_size: Images per pass through all replicas; None takes the settings' micro-batch.

    Raises:
        ImpossibleLayoutError: The stages or the batch do not fit the slot's IPUs.
    """
    stages = _of(settings.inference_ipus_per_replica, size, "inference_ipus_per_replica")
    ipus = settings.ipus(size)
    if ipus % stages:
        raise ImpossibleLayoutError(
            "inference_ipus_per_replica", f"{stages} IPUs per replica of {size} do not divide the slot's {ipus}"
        )
    replicas = ipus // stages
    micro: Optional[int] = None
    if batch_size is not None:
        micro, rest = divmod(batch_size, replicas)
        if rest or micro == 0:
            raise ImpossibleLayoutError(
                "replicas", f"a batch of {batch_size} images cannot be shared by {replicas} replicas of {size}"
            )
    elif settings.inference_micro_batch is not None:
        micro = _of(settings.inference_micro_batch, size, "inference_micro_batch")
    if settings.device_iterations < stages:
        raise ImpossibleLayoutError(
            "device_iterations", f"a pipeline of {stages} IPUs ({size}) needs at least {stages} device iterations"
        )
    return IpuLayout(
        ipus_per_replica=stages,
        replicas=replicas,
        micro_batch=micro,
        device_iterations=settings.device_iterations,
        data=settings.data,
        **_numbers(settings, stages, precision),
    )


def testing_layout(settings: IpuSettings, size: str, *, precision: str) -> IpuLayout:
    """Lay out a test, of which only the answers matter: a settled micro-batch, and few images per call.

    Raises:
        ImpossibleLayoutError: As in ``inference_layout``.
    """
    layout = inference_layout(settings, size, precision=precision)
    micro = layout.micro_batch or TYPICAL_MICRO_BATCH[size]
    return dataclasses.replace(layout, micro_batch=micro, device_iterations=layout.ipus_per_replica, data="generated")


def _of(value: PerSize, size: str, key: str) -> int:
    if not isinstance(value, Mapping):
        return value
    if size not in value:
        raise ImpossibleLayoutError(key, f"{key} names {', '.join(sorted(value))}, and not {size}")
    return value[size]


def _check_ipus(size: str, stages: int, replicas: int) -> None:
    ipus = stages * replicas
    if stages & (stages - 1):
        raise ImpossibleLayoutError("ipus_per_replica", f"{stages} IPUs per replica of {size} is no power of two")
    if ipus & (ipus - 1) or ipus > MOST_IPUS:
        raise ImpossibleLayoutError(
            "replicas", f"{size} would take {ipus} IPUs, which is no power of two up to {MOST_IPUS}"
        )


def _micro_batch(size: str, per_replica: int, stages: int, norm: str) -> int:
    """Return the largest micro-batch that divides a replica's images and keeps a pipeline full; 1 if none does."""
    if norm == "bn":
        return per_replica
    least = 2 * stages - 1 if stages > 1 else 1
    fitting: List[int] = [
        micro
        for micro in range(1, TYPICAL_MICRO_BATCH[size] + 1)
        if per_replica % micro == 0 and per_replica // micro >= least
    ]
    return max(fitting, default=1)


def _split(settings: IpuSettings, size: str, stages: int) -> Tuple[str, ...]:
    split = settings.split.get(size, ())
    if split and len(split) != stages - 1:
        raise ImpossibleLayoutError(
            "split", f"{size} has {stages} stages, so split names {stages - 1} modules, not {len(split)}"
        )
    return split


def _numbers(settings: IpuSettings, stages: int, precision: str) -> Dict[str, Any]:
    memory = settings.available_memory
    return {
        "partials": _or(settings.partials, "half" if precision == "16.16" else "float"),
        "available_memory": () if memory is None else (memory,) * stages,
    }


def _or(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _powers_of_two(up_to: int) -> List[int]:
    return [1 << exponent for exponent in range(up_to.bit_length()) if 1 << exponent <= up_to]
