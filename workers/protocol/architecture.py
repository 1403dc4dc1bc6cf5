"""Every layer of a variant as plain arithmetic: shapes, parameters and multiply-accumulates, without torch.

One description serves everyone: the planner refuses what cannot be built, ``describe`` prints the costs, and
``workers.models`` builds the network from the same numbers.

    stem ─▶ stage 1 … stage 7 (blocks: [expand] ─▶ spatial ─▶ squeeze-excite ─▶ project) ─▶ head ─▶ classifier

Source:
    EfficientNet, arXiv 1905.11946 (stages, compound scaling); "Making EfficientNet More Efficient",
    arXiv 2106.03640, section 3 and the code published with it (group convolutions, norms).
"""

import math
from dataclasses import dataclass
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple

from workers.protocol.variant import NORMS, SIZES, ImpossibleVariantError, Variant

#: All channel counts are multiples of this (arXiv 1905.11946), so the groups of the group norm always divide them.
CHANNEL_DIVISOR = 8
#: Groups of the group norm (arXiv 2106.03640).
GROUP_NORM_GROUPS = 4
#: Squeezed width of squeeze-excite over the channels that enter the block.
SQUEEZE_RATIO = 0.25


class _Stage(NamedTuple):
    kernel: int
    repeats: int
    channels: int
    stride: int


#: The seven stages of B0 before scaling (arXiv 1905.11946, table 1).
_STAGES = (
    _Stage(kernel=3, repeats=1, channels=16, stride=1),
    _Stage(kernel=3, repeats=2, channels=24, stride=2),
    _Stage(kernel=5, repeats=2, channels=40, stride=2),
    _Stage(kernel=3, repeats=3, channels=80, stride=2),
    _Stage(kernel=5, repeats=3, channels=112, stride=1),
    _Stage(kernel=5, repeats=4, channels=192, stride=2),
    _Stage(kernel=3, repeats=1, channels=320, stride=1),
)
_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280


