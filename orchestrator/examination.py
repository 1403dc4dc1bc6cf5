"""What ``orchestrator doctor`` looks at: the program, database, disks, Ray, slots, and a sweep file's needs."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from db import schema, upkeep
from db.errors import DatabaseMissingError, StoreError
from db.store import open_store
from db.urls import parse_url, shown, sqlite_path
from orchestrator import checks
from orchestrator.checks import DATABASE, FILE, NOTE, OK, Finding, problem
from orchestrator.errors import InputError
from orchestrator.slot_examination import ask_worker_program, examine_slots
from orchestrator.sweep import load_sweep
from orchestrator.sweep_spec import IMAGE_FOLDER
from workers.protocol.datasets import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.sweep import Sweep

_DISTRIBUTION = "frontsweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is to be looked at.

    Attributes:
        url: Of the database.
        home: Directory of the runs' files.
        data_directory: Where named data sets lie.
        sweep_file: Whose needs count; None is those of any sweep.
        overrides: ``key=value`` texts.
        address: Of a Ray cluster; None is this machine.
    """

    url: str
    home: Path
    data_directory: Path
    sweep_file: Path | None = None
    overrides: Sequence[str] = ()
    address: str | None = None


def examine(patient: Patient) -> Iterator[Finding]:
    """Look at everything that a launch needs, and yield what was found as it is found; changes nothing."""
    yield Finding("Python", OK, f"{platform.python_version()} at {sys.executable}")
    yield _packages()
    yield from _database(patient.url)
    yield _space("runs' files", patient.home)
    yield _space("data sets", patient.data_directory)
    sweep = None
    if patient.sweep_file is not None:
        try:
            sweep = load_sweep(patient.sweep_file, patient.overrides)
        except InputError as error:
            yield problem("sweep file", error.message, exit_code=FILE)
            return
        yield _images(sweep, patient.data_directory)
    yield from examine_slots(patient.address, sweep)


# ---- the program ---------------------------------------------------------------------------------------------------


def _packages() -> Finding:
    try:
        requirements = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return problem("packages", f"{_DISTRIBUTION} is not installed", "install it: pip install .")
    installed = {
        str(canonicalize_name(one.name)): one.version for one in importlib.metadata.distributions() if one.name
    }
    return checks.package_finding(requirements, installed)


def _database(url: str) -> Iterator[Finding]:
    try:
        name = shown(parse_url(url))
        try:
            version = upkeep.version(url)
        except DatabaseMissingError:
            yield from _no_database(url, name)
            return
        if version != schema.HEAD:
            found = f"{name} has schema {version}, and this program {schema.HEAD}"
            yield problem("database", found, "orchestrator db upgrade, or the release it was made by", DATABASE)
            return
        with contextlib.closing(open_store(url)) as store:
            store.end_driver("none")  # writes, but nothing: no driver has this id
    except StoreError as error:
        yield problem("database", error.message, error.hint, DATABASE)
    else:
        yield Finding("database", OK, f"{name}: schema {version}, can be read and written")


def _no_database(url: str, name: str) -> Iterator[Finding]:
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        directory = sqlite_path(parsed).parent
        if not os.access(_existing(directory), os.W_OK):
            yield problem("database", f"{name}: {directory} cannot be written to", "choose another --db", DATABASE)
            return
    yield Finding("database", OK, f"{name}: nothing is stored there yet; the first launch sets it up")


def _space(what: str, directory: Path) -> Finding:
    existing = _existing(directory)
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    return checks.space_finding(what, str(directory), writable=writable, free_bytes=shutil.disk_usage(existing).free)


def _existing(path: Path) -> Path:
    """Return the nearest directory above a path that is there."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


# ---- the sweep file's images -----------------------------------------------------------------------------------------


def _images(sweep: Sweep, directory: Path) -> Finding:
    dataset = sweep.dataset
    if not sweep.spec.trains:
        return Finding("data set", OK, "the sweep only measures, and needs no images")
    if dataset.name == IMAGE_FOLDER and dataset.root is not None:
        return _image_folder(Path(dataset.root), dataset.classes)
    if dataset.name not in NAMED:
        return Finding("data set", OK, f"{dataset.name}, as the file describes it")
    done = ask_worker_program("-m", "workers.data", "check", dataset.name, "--to", str(directory))
    if done.returncode == 0:
        return Finding("data set", OK, done.stdout.strip())
    return Finding("data set", NOTE, done.stderr.strip(), "a launch fetches it too")


def _image_folder(root: Path, classes: int) -> Finding:
    empty = [str(one) for split in ("train", "val") for one in sorted((root / split).iterdir()) if _is_empty(one)]
    if empty:
        found = f"{len(empty)} class directories of {root} are empty, such as {empty[0]}"
        return problem("data set", found, "put the images there, or take the classes out of train and val", FILE)
    return Finding("data set", OK, f"{root}: {classes} classes, none of them empty")


def _is_empty(directory: Path) -> bool:
    return directory.is_dir() and not directory.name.startswith(".") and next(directory.iterdir(), None) is None
