"""Page: what a sweep is doing now."""

import dataclasses
import time
from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from dashboard.data import reading, search_reading, sweep_reading
from dashboard.data.reading import Rows, Source
from dashboard.data.sweep_reading import COLUMNS, Now
from dashboard.figures.progress_bar import progress_bar
from dashboard.parts import controls, drivers, notices, result_links
from dashboard.words import wording
from dashboard.words.remaining import remaining
from dashboard.words.sweep_words import (
    FAILED,
    OVER,
    STAGES,
    event_row,
    finishing,
    parts_of,
    slot_row,
    stage_sentence,
)
from db.records import FailureGroup, SweepRow
from db.remaining import Remaining
from db.sweep_progress import EventRow, SlotRow

#: Of the page, where it does not bear the name of a sweep.
_TITLE: Final = "Sweep"
_REFRESH_SECONDS: Final = 3
#: The page is read anew no sooner than after so many times what that took: a page left open costs little.
_PATIENCE: Final = 20.0
#: Whole percent, rounded down: 100 % is only what is finished.
_PERCENT: Final = "%d %%"
_MEASURED_COLUMNS: Final = (
    "model_size",
    "width",
    "group_size",
    "norm",
    "mode",
    "resolution",
    "precision",
    "batch_size",
    "images_per_second",
    "verdict",
    "device",
    "measured_at",
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    started = time.monotonic()
    with notices.errors_told(_TITLE):
        where = reading.source()
        sweeps = where.reader.sweeps()
    if not sweeps:
        st.title(_TITLE)
        notices.nothing_yet("There is no sweep yet.")
    title, choice = st.columns([3, 2])
    with choice:
        name = controls.choose("Sweep", [one.name for one in sweeps], "watch")
    with title:
        st.title(wording.literal(name))
    if len(sweeps) > 1:
        _all_sweeps(where, sweeps)
    sweep = next(one for one in sweeps if one.name == name)
    now = sweep_reading.now(where, sweep.sweep_id, sweep.driver_id)
    outcome = sweep_reading.outcome(where, sweep, now.tallies)
    drivers.warn(where, sweep)
    is_search = search_reading.is_search(where, sweep.sweep_id)
    if is_search:
        result_links.open_search(sweep.name)
    _state(sweep, now, is_search=is_search)
    _stages(now)
    _slots(now.slots)
    _failures(sweep, outcome.failures)
    _events(now.events)
    _recent(outcome.recent)
    _measured(outcome.measured)
    _download(where, sweep, now)
    took = time.monotonic() - started
    _watch(_shown(where.version, sweep.state), time.monotonic(), max(1.0, _PATIENCE * took))


@st.fragment(run_every=_REFRESH_SECONDS)
def _watch(shown: str, since: float, patience: float) -> None:
    """Look whether anything has changed, which takes one small query, and show the page anew only then.

    Args:
        shown: What is shown, as ``_shown`` tells it.
        since: When it was read, seconds of the monotonic clock.
        patience: How long to leave the page as it is, seconds.
    """
    if time.monotonic() - since < patience:
        return
    with notices.errors_told():
        version = reading.source().version
    if _shown(version, shown.split(" ", 1)[0]) != shown:
        st.rerun()


def _shown(version: str, state: str) -> str:
    """Return what changes when the page should: of a sweep that runs also once a minute, for times that go by."""
    minute = int(time.monotonic() // 60) if state == "running" else 0
    return f"{state} {minute} {version}"


def _all_sweeps(where: Source, sweeps: Sequence[SweepRow]) -> None:
    """Offer every sweep to choose from; what they have come to is read only when somebody looks."""
    box = st.expander(wording.counted(len(sweeps), "sweep"), key="sweeps", bind="query-params", on_change="rerun")
    if not box.open:
        return
    rows = []
    for one in sweeps:
        known = sweep_reading.summary(where, one)
        jobs, over = sum(known.states.values()), sum(known.states.get(state, 0) for state in OVER)
        rows.append(
            {
                "sweep": one.name,
                "state": one.state,
                "finished": 100 * over // jobs if jobs else None,
                "jobs": jobs,
                "failed": sum(known.states.get(state, 0) for state in FAILED),
                "best": known.best_top1,
                "changed": known.changed_at or one.updated_at,
            }
        )
    column = st.column_config
    formats = {
        "finished": column.ProgressColumn("jobs finished", min_value=0, max_value=100, format=_PERCENT),
        "failed": column.NumberColumn("failed for good"),
        "best": column.NumberColumn("best top-1 %", format="%.2f"),
        "changed": column.DatetimeColumn("last change (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    }
    key = _key("all-sweeps", [one.name for one in sweeps])
    box.dataframe(
        rows,
        column_config=formats,
        hide_index=True,
        placeholder="–",
        key=key,
        on_select=lambda: _choose(key, sweeps),
        selection_mode="single-row",
    )
    box.caption("Select a row to watch that sweep.")


def _choose(key: str, sweeps: Sequence[SweepRow]) -> None:
    chosen = st.session_state[key]["selection"]["rows"]
    if chosen:
        st.session_state["watch"] = sweeps[chosen[0]].name


def _key(name: str, rows: Sequence[str]) -> str:
    """Return a key that is the table's own as long as its rows are the same: a selection never moves to another row."""
    return f"{name}-{hash(tuple(rows)):x}"


def _state(sweep: SweepRow, now: Now, *, is_search: bool) -> None:
    jobs = sum(one.jobs for one in now.tallies)
    over = sum(one.jobs for one in now.tallies if one.state in OVER)
    failed = sum(one.jobs for one in now.tallies if one.state in FAILED)
    state, finished, lost, left = controls.places(4)
    state.metric("State", sweep.state)
    finished.metric("Jobs finished", f"{over:,} of {jobs:,}")
    lost.metric("Failed for good", f"{failed:,}")
    if sweep.finished_at is not None:
        left.metric("Took", wording.duration((sweep.finished_at - sweep.created_at).total_seconds()))
    elif sweep.state == "running" and sweep.driver_id and over < jobs and not is_search:
        rest = remaining(now.tallies, now.running, drivers.now(), slots=len(now.slots), rounds=now.rounds)
        left.metric("Time left", f"about {wording.duration(rest.seconds)}" if rest.seconds else "not known yet")
        _when(rest)
    else:
        left.metric("Last change", f"{wording.duration((drivers.now() - sweep.updated_at).total_seconds())} ago")


def _when(rest: Remaining) -> None:
    """Say when the sweep will be finished, from when to when, and what that leaves out."""
    told = [finishing(rest, drivers.now(), drivers.zone())] if rest.seconds else []
    if rest.unknown:
        stages = wording.listed(STAGES[stage].lower() for stage in rest.unknown)
        told.append(f"The time left does not count the jobs to {stages}: none of them is done yet.")
    if told:
        st.caption(wording.literal(" ".join(told)))


def _stages(now: Now) -> None:
    for stage in STAGES:
        states = {one.state: one.jobs for one in now.tallies if one.stage == stage}
        if states:
            rounds = now.rounds if stage == "measure" else None
            with st.container(gap="xxsmall"):
                st.markdown(stage_sentence(stage, states, rounds))
                st.html(progress_bar(parts_of(states, rounds), controls.palette()))


def _slots(slots: Sequence[SlotRow]) -> None:
    """Show every slot, and more of one that is selected."""
    if not slots:
        return
    busy = sum(one.ended_at is None for one in slots)
    st.header(f"Slots: {busy} busy, {len(slots) - busy} idle", anchor=False)
    rows = [slot_row(one, drivers.now()) for one in slots]
    if len({one.node for one in slots}) == 1:
        rows = [{name: value for name, value in row.items() if name != "machine"} for row in rows]
    column = st.column_config
    formats = {
        "progress": column.ProgressColumn(min_value=0, max_value=100, format=_PERCENT),
        "for": column.TextColumn(help="How long it has been busy with this job, or idle since its last one ended"),
    }
    chosen = _selectable(rows, formats, _key("slots", [f"{one.node} {one.slot}" for one in slots]))
    st.caption("Slots that have not had a job of this launch yet are not listed. Select one to see its job.")
    if chosen is not None:
        one = slots[chosen]
        st.markdown(
            f"**{wording.literal(one.slot)}** on {wording.literal(one.node)}: {one.stage} "
            f"{wording.literal(one.label)}, attempt {one.attempt}, job `{one.fingerprint[:8]}`. "
            f"`orchestrator logs {one.fingerprint[:8]}` shows what it says."
        )
        result_links.open_one(one.fingerprint, f"Open job {one.fingerprint[:8]}")


def _selectable(rows: Sequence[dict[str, Any]], formats: dict[str, Any], key: str) -> int | None:
    """Show a table of which one row can be selected; return its index."""
    event: Any = st.dataframe(
        rows,
        column_config=formats,
        hide_index=True,
        placeholder="–",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
    )
    chosen = event["selection"]["rows"]
    return chosen[0] if chosen and chosen[0] < len(rows) else None


def _failures(sweep: SweepRow, groups: Sequence[FailureGroup]) -> None:
    if not groups:
        return
    st.header("What failed", anchor=False)
    rows = [
        {
            "jobs": len(group.jobs),
            "stage": group.stage,
            "state": group.state,
            "what happened": group.message,
            "first job": group.jobs[0][:8],
        }
        for group in groups
    ]
    identity = [f"{group.stage} {group.state} {group.failure} {group.message}" for group in groups]
    chosen = _selectable(rows, {}, _key("failures", identity))
    if chosen is not None:
        st.code(groups[chosen].message, language=None, wrap_lines=True)  # the table shows its beginning
        listed = wording.listed(f"`{one[:8]}`" for one in groups[chosen].jobs[:_LISTED])
        more = len(groups[chosen].jobs) - _LISTED
        st.markdown(f"Jobs that failed so: {listed}{f' and {more:,} more' if more > 0 else ''}.")
        result_links.open_one(groups[chosen].jobs[0], f"Open job {groups[chosen].jobs[0][:8]}")
    st.caption(
        f"`orchestrator explain {groups[chosen or 0].jobs[0][:8]}` tells more about a job; "
        f"`orchestrator retry {sweep.name} --failed` gives what failed another chance. "
        "Diverged is a result: the loss became NaN."
    )


#: Jobs of a group of failures that are named.
_LISTED: Final = 40


def _events(events: Sequence[EventRow]) -> None:
    if not events:
        return
    st.header("Last events", anchor=False)
    column = st.column_config
    formats = {
        "at": column.DatetimeColumn("at (UTC)", format="YYYY-MM-DD HH:mm:ss"),
        "what happened": column.TextColumn(width="medium"),
        "says": column.TextColumn(width="medium"),
        "attempt": column.NumberColumn(width="small"),
        "more": column.LinkColumn(display_text="=(.{8})", help="Opens the page of the job"),
    }
    st.dataframe(
        [event_row(one) for one in events], column_config=formats, hide_index=True, placeholder="–", key="events"
    )


def _recent(rows: Rows) -> None:
    if not rows:
        return
    st.header("Latest results", anchor=False)
    cells = [controls.cells(row, COLUMNS) for row in rows]
    st.dataframe(cells, column_config=result_links.formats(), hide_index=True, placeholder="–", key="latest-results")


def _measured(rows: Rows) -> None:
    """Show throughputs, where there is no accuracy to show them beside."""
    if not rows:
        return
    st.header("Latest measurements", anchor=False)
    column = st.column_config
    formats = {
        "model_size": column.TextColumn("size"),
        "resolution": column.NumberColumn("px", format="%d"),
        "images_per_second": column.NumberColumn("images/s", format="localized"),
        "measured_at": column.DatetimeColumn("measured (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    }
    cells = [controls.cells(row, _MEASURED_COLUMNS) for row in rows]
    st.dataframe(cells, column_config=formats, hide_index=True, placeholder="–", key="latest-measurements")


def _download(where: Source, sweep: SweepRow, now: Now) -> None:
    """Offer every job of the sweep, with its state, as a file."""

    def jobs() -> Rows:
        rows = [dataclasses.asdict(job) for job in where.reader.jobs_of(sweep.sweep_id)]
        return [{name: value for name, value in row.items() if name != "config"} for row in rows]

    controls.download(jobs, sum(one.jobs for one in now.tallies), f"{sweep.name}-jobs")


if __name__ == "__main__":
    with notices.errors_told():
        page()
