"""The page of one front: for training and for inference alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from dashboard import controls, coverage, notices, reading
from dashboard.figures import families
from dashboard.figures.front_figure import front_figure
from dashboard.figures.front_points import front_points
from dashboard.reading import Chosen, Rows, Source
from db.front_views import SCOPE, Mode

_TITLES: Final[dict[Mode, str]] = {"train": "Training front", "inference": "Inference front"}
_LEDES: Final[dict[Mode, str]] = {
    "train": "Which network is the best trade-off to train here: the same accuracies against what theory counts, and "
    "against the throughput that was measured.",
    "inference": "Which network is the best trade-off to run here: the same accuracies against what theory counts, and "
    "against the throughput that was measured.",
}
_LEGEND: Final = (
    "The thick pale line is the front: nothing else measured on this device is as accurate and as fast. Its points are "
    "large. Lines join the sizes and widths of one configuration. Horizontal whiskers: the middle half of the timed "
    "blocks; vertical: one standard deviation over seeds. Hollow grey: blocks that disagree too much (noisy). Click a "
    "name in the legend to single it out."
)


def show(mode: Mode) -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or a filter cannot be understood.
    """
    st.title(_TITLES[mode])
    st.markdown(_LEDES[mode])
    where = reading.source()
    chosen = _choices(where, mode)
    found = reading.scopes(where, chosen)
    if not found:
        _nothing(where, chosen)
    scopes = controls.scope(found)
    points = sum(scope["points"] for scope in scopes)
    drawn = reading.nearest(where, chosen, scopes, coverage.DRAWN)
    _draw(where, drawn, chosen, _grouping())
    st.caption(_coverage(where, chosen, scopes, drawn))
    st.caption(_LEGEND)
    _table(drawn, mode)
    controls.download(lambda: reading.all_points(where, chosen, scopes), points, f"{mode}-front")


def _choices(where: Source, mode: Mode) -> Chosen:
    first, second, third = st.columns([2, 2, 3])
    with first:
        sweep = controls.sweep(where)
    with second:
        scenario = controls.scenario()
    with third:
        return Chosen(mode, scenario, sweep, controls.filter_text())


def _grouping() -> list[str]:
    return st.multiselect(
        "One colour for each",
        list(families.PARTS),
        default=list(families.DEFAULT_PARTS),
        key="colour",
        bind="query-params",
        help="Series is the usual name: group size, norm and train resolution, as in G16-LN+PN-Half.",
    )


def _nothing(where: Source, chosen: Chosen) -> None:
    if not reading.scopes(where, Chosen(chosen.mode, "all", None, "")):
        notices.nothing_yet("There is no network yet that is both tested and measured.")
    if chosen.sweep is None and not chosen.text and chosen.scenario == "native":
        notices.nothing_left("Nothing was tested at its native resolution. Choose another test resolution above.")
    notices.nothing_left(
        "No result is left: the sweep, the test resolution or the filter above leaves all of them out."
    )


def _draw(where: Source, rows: Rows, chosen: Chosen, parts: Sequence[str]) -> None:
    mode = chosen.mode
    measurements = [row[f"{mode}_measurement_id"] for row in rows]
    blocks = reading.blocks(where, sorted({one for one in measurements if one is not None}))
    points = front_points(rows, mode=mode, scenario=chosen.scenario, parts=parts, blocks=blocks)
    names = families.names(rows, parts)
    figure = front_figure(points, mode=mode, families=names, palette=controls.palette(), stacked=controls.on_a_phone())
    st.altair_chart(figure, key="front")


def _coverage(where: Source, chosen: Chosen, scopes: Rows, drawn: Rows) -> str:
    everything = replace(chosen, scenario="all")
    inside = [tuple(scope[name] for name in SCOPE) for scope in scopes]
    tested = sum(
        scope["points"] for scope in reading.scopes(where, everything) if tuple(scope[name] for name in SCOPE) in inside
    )
    return coverage.sentence(
        drawn,
        sum(scope["points"] for scope in scopes),
        tested,
        reading.left_out(where, everything, scopes),
        mode=chosen.mode,
        scenario=chosen.scenario,
    )


_COLUMNS: Final = (
    "on_front",
    "series",
    "model_size",
    "width",
    "train_resolution",
    "test_resolution",
    "top1_mean",
    "top1_std",
    "validation_top1_mean",
    "seeds",
    "images_per_second",
)


def _table(rows: Rows, mode: Mode) -> None:
    columns = [*_COLUMNS, f"{mode}_throughput_cv", f"{mode}_verdict", "train_macs", "test_macs", "params"]
    st.dataframe(
        [controls.cells(row, columns) for row in rows], column_config=_formats(mode), hide_index=True, placeholder="–"
    )


def _formats(mode: Mode) -> dict[str, Any]:
    column = st.column_config
    return {
        "on_front": column.CheckboxColumn("on front"),
        "model_size": column.TextColumn("size"),
        "train_resolution": column.NumberColumn("train px", format="%d"),
        "test_resolution": column.NumberColumn("test px", format="%d"),
        "top1_mean": column.NumberColumn("top-1 %", format="%.2f"),
        "top1_std": column.NumberColumn("± %", format="%.2f", help="Standard deviation over seeds"),
        "validation_top1_mean": column.NumberColumn(
            "validation %", format="%.2f", help="Top-1 on held-out training images, which choose the best resolution"
        ),
        "images_per_second": column.NumberColumn("images/s", format="localized"),
        f"{mode}_throughput_cv": column.NumberColumn("varies by", format="percent"),
        f"{mode}_verdict": column.TextColumn("verdict"),
        "train_macs": column.NumberColumn("train MACs", format="compact"),
        "test_macs": column.NumberColumn("test MACs", format="compact"),
        "params": column.NumberColumn("parameters", format="compact"),
    }