@dataclass(frozen=True)
class Convolution:
    """One convolution, padded so that the side shrinks by the stride and nothing else.

    Attributes:
        in_channels: Channels it reads.
        out_channels: Channels it writes.
        kernel: Side of its odd square kernel in pixels.
        stride: Step in pixels; the output side is ``ceil(side / stride)``.
        groups: Independent groups of channels; 1 is dense, ``in_channels`` is depthwise.
        bias: Whether it adds a bias.
    """

    in_channels: int
    out_channels: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1
    bias: bool = False

    @property
    def weights(self) -> int:
        """Number of weights without the bias."""
        return self.kernel**2 * (self.in_channels // self.groups) * self.out_channels

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return self.weights + (self.out_channels if self.bias else 0)


@dataclass(frozen=True)
class Block:
    """One mobile inverted bottleneck.

    Attributes:
        expand: 1×1 convolution to the block's inside; None in stage 1, whose expansion is 1.
        spatial: The k×k group convolution.
        squeeze: First 1×1 convolution of squeeze-excite, on the 1×1 mean image.
        excite: Second one, back to the block's inside.
        project: 1×1 convolution to the block's output, without an activation.
        residual: Whether the block's input is added to its output.
    """

    expand: Optional[Convolution]
    spatial: Convolution
    squeeze: Convolution
    excite: Convolution
    project: Convolution
    residual: bool

    @property
    def activated(self) -> Tuple[Convolution, ...]:
        """Convolutions followed by norm and activation."""
        return (self.spatial,) if self.expand is None else (self.expand, self.spatial)


@dataclass(frozen=True)
class Architecture:
    """Every layer of one network.

    Attributes:
        variant: What it was derived from.
        channels: Channels of an image.
        classes: Number of classes.
        stem: First convolution, 3×3.
        stages: The blocks of the seven stages.
        head: Last 1×1 convolution, before the mean over the image.
        dropout: Rate of dropout before the classifier that belongs to the size, a fraction.
    """

    variant: Variant
    channels: int
    classes: int
    stem: Convolution
    stages: Tuple[Tuple[Block, ...], ...]
    head: Convolution
    dropout: float

    @property
    def blocks(self) -> Tuple[Block, ...]:
        """The blocks of all stages in order."""
        return tuple(block for stage in self.stages for block in stage)

    @property
    def classifier_parameters(self) -> int:
        """Weights and biases of the last, fully connected layer."""
        return (self.head.out_channels + 1) * self.classes


class StageCost(NamedTuple):
    """One row of the table of costs, for one image.

    Attributes:
        stage: ``stem``, ``stage 1`` … ``stage 7``, ``head`` or ``classifier``.
        layers: Blocks in a stage; 1 elsewhere.
        channels: Channels of the output.
        resolution: Side of the output in pixels.
        parameters: Trained parameters, norms included.
        macs: Multiply-accumulates of the forward pass.
        activations: Values written by convolutions and the classifier, which memory-bound devices pay for.
    """

    stage: str
    layers: int
    channels: int
    resolution: int
    parameters: int
    macs: int
    activations: int


def architecture(variant: Variant, channels: int, classes: int) -> Architecture:
    """Lay out every layer of a variant.

    Args:
        variant: The network.
        channels: Channels of an image, 1 for grey and 3 for colour.
        classes: Number of classes.

    Raises:
        ImpossibleVariantError: It cannot be built; the message names the layer or the field and what to change.
    """
    _check_fields(variant, channels, classes)
    width, depth, dropout = SIZES[variant.size]

    def scaled(count: int) -> int:
        return round_channels(count, width * variant.width)

    stem_stride = 1 if variant.small_images else 2
    stem = Convolution(channels, scaled(_STEM_CHANNELS), kernel=3, stride=stem_stride)
    stages: List[Tuple[Block, ...]] = []
    in_channels = stem.out_channels
    for number, stage in enumerate(_STAGES, start=1):
        out_channels = scaled(stage.channels)
        repeats = math.ceil(depth * stage.repeats)
        stages.append(tuple(_blocks(variant, number, in_channels, out_channels, repeats)))
        in_channels = out_channels
    head = Convolution(in_channels, scaled(_HEAD_CHANNELS))
    return Architecture(variant, channels, classes, stem, tuple(stages), head, dropout)


def stage_starts(size: str) -> Tuple[str, ...]:
    """Return the modules that a pipeline's stages after the first may begin at, in the order in which they run.

    They are blocks, parts of blocks, the head and the classifier, as ``named_modules`` names them. Width, group size
    and norm do not matter.

    Args:
        size: One of ``SIZES``.
    """
    _, depth, _ = SIZES[size]
    names: List[str] = []
    for number, stage in enumerate(_STAGES):
        expand = ("expand",) if number > 0 else ()  # the first stage's blocks do not
        parts = (*expand, "spatial", "squeeze_excite", "project")
        for block in range(math.ceil(depth * stage.repeats)):
            name = f"stages.{number}.{block}"
            names += [name, *(f"{name}.{part}" for part in parts)]
    return (*names, "head", "classifier")


def parameter_count(network: Architecture) -> int:
    """Return the number of trained parameters, those of the norms included."""
    return sum(cost.parameters for cost in stage_costs(network, resolution=1))


def macs(network: Architecture, resolution: int) -> int:
    """Return the multiply-accumulates of one image's forward pass.

    Convolutions and the classifier count; norms, activations and pooling are not multiply-accumulates.

    Args:
        network: The network.
        resolution: Side of the square image in pixels.

    Raises:
        ValueError: The resolution is not positive.
    """
    return sum(cost.macs for cost in stage_costs(network, resolution))


def stage_costs(network: Architecture, resolution: int) -> Tuple[StageCost, ...]:
    """Return where parameters, multiply-accumulates and activations are, from stem to classifier.

    Args:
        network: The network.
        resolution: Side of the square image in pixels.

    Raises:
        ValueError: The resolution is not positive.
    """
    if resolution < 1:
        raise ValueError(f"resolution {resolution} is not a positive number of pixels")
    norm = network.variant.norm
    side = math.ceil(resolution / network.stem.stride)
    costs = [_convolution_cost("stem", network.stem, norm, side)]
    for number, blocks in enumerate(network.stages, start=1):
        costs.append(_blocks_cost(f"stage {number}", blocks, norm, side))
        side = costs[-1].resolution
    costs.append(_convolution_cost("head", network.head, norm, side))
    weights = network.head.out_channels * network.classes
    costs.append(
        StageCost("classifier", 1, network.classes, 1, network.classifier_parameters, weights, network.classes)
    )
    return tuple(costs)


def norm_groups(norm: str) -> int:
    """Return into how many groups of channels a norm that is not batch norm divides an image."""
    return GROUP_NORM_GROUPS if norm.startswith("gn") else 1


def has_proxy_norm(norm: str) -> bool:
    """Return whether activations are followed by proxy normalisation."""
    return norm.endswith("+pn")


def round_channels(channels: int, width: float) -> int:
    """Return ``channels × width`` rounded to a multiple of 8, never more than 10 % below it.

    Source:
        arXiv 1905.11946, ``round_filters`` of the code published with it.
    """
    scaled = channels * width
    rounded = max(CHANNEL_DIVISOR, int(scaled + CHANNEL_DIVISOR / 2) // CHANNEL_DIVISOR * CHANNEL_DIVISOR)
    return rounded if rounded >= 0.9 * scaled else rounded + CHANNEL_DIVISOR


def _check_fields(variant: Variant, channels: int, classes: int) -> None:
    if variant.size not in SIZES:
        raise ImpossibleVariantError("unknown size {!r}: expected one of {}".format(variant.size, ", ".join(SIZES)))
    if variant.norm not in NORMS:
        raise ImpossibleVariantError("unknown norm {!r}: expected one of {}".format(variant.norm, ", ".join(NORMS)))
    counts = {
        "group_size": variant.group_size,
        "expansion": variant.expansion,
        "channels": channels,
        "classes": classes,
    }
    for name, count in counts.items():
        if count < 1:
            raise ImpossibleVariantError(f"{name} is {count}: expected 1 or more")
    if not 0 < variant.width < math.inf:
        raise ImpossibleVariantError(f"width is {variant.width}: expected a number above 0")


def _blocks(variant: Variant, stage: int, in_channels: int, out_channels: int, repeats: int) -> Iterator[Block]:
    """Yield the blocks of a stage; only the first changes channels and side."""
    kernel, _, _, stride = _STAGES[stage - 1]
    if variant.small_images and stage == 2:
        stride = 1
    yield _block(variant, stage, in_channels, out_channels, kernel, stride)
    for _ in range(repeats - 1):
        yield _block(variant, stage, out_channels, out_channels, kernel, stride=1)


def _block(variant: Variant, stage: int, in_channels: int, out_channels: int, kernel: int, stride: int) -> Block:
    inside = in_channels if stage == 1 else in_channels * variant.expansion
    groups = _spatial_groups(stage, inside, variant.group_size)
    squeezed = max(1, int(in_channels * SQUEEZE_RATIO))
    return Block(
        expand=None if stage == 1 else Convolution(in_channels, inside),
        spatial=Convolution(inside, inside, kernel, stride, groups),
        squeeze=Convolution(inside, squeezed, bias=True),
        excite=Convolution(squeezed, inside, bias=True),
        project=Convolution(inside, out_channels),
        residual=stride == 1 and in_channels == out_channels,
    )


def _spatial_groups(stage: int, channels: int, group_size: int) -> int:
    """Return the number of groups of a spatial convolution.

    Where the group size does not divide the channels, the groups are as many as fit and a little larger, as in the
    paper's code: 40 channels make 2 groups of 20, and 24 channels are dense.
    """
    groups = max(channels // group_size, 1)
    if channels % groups:
        raise ImpossibleVariantError(
            f"stage {stage}: {channels} channels make {groups} groups of {group_size}, and {channels} is not "
            f"divisible by {groups}; take a group_size of 1, 2, 4 or 8, which divide the channels of every layer, "
            "or another size or width"
        )
    return groups


def _norm_parameters(norm: str, channels: int, activated: bool) -> int:
    """Return a norm's trained parameters: scale and shift, and as many of the proxy; a projection drops its shift."""
    if not has_proxy_norm(norm):
        return 2 * channels
    return (4 if activated else 1) * channels


def _convolution_cost(stage: str, layer: Convolution, norm: str, side: int) -> StageCost:
    """Cost of one activated convolution whose output has the given side."""
    return StageCost(
        stage=stage,
        layers=1,
        channels=layer.out_channels,
        resolution=side,
        parameters=layer.parameters + _norm_parameters(norm, layer.out_channels, activated=True),
        macs=layer.weights * side**2,
        activations=layer.out_channels * side**2,
    )


def _blocks_cost(stage: str, blocks: Tuple[Block, ...], norm: str, side: int) -> StageCost:
    """Cost of a stage whose input has the given side."""
    parameters = multiply_accumulates = activations = 0
    for block in blocks:
        parameters += _block_parameters(block, norm)
        multiply_accumulates += _over_layers(block, side, lambda layer: layer.weights)
        activations += _over_layers(block, side, lambda layer: layer.out_channels)
        side = math.ceil(side / block.spatial.stride)
    channels = blocks[-1].project.out_channels
    return StageCost(stage, len(blocks), channels, side, parameters, multiply_accumulates, activations)


def _block_parameters(block: Block, norm: str) -> int:
    activated = sum(
        layer.parameters + _norm_parameters(norm, layer.out_channels, activated=True) for layer in block.activated
    )
    project = block.project.parameters + _norm_parameters(norm, block.project.out_channels, activated=False)
    return activated + block.squeeze.parameters + block.excite.parameters + project


def _over_layers(block: Block, side: int, per_pixel: Callable[[Convolution], int]) -> int:
    """Sum a quantity over a block's convolutions, each at its own output's number of pixels."""
    after = math.ceil(side / block.spatial.stride)
    expand = 0 if block.expand is None else per_pixel(block.expand) * side**2
    spatial_and_project = (per_pixel(block.spatial) + per_pixel(block.project)) * after**2
    return expand + spatial_and_project + per_pixel(block.squeeze) + per_pixel(block.excite)
