"""Selectors that several pages share. Each writes its choice into the page's address, so that a link repeats it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Final, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.data.reading import Rows, Source
from dashboard.figures import figure_files
from dashboard.figures.figure_files import Drawing
from dashboard.figures.palette import DARK, LIGHT, Palette
from dashboard.parts import notices
from dashboard.words import wording
from db.front_views import SCENARIOS, Scenario

ALL_SWEEPS: Final = "All sweeps"
OWN_ACCURACY: Final = "With the throughput of the same source"
_ACCURACY_HELP: Final = (
    "Results with their own throughput: accuracy and throughput measured here, or both published. Or a publication's "
    "accuracies with the throughput that its networks have here, for those who cannot train them."
)
FILTER_EXAMPLE: Final = "group_size=16 norm in (gn, ln+pn) width<1"
_FILTER_HELP: Final = (
    "Conditions that must all hold, for example `group_size=16 norm=ln+pn train_resolution=half` or "
    "`width in (0.25, 0.5)`. What is left out does not compete for the front."
)
_NOISY_HELP: Final = (
    "A measurement is noisy where its timed blocks disagree by more than the limit. By default only clean ones make a "
    "front: `orchestrator remeasure --noisy` measures the others again."
)
_SCENARIOS: Final[dict[Scenario, str]] = {
    "best": "Best test resolution",
    "native": "Native resolution",
    "all": "Every test resolution",
}
_SCENARIO_HELP: Final = (
    "Best: each network at the test resolution with the best accuracy on held-out training images; on the test images "
    "where none were held out. Native: tested at the resolution that the network was designed for. Every: all that "
    "were tested; lines join the resolutions of one network."
)


def palette() -> Palette:
    """Return the colours of the reader's theme."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def on_a_phone() -> bool:
    """Tell whether the browser says that it is a phone's, where two panels do not fit beside each other."""
    return "Mobi" in (st.context.headers.get("User-Agent") or "")


def choose(label: str, options: Sequence[str], key: str, tip: str | None = None) -> str:
    """Let the reader choose one of some options; the first at first, also where a link asks for what is not there."""
    asked = st.query_params.get(key) if key not in st.session_state else None
    if asked is not None and asked not in options:
        notices.place().warning(f"{label}: what the link asks for, “{wording.literal(asked)}”, is not here.")
    chosen = st.selectbox(label, options, key=key, bind="query-params", disabled=len(options) < 2, help=tip)
    return cast("str", chosen)  # never None: there are options


def switch(label: str, key: str, tip: str, *, at_first: bool = False) -> bool:
    """Let the reader switch something on or off."""
    return st.toggle(label, value=at_first, key=key, bind="query-params", help=tip)


def noisy() -> bool:
    """Let the reader decide whether noisy measurements compete for a front."""
    return switch("Noisy measurements compete too", "noisy", _NOISY_HELP)


def places(number: int) -> Sequence[DeltaGenerator]:
    """Return places for some numbers beside each other; on a phone, as many in a line as fit."""
    if not on_a_phone():
        return st.columns(number)
    row = st.container(horizontal=True)
    return [row.container(width="content") for _ in range(number)]


def choices() -> AbstractContextManager[Any]:
    """Return where a page puts its selectors: above what it shows; on a phone, where they would fill it, folded up."""
    return notices.folded_up("Choices", ":material/tune:") if on_a_phone() else st.container()


def sweep(where: Source) -> str | None:
    """Let the reader choose one sweep, or None for all of them."""
    names = [one.name for one in where.reader.sweeps()]
    chosen = choose("Sweep", [ALL_SWEEPS, *names], "sweep")
    return None if chosen == ALL_SWEEPS else chosen


def publication(names: Sequence[str]) -> str | None:
    """Let the reader put published accuracies on throughput measured here; None for results as they are stored."""
    if not names:
        return None
    options: dict[str, str | None] = {OWN_ACCURACY: None}
    options |= {f"Published ({name}), with throughput measured here": name for name in names}
    return options[choose("Accuracy", list(options), "accuracy", _ACCURACY_HELP)]


def scenario() -> Scenario:
    """Let the reader choose which test resolutions count."""
    words = choose("Tested at", list(_SCENARIOS.values()), "tested", _SCENARIO_HELP)
    return next(one for one in SCENARIOS if _SCENARIOS[one] == words)


def filter_text() -> str:
    """Let the reader write a FILTER."""
    text: str = st.text_input(
        "Filter", key="filter", bind="query-params", placeholder=FILTER_EXAMPLE, help=_FILTER_HELP
    )
    return text


def family(key: str, label: str, families: Sequence[str], default: str) -> str:
    """Let the reader choose the FILTER of a family, or write any other; the default while they do neither."""
    chosen: str | None = st.selectbox(
        label,
        families,
        index=None,
        key=key,
        bind="query-params",
        placeholder=default,
        accept_new_options=True,
        help="Choose a family, or write any filter, such as `group_size=16 norm=ln+pn width<1`.",
    )
    return chosen or default


def scope(rows: Rows, columns: Sequence[DeltaGenerator] = ()) -> Rows:
    """Let the reader choose one data set and one device, if there are several, and return their rows.

    Args:
        rows: To choose among.
        columns: Two, to put the selectors into; beside each other if not given.
    """
    data_sets, places = columns or st.columns(2)
    with data_sets:
        rows = _one_of("Data set", "dataset", rows, wording.data_set)
    with places:
        return _one_of("Device", "device", rows, wording.place)


def _one_of(label: str, key: str, rows: Rows, told: Callable[[dict[str, Any]], str]) -> Rows:
    """Let the reader choose the rows of one value; measured ones come before published ones."""
    options = dict.fromkeys(told(row) for row in sorted(rows, key=lambda row: (row["source"] != "measured", told(row))))
    chosen = choose(label, list(options), key)
    return [row for row in rows if told(row) == chosen]


def cells(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return the columns of a row as a table shows them: throughputs with four significant digits."""
    return {
        name: float(f"{row[name]:.4g}") if name.endswith("per_second") and row[name] is not None else row[name]
        for name in columns
    }


def download(read: Callable[[], Sequence[dict[str, Any]]], number: int, name: str) -> None:
    """Offer rows as a CSV file, with every column.

    Args:
        read: Returns the rows; not called before somebody wants the file.
        number: Of the rows.
        name: Of the file, without its ending; no other file of rows of the page has it.
    """
    import pandas as pd

    st.download_button(
        f"Download as CSV ({wording.counted(number, 'row')})",
        lambda: pd.DataFrame(read()).to_csv(index=False),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"{name}.csv",
        icon=":material/download:",
        on_click="ignore",
    )


def figure_download(figure_of: Callable[[Palette], Drawing], name: str) -> None:
    """Offer a chart as a PNG and as an SVG file: on white, in the light theme's colours, made when asked for.

    Args:
        figure_of: Draws the chart in some colours; not called before somebody wants a file.
        name: Of the files, without their ending; no other chart of the page has it.
    """
    for kind, mime, file_of in (("PNG", "image/png", figure_files.png), ("SVG", "image/svg+xml", figure_files.svg)):
        st.download_button(
            f"Figure as {kind}",
            partial(_file, file_of, figure_of),
            file_name=f"{name}.{kind.lower()}",
            mime=mime,
            key=f"{name}.{kind.lower()}",
            icon=":material/image:",
            on_click="ignore",
        )


def _file(file_of: Callable[[Drawing], bytes], figure_of: Callable[[Palette], Drawing]) -> bytes:
    return file_of(figure_of(LIGHT))
