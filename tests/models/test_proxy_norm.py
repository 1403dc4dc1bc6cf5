import copy
import math

import pytest
import torch
from torch import nn

from tests.older import needs_newer_torch, paired
from workers.models.proxy_norm import QUANTILES, ProxyNormSiLU, gaussian_quantiles

PARAMETERS = ("weight", "bias", "proxy_mean", "proxy_scale")


def perturbed(groups=1, channels=8):
    """A layer whose parameters are away from their special initial values."""
    layer = ProxyNormSiLU(groups, channels)
    with torch.no_grad():
        for name in PARAMETERS:
            getattr(layer, name).add_(0.3 * torch.randn(channels))
    return layer


def published_formula(x, groups, gamma, beta, proxy_mean, proxy_scale):
    """Proxy norm channel by channel in float64, as arXiv 2106.03743 writes it; centred activation and scale."""
    images, channels = x.shape[:2]
    y = x.reshape(images, groups, -1)
    y = (y - y.mean(2, keepdim=True)) / torch.sqrt(y.var(2, unbiased=False, keepdim=True) + 1e-3)
    y = y.reshape(x.shape)
    index = torch.arange(200, dtype=torch.float64)
    quantiles = math.sqrt(2) * torch.erfinv(2 * (index + 0.5) / 200 - 1)
    centred, scales = [], []
    for c in range(channels):
        z = nn.functional.silu(gamma[c] * y[:, c] + beta[c])
        proxy = nn.functional.silu(gamma[c] * ((1 + proxy_scale[c]) * quantiles + proxy_mean[c]) + beta[c])
        mean = proxy.mean()
        centred.append(z - mean)
        scales.append(1 / torch.sqrt((proxy**2).mean() - mean**2 + 0.03))
    return torch.stack(centred, 1), torch.stack(scales)


def reference_leaves(layer):
    return [getattr(layer, name).detach().double().requires_grad_() for name in PARAMETERS]


def test_quantiles_are_the_midpoints_of_equally_probable_slices():
    index = torch.arange(QUANTILES, dtype=torch.float64)
    expected = math.sqrt(2) * torch.erfinv(2 * (index + 0.5) / QUANTILES - 1)
    actual = torch.tensor(gaussian_quantiles(QUANTILES), dtype=torch.float64)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)
    assert actual[-1].item() == pytest.approx(2.807, abs=1e-3)
    assert actual.var(unbiased=False).item() == pytest.approx(0.9936, abs=1e-4)


def test_initial_statistics_are_those_of_silu_of_a_standard_normal():
    mean, inverse_deviation = ProxyNormSiLU(1, 5).statistics()
    torch.testing.assert_close(mean, torch.full((5,), 0.2060), rtol=0, atol=1e-4)
    torch.testing.assert_close(inverse_deviation, torch.full((5,), 1.7150), rtol=0, atol=1e-4)


@pytest.mark.parametrize("groups", [1, 4])
def test_values_and_gradients_are_those_of_the_published_formula(groups):
    layer = perturbed(groups)
    x = torch.randn(3, 8, 5, 4)
    weights = torch.randn(3, 8, 5, 4)
    leaves = reference_leaves(layer)
    x64 = x.double().requires_grad_()
    centred, scales = published_formula(x64, groups, *leaves)
    expected = centred * scales.view(1, -1, 1, 1)
    (expected * weights).sum().backward()

    x.requires_grad_()
    actual = layer(x)
    (actual * weights).sum().backward()

    torch.testing.assert_close(actual.double(), expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(x.grad.double(), x64.grad, rtol=1e-4, atol=1e-5)
    for name, leaf in paired(PARAMETERS, leaves):
        torch.testing.assert_close(getattr(layer, name).grad.double(), leaf.grad, rtol=1e-4, atol=2e-5)


def test_delayed_parts_and_their_gradients_are_those_of_the_published_formula():
    layer = perturbed()
    x = torch.randn(2, 8, 3, 3)
    leaves = reference_leaves(layer)
    expected, expected_scales = published_formula(x.double(), 1, *leaves)
    (expected.square().sum() + expected_scales.square().sum()).backward()

    actual, means, scales = layer.delayed(x)
    assert scales.shape == (8,)
    (actual.square().sum() + scales.square().sum()).backward()

    torch.testing.assert_close(actual.double(), expected, rtol=0, atol=2e-6)
    torch.testing.assert_close(means.double(), expected.mean((2, 3)), rtol=0, atol=2e-6)
    torch.testing.assert_close(scales.double(), expected_scales, rtol=1e-5, atol=0)
    for name, leaf in paired(PARAMETERS, leaves):
        torch.testing.assert_close(getattr(layer, name).grad.double(), leaf.grad, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_agree_with_finite_differences(groups):
    layer = perturbed(groups, channels=4).double()
    x = torch.randn(2, 4, 3, 2, dtype=torch.float64, requires_grad=True)
    parameters = [getattr(layer, name).detach().clone().requires_grad_() for name in PARAMETERS]

    def call(x, *values):
        return torch.func.functional_call(layer, dict(paired(PARAMETERS, values)), (x,))

    assert torch.autograd.gradcheck(call, (x, *parameters))


def test_a_proxy_like_its_channel_brings_the_activation_to_mean_0_and_variance_1():
    out = ProxyNormSiLU(1, 4)(torch.randn(64, 4, 64, 64))
    torch.testing.assert_close(out.mean((0, 2, 3)), torch.zeros(4), rtol=0, atol=0.01)
    # 0.31 of the variance's own and 0.03 of epsilon: 0.31 / 0.34.
    torch.testing.assert_close(out.var((0, 2, 3)), torch.full((4,), 0.912), rtol=0, atol=0.02)


def test_channels_last_and_contiguous_images_give_the_same_and_keep_their_format():
    layer = perturbed()
    x = torch.randn(2, 8, 6, 6)
    x_last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(layer(x_last), layer(x))
    assert layer(x_last).is_contiguous(memory_format=torch.channels_last)


def test_statistics_are_fp32_where_the_image_or_the_layer_is_narrower():
    layer = perturbed()
    reference = layer(x := torch.randn(2, 8, 6, 6))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x.bfloat16())
        assert layer.statistics()[0].dtype == torch.float32
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), reference, rtol=0.02, atol=0.05)
    assert layer.bfloat16().statistics()[0].dtype == torch.float32


