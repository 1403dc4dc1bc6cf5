"""What becomes of a job that both a bundle and the database know. Pure.

* The job here changes only by an answer that is missing here: the bundle's ``done`` (or ``diverged``) ends it.
* Attempts are the same if the same driver started them at the same time in the same directory. Others are added, with
  numbers after those here: the number is the fencing token, so it is never used twice.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Row = Mapping[str, Any]

#: An answer is worth more than none, a result more than a divergence.
_WORTH: Final = {"done": 2, "diverged": 1}
#: What an attempt says of its end; where it was given up as lost, a later bundle may know better.
_ENDING: Final = ("outcome", "ended_at", "failure", "message", "traceback", "environment_key")
#: What a job says of its answer.
_ANSWER: Final = ("state", "reason", "started_at", "finished_at", "progress", "progress_text")


@dataclass(frozen=True, slots=True)
class JobMerge:
    """How one known job takes up what a bundle knows of it.

    Attributes:
        answered: Whether its state and result become the bundle's.
        numbers: Number of an attempt in the bundle → its number here.
        new: Rows of attempts to add, numbered as here.
        corrected: Number here → columns of a known attempt to set.
        job: Columns of the job to set.
    """

    answered: bool
    numbers: Mapping[int, int]
    new: Sequence[dict[str, Any]]
    corrected: Mapping[int, Mapping[str, Any]]
    job: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether anything happens to the job or its attempts."""
        return bool(self.answered or self.new or self.corrected)


def merge_job(
    ours: Row, theirs: Row, our_attempts: Sequence[Row], their_attempts: Sequence[Row], now: dt.datetime
) -> JobMerge:
    """Decide what becomes of a job.

    Args:
        ours: Its row here.
        theirs: Its row in the bundle.
        our_attempts: Rows of its attempts here.
        their_attempts: Rows of its attempts in the bundle, the first first.
        now: The time, for those who look at what changed.
    """
    answered = _WORTH.get(theirs["state"], 0) > _WORTH.get(ours["state"], 0)
    numbers = match_attempts(our_attempts, their_attempts, ours["attempt"])
    known = {row["attempt"]: row for row in our_attempts}
    superseded = not answered and theirs["stage"] != "measure"
    new, corrected = [], {}
    for row in their_attempts:
        number = numbers[row["attempt"]]
        ending = {name: row[name] for name in _ENDING}
        if superseded and row["outcome"] == "done":
            ending["outcome"] = "superseded"  # another one's result is here already
        if number not in known:
            new.append({**row, **ending, "attempt": number})
        elif known[number]["outcome"] == "lost" and row["outcome"] != "lost":
            corrected[number] = ending
    values = {name: theirs[name] for name in _ANSWER} if answered else {}
    if new:
        values["attempt"] = max(ours["attempt"], *(row["attempt"] for row in new))
    if values:
        values |= {"changed_at": now, "not_before": None} if answered else {"changed_at": now}
    return JobMerge(answered, numbers, new, corrected, values)


def match_attempts(ours: Iterable[Row], theirs: Iterable[Row], last: int) -> dict[int, int]:
    """Return, for every attempt of a bundle, its number here: of the same attempt, or a new one.

    Args:
        ours: Attempts here.
        theirs: Attempts of the bundle, the first first.
        last: Number of the last attempt here; new ones come after it.
    """
    known = {_identity(row): row["attempt"] for row in ours}
    numbers = {}
    for row in theirs:
        number = known.get(_identity(row))
        if number is None:
            number = last = after(last, row["attempt"])
        numbers[row["attempt"]] = number
    return numbers


def after(last: int, wanted: int) -> int:
    """Return a number as wanted if it comes after the last one, else the next."""
    return max(wanted, last + 1)


def _identity(attempt: Row) -> tuple[Any, ...]:
    return attempt["driver_id"], attempt["started_at"], attempt["directory"]
