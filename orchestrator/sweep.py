"""A sweep file read and checked: the one way from a path to something that can be planned.

All that is wrong with a file is told at once, a line each, with file, line and key; nothing is half accepted.
"""

import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.search_problems import places_of_axes, search_problems, with_ranges
from orchestrator.slot_sections import SlotsSection
from orchestrator.source_tree import KeyPath, Node, Problem, input_error, shown
from orchestrator.sweep_dataset import find_dataset
from orchestrator.sweep_file import NONE, Document, read_document, with_overrides
from orchestrator.sweep_measuring import compiling_problems, measuring_problems
from orchestrator.sweep_recipe import recipe_problems
from orchestrator.sweep_spec import AXES, SweepSpec, home_of
from orchestrator.sweep_values import Section, did_you_mean
from workers.protocol.jobs import DataSet
from workers.protocol.variant import SIZES


@dataclass(frozen=True, slots=True)
class Sweep:
    """What one sweep file asks for.

    Attributes:
        document: The file as written, overrides applied.
        spec: What it says.
        dataset: The data set it names, with classes and channels.
    """

    document: Document
    spec: SweepSpec
    dataset: DataSet


def load_sweep(path: Path, overrides: Iterable[str] = ()) -> Sweep:
    """Read a sweep file.

    Args:
        path: The file.
        overrides: ``key=value`` texts that replace or add values, e.g. ``grid.seed=[0, 1]``.

    Raises:
        InputError: The file cannot be used; the message has a line for each problem.
    """
    return check_sweep(with_overrides(read_document(path), overrides), path.parent)


def check_sweep(document: Document, directory: Path) -> Sweep:
    """Check a sweep file that has been read.

    Args:
        document: The file.
        directory: Where relative paths in it start.

    Raises:
        InputError: It does not describe a sweep; the message has a line for each problem.
    """
    plain = document.root.plain()
    problems = [*document.problems, *_empty_values(document), *_name_problems(plain, document)]
    problems += _axis_problems(plain, document)
    try:
        spec = SweepSpec.model_validate(plain)
    except ValidationError as error:
        problems += [_translated(one, document) for one in error.errors(include_url=False)]
        raise input_error(_first_of_each_place(problems)) from None
    dataset, dataset_problems = find_dataset(spec.dataset, document, directory)
    problems += [*dataset_problems, *_slot_problems(spec, document)]
    problems += [*measuring_problems(spec, document), *compiling_problems(spec, document)]
    problems += recipe_problems(spec, None if dataset_problems else dataset, document)
    problems += search_problems(spec, document)
    if problems or dataset is None:
        raise input_error(_first_of_each_place(problems))
    return Sweep(document, _located(with_ranges(spec), directory), dataset)


def _located(spec: SweepSpec, directory: Path) -> SweepSpec:
    return spec if spec.slots is None else spec.model_copy(update={"slots": spec.slots.located(directory)})


def _first_of_each_place(problems: Iterable[Problem]) -> list[Problem]:
    """Keep one problem of each key: a number that YAML readers disagree on need not also be of the wrong kind."""
    return list({problem.path: problem for problem in reversed(list(problems))}.values())


# ---- what pydantic found, in our words ----------------------------------------------------------------------------


def _translated(error: ErrorDetails, document: Document) -> Problem:
    path: KeyPath = error["loc"]
    return document.problem(path, _message(error, path))


def _message(error: ErrorDetails, path: KeyPath) -> str:
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "missing":
        return _missing(path)
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        section = section_at(path)
        keys = f": {', '.join(section.model_fields)}" if section else ""
        return f"{shown(value)} is not a mapping of keys{keys}"
    if kind in {"tuple_type", "list_type"}:
        return f"{shown(value)} is not a list"
    return str(error.get("ctx", {}).get("error", error["msg"]))


def _missing(path: KeyPath) -> str:
    section = section_at(path[:-1])
    meaning = section.model_fields[str(path[-1])].description if section else None
    return f"missing: {meaning}" if meaning else "missing"


#: What people also call our keys.
_SYNONYMS = {"lr": "learning_rate", "bs": "batch_size", "batch": "batch_size", "wd": "weight_decay", "gpu": "cuda"}
_SYNONYMS |= {"normalisation": "norm", "normalization": "norm", "groups": "group_size"}


