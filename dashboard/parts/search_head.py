"""What a search looks for and how far it is: the part of its page that is always up to date.

What is below it stays as the reader saw it until they ask for more, or have said that it shall follow.
"""

import time
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard.data import reading, search_reading
from dashboard.data.reading import Source
from dashboard.parts import controls, drivers, freshness
from dashboard.parts.notices import errors_told
from dashboard.words import search_words, wording
from dashboard.words.search_account import Account
from db.records import DriverRow, SweepRow
from db.search_pace import seconds_left

_REFRESH_SECONDS: Final = 3.0
#: A search is read anew no sooner than after so many times what that took: a page left open costs little.
_PATIENCE: Final = 20.0
_KEY: Final = "search-head"


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read last.

    Attributes:
        source: The database then.
        sweep_id: Of which search.
        at: When, seconds of the monotonic clock.
        took: Seconds.
    """

    source: Source
    sweep_id: int
    at: float
    took: float


def show(sweep: SweepRow, shown: Source, *, follows: bool) -> None:
    """Show the head, anew every few seconds while the search runs.

    Args:
        sweep: That the search is.
        shown: What the rest of the page shows.
        follows: Whether the rest shall be shown anew, too, when there is something new.
    """
    every = _REFRESH_SECONDS if sweep.goes_on else None
    st.fragment(_head, run_every=every)(sweep.sweep_id, shown, follows=follows)


def _head(sweep_id: int, shown: Source, *, follows: bool) -> None:
    with errors_told():
        where = _now(sweep_id)
        sweep = search_reading.sweep(where, sweep_id)
        account = search_reading.account(where, sweep_id)
        before = search_reading.account(shown, sweep_id)
    if sweep is None or account is None or before is None:
        return
    more = len(account.over) - len(before.over)
    if follows and (more > 0 or len(account.trials) > len(before.trials)):
        freshness.let_go()
        st.rerun()
    driver = drivers.warn(where, sweep)
    st.markdown(wording.literal(f"{search_words.aim(account.terms)} {search_words.state(account, sweep.state)}"))
    _numbers(account, sweep, driver)
    st.markdown(search_words.tally(account))
    if account.front:
        st.markdown(wording.literal(search_words.result(account)))
    if more > 0:
        _news(more)


def _now(sweep_id: int) -> Source:
    """Return the database as it is now, or as it was a moment ago where reading it takes long."""
    now = reading.source()
    kept: _Read | None = st.session_state.get(_KEY)
    started = time.monotonic()
    if kept is not None and (kept.sweep_id, kept.source.url) == (sweep_id, now.url):
        is_early = started - kept.at < _PATIENCE * kept.took
        if kept.source.version == now.version or is_early:
            return kept.source
    search_reading.account(now, sweep_id)
    ended = time.monotonic()
    st.session_state[_KEY] = _Read(now, sweep_id, ended, ended - started)
    return now


def _numbers(account: Account, sweep: SweepRow, driver: DriverRow | None) -> None:
    """Show how far the search is in a few numbers, and as a bar."""
    running = sweep.state == "running"
    now = drivers.now()
    hours = 0.0
    if driver is not None:  # pauses use up nothing
        hours = search_words.hours_since(driver.started_at, now) - sweep.seconds_paused(now) / 3600
    paid = account.slot_hours[-1] if account.slot_hours else 0.0
    state, trials, cost, left = controls.places(4)
    state.metric("State", sweep.state)
    trials.metric("Trials over", f"{len(account.over):,}", help="Of which state, the line below tells.")
    cost.metric("Paid", f"{paid:.3g} slot-hours", help="Wall time of attempts that trials were the first to ask for.")
    seconds = seconds_left(account.trials, account.terms.budget, hours)
    if running and sweep.driver_id and not account.row.ended:
        told = "not known yet" if seconds is None else f"about {wording.duration(seconds)}"
        left.metric("Time left", told, help="To the end of the budget, by how long the last trials took.")
    else:
        left.metric("Took" if sweep.finished_at else "Last change", _ago(sweep))
    used = search_words.share_used(account, hours)
    if used is not None and sweep.goes_on:
        st.progress(used, text=f"{100 * used:.0f} % of the budget used: {search_words.budget_used(account, hours)}")


def _ago(sweep: SweepRow) -> str:
    if sweep.finished_at is not None:
        return wording.duration((sweep.finished_at - sweep.created_at).total_seconds())
    return f"{wording.duration((drivers.now() - sweep.updated_at).total_seconds())} ago"


def _news(more: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="news"):
        st.markdown(f"**{wording.counted(more, 'more trial')} over** than the charts below show.", width="content")
        if st.button("Show them", icon=":material/refresh:", key="show-news"):
            freshness.let_go()
            st.rerun()
