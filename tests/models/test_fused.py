"""The fused kernels, held to torch's own operations in fp64."""

import math
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.older import needs_newer_torch, paired
from workers.models import fused, kernel_library
from workers.models.kernel_library import Kernels, kernels
from workers.models.layers import convolution
from workers.models.normalisation import BatchNorm, BatchNormSiLU, GroupNorm, GroupNormSiLU
from workers.models.proxy_norm import ProxyNormSiLU, hold_constant
from workers.protocol.architecture import Convolution

FORMATS = [torch.channels_last, torch.contiguous_format]
#: Images, channels, height and width: whole vectors of channels and pixels, and remainders of both.
SHAPES = [(2, 32, 8, 8), (3, 40, 9, 13), (2, 8, 17, 16), (5, 20, 8, 8), (1, 64, 8, 9)]
LAYERS = {
    "bn": BatchNorm,
    "bn-silu": BatchNormSiLU,
    "gn": lambda channels: GroupNorm(4, channels),
    "gn-silu": lambda channels: GroupNormSiLU(4, channels),
    "ln-silu": lambda channels: GroupNormSiLU(1, channels),
    "gn-silu-pn": lambda channels: ProxyNormSiLU(4, channels),
    "ln-silu-pn": lambda channels: ProxyNormSiLU(1, channels),
}

HERE = kernels()
pytestmark = pytest.mark.skipif(HERE.library is None, reason=f"no kernels here: {HERE.reason}")


@pytest.fixture
def composed(monkeypatch):
    """A function that calls another one with torch's own operations."""

    def call(work):
        with monkeypatch.context() as patch:
            patch.setattr(fused, "kernels", lambda: Kernels(None, "eager", "a test's"))
            return work()

    return call


@pytest.fixture(params=[1, 3])
def threads(request):
    """Fewer threads than images, and more."""
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(1)


def perturbed(name, channels, dtype=torch.float32):
    layer = LAYERS[name](channels).to(dtype)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return layer


def images_of(shape, memory_format, mean=0.5):
    return (mean + 1.5 * torch.randn(shape)).contiguous(memory_format=memory_format)


def everything(layer, x, way):
    """Return the results of a layer and the gradients of a function of all of them."""
    x = x.detach().requires_grad_()
    layer.zero_grad()
    results = way(layer, x)
    loss = sum(((index + 1) * one * torch.cos(one.detach() + index)).sum() for index, one in enumerate(results))
    loss.backward()
    return [*results, x.grad, *(parameter.grad for parameter in layer.parameters()), *layer.buffers()]


WAYS = {
    "called": lambda layer, x: [layer(x)],
    "delayed": lambda layer, x: [one for one in layer.delayed(x) if one is not None],
    "pooled": lambda layer, x: [layer.pooled(x)],
}


def ways_of(name):
    return ["called", "delayed", "pooled"] if "silu" in name else ["called"]


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "way"), [(name, way) for name in LAYERS for way in ways_of(name)])
def test_values_and_gradients_are_those_of_torch_in_fp64(name, way, shape, memory_format, threads, composed):
    if memory_format is torch.contiguous_format and threads > shape[0]:
        pytest.skip("contiguous images are shared out whole")
    layer = perturbed(name, shape[1])
    exact = perturbed(name, shape[1], torch.float64)
    exact.load_state_dict(layer.state_dict())
    x = images_of(shape, memory_format)
    assert fused.usable(x, layer.weight)
    actual = everything(layer, x, WAYS[way])
    expected = composed(lambda: everything(exact, x.double(), WAYS[way]))
    for mine, theirs in paired(actual, expected):
        scale = theirs.abs().max().item()
        torch.testing.assert_close(mine.to(theirs.dtype), theirs, rtol=1e-5, atol=3e-6 * scale + 1e-7)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["bn-silu", "gn-silu", "gn-silu-pn", "ln-silu-pn"])
def test_gradients_agree_with_finite_differences(name, way, memory_format):
    layer = perturbed(name, 4, torch.float64)
    names = [key for key, _ in layer.named_parameters()]
    # Contiguous images need 64 pixels to be taken.
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64).contiguous(memory_format=memory_format).requires_grad_()
    values = [parameter.detach().clone().requires_grad_() for parameter in layer.parameters()]

    def call(x, *values):
        with (
            torch.no_grad()
        ):  # the running statistics of batch norm move at each call, and nothing here depends on them
            buffers = {key: value.clone() for key, value in layer.named_buffers()}
        called = _Way(layer, WAYS[way])
        parameters = {f"layer.{key}": value for key, value in paired(names, values)}
        return torch.func.functional_call(called, {**parameters, **{f"layer.{k}": v for k, v in buffers.items()}}, (x,))

    assert fused.usable(x.detach(), layer.weight)
    assert torch.autograd.gradcheck(call, (x, *values), fast_mode=True)


