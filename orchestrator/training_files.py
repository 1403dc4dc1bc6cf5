"""The files that trainings leave, found and deleted without ever leaving the artifacts directories.

<artifacts>/jobs/<fingerprint>/a<attempt>/weights.pt                          what evaluations start from
                                          resume.json, resume-<epoch>.pt      where an interrupted training goes on
                                          …tmp-<process>                      left half-written by a killed worker

Only these are ever named: training can make them again. Logs and reports are not touched. The way down from an
artifacts directory follows no symbolic link, so that nothing outside it is reached, whatever lies there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.run_files import RunFiles
from workers.protocol.orders import RESUME_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from db.checkpoints import TrainAttempt

_RESUME_POINT = re.compile(rf"{re.escape(RESUME_FILE)}|resume-\d+\.pt")
_HALF_WRITTEN = re.compile(rf"({re.escape(WEIGHTS_FILE)}|{_RESUME_POINT.pattern})\.tmp-\d+")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")
#: There is no such directory, or a link stands in its place.
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


def is_resume_point(name: str) -> bool:
    """Tell the files of a resume point from the others."""
    return bool(_RESUME_POINT.fullmatch(name))


def can_be_made_again(name: str) -> bool:
    """Tell files that training can make again from logs, reports and what is not ours."""
    return name == WEIGHTS_FILE or is_resume_point(name) or bool(_HALF_WRITTEN.fullmatch(name))


class AttemptFiles:
    """The files of attempts below some artifacts directories, and nothing else.

    Args:
        homes: The artifacts directories, absolute (others are left out); each may be reached by a symbolic link.
    """

    def __init__(self, homes: Iterable[str]) -> None:
        self._homes = sorted(home for home in homes if Path(home).is_absolute())

    def sizes(self, attempt: TrainAttempt) -> dict[str, int]:
        """Return name → bytes of the files that training can make again; empty where there is no such directory."""
        with self._opened(attempt) as directory:
            if directory is None:
                return {}
            with os.scandir(directory) as entries:
                files = [entry for entry in entries if entry.is_file(follow_symlinks=False)]
                return {one.name: one.stat().st_size for one in files if can_be_made_again(one.name)}

    def delete(self, attempt: TrainAttempt, name: str) -> None:
        """Delete a file that ``sizes`` names; one that is not there any more is no error.

        Raises:
            OSError: It cannot be deleted.
        """
        with self._opened(attempt) as directory:
            if directory is not None and can_be_made_again(name):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=directory)

    @contextlib.contextmanager
    def _opened(self, attempt: TrainAttempt) -> Iterator[int | None]:
        """Open the attempt's directory; None where there is none."""
        with contextlib.ExitStack() as closing:
            yield self._descend(attempt, closing)

    def _descend(self, attempt: TrainAttempt, closing: contextlib.ExitStack) -> int | None:
        """Go down to the attempt's directory step by step, following no link below the artifacts directory."""
        home = self.home_of(attempt)
        if home is None:
            return None
        try:
            directory = _open_directory(home, closing, follow=True)
            for step in Path(attempt.directory).relative_to(home).parts:
                directory = _open_directory(step, closing, parent=directory)
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise
        return directory

    def home_of(self, attempt: TrainAttempt) -> str | None:
        """Return the artifacts directory that the attempt wrote to; None if it is not one of ours."""
        if not _FINGERPRINT.fullmatch(attempt.fingerprint):
            return None
        for home in self._homes:
            if str(RunFiles(Path(home)).attempt_directory(attempt.fingerprint, attempt.attempt)) == attempt.directory:
                return home
        return None


def _open_directory(
    name: str, closing: contextlib.ExitStack, *, parent: int | None = None, follow: bool = False
) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(name, flags, dir_fd=parent)
    closing.callback(os.close, descriptor)
    return descriptor
