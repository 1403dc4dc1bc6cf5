"""Page: accuracy against test resolution, before and after fine-tuning."""

from collections.abc import Callable
from typing import Any, Final

import altair as alt
import streamlit as st

from dashboard.data import reading, resolution_reading
from dashboard.data.reading import Rows, Source
from dashboard.figures.palette import Palette
from dashboard.figures.resolution_figure import resolution_figure, resolution_points
from dashboard.parts import controls, freshness, notices
from dashboard.words import resolutions, wording

_COLUMNS: Final = (
    "best",
    "train_resolution",
    "test_resolution",
    "top1",
    "top1_std",
    "top1_before",
    "top1_before_std",
    "gain",
    "gain_std",
    "validation_top1",
    "seeds",
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    heading, corner = st.columns([3, 2], vertical_alignment="bottom")
    heading.title("Resolution")
    st.markdown(
        "A network trained at one resolution is often most accurate at another, mostly larger one, and a short "
        "fine-tuning there adds to it: top-1 of one network against the resolution it is tested at."
    )
    now = reading.source()
    with controls.choices():
        sweep, network = _network(now)
        which = (sweep, network["variant_id"], network["dataset_id"])
        where = freshness.held(now, "resolution", *which)
        rows = resolution_reading.curves(where, *which)
        shown = _setting(rows)
    st.markdown("\n".join(f"- {one}" for one in resolutions.findings(shown)))
    figure = _draw(shown, network)
    st.caption(resolutions.coverage(shown, rows))
    st.caption(_legend(resolutions.stride(network)))
    if len({row["test_resolution"] for row in shown}) == 1:
        st.info(
            "Tested at one resolution only. More in the sweep file, such as `test_resolution: [+0, +32, +64]`, and the "
            "same launch again tests them without training anew.",
            icon=":material/info:",
        )
    _table(shown)
    with st.container(horizontal=True):
        controls.download(lambda: shown, len(shown), "resolution")
        controls.figure_download(figure, "resolution")
    with corner:
        freshness.news(where)


def _network(where: Source) -> tuple[str | None, dict[str, Any]]:
    """Let the reader choose a sweep and a network, and return both."""
    first, second, third, fourth = st.columns(4)
    with first:
        sweep = controls.sweep(where)
    found = resolution_reading.networks(where, sweep)
    if not found:
        _nothing(sweep)
    known = sorted(found, key=lambda row: -row["train_resolutions"])  # those with the most to see come first
    for column, label, key, told in (
        (second, "Data set", "dataset", wording.data_set),
        (third, "Family", "family", resolutions.family),
        (fourth, "Size", "size", resolutions.size),
    ):
        with column:
            names = list(dict.fromkeys(map(told, known)))
            chosen = controls.choose(label, names, key)
            known = [row for row in known if told(row) == chosen]
    return sweep, known[0]


def _nothing(sweep: str | None) -> None:
    if sweep is None:
        notices.nothing_yet("No network was tested yet.")
    notices.nothing_left("This sweep has tested no network yet. Choose another one.")


def _setting(rows: Rows) -> Rows:
    """Let the reader choose one recipe, precision and way of fine-tuning, if there are several."""
    settings = resolutions.settings(rows)
    if len(settings) == 1:
        return rows
    return settings[controls.choose("Trained and fine-tuned", list(settings), "setting")]


def _draw(rows: Rows, network: dict[str, Any]) -> Callable[[Palette], alt.LayerChart]:
    """Show the chart, and return what draws it in any colours."""
    points = resolution_points(rows, resolutions.stride(network))
    native, stacked = rows[0]["native_resolution"], controls.on_a_phone()

    def figure(palette: Palette) -> alt.LayerChart:
        return resolution_figure(points, native=native, palette=palette, stacked=stacked)

    st.altair_chart(figure(controls.palette()), key="resolution")
    return figure


def _legend(stride: int) -> str:
    return (
        "Solid: fine-tuned at the test resolution; dashed: as trained. Ringed: each training's best test resolution, "
        "chosen on held-out training images where there are any. Whiskers: one standard deviation over seeds. Dotted "
        f"upright lines: where each was trained. Filled marks: a multiple of {stride} px from the train resolution, "
        "where convolutions are padded as in training (the paper's rule); hollow marks: any other."
    )


def _table(rows: Rows) -> None:
    column = st.column_config
    formats = {
        "best": column.CheckboxColumn("best", help="The best test resolution of its training, by validation accuracy"),
        "train_resolution": column.NumberColumn("train px", format="%d"),
        "test_resolution": column.NumberColumn("test px", format="%d"),
        "top1": column.NumberColumn("top-1 %", format="%.2f", help="After fine-tuning, over all seeds"),
        "top1_std": column.NumberColumn("± points", format="%.2f", help="Standard deviation over seeds"),
        "top1_before": column.NumberColumn("as trained %", format="%.2f", help="Top-1 before fine-tuning"),
        "top1_before_std": column.NumberColumn("± points ", format="%.2f", help="Standard deviation over seeds"),
        "gain": column.NumberColumn("gain, points", format="%+.2f", help="Of fine-tuning, percentage points"),
        "gain_std": column.NumberColumn(
            "± points  ", format="%.2f", help="Standard deviation over the seeds of each one's own gain"
        ),
        "validation_top1": column.NumberColumn("validation %", format="%.2f", help="Top-1 on held-out training images"),
        "seeds": column.NumberColumn("seeds", format="%d"),
    }
    cells = [{**{name: row[name] for name in _COLUMNS}, "best": row["best"] == 1} for row in rows]
    st.dataframe(cells, column_config=formats, hide_index=True, placeholder="–")


if __name__ == "__main__":
    with notices.errors_told():
        page()
