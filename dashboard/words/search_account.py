"""What a search has come to: which trials are the best, and how it came to them. Pure."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, TypeAlias

from dashboard.words.search_terms import Terms, terms
from db.hypervolume import hypervolume
from db.search_pace import ended
from db.search_records import SearchRow, TrialRow

#: Two values and the trial's number; points of a front are kept by the first value.
Point: TypeAlias = tuple[float, float, int]

#: Points of the line of progress at most; more than a chart has pixels between.
STEPS: Final = 400
_SECONDS_PER_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a search was at a time.

    Attributes:
        over: How many trials were over.
        slot_hours: What they had cost.
        value: The best value so far; with two objectives, the hypervolume as a share of what it is now, 0 to 1.
    """

    over: int
    slot_hours: float
    value: float


@dataclass(frozen=True, slots=True)
class Account:
    """What a search has come to.

    Attributes:
        row: The search.
        terms: What it looks for.
        trials: In the order of proposing.
        over: Those that are over, in the order of finishing.
        slot_hours: What had been paid when each of them was over.
        front: Numbers of the trials that no other one beats, the first objective's worst first; of one objective, the
            best.
        fronts: Share of the trials that are over → the front there was then.
        steps: From the first complete trial on.
        hypervolume: What the front covers above the worst values of all complete trials, in the objectives' units; of
            one objective, the best less the worst.
        reference: Those worst values; empty before the first complete trial.
    """

    row: SearchRow
    terms: Terms
    trials: tuple[TrialRow, ...]
    over: tuple[TrialRow, ...]
    slot_hours: tuple[float, ...]
    front: tuple[int, ...]
    fronts: Mapping[float, tuple[int, ...]]
    steps: tuple[Step, ...]
    hypervolume: float
    reference: tuple[float, ...]

    @property
    def complete(self) -> list[TrialRow]:
        """Trials that count, in the order of finishing."""
        return [trial for trial in self.over if counts(trial)]

    @property
    def states(self) -> Counter[str]:
        """State → number of trials."""
        return Counter(trial.state for trial in self.trials)

    @property
    def origins(self) -> Counter[str]:
        """Origin → number of complete trials."""
        return Counter(trial.origin for trial in self.trials if trial.state == "complete")

    def best(self) -> TrialRow | None:
        """Return the best trial of one objective, or the one of the front with the highest first one."""
        return self.trial(self.front[-1]) if self.front else None

    def trial(self, number: int) -> TrialRow:
        """Return a trial by its number."""
        return next(trial for trial in self.trials if trial.number == number)


#: Shares of the trials at which the front is looked at.
SHARES: Final = (0.25, 0.5, 0.75, 1.0)


def counts(trial: TrialRow) -> bool:
    """Tell whether a trial competes: it is complete, so that all its values are known and all floors met."""
    return trial.state == "complete" and bool(trial.values) and None not in trial.values


def has_value(trial: TrialRow) -> bool:
    """Tell whether any value of a trial is known."""
    return any(value is not None for value in trial.values)


def account(row: SearchRow, trials: Sequence[TrialRow]) -> Account:
    """Work out what a search has come to.

    Args:
        row: The search.
        trials: In the order of proposing.
    """
    known = terms(row.settings)
    over = ended(trials)
    paid = tuple(seconds / _SECONDS_PER_HOUR for seconds in accumulate(trial.slot_seconds for trial in over))
    complete = [_values(trial) for trial in over if counts(trial)]
    reference = tuple(min(column) for column in zip(*complete, strict=True))
    looks = _looks(over, reference)
    last = looks[len(over)]
    whole = last[1]
    shared = len(known.objectives) == 2
    return Account(
        row=row,
        terms=known,
        trials=tuple(trials),
        over=tuple(over),
        slot_hours=paid,
        front=last[0],
        fronts={share: looks[_at(share, len(over))][0] for share in SHARES},
        steps=tuple(
            Step(number, paid[number - 1], _progress(covered, whole, reference, shared=shared))
            for number, (front, covered) in sorted(looks.items())
            if front
        ),
        hypervolume=whole,
        reference=reference,
    )


def _progress(covered: float, whole: float, reference: Sequence[float], *, shared: bool) -> float:
    if not shared:
        return reference[0] + covered
    return covered / whole if whole > 0 else 1.0


def _values(trial: TrialRow) -> tuple[float, ...]:
    return tuple(value for value in trial.values if value is not None)


def _at(share: float, over: int) -> int:
    return max(1, round(share * over)) if over else 0


def _looks(over: Sequence[TrialRow], reference: Sequence[float]) -> dict[int, tuple[tuple[int, ...], float]]:
    """Return the front and its hypervolume after so many trials, for some numbers of them, the last among them."""
    wanted = {0, len(over), *(_at(share, len(over)) for share in SHARES)}
    wanted |= {_at((index + 1) / STEPS, len(over)) for index in range(STEPS)}
    front: list[Point] = []
    found: dict[int, tuple[tuple[int, ...], float]] = {0: ((), 0.0)}
    for number, trial in enumerate(over, start=1):
        if counts(trial):
            _join(front, trial)
        if number in wanted:
            covered = hypervolume([point[: len(reference)] for point in front], reference) if front else 0.0
            found[number] = (tuple(point[2] for point in front), covered)
    return found


def _join(front: list[Point], trial: TrialRow) -> None:
    """Add a trial to a front if none there is as good; take out those that it beats.

    Of one objective, the second value is the same for all.
    """
    values = _values(trial)
    first, second = values[0], values[1] if len(values) > 1 else 0.0
    place = bisect_left(front, (first, float("-inf"), -1))
    if place < len(front) and front[place][1] >= second:
        return
    front[:] = [point for point in front if point[0] > first or point[1] > second]
    insort(front, (first, second, trial.number))
