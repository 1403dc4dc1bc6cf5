"""Mixup and CutMix: every pixel where it belongs, labels in proportion to pixels, draws from the published formulas."""

import numpy as np
import pytest
import torch

from workers.data.mixing import blend, cutmix, cutmix_boxes, mixup, mixup_shares
from workers.seeds import generator


def some_boxes(count, height, width, probability=1.0):
    return cutmix_boxes(np.random.default_rng(0), probability, count, height, width)


def blended(images, labels, classes, mixup_alpha=0.0, cutmix_probability=0.0, seed=0):
    return blend(
        images,
        labels,
        classes,
        mixup_alpha=mixup_alpha,
        cutmix_probability=cutmix_probability,
        mixup_random=generator(seed, "mixup", 1),
        cutmix_random=generator(seed, "cutmix", 1),
    )


def test_mixup_keeps_the_mass_and_blends_with_the_image_before():
    images, masses = torch.rand(6, 3, 4, 4), torch.eye(5)[[0, 1, 2, 3, 3, 1]]
    shares = torch.tensor([1.0, 0.9, 0.8, 0.7, 0.6, 0.5], dtype=torch.float64)
    mixed, targets = mixup(images, masses, shares)
    torch.testing.assert_close(targets.sum(1), torch.ones(6))
    torch.testing.assert_close(mixed[0], images[0])
    torch.testing.assert_close(mixed[2], 0.8 * images[2] + 0.2 * images[1])
    torch.testing.assert_close(targets[2], torch.tensor([0.0, 0.2, 0.8, 0.0, 0.0]))
    torch.testing.assert_close(targets[4], torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0]))


def test_an_image_is_never_the_smaller_part_of_its_blend():
    shares = mixup_shares(np.random.default_rng(0), 0.2, 10000)
    assert float(shares.min()) >= 0.5
    # E[max(B, 1 - B)] of Beta(a, a) is 1/2 + mean absolute deviation; 0.8988 for a = 0.2 by numerical integration.
    assert abs(float(shares.mean()) - 0.8988) < 0.005


@pytest.mark.parametrize(("count", "places"), [(1, 1), (2, 1), (3, 2), (64, 2)])
def test_cutmix_takes_the_box_from_the_second_image_before_and_leaves_the_rest(count, places):
    images = torch.rand(count, 3, 12, 20)
    boxes = some_boxes(count, 12, 20)
    composed, targets = cutmix(images, torch.eye(count), torch.from_numpy(boxes))
    for number, (top, left, bottom, right) in enumerate(boxes.tolist()):
        partner = (number - places) % count
        expected = images[number].clone()
        expected[:, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
        assert torch.equal(composed[number], expected)
        covered = (bottom - top) * (right - left) / (12 * 20)
        mass = torch.zeros(count)
        mass[number] += 1.0 - covered
        mass[partner] += covered
        torch.testing.assert_close(targets[number], mass)


@pytest.mark.parametrize("cutmix_probability", [0.0, 0.6])
@pytest.mark.parametrize("mixup_alpha", [0.0, 0.3])
@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_each_labels_mass_is_its_share_of_the_pixels(count, mixup_alpha, cutmix_probability):
    """With images that show their class (channel c is 1 throughout where the class is c), masses can be read off."""
    labels = torch.from_numpy(np.random.default_rng(count).integers(0, 7, count))
    images = torch.eye(7)[labels][:, :, None, None].expand(count, 7, 9, 9)
    mixed, targets = blended(images, labels, 7, mixup_alpha, cutmix_probability)
    if targets.ndim == 1:
        targets = torch.eye(7)[targets]
    torch.testing.assert_close(targets.sum(1), torch.ones(count))
    torch.testing.assert_close(mixed.mean((2, 3)), targets)


def test_under_both_an_image_has_four_labels():
    labels = torch.arange(10)
    _, targets = blended(torch.rand(10, 1, 8, 8), labels, 10, mixup_alpha=1.0, cutmix_probability=1.0)
    present = [set(np.flatnonzero(row)) for row in targets.numpy() > 0.0]
    assert all(found <= {(number - places) % 10 for places in range(4)} for number, found in enumerate(present))
    assert max(len(found) for found in present) == 4


def test_with_both_off_nothing_is_touched():
    images, labels = torch.rand(3, 1, 4, 4), torch.tensor([2, 0, 1])
    same = blended(images, labels, 3)
    assert same[0] is images
    assert same[1] is labels


def test_turning_one_on_leaves_the_draws_of_the_other():
    images, labels = torch.rand(50, 1, 16, 16), torch.zeros(50, dtype=torch.int64)
    alone, _ = blended(images, labels, 1, cutmix_probability=0.5)
    both, _ = blended(images, labels, 1, mixup_alpha=0.2, cutmix_probability=0.5)
    mixed, _ = blended(images, labels, 1, mixup_alpha=0.2)
    without_box = (alone == images).flatten(1).all(1)
    assert 10 < int(without_box.sum()) < 40
    assert torch.equal((both == mixed).flatten(1).all(1), without_box)
    places = (alone != images)[~without_box]
    assert torch.equal((both != mixed)[~without_box], places)


@pytest.mark.parametrize("probability", [0.4875, 0.72])
def test_an_image_stays_alone_as_often_as_it_should(probability):
    boxes = some_boxes(40000, 1000, 1000, probability)
    alone = (boxes[:, 2] == boxes[:, 0]).mean()
    assert abs(alone - (1.0 - probability)) < 0.01


def test_the_covered_share_has_the_published_distribution():
    top, left, bottom, right = some_boxes(40000, 2000, 2000).T
    covered = (bottom - top) * (right - left) / 2000.0**2
    floor = np.exp(-4.0)
    # -E[ln u] / 4 with u uniform between exp(-4) and 1.
    assert abs(covered.mean() - (1.0 - 5.0 * floor) / (1.0 - floor) / 4.0) < 0.003
    for share in (0.05, 0.2, 0.5, 0.9):
        expected = (1.0 - np.exp(-4.0 * share)) / (1.0 - floor)
        assert abs((covered <= share).mean() - expected) < 0.01


def test_a_box_is_centred_anywhere_and_then_moved_inside():
    top, left, bottom, right = some_boxes(40000, 2000, 2000).T
    for start, end in ((top, bottom), (left, right)):
        assert start.min() == 0
        assert end.max() == 2000
        half = (end - start) / 4000.0
        assert abs((start == 0).mean() - half.mean()) < 0.01
        assert abs((end == 2000).mean() - half.mean()) < 0.01
    inside = (top > 0) & (bottom < 2000) & (left > 0) & (right < 2000)
    assert abs(np.corrcoef((top + bottom)[inside], (left + right)[inside])[0, 1]) < 0.03


@pytest.mark.parametrize(("height", "width"), [(32, 32), (224, 224), (40, 120)])
def test_a_box_has_the_aspect_ratio_of_the_image_to_the_pixel(height, width):
    top, left, bottom, right = some_boxes(2000, height, width).T
    scale = (bottom - top) / height - (right - left) / width
    assert np.abs(scale).max() <= 1.0 / height + 1.0 / width


def test_the_same_stream_gives_the_same_boxes():
    assert np.array_equal(some_boxes(20, 32, 32, 0.5), some_boxes(20, 32, 32, 0.5))
