"""The charts of a search: its trials, how it came to them, what is best where, and what matters."""

from dataclasses import dataclass
from functools import partial
from typing import Final

import streamlit as st

from dashboard.data.reading import Source
from dashboard.figures import heat_figure, importance_figure, trial_figure, trial_points, way_figure
from dashboard.figures.early_figure import early_figure
from dashboard.figures.figure_files import Chart
from dashboard.figures.heat_figure import Table
from dashboard.figures.palette import Palette
from dashboard.figures.trial_figure import PICK, Against
from dashboard.parts import controls, selection, trial_table
from dashboard.words import search_terms, search_words
from dashboard.words.search_account import Account
from dashboard.words.search_terms import Axis, Terms
from db.records import SweepRow

_ALL: Final = "All: the best of any"
_FRONT_LEGEND: Final = (
    "The thick pale line is the front: no complete trial is better in both. Large points are on it; what lies below "
    "its steps is what the hypervolume counts. Grey and hollow does not count: ✚ infeasible, ▽ skipped, ◇ pruned, "
    "□ failed; at the edge where only one of its values is known."
)
_BEST_LEGEND: Final = (
    "The thick pale line is the best complete trial so far. Grey and hollow does not count: ✚ infeasible, ▽ skipped, "
    "◇ pruned, □ failed; what has no value is in the table alone."
)


@dataclass(frozen=True, slots=True)
class Look:
    """How the reader wants a search drawn.

    Attributes:
        by: What a colour stands for; None: the order of finishing, or nothing.
        against: What progress is drawn against.
    """

    by: Axis | None
    against: Against


def show(where: Source, sweep: SweepRow, account: Account, look: Look, picked: selection.Selection) -> None:
    """Show them.

    Args:
        where: The database.
        sweep: That the search is.
        account: What it has come to; at least one trial is complete.
        look: How the reader wants them drawn.
        picked: Which trials are selected.
    """
    _found(account, look, picked)
    trial_table.links(where, sweep.sweep_id, account, picked.points)
    if len(account.terms.objectives) > 1 and account.hypervolume > 0:
        _way(account, look)
    _early(account)
    _heat(account)
    _importances(account)


def _found(account: Account, look: Look, picked: selection.Selection) -> None:
    """Show the trials: between two objectives, or one objective against what it took."""
    single = len(account.terms.objectives) == 1
    st.header("Best so far" if single else "Front", anchor=False)
    known = {*account.front, *(int(one) for one in picked.at_first if one.isdecimal())}
    among = trial_points.drawn(account, known)
    trials = trial_points.trial_records(account, among)

    def figure_of(palette: Palette, *, stacked: bool = False, selected: tuple[str, ...] = ()) -> Chart:
        if single:
            return trial_figure.best_figure(
                trials, account, against=look.against, palette=palette, by=look.by, stacked=stacked, picked=selected
            )
        return trial_figure.front_figure(trials, account, palette=palette, by=look.by, stacked=stacked, picked=selected)

    figure = figure_of(controls.palette(), stacked=controls.on_a_phone(), selected=picked.at_first)
    st.altair_chart(figure, key=selection.CHART, on_select=partial(selection.chart_changed, PICK), selection_mode=PICK)
    st.caption(search_words.drawn(len(among), account))
    st.caption(_BEST_LEGEND if single else _FRONT_LEGEND)
    with st.container(horizontal=True):
        name = "search-best" if single else "search-front"
        trial_table.download(account, name)
        controls.figure_download(figure_of, name)


def _way(account: Account, look: Look) -> None:
    """Show how the search came to its front."""
    st.header("On the way", anchor=False)

    def figure_of(palette: Palette, *, stacked: bool = False) -> Chart:
        return way_figure.way_figure(account, against=look.against, palette=palette, stacked=stacked)

    st.altair_chart(figure_of(controls.palette(), stacked=controls.on_a_phone()), key="way")
    thinned = search_words.progress(len(account.steps), len(account.over))
    if thinned:
        st.caption(thinned)
    with st.container(horizontal=True):
        records = trial_points.progress_records(account)[["over", "slot_hours", "value"]]
        controls.download(lambda: records.to_dict("records"), len(records), "search-hypervolume")
        controls.figure_download(figure_of, "search-way")


