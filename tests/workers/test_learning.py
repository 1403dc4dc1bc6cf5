"""Training on real images teaches our network what the same training teaches timm's.

The peer is timm's EfficientNet of the same shape, initialised by timm, trained by a plain loop with timm's RMSprop and
schedule and PyTorch's loss, on images that torchvision prepared. It shares the bytes of the images with us, and nothing
else.
"""

import dataclasses
import functools
import statistics

import pytest
import torch
from timm.layers import BatchNormAct2d
from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet as TimmEfficientNet
from timm.optim import RMSpropTF as TimmRMSpropTF
from timm.scheduler import CosineLRScheduler
from torch import nn
from torchvision.transforms.v2 import functional as transforms

from tests.older import paired
from workers.data.loading import load_data_set
from workers.models.efficientnet import build
from workers.protocol.jobs import DataSet, EvaluateJob, TrainJob
from workers.protocol.recipe import FineTune, Recipe
from workers.protocol.variant import Variant
from workers.training.evaluation import evaluate
from workers.training.observer import SilentObserver
from workers.training.training import Training, train
from workers.weights import load_weights

SEED = 0
WIDTH, RESOLUTION, EPOCHS, BATCH = 0.25, 16, 3, 32
PEAK_LEARNING_RATE = 2.0**-14 * BATCH
VARIANT = Variant("b0", group_size=1, expansion=6, norm="bn", width=WIDTH, small_images=True)
CLOTHES = DataSet("fashion-mnist", 10, 1, 28, train_images=4000, test_images=4000, validation_images=0)
RECIPE = Recipe(epochs=EPOCHS, batch_size=BATCH, warmup_epochs=0.5, label_smoothing=0.1, augmentation="flip")


@pytest.fixture(scope="module")
def clothes(data_directory):
    return load_data_set(CLOTHES, str(data_directory), torch.device("cpu"))


# ---- the peer --------------------------------------------------------------------------------------------------------


def timm_peer(drop_rate=0.2):
    """Build timm's B0, a quarter as wide and with the strides for small images."""
    stages = ["ds_r1_k3_s1_e1_c16_se0.25"] + [
        f"ir_r{repeats}_k{kernel}_s{stride}_e6_c{channels}_se0.25"
        for kernel, repeats, channels, stride in (
            (3, 2, 24, 1),
            (5, 2, 40, 2),
            (3, 3, 80, 2),
            (5, 3, 112, 1),
            (5, 4, 192, 2),
            (3, 1, 320, 1),
        )
    ]
    model = TimmEfficientNet(
        decode_arch_def([[stage] for stage in stages]),
        in_chans=1,
        num_classes=10,
        stem_size=32,
        num_features=round_channels(1280, WIDTH),
        round_chs_fn=functools.partial(round_channels, multiplier=WIDTH),
        norm_layer=functools.partial(BatchNormAct2d, eps=1e-3),
        act_layer=nn.SiLU,
        drop_rate=drop_rate,
    )
    model.conv_stem.stride = (1, 1)
    return model.to(memory_format=torch.channels_last)


def prepared(pixels):
    """Resize, and normalise by the published mean and deviation of the data set."""
    resized = transforms.resize(pixels, [RESOLUTION, RESOLUTION], antialias=True)
    images = transforms.normalize(resized.float() / 255.0, [0.2860], [0.3530])
    return images.contiguous(memory_format=torch.channels_last)


def peers_optimizer(model, learning_rate, weight_decay):
    norms = {id(one) for module in model.modules() if isinstance(module, BatchNormAct2d) for one in module.parameters()}
    groups = [
        {"params": [one for one in model.parameters() if id(one) not in norms], "weight_decay": weight_decay},
        {"params": [one for one in model.parameters() if id(one) in norms], "weight_decay": 0.0},
    ]
    return TimmRMSpropTF(groups, lr=learning_rate, alpha=0.9, momentum=0.9, eps=1e-3)


def top1_of_peer(clothes):
    """Train the peer and return its percentage of test images classified right."""
    torch.manual_seed(SEED)
    model = timm_peer().train()
    optimizer = peers_optimizer(model, PEAK_LEARNING_RATE, 1e-5)
    images, labels = prepared(clothes.train.pixels), clothes.train.labels
    steps = len(labels) // BATCH
    schedule = CosineLRScheduler(optimizer, EPOCHS * steps, warmup_t=steps // 2, t_in_epochs=False)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(EPOCHS):
        for step, batch in enumerate(torch.randperm(len(labels)).split(BATCH)):
            mirrored = torch.rand(len(batch), 1, 1, 1) < 0.5
            inputs = torch.where(mirrored, images[batch].flip(-1), images[batch])
            schedule.step_update(epoch * steps + step + 1)
            optimizer.zero_grad()
            loss_of(model(inputs), labels[batch]).backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(images) for images in prepared(clothes.test.pixels).split(500)])
    return 100.0 * float((logits.argmax(1) == clothes.test.labels).float().mean())