def in_evaluation(layer, x):
    with torch.no_grad():
        return layer(x)


def kept_layer():
    layer = perturbed().eval()
    x = torch.randn(1, 8, 4, 4)
    before = in_evaluation(layer, x)
    return layer, x, before


def test_in_evaluation_without_gradients_statistics_are_computed_once():
    layer, x, before = kept_layer()
    with torch.no_grad():
        first, second = layer.statistics(), layer.statistics()
    assert first[0] is second[0]
    torch.testing.assert_close(before, layer(x).detach(), rtol=0, atol=0)


def change_in_place(layer, other):
    with torch.no_grad():
        for mine, theirs in paired(layer.parameters(), other.parameters()):
            mine.copy_(theirs)


def change_by_optimiser(layer, other):
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    for mine, theirs in paired(layer.parameters(), other.parameters()):
        mine.grad = (mine - theirs).detach()
    optimizer.step()


def change_by_state(layer, other):
    layer.load_state_dict(other.state_dict())


def change_by_assigned_state(layer, other):
    layer.load_state_dict(other.state_dict(), assign=True)


def change_by_new_parameters(layer, other):
    for name in PARAMETERS:
        setattr(layer, name, nn.Parameter(getattr(other, name).detach().clone()))


def change_untracked_then_eval(layer, other):
    for mine, theirs in paired(layer.parameters(), other.parameters()):
        mine.data.copy_(theirs.data)
    layer.eval()


@pytest.mark.parametrize(
    "change",
    [
        change_in_place,
        change_by_optimiser,
        change_by_state,
        pytest.param(change_by_assigned_state, marks=needs_newer_torch),
        change_by_new_parameters,
        change_untracked_then_eval,
    ],
)
def test_kept_statistics_never_survive_a_change_of_the_parameters(change):
    layer, x, before = kept_layer()
    other = perturbed().eval()
    change(layer, other)
    torch.testing.assert_close(in_evaluation(layer, x), in_evaluation(other, x))
    assert not torch.allclose(in_evaluation(layer, x), before, atol=1e-3)


def test_held_statistics_are_used_without_a_look_until_the_mode_is_set_anew():
    layer, x, before = kept_layer()
    layer.hold_constant()
    change_in_place(layer, perturbed())
    fresh = layer.statistics()
    with torch.no_grad():
        held = layer.statistics()
    for one, other in paired(held, fresh):
        assert not torch.allclose(one, other, atol=1e-3)
    torch.testing.assert_close(in_evaluation(layer.eval(), x), layer(x).detach())
    assert not torch.allclose(in_evaluation(layer, x), before, atol=1e-3)


def test_nothing_is_held_while_training():
    layer, x = perturbed(), torch.randn(1, 8, 4, 4)
    layer.hold_constant()
    layer.eval()
    before = in_evaluation(layer, x)
    change_in_place(layer, perturbed())
    assert not torch.allclose(in_evaluation(layer, x), before, atol=1e-3)


@pytest.mark.parametrize("name", PARAMETERS)
def test_kept_statistics_depend_on_every_parameter(name):
    layer, x, _ = kept_layer()
    with torch.no_grad():
        getattr(layer, name).add_(0.5)
    torch.testing.assert_close(in_evaluation(layer, x), layer(x).detach())


def test_kept_statistics_follow_a_change_of_the_number_format():
    layer, x, before = kept_layer()
    with torch.no_grad():
        assert layer.double().statistics()[0].dtype == torch.float64
    torch.testing.assert_close(in_evaluation(layer, x.double()).float(), before, rtol=1e-4, atol=1e-5)


def test_kept_statistics_made_in_inference_mode_serve_later_training():
    layer, x, before = kept_layer()
    with torch.inference_mode():
        layer(x)
    out = layer(x)
    out.sum().backward()
    torch.testing.assert_close(out.detach(), before, rtol=0, atol=0)
    assert layer.proxy_mean.grad is not None


def test_a_layer_made_in_inference_mode_works():
    with torch.inference_mode():
        layer = ProxyNormSiLU(1, 4).eval()
        x = torch.randn(1, 4, 3, 3)
        before = layer(x)
        layer.bias.add_(1.0)
        assert not torch.allclose(layer(x), before)


def test_a_copy_keeps_nothing_of_the_original():
    layer, x, before = kept_layer()
    duplicate = copy.deepcopy(layer)
    change_in_place(layer, perturbed())
    torch.testing.assert_close(in_evaluation(duplicate, x), before)


def test_only_parameters_are_part_of_the_state():
    assert list(ProxyNormSiLU(1, 4).state_dict()) == list(PARAMETERS)
