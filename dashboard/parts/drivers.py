"""Whether somebody works on a sweep that should run, or has paused it; and the reader's time."""

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.data.reading import Source
from dashboard.words import wording
from dashboard.words.sweep_words import paused
from db.records import DriverRow, SweepRow

#: Longer than several heartbeats: a driver that has been silent for so long has probably died.
_SILENCE_SECONDS: Final = 120


def now() -> dt.datetime:
    """Return the time, aware."""
    return dt.datetime.now(dt.timezone.utc)


def zone() -> dt.tzinfo:
    """Return the reader's time zone, as the browser tells it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return dt.timezone.utc


def warn(where: Source, sweep: SweepRow) -> DriverRow | None:
    """Tell of a pause, and warn when nobody works on a sweep that should run; return its driver."""
    driver = where.reader.driver(sweep.driver_id) if sweep.driver_id else None
    if sweep.pause is not None:
        st.info(paused(sweep.name, sweep.pause, now(), zone()), icon=":material/pause_circle:")
    if sweep.goes_on:
        _warn(driver)
    return driver


def _warn(driver: DriverRow | None) -> None:
    if driver is None or driver.ended_at is not None:
        st.warning("Nobody runs this sweep now. Launch its file again to go on; what is done stays done.")
        return
    silence = (now() - driver.heartbeat_at).total_seconds()
    if silence > _SILENCE_SECONDS:
        host = wording.literal(driver.host)
        st.warning(
            f"The process that runs this sweep (number {driver.pid} on {host}) was last heard of "
            f"{wording.duration(silence)} ago. If it died, launch the same file again; what is done stays done."
        )
