"""Our networks against everybody else's, with the same weights: torchvision, timm, and the formulas in float64."""

import functools
import math

import pytest
import timm
import torch
import torchvision
from timm.layers import BatchNormAct2d, GroupNormAct
from timm.models._efficientnet_builder import decode_arch_def
from timm.models.efficientnet import EfficientNet as TimmEfficientNet
from torch import nn
from torch.nn import functional

from tests.older import paired
from workers.models.efficientnet import build
from workers.models.layers import ConvNormSiLU
from workers.protocol.architecture import architecture
from workers.protocol.variant import SIZES, Variant

G1, G16 = (1, 6), (16, 4)


def copy_in_order(source, target):
    """Copy weights between networks that list the same layers in the same order under different names."""
    theirs, ours = source.state_dict(), target.state_dict()
    for name, (their_name, value) in paired(ours, theirs.items()):
        assert ours[name].shape == value.shape, (name, their_name)
        ours[name] = value
    target.load_state_dict(ours)


def shaken(model):
    """Give norms and running statistics values that a mistake would show, and all the published epsilon."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm2d, nn.GroupNorm)):
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(std=0.3)
                module.eps = 1e-3
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.3)
                module.running_var.uniform_(0.5, 1.5)
    return model


def assert_same_logits(theirs, variant, resolutions):
    """In fp64: through 50 layers of random weights, the roundings of fp32 alone make as much as 1 part in 100,000."""
    ours = build(variant, 3, 1000).eval().double()
    copy_in_order(theirs.eval().double(), ours)
    for resolution in resolutions:
        images = torch.randn(2, 3, resolution, resolution, dtype=torch.float64)
        with torch.inference_mode():
            torch.testing.assert_close(ours(images), theirs(images), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("size", SIZES)
def test_depthwise_batch_norm_networks_compute_what_torchvision_computes(size):
    theirs = shaken(getattr(torchvision.models, f"efficientnet_{size}")())
    assert_same_logits(theirs, Variant(size, *G1, "bn"), (64, 75))


def test_b0_computes_what_torchvision_computes_at_its_native_and_half_resolution():
    theirs = shaken(torchvision.models.efficientnet_b0())
    assert_same_logits(theirs, Variant("b0", *G1, "bn"), (224, 160))


@pytest.mark.parametrize("size", ["b0", "b1", "b2", "b3", "b4"])
def test_depthwise_batch_norm_networks_compute_what_timm_computes(size):
    theirs = shaken(timm.create_model(f"efficientnet_{size}"))
    assert_same_logits(theirs, Variant(size, *G1, "bn"), (64, 75))


@pytest.mark.parametrize("size", ["b0", "b3"])
def test_where_every_side_is_odd_the_padding_is_that_of_the_networks_published_for_tensorflow(size):
    # 33 → 17 → 9 → 5 → 3 → 2: TensorFlow pads even sides on the right only, and odd ones on both as we do.
    theirs = shaken(timm.create_model(f"tf_efficientnet_{size}"))
    assert_same_logits(theirs, Variant(size, *G1, "bn"), (33, 97))


def test_groups_are_those_of_timms_network_with_groups_of_16():
    with torch.device("meta"):
        theirs = timm.create_model("efficientnet_b0_g16_evos")
    groups = {m.in_channels: m.groups for n, m in theirs.named_modules() if n.endswith("conv_dw")}
    ours = [block.spatial for block in architecture(Variant("b0", 16, 6, "bn"), 3, 1000).blocks]
    # Its channels are rounded to 16 instead of 8, so only some widths occur in both.
    shared = [layer for layer in ours if layer.in_channels in groups]
    assert {layer.in_channels for layer in shared} == {32, 96, 480, 672, 1152}
    assert all(layer.groups == groups[layer.in_channels] for layer in shared)


def timm_peer(group_size, expansion, norm_layer):
    stages = ["ds_r1_k3_s1_e1_c16_se0.25"] + [
        f"ir_r{repeats}_k{kernel}_s{stride}_e{expansion}_c{channels}_se0.25"
        for kernel, repeats, channels, stride in (
            (3, 2, 24, 2),
            (5, 2, 40, 2),
            (3, 3, 80, 2),
            (5, 3, 112, 1),
            (5, 4, 192, 2),
            (3, 1, 320, 1),
        )
    ]
    arch = decode_arch_def([[stage] for stage in stages], group_size=group_size)
    return TimmEfficientNet(arch, num_features=1280, stem_size=32, norm_layer=norm_layer, act_layer=nn.SiLU)


@pytest.mark.parametrize(("norm", "groups"), [("gn", 4), ("ln", 1)])
def test_grouped_networks_compute_and_learn_what_timm_does(norm, groups):
    theirs = shaken(timm_peer(16, 4, functools.partial(GroupNormAct, num_groups=groups)))
    ours = build(Variant("b0", *G16, norm), 3, 1000, dropout=0.0)
    copy_in_order(theirs, ours)
    images, labels = torch.randn(2, 3, 64, 64), torch.tensor([1, 2])
    outputs = []
    for model in (ours, theirs):
        logits = model(images)
        functional.cross_entropy(logits, labels).backward()
        outputs.append(logits.detach())
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)
    for mine, peer in paired(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine.grad, peer.grad, rtol=1e-3, atol=1e-5)


def test_grouped_networks_with_batch_norm_train_as_timms_do():
    """Batch norm in training mode, running statistics included, which the comparisons in evaluation mode leave out.

    In fp64: shifts that the next batch norm takes out again have no gradient but rounding's.
    """
    theirs = shaken(timm_peer(16, 4, BatchNormAct2d)).train().double()
    ours = build(Variant("b0", *G16, "bn"), 3, 1000, dropout=0.0).train().double()
    copy_in_order(theirs, ours)
    images, labels = torch.randn(4, 3, 64, 64, dtype=torch.float64), torch.tensor([1, 2, 3, 4])
    for model in (ours, theirs):
        functional.cross_entropy(model(images), labels).backward()
    for mine, peer in paired(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine.grad, peer.grad, rtol=1e-6, atol=1e-10)
    for mine, peer in paired(ours.state_dict().values(), theirs.state_dict().values()):
        torch.testing.assert_close(mine, peer, rtol=1e-9, atol=1e-10)


def test_initial_weights_are_as_wide_as_those_of_timm():
    theirs = timm_peer(16, 4, functools.partial(GroupNormAct, num_groups=4, eps=1e-3))
    ours = build(Variant("b0", *G16, "gn"), 3, 1000)
    convolutions = ([m for m in net.modules() if isinstance(m, nn.Conv2d)] for net in (ours, theirs))
    for mine, peer in paired(*convolutions):
        if peer.weight.numel() > 2000:
            assert mine.weight.std().item() == pytest.approx(peer.weight.std().item(), rel=0.1)


# ---- a network with proxy norm, written a second time from the paper's formulas --------------------------------------

# Stage by stage: kernel, repeats, stride of B0 (arXiv 1905.11946, table 1); the channels are those of the weights.
STAGES = ((3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 3, 2), (5, 3, 1), (5, 4, 2), (3, 1, 1))


class ReferenceB0:
    """B0 in groups of 16 with layer norm and proxy norm, in float64, from its weights alone."""

    def __init__(self, weights):
        self.weights = {name: value.double() for name, value in weights.items()}
        index = torch.arange(200, dtype=torch.float64)
        self.quantiles = math.sqrt(2) * torch.erfinv(2 * (index + 0.5) / 200 - 1)

    def __call__(self, images):
        x = images.double()
        centred, scale = self.activated("stem", self.convolved("stem", x, stride=2))
        x = centred * scale
        for stage, (_, repeats, stride) in enumerate(STAGES):
            for block in range(repeats):
                x = self.block(f"stages.{stage}.{block}", x, stride if block == 0 else 1)
        features, _ = self.activated("head", self.convolved("head", x))
        w = self.weights
        return functional.linear(features.mean((2, 3)), w["classifier.weight"], w["classifier.bias"])

    def convolved(self, name, x, stride=1):
        weight = self.weights[f"{name}.conv.weight"]
        return functional.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=x.shape[1] // weight.shape[1])

    def normalised(self, x):
        mean, variance = x.mean((1, 2, 3), keepdim=True), x.var((1, 2, 3), unbiased=False, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-3)

    def activated(self, name, x):
        """Return the activation minus the proxy's mean, and the proxy's inverse deviation."""
        parameters = ("weight", "bias", "proxy_mean", "proxy_scale")
        gamma, beta, shift, spread = (self.weights[f"{name}.norm.{one}"][:, None] for one in parameters)
        proxy = functional.silu(gamma * ((1 + spread) * self.quantiles + shift) + beta)
        mean, variance = proxy.mean(1), proxy.var(1, unbiased=False)
        z = functional.silu(gamma[..., None] * self.normalised(x) + beta[..., None])
        return z - mean[:, None, None], (1 / torch.sqrt(variance + 0.03))[:, None, None]

    def block(self, name, x, stride):
        inside = x
        if f"{name}.expand.conv.weight" in self.weights:
            centred, scale = self.activated(f"{name}.expand", self.convolved(f"{name}.expand", x))
            inside = centred * scale
        centred, scale = self.activated(f"{name}.spatial", self.convolved(f"{name}.spatial", inside, stride))
        w = {key[len(name) + 1 :]: value for key, value in self.weights.items() if key.startswith(f"{name}.")}
        squeeze, excite = "squeeze_excite.squeeze", "squeeze_excite.excite"
        gate = functional.conv2d(centred.mean((2, 3), keepdim=True), w[f"{squeeze}.weight"], w[f"{squeeze}.bias"])
        gate = functional.conv2d(functional.silu(gate), w[f"{excite}.weight"], w[f"{excite}.bias"]).sigmoid()
        out = self.convolved(f"{name}.project", centred * (gate * scale))
        out = self.normalised(out) * w["project.norm.weight"][:, None, None]
        return x + out if out.shape == x.shape and stride == 1 else out


def test_the_network_with_proxy_norm_is_the_one_of_the_formulas():
    model = build(Variant("b0", *G16, "ln+pn"), 3, 1000).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".norm." in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
    images = torch.randn(2, 3, 64, 64)
    expected = ReferenceB0(model.state_dict())(images)
    with torch.inference_mode():
        torch.testing.assert_close(model(images).double(), expected, rtol=1e-4, atol=1e-4)


def constant_shares(norm):
    """Return for each convolution which part of its output's power is each channel's mean over images and pixels."""
    model = build(Variant("b0", *G16, norm), 3, 10).eval()
    shares = []

    def look(_module, _inputs, output):
        shares.append((output.mean((0, 2, 3)).square().mean() / output.square().mean()).item())

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("norm.weight", "norm.bias")):
                parameter.add_(0.3 * torch.randn_like(parameter))
        for module in model.modules():
            if isinstance(module, ConvNormSiLU):
                module.conv.register_forward_hook(look)
        model(5 * functional.avg_pool2d(torch.randn(16, 3, 96, 96), 5, stride=1, padding=2))
    return shares[1:]  # the stem sees the images themselves


@pytest.mark.parametrize("plain", ["ln", "gn"])
def test_proxy_norm_keeps_channels_from_becoming_constants_as_they_do_without_it(plain):
    """The property it exists for: deep in a network with layer norm, channels are mostly a constant (2106.03743)."""
    assert min(constant_shares(plain)[8:]) > 0.3
    assert max(constant_shares(f"{plain}+pn")) < 0.05
