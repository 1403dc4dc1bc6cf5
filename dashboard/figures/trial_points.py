"""The records of a search's charts: trials, fronts on the way, progress, learning curves. Pure."""

import math
from collections.abc import Collection, Sequence
from typing import Any, Final, TypeVar

import pandas as pd

from dashboard.words import search_terms, search_words, wording
from dashboard.words.search_account import SHARES, Account, counts, has_value
from db.search_records import TrialRow

Item = TypeVar("Item")

#: Trials beside those of the front that are drawn at most; and learning curves.
DRAWN: Final = 2_000
CURVES: Final = 100
COMPLETE: Final = "complete"
#: What every mark tells when somebody points at it, besides the objectives.
TOLD: Final = ("Trial", "Tries", "State", "Came from", "Cost")
_ORIGINS: Final = {
    "sampler": "the sampler",
    "stored": "results that were there",
    "companion": "a training that was paid for, at another test resolution",
}


def thinned(items: Sequence[Item], most: int) -> list[Item]:
    """Return all of some items, or so many of them evenly spread, the last among them."""
    if len(items) <= most:
        return list(items)
    step = len(items) / most
    return [items[math.ceil((index + 1) * step) - 1] for index in range(most)]


def drawn(account: Account, keep: Collection[int]) -> list[tuple[int, TrialRow]]:
    """Return which trials a chart shows, with their places in the order of finishing from 1.

    Args:
        account: Of the search.
        keep: Numbers of those that are shown in any case.
    """
    over = [(place, one) for place, one in enumerate(account.over, start=1) if has_value(one)]
    others = thinned([one for one in over if one[1].number not in keep], DRAWN)
    return sorted([*others, *(one for one in over if one[1].number in keep)], key=lambda one: one[0])


def trial_records(account: Account, among: Sequence[tuple[int, TrialRow]]) -> pd.DataFrame:
    """Return one record per trial: ``point`` (its number), ``value0`` and ``value1``, missing where not known."""
    front = set(account.front)
    frame: pd.DataFrame = pd.DataFrame([_record(account, place, trial, front) for place, trial in among])
    return frame


def _record(account: Account, place: int, trial: TrialRow, front: Collection[int]) -> dict[str, Any]:
    terms = account.terms
    values = [terms.value(trial, index) for index in range(len(terms.objectives))]
    return {
        "point": str(trial.number),
        "state": trial.state,
        "counts": counts(trial),
        "on_front": trial.number in front,
        "place": place,
        "slot_hours": account.slot_hours[place - 1],
        **{f"value{index}": value for index, value in enumerate(values)},
        **{f"axis{index}": plain(trial.params.get(axis.name)) for index, axis in enumerate(terms.axes)},
        **told(trial, account),
    }


def plain(value: Any) -> Any:
    """Return a value of an axis as a chart compares it: numbers as they are, anything else as words."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else str(value)


def told(trial: TrialRow, account: Account) -> dict[str, str]:
    """Return what is told of a trial when somebody points at it."""
    terms = account.terms
    state = f"{trial.state}: {trial.reason}" if trial.reason else trial.state
    objectives = {
        _heading(one): search_terms.told(one, terms.value(trial, index)) for index, one in enumerate(terms.objectives)
    }
    return {
        "Trial": f"{trial.number}",
        "Tries": search_words.settings(trial, terms.axes),
        **objectives,
        "State": state,
        "Came from": _ORIGINS.get(trial.origin, trial.origin),
        "Cost": f"{wording.duration(trial.slot_seconds)} of a slot" if trial.slot_seconds else "nothing",
    }


def _heading(objective: str) -> str:
    words = search_terms.noun(objective)
    return words[:1].upper() + words[1:]


def headings(account: Account) -> tuple[str, ...]:
    """Return the names of what is told of a trial, in order."""
    number, tries, *rest = TOLD
    return number, tries, *(_heading(one) for one in account.terms.objectives), *rest


def front_records(account: Account) -> pd.DataFrame:
    """Return the front after each share of the trials, one record per point, drawn as steps.

    A front reaches from the worst value of one objective to that of the other: what lies below its steps is what its
    hypervolume counts.
    """
    terms = account.terms
    known = {trial.number: [terms.value(trial, one) or 0.0 for one in (0, 1)] for trial in account.over}
    total = len(account.over)
    records: list[dict[str, Any]] = []
    for share in SHARES:
        after = f"{wording.counted(max(1, round(share * total)), 'trial')} ({share:.0%})"
        points = [known[number] for number in account.fronts[share]]
        for order, (first, second) in enumerate(_corners(points, account.reference)):
            records.append({"after": after, "share": share, "order": order, "value0": first, "value1": second})
    frame: pd.DataFrame = pd.DataFrame(records)
    return frame


def _corners(points: Sequence[Sequence[float]], reference: Sequence[float]) -> list[tuple[float, float]]:
    """Return the corners of the steps below a front, its first objective's worst first."""
    if not points:
        return []
    corners = [(reference[0], points[0][1])]
    for (first, second), (_, following) in zip(points, [*points[1:], (0.0, reference[1])], strict=True):
        corners += [(first, second), (first, following)]
    return corners


def progress_records(account: Account) -> pd.DataFrame:
    """Return how far the search was after each trial: ``over``, ``slot_hours`` and ``value``."""
    single = len(account.terms.objectives) == 1
    objective = account.terms.objectives[0]
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "over": one.over,
                "slot_hours": one.slot_hours,
                "value": one.value,
                "Trials over": f"{one.over:,}",
                "Paid": f"{one.slot_hours:.3g} slot-hours",
                "So far": search_terms.told(objective, one.value) if single else f"{one.value:.1%} of today's",
            }
            for one in account.steps
        ]
    )
    return frame


def curve_trials(account: Account) -> list[TrialRow]:
    """Return the trials whose learning curves are drawn: the best, and the newest of the others."""
    best = set(account.front)
    with_curves = [trial for trial in account.over if trial.curve]
    others = [trial for trial in with_curves if trial.number not in best]
    return [*others[-CURVES:], *(trial for trial in with_curves if trial.number in best)]


def curve_records(account: Account, trials: Sequence[TrialRow]) -> pd.DataFrame:
    """Return one record per epoch at which a trial's accuracy is known."""
    best = set(account.front)
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "trial": str(trial.number),
                "kind": "best" if trial.number in best else trial.state,
                "epoch": epoch,
                "top1": top1,
                "is_last": epoch == max(trial.curve),
                **told(trial, account),
                "Epoch": f"{epoch}",
                "Validation then": wording.top1(top1),
            }
            for trial in trials
            for epoch, top1 in sorted(trial.curve.items())
        ]
    )
    return frame
