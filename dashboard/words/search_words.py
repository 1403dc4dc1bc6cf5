"""A search in sentences: what it looks for, how far it is, what its trials came to. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from dashboard.words import search_terms, wording
from dashboard.words.search_account import STEPS, Account, has_value
from dashboard.words.search_terms import Axis, Terms
from db.search_records import TRIAL_STATES, TrialRow

#: State → what it means for a trial.
MEANINGS: Final = {
    "open": "still running",
    "complete": "all values known, all floors met",
    "infeasible": "a floor is not met",
    "skipped": "could not have become part of the front whatever its accuracy, so that its training was not paid for",
    "pruned": "given up on the way, by its accuracy at an epoch",
    "failed": "a job of it failed for good",
}
_SECONDS_PER_HOUR: Final = 3600.0


def aim(terms: Terms) -> str:
    """Say what a search looks for, under which floors, among what, and how."""
    nouns = [search_terms.noun(one) for one in terms.objectives]
    sought = f"the best trade-offs between {wording.listed(nouns)}" if len(nouns) > 1 else f"the highest {nouns[0]}"
    floors = [
        f"{search_terms.noun(one)} is at least {search_terms.told(one, limit)}" for one, limit in terms.floors.items()
    ]
    where = f" where {wording.listed(floors)}" if floors else ""
    among = wording.listed(f"{axis.words} ({wording.counted(len(axis.choices), 'value')})" for axis in terms.axes)
    points = "" if terms.points is None else f"among {wording.counted(terms.points, 'combination')} of "
    how = search_terms.SAMPLERS.get(terms.sampler, terms.sampler)
    pruned = (
        f"; {search_terms.PRUNERS.get(terms.pruner, terms.pruner)} gives hopeless trainings up" if terms.pruner else ""
    )
    return f"Looks for {sought}{where}. Chooses {points}{among}, by {how}{pruned}."


def state(account: Account, sweep_state: str) -> str:
    """Say whether a search goes on, and if not, why it ended.

    Args:
        account: Of the search.
        sweep_state: State of the sweep that it is.
    """
    if account.row.ended:
        opened = account.states["open"]
        waits = f" {wording.counted(opened, 'trial')} {'is' if opened == 1 else 'are'} still running." if opened else ""
        return f"Proposes nothing more: {account.row.ended.rstrip('.')}.{waits}"
    return "" if sweep_state in {"running", "paused"} else "It can go on: the same command proposes more."


def budget_used(account: Account, hours: float) -> str:
    """Return what a search has used of each part of its budget.

    Args:
        account: Of the search.
        hours: Since whoever runs it began: what a budget of wall time counts.
    """
    limits = account.terms.budget
    paid = account.slot_hours[-1] if account.slot_hours else 0.0
    told = []
    if "trials" in limits:
        told.append(f"{proposed(account):,} of {limits['trials']:,} proposed trials")
    if "slot_hours" in limits:
        told.append(f"{paid:.3g} of {limits['slot_hours']:g} slot-hours")
    if "hours" in limits:
        told.append(f"{hours:.3g} of {limits['hours']:g} hours")
    return wording.listed(told)


def proposed(account: Account) -> int:
    """Return how many trials the sampler proposed that are over: what a budget of trials counts."""
    return sum(trial.origin == "sampler" for trial in account.over)


def share_used(account: Account, hours: float) -> float | None:
    """Return how much of its budget a search has used, 0 to 1, by what comes to its end first; None without any.

    Args:
        account: Of the search.
        hours: Since whoever runs it began: what a budget of wall time counts.
    """
    used = {
        "trials": float(proposed(account)),
        "slot_hours": account.slot_hours[-1] if account.slot_hours else 0.0,
        "hours": hours,
    }
    shares = [used[name] / limit for name, limit in account.terms.budget.items() if name in used and limit > 0]
    return min(1.0, max(shares)) if shares else None


def tally(account: Account) -> str:
    """Say how many trials there are in which state, and which of the complete ones cost nothing or little."""
    states, origins = account.states, account.origins
    told = []
    for state in TRIAL_STATES:
        if not states[state]:
            continue
        words = f"**{states[state]:,} {state}**"
        if state == "complete":
            words += _of_complete(origins["stored"], origins["companion"])
        told.append(words)
    jobs, reused = sum(trial.jobs for trial in account.trials), sum(trial.reused for trial in account.trials)
    saved = (
        f" Of {wording.counted(jobs, 'job')} in all, {reused:,} {'was' if reused == 1 else 'were'} there already."
        if jobs
        else ""
    )
    return (
        f"{wording.counted(len(account.trials), 'trial')}: {wording.listed(told)}.{saved}" if told else "No trial yet."
    )


def _of_complete(stored: int, companions: int) -> str:
    parts = [f"{stored:,} of them stored before"] if stored else []
    if companions:
        parts.append(f"{companions:,} {'a companion' if companions == 1 else 'companions'}")
    return f" ({wording.listed(parts)})" if parts else ""


def result(account: Account) -> str:
    """Say what was found: the best trial, or how large the front is and what it covers."""
    best = account.best()
    if best is None:
        return ""
    terms = account.terms
    if len(terms.objectives) == 1:
        value = search_terms.told(terms.objectives[0], best.values[0])
        return f"Best so far: {value}, trial {best.number}: {settings(best, terms.axes)}."
    worst = [search_terms.told(one, value) for one, value in zip(terms.objectives, account.reference, strict=True)]
    units = "·".join(search_terms.unit(one) for one in terms.objectives)
    covered = account.hypervolume
    number = f"{covered:,.0f}" if covered >= 1000 else f"{covered:.4g}"
    return (
        f"Front: {wording.counted(len(account.front), 'trial')}. Hypervolume: {number} {units} above "
        f"the worst values among complete trials ({wording.listed(worst)})."
    )


def settings(trial: TrialRow, axes: Sequence[Axis]) -> str:
    """Return what a trial tries."""
    return search_terms.settings_of(trial, tuple(axes))


def outcome(trial: TrialRow, terms: Terms) -> str:
    """Return a trial's values, or why it has none, in a few words."""
    values = [
        f"{search_terms.noun(one)} {search_terms.told(one, terms.value(trial, index))}"
        for index, one in enumerate(terms.objectives)
        if terms.value(trial, index) is not None
    ]
    why = f"{trial.state}: {trial.reason}" if trial.reason else trial.state
    return ", ".join(values if trial.state == "complete" else [*values, why])


