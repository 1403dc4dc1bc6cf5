"""Page: every result as a table."""

from typing import Final

import streamlit as st

from dashboard import controls, notices, reading, wording
from dashboard.reading import Rows

_FIRST: Final = (
    "sweep",
    "source",
    "series",
    "model_size",
    "width",
    "dataset",
    "train_resolution",
    "test_resolution",
    "seed",
    "top1",
    "validation_top1",
    "top1_before_fine_tune",
    "train_images_per_second",
    "inference_images_per_second",
    "train_macs",
    "test_macs",
    "params",
    "device",
    "finished_at",
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or the filter cannot be understood.
    """
    st.title("Results")
    st.markdown("One row for each network that was trained once and tested at one resolution, on each device.")
    where = reading.source()
    every = reading.results(where, None, "")
    if not every:
        notices.nothing_yet("There are no results yet.")
    left, right = st.columns([2, 5])
    with left:
        sweep = controls.sweep(where)
    with right:
        text = controls.filter_text()
    rows = reading.results(where, sweep, text)
    columns = st.multiselect("Columns", list(every[0]), default=list(_FIRST), key="columns", bind="query-params")
    if not rows:
        notices.nothing_left("No result is left: the sweep or the filter above leaves all of them out.")
    _table(rows, columns or list(_FIRST), len(every))


def _table(rows: Rows, columns: list[str], total: int) -> None:
    column = st.column_config
    formats = {
        "top1": column.NumberColumn("top-1 %", format="%.2f"),
        "validation_top1": column.NumberColumn(
            "validation %", format="%.2f", help="Top-1 on held-out training images, which choose the test resolution"
        ),
        "top1_before_fine_tune": column.NumberColumn("before fine-tune %", format="%.2f"),
        "train_resolution": column.NumberColumn("train px", format="%d"),
        "test_resolution": column.NumberColumn("test px", format="%d"),
        "train_images_per_second": column.NumberColumn("train images/s", format="localized"),
        "inference_images_per_second": column.NumberColumn("inference images/s", format="localized"),
        "train_macs": column.NumberColumn("train MACs", format="compact"),
        "test_macs": column.NumberColumn("test MACs", format="compact"),
        "params": column.NumberColumn("parameters", format="compact"),
        "finished_at": column.DatetimeColumn("finished (UTC)", format="YYYY-MM-DD HH:mm:ss"),
    }
    shown = [controls.cells(row, columns) for row in rows]
    why = "" if len(rows) == total else "; the sweep and the filter leave out the others"
    st.caption(f"{len(rows):,} of {wording.counted(total, 'row')} shown{why}. The file has every column.")
    st.dataframe(shown, column_config=formats, hide_index=True, placeholder="–", height=560)
    controls.download(rows, "results")


if __name__ == "__main__":
    with notices.errors_told():
        page()
