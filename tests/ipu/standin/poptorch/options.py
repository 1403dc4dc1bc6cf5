"""``poptorch.Options`` and what hangs below it: every value is checked, and none can be changed once it is in use."""

import copy
import json
import os
from typing import Any, Dict, List, Optional, Set, Union

import torch

from poptorch import _blocks, enums
from poptorch._options_base import OptionsDict


class ConfigFileError(Exception):
    pass


class _JitOptions(OptionsDict):
    def __init__(self) -> None:
        super().__init__(trace_model=False)


class _PopartOptions(OptionsDict):
    """Settings for PopART itself; names are not checked before the compilation."""

    def __init__(self) -> None:
        super().__init__()
        self.options: Dict[str, Any] = {}
        self.options.update(instrumentWithHardwareCycleCounter=False, rearrangeAnchorsOnHost=False)

    def __setattr__(self, option: str, value: Any) -> None:
        self.checkIsFrozen(option)
        object.__setattr__(self, option, value)

    def set(self, key: str, value: Union[float, str, List[str], Set[str]]) -> "_PopartOptions":
        self.checkIsFrozen()
        self.options[key] = value
        return self

    def setEngineOptions(self, engine_options: Dict[str, str]) -> "_PopartOptions":
        self.set("engineOptions", engine_options)
        return self

    def setPatterns(self, patterns: Dict[str, bool], level: int = 2) -> "_PopartOptions":
        assert isinstance(level, int)
        assert isinstance(patterns, dict)
        self.set("patterns_level", level)
        self.set("patterns", patterns)
        return self


class _PrecisionOptions(OptionsDict):
    def __init__(self, popart_options: "_PopartOptions") -> None:
        super().__init__()
        self._popart_options = popart_options

    def enableFloatingPointExceptions(self, enabled: bool) -> "_PrecisionOptions":
        assert isinstance(enabled, bool), "enableFloatingPointExceptions needs to be set to a bool"
        self._popart_options.set("enableFloatingPointChecks", enabled)
        return self

    def enableStochasticRounding(self, enabled: bool) -> "_PrecisionOptions":
        self._popart_options.set("enableStochasticRounding", enabled)
        return self

    def setPartialsType(self, dtype: torch.dtype) -> "_PrecisionOptions":
        names = {torch.float32: "float", torch.float16: "half"}
        if dtype not in names:
            raise ValueError("parameter to setPartialsType should be eithertorch.float or torch.half")
        self._popart_options.set("partialsTypeMatMuls", names[dtype])
        self._popart_options.set("convolutionOptions", {"partialsType": names[dtype]})
        return self


class _TrainingOptions(OptionsDict):
    def __init__(self, popart_options: "_PopartOptions") -> None:
        super().__init__(
            gradient_accumulation=1,
            accumulation_and_replication_reduction_type=enums.ReductionType.Mean,
            meanAccumulationAndReplicationReductionStrategy=enums.MeanReductionStrategy.Post,
        )
        self._popart_options = popart_options

    def gradientAccumulation(self, gradient_accumulation: int) -> "_TrainingOptions":
        self.set(gradient_accumulation=gradient_accumulation)
        return self

    def accumulationAndReplicationReductionType(self, reduction_type: "enums.ReductionType") -> "_TrainingOptions":
        if reduction_type not in (enums.ReductionType.Mean, enums.ReductionType.Sum) or not isinstance(
            reduction_type, enums.ReductionType
        ):
            raise ValueError(
                "accumulationAndReplicationReductionType must be set to poptorch.ReductionType.Mean or "
                "poptorch.ReductionType.Sum"
            )
        self.set(accumulation_and_replication_reduction_type=reduction_type)
        return self

    def setMeanAccumulationAndReplicationReductionStrategy(
        self, mean_reduction_strategy: "enums.MeanReductionStrategy"
    ) -> "_TrainingOptions":
        if not isinstance(mean_reduction_strategy, enums.MeanReductionStrategy):
            raise ValueError("mean_reduction_strategy must be set to a poptorch.MeanReductionStrategy")
        self.set(meanAccumulationAndReplicationReductionStrategy=mean_reduction_strategy)
        return self


class TensorLocationSettings(OptionsDict):
    def minElementsForOffChip(self, min_elements: int) -> "TensorLocationSettings":
        assert isinstance(min_elements, int)
        self.createOrSet(minElementsForOffChip=min_elements)
        return self

    def minElementsForReplicatedTensorSharding(self, min_elements: int) -> "TensorLocationSettings":
        assert isinstance(min_elements, int)
        self.createOrSet(minElementsForReplicatedTensorSharding=min_elements)
        return self

    def useOnChipStorage(self, use: bool = True) -> "TensorLocationSettings":
        assert isinstance(use, bool)
        self.createOrSet(onChip=int(use))
        return self

    def useReplicatedTensorSharding(self, use: bool = True) -> "TensorLocationSettings":
        assert isinstance(use, bool)
        self.createOrSet(useReplicatedTensorSharding=int(use))
        return self

    def useIOTilesToLoad(self, use: bool = True) -> "TensorLocationSettings":
        assert isinstance(use, bool)
        self.createOrSet(useIOTilesToLoad=int(use))
        return self

    def useIOTilesToStore(self, use: bool = True) -> "TensorLocationSettings":
        assert isinstance(use, bool)
        self.createOrSet(useIOTilesToStore=int(use))
        return self


