"""Which numbers are half precision, and which never are."""

import dataclasses

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.ipu.runs import VARIANT
from tests.older import needs_newer_torch
from workers.errors import DeviceError
from workers.ipu.precision import activation_type, check_precision, for_inference, for_training
from workers.models.efficientnet import build
from workers.models.proxy_norm import ProxyNormSiLU

IMAGES = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


class Operations(TorchDispatchMode):
    """Notes the number formats that each operation takes at a time, casts aside."""

    def __init__(self):
        super().__init__()
        self.formats = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        del types
        name = str(func).rsplit(".", 1)[0]
        formats = {one.dtype for one in args if isinstance(one, torch.Tensor) and one.dim() > 0}
        if len(formats) > 1 or name in {"aten.convolution", "aten.native_group_norm", "aten.addmm"}:
            self.formats.setdefault(name, set()).update(formats)
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=["gn", "ln+pn"])
def network(request):
    torch.manual_seed(0)
    return build(dataclasses.replace(VARIANT, norm=request.param), 1, 8)


@needs_newer_torch
@pytest.mark.parametrize("change", [for_training, for_inference])
def test_16_16_has_half_precision_weights_but_keeps_a_proxy_norms_constants(network, change):
    change(network, "16.16")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float16}
    for module in network.modules():
        if isinstance(module, ProxyNormSiLU):
            assert module.quantiles.dtype == torch.float32
            assert {statistic.dtype for statistic in module.statistics()} == {torch.float32}
    assert network.eval()(IMAGES.half()).dtype == torch.float16


@needs_newer_torch
def test_16_32_trains_single_precision_weights_by_half_precision_activations(network):
    before = {name: (parameter, parameter.detach().clone()) for name, parameter in network.named_parameters()}
    for_training(network.train(), "16.32")
    with Operations() as seen:
        logits = network(IMAGES.half())
    logits.float().square().sum().backward()
    assert logits.dtype == torch.float16
    assert {name: formats for name, formats in seen.formats.items() if len(formats) > 1} == {}
    assert seen.formats["aten.convolution"] == seen.formats["aten.native_group_norm"] == {torch.float16}
    assert seen.formats["aten.addmm"] == {torch.float16}
    for name, parameter in network.named_parameters():
        same, value = before[name]
        assert parameter is same
        assert torch.equal(parameter, value)
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == torch.float32


@needs_newer_torch
def test_weights_that_change_between_two_forward_passes_are_cast_anew(network):
    for_training(network.eval(), "16.32")
    with torch.no_grad():
        first = network(IMAGES.half())
        dict(network.named_parameters())["classifier.bias"].add_(1.0)
        second = network(IMAGES.half())
    torch.testing.assert_close(second, first + 1.0, rtol=0.0, atol=0.01)


def test_fp32_changes_nothing(network):
    before = str(network)
    for_training(network, "fp32")
    assert str(network) == before
    assert all(not module._forward_pre_hooks for module in network.modules())
    assert activation_type("fp32") == torch.float32
    assert activation_type("16.16") == activation_type("16.32") == torch.float16


def test_precisions_of_other_slots_are_refused():
    check_precision("16.32")
    with pytest.raises(DeviceError, match="IPUs do not compute in fp16: take fp32"):
        check_precision("fp16")
