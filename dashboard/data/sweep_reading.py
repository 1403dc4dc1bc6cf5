"""What the page of a sweep reads, kept until the store changes."""

import datetime as dt
from dataclasses import dataclass

import streamlit as st

from dashboard.data.reading import Rows, Source
from db.records import FailureGroup, JobRow, SweepRow
from db.sweep_progress import EventRow, Rounds, SlotRow
from db.tallies import Tally

#: Rows of the newest results, measurements and events.
RECENT = 10
#: Columns of the newest results.
COLUMNS = (
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


@dataclass(frozen=True, slots=True)
class Now:
    """What changes from second to second.

    Attributes:
        tallies: Of all jobs.
        running: The jobs that run.
        slots: What each slot does or last did; none where nobody runs the sweep.
        rounds: Of the measurements that are not complete.
        events: What happened last, the newest first.
    """

    tallies: list[Tally]
    running: list[JobRow]
    slots: list[SlotRow]
    rounds: Rounds
    events: list[EventRow]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sweep has come to.

    Attributes:
        failures: The jobs that failed, grouped.
        recent: Rows of ``results``, the newest first.
        measured: The newest measurements, where the sweep has no results.
    """

    failures: list[FailureGroup]
    recent: Rows
    measured: Rows


@dataclass(frozen=True, slots=True)
class Summary:
    """A sweep in one row.

    Attributes:
        states: State → number of jobs.
        best_top1: Percent; None before the first result.
        changed_at: When one of its jobs changed last; None if it has none.
    """

    states: dict[str, int]
    best_top1: float | None
    changed_at: dt.datetime | None


def _identity(one: Source) -> tuple[str, str]:
    return one.url, one.version


def _place(one: Source) -> str:
    return one.url


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={Source: _identity})
def now(where: Source, sweep_id: int, driver_id: str | None) -> Now:
    """Return what a sweep does now; read again only when the store has changed, however many look at it.

    Args:
        where: The database.
        sweep_id: The sweep.
        driver_id: Who runs it; None if nobody does.
    """
    progress = where.reader.progress(sweep_id)
    return Now(
        tallies=where.reader.tallies(sweep_id),
        running=where.reader.running_jobs(sweep_id),
        slots=progress.slots(driver_id) if driver_id else [],
        rounds=progress.rounds(),
        events=progress.events(RECENT),
    )


@st.cache_data(max_entries=20, show_spinner=False, hash_funcs={Source: _place})
def outcome(where: Source, sweep: SweepRow, tallies: list[Tally]) -> Outcome:
    """Return what a sweep has come to; read again only when its ``tallies`` have changed."""
    del tallies
    recent = where.reader.view("results", sweep=sweep.name, columns=COLUMNS, sort=["-finished_at"], limit=RECENT)
    return Outcome(
        failures=where.reader.failures(sweep.sweep_id),
        recent=recent,
        measured=[] if recent else where.reader.newest_measurements(sweep.sweep_id, RECENT),
    )


def summary(where: Source, sweep: SweepRow) -> Summary:
    """Return a sweep in one row; of one that nobody runs, read again only when something was done to it."""
    return _summary(where, sweep.sweep_id, where.version if sweep.driver_id else str(sweep.updated_at))


@st.cache_data(max_entries=1_000, show_spinner=False, hash_funcs={Source: _place})
def _summary(where: Source, sweep_id: int, version: str) -> Summary:
    del version
    progress = where.reader.progress(sweep_id)
    return Summary(progress.states(), progress.best_top1(), progress.changed_at())
