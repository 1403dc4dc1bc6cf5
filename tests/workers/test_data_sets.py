"""The named data sets: their content, their subsets, and what is said when they are not there."""

import gzip
import hashlib
import pickle
import shutil

import numpy as np
import pytest
import torch
import torchvision

from tests.older import paired
from workers.data.arrays import ImageArrays, content_digest
from workers.data.fashion_mnist import load_fashion_mnist
from workers.data.loading import load_data_set
from workers.data.normalisation import NORMALISATIONS
from workers.data.shapes import draw_shapes
from workers.data.subsets import Choice, balanced_subset
from workers.errors import DataError
from workers.protocol.datasets import NAMED
from workers.protocol.jobs import DataSet


def every(labels):
    return np.arange(len(labels))


#: Equal on numpy 1.24 and 2.4, with and without AVX-512 and AVX2.
SHAPES_TEST_DIGEST = "d570d66a30b20290bfe484f6ef365375380640804b10af0d9d42c333ff1f4310"


def fashion(**fields):
    return DataSet("fashion-mnist", classes=10, channels=1, image_side=28, **fields)


@pytest.fixture
def own_copy(data_directory, tmp_path):
    shutil.copytree(data_directory / "FashionMNIST", tmp_path / "FashionMNIST")
    return tmp_path


def test_fashion_mnist_is_what_torchvision_reads(data_directory, tmp_path):
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for packed in (data_directory / "FashionMNIST" / "raw").glob("*.gz"):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    for ours, train in paired(load_fashion_mnist(str(data_directory)), (True, False)):
        theirs = torchvision.datasets.FashionMNIST(tmp_path, train=train)
        assert np.array_equal(ours.images[:, 0], theirs.data.numpy())
        assert np.array_equal(ours.labels, theirs.targets.numpy())


