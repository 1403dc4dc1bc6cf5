import math

import pytest
import torch
from torch import nn

from workers.models.layers import SqueezeExcite, StochasticDepth, convolution
from workers.models.normalisation import Delayed
from workers.protocol.architecture import Convolution


@pytest.mark.parametrize(
    ("layer", "fan_out"),
    [
        (Convolution(64, 128), 128),
        (Convolution(512, 512, kernel=3, groups=512), 9),
        (Convolution(512, 512, kernel=5, groups=32), 25 * 16),
        (Convolution(3, 512, kernel=3, stride=2), 9 * 512),
    ],
)
def test_initial_weights_have_variance_2_over_the_fan_out_of_one_group(layer, fan_out):
    built = convolution(layer)
    assert built.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05)
    assert built.weight.mean().item() == pytest.approx(0.0, abs=0.05 * math.sqrt(2 / fan_out))
    assert built.bias is None


@pytest.mark.parametrize("groups", [1, 4, 64])
def test_the_scale_of_the_output_does_not_depend_on_the_group_size(groups):
    built = convolution(Convolution(64, 64, kernel=3, groups=groups))
    inner = built(torch.randn(8, 64, 16, 16))[..., 1:-1, 1:-1]
    assert inner.std().item() == pytest.approx(math.sqrt(2), rel=0.15)


def test_biases_start_at_0():
    assert convolution(Convolution(8, 4, bias=True)).bias.tolist() == [0.0] * 4


@pytest.mark.parametrize("side", [1, 2, 7, 8, 31])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_shrinks_the_side_by_its_stride_only(side, kernel, stride):
    out = convolution(Convolution(1, 2, kernel=kernel, stride=stride))(torch.randn(1, 1, side, side))
    assert out.shape == (1, 2, math.ceil(side / stride), math.ceil(side / stride))


def squeeze_excite():
    layer = SqueezeExcite(Convolution(8, 2, bias=True), Convolution(2, 8, bias=True))
    return layer.requires_grad_(False)


def unscaled(x):
    return Delayed(x, x.mean((2, 3)), None)


def test_squeeze_excite_gates_by_the_means_of_the_channels():
    layer, x = squeeze_excite(), torch.randn(2, 8, 5, 5)
    squeezed = x.mean((2, 3)) @ layer.squeeze.weight[:, :, 0, 0].T + layer.squeeze.bias
    excited = nn.functional.silu(squeezed) @ layer.excite.weight[:, :, 0, 0].T + layer.excite.bias
    torch.testing.assert_close(layer(unscaled(x)), x * torch.sigmoid(excited)[:, :, None, None])


def test_a_scale_joins_the_gate_and_leaves_the_means_alone():
    layer, x, scale = squeeze_excite(), torch.randn(2, 8, 5, 5), torch.rand(8) + 0.5
    scaled = layer(unscaled(x)._replace(scale=scale))
    torch.testing.assert_close(scaled, layer(unscaled(x)) * scale[:, None, None])


def test_stochastic_depth_drops_whole_images_and_scales_up_the_others():
    out = StochasticDepth(0.25)(torch.ones(4000, 2, 3, 3))
    assert out.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert (out == out[:, :1, :1, :1]).all()
    assert (out[:, 0, 0, 0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_stochastic_depth_leaves_images_alone_in_evaluation_and_at_rate_0():
    x = torch.ones(100, 1, 1, 1)
    assert StochasticDepth(0.9).eval()(x) is x
    assert StochasticDepth(0.0)(x) is x


def test_stochastic_depth_keeps_the_number_format():
    assert StochasticDepth(0.5)(torch.ones(4, 1, 1, 1, dtype=torch.bfloat16)).dtype == torch.bfloat16
