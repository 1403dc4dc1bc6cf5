"""Links from a choice of results to the pages that tell more about them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Rows, Source
from dashboard.parts import controls
from dashboard.words import wording
from dashboard.words.result_words import DIGITS, title

Row = Mapping[str, Any]

RESULT_PAGE: Final = "views/result.py"
COMPARE_PAGE: Final = "views/compare.py"
SEARCH_PAGE: Final = "views/search.py"
#: Results that are compared at most; more than a person can tell apart in one chart.
FEWEST, MOST = 2, 6
#: Seeds to which there are links; the page of each leads on to its siblings.
_SEEDS: Final = 8
#: What tells results apart in a short table.
COLUMNS: Final = (
    "series",
    "model_size",
    "width",
    "train_resolution",
    "test_resolution",
    "seed",
    "top1",
    "finished_at",
)
#: Results that are offered where none was named, and rows that are read for that: a result has one in each place.
_NEWEST, _LOOKED_AT = 12, 48


def offer(evaluations: Sequence[str | None]) -> None:
    """Offer to open one chosen result, or to compare two to six; say what to choose while nothing is.

    Args:
        evaluations: Fingerprints of what was chosen; several times the same is one, None is a published result.
    """
    chosen = [one for one in dict.fromkeys(evaluations) if one is not None]
    if not evaluations:
        st.caption("Select one row to open its result, or two to six to compare them.")
    elif not chosen:
        st.caption("Published results have no page of their own: nothing but their row is known.")
    elif len(chosen) == 1:
        open_one(chosen[0], f"Open result {chosen[0][:DIGITS]}")
    elif len(chosen) <= MOST:
        compare(chosen, f"Compare these {len(chosen)} results")
    else:
        st.caption(f"{len(chosen)} results are selected; at most {MOST} can be compared.")


def newest(where: Source) -> Rows:
    """Return rows of the newest results, each result once, to choose from where none was named."""
    rows = reading.results(where, None, "", _LOOKED_AT)
    each = {row["evaluation"]: row for row in reversed(rows) if row["evaluation"] is not None}
    return list(reversed(each.values()))[:_NEWEST]


def open_one(fingerprint: str, label: str) -> None:
    """Link to the page of one result, or of any job.

    Args:
        fingerprint: Of the job, or a prefix of at least eight digits that no other one has.
        label: Of the link.
    """
    query = {"result": fingerprint}
    st.page_link(RESULT_PAGE, label=wording.literal(label), icon=":material/open_in_full:", query_params=query)


def open_seeds(results: Sequence[tuple[str, str]]) -> None:
    """Link to the pages of some results that differ in their seeds, the first ones where there are very many.

    Args:
        results: Fingerprint and label of each.
    """
    for fingerprint, label in results[:_SEEDS]:
        open_one(fingerprint, label)
    if len(results) > _SEEDS:
        st.caption(f"and {len(results) - _SEEDS} more: the page of each leads to them", width="content")


def compare(evaluations: Sequence[str], label: str) -> None:
    """Link to the comparison of some evaluations."""
    query = {"results": ",".join(evaluations)}
    st.page_link(COMPARE_PAGE, label=wording.literal(label), icon=":material/compare_arrows:", query_params=query)


def open_search(name: str) -> None:
    """Link to the page of the search of this name."""
    label = "This sweep is a search, which asks for more jobs as it goes on: see what it found, and the time left"
    st.page_link(SEARCH_PAGE, label=label, icon=":material/search:", query_params={"search": name})


def named(row: Row) -> str:
    """Return a result in a few words, for a link: network, resolutions, seed and accuracy."""
    pixels = f"{row['train_resolution']} → {row['test_resolution']} px"
    return f"{title(row)}, {pixels}, seed {row['seed']}: {row['top1']:.2f} %"


def selectable(rows: Sequence[Row], columns: Sequence[str], key: str, height: int | None = None) -> list[str | None]:
    """Show rows of ``results`` as a table in which rows can be selected; return the selected evaluations.

    The table is another one where its rows are: a selection never moves to a row that took the place of another.

    Args:
        rows: With all columns of ``results``.
        columns: Which are shown.
        key: Tells the table from others.
        height: In pixels; None fits few rows.
    """
    identity = hash(tuple((row["evaluation"], row["sweep"], row["environment_key"]) for row in rows))
    event: Any = st.dataframe(
        [controls.cells(row, columns) for row in rows],
        column_config=formats(),
        hide_index=True,
        placeholder="–",
        height=height or "content",
        key=f"{key}-{identity:x}",
        on_select="rerun",
        selection_mode="multi-row",
    )
    return [rows[index]["evaluation"] for index in event["selection"]["rows"] if index < len(rows)]


def formats() -> dict[str, Any]:
    """Return how the columns of ``results`` are shown."""
    column = st.column_config
    return {
        "model_size": column.TextColumn("size"),
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