def test_uncompressed_files_are_read_too(own_copy):
    raw = own_copy / "FashionMNIST" / "raw"
    for packed in list(raw.glob("*.gz")):
        (raw / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    train, _ = load_fashion_mnist(str(own_copy))
    assert train.images.shape == (60000, 1, 28, 28)


@pytest.mark.parametrize("damage", ["one byte", "cut short", "not gzip", "gone"])
def test_a_damaged_file_is_refused_with_the_command_that_fetches_it(own_copy, damage):
    path = own_copy / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[5000] ^= 1
    damaged = {"one byte": gzip.compress(content, 1), "cut short": path.read_bytes()[:9000], "not gzip": b"<html>"}
    path.unlink()
    if damage != "gone":
        path.write_bytes(damaged[damage])
    with pytest.raises(DataError, match=r"t10k-images.*python -m workers\.data fetch fashion-mnist --to"):
        load_fashion_mnist(str(own_copy))


@pytest.mark.parametrize("name", ["fashion-mnist", "shapes"])
def test_normalised_training_images_have_mean_zero_and_spread_one(data_directory, cpu, name):
    facts = NAMED[name]
    whole = DataSet(name, facts.classes, facts.channels, facts.image_side, validation_images=0)
    data = load_data_set(whole, str(data_directory), cpu)
    assert data.train.count == facts.train_images
    assert data.validation is None
    assert data.test.count == facts.test_images
    pixels = NORMALISATIONS[name].apply(data.train.pixels[:5000])
    assert abs(float(pixels.mean())) < 0.02
    assert abs(float(pixels.std()) - 1.0) < 0.02


@pytest.mark.parametrize("count", [1, 7, 500, 4000, 60000])
def test_a_subset_has_its_classes_as_even_as_can_be(data_directory, count):
    train, _ = load_fashion_mnist(str(data_directory))
    chosen = balanced_subset(train.labels, count, "train")
    counts = np.bincount(train.labels[chosen], minlength=10)
    assert len(np.unique(chosen)) == count
    assert counts.max() - counts.min() <= 1


def test_a_smaller_subset_is_part_of_a_larger_one_even_where_a_class_runs_out():
    labels = np.array([0] * 3 + [1] * 50 + [2] * 20)
    smaller, larger = (balanced_subset(labels, count, "train") for count in (30, 60))
    assert set(smaller) < set(larger)
    assert np.bincount(labels[smaller]).tolist() == [3, 14, 13]
    assert np.bincount(labels[larger]).tolist() == [3, 37, 20]


@pytest.mark.parametrize("count", [0, 12])
def test_a_subset_of_no_images_or_of_more_than_there_are_is_refused(count):
    with pytest.raises(DataError, match=f"{count} test images .* has 11: lower test_images"):
        balanced_subset(np.zeros(11, np.int64), count, "test")


def test_the_digest_tells_images_labels_and_subsets_apart(data_directory, cpu):
    digests = {
        load_data_set(fashion(train_images=train, test_images=test), str(data_directory), cpu).digest
        for train, test in [(100, 50), (101, 50), (100, 51)]
    }
    assert len(digests) == 3
    again = load_data_set(fashion(train_images=100, test_images=50), str(data_directory), cpu)
    assert again.digest in digests
    train, test = draw_shapes("test", every), draw_shapes("test", every)
    test.labels[0] += 1
    assert content_digest(train) != content_digest(test)


def test_validation_images_are_held_out_of_the_training_split(data_directory, cpu):
    pool, test = load_fashion_mnist(str(data_directory))
    data = load_data_set(fashion(validation_images=700, test_images=50), str(data_directory), cpu)
    assert (data.train.count, data.validation.count, data.test.count) == (59300, 700, 50)
    known = {image.tobytes() for image in pool.images} | {image.tobytes() for image in test.images}
    held_out, trained = ({image.numpy().tobytes() for image in split.pixels} for split in (data.validation, data.train))
    assert known > held_out
    assert trained.isdisjoint(held_out)
    assert np.bincount(data.validation.labels).tolist() == [70] * 10
    assert {image.tobytes() for image in test.images}.isdisjoint(held_out)


@pytest.mark.parametrize("name", ["fashion-mnist", "shapes"])
def test_where_no_number_is_named_a_tenth_is_held_out(data_directory, cpu, name):
    facts = NAMED[name]
    described = DataSet(name, facts.classes, facts.channels, facts.image_side, test_images=10)
    data = load_data_set(described, str(data_directory), cpu)
    assert data.validation.count == facts.train_images // 10
    assert data.train.count == facts.train_images - facts.train_images // 10


@pytest.mark.parametrize("validation", [1, 8, 333, None])
def test_training_and_validation_images_are_disjoint_and_balanced(validation):
    labels = np.random.default_rng(0).permutation(np.arange(1200) % 8)
    choice = Choice(fashion(train_images=500, validation_images=validation))
    train, held_out = choice.train(labels), choice.validation(labels)
    assert len(held_out) == (120 if validation is None else validation)
    assert len(train) == 500
    assert set(train).isdisjoint(held_out)
    for chosen in (train, held_out):
        counts = np.bincount(labels[chosen], minlength=8)
        assert counts.max() - counts.min() <= 1
        assert np.array_equal(chosen, np.unique(chosen))


def test_validation_images_are_the_same_however_many_are_trained_on_and_training_sets_are_nested():
    labels = np.random.default_rng(0).integers(0, 10, 3000)
    choices = [Choice(fashion(train_images=count, validation_images=250)) for count in (100, 2000, None)]
    for choice in choices:
        assert np.array_equal(choice.validation(labels), choices[0].validation(labels))
    small, large, every_one = (set(choice.train(labels)) for choice in choices)
    assert small < large < every_one
    assert len(every_one) == 2750


def test_held_out_images_are_not_the_ones_that_would_be_trained_on_first():
    """Else the images trained on with and without a validation split would have next to nothing in common."""
    labels = np.random.default_rng(0).integers(0, 10, 5000)
    held_out = Choice(fashion(validation_images=1000)).validation(labels)
    first = balanced_subset(labels, 1000, "train")
    assert 120 < len(np.intersect1d(held_out, first)) < 280


def test_a_rare_class_keeps_at_least_half_of_its_images_for_training():
    labels = np.repeat(np.arange(5), [400, 300, 21, 2, 1])
    choice = Choice(fashion(validation_images=100))
    assert np.bincount(labels[choice.validation(labels)], minlength=5).tolist() == [45, 44, 10, 1, 0]
    most = Choice(fashion(validation_images=700))
    assert set(choice.validation(labels)) < set(most.validation(labels))
    assert len(most.train(labels)) == 24


def test_with_none_held_out_the_training_images_are_those_of_the_plain_subset():
    labels = np.random.default_rng(0).integers(0, 10, 3000)
    choice = Choice(fashion(train_images=100, validation_images=0))
    assert np.array_equal(choice.train(labels), balanced_subset(labels, 100, "train"))
    assert len(choice.validation(labels)) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"validation_images": 60}, "60 validation images .* the 60 training images.* lower validation_images"),
        ({"validation_images": 90}, "90 validation images .* the 60 training images"),
        ({"train_images": 56}, "56 .* 60, 6 are held out .* lower train_images to 54, or set validation_images: 4"),
        ({"train_images": 60}, "lower train_images to 54, or set validation_images: 0"),
        ({"train_images": 61}, "lower train_images to 54$"),
        ({"train_images": 61, "validation_images": 0}, "the data set has 60: lower train_images$"),
        ({"train_images": 0}, "0 train images"),
        ({"validation_images": -1}, "-1 validation images"),
    ],
)
def test_more_images_than_there_are_beside_the_held_out_ones_are_refused_with_what_to_change(fields, message):
    with pytest.raises(DataError, match=message):
        Choice(fashion(**fields)).train(np.arange(60) % 10)


