"""Page: every result as a table."""

from typing import Final

import streamlit as st

from dashboard.data import reading
from dashboard.parts import controls, freshness, notices, result_links
from dashboard.words import coverage
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
    now = reading.source()
    if not reading.results_counted(now, None, "", 1):
        notices.nothing_yet("There are no results yet.")
    left, right = st.columns([2, 5])
    with left:
        sweep = controls.sweep(now)
    with right:
        text = controls.filter_text()
    where = freshness.held(now, "results", sweep, text)
    freshness.news(where)
    total = reading.results_counted(where, None, "", coverage.COUNTED)
    rows = reading.results(where, sweep, text, coverage.SHOWN)
    names = RESULTS.c.keys()
    columns = st.multiselect("Columns", names, default=list(_FIRST), key="columns", bind="query-params")
    if not rows:
        notices.nothing_left("No result is left: the sweep or the filter above leaves all of them out.")
    matching = (
        len(rows) if len(rows) < coverage.SHOWN else reading.results_counted(where, sweep, text, coverage.COUNTED)
    )
    st.caption(coverage.of_results(len(rows), matching, total))
    links = st.container()
    chosen = result_links.selectable(rows, columns or list(_FIRST), "results", height=560)
    with links:
        result_links.offer(chosen)
    if matching < coverage.COUNTED:
        controls.download(lambda: reading.all_results(where, sweep, text), matching, "results")


if __name__ == "__main__":
    with notices.errors_told():
        page()
