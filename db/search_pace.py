"""How long a search will run on, by how long its last trials took. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.search_records import TrialRow

#: Trials from which it is predicted: the last so many that cost something, and at least so many.
_RECENT: Final = 20
_FEWEST: Final = 3
_SECONDS_PER_HOUR: Final = 3600.0


def ended(trials: Sequence[TrialRow]) -> list[TrialRow]:
    """Return the trials that are over, in the order of finishing."""
    over = [(trial.finished_at, trial.number, trial) for trial in trials if trial.finished_at is not None]
    return [trial for _, _, trial in sorted(over, key=lambda one: one[:2])]


def seconds_left(trials: Sequence[TrialRow], budget: Mapping[str, float | None], hours: float) -> float | None:
    """Predict how long a search takes to the end of its budget, by what ends first; None while nothing tells.

    Args:
        trials: All of them, in any order.
        budget: ``trials`` (that the sampler proposes), ``slot_hours`` and ``hours``; None or missing is no limit.
        hours: Since whoever runs it began: what a budget of wall time counts.
    """
    over = ended(trials)
    paid = [trial for trial in over if trial.slot_seconds > 0][-_RECENT:]
    limits = {name: limit for name, limit in budget.items() if limit is not None}
    left = [(limits["hours"] - hours) * _SECONDS_PER_HOUR] if "hours" in limits else []
    if len(paid) >= _FEWEST:
        times = [trial.finished_at for trial in paid if trial.finished_at]
        seconds = (times[-1] - times[0]).total_seconds()
        recent = [trial for trial in over[over.index(paid[0]) + 1 :] if trial.origin == "sampler"]
        if "trials" in limits and recent:
            proposed = sum(trial.origin == "sampler" for trial in over)
            left.append((limits["trials"] - proposed) * seconds / len(recent))
        cost = sum(trial.slot_seconds for trial in paid[1:])
        if "slot_hours" in limits and cost:
            spent = sum(trial.slot_seconds for trial in over)
            left.append((limits["slot_hours"] * _SECONDS_PER_HOUR - spent) * seconds / cost)
    return max(0.0, min(left)) if left else None