def _early(account: Account) -> None:
    """Show the learning curves by which trainings were given up."""
    trials = trial_points.curve_trials(account)
    if not trials:
        return
    st.header("Given up on the way", anchor=False)
    curves = trial_points.curve_records(account, trials)

    def figure_of(palette: Palette, *, narrow: bool = False) -> Chart:
        return early_figure(curves, palette=palette, narrow=narrow)

    st.altair_chart(figure_of(controls.palette(), narrow=controls.on_a_phone()), key="early")
    total = sum(bool(trial.curve) for trial in account.over)
    st.caption(search_words.curves(len(trials), total))
    with st.container(horizontal=True):
        points = [(trial, epoch) for trial in account.over for epoch in sorted(trial.curve)]
        rows = [{"trial": one.number, "state": one.state, "epoch": at, "top1": one.curve[at]} for one, at in points]
        controls.download(lambda: rows, len(rows), "search-curves")
        controls.figure_download(figure_of, "search-curves")


def _heat(account: Account) -> None:
    """Show the best value for each pair of two axes."""
    axes = account.terms.axes
    if len(axes) < 2:
        return
    st.header("What is best where", anchor=False)
    table = _table(account.terms)
    cells = heat_figure.heat_records(account, table)
    if cells["value"].notna().any():
        shown = heat_figure.drawn(cells)

        def figure_of(palette: Palette, *, narrow: bool = False) -> Chart:
            figure: Chart = heat_figure.heat_figure(shown, account, table, palette=palette, narrow=narrow)
            return figure

        st.altair_chart(figure_of(controls.palette(), narrow=controls.on_a_phone()), key="heat", width="content")
        st.caption(search_words.heat(cells["tried"].tolist(), cells["value"].notna().tolist(), len(shown)))
        with st.container(horizontal=True):
            columns = {"column": table.across.name, "row": table.up.name}
            told = cells[["column", "row", "value", "Trial", "Trials there"]].rename(columns=columns)
            controls.download(lambda: told.to_dict("records"), len(told), "search-heat-map")
            controls.figure_download(figure_of, "search-heat-map")
    else:
        st.info("No complete trial has this value. Choose another one.", icon=":material/filter_alt_off:")


def _table(terms: Terms) -> Table:
    """Let the reader choose what the heat map shows; at first, test against train resolution."""
    first, second, third, fourth = st.columns(4)
    titles = {search_terms.title(one): index for index, one in enumerate(terms.objectives)}
    with first:
        objective = titles[controls.choose("Best value of", list(titles), "cell")]
    ordered = search_terms.resolutions_first(terms.axes)
    names = {axis.title: axis for axis in ordered}
    with second:
        across = names[controls.choose("Columns", list(names), "across")]
    others = {name: axis for name, axis in names.items() if axis != across}
    with third:
        up = others[controls.choose("Rows", list(others), "up")]
    rest = [axis for axis in ordered if axis not in {across, up}]
    options = {f"{axis.words} = {value}": (axis.name, value) for axis in rest for value in axis.choices}
    with fourth:
        only = options.get(controls.choose("Only", [_ALL, *options], "only")) if options else None
    return Table(across, up, objective, dict([only] if only else []))


def _importances(account: Account) -> None:
    """Show how much each axis matters."""
    bars = importance_figure.importance_records(account.row.importances, account.terms)
    st.header("What matters", anchor=False)
    if bars.empty:
        st.caption("How much each axis matters is told once enough trials are over.")
        return

    def figure_of(palette: Palette, *, narrow: bool = False) -> Chart:
        return importance_figure.importance_figure(bars, palette=palette, narrow=narrow)

    st.altair_chart(figure_of(controls.palette(), narrow=controls.on_a_phone()), key="importance", width="content")
    st.caption(importance_figure.MEANING)
    with st.container(horizontal=True):
        rows = bars[["objective", "axis", "share"]].to_dict("records")
        controls.download(lambda: rows, len(rows), "search-importance")
        controls.figure_download(figure_of, "search-importance")
