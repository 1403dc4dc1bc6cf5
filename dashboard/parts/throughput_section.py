"""A section of the page about one result: what was measured, how far it can be trusted."""

from functools import partial

import streamlit as st

from dashboard.figures import latency_figure
from dashboard.figures.figure_files import Chart
from dashboard.figures.palette import Palette
from dashboard.figures.sample_figure import sample_figure
from dashboard.parts import controls
from dashboard.words import result_words, wording
from dashboard.words.result_words import Facts
from db.result_details import Measured

_COLOURS = {"clean": "green", "noisy": "orange", "contended": "red", "stale": "grey"}
_LEGEND = (
    "A dot is one timed block. Rounds are made by processes of their own, in turns with the other networks of the "
    "sweep. The reference network, always the same, is timed around each block: where it is slower, the machine was. A "
    "disturbed round does not count."
)


def show(measured: Measured, key: str) -> None:
    """Show a measurement: its verdict, every timed block, and how it was made.

    Args:
        measured: The measurement.
        key: Tells its charts and files from others on the page; names the file.
    """
    _verdict(measured)
    if measured.blocks:
        figure_of = partial(_figure, measured)
        st.altair_chart(figure_of(controls.palette()), width="content", key=f"samples-{key}")
        st.caption(_LEGEND)
    halves(result_words.throughput(measured))
    with st.container(horizontal=True):
        controls.download(lambda: list(measured.blocks), len(measured.blocks), f"samples-{key}")
        if measured.blocks:
            controls.figure_download(figure_of, f"samples-{key}")
    if latency_figure.timed(measured):
        _latencies(measured, key)


def _figure(measured: Measured, palette: Palette) -> Chart:
    return sample_figure(measured, palette=palette, stacked=controls.on_a_phone())


def _latencies(measured: Measured, key: str) -> None:
    """Show how long single images took, one after the other."""
    st.markdown("**Latency of single images**")

    def figure_of(palette: Palette) -> Chart:
        return latency_figure.latency_figure(measured, palette=palette, narrow=controls.on_a_phone())

    st.altair_chart(figure_of(controls.palette()), width="content", key=f"latencies-{key}")
    timed, drawn = latency_figure.timed(measured), len(latency_figure.latency_records(measured))
    st.caption(result_words.latencies(drawn, timed))
    rows = [
        {"round": one["round"], "ordinal": ordinal, "milliseconds": value, "counts": one["counts"]}
        for one in measured.rounds
        for ordinal, value in enumerate(one["latencies"])
    ]
    with st.container(horizontal=True):
        controls.download(lambda: rows, len(rows), f"latencies-{key}")
        controls.figure_download(figure_of, f"latencies-{key}")


def _verdict(measured: Measured) -> None:
    row = measured.row
    rate = wording.rate(row["images_per_second"])
    interval = f"95 % interval {wording.rate(row['low'])} to {wording.rate(row['high'])}"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{rate}**, {interval}", width="content")
        st.badge(row["shown_verdict"], color=_COLOURS[row["shown_verdict"]])  # type: ignore[arg-type]  # its own list
    reason = result_words.verdict(row)
    if reason != row["shown_verdict"]:
        st.markdown(wording.literal(reason[:1].upper() + reason[1:] + "."))


def halves(told: Facts) -> None:
    """Show names and values as two tables beside each other."""
    names = list(told)
    middle = -(-len(names) // 2)
    for column, part in zip(st.columns(2), (names[:middle], names[middle:]), strict=True):
        with column:
            facts({name: told[name] for name in part})


def facts(told: Facts) -> None:
    """Show names and values as a table."""
    rows = [{"": wording.literal(name), " ": wording.literal(value)} for name, value in told.items()]
    st.table(rows, hide_index=True, hide_header=True, border="horizontal")
