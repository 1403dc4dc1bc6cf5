"""A compiled model on its IPUs: weights of its own, buffers for each replica, and a generator of random numbers."""

import time
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from torch import Tensor

from poptorch import _control
from poptorch._errors import recoverable, unrecoverable
from poptorch._graph import Graph, Slot, flatten, rebuild
from poptorch._updates import Updater
from poptorch.enums import OutputMode, ReductionType


class Steps(NamedTuple):
    """Micro-batches of a call: ``[iterations, accumulation, replicas]``, which is the order of the data as well."""

    iterations: int
    accumulation: int
    replicas: int

    @property
    def count(self) -> int:
        return self.iterations * self.accumulation * self.replicas

    def index(self, iteration: int, accumulated: int, replica: int) -> int:
        return (iteration * self.accumulation + accumulated) * self.replicas + replica


class Times(NamedTuple):
    """Seconds at which each micro-batch was asked for, was there, had its outputs ready and had sent them."""

    asked: List[float]
    there: List[float]
    ready: List[float]
    sent: List[float]


class Program:
    """What the device holds and runs.

    Args:
        graph: Of one micro-batch.
        steps: Micro-batches of a call.
        options: Of the model.
        loss: That is minimised; None for inference.
        updater: Of the weights; None for inference.
    """

    def __init__(
        self, graph: Graph, steps: Steps, options: Any, loss: Optional[Slot], updater: Optional[Updater]
    ) -> None:
        self.graph = graph
        self.steps = steps
        self.updater = updater
        self.weights: Dict[str, Tensor] = {}
        self.buffers: List[Dict[str, Tensor]] = []
        self.times = Times([], [], [], [])
        self.cycles: Optional[int] = None
        self.synthetic = options._Popart.options.get("syntheticDataMode", 0) != 0
        self._loss = loss
        self._mode = OutputMode(options.output_mode)
        self._period = options.output_return_period
        reduction = options.Training.accumulation_and_replication_reduction_type
        self._mean = reduction == ReductionType.Mean
        self._trained = sorted({name for names in updater.description.names for name in names}) if updater else []
        self.random_state: Tensor = torch.get_rng_state()

    def upload(self, weights: Dict[str, Tensor], buffers: Dict[str, Tensor]) -> None:
        """Take weights and buffers from the host; every replica gets the same."""
        self.weights = {name: _single(tensor) for name, tensor in weights.items()}
        self.buffers = [{name: _single(tensor) for name, tensor in buffers.items()} for _ in range(self.steps.replicas)]

    def run(self, inputs: List[Tensor]) -> Any:
        """Work through one call's data.

        Args:
            inputs: Each with all micro-batches of the call in its first dimension.

        Returns:
            The outputs in the structure of the model's.

        Raises:
            RecoverableError, UnrecoverableError: Where a test asks for them.
        """
        fault = _control.broken_run()
        if fault is not None:
            raise recoverable(fault[1]) if fault[0] == "recoverable" else unrecoverable()
        parts = [_cut(tensor, self.steps.count) for tensor in inputs]
        self.times = Times([], [], [], [])
        started = time.perf_counter()
        host_state = torch.get_rng_state()
        torch.set_rng_state(self.random_state)
        try:
            outputs = self._iterate(parts)
        finally:
            self.random_state = torch.get_rng_state()
            torch.set_rng_state(host_state)
        self.cycles = int((time.perf_counter() - started) * 1.33e9)
        return self._returned(outputs)

    def _iterate(self, parts: List[List[Tensor]]) -> List[List[Tensor]]:
        outputs: List[List[Tensor]] = [[] for _ in range(self.steps.count)]
        for iteration in range(self.steps.iterations):
            total: Dict[str, Tensor] = {}
            for accumulated in range(self.steps.accumulation):
                for replica in range(self.steps.replicas):
                    index = self.steps.index(iteration, accumulated, replica)
                    outputs[index] = self._micro_batch([part[index] for part in parts], replica, total)
            if self.updater is not None:
                self.updater.apply(self.weights, self._reduced(total))
        return outputs

    def _micro_batch(self, inputs: List[Tensor], replica: int, total: Dict[str, Tensor]) -> List[Tensor]:
        self.times.asked.append(time.perf_counter())
        inputs = [_made_up(tensor) for tensor in inputs] if self.synthetic else inputs
        self.times.there.append(time.perf_counter())
        weights = {name: tensor.detach() for name, tensor in self.weights.items()}
        for name in self._trained:
            weights[name].requires_grad_(True)
        with torch.set_grad_enabled(self.updater is not None):
            values = self.graph.run(weights, self.buffers[replica], inputs)
        if self.updater is not None:
            self._backward(values[self._loss.index], weights, total)
        slots = [] if self.graph.outputs is None else flatten(self.graph.outputs)
        made = [_for_host(values[slot.index]) for slot in slots]
        self.times.ready.append(time.perf_counter())
        self.times.sent.append(time.perf_counter())
        return made

    def _backward(self, loss: Tensor, weights: Dict[str, Tensor], total: Dict[str, Tensor]) -> None:
        scaling = self.updater.loss_scaling
        trained = [weights[name] for name in self._trained]
        scaled = loss if scaling == 1.0 else loss * scaling
        for name, gradient in zip(self._trained, torch.autograd.grad(scaled, trained, allow_unused=True)):
            if gradient is None:
                continue
            plain = gradient if scaling == 1.0 else gradient.float() / scaling
            total[name] = plain if name not in total else total[name] + plain

    def _reduced(self, total: Dict[str, Tensor]) -> Dict[str, Tensor]:
        count = self.steps.accumulation * self.steps.replicas
        return total if count == 1 or not self._mean else {name: tensor / count for name, tensor in total.items()}

    def _returned(self, outputs: List[List[Tensor]]) -> Any:
        """Return what the output mode keeps: ``[kept steps, replicas]`` times the first dimension of each output."""
        if self.graph.outputs is None:
            return None
        kept = self.kept()
        made: List[Tensor] = []
        for position in range(len(outputs[0])):
            if self._mode == OutputMode.Sum:
                replicas = self.steps.replicas
                chosen = [sum(one[position] for one in outputs[replica::replicas]) for replica in range(replicas)]
            else:
                chosen = [outputs[index][position] for index in kept]
            made.append(_joined(chosen))
        if self.synthetic:
            made = [torch.full_like(one, float("nan")) if one.is_floating_point() else one for one in made]
        return rebuild(self.graph.outputs, made)

    def kept(self) -> List[int]:
        """Return the indices of the micro-batches whose outputs come back; with Sum, where a sum is complete."""
        replicas = self.steps.replicas
        rounds = self.steps.count // replicas
        period = {OutputMode.All: 1, OutputMode.EveryN: self._period}.get(self._mode, rounds)
        return [
            (turn * replicas) + replica for turn in range(period - 1, rounds, period) for replica in range(replicas)
        ]


def _single(tensor: Tensor) -> Tensor:
    made = tensor.detach().clone()
    return made.float() if made.dtype == torch.float64 else made


def _cut(tensor: Tensor, count: int) -> List[Tensor]:
    return list(tensor.chunk(count)) if tensor.dim() else [tensor] * count


def _made_up(tensor: Tensor) -> Tensor:
    return torch.randn(tensor.shape).to(tensor.dtype) if tensor.is_floating_point() else torch.zeros_like(tensor)


def _for_host(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().clone()
    return tensor.to({torch.int64: torch.int32, torch.float64: torch.float32}.get(tensor.dtype, tensor.dtype))


def _joined(chosen: List[Any]) -> Tensor:
    if chosen[0].dim():
        return torch.cat(chosen)
    return chosen[0] if len(chosen) == 1 else torch.stack(chosen)


def rng_as_numbers(state: Tensor) -> List[int]:
    return [int(value) for value in state.tolist()]


def rng_from_numbers(numbers: List[int]) -> Tensor:
    return torch.tensor(numbers, dtype=torch.uint8)
