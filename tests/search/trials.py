"""Trials for tests, in one line each."""

import datetime as dt

from db.search_records import TrialRow

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)


def trial(number, params, values=(), state=None, **more):
    """A trial that ended as many minutes after noon as its number says; open without values."""
    state = state or ("complete" if values else "open")
    ended = None if state == "open" else NOON + dt.timedelta(minutes=number + 1)
    begun = NOON + dt.timedelta(minutes=number)
    more = {"origin": "sampler", "created_at": begun, "finished_at": ended, **more}
    return TrialRow(number=number, params=params, values=values, state=state, **more)
