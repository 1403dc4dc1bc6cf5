"""The page of one front: for training and for inference alike."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Chosen, Rows, Source
from dashboard.figures import families
from dashboard.figures.figure_files import Spec
from dashboard.figures.front_figure import PICK, Lines, front_figure, is_crowd
from dashboard.figures.front_points import Drawn, front_points
from dashboard.figures.palette import Palette
from dashboard.parts import controls, freshness, notices, selection
from dashboard.words import coverage
from db.front_views import SCOPE, Mode
from db.group_fronts import COSTS, Cost

_TITLES: Final[dict[Mode, str]] = {"train": "Training front", "inference": "Inference front"}
_LEDES: Final[dict[Mode, str]] = {
    "train": "Which network is the best trade-off to train here: the same accuracies against what theory counts, and "
    "against the throughput that was measured.",
    "inference": "Which network is the best trade-off to run here: the same accuracies against what theory counts, and "
    "against the throughput that was measured.",
}
_LINES: Final[dict[str, Lines]] = {
    "Sizes of one configuration": "sizes",
    "The front of each colour": "fronts",
    "Nothing": "none",
}
_LINES_HELP: Final = (
    "Sizes: a line through the sizes and widths of one configuration, as in the paper. Front of each colour: what is "
    "best of each group, such as each group size or norm, as if nothing else had been measured."
)
_COSTS: Final[dict[Cost, str]] = {"images_per_second": "throughput", "macs": "multiply-accumulates"}
_GREY_HELP: Final = "Draw what was measured and does not compete in grey, each reason in its own shape."
_LEGEND: Final = (
    "The thick pale line in each panel is the front: nothing else here is as accurate and as fast (left: as cheap). "
    "Large points are on the measured front. Horizontal whiskers: the middle half of the timed blocks (interquartile "
    "range); vertical: one standard deviation over seeds. Grey and hollow does not compete: ◇ noisy, its timed blocks "
    "disagree; ✚ contended, other programs ran; ▽ stale, its software is no longer there. Click a name in the legend "
    "to single it out."
)


@dataclass(frozen=True, slots=True)
class _Look:
    """How the reader wants the points drawn.

    Attributes:
        parts: What a colour stands for; of ``families.PARTS``.
        lines: What lines join.
        grey: Whether what does not compete is drawn, too.
    """

    parts: tuple[str, ...]
    lines: Lines
    grey: bool

    @property
    def columns(self) -> list[str]:
        """Columns of the points that tell colours apart."""
        return [families.PARTS[part].column for part in self.parts]


def show(mode: Mode) -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or a filter cannot be understood.
    """
    heading, corner = st.columns([3, 2], vertical_alignment="bottom")
    heading.title(_TITLES[mode])
    st.markdown(_LEDES[mode])
    now = reading.source()
    with controls.choices():
        first, second = st.columns([2, 2, 3, 3]), st.columns([3, 2, 3])
        chosen, look = _choices(now, mode, [*first[:2], *second])
        found = reading.places(now, chosen)
        inside = [_place(scope) for scope in controls.scope(found, first[2:])] if found else []
    where = freshness.held(now, mode, chosen, *inside)
    with corner:
        freshness.news(where)
    if not found:
        _nothing(now, chosen)
    scopes = [scope for scope in reading.places(where, chosen) if _place(scope) in inside]
    drawn = _read(where, chosen, scopes, look)
    picked = selection.of_chart((where, chosen, *inside, look, controls.palette(), controls.on_a_phone()))
    st.markdown(coverage.theory_and_practice(drawn))
    figure_of = _draw(where, drawn, chosen, look, picked)
    selection.show(picked.points, drawn.rows, partial(reading.evaluations, where, chosen))
    told = [_coverage(where, chosen, scopes, drawn), coverage.in_part(_in_part(where, chosen, scopes, look, drawn))]
    st.caption(" ".join(one for one in told if one))
    st.caption(f"{_LEGEND} {coverage.whiskers(crowded=is_crowd(len(drawn.rows)))}")
    _table(drawn.rows, mode)
    with st.container(horizontal=True):
        points = sum(scope["points"] for scope in scopes)
        controls.download(lambda: reading.all_points(where, chosen, scopes), points, f"{mode}-front")
        controls.figure_download(figure_of, f"{mode}-front")