def row(trial: TrialRow, account: Account) -> dict[str, Any]:
    """Return a trial as a row of the table."""
    terms = account.terms
    return {
        "number": trial.number,
        "on front": trial.number in account.front,
        "state": trial.state,
        "origin": trial.origin,
        **{axis.name: trial.params.get(axis.name) for axis in terms.axes},
        **{one: terms.value(trial, index) for index, one in enumerate(terms.objectives)},
        "reused": f"{trial.reused} of {trial.jobs}" if trial.jobs else None,
        "slot_seconds": trial.slot_seconds,
        "finished_at": trial.finished_at,
        "reason": trial.reason or None,
    }


def file_row(trial: TrialRow, account: Account) -> dict[str, Any]:
    """Return a trial as a row of the file: what the table has, numbers as they are, and what a floor is missed by."""
    told = row(trial, account)
    floors = {
        f"{one}_missing": trial.violations[index] if index < len(trial.violations) else None
        for index, one in enumerate(account.terms.floors)
    }
    last = max(trial.curve, default=None)
    curve = (
        {"last_epoch": last, "top1_then": None if last is None else trial.curve[last]} if account.terms.pruner else {}
    )
    return {
        **told,
        "reused": trial.reused,
        "jobs": trial.jobs,
        **floors,
        **curve,
        "created_at": trial.created_at,
    }


def coverage(shown: int, total: int, rule: str) -> str:
    """Say how many trials are shown of how many, and by which rule they were chosen.

    Args:
        shown: How many are.
        total: How many there are.
        rule: Which are shown where not all are.
    """
    words = f"{shown:,} of {wording.counted(total, 'trial')} shown"
    return f"{words}." if shown == total else f"{words}: {rule}; the file has all of them."


def hours_since(start: dt.datetime, end: dt.datetime) -> float:
    """Return the hours from one time to another."""
    return (end - start).total_seconds() / _SECONDS_PER_HOUR


def drawn(number: int, account: Account) -> str:
    """Say how many trials a chart shows, and why not the others.

    Args:
        number: How many it shows.
        account: Of the search.
    """
    total = len(account.trials)
    unknown = sum(not has_value(trial) for trial in account.trials)
    thinned = total - unknown - number
    reasons = [
        (unknown, "without a known value (open, or over before anything was measured)"),
        (thinned, "left out evenly along the order of finishing, none of them on the front"),
    ]
    told = [f"{count:,} {why}" for count, why in reasons if count]
    because = f"; not shown: {wording.listed(told)}" if told else ""
    return f"{number:,} of {wording.counted(total, 'trial')} shown{because}."


def progress(steps: int, over: int) -> str:
    """Say after how many of the trials that are over a line of progress is drawn, where not after each.

    Args:
        steps: How many points the line has.
        over: How many trials are over.
    """
    return f"The line has {steps:,} points for {over:,} trials, evenly spread among them." if over > STEPS else ""


def curves(number: int, total: int) -> str:
    """Say what the learning curves show, and how many there are."""
    words = (
        "Dashed lines end in a cross where a trial was given up; the best is drawn bold, the other complete ones grey."
    )
    if number == total:
        return f"{words} {wording.counted(total, 'trial')} with an accuracy on the way."
    return f"{words} {number:,} of {total:,} trials shown: the newest, and the best; the file has all."


def heat(tried: Sequence[bool], known: Sequence[bool], shown: int) -> str:
    """Say how many cells of a heat map have a value, and what the others mean.

    Args:
        tried: Of each cell, whether any trial was there.
        known: Of each, whether a complete one was.
        shown: How many are drawn.
    """
    nothing = sum(not one for one in tried)
    lost = sum(tried) - sum(known)
    words = f"{sum(known):,} of {wording.counted(len(tried), 'cell')} with a complete trial"
    parts = [f"{nothing:,} empty: not tried"] if nothing else []
    parts += [f"{lost:,} without a complete trial, named by what became of the last one"] if lost else []
    told = f"{words}; {wording.listed(parts)}." if parts else f"{words}."
    return told if shown == len(tried) else f"{told} Drawn are the {shown:,} best that were tried; the file has all."