#: Of 100 training images and 50 test images without a validation split, as the first release computed them.
FIRST_DIGESTS = {
    "fashion-mnist": "b18f9b77af9f73d9fcc1724748935bf9b527ab516947c31c47a1f10436a4d300",
    "shapes": "374eefb6d895adfdfba511d2f81eff76208add424756e53a86ad021bef93f28b",
}


@pytest.mark.parametrize("name", sorted(FIRST_DIGESTS))
def test_with_none_held_out_the_digest_is_what_it_was_before_there_was_a_validation_split(data_directory, cpu, name):
    facts = NAMED[name]
    described = DataSet(name, facts.classes, facts.channels, facts.image_side, 100, 50, validation_images=0)
    assert load_data_set(described, str(data_directory), cpu).digest == FIRST_DIGESTS[name]


def test_the_digest_tells_which_images_are_held_out(data_directory, cpu):
    digests = set()
    for count in (0, 20, 21):
        described = fashion(train_images=10, test_images=5, validation_images=count)
        data = load_data_set(described, str(data_directory), cpu)
        splits = (ImageArrays(split.pixels.numpy(), split.labels.numpy()) for split in (data.train, data.test))
        assert (data.digest == content_digest(*splits)) == (count == 0)
        digests.add(data.digest)
    assert len(digests) == 3


def test_shapes_are_the_same_on_every_machine():
    assert content_digest(draw_shapes("test", every)) == SHAPES_TEST_DIGEST


def test_a_shape_does_not_depend_on_which_others_are_drawn():
    whole = draw_shapes("test", every)
    some = np.array([3, 999, 3000])
    assert np.array_equal(draw_shapes("test", lambda _: some).images, whole.images[some])


def test_shapes_with_a_groove_differ_from_whole_ones_in_fine_detail_only():
    split = draw_shapes("test", every)
    images = torch.from_numpy(split.images).float()
    small = torch.nn.functional.interpolate(images, (6, 6), mode="area").flatten(1)
    whole, grooved = small[split.labels == 0].mean(0), small[split.labels == 4].mean(0)
    assert float((whole - grooved).abs().mean()) < 5.0  # of 255: a coarse image hardly tells


def test_cifar_is_read_from_torchvisions_layout(tmp_path, monkeypatch, cpu):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    pixels = np.arange(20 * 3072, dtype=np.int64).reshape(20, 3072).astype(np.uint8)
    files = {}
    for name in ("data_batch_1", "test_batch", "batches.meta"):
        content = {"data": pixels, "labels": list(range(10)) * 2, "label_names": list("abcdefghij")}
        (folder / name).write_bytes(pickle.dumps(content))
        files[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()  # noqa: S324
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "train_list", [["data_batch_1", files["data_batch_1"]]])
    monkeypatch.setattr(cifar, "test_list", [["test_batch", files["test_batch"]]])
    monkeypatch.setattr(cifar, "meta", {**cifar.meta, "md5": files["batches.meta"]})
    data = load_data_set(DataSet("cifar10", 10, 3, 32, validation_images=0), str(tmp_path), cpu)
    assert np.array_equal(data.train.pixels.numpy(), pixels.reshape(20, 3, 32, 32))
    assert data.test.labels.tolist() == list(range(10)) * 2
    (folder / "test_batch").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"workers\.data fetch cifar10"):
        load_data_set(DataSet("cifar10", 10, 3, 32, train_images=10), str(tmp_path), cpu)


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"classes": 9}, "10 classes or more; the job says 9"), ({"channels": 3}, "1 channels .* the job says 3")],
)
def test_a_job_that_describes_other_images_is_refused(data_directory, cpu, fields, message):
    described = DataSet(**{"name": "fashion-mnist", "classes": 10, "channels": 1, "image_side": 28, **fields})
    with pytest.raises(DataError, match=message):
        load_data_set(described, str(data_directory), cpu)


def test_an_unknown_data_set_is_refused_with_the_names_there_are(cpu, tmp_path):
    with pytest.raises(DataError, match=r"'mnist'.*fashion-mnist, cifar10"):
        load_data_set(DataSet("mnist", 10, 1, 28), str(tmp_path), cpu)