class _Way(nn.Module):
    def __init__(self, layer, way):
        super().__init__()
        self.layer, self.way = layer, way

    def forward(self, x):
        return tuple(self.way(self.layer, x))


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("name", [name for name in LAYERS if "silu" in name])
def test_evaluation_is_that_of_torch_in_fp64(name, memory_format, composed):
    layer = perturbed(name, 40)
    layer(images_of((8, 40, 8, 8), memory_format))
    exact = perturbed(name, 40, torch.float64)
    exact.load_state_dict(layer.state_dict())
    x = images_of((3, 40, 8, 9), memory_format)
    layer.eval(), exact.eval()
    with torch.no_grad():
        for way in (WAYS["called"], WAYS["pooled"], scaled_in_the_end):
            expected = composed(lambda way=way: way(exact, x.double()))
            for mine, theirs in paired(way(layer, x), expected):
                torch.testing.assert_close(mine.double(), theirs, rtol=1e-5, atol=1e-5)


def scaled_in_the_end(layer, x):
    """Return values and means of ``delayed`` once a caller has applied the scale that remains."""
    values, means, scale = layer.delayed(x)
    return [values if scale is None else values * scale[:, None, None], means]


def test_without_gradients_the_kernel_leaves_no_scale_to_the_caller():
    layer, x = perturbed("ln-silu-pn", 40).eval(), images_of((3, 40, 8, 9), torch.channels_last)
    assert layer.delayed(x).scale is not None
    with torch.no_grad():
        assert layer.delayed(x).scale is None


@pytest.mark.parametrize("name", LAYERS)
def test_only_a_spent_input_without_gradients_is_overwritten(name):
    layer = perturbed(name, 16).eval()
    x = images_of((2, 16, 8, 8), torch.channels_last)
    expected, kept = layer(x), x.clone()
    layer(x, spent=True)
    with torch.no_grad():
        layer(x)
        assert torch.equal(x, kept)
        out = layer(x, spent=True)
    assert out.data_ptr() == x.data_ptr()
    torch.testing.assert_close(out, expected)


@pytest.mark.parametrize("name", LAYERS)
def test_a_mean_far_from_0_costs_no_digits(name, composed):
    layer, shape = perturbed(name, 16), (2, 16, 16, 16)
    exact = perturbed(name, 16, torch.float64)
    exact.load_state_dict(layer.state_dict())
    x = images_of(shape, torch.channels_last, mean=1000.0)
    expected = composed(lambda: exact(x.double()))
    # fp32 itself resolves 1000 ± 1.5 to 1 part in 25,000 of the deviation.
    torch.testing.assert_close(layer(x).double(), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("poison", [math.nan, math.inf])
@pytest.mark.parametrize("name", LAYERS)
def test_a_network_that_diverges_is_seen_to(name, poison, memory_format):
    layer, x = LAYERS[name](16), images_of((2, 16, 8, 8), memory_format)
    x[0, 3, 2, 1] = poison
    x.requires_grad_()
    out = layer(x)
    out.sum().backward()
    assert out[0].isnan().any()
    assert x.grad[0].isnan().any()


def test_activations_at_both_ends_are_finite_and_right():
    layer = BatchNormSiLU(1).eval()
    layer.running_var.fill_(1.0 - layer.eps)
    x = torch.tensor([-1e4, -120.0, -90.0, -87.5, -20.0, 0.0, 20.0, 87.5, 120.0, 1e4]).view(1, 1, 2, 5)
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), functional.silu(x), rtol=1e-6, atol=1e-30)


def test_the_sigmoid_is_that_of_fp64_to_a_few_units_in_the_last_place():
    layer = BatchNormSiLU(1).eval()
    layer.running_var.fill_(1.0 - layer.eps)
    x = torch.linspace(-30.0, 30.0, 4096).view(1, 1, 64, 64)
    with torch.no_grad():
        errors = (layer(x).double() / functional.silu(x.double()) - 1).abs()
    assert errors.max().item() < 6e-7


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_are_those_of_torch(momentum):
    layer, peer = BatchNormSiLU(24), nn.BatchNorm2d(24, eps=1e-3)
    layer.momentum = peer.momentum = momentum
    for _ in range(3):
        x = images_of((4, 24, 5, 5), torch.channels_last)
        layer(x), peer(x)
    for mine, theirs in paired(layer.buffers(), peer.buffers()):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.usefixtures("threads")