class _TensorLocationOptions(OptionsDict):
    def numIOTiles(self, num_tiles: int) -> "TensorLocationSettings":
        assert isinstance(num_tiles, int)
        fits = 32 <= num_tiles <= 192 and num_tiles % 2 == 0
        assert fits, "numIOTiles must be an even number between 32 and 192."
        self.createOrSet(numIOTiles=num_tiles)
        return self

    def setActivationLocation(self, location: "TensorLocationSettings") -> "_TensorLocationOptions":
        return self._locate("location_activation", location)

    def setWeightLocation(self, location: "TensorLocationSettings") -> "_TensorLocationOptions":
        return self._locate("location_weight", location)

    def setOptimizerLocation(self, location: "TensorLocationSettings") -> "_TensorLocationOptions":
        return self._locate("location_optimizer", location)

    def setAccumulatorLocation(self, location: "TensorLocationSettings") -> "_TensorLocationOptions":
        return self._locate("location_accumulator", location)

    def _locate(self, key: str, location: "TensorLocationSettings") -> "_TensorLocationOptions":
        assert isinstance(location, TensorLocationSettings)
        self.createOrSet(**{key: location.toDict()})
        return self


class _DistributedOptions(OptionsDict):
    """Several processes that train together; the stand-in knows one and refuses more when a model is made."""

    def __init__(self) -> None:
        super().__init__(num_distributed_processes=1, distributed_process_id=0)
        self.setEnvVarNames("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")

    def disable(self) -> "_DistributedOptions":
        return self.configureProcessId(0, 1)

    def setEnvVarNames(self, var_num_processes: str, var_process_id: str) -> "_DistributedOptions":
        return self.configureProcessId(
            int(os.environ.get(var_process_id, "0")), int(os.environ.get(var_num_processes, "1"))
        )

    def configureProcessId(self, process_id: int, num_processes: int) -> "_DistributedOptions":
        self.set(distributed_process_id=process_id, num_distributed_processes=num_processes)
        return self

    @property
    def processId(self) -> int:
        return self.distributed_process_id

    @property
    def numProcesses(self) -> int:
        return self.num_distributed_processes


