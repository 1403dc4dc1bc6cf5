"""Resizing, cropping and flipping of whole batches, compared with torchvision image by image."""

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as peer

from tests.older import paired
from workers.data.arrays import ImageArrays
from workers.data.augmentation import random_boxes
from workers.data.images import ResidentImages
from workers.data.normalisation import Normalisation
from workers.data.resampling import crop_and_resize, resize_set


def some_images(count=12, channels=3, side=32):
    return np.random.default_rng(0).integers(0, 256, (count, channels, side, side), dtype=np.uint8)


def resident(images):
    identity = Normalisation((0.0,) * images.shape[1], (1.0 / 255.0,) * images.shape[1])
    labels = np.arange(len(images), dtype=np.int64)
    return ResidentImages.of(ImageArrays(images, labels), identity, torch.device("cpu"))


def one_batch(prepared, count, seed=0):
    [(images, labels)] = prepared.batches([np.arange(count)], np.random.default_rng(seed))
    return images, labels


@pytest.mark.parametrize("resolution", [8, 20, 32, 41])
def test_a_set_is_resized_as_torchvision_resizes_an_image(resolution):
    images = torch.from_numpy(some_images())
    theirs = torch.stack([peer.resize(image, [resolution, resolution], antialias=True) for image in images])
    difference = resize_set(images, resolution).int() - theirs.int()
    assert int(difference.abs().max()) <= 1  # of 255: torchvision computes uint8 in fixed point


@pytest.mark.parametrize("resolution", [9, 16, 40])
def test_a_crop_equals_torchvisions_of_each_image(resolution):
    images = torch.from_numpy(some_images()).double()
    sides = np.full(len(images), 32)
    boxes = random_boxes(np.random.default_rng(1), sides, sides, 0.1)
    ours = crop_and_resize(images, torch.from_numpy(boxes), resolution)
    theirs = [
        peer.resized_crop(image, *box, [resolution, resolution], antialias=True)
        for image, box in paired(images, boxes.tolist())
    ]
    torch.testing.assert_close(ours, torch.stack(theirs), atol=1e-3, rtol=0)


def test_a_mirrored_crop_is_the_crop_from_right_to_left():
    images = torch.rand(2, 1, 10, 10)
    boxes = torch.tensor([[0, 0, 10, 10], [2, 1, 5, 6]])
    plain = crop_and_resize(images, boxes, 7)
    mirrored = crop_and_resize(images, boxes, 7, torch.tensor([True, False]))
    torch.testing.assert_close(mirrored, torch.stack([plain[0].flip(2), plain[1]]))


def test_boxes_lie_inside_and_cover_areas_evenly():
    heights, widths = np.full(20000, 300), np.full(20000, 400)
    top, left, height, width = random_boxes(np.random.default_rng(0), heights, widths, 0.1).T
    assert top.min() >= 0
    assert left.min() >= 0
    assert (top + height).max() <= 300
    assert (left + width).max() <= 400
    area = height * width / (300 * 400)
    assert area.min() > 0.099
    assert abs(np.median(area[area < 0.7]) - 0.4) < 0.01  # uniform where nothing was cut off by the edges
    assert abs(np.median(np.log(width / height)[area < 0.4])) < 0.02  # larger wide boxes fit better than high ones


def test_an_image_that_no_box_fits_is_taken_whole():
    boxes = random_boxes(np.random.default_rng(0), np.full(50, 2), np.full(50, 400), 0.9)
    assert np.array_equal(boxes, np.tile([0, 0, 2, 400], (50, 1)))


def test_flipping_mirrors_about_half_of_the_images_each_by_its_own_draw():
    images = some_images(count=400, side=8)
    flipped, labels = one_batch(resident(images).for_training(8, "flip"), 400)
    original = torch.from_numpy(images).float()
    mirrored = (flipped == original.flip(3)).flatten(1).all(1)
    untouched = (flipped == original).flatten(1).all(1)
    assert bool((mirrored ^ untouched).all())
    assert 150 < int(mirrored.sum()) < 250
    assert labels.tolist() == list(range(400))


def test_testing_changes_nothing_but_the_size():
    images = some_images()
    prepared, _ = one_batch(resident(images).for_testing(20), 12)
    torch.testing.assert_close(prepared, resize_set(torch.from_numpy(images), 20).float())


def test_the_same_stream_gives_the_same_crops_and_another_gives_others():
    prepared = resident(some_images()).for_training(16, "crop-flip")
    first, again, other = (one_batch(prepared, 12, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (12, 3, 16, 16)
