"""Page: a publication's points beside those measured here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import altair as alt
import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Rows, Source
from dashboard.figures.palette import Palette
from dashboard.figures.published_figure import Side, published_figure, side_points
from dashboard.parts import controls, freshness, notices
from dashboard.parts.contest import Contest
from dashboard.words import beside, comparing, wording
from db.front_views import Mode
from db.speedup import Speedup

_MODES: Final[dict[str, Mode]] = {"Training": "train", "Inference": "inference"}
_IMPORT: Final = "orchestrator import --published examples/published_results.csv"
_CHOICE_WIDTH: Final = 460
_LEGEND: Final = (
    "Lines join the sizes of one family; the plainest is dashed with square marks, as in the paper, and sizes are "
    "named along the first and last line. Point at a network to find it in every panel. Published and measured "
    "throughput come from different machines: compare the lines' distances, not the numbers."
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    heading, corner = st.columns([3, 2], vertical_alignment="bottom")
    heading.title("Published")
    st.markdown(
        "A publication's points as its figure draws them, and what was measured here in the same colours: whether its "
        "families keep their order, and their speed-ups, on this hardware."
    )
    where = reading.source()
    with controls.choices():
        contest, theirs, yours = _choices(where)
    scopes = [comparing.scope_filter(one) for one in (theirs, *(yours or ())[1:])]
    contest = contest.held("published", *scopes, yours and yours[0].publication)
    if yours:
        yours = (replace(yours[0], where=contest.where), yours[1])
    _show(contest, theirs, yours)
    with corner:
        freshness.news(contest.where)


_Yours = tuple[Contest, dict[str, Any]]


def _choices(where: Source) -> tuple[Contest, dict[str, Any], _Yours | None]:
    """Let the reader choose what is shown, and return what competes, the publication's scope, and what is beside it."""
    first, second, third = st.columns([1, 2, 3])
    with first:
        mode = _MODES[controls.choose("Throughput of", list(_MODES), "mode")]
    contest = Contest(where, mode, "best", noisy=controls.noisy())
    scopes = contest.scopes()
    with second:
        theirs = _publication(contest, [row for row in scopes if row["source"] == "published"])
    with third:
        return contest, theirs, _yours(contest, [row for row in scopes if row["source"] == "measured"])


def _publication(contest: Contest, scopes: Rows) -> dict[str, Any]:
    """Let the reader choose one of the published data sets and machines, and return its scope."""
    if not scopes and any(row["source"] == "published" for row in replace(contest, mode="train").scopes()):
        notices.nothing_left("No inference throughput is published here, only that of training: choose Training.")
    if not scopes:
        _nothing_published()
    named = {f"{row['dataset']} on {row['device']}": row for row in scopes}
    return named[controls.choose("Published", list(named), "published")]


def _nothing_published() -> None:
    with notices.place():
        st.info("There are no published results here yet. Bring in those of the paper:", icon=":material/info:")
        st.code(_IMPORT, language="sh", wrap_lines=True)
        st.markdown("Your own stand beside them once there are any; a first sweep, a small one on real images:")
        st.code(notices.FIRST_STEP, language="sh", wrap_lines=True)
    st.stop()


def _yours(contest: Contest, measured: Rows) -> _Yours | None:
    """Let the reader choose what was measured here, and return it with its scope; None if there is nothing."""
    options: dict[str, _Yours] = {}
    for name in reading.combinable(contest.where):
        combined = replace(contest, publication=name)
        for row in combined.scopes():
            options.setdefault(f"Accuracies of {name} on {wording.place(row)}", (combined, row))
    options |= {f"{wording.data_set(row)} on {wording.place(row)}": (contest, row) for row in measured}
    return options[controls.choose("Beside it, from here", list(options), "beside", _YOURS_HELP)] if options else None


_YOURS_HELP: Final = (
    "Your own results, trained and measured here; or the publication's accuracies with the throughput that its "
    "networks have here, which `orchestrator launch examples/measure-the-papers-networks.yaml` measures."
)


