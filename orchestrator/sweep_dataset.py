"""The data set that a sweep file names, with what is known of it before any image is read."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from orchestrator.source_tree import Problem
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import IMAGE_FOLDER, DataSetSection
from workers.protocol.datasets import NAMED, NamedDataSet, default_validation_images
from workers.protocol.jobs import DataSet

#: Name of a data set of which only the shape of its images is known: enough to measure, not to train.
NO_IMAGES = "unnamed"

#: Directories of an image folder, as ImageNet is laid out.
SPLITS = ("train", "val")


class ImageCounts(NamedTuple):
    """How many images a sweep uses; None where only reading them would tell.

    Attributes:
        train: That networks are trained on.
        validation: That are held out of the training split.
        test: That networks are tested with.
    """

    train: int | None
    validation: int | None
    test: int | None


def find_dataset(section: DataSetSection, document: Document, directory: Path) -> tuple[DataSet | None, list[Problem]]:
    """Complete the section with classes, channels and size.

    A count that the data set would have without it becomes None, so that it is the same job whether or not the file
    spells it out.

    Args:
        section: The file's ``dataset``.
        document: The file, for the lines of problems.
        directory: Where a relative ``root`` starts.

    Returns:
        The data set, or None where problems keep it from being known; and the problems.
    """
    if section.name is None:
        return _shape(section, document)
    problems = _shape_of_named(section, document)
    if section.name == IMAGE_FOLDER:
        dataset, more = _image_folder(section, document, directory)
        return dataset, problems + more
    known = NAMED[section.name]
    held_out = _held_out(section, known)
    dataset = DataSet(
        name=section.name,
        classes=known.classes,
        channels=known.channels,
        image_side=known.image_side,
        train_images=None if section.train_images == known.train_images - held_out else section.train_images,
        test_images=None if section.test_images == known.test_images else section.test_images,
        validation_images=None if held_out == default_validation_images(known.train_images) else held_out,
    )
    return dataset, problems + _named_problems(section, known, document)


def image_counts(dataset: DataSet) -> ImageCounts:
    """Count the images that are trained on, held out and tested with."""
    known = NAMED.get(dataset.name)
    validation = dataset.validation_images
    if known is None:
        return ImageCounts(dataset.train_images, validation, dataset.test_images)
    if validation is None:
        validation = default_validation_images(known.train_images)
    train = known.train_images - validation if dataset.train_images is None else dataset.train_images
    return ImageCounts(train, validation, dataset.test_images or known.test_images)


def _shape(section: DataSetSection, document: Document) -> tuple[DataSet | None, list[Problem]]:
    """Take images of which only the shape is known; throughput depends on nothing else of them."""
    problems = []
    if section.root is not None:
        problems.append(document.problem(("dataset", "root"), f"belongs to a data set with name: {IMAGE_FOLDER}"))
    problems += [
        document.problem(("dataset", key), "missing: name a data set, or give channels and classes of its images")
        for key in ("channels", "classes")
        if getattr(section, key) is None
    ]
    if section.channels is None or section.classes is None:
        return None, problems
    return DataSet(NO_IMAGES, section.classes, section.channels, image_side=0), problems


def _shape_of_named(section: DataSetSection, document: Document) -> list[Problem]:
    message = f"{section.name} has its own: leave it out, or leave out the name to measure with images of this shape"
    return [
        document.problem(("dataset", key), message)
        for key in ("channels", "classes")
        if getattr(section, key) is not None
    ]


def _named_problems(section: DataSetSection, known: NamedDataSet, document: Document) -> list[Problem]:
    problems = []
    if section.root is not None:
        message = f"only {IMAGE_FOLDER} has a root; {section.name} lies where the data directory is: leave it out"
        problems.append(document.problem(("dataset", "root"), message))
    found = [*_too_few(section, known.classes), *_too_many(section, known)]
    return problems + [document.problem(("dataset", key), message) for key, message in found]


def _too_few(section: DataSetSection, classes: int) -> Iterator[tuple[str, str]]:
    for key in ("train_images", "test_images", "validation_images"):
        asked = getattr(section, key)
        if asked and asked < classes:
            advice = ": 0 holds none out" if key == "validation_images" else ""
            yield key, f"{asked} is fewer than one for each of the {classes} classes of {section.name}{advice}"


def _too_many(section: DataSetSection, known: NamedDataSet) -> Iterator[tuple[str, str]]:
    there = f"the {known.train_images} that {section.name} has"
    held_out = _held_out(section, known)
    rest = known.train_images - held_out
    if section.test_images is not None and section.test_images > known.test_images:
        yield "test_images", f"{section.test_images} is more than the {known.test_images} that {section.name} has"
    if rest < known.classes:
        message = f"{held_out} held out of {there} leave fewer than one for each of its {known.classes} classes"
        yield "validation_images", f"{message}: hold out fewer, or 0 for none"
    elif section.train_images is not None and section.train_images > known.train_images:
        yield "train_images", f"{section.train_images} is more than {there}"
    elif section.train_images is not None and section.train_images > rest:
        message = f"{section.train_images} and the {held_out} held out for validation are more than {there}"
        yield "train_images", f"{message}: lower train_images to {rest}, or set validation_images: 0"


def _held_out(section: DataSetSection, known: NamedDataSet) -> int:
    if section.validation_images is None:
        return default_validation_images(known.train_images)
    return section.validation_images


def _image_folder(section: DataSetSection, document: Document, directory: Path) -> tuple[DataSet | None, list[Problem]]:
    if section.root is None:
        message = f"missing: {IMAGE_FOLDER} needs the directory that holds train/CLASS/ and val/CLASS/"
        return None, [document.problem(("dataset", "root"), message)]
    root = Path(os.path.abspath(directory / Path(section.root).expanduser()))  # noqa: PTH100  # links stay as named
    try:
        classes = _class_count(root)
    except ValueError as error:
        return None, [document.problem(("dataset", "root"), str(error))]
    dataset = DataSet(
        name=IMAGE_FOLDER,
        classes=classes,
        channels=3,
        image_side=0,
        train_images=section.train_images,
        test_images=section.test_images,
        root=str(root),
        validation_images=section.validation_images,
    )
    return dataset, [document.problem(("dataset", key), message) for key, message in _too_few(section, classes)]


def _class_count(root: Path) -> int:
    """Count the classes of an image folder.

    Raises:
        ValueError: It lacks one of its two directories, or these do not hold the same two or more classes.
    """
    trained, tested = (_class_names(root / split) for split in SPLITS)
    if len(trained) < 2:
        raise ValueError(f"{root / SPLITS[0]} holds {len(trained)} class directories: at least 2 are needed")
    if trained != tested:
        odd = sorted(trained ^ tested)
        missing = SPLITS[1] if odd[0] in trained else SPLITS[0]
        raise ValueError(f"{root / missing} lacks the class {odd[0]!r} ({len(odd)} classes are in one part only)")
    return len(trained)


def _class_names(directory: Path) -> set[str]:
    try:
        with os.scandir(directory) as entries:
            return {entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")}
    except OSError as error:
        raise ValueError(f"{directory}: {error.strerror}: image-folder needs train/ and val/ in its root") from error
