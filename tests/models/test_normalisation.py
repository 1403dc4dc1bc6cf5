import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.older import needs_newer_torch
from workers.models.layers import activated_norm, projection_norm
from workers.models.normalisation import BatchNorm, BatchNormSiLU, GroupNorm, GroupNormSiLU
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.variant import NORMS


@pytest.mark.parametrize(
    ("norm", "kind", "groups"),
    [("gn", GroupNormSiLU, 4), ("ln", GroupNormSiLU, 1), ("gn+pn", ProxyNormSiLU, 4), ("ln+pn", ProxyNormSiLU, 1)],
)
def test_a_norm_by_name_has_its_groups_and_its_activation(norm, kind, groups):
    layer = activated_norm(norm, 16)
    assert type(layer) is kind
    assert layer.groups == groups
    assert projection_norm(norm, 16).groups == groups


def test_group_norm_with_4_groups_is_that_of_torch():
    layer, peer = GroupNorm(4, 16), nn.GroupNorm(4, 16, eps=1e-3)
    assert_same_when_trained(layer, peer)


def test_group_norm_with_1_group_is_layer_norm_over_channels_height_and_width():
    layer = GroupNorm(1, 16)
    x = torch.randn(3, 16, 5, 5)
    torch.testing.assert_close(layer(x), nn.functional.layer_norm(x, (16, 5, 5), eps=1e-3))


def assert_same_when_trained(layer, peer):
    with torch.no_grad():
        layer.weight.normal_()
        layer.bias.normal_()
    peer.load_state_dict(layer.state_dict())
    x = torch.randn(3, 16, 5, 5)
    torch.testing.assert_close(layer(x), peer(x))


def test_batch_norm_is_that_of_torch_with_the_epsilon_of_tensorflow():
    layer, peer = BatchNorm(16), nn.BatchNorm2d(16, eps=1e-3)
    for _ in range(3):
        x = torch.randn(4, 16, 5, 5)
        torch.testing.assert_close(layer(x), peer(x))
    torch.testing.assert_close(layer.eval()(x), peer.eval()(x))


@pytest.mark.parametrize("norm", ["bn", "gn", "ln"])
def test_an_activated_norm_is_silu_of_the_norm_and_delays_nothing(norm):
    layer, bare = activated_norm(norm, 16), projection_norm(norm, 16)
    x = torch.randn(3, 16, 5, 5)
    expected = nn.functional.silu(bare(x))
    torch.testing.assert_close(layer(x), expected)
    delayed, means, scale = layer.delayed(x)
    torch.testing.assert_close(delayed, expected)
    torch.testing.assert_close(means, expected.mean((2, 3)))
    assert scale is None
    torch.testing.assert_close(layer.pooled(x), means)


@pytest.mark.parametrize(
    ("norm", "trained"),
    [
        ("bn", {"weight", "bias"}),
        ("gn", {"weight", "bias"}),
        ("ln", {"weight", "bias"}),
        ("gn+pn", {"weight"}),
        ("ln+pn", {"weight"}),
    ],
)
def test_a_projection_norm_loses_its_shift_where_activations_are_proxy_normalised(norm, trained):
    layer = projection_norm(norm, 16)
    assert {name for name, _ in layer.named_parameters()} == trained
    x = torch.randn(3, 16, 5, 5)
    torch.testing.assert_close(layer(x).mean(), torch.tensor(0.0), rtol=0, atol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_scales_start_at_1_and_shifts_at_0(norm):
    for layer in (activated_norm(norm, 8), projection_norm(norm, 8)):
        assert layer.weight.tolist() == [1.0] * 8
        assert layer.bias.tolist() == [0.0] * 8


@pytest.mark.parametrize("norm", NORMS)
def test_norms_keep_bf16_images_in_bf16_under_autocast(norm):
    x = torch.randn(2, 8, 6, 6)
    for layer in (activated_norm(norm, 8), projection_norm(norm, 8)):
        reference = layer(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = layer(x.bfloat16())
        assert out.dtype == torch.bfloat16
        torch.testing.assert_close(out.float(), reference, rtol=0.02, atol=0.05)


def test_batch_norm_forgets_its_initial_statistics_within_a_short_training():
    layer = BatchNorm(8)
    for _ in range(60):
        layer(3.0 + 2.0 * torch.randn(32, 8, 4, 4))
    torch.testing.assert_close(layer.running_mean, torch.full((8,), 3.0), rtol=0.05, atol=0)
    torch.testing.assert_close(layer.running_var, torch.full((8,), 4.0), rtol=0.1, atol=0)


class GroupNormFormats(TorchDispatchMode):
    """Records the number formats of image, scale and shift that reach the kernel of group norm."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, operator, types, arguments=(), options=None):
        if operator is torch.ops.aten.native_group_norm.default:
            self.seen.append({tensor.dtype for tensor in arguments[:3]})
        return operator(*arguments, **(options or {}))


@pytest.fixture
def _cuda_autocast():
    """Autocast for CUDA's operators, switched on without a GPU."""
    torch.set_autocast_enabled(True)
    yield
    torch.set_autocast_enabled(False)


@pytest.mark.usefixtures("_cuda_autocast")
@pytest.mark.parametrize("dtype", [torch.bfloat16, pytest.param(torch.float16, marks=needs_newer_torch)])
def test_under_autocast_for_cuda_the_kernel_gets_one_narrow_number_format(dtype):
    x = torch.randn(2, 8, 6, 6)
    layer = GroupNorm(4, 8)
    with GroupNormFormats() as formats:
        out = layer(x.to(dtype))
    assert formats.seen == [{dtype}]
    assert out.dtype == dtype
    assert torch.is_autocast_enabled()
    torch.testing.assert_close(out.float(), layer(x), rtol=0.02, atol=0.02)


def test_batch_norm_over_a_single_value_is_refused_as_torch_refuses_it():
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        BatchNormSiLU(8)(torch.randn(1, 8, 1, 1))


@pytest.mark.parametrize("norm", NORMS)
def test_no_images_make_no_activations(norm):
    layer = activated_norm(norm, 8).eval()
    with torch.no_grad():
        assert layer(torch.randn(0, 8, 4, 4)).shape == (0, 8, 4, 4)


def test_batch_norm_activates_in_evaluation_too():
    layer = BatchNormSiLU(8)
    layer(torch.randn(16, 8, 4, 4))
    layer.eval()
    assert layer(torch.randn(2, 8, 4, 4)).min() > -0.28  # the minimum of silu is -0.278
