"""Training on the stand-in is training: the weights are those of torch's own optimisers, by the rules of the device."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.ipu.standin_models import Does, WithLoss, batch, net
from workers.training.rmsprop import RMSpropTF


def on_device(poptorch, model, optimizer, *, options=None, steps=4, images=8):
    executor = poptorch.trainingModel(WithLoss(model), options, optimizer)
    for step in range(steps):
        executor(*batch(images, step))
    executor.destroy()
    return model


def on_host(model, optimizer, *, steps=4, images=8):
    for step in range(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(batch(images, step)[0]), batch(images, step)[1]).backward()
        optimizer.step()
    return model


def same(one: nn.Module, other: nn.Module, tolerance: float = 1e-6) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a.float(), b.float(), atol=tolerance) for a, b in pairs)


OPTIMISERS = {
    "sgd": (lambda p, o: o.SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
    "momentum": (
        lambda p, o: o.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-2),
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-2),
    ),
    "adam": (lambda p, o: o.Adam(p, lr=0.01), lambda p: torch.optim.Adam(p, lr=0.01)),
    "adamw": (
        lambda p, o: o.AdamW(p, lr=0.01, weight_decay=0.1),
        lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    ),
    "rmsprop": (
        lambda p, o: o.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.9, weight_decay=1e-2),
        lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9, momentum=0.9, weight_decay=1e-2),
    ),
    "rmsprop_tf": (
        lambda p, o: o.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3, momentum=0.9, use_tf_variant=True),
        lambda p: RMSpropTF(p, lr=0.01, decay=0.9, eps=1e-3, momentum=0.9),
    ),
    "torch's own": (lambda p, _o: torch.optim.SGD(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1)),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_weights_are_those_of_plain_torch(standin, name):
    ours, torchs = OPTIMISERS[name]
    trained, expected = net(), net()
    on_device(standin.poptorch, trained, ours(trained.parameters(), standin.poptorch.optim))
    on_host(expected, torchs(expected.parameters()))
    assert same(trained, expected)
    assert not same(trained, net())


@pytest.mark.parametrize(("accumulation", "replicas"), [(4, 1), (1, 4), (2, 2)])
def test_gradients_are_averaged_over_accumulation_and_replicas(standin, accumulation, replicas):
    poptorch = standin.poptorch
    options = poptorch.Options().replicationFactor(replicas)
    options.Training.gradientAccumulation(accumulation)
    trained, expected = net(), net()
    on_device(poptorch, trained, poptorch.optim.SGD(trained.parameters(), lr=0.1, momentum=0.9), options=options)
    on_host(expected, torch.optim.SGD(expected.parameters(), lr=0.1, momentum=0.9))
    assert same(trained, expected)


def test_gradients_are_summed_where_asked_for(standin):
    poptorch = standin.poptorch
    options = poptorch.Options()
    options.Training.gradientAccumulation(4).accumulationAndReplicationReductionType(poptorch.ReductionType.Sum)
    trained, expected = net(), net()
    on_device(poptorch, trained, poptorch.optim.SGD(trained.parameters(), lr=0.1), options=options)
    on_host(expected, torch.optim.SGD(expected.parameters(), lr=0.4))
    assert same(trained, expected)


def test_data_are_in_the_order_of_iterations_accumulation_and_replicas(standin):
    """Two iterations are two updates, the first with the first half of the data."""
    poptorch = standin.poptorch
    options = poptorch.Options().deviceIterations(2).replicationFactor(2)
    options.Training.gradientAccumulation(2)
    trained, expected = net(), net()
    images, targets = batch(16)
    executor = poptorch.trainingModel(WithLoss(trained), options, poptorch.optim.SGD(trained.parameters(), lr=0.1))
    executor(images, targets)
    executor.copyWeightsToHost()
    for half in (slice(0, 8), slice(8, 16)):
        loss = functional.cross_entropy(expected(images[half]), targets[half])
        gradients = torch.autograd.grad(loss, list(expected.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(expected.parameters(), gradients, strict=True):
                parameter.sub_(0.1 * gradient)
    assert same(trained, expected)


def test_replicas_keep_batch_norm_s_statistics_apart(standin):
    poptorch = standin.poptorch
    options = poptorch.Options().replicationFactor(2).broadcastBuffers(False)
    model = net(norm=nn.BatchNorm2d(8))
    before = net(norm=nn.BatchNorm2d(8))
    on_device(poptorch, model, poptorch.optim.SGD(model.parameters(), lr=0.1), options=options, steps=1)
    before(batch(8, 0)[0][:4])
    assert torch.allclose(model.norm.running_mean, before.norm.running_mean, atol=1e-6)
    assert int(model.norm.num_batches_tracked) == 1


def test_a_new_learning_rate_counts_once_it_is_told(standin):
    poptorch, model = standin.poptorch, net()
    optimizer = poptorch.optim.SGD(model.parameters(), lr=0.1)
    executor = poptorch.trainingModel(WithLoss(model), None, optimizer)
    executor(*batch(8))
    executor.copyWeightsToHost()
    after_one = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer.param_groups[0]["lr"] = 0.0
    executor(*batch(8))
    executor.copyWeightsToHost()
    after_two = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert not torch.equal(after_two["head.weight"], after_one["head.weight"])
    executor.setOptimizer(optimizer)
    executor(*batch(8))
    executor.copyWeightsToHost()
    assert all(torch.equal(tensor, after_two[name]) for name, tensor in model.state_dict().items())
    assert [event["learning_rates"] for event in standin.events("run")] == [[0.1], [0.1], [0.0]]


def test_an_attribute_that_was_not_given_stays_as_it_is(standin):
    poptorch, model = standin.poptorch, net()
    optimizer = poptorch.optim.RMSprop(model.parameters())  # without a learning rate
    executor = poptorch.trainingModel(WithLoss(model), None, optimizer)
    executor(*batch(8))
    optimizer.param_groups[0]["lr"] = 0.5
    with pytest.raises(poptorch.Error, match="lr is constant") as caught:
        executor.setOptimizer(optimizer)
    assert caught.value.type == "popart_exception"


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (torch.optim.Adagrad, AssertionError, "Unsupported optimizer"),
        (lambda p: RMSpropTF(p, lr=0.1), AssertionError, "Unsupported optimizer"),
        (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), ValueError, "Nesterov"),
        (lambda p: torch.optim.Adam(p, amsgrad=True), ValueError, "amsgrad"),
        (lambda p: torch.optim.SGD(p, lr=float("nan")), ValueError, "NaN"),
        (lambda _p: torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1), KeyError, r"\d+"),
    ],
)
def test_an_optimiser_that_ipus_do_not_have_is_refused(standin, make, error, message):
    model = net()
    with pytest.raises(error, match=message):
        standin.poptorch.trainingModel(WithLoss(model), None, make(model.parameters()))


def test_the_step_of_an_optimiser_never_runs(standin):
    optimizer = standin.poptorch.optim.SGD(net().parameters(), lr=0.1)
    with pytest.raises(AssertionError, match="never runs"):
        optimizer.step()


def test_accumulators_are_of_half_or_single_precision(standin):
    with pytest.raises(AssertionError, match="accum_type"):
        standin.poptorch.optim.SGD(net().parameters(), lr=0.1, accum_type=torch.float64)


def test_a_parameter_that_no_group_has_is_refused_unless_it_is_frozen(standin):
    poptorch, model = standin.poptorch, net()
    with pytest.raises(poptorch.Error, match=r"model\.conv\.weight asks for a gradient"):
        on_device(poptorch, model, poptorch.optim.SGD(model.head.parameters(), lr=0.1))
    frozen = net()
    for parameter in (*frozen.conv.parameters(), *frozen.norm.parameters()):
        parameter.requires_grad_(False)
    on_device(poptorch, frozen, poptorch.optim.SGD(frozen.head.parameters(), lr=0.1))
    assert torch.equal(frozen.conv.weight, net().conv.weight)
    assert not torch.equal(frozen.head.weight, net().head.weight)


def test_an_optimiser_s_state_lives_on_the_device_and_can_be_kept(standin):
    poptorch = standin.poptorch

    def run(state, weights, steps):
        model = net()
        model.load_state_dict(weights)
        optimizer = poptorch.optim.RMSprop(model.parameters(), lr=0.01, momentum=0.9, use_tf_variant=True)
        if state is not None:
            optimizer.load_state_dict(state)
        executor = poptorch.trainingModel(WithLoss(model), None, optimizer)
        for step in steps:
            executor(*batch(8, step))
        kept = optimizer.state_dict()
        executor.destroy()
        return kept, {name: tensor.clone() for name, tensor in model.state_dict().items()}

    whole = run(None, net().state_dict(), range(4))[1]
    state, weights = run(None, net().state_dict(), range(2))
    assert set(state) >= {"ipu_state", "ipu_param", "state", "param_groups"}
    resumed, forgotten = run(state, weights, range(2, 4))[1], run(None, weights, range(2, 4))[1]
    assert all(torch.equal(tensor, whole[name]) for name, tensor in resumed.items())
    assert not torch.equal(forgotten["head.weight"], whole["head.weight"])
    with pytest.raises(RuntimeError, match="ipu_state"):
        poptorch.optim.SGD(net().parameters(), lr=0.1).load_state_dict({"state": {}, "param_groups": []})


def test_a_detached_training_goes_on_where_it_was(standin):
    poptorch = standin.poptorch
    results = []
    for detach in (False, True):
        model = net()
        optimizer = poptorch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        executor = poptorch.trainingModel(WithLoss(model), None, optimizer)
        for step in range(3):
            executor(*batch(8, step))
            if detach:
                executor.detachFromDevice()
        executor.destroy()
        results.append(model)
    assert same(*results, tolerance=0.0)


def noise(poptorch, seed=None):
    options = poptorch.Options() if seed is None else poptorch.Options().randomSeed(seed)
    model = poptorch.inferenceModel(Does(lambda _self, x: x + torch.rand(x.shape, device=x.device)), options)
    return model, model(torch.zeros(4))


def test_the_device_has_random_numbers_of_its_own(standin):
    poptorch = standin.poptorch
    one, other = noise(poptorch, 3)[1], noise(poptorch, 3)[1]
    assert torch.equal(one, other)
    assert not torch.equal(noise(poptorch)[1], noise(poptorch)[1])
    model, _ = noise(poptorch, 3)
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    state = model.rng_state
    second = model(torch.zeros(4))
    assert torch.equal(torch.rand(1), expected)
    assert state[0] == 3
    model.rng_state = state
    assert torch.equal(model(torch.zeros(4)), second)


def test_half_precision_rounds_every_result_and_mixed_formats_take_the_wider(standin):
    poptorch, images = standin.poptorch, batch(4)[0]
    answers = poptorch.inferenceModel(net().half())(images.half())
    assert answers.dtype == torch.float16
    with torch.no_grad():
        exact = net()(images)
    assert 0.0 < float((answers.float() - exact).abs().max()) < 1e-2
    wider = poptorch.inferenceModel(Does(lambda self, x: x * self.weight))(images[:, 0, 0, :4].half())
    assert wider.dtype == torch.float32
    with pytest.raises((poptorch.Error, RuntimeError), match=r"Half|half"):
        poptorch.inferenceModel(net())(images.half())


def test_loss_scaling_saves_small_gradients_of_half_precision(standin):
    poptorch = standin.poptorch
    small = lambda self, x: functional.mse_loss(x * self.weight, torch.zeros_like(x)) * 1.0  # noqa: E731  # a model's
    marked = lambda self, x: poptorch.identity_loss(small(self, x), reduction="none")  # noqa: E731  # a model's
    moved = []
    for scaling in (1.0, 2.0**10):
        model = Does(marked).half()
        optimizer = poptorch.optim.SGD(model.parameters(), lr=1e6, loss_scaling=scaling)
        executor = poptorch.trainingModel(model, None, optimizer)
        executor(torch.full((4, 4), 1e-4, dtype=torch.float16))
        executor.copyWeightsToHost()
        moved.append(bool((model.weight != 1.0).all()))
    assert moved == [False, True]


def test_the_stand_in_works_in_a_program_of_its_own(standin):
    program = "import poptorch, torch; print(poptorch.inferenceModel(torch.nn.ReLU())(torch.ones(2)).tolist())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[1.0, 1.0]\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [
        "bash",
        "-c",
        'source "$1" && exec "$2" -c "import poptorch"',
        "bash",
        standin.enable_script,
        sys.executable,
    ]
    subprocess.run(command, env=environment, check=True)
