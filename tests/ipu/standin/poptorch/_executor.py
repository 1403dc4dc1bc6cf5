"""``PoplarExecutor``: a model that runs on IPUs, wrapped around the user's, whose tensors stay on the host.

Stricter than PopTorch in one respect throughout: there, looking at a wrapped model's weights fetches them from the IPU.
Here the host's copies keep their old values until ``copyWeightsToHost()``, ``detachFromDevice()`` or ``destroy()``.
"""

import datetime as dt
import logging
import os
import time
import weakref
from typing import Any, Dict, List, Optional, Tuple

import torch

from poptorch import _arguments, _blocks, _compile, _control, _device, _latency, _updates, enums, optim
from poptorch._errors import createPoptorchError
from poptorch._program import rng_as_numbers, rng_from_numbers
from poptorch.options import Options

logger = logging.getLogger("poptorch")
NO_EXECUTABLE = "Model has not been compiled or has been destroyed."
#: In PopTorch, but not here.
_LACKING = frozenset(
    ["compileAndExport", "copyNamedBuffersToDevice", "getAnchoredTensor", "getTensorNames", "loadExecutable", "save"]
)
_WRAPPED = "_poptorch_executor"


def is_wrapped(model: torch.nn.Module) -> bool:
    return hasattr(type(model), _WRAPPED)


