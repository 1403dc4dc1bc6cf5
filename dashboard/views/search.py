"""Page: what a search found, and how it came to it."""

from typing import Final

import streamlit as st

from dashboard.data import reading, search_reading
from dashboard.data.reading import Source
from dashboard.figures.trial_figure import Against
from dashboard.parts import controls, freshness, notices, search_charts, search_head, selection, trial_table
from dashboard.parts.search_charts import Look
from dashboard.words.search_account import Account
from dashboard.words.search_terms import Terms
from db.records import SweepRow

_ORDER, _PLAIN = "Order of finishing", "The same for all"
_AGAINST: Final[dict[str, Against]] = {"Trials": "over", "Slot-hours paid": "slot_hours"}
_FOLLOW_HELP: Final = (
    "Otherwise charts and table stay as they are while you look at them, and a button says when there is more."
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    now = reading.source()
    searches = now.reader.searches()
    title, choice = st.columns([3, 2], vertical_alignment="bottom")
    title.title("Search")
    if not searches:
        notices.no_search_yet()
    with choice:
        name = controls.choose("Search", [one.name for one in searches], "search")
    sweep = next(one for one in searches if one.name == name)
    head = st.container()
    account = search_reading.account(now, sweep.sweep_id)
    if account is None:
        notices.nothing_left("This search was taken back a moment ago. Choose another one.")
        return
    look, follows = _choices(account.terms, sweep)
    where = now if follows else freshness.held(now, "search", sweep.sweep_id, look)
    with head:
        search_head.show(sweep, where, follows=follows)
    held = search_reading.account(where, sweep.sweep_id)
    if held is not None:
        _show(where, sweep, held, look)


def _choices(terms: Terms, sweep: SweepRow) -> tuple[Look, bool]:
    with controls.choices():
        first, second, third = st.columns([2, 2, 3], vertical_alignment="bottom")
        with first:
            axes = {axis.title: axis for axis in terms.axes}
            usual = _PLAIN if len(terms.objectives) == 1 else _ORDER  # one axis of that chart tells the order
            coloured = controls.choose("Colour", [usual, *axes], "coloured")
        with second:
            against = controls.choose("Progress against", list(_AGAINST), "against")
        follows = False
        if sweep.goes_on:
            with third:
                follows = controls.switch("Show new trials by themselves", "follow", _FOLLOW_HELP)
    return Look(axes.get(coloured), _AGAINST[against]), follows


def _show(where: Source, sweep: SweepRow, account: Account, look: Look) -> None:
    picked = selection.of_chart((where, sweep.sweep_id, look, controls.palette(), controls.on_a_phone()))
    if account.complete:
        search_charts.show(where, sweep, account, look, picked)
    else:
        st.info(
            "No trial is complete yet. Its charts appear with the first one; the table has what is known so far.",
            icon=":material/hourglass_empty:",
        )
        trial_table.links(where, sweep.sweep_id, account, picked.points)
    if account.trials:
        st.header("Trials", anchor=False)
        trial_table.show(account)
        trial_table.download(account, f"{sweep.name}-trials")


if __name__ == "__main__":
    with notices.errors_told():
        page()
