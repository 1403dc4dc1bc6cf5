"""The slots of a run: when it gives up for want of any, and what it says then."""

from __future__ import annotations

import pytest

from orchestrator.errors import ImpossibleHereError
from orchestrator.slots.roster import SLOTLESS_SECONDS, Roster


class Clock:
    """Seconds, moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def roster(clock):
    return Roster(clock)


def test_the_slots_that_are_here_are_known(roster):
    for slot in ("ipu-1", "ipu-0", "ipu-1"):
        roster.add(slot)
    assert (list(roster), len(roster)) == (["ipu-0", "ipu-1"], 2)
    roster.lose("ipu-0", "link error")
    assert (list(roster), bool(roster)) == (["ipu-1"], True)


def test_a_run_whose_slots_are_all_gone_gives_up_after_a_while_and_says_why_and_what_to_do(roster, clock):
    for slot, reason in (("ipu-1", "the actor died"), ("ipu-0", "its device is broken: link error")):
        roster.add(slot)
        roster.lose(slot, reason)
    clock.now += SLOTLESS_SECONDS
    roster.require_some(patiently=False)
    clock.now += 0.1
    with pytest.raises(ImpossibleHereError) as gone:
        roster.require_some(patiently=False)
    assert gone.value.message.splitlines() == [
        "no slot for 120 s:",
        "  ipu-0: its device is broken: link error",
        "  ipu-1: the actor died",
    ]
    assert "orchestrator doctor" in gone.value.hint
    assert "what is done is kept" in gone.value.hint


def test_a_slot_that_came_back_is_not_missed(roster, clock):
    roster.lose("cpu-0", "the actor died")
    roster.add("cpu-0")
    clock.now += 10 * SLOTLESS_SECONDS
    roster.require_some(patiently=False)
    roster.lose("cpu-0", "the actor died again")
    clock.now += SLOTLESS_SECONDS
    roster.require_some(patiently=False)


def test_a_pause_or_a_start_that_takes_long_is_no_reason_to_give_up(roster, clock):
    clock.now += 10 * SLOTLESS_SECONDS
    roster.require_some(patiently=True)
    clock.now += SLOTLESS_SECONDS
    roster.require_some(patiently=False)
    clock.now += 1
    with pytest.raises(ImpossibleHereError, match="no slot for 120 s\n`orchestrator doctor`"):
        roster.require_some(patiently=False)
