"""Which files of trainings nothing needs any more, and their deletion.

Weights are needed by open evaluations and kept while their network is on a front; resume points until their training
has ended. Deletion looks again under a lock (``Store.holding_training``): whoever launches meanwhile either is seen,
and the file stays, or finds it gone when it plans, and trains again.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.driver_identity import is_gone
from orchestrator.errors import InputError
from orchestrator.training_files import AttemptFiles, is_resume_point
from workers.protocol.orders import RESUME_FILE, WEIGHTS_FILE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from db.checkpoints import TrainAttempt
    from db.reader import Reader
    from db.store import Store

#: A job in one of these is not run again, or from the beginning only.
_ENDED = ("done", "diverged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a decision is made from, besides the attempts themselves.

    Attributes:
        on_fronts: Trainings whose network lies on a front.
        yet_to_compete: Trainings whose network's throughput is not settled.
        gone: Drivers that did not say that they ended, and certainly did.
        older_than: Only what was last written before this time goes.
    """

    on_fronts: frozenset[str]
    yet_to_compete: frozenset[str]
    gone: frozenset[str]
    older_than: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that training left.

    Attributes:
        attempt: Whose.
        name: In the attempt's directory.
        size_bytes: Its length.
        needed: Why it stays; empty if it can go.
        useless: Why it can go; empty if it stays.
    """

    attempt: TrainAttempt
    name: str
    size_bytes: int
    needed: str = ""
    useless: str = ""

    @property
    def path(self) -> str:
        """Absolute."""
        return str(Path(self.attempt.directory) / self.name)


# ---- what is needed: pure ---------------------------------------------------------------------------------------


def judge(attempts: Sequence[TrainAttempt], sizes: Mapping[int, Mapping[str, int]], needs: Needs) -> list[FoundFile]:
    """Decide about the files of one training.

    Args:
        attempts: All attempts at it, in order.
        sizes: Attempt's number → file name → bytes.
        needs: What files are needed for.
    """
    newest = max((number for number, names in sizes.items() if RESUME_FILE in names), default=0)
    found = []
    for attempt in attempts:
        for name, size in sorted(sizes.get(attempt.attempt, {}).items()):
            if is_resume_point(name):
                needed, useless = _judge_resume_point(attempt, newest)
            else:
                needed, useless = _judge_weights(attempt, needs)
            needed = _why_all_stays(attempt, needs) or needed
            if not needed and attempt.last_at > needs.older_than:
                needed = "not old enough"
            useless = "" if needed else useless
            found.append(FoundFile(attempt=attempt, name=name, size_bytes=size, needed=needed, useless=useless))
    return found


def _why_all_stays(attempt: TrainAttempt, needs: Needs) -> str:
    return "a running sweep asks for the training" if attempt.holders - needs.gone else ""


def _judge_weights(attempt: TrainAttempt, needs: Needs) -> tuple[str, str]:
    """Return why weights are needed, or else why they are useless."""
    if attempt.is_result:
        needed = _why_a_result_stays(attempt, needs)
        return needed, "" if needed else "on no front, and no open job needs it"
    if attempt.state not in _ENDED and attempt.outcome in {None, "lost"}:
        return "its attempt may have finished unheard", ""
    if attempt.has_result:
        return "", "another attempt's result counts"
    return "", f"its attempt ended without a result ({attempt.outcome})"


def _why_a_result_stays(attempt: TrainAttempt, needs: Needs) -> str:
    if attempt.open_evaluations:
        return "an open evaluation needs it"
    if attempt.fingerprint in needs.on_fronts:
        return "its network is on a front"
    return "its network's throughput is not settled" if attempt.fingerprint in needs.yet_to_compete else ""


def _judge_resume_point(attempt: TrainAttempt, newest: int) -> tuple[str, str]:
    """Return why a resume point is needed, or else why it is useless."""
    if attempt.state in _ENDED:
        return "", f"its training is {attempt.state}"
    if attempt.attempt < newest:
        return "", "a later attempt left a resume point too"
    return "its training can go on from it", ""


# ---- looking and deleting ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Collection:
    """What a look found.

    Attributes:
        files: In the order of jobs and attempts.
        missing: Finished trainings whose weights are not there: deleted before, or on another machine.
        elsewhere: Finished trainings whose weights are outside the artifacts directories; these were not looked at.
        problems: Directories and files that could not be read or deleted, and why.
    """

    files: tuple[FoundFile, ...]
    missing: int
    elsewhere: int
    problems: tuple[str, ...] = ()

    @property
    def useless(self) -> tuple[FoundFile, ...]:
        """What can go."""
        return tuple(file for file in self.files if file.useless)

    @property
    def needed(self) -> tuple[FoundFile, ...]:
        """What stays."""
        return tuple(file for file in self.files if file.needed)


class Collector:
    """Looks for files that nothing needs any more, and deletes them.

    Args:
        reader: Says what is needed, once.
        older_than: Only what was last written before this time goes.
        artifacts: Only files below this directory; None is every directory that the database names.

    Raises:
        InputError: ``artifacts`` is no directory of a sweep of this database.
    """

    def __init__(self, reader: Reader, older_than: dt.datetime, artifacts: Path | None = None) -> None:
        homes = {sweep.artifacts for sweep in reader.sweeps()}
        if artifacts is not None:
            homes = _only(artifacts, homes)
        self._attempts = reader.train_attempts()
        self._needs = Needs(
            on_fronts=frozenset(reader.trainings_on_fronts()),
            yet_to_compete=frozenset(reader.trainings_yet_to_compete()),
            gone=frozenset(driver.driver_id for driver in reader.live_drivers() if is_gone(driver)),
            older_than=older_than,
        )
        self._files = AttemptFiles(homes)

    def look(self) -> Collection:
        """Say of every file that training can make again whether it can go; changes nothing."""
        files: list[FoundFile] = []
        problems: list[str] = []
        missing = elsewhere = 0
        for _, group in itertools.groupby(self._attempts, key=lambda attempt: attempt.fingerprint):
            attempts = list(group)
            try:
                found = self._judged(attempts)
            except OSError as error:
                problems.append(f"cannot look into {attempts[0].label}: {error}")
                continue
            files += found
            here = {file.attempt.attempt for file in found if file.name == WEIGHTS_FILE}
            for attempt in attempts:
                outside = self._files.home_of(attempt) is None
                elsewhere += attempt.is_result and outside
                missing += attempt.is_result and not outside and attempt.attempt not in here
        return Collection(tuple(files), missing, elsewhere, tuple(problems))

    def delete(self, store: Store, agreed: Collection) -> Collection:
        """Delete what can go; a file that is needed by now stays.

        Args:
            store: The same database.
            agreed: What ``look`` said; nothing else is deleted.

        Returns:
            What was deleted, as ``useless``, and what stays.
        """
        done = [file for file in agreed.files if file.needed]
        problems = list(agreed.problems)
        for fingerprint, group in itertools.groupby(agreed.useless, key=lambda file: file.attempt.fingerprint):
            paths = {file.path for file in group}
            with store.holding_training(fingerprint) as attempts:
                try:
                    done += self._delete(attempts, paths)
                except OSError as error:
                    problems.append(f"cannot delete files of {attempts[0].label}: {error}")
        return Collection(tuple(done), agreed.missing, agreed.elsewhere, tuple(problems))

    def _delete(self, attempts: Sequence[TrainAttempt], paths: set[str]) -> list[FoundFile]:
        """Delete those of some files of one training that can still go; return them all."""
        agreed = [file for file in self._judged(attempts) if file.path in paths]
        for file in agreed:
            if file.useless:
                self._files.delete(file.attempt, file.name)
        return agreed

    def _judged(self, attempts: Sequence[TrainAttempt]) -> list[FoundFile]:
        sizes = {attempt.attempt: self._files.sizes(attempt) for attempt in attempts}
        return judge(attempts, sizes, self._needs)


def _only(artifacts: Path, homes: set[str]) -> set[str]:
    found = {home for home in homes if Path(home).resolve() == artifacts.resolve()}
    if not found:
        known = ", ".join(sorted(homes)) or "none"
        raise InputError(f"no sweep of this database keeps its files in {artifacts}", hint=f"known are: {known}")
    return found
