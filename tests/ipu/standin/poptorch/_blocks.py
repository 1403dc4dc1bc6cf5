"""Which part of a model runs on which IPU."""

from typing import Any, Dict, List, Optional, Type

import torch

from poptorch import enums
from poptorch._errors import createPoptorchError


class Stage:
    """Blocks that run on one IPU."""

    def __init__(self, *block_ids: str) -> None:
        assert all(isinstance(block, str) for block in block_ids), (
            f"Block IDs are supposed to be strings but got {block_ids}"
        )
        self._blocks = block_ids
        self._ipu: Optional[int] = None

    @property
    def blocks(self):
        return self._blocks

    def ipu(self, ipu: int) -> "Stage":
        assert isinstance(ipu, int)
        self._ipu = ipu
        return self


class PipelinedExecution:
    """Each stage's IPU works on another micro-batch: AutoStage, or the block ids of the stages in order."""

    mode = 0

    def __init__(self, *args) -> None:
        self._auto = enums.AutoStage.SameAsIpu
        self._stage_of: Dict[str, int] = {}
        self._ipu_of: Dict[str, Optional[int]] = {}
        if len(args) == 1 and isinstance(args[0], enums.AutoStage):
            self._auto = args[0]
            return
        for index, arg in enumerate(args):
            stage = arg if isinstance(arg, Stage) else Stage(*([arg] if isinstance(arg, str) else arg))
            for block in stage.blocks:
                assert block not in self._stage_of, f"{block} associated with more than one stage"
                self._stage_of[block] = index
                self._ipu_of[block] = stage._ipu

    def backendOptions(self) -> Dict[str, Any]:
        return {"execution_mode": self.mode}

    def place(self, user_id: str, ipu_id: Optional[int], seen: List[str]) -> "Place":
        """Return the stage and the IPU of a block; ``seen`` are the blocks before it in this model."""
        if self._stage_of:
            assert user_id in self._stage_of, (
                f"Unknown Block '{user_id}' list of expected Blocks: {list(self._stage_of)}"
            )
            stage = self._stage_of[user_id]
            ipu = self._ipu_of[user_id]
            return Place(stage, stage if ipu is None and ipu_id is None else (ipu if ipu is not None else ipu_id))
        if self._auto == enums.AutoStage.SameAsIpu:
            assert ipu_id is not None, (
                f"poptorch.AutoStage.SameAsIpu was selected but no IPU was specified for block {user_id}"
            )
            return Place(ipu_id, ipu_id)
        stage = (seen.index(user_id) if user_id in seen else len(seen)) + 1
        return Place(stage, stage if ipu_id is None else ipu_id)


class ShardedExecution(PipelinedExecution):
    """One stage after the other, each on its IPU."""

    mode = 1


class Place:
    def __init__(self, stage: int, ipu: int) -> None:
        self.stage = stage
        self.ipu = ipu


class Placement:
    """Follows the blocks that a forward pass goes through: stages, their IPUs and their order."""

    current: Optional["Placement"] = None

    def __init__(self, strategy: PipelinedExecution) -> None:
        self._strategy = strategy
        self._seen: List[str] = []
        self.places: List[Place] = []
        self.in_block = False

    def begin(self, user_id: Optional[str], ipu_id: Optional[int]) -> None:
        name = user_id or str(len(self._seen))
        place = self._strategy.place(name, ipu_id, self._seen)
        if name not in self._seen:
            self._seen.append(name)
        if self.places and place.stage < self.places[-1].stage:
            raise createPoptorchError(
                f"Block {name} is of stage {place.stage} and comes after stage {self.places[-1].stage}"
            )
        self.places.append(place)

    @property
    def ipus(self) -> int:
        """IPUs per replica: those from 0 to the last that is named."""
        return max((place.ipu for place in self.places), default=0) + 1

    @property
    def stages(self) -> int:
        """Stages in use; what comes before the first block belongs to stage 0."""
        return len({place.stage for place in self.places} | {0}) if self.places else 1

    @property
    def pipelined(self) -> bool:
        return self._strategy.mode == 0 and self.stages > 1


class Block(torch.nn.Module):
    """A context in which operations belong to a block."""

    def __init__(self, user_id: Optional[str] = None, ipu_id: Optional[int] = None) -> None:
        super().__init__()
        _check_ids(user_id, ipu_id)
        self._user_id, self._ipu_id = user_id, ipu_id

    def __enter__(self):
        placement = Placement.current
        if placement is not None:
            if placement.in_block:
                raise createPoptorchError("Nested blocks are not supported.")
            placement.begin(self._user_id, self._ipu_id)
            placement.in_block = True

    def __exit__(self, type: Optional[Type], value: Any, traceback: Any):  # noqa: A002, PYI036  # as PopTorch has it
        if Placement.current is not None:
            Placement.current.in_block = False


class _Begin:
    """Hook that starts a block before a module runs."""

    def __init__(self, user_id: Optional[str], ipu_id: Optional[int]) -> None:
        self.user_id, self.ipu_id = user_id, ipu_id

    def __call__(self, module: torch.nn.Module, args: Any) -> None:
        if Placement.current is not None:
            Placement.current.begin(self.user_id, self.ipu_id)


def BeginBlock(layer_to_call: torch.nn.Module, user_id: str = None, ipu_id: int = None) -> torch.nn.Module:
    """Start a block at a module; everything after it runs in that block too, until the next one."""
    _check_ids(user_id, ipu_id)
    if not isinstance(layer_to_call, torch.nn.Module):
        raise createPoptorchError("module is not an instance of torch.nn.Module or function.")
    if _hooks(layer_to_call):
        raise createPoptorchError("module has already been assigned to a block.")
    layer_to_call.register_forward_pre_hook(_Begin(user_id, ipu_id))
    return layer_to_call


def removeBlocks(module):
    """Take all blocks out of a module again."""
    assert isinstance(module, torch.nn.Module)
    for part in module.modules():
        for key in _hooks(part):
            del part._forward_pre_hooks[key]


def _hooks(module: torch.nn.Module) -> List[int]:
    return [key for key, hook in module._forward_pre_hooks.items() if isinstance(hook, _Begin)]


def _check_ids(user_id: Any, ipu_id: Any) -> None:
    assert user_id is None or isinstance(user_id, str), f"user_id must be a string: {user_id!r}"
    assert ipu_id is None or (isinstance(ipu_id, int) and ipu_id >= 0), f"ipu_id must be a whole number: {ipu_id!r}"
