"""AutoAugment and RandAugment, compared with torchvision's own on the same draws."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import AutoAugment, AutoAugmentPolicy, RandAugment

from tests.older import paired
from workers.data.arrays import ImageArrays
from workers.data.images import ResidentImages
from workers.data.normalisation import Normalisation
from workers.data.policies import augmentation_policy, stream_beside
from workers.errors import DataError

NAMES = ["autoaugment", "randaugment"]


def some_images(count=80, channels=3, side=24):
    """Smooth colours with noise, so that no operation leaves them as they are by chance."""
    random = np.random.default_rng(0)
    slope = np.linspace(30, 180, side)[:, None] + np.linspace(0, 50, side)
    noise = random.integers(-25, 26, (count, channels, side, side))
    return np.clip(slope * random.uniform(0.5, 1.0, (count, channels, 1, 1)) + noise, 0, 255).astype(np.uint8)


def resident(images):
    identity = Normalisation((0.0,) * images.shape[1], (1.0 / 255.0,) * images.shape[1])
    labels = np.arange(len(images), dtype=np.int64)
    return ResidentImages.of(ImageArrays(images, labels), identity, torch.device("cpu"))


def one_batch(prepared, count, seed=0):
    [(images, _)] = prepared.batches([np.arange(count)], np.random.default_rng(seed))
    return images


def single(draws, number):
    return type(draws)(draws.sub_policy[[number]], draws.applied[:, [number]], draws.negative[:, [number]])


@pytest.fixture
def peer(monkeypatch):
    """From a policy's name and one image's draws to torchvision's transform, fed with these draws."""

    def build(name, draws, searched_on="cifar10"):
        [sub_policy], applied, negative = draws.sub_policy.tolist(), draws.applied[:, 0], draws.negative[:, 0]
        if name == "autoaugment":
            probabilities = torch.tensor([0.0 if one else 1.1 for one in applied])
            signs = torch.tensor([0 if one else 1 for one in negative])
            monkeypatch.setattr(AutoAugment, "get_params", staticmethod(lambda _: (sub_policy, probabilities, signs)))
            return AutoAugment(AutoAugmentPolicy(searched_on))
        signed = [is_signed for _, is_signed in RandAugment()._augmentation_space(31, (9, 9)).values()]
        numbers = []
        for operation, is_negative in paired(divmod(sub_policy, len(signed)), negative):
            numbers += [operation, int(is_negative)] if signed[operation] else [operation]
        fed = iter(numbers)
        monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor([next(fed)]))
        return RandAugment()

    return build


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_changed_as_torchvision_changes_each_image(peer, name, channels):
    images = torch.from_numpy(some_images(count=400, channels=channels))
    policy = augmentation_policy(name, 24, "cifar10")
    draws = policy.draw(np.random.default_rng(1), len(images))
    ours = policy.apply_to_batch(images, draws)
    assert bool((ours != images).flatten(1).any(1).float().mean() > 0.5)
    for number, image in enumerate(images):
        assert torch.equal(ours[number], peer(name, single(draws, number))(image)), draws.sub_policy[number]


@pytest.mark.parametrize("searched_on", ["imagenet", "cifar10"])
@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_is_changed_as_torchvision_changes_it(peer, name, searched_on):
    policy = augmentation_policy(name, 24, searched_on)
    random = np.random.default_rng(2)
    for pixels in some_images(count=250):
        photograph = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
        draws = policy.draw(random, 1)
        theirs = peer(name, draws, searched_on)(photograph)
        assert np.array_equal(np.asarray(policy.apply(photograph, draws)), np.asarray(theirs))


def test_randaugment_draws_each_sequence_of_two_operations_equally_often():
    draws = augmentation_policy("randaugment", 24, "cifar10").draw(np.random.default_rng(0), 50000)
    counts = np.bincount(draws.sub_policy, minlength=14 * 14)
    assert len(counts) == 14 * 14
    assert abs(counts / 50000 * 196 - 1.0).max() < 0.3
    assert draws.applied.all()
    assert abs(draws.negative.mean(1) - 0.5).max() < 0.01


def test_autoaugment_draws_sub_policies_equally_often_and_applies_steps_by_their_probability():
    draws = augmentation_policy("autoaugment", 24, "imagenet").draw(np.random.default_rng(0), 50000)
    steps = AutoAugment(AutoAugmentPolicy.IMAGENET).policies
    assert abs(np.bincount(draws.sub_policy) / 50000 * len(steps) - 1.0).max() < 0.1
    for number, sub_policy in enumerate(steps):
        applied = draws.applied[:, draws.sub_policy == number].mean(1)
        assert abs(applied - [probability for _, probability, _ in sub_policy]).max() < 0.05


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_images_in_memory_are_cropped_and_flipped_first_with_the_same_draws(peer, name, channels):
    images = resident(some_images(count=60, channels=channels))
    cropped = one_batch(images.for_training(20, "crop-flip"), 60).round().clamp(0, 255).to(torch.uint8)
    changed = one_batch(images.for_training(20, "crop-flip", name), 60)
    draws = augmentation_policy(name, 20, "cifar10").draw(stream_beside(np.random.default_rng(0)), 60)
    for number, image in enumerate(cropped):
        assert torch.equal(changed[number], peer(name, single(draws, number))(image).float())


@pytest.mark.parametrize("augmentation", ["none", "flip", "crop-flip"])
@pytest.mark.parametrize("name", NAMES)
def test_the_same_stream_gives_the_same_changes_and_torchs_own_stays_untouched(name, augmentation):
    prepared = resident(some_images()).for_training(24, augmentation, name)
    before = torch.get_rng_state()
    first, again, other = (one_batch(prepared, 80, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_policy_leaves_the_set_in_memory_as_it_was():
    images = resident(some_images())
    before = images.pixels.clone()
    for name in NAMES:
        one_batch(images.for_training(24, "none", name), 80)
    assert torch.equal(images.pixels, before)


@pytest.mark.parametrize("name", NAMES)
def test_without_torchvision_a_policy_is_refused_by_name(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "torchvision.transforms", None)
    with pytest.raises(DataError, match=f"augmentation_policy {name} is torchvision's, which this interpreter lacks"):
        resident(some_images()).for_training(24, "flip", name)
