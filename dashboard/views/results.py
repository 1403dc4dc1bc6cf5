"""Page: every result as a table."""

from typing import Final

import streamlit as st

from dashboard import controls, coverage, notices, reading
from dashboard.reading import Rows
from db.views import RESULTS

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
    total = reading.results_counted(where, None, "", coverage.COUNTED)
    if not total:
        notices.nothing_yet("There are no results yet.")
    left, right = st.columns([2, 5])
    with left:
        sweep = controls.sweep(where)
    with right:
        text = controls.filter_text()
    rows = reading.results(where, sweep, text, coverage.SHOWN)
    names = RESULTS.c.keys()
    columns = st.multiselect("Columns", names, default=list(_FIRST), key="columns", bind="query-params")
    if not rows:
        notices.nothing_left("No result is left: the sweep or the filter above leaves all of them out.")
    matching = (
        len(rows) if len(rows) < coverage.SHOWN else reading.results_counted(where, sweep, text, coverage.COUNTED)
    )
    st.caption(coverage.of_results(len(rows), matching, total))
    _table(rows, columns or list(_FIRST))
    if matching < coverage.COUNTED:
        controls.download(lambda: reading.all_results(where, sweep, text), matching, "results")


def _table(rows: Rows, columns: list[str]) -> None:
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
    cells = [controls.cells(row, columns) for row in rows]
    st.dataframe(cells, column_config=formats, hide_index=True, placeholder="–", height=560)


if __name__ == "__main__":
    with notices.errors_told():
        page()
