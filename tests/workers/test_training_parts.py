"""The pieces of a training run, each against its definition or a peer."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from timm.optim import RMSpropTF as TimmRMSpropTF
from timm.utils import ModelEmaV3
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tests.older import paired
from workers.data.loading import load_data_set
from workers.device import autocast
from workers.errors import DeviceError, DivergedError, JobError
from workers.models.efficientnet import build
from workers.protocol.recipe import PRESETS, rms_decay
from workers.seeds import derive_seed, generator
from workers.training.epochs import LossWatch, check_finite, ordered_batches, shuffled_batches
from workers.training.observer import SilentObserver
from workers.training.optimizers import USUAL, build_optimizer, peak_learning_rate, set_learning_rate
from workers.training.rmsprop import RMSpropTF
from workers.training.schedules import Schedule
from workers.training.step import TrainingStep
from workers.training.training import Training
from workers.training.weight_average import WeightAverage


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("mean_decay", [0.9, 0.953125])
def test_rmsprop_walks_as_timms_does(weight_decay, mean_decay):
    torch.manual_seed(0)
    start, target = torch.randn(7, 5), torch.randn(7, 5)
    paths = []
    for kind, decay in ((RMSpropTF, "decay"), (TimmRMSpropTF, "alpha")):
        weights = torch.nn.Parameter(start.clone())
        settings = {decay: mean_decay, "lr": 0.05, "momentum": 0.9, "eps": 1e-3, "weight_decay": weight_decay}
        optimizer = kind([weights], **settings)
        for step in range(30):
            set_learning_rate(optimizer, 0.05 / (1 + step))
            optimizer.zero_grad()
            ((weights - target) ** 2).sum().backward()
            optimizer.step()
        paths.append(weights.detach())
    torch.testing.assert_close(*paths, rtol=1e-5, atol=1e-6)
    assert float((paths[0] - start).abs().max()) > 0.1


def test_rmsprop_updates_many_parameters_piece_by_piece_as_timms_does(monkeypatch):
    monkeypatch.setattr("workers.training.rmsprop._CACHED_VALUES", 100)
    torch.manual_seed(0)
    start = [torch.randn(size) for size in (60, 30, 10, 1, 250, 7)]
    paths = []
    for kind, decay in ((RMSpropTF, "decay"), (TimmRMSpropTF, "alpha")):
        weights = [torch.nn.Parameter(value.clone()) for value in start]
        optimizer = kind(weights, **{decay: 0.9, "lr": 0.05, "momentum": 0.9, "eps": 1e-3, "weight_decay": 0.1})
        for _ in range(5):
            optimizer.zero_grad()
            sum((one**2).sum() for one in weights).backward()
            optimizer.step()
        paths.append([one.detach() for one in weights])
    torch.testing.assert_close(*paths, rtol=1e-5, atol=1e-6)
    assert all(bool((end != begin).all()) for end, begin in paired(paths[0], start))


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


def averaged(decay, values, *, warmup=True):
    layer = torch.nn.BatchNorm2d(1)
    average = WeightAverage(layer, decay, warmup=warmup)
    for value in values:
        layer.weight.data.fill_(value)
        layer.num_batches_tracked += 1
        average.update()
    return average.weights


def test_the_weight_average_starts_with_the_first_weights_and_soon_forgets_them():
    assert float(averaged(0.97, [5.0])["weight"]) == 5.0
    # decays 0, 1/10, 2/11
    expected = (5.0 * 0.1 + 3.0 * 0.9) * 2 / 11 + 1.0 * 9 / 11
    assert float(averaged(0.97, [5.0, 3.0, 1.0])["weight"]) == pytest.approx(expected)


def test_the_weight_average_without_warm_up_is_the_papers():
    assert float(averaged(0.97, [5.0], warmup=False)["weight"]) == 5.0
    expected = 0.97 * (0.97 * 5.0 + 0.03 * 3.0) + 0.03 * 1.0
    assert float(averaged(0.97, [5.0, 3.0, 1.0], warmup=False)["weight"]) == pytest.approx(expected)


def test_the_weight_average_reaches_its_decay_in_a_long_run():
    values = [0.0] * 3000 + [1.0]
    assert float(averaged(0.97, values)["weight"]) == pytest.approx(0.03, rel=1e-3)


@pytest.mark.parametrize("warmup", [True, False])
def test_no_weight_average_keeps_the_newest_weights_and_counters_are_never_averaged(warmup):
    assert float(averaged(0.0, [5.0, 3.0], warmup=warmup)["weight"]) == 3.0
    assert int(averaged(0.97, [1.0, 2.0, 3.0], warmup=warmup)["num_batches_tracked"]) == 3


def test_the_weight_average_does_not_follow_the_network_until_the_next_update():
    layer = torch.nn.Linear(1, 1)
    average = WeightAverage(layer, 0.0, warmup=True)
    average.update()
    before = average.weights["weight"].clone()
    layer.weight.data += 1.0
    assert torch.equal(average.weights["weight"], before)
    average.update()
    assert torch.equal(average.weights["weight"], before + 1.0)


@pytest.mark.parametrize(("decay", "warmup"), [(0.9, True), (0.9, False), (0.999, True), (0.5, True)])
def test_weights_are_averaged_over_a_training_as_timm_averages_them(variant, decay, warmup):
    torch.manual_seed(0)
    model = build(dataclasses.replace(variant, norm="bn"), 1, 8).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ours = WeightAverage(model, decay, warmup=warmup)
    # 1 - (1 + t / 9) ** -1 is t / (9 + t).
    theirs = ModelEmaV3(model, decay, use_warmup=warmup, warmup_gamma=9.0, warmup_power=1.0)
    for step in range(1, 21):
        optimizer.zero_grad()
        functional.cross_entropy(model(torch.randn(4, 1, 16, 16)), torch.arange(4)).backward()
        optimizer.step()
        ours.update()
        theirs.update(model, step)
    assert_same_state(ours.weights, theirs.module.state_dict())
    newest = model.state_dict()
    assert all(
        not torch.equal(ours.weights[name], newest[name]) for name in ("stem.conv.weight", "stem.norm.running_var")
    )


def test_weights_are_averaged_without_warm_up_as_torch_averages_them(variant):
    torch.manual_seed(0)
    model = build(dataclasses.replace(variant, norm="bn"), 1, 8)
    ours = WeightAverage(model, 0.97, warmup=False)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.97), use_buffers=True)
    for _ in range(10):
        with torch.no_grad():
            for value in model.state_dict().values():
                value.add_(torch.randn(value.shape) if value.is_floating_point() else 1)
        ours.update()
        theirs.update_parameters(model)
    expected = theirs.module.state_dict()
    assert_same_state(*({n: v for n, v in one.items() if v.is_floating_point()} for one in (ours.weights, expected)))


def assert_same_state(ours, theirs):
    assert list(ours) == list(theirs)
    for name, value in ours.items():
        torch.testing.assert_close(
            value, theirs[name], rtol=1e-5, atol=1e-6, msg=lambda text, name=name: f"{name} {text}"
        )


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


# ---- the paper's recipe: arXiv 2106.03640 and the configurations published with it -----------------------------------

PAPER = PRESETS["paper"]
#: Weight updates of the paper's run: 350 epochs of 1,281,167 images in batches of 768.
PAPER_STEPS_PER_EPOCH = 1281167 // 768
PAPER_STEPS = 350 * PAPER_STEPS_PER_EPOCH


@pytest.fixture(scope="module")
def paper_rates():
    peak = peak_learning_rate(PAPER.optimizer, PAPER.batch_size, PAPER.learning_rate)
    warmup_steps = PAPER.warmup_epochs * PAPER_STEPS_PER_EPOCH
    schedule = Schedule(PAPER.schedule, peak=peak, steps=PAPER_STEPS, warmup_steps=warmup_steps)
    return np.array([schedule.learning_rate(step) for step in range(PAPER_STEPS)])


def test_the_papers_rate_falls_by_three_per_cent_146_times_in_equal_distances(paper_rates):
    behind_warmup = paper_rates[5 * PAPER_STEPS_PER_EPOCH :]
    drops = 1 + np.flatnonzero(np.diff(behind_warmup)) + 5 * PAPER_STEPS_PER_EPOCH
    # Two of the 146 drops are during the warm-up, and the 146th would be the end of the run.
    assert len(drops) == 143
    assert drops / PAPER_STEPS_PER_EPOCH == pytest.approx(350 / 146 * np.arange(3, 146), abs=1e-3)
    assert paper_rates[drops] / paper_rates[drops - 1] == pytest.approx(np.full(143, 0.97))
    assert paper_rates[-1] == pytest.approx(0.046875 * 0.97**145)


def test_the_papers_rate_warms_up_over_five_epochs_while_the_decay_already_runs(paper_rates):
    end = 5 * PAPER_STEPS_PER_EPOCH
    assert paper_rates[0] == pytest.approx(0.046875 / end)
    assert paper_rates[end - 1] == pytest.approx(0.046875 * 0.97**2)
    first_drop = math.ceil(PAPER_STEPS / 146)
    assert paper_rates[:first_drop] == pytest.approx(0.046875 * np.arange(1, first_drop + 1) / end)
    assert paper_rates.max() == paper_rates[end - 1]


@pytest.mark.parametrize("norm", ["gn", "ln+pn"])
def test_the_papers_optimizer_is_rmsprop_with_its_constants(variant, norm):
    model = build(dataclasses.replace(variant, norm=norm), 1, 8)
    optimizer = build_optimizer(
        model, PAPER.optimizer, momentum=PAPER.momentum, weight_decay=PAPER.weight_decay, rms_decay=rms_decay(PAPER)
    )
    assert isinstance(optimizer, RMSpropTF)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    norms = {name for name in names.values() if name.endswith((".norm.weight", ".norm.bias"))}
    decayed, exempt = optimizer.param_groups
    for group in (decayed, exempt):
        assert (group["decay"], group["momentum"], group["eps"]) == (0.953125, 0.9, 1e-3)
    assert (decayed["weight_decay"], exempt["weight_decay"]) == (1e-5, 0.0)
    assert {names[id(one)] for one in exempt["params"]} == norms
    assert {names[id(one)] for one in decayed["params"]} == set(names.values()) - norms


def test_the_papers_training_is_wired_as_its_recipe_says(train_job, cpu):
    """What the recipe says reaches the network, the optimizer and the average, at batches that a test can bear."""
    job = dataclasses.replace(train_job, recipe=dataclasses.replace(PAPER, batch_size=32))
    training = Training(job, load_data_set(job.dataset, "data", cpu).train, cpu)
    rates = [block.stochastic_depth.rate for block in itertools.chain(*training.model.stages)]
    assert rates == pytest.approx([0.2 * index / 16 for index in range(16)])
    assert training.model.dropout.p == 0.2
    optimizer = training._trainer._step.optimizer
    assert {group["decay"] for group in optimizer.param_groups} == {1.0 - 32 * 2.0**-14}
    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-5, 0.0]
    trained = []
    for _ in range(2):
        training.run_epoch(SilentObserver())
        trained.append(training.model.stem.conv.weight.detach().clone())
    averaged_weights = training.final_weights()["stem.conv.weight"]
    torch.testing.assert_close(averaged_weights, 0.97 * trained[0] + 0.03 * trained[1])


@pytest.mark.parametrize(
    ("size", "alpha", "probability"),
    [
        ("b0", 0.1, 0.0),
        ("b1", 0.1, 0.4875),
        ("b2", 0.1, 0.565),
        ("b3", 0.2, 0.565),
        ("b4", 0.2, 0.6425),
        ("b5", 0.2, 0.72),
    ],
)
def test_the_papers_sizes_are_mixed_as_much_as_its_configurations_say(train_job, cpu, size, alpha, probability):
    variant = dataclasses.replace(train_job.variant, size=size, width=0.1)
    job = dataclasses.replace(train_job, variant=variant, recipe=dataclasses.replace(PAPER, batch_size=32))
    training = Training(job, load_data_set(job.dataset, "data", cpu).train, cpu)
    assert training.batches.mixing == (alpha, pytest.approx(probability))


def test_a_size_that_the_paper_does_not_train_needs_its_own_mixup(train_job, cpu):
    variant = dataclasses.replace(train_job.variant, size="b7", width=0.1)
    job = dataclasses.replace(train_job, variant=variant, recipe=dataclasses.replace(PAPER, batch_size=32))
    with pytest.raises(JobError, match="the paper trains no b7: name its mixup"):
        Training(job, load_data_set(job.dataset, "data", cpu).train, cpu)