class Options(OptionsDict):
    """How a model is compiled and run."""

    def __init__(self) -> None:
        self._jit = _JitOptions()
        self._popart = _PopartOptions()
        self._precision = _PrecisionOptions(self._popart)
        self._training = _TrainingOptions(self._popart)
        self._distributed = _DistributedOptions()
        self._tensor_locations = _TensorLocationOptions()
        self._execution_strategy = _blocks.PipelinedExecution()
        self._relax_optimizer_checks = False
        self._show_compilation_progress_bar = True
        super().__init__(
            replication_factor=1,
            input_group_size=1,
            broadcast_buffers=True,
            device_iterations=1,
            log_dir=".",
            auto_round_num_ipus=False,
            anchored_tensors={},
            output_mode=enums.OutputMode.Default.value,
            output_return_period=1,
            connection_type=enums.ConnectionType.Always.value,
            sync_pattern=enums.SyncPattern.Full.value,
            available_memory_proportion={},
        )
        if os.environ.get("POPTORCH_CACHE_DIR"):
            self.enableExecutableCaching(os.environ["POPTORCH_CACHE_DIR"])
        if os.environ.get("POPTORCH_DEFAULT_OPTIONS"):
            self.from_json(os.environ["POPTORCH_DEFAULT_OPTIONS"])

    @property
    def TensorLocations(self) -> "_TensorLocationOptions":
        return self._tensor_locations

    @property
    def Distributed(self) -> "_DistributedOptions":
        return self._distributed

    @property
    def Jit(self) -> "_JitOptions":
        return self._jit

    @property
    def Precision(self) -> "_PrecisionOptions":
        return self._precision

    @property
    def Training(self) -> "_TrainingOptions":
        return self._training

    @property
    def _Popart(self) -> "_PopartOptions":
        return self._popart

    def autoRoundNumIPUs(self, auto_round_num_ipus: bool = True) -> "Options":
        self.set(auto_round_num_ipus=auto_round_num_ipus)
        return self

    def broadcastBuffers(self, broadcast_buffers: bool = True):
        self.set(broadcast_buffers=broadcast_buffers)
        return self

    def clone(self) -> "Options":
        return copy.deepcopy(self)

    def connectionType(self, connection_type: "enums.ConnectionType") -> "Options":
        assert isinstance(connection_type, enums.ConnectionType)
        self.set(connection_type=connection_type.value)
        return self

    def defaultOutputMode(self) -> bool:
        return self.output_mode == enums.OutputMode.Default

    def deviceIterations(self, device_iterations: int) -> "Options":
        self.set(device_iterations=device_iterations)
        return self

    def enableExecutableCaching(self, path: str) -> "Options":
        if path is None:
            self._popart.set("enableEngineCaching", False)
        else:
            self._popart.set("cachePath", path)
            self._popart.set("enableEngineCaching", True)
        return self

    def enableStableNorm(self, enabled: bool) -> "Options":
        self._popart.set("enableStableNorm", enabled)
        return self

    def enableSyntheticData(self, enabled: bool) -> "Options":
        self._popart.set("syntheticDataMode", 2 if enabled else 0)
        return self

    def from_json(self, string: str):
        for name, value in json.loads(string).items():
            target: Any = self
            *path, last = name.split(".")
            for part in path:
                target = getattr(target, part)
            getattr(target, last)(value)
        return self

    def logCycleCount(self, log_cycle_count: bool) -> "Options":
        self._popart.set("instrumentWithHardwareCycleCounter", log_cycle_count)
        return self

    def logDir(self, log_dir: str) -> "Options":
        self.set(log_dir=log_dir)
        return self

    def maxRepeatLogs(self, max_lines: Optional[int]) -> "Options":
        assert max_lines is None or isinstance(max_lines, int)
        return self

    def modelName(self, name: str) -> "Options":
        self.createOrSet(model_name=name)
        return self

    def outputMode(self, output_mode: "enums.OutputMode", output_return_period: Optional[int] = None) -> "Options":
        assert isinstance(output_mode, enums.OutputMode)
        if output_mode == enums.OutputMode.EveryN:
            assert (output_return_period or 0) > 0, (
                "EveryN anchor must have output_return_period set to valid positive integer"
            )
        self.set(output_mode=output_mode.value, output_return_period=output_return_period or 1)
        return self

    def randomSeed(self, random_seed: int) -> "Options":
        assert isinstance(random_seed, int)
        self.checkIsFrozen()
        torch.manual_seed(random_seed)
        self.createOrSet(random_seed=random_seed)
        return self

    def relaxOptimizerAttributesChecks(self, relax: bool = True) -> "Options":
        self._relax_optimizer_checks = relax
        return self

    def replicationFactor(self, replication_factor: int) -> "Options":
        self.set(replication_factor=replication_factor)
        return self

    def setAvailableMemoryProportion(self, available_memory_proportion: Dict[str, float]):
        memory: Dict[int, float] = {}
        for key, share in available_memory_proportion.items():
            assert key.startswith("IPU"), (
                'Available memory proportions are expected to be in a dictionary of {"IPU0": 0.5} where the 0 in IPU '
                f"is the index of the IPU. Invalid key: {key}"
            )
            memory[int(key[3:])] = share
        self.createOrSet(available_memory_proportion=memory)
        return self

    def setExecutionStrategy(self, strategy: Any) -> "Options":
        self.checkIsFrozen()
        assert isinstance(strategy, _blocks.PipelinedExecution)
        self._execution_strategy = strategy
        return self

    def showCompilationProgressBar(self, show: bool = True) -> "Options":
        self._show_compilation_progress_bar = show
        return self

    def syncPattern(self, sync_pattern: "enums.SyncPattern") -> "Options":
        assert isinstance(sync_pattern, enums.SyncPattern)
        self.set(sync_pattern=sync_pattern.value)
        return self

    def toDict(self) -> Dict[str, Any]:
        assert not self.defaultOutputMode(), "An output mode must be picked before serialisation"
        parts = (self._popart.options, self._values, self._training._values, self._distributed._values)
        merged: Dict[str, Any] = dict(self._execution_strategy.backendOptions())
        for part in (*parts, self._tensor_locations._values):
            assert not set(merged).intersection(part), "Can't merge dictionaries, they have some keys in common"
            merged.update(part)
        return merged

    def useIpuId(self, ipu_id: int) -> "Options":
        assert isinstance(ipu_id, int)
        self.createOrSet(ipu_id=ipu_id)
        return self

    def useIpuModel(self, use_model: bool) -> "Options":
        self.createOrSet(use_model=use_model)
        return self

    def useOfflineIpuTarget(self, ipu_version: int = 2) -> "Options":
        self.connectionType(enums.ConnectionType.Never)
        self.createOrSet(ipu_version=ipu_version)
        return self


#: In PopTorch, but not here.
_LACKING = {
    *("anchorTensor", "appendToLocationExcludes", "disableModuleNamescope", "enableProfiling", "inputReplicaGrouping"),
    *("loadFromFile", "sourceLocationExcludes", "updatableNamedBuffers", "setAutomaticLossScaling"),
    *("setConvolutionDithering", "halfFloatCasting", "runningStatisticsAlwaysFloat", "traceModel"),
}


def _refuse_lacking(self: OptionsDict, option: str) -> Any:
    if option in _LACKING:
        raise NotImplementedError(f"the stand-in of PopTorch lacks {type(self).__name__}.{option}")
    return _plain_getattr(self, option)


_plain_getattr = OptionsDict.__getattr__
OptionsDict.__getattr__ = _refuse_lacking