def test_gradients_of_a_gate_are_those_of_torch(memory_format):
    shape = (4, 24, 9, 8)
    z, gate = images_of(shape, memory_format).requires_grad_(), torch.rand(4, 24, requires_grad=True)
    weights = torch.randn(shape)
    actual = torch.autograd.grad((fused.gated(z, gate) * weights).sum(), (z, gate))
    expected = torch.autograd.grad((z * gate[:, :, None, None] * weights).sum(), (z, gate))
    for mine, theirs in paired(actual, expected):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("channels", [8, 64, 72, 144])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (5, 4), (7, 9), (16, 16)])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.usefixtures("threads")
def test_gradients_of_a_depthwise_convolution_are_those_of_torch(kernel, height, width, stride, channels):
    x = images_of((3, channels, height, width), torch.channels_last).requires_grad_()
    weight = torch.randn(channels, 1, kernel, kernel, requires_grad=True)
    expected = functional.conv2d(x.double(), weight.double(), None, stride, kernel // 2, 1, channels)
    gradient = torch.randn(expected.shape)
    out = fused.depthwise(x, weight, stride, kernel // 2)
    torch.testing.assert_close(out.double(), expected, rtol=1e-5, atol=1e-5)
    for mine, theirs in paired(
        torch.autograd.grad(out, (x, weight), gradient),
        torch.autograd.grad(expected, (x, weight), gradient.double()),
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-4)


def test_a_depthwise_convolution_computes_only_the_gradients_that_are_wanted():
    x, weight = images_of((2, 8, 6, 6), torch.channels_last), torch.randn(8, 1, 5, 5, requires_grad=True)
    fused.depthwise(x, weight, 1, 2).sum().backward()
    assert x.grad is None
    assert weight.grad is not None
    x.requires_grad_()
    fused.depthwise(x, weight.detach(), 1, 2).sum().backward()
    assert x.grad is not None


class Calls:
    """Counts calls of the library's functions."""

    def __init__(self, library):
        self.library, self.names = library, []

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            self.names.append(name)
            return function(*arguments)

        return call


@pytest.fixture
def calls(monkeypatch):
    counting = Calls(kernels().library)
    monkeypatch.setattr(fused, "kernels", lambda: Kernels(counting, "", ""))
    return counting.names


@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_layer_is_one_call_forward_and_one_backward(calls, memory_format):
    layer = perturbed("ln-silu-pn", 16)
    layer(images_of((2, 16, 8, 8), memory_format).requires_grad_()).sum().backward()
    assert calls == ["norm_forward_float", "norm_backward_float"]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.bfloat16(),
        lambda x: x[:, :, ::2],
        lambda x: x.expand(2, -1, -1, -1),
        lambda x: x.to("meta"),
        nn.Parameter,
    ],
)
def test_what_the_kernels_do_not_know_is_left_to_torch(change):
    x = change(images_of((1, 16, 16, 16), torch.channels_last))
    assert not fused.usable(x, torch.ones(16))


def test_contiguous_images_are_left_to_torch_where_they_are_fewer_than_threads_or_tiny():
    torch.set_num_threads(2)
    weight = torch.ones(16)
    assert not fused.usable(torch.randn(1, 16, 8, 8), weight)
    assert fused.usable(torch.randn(2, 16, 8, 8), weight)
    assert not fused.usable(torch.randn(2, 16, 4, 4), weight)
    torch.set_num_threads(1)


@pytest.mark.filterwarnings("ignore")  # tracing is deprecated, and PopTorch traces
def test_a_traced_network_holds_torch_s_operations_only(calls):
    layer = perturbed("gn-silu-pn", 16).eval()
    x = images_of((2, 16, 8, 8), torch.channels_last)
    traced = torch.jit.trace(layer, x, check_trace=False)
    assert traced(x).shape == x.shape
    assert calls == []
    torch.testing.assert_close(traced(x), layer(x))


@needs_newer_torch
@pytest.mark.parametrize("name", LAYERS)
def test_a_compiled_network_is_one_graph_of_torch_s_operations(name, calls):
    layer, x = perturbed(name, 16), images_of((2, 16, 8, 8), torch.channels_last)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    out = compiled(x)
    assert calls == []
    torch.testing.assert_close(out, layer(x))
    torch.compiler.reset()