def _place(scope: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(scope[name] for name in SCOPE)


def _choices(where: Source, mode: Mode, columns: Sequence[Any]) -> tuple[Chosen, _Look]:
    sweeps, tested, colours, lines, filters = columns
    with sweeps:
        sweep = controls.sweep(where)
    with tested:
        scenario = controls.scenario()
    with colours:
        parts = _grouping()
    with lines:
        joined = controls.choose("Lines join", list(_LINES), "lines", _LINES_HELP)
    with filters:
        text = controls.filter_text()
    with st.container(horizontal=True, gap="large"):
        noisy = controls.noisy()
        grey = controls.switch("Show what does not compete", "grey", _GREY_HELP, at_first=True)
    return Chosen(mode, scenario, sweep, text, noisy), _Look(tuple(parts), _LINES[joined], grey)


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
    if not reading.places(where, Chosen(chosen.mode, "all", None, "")):
        notices.nothing_yet("There is no network yet that is both tested and measured.")
    if chosen.sweep is None and not chosen.text and chosen.scenario == "native":
        notices.nothing_left("Nothing was tested at its native resolution. Choose another test resolution above.")
    if chosen.sweep is not None and not chosen.text:
        notices.nothing_left("Nothing of this sweep is both tested (as chosen above) and measured yet.")
    notices.nothing_left(
        "No result is left: the sweep, the test resolution or the filter above leaves all of them out."
    )


def _read(where: Source, chosen: Chosen, scopes: Rows, look: _Look) -> Drawn:
    most = coverage.DRAWN
    leaders = (
        {cost: reading.leaders(where, chosen, scopes, look.columns, cost, most) for cost in COSTS}
        if look.lines == "fronts"
        else {}
    )
    return Drawn(
        competing=reading.nearest(where, chosen, scopes, most),
        greyed=reading.greyed(where, chosen, scopes, coverage.GREYED) if look.grey else [],
        leaders=leaders,
        theory=reading.leaders(where, chosen, scopes, [], "macs", most),
    )


def _draw(where: Source, drawn: Drawn, chosen: Chosen, look: _Look, picked: selection.Selection) -> Any:
    """Draw the chart and return what draws it in any colours."""
    mode, rows = chosen.mode, drawn.rows
    if not rows:
        notices.nothing_left(
            "Nothing competes here: every measurement is noisy, disturbed or of software that is no longer there."
        )
    measurements = {row[f"{mode}_measurement_id"] for row in rows} - {None}
    blocks = reading.blocks(where, sorted(measurements))
    points = front_points(drawn, mode=mode, scenario=chosen.scenario, parts=look.parts, blocks=blocks)
    names = families.names(rows, look.parts)

    def figure_of(palette: Palette, *, stacked: bool = False, selected: Sequence[str] = ()) -> Spec:
        return front_figure(
            points, mode=mode, families=names, palette=palette, stacked=stacked, lines=look.lines, picked=selected
        )

    figure = figure_of(controls.palette(), stacked=controls.on_a_phone(), selected=picked.at_first)
    changed = partial(selection.chart_changed, PICK)
    st.vega_lite_chart(figure, key=selection.CHART, on_select=changed, selection_mode=PICK)
    return figure_of


def _coverage(where: Source, chosen: Chosen, scopes: Rows, drawn: Drawn) -> str:
    everything = replace(chosen, scenario="all")
    inside = [_place(scope) for scope in scopes]
    tested = sum(scope["points"] for scope in reading.places(where, everything) if _place(scope) in inside)
    greyed, rows = len(drawn.greyed), drawn.rows
    aside = greyed if greyed < coverage.GREYED else reading.counted_greyed(where, chosen, scopes)
    return coverage.sentence(
        rows[: len(rows) - greyed],
        sum(scope["points"] for scope in scopes),
        tested,
        reading.left_out(where, everything, scopes),
        mode=chosen.mode,
        scenario=chosen.scenario,
        greyed=(greyed, aside),
    )


def _in_part(where: Source, chosen: Chosen, scopes: Rows, look: _Look, drawn: Drawn) -> dict[str, tuple[int, int]]:
    """Return how many points of each front of groups are drawn, and how many there are."""
    fronts: list[tuple[str, Rows, list[str], Cost]] = [
        (f"points that lead their colour by {_COSTS[cost]}", rows, look.columns, cost)
        for cost, rows in drawn.leaders.items()
    ]
    fronts.append((f"points that lead all by {_COSTS['macs']}", drawn.theory, [], "macs"))
    return {
        words: (len(rows), reading.counted_leaders(where, chosen, scopes, by, cost))
        for words, rows, by, cost in fronts
        if len(rows) >= coverage.DRAWN  # else all of it is there
    }


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
    spread = f"{mode}_throughput_cv"
    columns = [*_COLUMNS, spread, f"{mode}_verdict", "train_macs", "test_macs", "params"]
    points = [families.identity(row) for row in rows]
    key = f"points-{hash(tuple(points)):x}"  # another table where there are other rows: ticks never move to others
    st.dataframe(
        [{**controls.cells(row, columns), spread: _percent(row[spread])} for row in rows],
        column_config=_formats(mode),
        hide_index=True,
        placeholder="–",
        key=key,
        on_select=partial(selection.table_changed, key, points),
        selection_mode="multi-row",
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


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
        f"{mode}_throughput_cv": column.NumberColumn(
            "spread %", format="%.1f", help="Standard deviation of the timed blocks over their mean"
        ),
        f"{mode}_verdict": column.TextColumn("verdict"),
        "train_macs": column.NumberColumn("train MACs", format="compact"),
        "test_macs": column.NumberColumn("test MACs", format="compact"),
        "params": column.NumberColumn("parameters", format="compact"),
    }