def _unknown_key(path: KeyPath) -> str:
    section = section_at(path[:-1])
    known = tuple(section.model_fields) if section else tuple(SIZES)  # no other mapping has given keys
    key = str(path[-1])
    key = _SYNONYMS.get(key.lower(), key)
    close = did_you_mean(key, known)
    homes = [place for place, other in _sections() if key in other.model_fields and other is not section]
    if homes and key not in known:
        return f"unknown key here - did you mean {' or '.join(f'{home}.{key}' for home in homes)}?"
    return f"unknown key{close or '; known are ' + ', '.join(known)}"


def _sections() -> Iterator[tuple[str, type[Section]]]:
    for key in SweepSpec.model_fields:
        section = section_at((key,))
        if section is not None:
            yield key, section


def section_at(path: KeyPath) -> type[Section] | None:
    """Return the section that a path leads to, or None where it leads to a value."""
    section: type[Section] | None = SweepSpec
    for step in path:
        if isinstance(step, int):  # an item of a list of sections
            continue
        if section is None or step not in section.model_fields:
            return None
        section = _section_in(section.model_fields[step].annotation)
    return section


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next(filter(None, map(_section_in, typing.get_args(annotation))), None)


# ---- what only several keys tell ----------------------------------------------------------------------------------


def _empty_values(document: Document) -> Iterator[Problem]:
    """Find keys without a value; only a kind of slot may stand alone (``cuda:``)."""
    for path in _empty_paths(document.root, ()):
        if not (path[:1] == ("slots",) and len(path) == 2 and path[1] in SlotsSection.model_fields):
            yield document.problem(path, "is empty: give it a value or leave the key out")


def _empty_paths(node: Node, path: KeyPath) -> Iterator[KeyPath]:
    if node.value is None:
        yield path
    elif isinstance(node.value, dict):
        for key, entry in node.value.items():
            yield from _empty_paths(entry.node, (*path, key))
    elif isinstance(node.value, tuple):
        for index, item in enumerate(node.value):
            yield from _empty_paths(item, (*path, index))


def _name_problems(plain: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    """Check that a sweep which trains says on what."""
    dataset = plain.get("dataset")
    if isinstance(dataset, dict) and "name" not in dataset and plain.get("recipe") not in (False, NONE):
        message = "missing: the images to train on; with recipe: none their channels and classes are enough"
        yield document.problem(("dataset", "name"), message)


def _axis_problems(plain: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    """Check that each axis is given once, the needed ones at all, and zipped lists are of one length."""
    zipped = plain.get("zip")
    zipped = zipped if isinstance(zipped, list) else []
    groups = [(index, group) for index, group in enumerate(zipped) if isinstance(group, dict)]
    ranges = places_of_axes(plain.get("search"))
    if "test_resolution" in plain and "test_resolution" in ranges:
        message = "test_resolution is a list already: give it in one place, here or there"
        yield document.problem(ranges["test_resolution"], message)
    for axis, default in AXES.items():
        home = plain.get(home_of(axis), {})
        places: list[KeyPath] = [(home_of(axis), axis)] if isinstance(home, dict) and axis in home else []
        places += [("zip", index, axis) for index, group in groups if axis in group]
        places += [ranges[axis]] if axis in ranges else []
        for place in places[1:]:
            yield document.problem(place, f"{axis} is an axis already: give it in one place, here or there")
        by_default = axis == "train_resolution" and plain.get("search") is not None
        if not places and default is None and not by_default:
            yield document.problem((home_of(axis), axis), "missing: an axis that every sweep names, here or in zip")
    for index, group in groups:
        yield from _zip_problems(index, group, document)


def _zip_problems(index: int, group: Mapping[str, Any], document: Document) -> Iterator[Problem]:
    lengths = {axis: len(values) if isinstance(values, list) else 1 for axis, values in group.items() if axis in AXES}
    if not group:
        yield document.problem(("zip", index), "is empty: name the axes that advance together")
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{axis} has {length}" for axis, length in lengths.items())
        yield document.problem(("zip", index), f"lists that advance together need one length, but {listed}")


def _slot_problems(spec: SweepSpec, document: Document) -> Iterator[Problem]:
    if spec.slots is not None and not spec.slots.kinds:
        kinds = ", ".join(SlotsSection.model_fields)
        yield document.problem(("slots",), f"names no kind of slot ({kinds}): leave it out to take what is there")
