"""Waiting for a store that is away, and signals that end the waiting."""

from __future__ import annotations

import os
import signal

import pytest

from db.errors import DatabaseUnavailableError
from orchestrator import patience
from orchestrator.patience import PatientCalls
from orchestrator.signals import Signals


class Away:
    """A call that fails so many times before it answers."""

    def __init__(self, times):
        self.left = times

    def __call__(self):
        self.left -= 1
        if self.left >= 0:
            raise DatabaseUnavailableError("connection refused")
        return "answer"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(patience.time, "sleep", lambda _: None)


def test_a_store_that_comes_back_answers_and_a_person_is_told_once():
    notes = []
    assert PatientCalls(notes.append, lambda: False)(Away(3)) == "answer"
    assert notes == ["the database is away, waiting for it: connection refused"]


def test_a_store_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", -1.0)
    with pytest.raises(DatabaseUnavailableError):
        PatientCalls(lambda _: None, lambda: False)(Away(1))


def test_nobody_waits_for_a_store_when_somebody_is_in_a_hurry():
    with pytest.raises(DatabaseUnavailableError):
        PatientCalls(lambda _: None, lambda: True)(Away(1))


def test_the_first_ctrl_c_is_no_hurry_and_the_second_one_is():
    with Signals() as signals:
        assert (signals.first, signals.heard_more(), signals.urgent) == (None, False, False)
        os.kill(os.getpid(), signal.SIGINT)
        assert (signals.first, signals.heard_more(), signals.urgent) == (signal.SIGINT, True, False)
        assert not signals.heard_more()
        os.kill(os.getpid(), signal.SIGINT)
        assert (signals.heard_more(), signals.urgent, signals.repeated) == (True, True, True)


def test_being_asked_to_terminate_is_urgent_at_once_and_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        assert (signals.first, signals.urgent, signals.repeated) == (signal.SIGTERM, True, False)
    assert signal.getsignal(signal.SIGTERM) is before