# ---- ours ------------------------------------------------------------------------------------------------------------


JOB = TrainJob(VARIANT, CLOTHES, RESOLUTION, SEED, RECIPE)


@pytest.fixture(scope="module")
def trained(clothes, tmp_path_factory):
    """The weights of our network after training."""
    directory = tmp_path_factory.mktemp("trained")
    result = train(JOB, clothes, torch.device("cpu"), str(directory), SilentObserver())
    return load_weights(str(directory / result.checkpoint), VARIANT, result.checkpoint_sha256)


def top1_of_ours(clothes, weights, layers="none"):
    """Return the percentages of test images classified right as trained and after fine-tuning."""
    job = EvaluateJob(JOB, RESOLUTION, FineTune(layers, epochs=1))
    result = evaluate(job, clothes, torch.device("cpu"), weights, SilentObserver())
    return 100.0 * result.correct_before_fine_tune / result.images, 100.0 * result.correct / result.images


# ---- the comparison --------------------------------------------------------------------------------------------------


def test_the_peer_has_the_shape_of_ours():
    ours, theirs = (
        [tuple(parameter.shape) for parameter in model.parameters()] for model in (build(VARIANT, 1, 10), timm_peer())
    )
    assert ours == theirs


#: Settings under which one epoch of 15 steps shows every part of the recipe that is not random.
LOCKSTEP = dataclasses.replace(
    RECIPE, epochs=1, batch_size=32, warmup_epochs=0.0, learning_rate=0.004, weight_decay=0.1, dropout=0.0
)
FEWER_CLOTHES = dataclasses.replace(CLOTHES, train_images=15 * LOCKSTEP.batch_size)


@pytest.fixture
def in_fp64():
    """Networks in fp64: in fp32 the two ways of adding the same numbers are far apart after 15 steps, in fp64 not."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def trained_by_peer(model, batches):
    """Train the peer's network on given batches; return its state and mean loss."""
    optimizer = peers_optimizer(model.train(), LOCKSTEP.learning_rate, LOCKSTEP.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=len(batches))
    loss_of, losses = nn.CrossEntropyLoss(label_smoothing=0.1), []
    for images, labels in batches:
        optimizer.zero_grad()
        loss = loss_of(model(images), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return model.state_dict(), statistics.mean(losses)


@pytest.mark.usefixtures("in_fp64")
def test_an_epoch_of_ours_is_an_epoch_of_timms_from_the_same_weights_on_the_same_batches(data_directory):
    job = dataclasses.replace(JOB, dataset=FEWER_CLOTHES, recipe=LOCKSTEP)
    cpu = torch.device("cpu")
    images = load_data_set(FEWER_CLOTHES, str(data_directory), cpu).train
    ours, source = (Training(job, images, cpu) for _ in range(2))
    start = {name: value.clone() for name, value in ours.model.state_dict().items()}
    model = timm_peer(drop_rate=0.0)
    model.load_state_dict(dict(paired(model.state_dict(), start.values())))
    batches = [(images.double(), labels) for images, labels in source.batches.epoch(1)]
    assert len(batches) == 15
    theirs, loss = trained_by_peer(model, batches)
    ours._next_epoch = lambda: iter(batches)
    ours.run_epoch(SilentObserver())
    assert ours.loss == pytest.approx(loss, rel=1e-4)
    for (name, mine), peers in paired(ours.final_weights().items(), theirs.values()):
        distance = (peers - start[name]).float().abs().mean().item()
        # Shifts that a batch norm behind takes out again have no gradient but rounding's: they stay where they were.
        assert (mine - peers).abs().max().item() <= 0.03 * distance + 1e-6, name


#: Percentage points that the two may differ by. Over seeds 0 to 9 ours reached 80.6 % with a standard deviation of
#: 0.8, the peer 79.2 with 1.9 (timm draws the classifier's weights wider): they differ by 1.4 with a deviation of 2.1,
#: and 10 is four deviations away. What the test before this one holds fixed (initial weights, order, dropout, flips,
#: preparation of the images) shows here if it costs that much.
BAND = 10.0
#: Percent that each must reach; guessing reaches 10.
FLOOR = 70.0


@pytest.mark.slow
def test_our_network_learns_clothes_as_well_as_timms(clothes, trained):
    ours, _ = top1_of_ours(clothes, trained)
    theirs = top1_of_peer(clothes)
    assert min(ours, theirs) > FLOOR
    assert abs(ours - theirs) < BAND


@pytest.mark.slow
def test_statistics_taken_anew_repair_a_network_whose_own_are_spoilt(clothes, trained):
    as_trained, _ = top1_of_ours(clothes, trained)
    noise = torch.Generator().manual_seed(0)
    spoilt = {
        name: 3.0 * torch.randn(value.shape, generator=noise) if name.endswith("running_mean") else value
        for name, value in trained.items()
    }
    before, after = top1_of_ours(clothes, spoilt, "batch-norm-statistics")
    assert before < as_trained / 2
    assert after > as_trained - BAND