@needs_newer_torch
@pytest.mark.parametrize("held", [False, True])
def test_a_compiled_forward_pass_is_one_graph_and_held_statistics_are_constants_in_it(held):
    layer, x = perturbed("ln-silu-pn", 16).eval(), images_of((2, 16, 8, 8), torch.channels_last)
    expected = layer(x)
    if held:
        hold_constant(layer)
    operations = []

    def backend(graph, _):
        operations.extend(node.target for node in graph.graph.nodes)
        return graph.forward

    with torch.inference_mode():
        out = torch.compile(layer, backend=backend, fullgraph=True)(x)
    torch.testing.assert_close(out, expected.detach())
    assert (torch.var_mean in operations) is not held
    torch.compiler.reset()


def test_a_second_derivative_is_refused_instead_of_wrong():
    layer, x = perturbed("gn-silu", 16), images_of((2, 16, 8, 8), torch.channels_last).requires_grad_()
    (gradient,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


@pytest.mark.parametrize(("kernel", "kind"), [(3, nn.Conv2d), (5, nn.Conv2d)])
def test_depthwise_convolutions_stay_what_counters_of_operations_know(kernel, kind):
    assert isinstance(convolution(Convolution(16, 16, kernel=kernel, groups=16)), kind)


def test_the_5x5_gradient_alone_is_the_kernels(calls):
    for kernel in (3, 5):
        layer = convolution(Convolution(16, 16, kernel=kernel, groups=16))
        layer(images_of((2, 16, 8, 8), torch.channels_last)).sum().backward()
    assert calls == ["depthwise_weights_float"]


# ---- the library -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """The library's module as a new process on a machine without a cache would find it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(kernel_library.SWITCH, raising=False)
    kernels.cache_clear()
    yield tmp_path / "frontsweep"
    kernels.cache_clear()


def test_the_library_is_compiled_once_and_found_again_unless_it_is_damaged(fresh):
    first = kernels()
    (built,) = fresh.iterdir()
    before = built.stat().st_mtime_ns
    kernels.cache_clear()
    assert kernels().name == first.name
    assert first.name.startswith("fused-")
    assert (built.stat().st_mtime_ns, list(fresh.iterdir())) == (before, [built])
    built.unlink()
    built.write_bytes(b"not a library")
    # In another process, as this one has the library that had this name.
    asked = "from workers.models.kernel_library import kernels; print(kernels().name, kernels().reason)"
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True).stdout
    assert told.startswith("eager ")
    assert "invalid ELF header" in told or "file too short" in told


def test_other_flags_or_another_source_make_another_library(fresh, monkeypatch, tmp_path):
    # Compiled in a third of the time, since nothing computes with these.
    monkeypatch.setattr(kernel_library, "_FLAGS", [flag for flag in kernel_library._FLAGS if flag != "-O3"])
    names = [HERE.name, kernels().name]
    changed = shutil.copytree(kernel_library._SOURCES, tmp_path / "sources") / "kernels.cpp"
    changed.write_text(changed.read_text(encoding="utf-8") + "// changed\n", encoding="utf-8")
    monkeypatch.setattr(kernel_library, "_SOURCES", str(changed.parent))
    kernels.cache_clear()
    names.append(kernels().name)
    assert len({name for name in names if name.startswith("fused-")}) == 3
    assert len(list(fresh.iterdir())) == 2


def test_the_switch_turns_the_kernels_off(fresh, monkeypatch):
    monkeypatch.setenv(kernel_library.SWITCH, "off")
    assert kernels() == Kernels(None, "eager", "FRONTSWEEP_KERNELS switches them off")
    assert not fresh.exists()


def test_without_a_compiler_networks_run_on_torch_s_operations(fresh, monkeypatch):
    monkeypatch.setenv("PATH", str(fresh))
    assert kernels().name == "eager"
    assert "no C++ compiler (g++ or c++)" in kernels().reason


def test_a_compiler_that_fails_is_quoted(fresh, monkeypatch):
    monkeypatch.setattr(kernel_library, "_FLAGS", ["-std=c++17", "-fno-such-flag"])
    assert kernels().name == "eager"
    assert "-fno-such-flag" in kernels().reason
    assert list(fresh.iterdir()) == []


def test_a_cache_that_cannot_be_written_leaves_torch_s_operations(fresh):
    fresh.write_text("a file where the directory would be")
    assert kernels().name == "eager"
