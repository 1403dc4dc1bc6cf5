"""Images in files: what is found, how it is prepared, and what is said of broken ones."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import CenterCrop, Compose, PILToTensor, Resize

from workers.data.augmentation import random_boxes
from workers.data.image_folder import middle, random_resized_crop
from workers.data.loading import load_data_set
from workers.data.policies import augmentation_policy
from workers.errors import DataError
from workers.protocol.jobs import DataSet


@pytest.fixture
def folder(tmp_path):
    """Two classes of photographs in several shapes and modes, 9 for training and 6 for testing."""
    random = np.random.default_rng(0)
    for split, count in (("train", 9), ("val", 6)):
        for number in range(count):
            directory = tmp_path / split / ("ape", "bee")[number % 2]
            directory.mkdir(parents=True, exist_ok=True)
            width, height = int(random.integers(30, 90)), int(random.integers(30, 90))
            image = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
            name, mode = [("x.JPEG", "RGB"), ("y.png", "RGBA"), ("z.jpg", "L")][number % 3]
            image.convert(mode).save(directory / f"{number}{name}")
    (tmp_path / "train" / "ape" / "notes.txt").write_text("not an image")
    return tmp_path


def load(folder, **fields):
    dataset = DataSet("image-folder", classes=2, channels=3, image_side=0, root=str(folder), **fields)
    load_data_set.cache_clear()
    return load_data_set(dataset, "elsewhere", torch.device("cpu"))


def all_at_once(images, prepared, seed=0):
    [(pixels, labels)] = prepared.batches([np.arange(images.count)], np.random.default_rng(seed))
    return pixels, labels


def photograph(pixels, normalisation):
    """Undo what is done to bytes."""
    mean, spread = (torch.tensor(one)[:, None, None] * 255.0 for one in (normalisation.mean, normalisation.spread))
    return Image.fromarray((pixels * spread + mean).round().to(torch.uint8).permute(1, 2, 0).numpy())


def test_classes_are_the_directories_in_order_and_other_files_are_left_alone(folder):
    data = load(folder)
    assert data.train.count == 9
    pixels, labels = all_at_once(data.test, data.test.for_testing(16))
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pixels.shape == (6, 3, 16, 16)


@pytest.mark.parametrize("size", [(50, 80), (80, 50), (64, 64), (33, 200)])
def test_testing_prepares_an_image_as_torchvision_does(size):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    theirs = Compose([Resize(int(32 * 256 / 224)), CenterCrop(32), PILToTensor()])(image)
    assert np.array_equal(np.asarray(middle(image, 32)), theirs.permute(1, 2, 0).numpy())


def test_a_random_crop_has_the_resolution_and_varies():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
    first, second = (np.asarray(random_resized_crop(image, 24, np.random.default_rng(seed))) for seed in (0, 1))
    assert first.shape == second.shape == (24, 24, 3)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("policy", ["none", "autoaugment", "randaugment"])
@pytest.mark.parametrize("augmentation", ["none", "flip", "crop-flip"])
def test_batches_do_not_depend_on_the_number_of_threads(folder, augmentation, policy):
    batches = [np.array([8, 1]), np.array([0, 3, 5]), np.array([2]), np.array([4]), np.array([7, 6])]
    outcomes = []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        prepared = load(folder).train.for_training(20, augmentation, policy)
        outcomes.append(torch.cat([pixels for pixels, _ in prepared.batches(batches, np.random.default_rng(3))]))
    torch.set_num_threads(1)
    assert torch.equal(*outcomes)


def test_training_without_cropping_prepares_as_testing_does(folder):
    train = load(folder).train
    plain, _ = all_at_once(train, train.for_testing(20))
    same, _ = all_at_once(train, train.for_training(20, "none"))
    flipped, _ = all_at_once(train, train.for_training(20, "flip"))
    assert torch.equal(plain, same)
    is_flipped = (flipped == plain.flip(3)).flatten(1).all(1)
    assert bool((is_flipped ^ (flipped == plain).flatten(1).all(1)).all())
    assert 0 < int(is_flipped.sum()) < 9


@pytest.mark.parametrize("policy", ["autoaugment", "randaugment"])
def test_a_policy_changes_the_cropped_and_flipped_image_and_none_of_their_draws(folder, policy):
    train = load(folder).train
    plain, _ = all_at_once(train, train.for_training(20, "crop-flip"))
    changed, _ = all_at_once(train, train.for_training(20, "crop-flip", policy))
    without_flip, _ = all_at_once(train, train.for_training(20, "none", policy))
    assert not torch.equal(without_flip, all_at_once(train, train.for_testing(20))[0])
    seeds = np.random.default_rng(0).integers(0, 2**63, 9)
    for number, seed in enumerate(seeds):
        random = np.random.default_rng(seed)
        random_boxes(random, np.array([40]), np.array([40]), 0.5)
        random.random()  # the flip
        changes = augmentation_policy(policy, 20, "imagenet")
        expected = changes.apply(photograph(plain[number], train.normalisation), changes.draw(random, 1))
        assert np.array_equal(np.asarray(photograph(changed[number], train.normalisation)), np.asarray(expected))


def test_validation_images_are_files_of_the_training_directory(folder):
    data, whole = load(folder, validation_images=4), load(folder)
    assert whole.validation is None  # a tenth of nine images is none
    trained, held_out = set(data.train.files.paths), set(data.validation.files.paths)
    assert (len(trained), len(held_out), data.test.count) == (5, 4, 6)
    assert trained | held_out == set(whole.train.files.paths)
    assert data.validation.files.root == str(folder / "train")
    assert data.validation.files.labels.tolist() == [0, 0, 1, 1]
    assert data.digest != whole.digest


def test_a_broken_image_is_named(folder):
    broken = folder / "val" / "bee" / "1y.png"
    broken.write_bytes(broken.read_bytes()[:60])
    data = load(folder)
    with pytest.raises(DataError, match=r"val/bee/1y\.png cannot be read as an image"):
        all_at_once(data.test, data.test.for_testing(16))


def test_an_image_of_absurd_size_is_refused_like_a_broken_one(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    data = load(folder)
    with pytest.raises(DataError, match=r"cannot be read as an image: .*exceeds limit"):
        all_at_once(data.test, data.test.for_testing(16))


def test_without_pillow_image_files_are_refused_and_other_sets_are_not(folder, monkeypatch, cpu):
    monkeypatch.setitem(sys.modules, "workers.data.image_folder", None)
    with pytest.raises(DataError, match="image-folder is read with Pillow, which this interpreter lacks"):
        load(folder)
    assert load_data_set(DataSet("shapes", 8, 1, 48, 8, 8), "elsewhere", cpu).train.count == 8


def test_a_subset_is_balanced_and_the_digest_tells_it_apart(folder):
    whole, some = load(folder), load(folder, train_images=4)
    _, labels = all_at_once(some.train, some.train.for_testing(16))
    assert labels.tolist() == [0, 0, 1, 1]
    assert whole.digest != some.digest
    assert whole.digest == load(folder).digest


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "val" / "cow").mkdir(), "has the class cow, which .*train lacks"),
        (lambda root: (root / "val").rename(root / "test"), "val cannot be listed .* must hold train/ and val/"),
        (lambda root: [path.unlink() for path in (root / "val").glob("*/*")], r"no \.jpeg, .* file in any class"),
    ],
)
def test_a_folder_of_another_layout_is_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(DataError, match=message):
        load(folder)
