"""What the page about searches reads of the store, kept until the store changes.

What is kept is shared by all who look and never changed; it is not copied, as with ten thousand trials that would take
longer than anything else on the page.
"""

from collections import defaultdict
from typing import Final

import streamlit as st

from dashboard.data.reading import Rows, Source
from dashboard.words import search_account
from dashboard.words.search_account import Account
from db.records import SweepRow


def _identity(one: Source) -> tuple[str, str]:
    return one.url, one.version


_shared: Final = st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Source: _identity})


@_shared
def account(where: Source, sweep_id: int) -> Account | None:
    """Return what the search that a sweep is has come to; None where it is none."""
    reader = where.reader.search(sweep_id)
    row = reader.row()
    return None if row is None else search_account.account(row, reader.trials())


@_shared
def sweep(where: Source, sweep_id: int) -> SweepRow | None:
    """Return the sweep that a search is; None where it is none."""
    return next((one for one in where.reader.searches() if one.sweep_id == sweep_id), None)


@_shared
def is_search(where: Source, sweep_id: int) -> bool:
    """Tell whether a sweep is a search."""
    return sweep(where, sweep_id) is not None


@_shared
def evaluations(where: Source, sweep_id: int) -> dict[int, Rows]:
    """Return the evaluations that each trial of a search asked for and that are done, by its number."""
    found: defaultdict[int, Rows] = defaultdict(list)
    for job in where.reader.search(sweep_id).trial_jobs():
        if job["stage"] == "evaluate" and job["state"] == "done":
            found[job["number"]].append(job)
    return dict(found)
