"""The statistics of all proxy norms, computed at once where a GPU runs torch's operations; a CPU stands in for it."""

import copy
import gc
import pickle
import weakref

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from tests.models.networks import small
from tests.older import needs_newer_torch, paired
from workers.models import fused, proxy_norm
from workers.models.kernel_library import Kernels
from workers.models.proxy_norm import ProxyNormSiLU


class Operations(TorchDispatchMode):
    """Notes the operations of torch that run while it is entered, by name."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, operator, types, arguments=(), options=None):
        self.names.append(operator._schema.name)
        return operator(*arguments, **(options or {}))


@pytest.fixture
def without_kernels(monkeypatch):
    monkeypatch.setattr(fused, "kernels", lambda: Kernels(None, "eager", "a test's"))


@pytest.fixture
def as_on_a_gpu(without_kernels, monkeypatch):
    del without_kernels
    monkeypatch.setattr(proxy_norm, "_LAUNCHING", ("cpu",))


def computations(run):
    """How often a piece of work computes statistics of proxies."""
    with Operations() as seen:
        run()
    return seen.names.count("aten::var_mean")


def proxy_norms(model):
    return [module for module in model.modules() if isinstance(module, ProxyNormSiLU)]


def trained(model, images):
    """The logits of a training step, and every gradient."""
    model.zero_grad()
    logits = model(images)
    nn.functional.cross_entropy(logits.float(), torch.arange(len(images))).backward()
    return [logits.detach(), *(parameter.grad for parameter in model.parameters())]


@pytest.mark.parametrize("norm", ["gn+pn", "ln+pn"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_statistics_computed_together_give_what_each_layer_s_own_do(dtype, norm, monkeypatch):
    model, images = small(norm, dropout=0.0).to(dtype), torch.randn(4, 1, 20, 20).to(dtype)
    together = trained(model, images)
    monkeypatch.setattr(proxy_norm, "_LAUNCHING", ())
    assert computations(lambda: model(images)) == 33
    exactness = {"rtol": 1e-9, "atol": 1e-12} if dtype is torch.float64 else {"rtol": 1e-3, "atol": 1e-4}
    for mine, own in paired(together, trained(model, images)):
        torch.testing.assert_close(mine, own, **exactness)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_training_step_on_a_gpu_computes_all_statistics_at_once(precision):
    model, images = small(), torch.randn(4, 1, 20, 20)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
        assert computations(lambda: model(images)) == 1
        assert computations(lambda: model.eval()(images)) == 1  # fine-tuning
        with torch.no_grad():
            assert computations(lambda: model(images)) == 33
            assert computations(lambda: model(images)) == 0  # kept


@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_training_step_with_proxies_on_a_gpu_launches_at_most_three_quarters_more_operations():
    counts = {}
    for norm in ("gn", "ln+pn"):
        model, images = small(norm), torch.randn(4, 1, 20, 20)
        with Operations() as seen:
            trained(model, images)
        counts[norm] = len(seen.names)
    assert counts["gn"] < counts["ln+pn"] < 1.75 * counts["gn"]


@pytest.mark.usefixtures("without_kernels")
def test_on_a_cpu_each_layer_computes_its_own_statistics():
    model, images = small(), torch.randn(4, 1, 20, 20)
    assert computations(lambda: model(images)) == 33


@needs_newer_torch
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_compiler_gets_the_training_network_as_one_graph_in_which_layers_keep_to_themselves():
    model, images, operations = small(dropout=0.0), torch.randn(2, 1, 20, 20), []

    def backend(graph, _):
        operations.extend(node.target for node in graph.graph.nodes)
        return graph.forward

    out = torch.compile(model, backend=backend, fullgraph=True)(images)
    assert operations.count(torch.var_mean) == 33
    torch.testing.assert_close(out, model(images), rtol=1e-4, atol=1e-5)
    torch.compiler.reset()


@pytest.mark.parametrize("layers", ["head", "last-block"])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_part_of_a_network_computes_its_own_statistics_and_learns(layers):
    model, images = small(dropout=0.0), torch.randn(4, 1, 20, 20)
    whole = trained(model, images)
    frozen, tuned = model.split(layers)
    assert computations(lambda: tuned(frozen(images))) == 33
    model.zero_grad()
    nn.functional.cross_entropy(tuned(frozen(images)), torch.arange(4)).backward()
    for mine, expected in paired([parameter.grad for parameter in model.parameters()], whole[1:]):
        torch.testing.assert_close(mine, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_each_pass_has_the_statistics_of_the_parameters_that_it_meets():
    model, images = small(dropout=0.0), torch.randn(4, 1, 20, 20)
    for optimizer in (torch.optim.SGD(model.parameters(), lr=0.1),) * 2:
        trained(model, images)
        optimizer.step()
    fresh = small(dropout=0.0)
    fresh.load_state_dict(model.state_dict())
    for mine, expected in paired(trained(model, images), trained(fresh, images)):
        torch.testing.assert_close(mine, expected, rtol=0, atol=0)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_two_passes_before_one_backward_pass_add_up():
    model, images = small(dropout=0.0), torch.randn(4, 1, 20, 20)
    once = [gradient.clone() for gradient in trained(model, images)[1:]]
    model.zero_grad()
    losses = [nn.functional.cross_entropy(model(images), torch.arange(4)) for _ in range(2)]
    sum(losses).backward()
    for parameter, gradient in paired(model.parameters(), once):
        torch.testing.assert_close(parameter.grad, 2 * gradient, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_no_layer_holds_statistics_after_a_pass_even_if_it_fails(fails):
    model, held = small(), []

    def look(*_):
        held.extend(layer.given for layer in proxy_norms(model))
        if fails:
            raise MemoryError

    model.head.register_forward_hook(look)
    try:
        model(torch.randn(2, 1, 20, 20))
    except MemoryError:
        assert fails
    assert len(held) == 33
    assert None not in held
    assert {layer.given for layer in proxy_norms(model)} == {None}


@pytest.mark.usefixtures("as_on_a_gpu")
def test_statistics_of_a_pass_are_freed_with_it_without_a_search_for_cycles():
    model, seen = small(), []
    model.head.register_forward_hook(lambda *_: seen.append(weakref.ref(model.head.norm.given.mean)))
    gc.disable()
    try:
        logits = model(torch.randn(2, 1, 20, 20))
        logits.sum().backward()
        del logits
        assert [reference() for reference in seen] == [None]
    finally:
        gc.enable()


def through_a_pickle(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301  # our own


@pytest.mark.parametrize("duplicate", [copy.deepcopy, through_a_pickle])
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_network_that_was_trained_can_be_copied_and_the_copy_trained(duplicate):
    model, images = small(dropout=0.0), torch.randn(4, 1, 20, 20)
    expected = trained(model, images)
    for mine, theirs in paired(trained(duplicate(model), images), expected):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
