"""The pieces of a training run, each against its definition or a peer."""

import itertools
import math

import numpy as np
import pytest
import torch
from timm.optim import RMSpropTF as TimmRMSpropTF
from torch.nn import functional

from workers.device import autocast
from workers.errors import DeviceError, DivergedError
from workers.models.efficientnet import build
from workers.seeds import derive_seed, generator
from workers.training.epochs import LossWatch, check_finite, ordered_batches, shuffled_batches
from workers.training.optimizers import USUAL, build_optimizer, peak_learning_rate, set_learning_rate
from workers.training.rmsprop import RMSpropTF
from workers.training.schedules import Schedule
from workers.training.step import TrainingStep
from workers.training.weight_average import WeightAverage


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_rmsprop_walks_as_timms_does(weight_decay):
    torch.manual_seed(0)
    start, target = torch.randn(7, 5), torch.randn(7, 5)
    paths = []
    for kind, decay in ((RMSpropTF, "decay"), (TimmRMSpropTF, "alpha")):
        weights = torch.nn.Parameter(start.clone())
        settings = {decay: 0.9, "lr": 0.05, "momentum": 0.9, "eps": 1e-3, "weight_decay": weight_decay}
        optimizer = kind([weights], **settings)
        for step in range(30):
            set_learning_rate(optimizer, 0.05 / (1 + step))
            optimizer.zero_grad()
            ((weights - target) ** 2).sum().backward()
            optimizer.step()
        paths.append(weights.detach())
    torch.testing.assert_close(*paths, rtol=1e-5, atol=1e-6)
    assert float((paths[0] - start).abs().max()) > 0.1


def test_rmsprop_leaves_parameters_without_gradient_alone():
    idle, used = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = RMSpropTF([idle, used], lr=0.1, weight_decay=0.1)
    used.sum().backward()
    optimizer.step()
    assert torch.equal(idle, torch.ones(2))
    assert bool((used < 1.0).all())


@pytest.mark.parametrize(
    ("optimizer", "kind"), [("rmsprop", RMSpropTF), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)]
)
def test_a_recipes_optimizer_is_built_with_its_usual_weight_decay_on_weights_only(variant, optimizer, kind):
    model = build(variant, 1, 8)
    built = build_optimizer(model, optimizer)
    assert isinstance(built, kind)
    decayed, exempt = built.param_groups
    assert decayed["weight_decay"] == USUAL[optimizer].weight_decay
    assert exempt["weight_decay"] == 0.0
    assert any(one is model.stem.conv.weight for one in decayed["params"])
    assert any(one is model.stem.norm.weight for one in exempt["params"])


def test_an_unknown_optimizer_is_refused(variant):
    with pytest.raises(ValueError, match="unknown optimizer 'adam': expected one of rmsprop, adamw, sgd"):
        build_optimizer(build(variant, 1, 8), "adam")


def test_the_usual_learning_rate_follows_the_batch_and_a_given_one_does_not():
    assert peak_learning_rate("rmsprop", 768, None) == pytest.approx(0.046875)  # arXiv 2106.03640
    assert peak_learning_rate("rmsprop", 128, None) * 6 == pytest.approx(0.046875)
    assert peak_learning_rate("rmsprop", 128, 0.5) == 0.5


def test_the_cosine_rises_over_the_warm_up_and_falls_to_nearly_zero():
    schedule = Schedule("cosine", peak=2.0, steps=100, warmup_steps=10)
    rates = [schedule.learning_rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert all(earlier < later for earlier, later in itertools.pairwise(rates[:10]))
    assert all(earlier > later for earlier, later in itertools.pairwise(rates[9:]))
    assert rates[50] == pytest.approx(1.0)
    assert 0.0 < rates[99] < 0.001


def test_the_exponential_schedule_drops_146_times_by_three_per_cent():
    schedule = Schedule("exponential", peak=1.0, steps=1460)
    rates = [schedule.learning_rate(step) for step in range(1460)]
    assert len(set(rates)) == 146
    assert rates[9] == 1.0
    assert rates[10] == pytest.approx(0.97)
    assert rates[-1] == pytest.approx(0.97**145)


def test_a_constant_schedule_without_warm_up_is_constant():
    assert {Schedule("constant", peak=0.3, steps=9).learning_rate(step) for step in range(9)} == {0.3}


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="unknown schedule 'step'"):
        Schedule("step", peak=1.0, steps=10).learning_rate(0)


