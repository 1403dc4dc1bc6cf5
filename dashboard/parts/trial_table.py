"""The trials of a search as a table, and links from chosen ones to their results."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from dashboard.data import search_reading
from dashboard.data.reading import Rows, Source
from dashboard.parts import controls, result_links, selection
from dashboard.words import coverage, search_terms, search_words, wording
from dashboard.words.search_account import Account
from dashboard.words.search_terms import Terms
from db.search_records import TrialRow

_HINT: Final = (
    "Click a trial in the chart to open its results, shift-click more of them to compare; or tick rows of the table."
)


def show(account: Account) -> None:
    """Show the table, with the trials of the front first where not all have room."""
    trials = _shown(account)
    points = [str(trial.number) for trial in trials]
    key = f"trials-{hash(tuple(points)):x}"  # another table where there are other rows: ticks never move to others
    st.dataframe(
        [controls.cells(row, list(row)) for row in (search_words.row(trial, account) for trial in trials)],
        column_config=_formats(account.terms),
        hide_index=True,
        placeholder="–",
        key=key,
        on_select=partial(selection.table_changed, key, points),
        selection_mode="multi-row",
    )
    rule = "the front and the newest of the others"
    st.caption(search_words.coverage(len(trials), len(account.trials), rule))


def _shown(account: Account) -> list[TrialRow]:
    """Return the trials of the table, the newest first."""
    newest = list(reversed(account.trials))
    if len(newest) <= coverage.SHOWN:
        return newest
    front = set(account.front)
    others = [trial for trial in newest if trial.number not in front][: max(0, coverage.SHOWN - len(front))]
    kept = front | {trial.number for trial in others}
    return [trial for trial in newest if trial.number in kept]


def _formats(terms: Terms) -> dict[str, Any]:
    column = st.column_config
    formats = {
        "number": column.NumberColumn("trial", format="%d"),
        "on front": column.CheckboxColumn("best" if len(terms.objectives) == 1 else "on front"),
        "state": column.TextColumn(help="; ".join(f"{one}: {why}" for one, why in search_words.MEANINGS.items())),
        "origin": column.TextColumn(
            help="sampler: proposed; stored: all its results were there; companion: another test resolution of a "
            "training that was paid for"
        ),
        "reused": column.TextColumn("jobs reused", help="How many of its jobs were done or asked for before it"),
        "slot_seconds": column.NumberColumn(
            "cost, s", format="%.0f", help="Slot-seconds: wall time of its own attempts"
        ),
        "finished_at": column.DatetimeColumn("over (UTC)", format="YYYY-MM-DD HH:mm:ss"),
        "reason": column.TextColumn("why", width="medium"),
        **{one.name: one.heading for one in terms.axes},
    }
    for one in terms.objectives:
        digits = "%.2f" if not search_terms.is_rate(one) else "localized"
        formats[one] = column.NumberColumn(search_terms.heading(one), format=digits)
    return formats


def links(where: Source, sweep_id: int, account: Account, selected: Sequence[str]) -> None:
    """Show the selected trials with links to their results, and to their comparison."""
    if not selected:
        st.caption(_HINT)
        return
    known = {str(trial.number): trial for trial in account.trials}
    trials = [known[one] for one in selected if one in known]
    found = search_reading.evaluations(where, sweep_id) if trials else {}
    with st.container(border=True, key="selected"):
        for trial in trials:
            _trial(trial, account, found)
        if len(trials) < len(selected):
            st.caption(
                f"{wording.counted(len(selected) - len(trials), 'selected trial')} not among those of this search."
            )
        _comparison([found.get(trial.number, []) for trial in trials])


def _trial(trial: TrialRow, account: Account, found: Mapping[int, Rows]) -> None:
    evaluations = found.get(trial.number, [])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        tries = search_words.settings(trial, account.terms.axes)
        told = f"{tries} · {search_words.outcome(trial, account.terms)}"
        st.markdown(f"**Trial {trial.number}** · {wording.literal(told)}", width="content")
        several = len(evaluations) > 1
        result_links.open_seeds(
            [
                (one["fingerprint"], f"Open result {index}" if several else "Open result")
                for index, one in enumerate(evaluations, start=1)
            ]
        )
        if not evaluations:
            st.caption("no result to open: nothing was tested", width="content")


def _comparison(pooled: Sequence[Rows]) -> None:
    """Offer to compare the first results of several trials, or all results of one."""
    rows = pooled[0] if len(pooled) == 1 else [one[0] for one in pooled if one]
    chosen = list(dict.fromkeys(row["fingerprint"] for row in rows))
    if len(pooled) > 1 and len(chosen) > result_links.MOST:
        st.caption(f"{len(chosen)} trials are selected; at most {result_links.MOST} can be compared.")
    elif len(chosen) >= result_links.FEWEST:
        some = "its" if len(chosen) <= result_links.MOST else f"{result_links.MOST} of its"
        what = (
            f"Compare {some} {len(chosen)} results"
            if len(pooled) == 1
            else f"Compare {len(chosen)} trials, by their first results"
        )
        result_links.compare(chosen[: result_links.MOST], what)


def download(account: Account, name: str) -> None:
    """Offer every trial as a file."""
    trials = account.trials
    controls.download(lambda: [search_words.file_row(one, account) for one in trials], len(trials), name)
