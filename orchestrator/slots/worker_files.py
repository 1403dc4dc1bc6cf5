"""The worker program's own files, for an interpreter that has none of ours."""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import workers


@lru_cache(maxsize=1)
def _copy() -> tempfile.TemporaryDirectory[str]:
    directory = tempfile.TemporaryDirectory(prefix="frontsweep-workers-", ignore_cleanup_errors=True)
    source = Path(workers.__file__).parent
    shutil.copytree(source, Path(directory.name) / "workers", ignore=shutil.ignore_patterns("__pycache__"))
    return directory


def copy_of_workers() -> Path:
    """Return a directory that holds the package ``workers`` and nothing else.

    It is made once in a process, on the machine's own disk, and removed with it.
    """
    return Path(_copy().name)


def remove_copy() -> None:
    """Remove the copy now; for processes that are killed rather than ended."""
    if _copy.cache_info().currsize:
        _copy().cleanup()
        _copy.cache_clear()