def averaged(decay, values):
    layer = torch.nn.BatchNorm2d(1)
    average = WeightAverage(decay)
    for value in values:
        layer.weight.data.fill_(value)
        layer.num_batches_tracked += 1
        average.update(layer)
    return average.weights


def test_the_weight_average_starts_with_the_first_epoch_and_soon_forgets_it():
    assert float(averaged(0.97, [5.0])["weight"]) == 5.0
    # decays 0, 1/10, 2/11
    expected = (5.0 * 0.1 + 3.0 * 0.9) * 2 / 11 + 1.0 * 9 / 11
    assert float(averaged(0.97, [5.0, 3.0, 1.0])["weight"]) == pytest.approx(expected)


def test_the_weight_average_reaches_its_decay_in_a_long_run():
    values = [0.0] * 3000 + [1.0]
    assert float(averaged(0.97, values)["weight"]) == pytest.approx(0.03, rel=1e-3)


def test_no_weight_average_keeps_the_newest_weights_and_counters_are_never_averaged():
    assert float(averaged(0.0, [5.0, 3.0])["weight"]) == 3.0
    assert int(averaged(0.97, [1.0, 2.0, 3.0])["num_batches_tracked"]) == 3


def test_the_weight_average_does_not_follow_the_network_after_the_epoch():
    layer = torch.nn.Linear(1, 1)
    average = WeightAverage(0.0)
    average.update(layer)
    before = average.weights["weight"].clone()
    layer.weight.data += 1.0
    assert torch.equal(average.weights["weight"], before)


def test_every_image_is_in_one_batch_of_an_epoch_and_the_rest_is_left_out():
    batches = shuffled_batches(generator(0, "order", 1), 100, 32)
    assert [len(batch) for batch in batches] == [32, 32, 32]
    assert len(set(np.concatenate(batches).tolist())) == 96
    assert np.concatenate(ordered_batches(100, 32)).tolist() == list(range(100))


def test_streams_differ_by_seed_purpose_and_epoch_and_are_the_same_for_ever():
    seeds = {derive_seed(seed, what, epoch) for seed in (0, 1) for what in ("order", "mixup") for epoch in (1, 2)}
    assert len(seeds) == 8
    assert derive_seed(0, "order", 1) == 4489457307835839548
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_noticed_at_that_step(bad):
    watch = LossWatch(torch.device("cpu"), "epoch 3")
    watch.add(torch.tensor(1.0))
    watch.add(torch.tensor(2.0))
    assert watch.mean() == pytest.approx(1.5)
    with pytest.raises(DivergedError, match="in epoch 3, by step 3"):
        watch.add(torch.tensor(bad))


def test_weights_that_are_no_numbers_are_noticed():
    check_finite({"a": torch.ones(3), "count": torch.tensor(3)}, "epoch 1")
    with pytest.raises(DivergedError, match=r"weights b .* epoch 1"):
        check_finite({"a": torch.ones(3), "b": torch.tensor([1.0, math.nan])}, "epoch 1")


def test_a_training_step_is_forward_loss_backward_and_update():
    torch.manual_seed(0)
    images, labels = torch.randn(6, 3, 2, 2), torch.tensor([0, 1, 2, 3, 0, 1])
    ours, theirs = (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 4)) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    optimizers = [torch.optim.SGD(model.parameters(), lr=0.5) for model in (ours, theirs)]
    step = TrainingStep(ours, optimizers[0], device=torch.device("cpu"), precision="fp32", label_smoothing=0.1)
    for _ in range(2):
        loss = step(images, labels)
        optimizers[1].zero_grad()
        smoothed = functional.one_hot(labels, 4) * 0.9 + 0.1 / 4
        expected = -(smoothed * theirs(images).log_softmax(1)).sum(1).mean()
        expected.backward()
        optimizers[1].step()
        torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close(ours[1].weight, theirs[1].weight)
    assert not loss.requires_grad


def test_bf16_computes_in_bf16_and_updates_fp32_weights(variant, cpu):
    model = build(variant, 1, 8)
    seen = []
    model.classifier.register_forward_hook(lambda *arguments: seen.append(arguments[-1].dtype))
    step = TrainingStep(model, build_optimizer(model, "sgd"), device=cpu, precision="bf16", label_smoothing=0.0)
    loss = step(torch.randn(4, 1, 16, 16), torch.arange(4))
    assert seen == [torch.bfloat16]
    assert loss.dtype == torch.float32
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_fp16_on_a_cpu_is_refused_with_what_to_take_instead(cpu):
    with pytest.raises(DeviceError, match="take fp32 or bf16"):
        autocast(cpu, "fp16")
