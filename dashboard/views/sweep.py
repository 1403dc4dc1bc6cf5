"""Page: what a sweep is doing now."""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import streamlit as st

from dashboard import controls, notices, reading, wording
from dashboard.reading import Rows, Source
from dashboard.remaining import remaining
from db.records import FailureGroup, JobRow, SweepRow
from db.tallies import Tally

_REFRESH_SECONDS: Final = 3
#: Longer than several heartbeats: a driver that has been silent for so long has probably died.
_SILENCE_SECONDS: Final = 120
_STAGES: Final = {"train": "Train", "evaluate": "Fine-tune and test", "measure": "Measure throughput"}
#: States that nothing more will come of, whatever the result.
_OVER: Final = ("done", "diverged", "failed", "quarantined", "cancelled", "blocked")
_RECENT: Final = 10
_COLUMNS: Final = (
    "series",
    "model_size",
    "width",
    "train_resolution",
    "test_resolution",
    "seed",
    "top1",
    "train_images_per_second",
    "inference_images_per_second",
    "device",
    "finished_at",
)
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
    where = reading.source()
    names = [sweep.name for sweep in where.reader.sweeps()]
    if not names:
        notices.nothing_yet("There is no sweep yet.")
    title, choice = st.columns([3, 2])
    with choice:
        name = controls.choose("Sweep", names, "watch")
    with title:
        st.title(wording.literal(name))
    _live(name)


@st.fragment(run_every=_REFRESH_SECONDS)
def _live(name: str) -> None:
    """Show everything that changes; refreshes itself without touching the rest of the page."""
    with notices.errors_told():
        where = reading.source()
        sweep = where.reader.sweep(name)
        tallies = where.reader.tallies(sweep.sweep_id)
        running = where.reader.running_jobs(sweep.sweep_id)
        known = reading.progress(where.url, name, tallies, _COLUMNS, _RECENT)
        _driver(where, sweep)
        _state(sweep, tallies, running)
        _stages(tallies)
        _slots(running)
        _failures(sweep, known.failures)
        _recent(known.recent)
        _measured(known.measured)


def _state(sweep: SweepRow, tallies: Sequence[Tally], running: Sequence[JobRow]) -> None:
    jobs = sum(one.jobs for one in tallies)
    over = sum(one.jobs for one in tallies if one.state in _OVER)
    failed = sum(one.jobs for one in tallies if one.state in {"failed", "quarantined"})
    state, finished, lost, time = st.columns(4)
    state.metric("State", sweep.state)
    finished.metric("Jobs finished", f"{over:,} of {jobs:,}")
    lost.metric("Failed for good", f"{failed:,}")
    if sweep.finished_at is not None:
        time.metric("Took", wording.duration((sweep.finished_at - sweep.created_at).total_seconds()))
    elif sweep.state == "running" and over < jobs:
        rest = remaining(tallies, running, _now())
        time.metric("Time left", f"about {wording.duration(rest.seconds)}" if rest.seconds else "not known yet")
        if rest.unknown:
            stages = wording.listed(_STAGES[stage].lower() for stage in rest.unknown)
            st.caption(f"The time left does not count the jobs to {stages}: none of them is done yet.")
    else:
        time.metric("Last change", f"{wording.duration((_now() - sweep.updated_at).total_seconds())} ago")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


def _driver(where: Source, sweep: SweepRow) -> None:
    """Warn when nobody works on a sweep that should run."""
    driver = where.reader.driver(sweep.driver_id) if sweep.driver_id else None
    if sweep.state != "running":
        return
    if driver is None or driver.ended_at is not None:
        st.warning("Nobody runs this sweep now. Launch its file again to go on; what is done stays done.")
        return
    silence = (_now() - driver.heartbeat_at).total_seconds()
    if silence > _SILENCE_SECONDS:
        host = wording.literal(driver.host)
        st.warning(
            f"The process that runs this sweep (number {driver.pid} on {host}) was last heard of "
            f"{wording.duration(silence)} ago. If it died, launch the same file again; what is done stays done."
        )


def _stages(tallies: Sequence[Tally]) -> None:
    for stage, words in _STAGES.items():
        states = {one.state: one.jobs for one in tallies if one.stage == stage}
        total = sum(states.values())
        if total:
            over = sum(number for state, number in states.items() if state in _OVER)
            told = wording.listed(f"{number:,} {state}" for state, number in states.items())
            st.progress(over / total, text=f"**{words}**: {over:,} of {wording.counted(total, 'job')} ({told})")


def _slots(running: Sequence[JobRow]) -> None:
    if not running:
        return
    st.subheader(f"{wording.counted(len(running), 'slot')} at work", anchor=False)
    rows = [
        {
            "slot": job.slot,
            "does": job.stage,
            "job": job.label,
            "progress": job.progress,
            "says": job.progress_text,
            "attempt": job.attempt,
            "since": wording.duration((_now() - job.started_at).total_seconds()) if job.started_at else "",
        }
        for job in running
    ]
    progress = st.column_config.ProgressColumn(min_value=0, max_value=1, format="percent")
    st.dataframe(rows, column_config={"progress": progress}, hide_index=True, placeholder="–")


def _failures(sweep: SweepRow, groups: Sequence[FailureGroup]) -> None:
    if not groups:
        return
    st.subheader("What failed", anchor=False)
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
    st.dataframe(rows, hide_index=True, placeholder="–")
    st.caption(
        f"`orchestrator explain {groups[0].jobs[0][:8]}` tells more about a job; "
        f"`orchestrator retry {sweep.name} --failed` gives what failed another chance. "
        "Diverged is a result: the loss became NaN."
    )


def _recent(rows: Rows) -> None:
    if not rows:
        return
    st.subheader("Latest results", anchor=False)
    column = st.column_config
    formats = {
        "model_size": column.TextColumn("size"),
        "train_resolution": column.NumberColumn("train px", format="%d"),
        "test_resolution": column.NumberColumn("test px", format="%d"),
        "top1": column.NumberColumn("top-1 %", format="%.2f"),
        "train_images_per_second": column.NumberColumn("train images/s", format="localized"),
        "inference_images_per_second": column.NumberColumn("inference images/s", format="localized"),
        "finished_at": column.DatetimeColumn("finished (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    }
    st.dataframe(
        [controls.cells(row, _COLUMNS) for row in rows], column_config=formats, hide_index=True, placeholder="–"
    )


def _measured(rows: Rows) -> None:
    """Show throughputs, where there is no accuracy to show them beside."""
    if not rows:
        return
    st.subheader("Latest measurements", anchor=False)
    column = st.column_config
    formats = {
        "model_size": column.TextColumn("size"),
        "resolution": column.NumberColumn("px", format="%d"),
        "images_per_second": column.NumberColumn("images/s", format="localized"),
        "measured_at": column.DatetimeColumn("measured (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    }
    st.dataframe(
        [controls.cells(row, _MEASURED_COLUMNS) for row in rows],
        column_config=formats,
        hide_index=True,
        placeholder="–",
    )


if __name__ == "__main__":
    with notices.errors_told():
        page()
