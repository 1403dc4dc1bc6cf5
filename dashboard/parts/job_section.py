"""The last sections of a page about a result: what any job has, however it ended."""

import json
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard.data import result_reading
from dashboard.data.reading import Source
from dashboard.parts import throughput_section
from dashboard.words import result_words, wording
from dashboard.words.settings import configuration
from db.records import JobRow
from db.result_details import Row


def show(where: Source, jobs: Mapping[str, JobRow], uses: Mapping[str, Sequence[str]]) -> None:
    """Show settings, environments, attempts, sweeps, and how to see more.

    Args:
        where: The database.
        jobs: What each job is in words → the job; the first one is what the page is about.
        uses: Key of an environment → what was done in it.
    """
    main = next(iter(jobs.values()))
    _configuration(main)
    if uses:
        st.header("Where it was done", anchor=False)
        rows = result_reading.environments(where, sorted(uses))
        st.dataframe(result_words.environments(rows, uses), hide_index=True, placeholder="–")
    _attempts(where, jobs)
    sweeps = result_reading.sweeps_of(where, main.fingerprint)
    asked = wording.listed(f"`{name}`" for name in sweeps) if sweeps else "none any more"
    st.markdown(f"Sweeps that ask for it: {asked}.")
    _commands(where, jobs)


def _configuration(job: JobRow) -> None:
    st.header("Configuration", anchor=False)
    groups = configuration(job.config)
    if not groups:
        st.caption("The job tells no settings.")
        return
    columns = st.columns(min(3, len(groups)))
    lengths = [0] * len(columns)
    for words, told in groups.items():
        shortest = lengths.index(min(lengths))
        lengths[shortest] += len(told) + 2
        with columns[shortest]:
            st.markdown(f"**{words}**")
            throughput_section.facts(told)


def _attempts(where: Source, jobs: Mapping[str, JobRow]) -> None:
    st.header("Attempts", anchor=False)
    rows = result_reading.attempts(where, [job.fingerprint for job in jobs.values()])
    if not rows:
        st.caption("No attempt was made yet.")
        return
    formats = {
        "started": st.column_config.DatetimeColumn("started (UTC)", format="YYYY-MM-DD HH:mm:ss"),
        "message": st.column_config.TextColumn(width="medium"),
        "directory": st.column_config.TextColumn("directory", help="On the node; holds log.txt and report.json"),
    }
    st.dataframe(result_words.attempts(rows), column_config=formats, hide_index=True, placeholder="–")


def _commands(where: Source, jobs: Mapping[str, JobRow]) -> None:
    st.header("Logs, and doing it again", anchor=False)
    st.code(result_words.commands({words: job.fingerprint for words, job in jobs.items()}), language="sh")
    st.markdown("Each job as a file; `python -m workers` does it once more, without Ray and without a database:")
    with st.container(horizontal=True):
        for words, job in jobs.items():
            st.download_button(
                f"{words} as JSON",
                partial(json.dumps, job.config, indent=2),
                file_name=result_words.file_name(job),
                mime="application/json",
                icon=":material/download:",
                on_click="ignore",
            )
    places = _last_places(where, [job.fingerprint for job in jobs.values()])
    st.code("\n".join(result_words.alone(job, places.get(job.fingerprint)) for job in jobs.values()), language="sh")


def _last_places(where: Source, fingerprints: Sequence[str]) -> dict[str, Row]:
    """Return the environment of the last attempt at each of some jobs."""
    keys = {row["fingerprint"]: row["environment_key"] for row in result_reading.attempts(where, fingerprints)}
    known = {one for one in keys.values() if one is not None}
    rows = {row["environment_key"]: row for row in result_reading.environments(where, sorted(known))}
    return {fingerprint: rows[key] for fingerprint, key in keys.items() if key in rows}
