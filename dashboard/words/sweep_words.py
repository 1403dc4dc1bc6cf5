"""A sweep's progress, slots and events in words. Pure."""

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashboard.words import wording
from db.records import Pause
from db.remaining import Remaining
from db.sweep_progress import EventRow, Rounds, SlotRow

STAGES: Final = {"train": "Train", "evaluate": "Fine-tune and test", "measure": "Measure throughput"}
#: States that nothing more will come of, whatever the result.
OVER: Final = ("done", "diverged", "failed", "quarantined", "cancelled", "blocked")
#: Of these, those that a person may want to mend.
FAILED: Final = ("failed", "quarantined")
#: State → its looks in the bar, in the bar's order.
_KINDS: Final = {
    "done": "done",
    "running": "running",
    "failed": "failed",
    "quarantined": "failed",
    "diverged": "without",
    "cancelled": "without",
    "blocked": "without",
    "queued": "waiting",
}
#: How an attempt ended → what is said of it.
_OUTCOMES: Final = {
    "out_of_memory": "out of memory",
    "timeout": "took too long",
    "lost": "lost with its driver",
    "stopped": "stopped",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stage's jobs.

    Attributes:
        kind: Which looks it has: ``done``, ``begun``, ``running``, ``failed``, ``without`` a result, or ``waiting``.
        jobs: How many; not whole where rounds count in part.
        words: What they are, with their number.
    """

    kind: str
    jobs: float
    words: str


def parts_of(states: Mapping[str, int], rounds: Rounds | None) -> list[Part]:
    """Return the parts of a stage, first what is over; rounds of unfinished measurements count in part.

    Args:
        states: State → number of jobs; at least one.
        rounds: Of measurements that are not complete; None for another stage.
    """
    waiting, running = states.get("queued", 0), states.get("running", 0)
    begun = min(rounds.done / rounds.wanted, waiting + running) if rounds is not None else 0.0
    rest = {"queued": max(0.0, waiting - begun), "running": min(running, running + waiting - begun)}
    parts = [
        Part(kind, rest.get(state, states[state]), f"{states[state]:,} {state}")
        for state, kind in _KINDS.items()
        if states.get(state)
    ]
    if rounds is not None and begun:
        words = f"{wording.counted(rounds.done, 'round')} of unfinished ones"
        parts.insert(sum(one.kind == "done" for one in parts), Part("begun", begun, words))
    return parts


def stage_sentence(stage: str, states: Mapping[str, int], rounds: Rounds | None) -> str:
    """Say how far a stage is, also in rounds where measurements have several; arguments as above."""
    over = sum(number for state, number in states.items() if state in OVER)
    total = sum(states.values())
    words = f"**{STAGES[stage]}**: {over:,} of {wording.counted(total, 'job')} finished"
    if rounds is None or rounds.wanted < 2:
        return words
    done = sum(number for state, number in states.items() if state == "done") * rounds.wanted + rounds.done
    wanted = (total - over + states.get("done", 0)) * rounds.wanted
    return f"{words}, {done:,} of {wording.counted(wanted, 'round')}"


def finishing(rest: Remaining, now: dt.datetime, zone: dt.tzinfo) -> str:
    """Say when a sweep will be finished, and from when to when that may be.

    Args:
        rest: What is left.
        now: The time, aware.
        zone: The reader's.
    """
    words = f"Finished about {_clock(now, rest.seconds, zone)}"
    if rest.low is not None and rest.high is not None:
        low, high = (_clock(now, seconds, zone) for seconds in (rest.low, rest.high))
        words += f", likely between {low} and {high}" if low != high else ""
    return f"{words} ({zone}), by how long its jobs took so far."


def paused(name: str, pause: Pause, now: dt.datetime, zone: dt.tzinfo) -> str:
    """Say since when and by whom a sweep is paused, what that means, and how it goes on.

    Args:
        name: Of the sweep.
        pause: Its pause.
        now: The time, aware.
        zone: The reader's.
    """
    lasted = (now - pause.since).total_seconds()
    what = "Running jobs were interrupted" if pause.interrupts else "Running jobs go on to their end"
    return (
        f"Paused since {_clock(now, -lasted, zone)} ({zone}) by {wording.literal(pause.by)}. "
        f"{what}, nothing new starts. `orchestrator resume {name}` lets it go on."
    )


def _clock(now: dt.datetime, seconds: float, zone: dt.tzinfo) -> str:
    """Return the time of day, with the date where it is another day."""
    then = (now + dt.timedelta(seconds=seconds)).astimezone(zone)
    return f"{then:%H:%M}" if then.date() == now.astimezone(zone).date() else f"{then:%Y-%m-%d %H:%M}"


def slot_row(slot: SlotRow, now: dt.datetime) -> dict[str, Any]:
    """Return a slot as a row of a table: what it does, or what it did last and since when it is idle.

    Progress is in percent, rounded down.
    """
    is_busy = slot.ended_at is None
    threads = f", {wording.counted(slot.threads, 'thread')}" if slot.threads else ""
    return {
        "slot": slot.slot,
        "machine": slot.node,
        "does": slot.stage if is_busy else "idle",
        "for": wording.duration((now - (slot.ended_at or slot.started_at)).total_seconds()),
        "progress": math.floor(100 * slot.progress) if is_busy else None,
        "says": slot.progress_text if is_busy else f"last: {slot.stage}, {_ended(slot.outcome)}",
        "job": slot.label,
        "device": f"{slot.device}{threads}" if slot.device else None,
        "attempt": slot.attempt,
    }


def event_row(event: EventRow) -> dict[str, Any]:
    """Return an event as a row of a table."""
    return {
        "at": event.at,
        "stage": event.stage,
        "what happened": _happened(event),
        "job": event.label,
        "slot": event.slot,
        "says": event.message.partition("\n")[0] or None,
        "attempt": event.attempt,
        "more": f"result?result={event.fingerprint}",
    }


def _happened(event: EventRow) -> str:
    if event.state != "queued":
        return event.state
    if event.outcome == "done":
        return "a round done, more to come"
    return f"{_ended(event.outcome)}, to be tried again"


def _ended(outcome: str | None) -> str:
    return _OUTCOMES.get(outcome or "", outcome or "not known how it ended")
