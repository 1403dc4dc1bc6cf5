"""The data set that a sweep file names, with what is known of it before any image is read."""

import os
from pathlib import Path

from orchestrator.source_tree import Problem
from orchestrator.sweep_file import Document
from orchestrator.sweep_spec import IMAGE_FOLDER, DataSetSection
from workers.protocol.datasets import NAMED
from workers.protocol.jobs import DataSet

#: Directories of an image folder, as ImageNet is laid out.
SPLITS = ("train", "val")


def find_dataset(section: DataSetSection, document: Document, directory: Path) -> tuple[DataSet | None, list[Problem]]:
    """Complete the section with classes, channels and size.

    A count that is all there is becomes None, so that it is the same job whether or not the file spells it out.

    Args:
        section: The file's ``dataset``.
        document: The file, for the lines of problems.
        directory: Where a relative ``root`` starts.

    Returns:
        The data set, or None where problems keep it from being known; and the problems.
    """
    if section.name == IMAGE_FOLDER:
        return _image_folder(section, document, directory)
    problems = _named_problems(section, document)
    known = NAMED[section.name]
    dataset = DataSet(
        name=section.name,
        classes=known.classes,
        channels=known.channels,
        image_side=known.image_side,
        train_images=None if section.train_images == known.train_images else section.train_images,
        test_images=None if section.test_images == known.test_images else section.test_images,
    )
    return dataset, problems


def image_counts(dataset: DataSet) -> tuple[int | None, int | None]:
    """Return how many training and test images are used; None where only reading the images would tell."""
    known = NAMED.get(dataset.name)
    return (
        dataset.train_images or (known.train_images if known else None),
        dataset.test_images or (known.test_images if known else None),
    )


def _named_problems(section: DataSetSection, document: Document) -> list[Problem]:
    known = NAMED[section.name]
    problems = []
    if section.root is not None:
        message = f"only {IMAGE_FOLDER} has a root; {section.name} lies where the data directory is: leave it out"
        problems.append(document.problem(("dataset", "root"), message))
    for key, available in (("train_images", known.train_images), ("test_images", known.test_images)):
        asked = getattr(section, key)
        if asked is not None and asked > available:
            message = f"{asked} is more than the {available} that {section.name} has"
            problems.append(document.problem(("dataset", key), message))
        elif asked is not None and asked < known.classes:
            message = f"{asked} is fewer than one for each of the {known.classes} classes of {section.name}"
            problems.append(document.problem(("dataset", key), message))
    return problems


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
        name=section.name,
        classes=classes,
        channels=3,
        image_side=0,
        train_images=section.train_images,
        test_images=section.test_images,
        root=str(root),
    )
    return dataset, []


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