def _show(contest: Contest, theirs: dict[str, Any], yours: _Yours | None) -> None:
    series = comparing.series(contest.families(theirs))
    published = contest.points(series, theirs)
    own = comparing.series(yours[0].families(yours[1])) if yours else []
    shared = [name for name in series if name in own]
    points = yours[0].points(shared, yours[1]) if yours and shared else []
    rows = _speedups(contest, theirs, yours, series, shared)
    figure = _draw(contest.mode, theirs, yours, published, points, series)
    st.caption(f"{beside.coverage(published, points, shared, own)} {_LEGEND}")
    _missing(yours, shared)
    _table(rows)
    with st.container(horizontal=True):
        controls.download(lambda: rows, len(rows), "published-speed-ups")
        controls.figure_download(figure, "published")


def _speedups(
    contest: Contest, theirs: dict[str, Any], yours: _Yours | None, series: Sequence[str], shared: Sequence[str]
) -> list[dict[str, Any]]:
    """Let the reader choose a baseline, say what the publication and here come to, and return the rows of the table."""
    place = st.container()
    default = beside.baseline(series, shared)
    names = [default, *(name for name in series if name != default)]
    with st.container(width=_CHOICE_WIDTH):
        base = controls.choose("Speed-ups over", names, "over")
    others = [name for name in series if name != base]
    found = _over(contest, base, others, theirs)
    here = [name for name in others if name in shared] if base in shared else []
    rows = beside.table(others, found, _over(yours[0], base, here, yours[1]) if yours else {})
    place.header(beside.headline(base, rows), anchor=False)
    return rows


def _over(contest: Contest, base: str, others: Sequence[str], scope: dict[str, Any]) -> dict[str, Speedup]:
    return dict(zip(others, contest.over_first([base, *others], scope), strict=True)) if others else {}


def _draw(
    mode: Mode, theirs: dict[str, Any], yours: _Yours | None, published: Rows, points: Rows, series: Sequence[str]
) -> Callable[[Palette], alt.VConcatChart]:
    """Show the chart, and return what draws it in any colours."""
    sides = [Side(side_points(published, mode), f"Published, {theirs['device']}")]
    if yours and points:
        sides.append(Side(side_points(points, mode), f"Here, {yours[1]['device']}"))
    same_y, stacked = bool(yours and yours[0].publication), controls.on_a_phone()

    def figure(palette: Palette) -> alt.VConcatChart:
        return published_figure(sides, mode=mode, series=series, same_y=same_y, palette=palette, stacked=stacked)

    st.altair_chart(figure(controls.palette()), key="published-figure")
    return figure


def _missing(yours: _Yours | None, shared: Sequence[str]) -> None:
    """Say how to get one's own points beside the publication's."""
    if yours is None:
        st.info("Nothing was measured here yet. A first sweep, a small one on real images:", icon=":material/info:")
        st.code(notices.FIRST_STEP, language="sh", wrap_lines=True)
    elif not shared:
        st.info(
            "None of the publication's families was measured here. A sweep with its group sizes, norms and train "
            "resolutions (`native`, `half`) bears their names.",
            icon=":material/info:",
        )


def _table(rows: Sequence[dict[str, Any]]) -> None:
    column = st.column_config
    mean = "Geometric mean over the accuracies that both families reach"
    formats = {
        "series": column.TextColumn("family"),
        "published_largest": column.NumberColumn("published ×", format="%.2f", help="Largest speed-up as published"),
        "published_at_top1": column.NumberColumn("at top-1 %", format="%.2f"),
        "published_mean": column.NumberColumn("mean ×", format="%.2f", help=mean),
        "yours_largest": column.NumberColumn("here ×", format="%.2f", help="Largest speed-up measured here"),
        "yours_low": column.NumberColumn("95 % from", format="%.2f"),
        "yours_high": column.NumberColumn("to", format="%.2f"),
        "yours_at_top1": column.NumberColumn("at top-1 % ", format="%.2f"),
        "yours_mean": column.NumberColumn("mean × ", format="%.2f", help=mean),
        "note": column.TextColumn("note"),
    }
    st.dataframe(rows, column_config=formats, column_order=list(formats), hide_index=True, placeholder="–")


if __name__ == "__main__":
    with notices.errors_told():
        page()