class PoplarExecutor:
    """Compiles a model at its first call and runs it on IPUs."""

    def __init__(
        self,
        model: "torch.nn.Module",
        options: Optional[Options],
        training: bool,
        poptorch_version: str,
        optimizer: Optional[torch.optim.Optimizer] = None,
        user_model: Optional[torch.nn.Module] = None,
    ):
        self._user_model = user_model or model
        self._options = _own(options)
        self._training = training
        self._version = poptorch_version
        self._compiled: Optional[_compile.Compiled] = None
        self._arguments: Any = None
        self._reservation: Optional[_device.Reservation] = None
        self._destroyed = False
        self._host_is_old = False
        self._host_version = 0
        self._compile_time: Optional[dt.timedelta] = None
        self._random: Optional[List[int]] = None
        self._description: Optional[_updates.Description] = None
        self._optimizer: Any = None
        self._pick_output_mode()
        self._check_options()
        if training:
            self.setOptimizer(optimizer or optim.SGD(self._user_model.parameters(), lr=0.01))
            self._wrap()
        else:
            assert not optimizer, "Optimizer should be None for inference"
        self._options._freeze()

    def __getattr__(self, attr: str) -> Any:
        if attr in _LACKING:
            raise NotImplementedError(f"the stand-in of PopTorch lacks PoplarExecutor.{attr}")
        if attr.startswith("_"):
            raise AttributeError(attr)
        return getattr(self._user_model, attr)

    @property
    def model(self) -> "torch.nn.Module":
        return self._user_model

    @property
    def options(self) -> Options:
        return self._options

    # Compiling and running

    def compile(self, *args, **kwargs) -> None:
        """Compile for the shapes of a whole call."""
        arguments = _arguments.parse(self._user_model, args, kwargs)
        if self.isCompiled():
            logger.warning("Call to compile() ignored: the executable is already compiled")
        else:
            self._compile(arguments)

    def __call__(self, *args: List[torch.Tensor], **kwargs: Dict[str, torch.Tensor]):
        """Run the model on a whole call's data."""
        assert self._options.connection_type != enums.ConnectionType.Never, (
            "Trying to run a model on an offline device (ConnectionType.Never): use model.compile(inputs) instead of "
            "model(inputs)"
        )
        arguments = _arguments.parse(self._user_model, args, kwargs)
        if not self.isCompiled():
            self._compile(arguments)
        if not self.isAttachedToDevice():
            self.attachToDevice()
        if not self._training:
            self._follow_training()
        _arguments.check_same(self._arguments, arguments)
        self._write_optimizer_state()
        program = self._program
        inputs = [_arguments.on_device(tensor) for tensor in arguments.tensors()]
        _control.log("run", training=self._training, learning_rates=self._learning_rates())
        outputs = program.run(inputs)
        self._host_is_old = self._host_is_old or self._training
        return _without_backward(outputs)

    def _compile(self, arguments: Any) -> None:
        if self._destroyed:  # stricter than PopTorch, which would compile anew
            raise createPoptorchError(NO_EXECUTABLE)
        started = time.perf_counter()
        first = self._options.connection_type == enums.ConnectionType.Always
        self._compiled = _compile.compile_model(self._user_model, arguments, self._options, self._description)
        self._arguments = arguments
        self._seed()
        try:
            if first or self._options.connection_type == enums.ConnectionType.OnDemand:
                self._attach()
        except BaseException:
            self._compiled = None
            raise
        self._compile_time = dt.timedelta(seconds=time.perf_counter() - started)

    def isCompiled(self) -> bool:
        return self._compiled is not None

    def compilationTime(self):
        """Return the seconds of the compilation."""
        if self._compile_time is None:
            raise createPoptorchError(NO_EXECUTABLE)
        return self._compile_time

    @property
    def _program(self) -> Any:
        if self._compiled is None:
            raise createPoptorchError(NO_EXECUTABLE)
        return self._compiled.program

    # The device

    def isAttachedToDevice(self) -> bool:
        return self._compiled is not None and self._reservation is not None

    def attachToDevice(self) -> None:
        """Take IPUs and bring the host's weights to them."""
        self._program  # noqa: B018  # raises where there is none
        assert self._options.connection_type != enums.ConnectionType.Never, (
            "Trying to attach to an offline device (ConnectionType.Never)"
        )
        if self.isAttachedToDevice():
            raise createPoptorchError("Device is already attached")
        self._attach()

    def detachFromDevice(self) -> None:
        """Bring everything back to the host and give the IPUs back."""
        self._program  # noqa: B018  # raises where there is none
        if not self.isAttachedToDevice():
            raise createPoptorchError("Device is not attached")
        self._random = self.rng_state
        if self._host_is_old:
            self.copyWeightsToHost()
        self._read_optimizer_state()
        self._release()

    def destroy(self) -> None:
        """Give the IPUs back and take the wrapping off the model; nothing of this if it was never compiled."""
        if not self.isCompiled():
            return
        if self.isAttachedToDevice():
            if self._host_is_old:
                self.copyWeightsToHost()
            self._read_optimizer_state()
            self._release()
        self._compiled = None
        self._destroyed = True
        if self._training:
            self._user_model.__class__ = type(self._user_model).__mro__[1]

    def _attach(self) -> None:
        ipus = self._compiled.ipus
        self._reservation = _device.acquire(ipus)
        weakref.finalize(self, self._reservation.release)
        _control.log("attach", ipus=ipus, training=self._training)
        self.copyWeightsToDevice()
        self._write_optimizer_state(always=True)
        if self._random is not None:
            self._program.random_state = rng_from_numbers(self._random[1:])

    def _release(self) -> None:
        self._reservation.release()
        self._reservation = None
        _control.log("detach", training=self._training)

    # Weights

    def copyWeightsToHost(self) -> None:
        """Bring the weights, and the first replica's buffers, into the user's model."""
        program = self._on_device()
        self._host_is_old = False
        with torch.no_grad():
            for name, tensor in self._user_model.named_parameters():
                tensor.data.copy_(program.weights[name])
            for name, tensor in self._user_model.named_buffers():
                tensor.data.copy_(program.buffers[0][name])
        self._host_version += 1

    def copyWeightsToHostIfNeeded(self) -> bool:
        if self._host_is_old:
            self.copyWeightsToHost()
            return True
        return False

    def copyWeightsToDevice(self) -> None:
        """Bring the weights and buffers of the user's model to the IPUs."""
        program = self._on_device()
        self._host_is_old = False
        program.upload(dict(self._user_model.named_parameters()), dict(self._user_model.named_buffers()))

    def load_state_dict(self, state_dict: Dict[str, torch.Tensor], strict: bool = True):
        """Load weights into the user's model, and onto the IPUs where there are any."""
        outcome = self._user_model.load_state_dict(state_dict, strict)
        if self.isAttachedToDevice():
            self.copyWeightsToDevice()
        return outcome

    def _on_device(self) -> Any:
        program = self._program
        if not self.isAttachedToDevice():
            raise createPoptorchError("Device is not attached")
        return program

    def _follow_training(self) -> None:
        """Take over the weights of a training of the very same module."""
        trainer = getattr(type(self._user_model), _WRAPPED, lambda: None)()
        if trainer is not None:
            trainer.copyWeightsToHostIfNeeded()
            if trainer._host_version != self._host_version:
                self.copyWeightsToDevice()
                self._host_version = trainer._host_version

    # The optimiser

    def setOptimizer(self, optimizer: "torch.optim.Optimizer"):
        """Tell the device the optimiser's present attributes; without it, changes have no effect."""
        names = {tensor.data_ptr(): name for name, tensor in self._user_model.named_parameters()}
        description = _updates.describe(optimizer, names)
        if self._description is not None and self.isCompiled():
            _updates.check_replacement(self._description, description)
        if self._optimizer is not optimizer and isinstance(self._optimizer, optim.Optimizer):
            self._read_optimizer_state()
            self._optimizer._attach(None)
        if isinstance(optimizer, optim.Optimizer):
            optimizer._attach(self)
        self._optimizer, self._description = optimizer, description
        if self._compiled is not None:
            self._compiled.program.updater.description = description

    def _learning_rates(self) -> List[float]:
        return [group["lr"] for group in self._description.groups] if self._description is not None else []

    def _read_optimizer_state(self) -> None:
        if isinstance(self._optimizer, optim.Optimizer) and self.isAttachedToDevice():
            if self._optimizer._state_is_new:
                return
            state = self._program.updater.state
            self._optimizer._ipu_state = {
                f"{kind}___{name}": tensor.clone() for name, kinds in state.items() for kind, tensor in kinds.items()
            }
            self._optimizer._ipu_param = {"lossScaling_FLOAT": torch.tensor(self._program.updater.loss_scaling)}

    def _write_optimizer_state(self, *, always: bool = False) -> None:
        optimizer = self._optimizer
        if not isinstance(optimizer, optim.Optimizer) or not (always or optimizer._state_is_new):
            return
        state: Dict[str, Dict[str, torch.Tensor]] = {}
        for key, tensor in optimizer._ipu_state.items():
            kind, _, name = key.partition("___")
            state.setdefault(name, {})[kind] = tensor.clone()
        self._program.updater.state = state
        optimizer._state_is_new = False

    # What was measured

    def getPerfCounters(self):
        """Return the times of the last run's micro-batches."""
        if self._compiled is None:
            return _latency.counters(None)
        return _latency.counters(self._compiled.program)

    def getHostIpuLatency(self):
        return _latency.between(self.getPerfCounters(), "input", min, "input_complete")

    def getComputeLatency(self):
        return _latency.between(self.getPerfCounters(), "input_complete", max, "output")

    def getIpuHostLatency(self):
        return _latency.between(self.getPerfCounters(), "output", min, "output_complete")

    def getLatency(self):
        """Return the shortest, the longest and the mean round trip of the last run, in seconds."""
        return _latency.between(self.getPerfCounters(), "input", min, "output_complete")

    def cycleCount(self) -> int:
        """Return the clock cycles of the last run."""
        if not self._options._Popart.options["instrumentWithHardwareCycleCounter"]:
            raise createPoptorchError(
                "Cycle count logging is disabled. Please set option logCycleCount to True to enable."
            )
        if self._compiled is None or self._compiled.program.cycles is None:
            raise createPoptorchError("Please run the model at least once before obtaining cycle count.")
        return self._compiled.program.cycles

    @property
    def rng_state(self) -> List[int]:
        program = self._program
        seed = self._random[0] if self._random else 0
        return [seed, *rng_as_numbers(program.random_state)]

    @rng_state.setter
    def rng_state(self, state: List[int]):
        program = self._program
        self._random = list(state)
        program.random_state = rng_from_numbers(self._random[1:])

    def _seed(self) -> None:
        exists = self._options.exists("random_seed")
        seed = self._options.random_seed if exists else int.from_bytes(os.urandom(4), "little")
        generator = torch.Generator().manual_seed(seed)
        self._random = [seed, *rng_as_numbers(generator.get_state())]

    # Setting up

    def _pick_output_mode(self) -> None:
        if self._options.defaultOutputMode():
            self._options.outputMode(enums.OutputMode.Final if self._training else enums.OutputMode.All)

    def _check_options(self) -> None:
        options = self._options
        if options.Distributed.numProcesses > 1:  # PopTorch would wait for the other processes
            raise createPoptorchError(
                f"These options are for {options.Distributed.numProcesses} processes (OMPI_COMM_WORLD_SIZE), and the "
                "stand-in knows one"
            )
        if not self._training and options.Training.gradient_accumulation != 1:
            message = (
                "You must set poptorch.Options().Training.gradientAccumulation to 1 or leave it as its default value "
                "(1) when running a poptorch.inferenceModel()."
            )
            if not isinstance(options._execution_strategy, _blocks.ShardedExecution):
                message += (
                    " Use poptorch.Options().deviceIterations to process a sufficient number of batches each run for "
                    "pipelined execution instead."
                )
            raise createPoptorchError(message)

    def _wrap(self) -> None:
        """Change the class of the user's model in place."""
        plain = type(self._user_model)
        reference = weakref.ref(self)

        def destroy(model: Any) -> None:
            executor = reference()
            if executor is not None:
                executor.destroy()

        def reduced(model: Any, protocol: int) -> Tuple[Any, ...]:
            """Copies and pickles are of the user's own class."""
            return _made_of, (plain,), model.__dict__

        self._user_model.__class__ = type(
            f"Poptorch{plain.__name__}",
            (plain,),
            {_WRAPPED: staticmethod(reference), "destroy": destroy, "__reduce_ex__": reduced, "__module__": __name__},
        )


def _made_of(cls: type) -> Any:
    return cls.__new__(cls)


def _own(options: Optional[Options]) -> Options:
    if options is None:
        return Options()
    if not isinstance(options, Options):
        raise createPoptorchError(f"Invalid type: 'options' is of type {type(options)} (Expected poptorch.Options)")
    options._freeze()
    return options.clone()


def _without_backward(outputs: Any) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise createPoptorchError(
            "backward() cannot be called explicitly on outputs of a PopTorch model. If you're using a trainingModel, "
            "the backwards pass is performed automatically when invoking the model. If you're using an inferenceModel, "
            "you should use a trainingModel instead."
        )

    for tensor in _arguments._leaves(outputs):
        if isinstance(tensor, torch.Tensor):
            tensor.backward = refuse
    return outputs
