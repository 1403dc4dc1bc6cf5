"""The ``slots`` section of a sweep file: on what to run, and what each kind of slot is told."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from orchestrator.mapping_values import BySize, Texts, Variables
from orchestrator.sweep_values import Choice, Flag, Number, OneOrMore, Section, Text, Whole
from workers.protocol.ipu import DATA_MODES, MOST_IPUS, PARTIALS, IpuSettings

AUTO = "auto"

_Count: TypeAlias = Annotated[int, Whole(1, 4096)]
_Ipus: TypeAlias = Annotated[int | Mapping[str, int], BySize(Whole(1, MOST_IPUS, unit="IPUs"))]
_Replicas: TypeAlias = Annotated[int | Mapping[str, int], BySize(Whole(1, MOST_IPUS))]
_MicroBatch: TypeAlias = Annotated[int | str | Mapping[str, int], BySize(Whole(1, 65_536, unit="images"), (AUTO,))]


def _default_if_empty(value: Any) -> Any:
    """Take a key without a value (``cuda:``) for a section of defaults."""
    return {} if value is None else value


class CpuSlots(Section):
    """Slots made of processor cores."""

    threads: _Count = 1
    """Cores of a slot."""
    count: _Count | None = None
    """Slots per machine; as many as fit if left out."""


class CudaSlots(Section):
    """Slots of one CUDA GPU each."""

    threads: _Count = 1
    """Cores that prepare a slot's images."""
    count: _Count | None = None
    """Slots per machine; all GPUs if left out."""


class IpuInference(Section):
    """How networks are laid out when they are tested or measured in inference."""

    ipus_per_replica: _Ipus = 1
    """Stages of the pipeline, one IPU each: a number, or size → number; copies fill the slot's IPUs."""
    micro_batch: _MicroBatch = AUTO
    """Images that a copy computes at a time in measurements: a number, or size → number; auto searches the fastest."""
    device_iterations: Annotated[int, Whole(1, 65_536)] = 16
    """Batches that the device takes per call in measurements."""


class IpuSlots(Section):
    """Slots of Graphcore IPUs, through PopTorch; see docs/ipu.md."""

    python: Annotated[str, Text()]
    """The interpreter that PopTorch is installed in, as a rule a Python 3.8 of its own."""
    enable: Annotated[tuple[Annotated[str, Text()], ...], OneOrMore()] = ()
    """Scripts of the Poplar SDK to source first, in order."""
    variables: Annotated[Mapping[str, str], Variables()] = {}
    """Environment variables for the worker, such as IPUOF_VIPU_API_PARTITION_ID; set before the scripts are sourced."""
    threads: _Count = 1
    """Cores that prepare a slot's images."""
    count: _Count | None = None
    """Slots per machine; as many as there are IPUs for if left out."""
    ipus_per_replica: _Ipus = 1
    """Stages of the training pipeline, one IPU each: a number, or size → number; a power of two."""
    replicas: _Replicas = 1
    """Copies that share each training batch: a number, or size → number; all sizes use the same number of IPUs."""
    micro_batch: _MicroBatch = AUTO
    """Images that a copy trains on at a time: a number, or size → number; auto is the paper's if the batch allows."""
    split: Annotated[Mapping[str, tuple[str, ...]], BySize(Texts(), alone=False)] = {}
    """Size → first module of each stage after the first; sizes left out are cut into stages of like cost."""
    inference: IpuInference = IpuInference()
    """Layout of tests and of inference measurements."""
    partials: Annotated[str, Choice((AUTO, *PARTIALS))] = AUTO
    """Number format of sums in convolutions; auto is half with precision 16.16 and float otherwise."""
    available_memory: Annotated[float | str, Number(0, 1, low_open=True, words=(AUTO,))] = AUTO
    """Share of an IPU's memory that a convolution may take for itself; auto leaves it to PopTorch."""
    stochastic_rounding: Annotated[bool | str, Flag((AUTO,))] = AUTO
    """Whether half-precision weights are rounded by chance; auto is true with precision 16.16."""
    loss_scaling: Annotated[float | str, Number(0, low_open=True, words=(AUTO,))] = AUTO
    """Factor on the loss; auto is 128 with precisions 16.16 and 16.32, and 1 with fp32."""
    data: Annotated[str, Choice(DATA_MODES)] = "generated"
    """Measured with images from the host, or with synthetic ones made on the device, an upper bound."""
    executable_cache: Annotated[str, Text()] | None = None
    """Directory where compiled programs are kept; poplar-cache beside the runs' files if left out."""
    wait: Annotated[bool, Flag()] = False
    """Whether to wait for IPUs that are in use, rather than fail."""

    @property
    def settings(self) -> IpuSettings:
        """What the slot's worker gets, in its terms."""
        return IpuSettings(
            ipus_per_replica=self.ipus_per_replica,
            replicas=self.replicas,
            micro_batch=_none_if_auto(self.micro_batch),
            split=dict(self.split),
            inference_ipus_per_replica=self.inference.ipus_per_replica,
            inference_micro_batch=_none_if_auto(self.inference.micro_batch),
            device_iterations=self.inference.device_iterations,
            partials=_none_if_auto(self.partials),
            available_memory=_none_if_auto(self.available_memory),
            stochastic_rounding=_none_if_auto(self.stochastic_rounding),
            loss_scaling=_none_if_auto(self.loss_scaling),
            data=self.data,
            executable_cache=self.executable_cache,
            wait=self.wait,
        )

    def located(self, directory: Path) -> "IpuSlots":
        """Return this section with absolute paths; relative ones start at a directory.

        An interpreter without a slash in its name is looked for among the programs of each machine.
        """
        cache = self.executable_cache
        changes = {
            "python": _absolute(self.python, directory) if "/" in self.python else self.python,
            "enable": tuple(_absolute(script, directory) for script in self.enable),
            "executable_cache": None if cache is None else _absolute(cache, directory),
        }
        return self.model_copy(update=changes)


class SlotsSection(Section):
    """On what to run; only the kinds named here."""

    cpu: Annotated[CpuSlots | None, BeforeValidator(_default_if_empty)] = None
    """Processor cores."""
    cuda: Annotated[CudaSlots | None, BeforeValidator(_default_if_empty)] = None
    """CUDA GPUs."""
    ipu: Annotated[IpuSlots | None, BeforeValidator(_default_if_empty)] = None
    """Graphcore IPUs."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are named."""
        return tuple(kind for kind in type(self).model_fields if getattr(self, kind) is not None)

    def located(self, directory: Path) -> "SlotsSection":
        """Return this section with absolute paths; relative ones start at a directory."""
        return self if self.ipu is None else self.model_copy(update={"ipu": self.ipu.located(directory)})


def _absolute(path: str, directory: Path) -> str:
    return str((directory / os.path.expanduser(path)).absolute())  # noqa: PTH111  # Path's fails on unknown users


def _none_if_auto(value: Any) -> Any:
    return None if value == AUTO else value
