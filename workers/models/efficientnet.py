"""EfficientNet in all its variants, built from ``workers.protocol.architecture``.

Names of parameters are part of the checkpoint format: ``stem.conv.weight``, ``stages.1.0.expand.norm.bias``,
``stages.1.0.squeeze_excite.squeeze.weight``, ``head.norm.proxy_mean``, ``classifier.weight``.

Source:
    Tan and Le, "EfficientNet", arXiv 1905.11946; Masters et al., "Making EfficientNet More Efficient",
    arXiv 2106.03640, with the code published with it.
"""

from typing import Any, Dict, List, Optional, Tuple

from torch import Tensor, nn

from workers.models.layers import ConvNorm, ConvNormSiLU, SqueezeExcite, StochasticDepth
from workers.models.normalisation import BatchNorm, GroupNorm
from workers.models.proxy_norm import ProxyNormSiLU, statistics_together
from workers.protocol.architecture import Architecture, Block, architecture
from workers.protocol.variant import Variant


class MBConv(nn.Module):
    """Mobile inverted bottleneck: expand, group convolution, squeeze-excite, project.

    Args:
        block: Its shapes.
        norm: One of ``workers.protocol.variant.NORMS``.
        drop_rate: Stochastic depth's rate, a fraction; without effect unless the block is residual.
    """

    def __init__(self, block: Block, norm: str, drop_rate: float) -> None:
        super().__init__()
        self.residual = block.residual
        self.expand = nn.Identity() if block.expand is None else ConvNormSiLU(block.expand, norm)
        self.spatial = ConvNormSiLU(block.spatial, norm)
        self.squeeze_excite = SqueezeExcite(block.squeeze, block.excite)
        self.project = ConvNorm(block.project, norm)
        self.stochastic_depth = StochasticDepth(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x``, shape (images, channels, height, width)."""
        inside = self.spatial.delayed(self.expand(x))
        out: Tensor = self.project(self.squeeze_excite(inside))
        return x + self.stochastic_depth(out) if self.residual else out


class Head(ConvNormSiLU):
    """The last 1×1 convolution with norm and activation, and the mean over the image.

    A proxy norm only subtracts its mean here: scaling features is left to the classifier's weights.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map ``x``, shape (images, channels, height, width), to features of shape (images, features)."""
        return self.pooled(x)


class EfficientNet(nn.Module):
    """One network.

    Args:
        network: Its layers.
        dropout: Rate before the classifier, a fraction.
        stochastic_depth: Drop rate that the blocks approach, growing linearly from 0 at the first, a fraction.

    Attributes:
        architecture: Its layers, for counting parameters and multiply-accumulates.
    """

    def __init__(self, network: Architecture, *, dropout: float, stochastic_depth: float) -> None:
        super().__init__()
        self.architecture = network
        norm = network.variant.norm
        rates = iter([stochastic_depth * index / len(network.blocks) for index in range(len(network.blocks))])
        self.stem = ConvNormSiLU(network.stem, norm)
        self.stages = nn.Sequential(
            *(nn.Sequential(*(MBConv(block, norm, next(rates)) for block in stage)) for stage in network.stages)
        )
        self.head = Head(network.head, norm)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(network.head.out_channels, network.classes)
        nn.init.xavier_uniform_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits.

        Args:
            images: Shape (images, channels, height, width), any height and width.

        Returns:
            Shape (images, classes).
        """
        norm = self.stem.norm
        if isinstance(norm, ProxyNormSiLU) and norm.launches_statistics():
            with statistics_together(self):
                return self._logits(images)
        return self._logits(images)

    def _logits(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.dropout(self.head(self.stages(self.stem(images)))))
        return logits

    def split(self, layers: str) -> Tuple[nn.Sequential, nn.Sequential]:
        """Cut the network in two for fine-tuning; ``tuned(frozen(images))`` are the logits.

        Both parts share their parameters with this network.

        Args:
            layers: What is tuned: ``head`` (last 1×1 convolution, its norm and the classifier) or ``last-block`` (also
                stage 7).

        Returns:
            The frozen and the tuned part.

        Raises:
            ValueError: ``layers`` is neither.
        """
        if layers not in {"head", "last-block"}:
            raise ValueError(f"layers {layers!r} is neither head nor last-block")
        cut = len(self.stages) - (1 if layers == "last-block" else 0)
        frozen = nn.Sequential(self.stem, *self.stages[:cut])
        tuned = nn.Sequential(*self.stages[cut:], self.head, self.dropout, self.classifier)
        return frozen, tuned


def build(
    variant: Variant,
    channels: int,
    classes: int,
    *,
    dropout: Optional[float] = None,
    stochastic_depth: float = 0.0,
) -> EfficientNet:
    """Build a network with random weights, drawn from PyTorch's global generator.

    Args:
        variant: The network.
        channels: Channels of an image.
        classes: Number of classes.
        dropout: Rate before the classifier, a fraction; None takes the size's own.
        stochastic_depth: Drop rate that the blocks approach, growing linearly from 0 at the first, a fraction.

    Raises:
        ImpossibleVariantError: It cannot be built.
    """
    network = architecture(variant, channels, classes)
    rate = network.dropout if dropout is None else dropout
    return EfficientNet(network, dropout=rate, stochastic_depth=stochastic_depth)


def parameter_groups(model: nn.Module, weight_decay: float) -> List[Dict[str, Any]]:
    """Return the trained parameters as an optimiser takes them: with weight decay, and without.

    The scales and shifts of norms are not decayed; everything else is, biases and the parameters of proxy norms
    included, as in the paper's code.

    Args:
        model: A network or a part of one; parameters that require no gradient are left out.
        weight_decay: Coefficient for those that are decayed.
    """
    exempt = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, (BatchNorm, GroupNorm))
        for parameter in (module.weight, module.bias)
    }
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [one for one in trained if id(one) not in exempt], "weight_decay": weight_decay},
        {"params": [one for one in trained if id(one) in exempt], "weight_decay": 0.0},
    ]
