"""Page: how much faster one family is than another at equal accuracy."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import altair as alt
import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Rows, Source
from dashboard.figures.palette import Palette
from dashboard.figures.speedup_figure import front_records, ratio_records, speedup_figure
from dashboard.figures.steps_figure import step_records, steps_figure
from dashboard.parts import controls, freshness, notices
from dashboard.parts.contest import Compared, Contest
from dashboard.words import comparing, coverage, steps
from dashboard.words.steps import Account
from db.front_views import Mode
from db.speedup import Speedup, SpeedupPoint

_MODES: Final[dict[str, Mode]] = {"Training": "train", "Inference": "inference"}
_STEPS_LEGEND: Final = (
    "Each bar is what one change does to the throughput at equal accuracy, and begins where the one before ended; "
    "whiskers are 95 % intervals where they are known."
)
_CHOICE_WIDTH: Final = 460


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or a filter cannot be understood.
    """
    heading, corner = st.columns([3, 2], vertical_alignment="bottom")
    heading.title("Speed-up")
    st.markdown(
        "How much faster one family of networks is than another **at equal accuracy**: the ratio of their measured "
        "throughputs wherever both fronts reach the accuracy. Nothing is extrapolated."
    )
    with controls.choices():
        contest = _choices(reading.source())
        scopes = contest.scopes()
        if not scopes:
            _nothing(contest)
        place = controls.scope(scopes)[0]
        sides = _sides(comparing.families(contest.families(place)))
    scope = comparing.scope_filter(place)
    contest = contest.held("speed-up", scope, *sides)
    compared = contest.compare(*(f"{side} {scope}" for side in sides))
    _answer(compared.speedup)
    if contest.publication:
        st.caption(comparing.what_is_paired(compared.pairings))
    _draw(compared)
    flattered = coverage.choice([*compared.fronts[0], *compared.fronts[1]], contest.scenario)
    if flattered:
        st.caption(flattered)
    _steps(contest, place, sides)
    with corner:
        freshness.news(contest.where)


def _nothing(contest: Contest) -> None:
    if contest.publication is None and not contest.noisy and replace(contest, noisy=True).scopes():
        notices.nothing_left("Every measurement here is noisy. Let noisy ones compete, too, or measure again.")
    if contest.publication is None:
        notices.nothing_yet("There is no network yet that is both tested and measured.")
    notices.nothing_left(
        "No network of this publication was measured here yet, or only while something else used the processors. "
        "`orchestrator launch examples/measure-the-papers-networks.yaml` measures those of the paper."
    )


def _choices(where: Source) -> Contest:
    first, second, third = st.columns(3)
    with first:
        words = controls.choose("Throughput of", list(_MODES), "mode")
    with second:
        scenario = controls.scenario()
    with third:
        sweep = controls.sweep(where)
    publication = controls.publication(reading.combinable(where))
    return Contest(where, _MODES[words], scenario, sweep, publication, controls.noisy())


def _sides(families: Sequence[str]) -> tuple[str, str]:
    """Let the reader say what is compared; at first, the plainest family with the one that changes most."""
    left, right = st.columns(2)
    with left:
        baseline = controls.family("baseline", "Baseline", families, families[0])
    with right:
        return baseline, controls.family("candidate", "Candidate", families, families[-1])


def _answer(result: Speedup) -> None:
    st.header(comparing.headline(result), anchor=False)
    summary = comparing.summary(result)
    if summary:
        st.markdown(summary)
    if result.maximum is not None and result.maximum.low is not None:
        st.caption(comparing.what_intervals_cover(result))


def _draw(compared: Compared) -> None:
    if not any(compared.fronts):
        return
    points = compared.speedup.points
    fronts, ratios, stacked = front_records(*compared.fronts), ratio_records(points), controls.on_a_phone()

    def figure(palette: Palette) -> alt.HConcatChart | alt.VConcatChart:
        return speedup_figure(fronts, ratios, palette=palette, stacked=stacked)

    st.altair_chart(figure(controls.palette()), key="speed-up")
    if points:
        _table(points)
    with st.container(horizontal=True):
        if points:
            controls.download(lambda: [point.to_json() for point in points], len(points), "speed-up")
        controls.figure_download(figure, "speed-up")


def _table(points: Sequence[SpeedupPoint]) -> None:
    column = st.column_config
    formats = {
        "top1": column.NumberColumn("top-1 %", format="%.2f"),
        "speedup": column.NumberColumn("speed-up ×", format="%.2f"),
        "low": column.NumberColumn("95 % from", format="%.2f"),
        "high": column.NumberColumn("to", format="%.2f"),
    }
    rows = [point.to_json() for point in points]
    st.dataframe(rows, column_config=formats, hide_index=True, placeholder="–")


def _steps(contest: Contest, scope: dict[str, Any], sides: tuple[str, str]) -> None:
    """Show how the speed-up comes about, change by change."""
    st.header("Step by step", anchor=False)
    families = contest.families(scope)
    names = comparing.series(families)
    chain = _chain(names, steps.chain(families, *_ends(names, sides)))
    if len(chain) < 2:
        st.info("Choose at least two families: a step leads from one to the next.", icon=":material/info:")
        return
    possible = contest.choices(chain, scope)
    with st.container(width=_CHOICE_WIDTH):
        words = controls.choose("Steps are told", [steps.CHOICES[one] for one in possible], "at")
    choice = next(one for one in possible if steps.CHOICES[one] == words)
    changes = _changes(contest, families, scope, chain)
    found = contest.breakdown(chain, scope, choice)
    account = steps.account(found, choice, chain[1:], changes, only=len(possible) == 1)
    st.markdown(steps.sentence(account))
    _draw_steps(account, chain[0])
    st.caption(f"{_STEPS_LEGEND} {steps.note(account)}")
    rows = steps.table(account)
    st.dataframe(rows, column_config=_step_formats(), hide_index=True, placeholder="–")
    controls.download(lambda: rows, len(rows), "speed-up-steps")


def _draw_steps(account: Account, first: str) -> None:
    records, narrow = step_records(account), controls.on_a_phone()

    def figure(palette: Palette) -> alt.LayerChart:
        return steps_figure(records, first=first, palette=palette, narrow=narrow)

    st.altair_chart(figure(controls.palette()), key="steps-figure")
    with st.container(horizontal=True):
        controls.figure_download(figure, "speed-up-steps")


def _changes(contest: Contest, families: Rows, scope: dict[str, Any], chain: Sequence[str]) -> list[str]:
    """Say in what each family of a chain differs from the one before."""
    described = {str(row["series"]): [row] for row in families}
    points = [front or described[name] for name, front in zip(chain, contest.fronts(chain, scope), strict=True)]
    return [steps.change(before, after) for before, after in itertools.pairwise(points)]


def _ends(names: Sequence[str], sides: tuple[str, str]) -> tuple[str, str]:
    """Return the families that were compared; for other filters, the plainest and the most changed."""
    known = {comparing.filter_of(name): name for name in names}
    first, last = (known.get(side) for side in sides)
    return (first, last) if first and last else (names[0], names[-1])


def _chain(names: Sequence[str], automatic: Sequence[str]) -> list[str]:
    """Let the reader choose the families of the chain; the automatic ones while they do not."""
    chosen = st.multiselect(
        "Families, from the first to the last",
        names,
        key="steps",
        bind="query-params",
        placeholder=" → ".join(automatic),
        help="At first, those on the way from the baseline to the candidate, with one change at a time. The order in "
        "which you choose them is the order of the steps.",
    )
    return chosen or list(automatic)


def _step_formats() -> dict[str, Any]:
    column = st.column_config
    return {
        "series": column.TextColumn("leads to"),
        "change": column.TextColumn("step"),
        "speedup": column.NumberColumn("speed-up ×", format="%.2f", help="Over the family before, geometric mean"),
        "low": column.NumberColumn("95 % from", format="%.2f"),
        "high": column.NumberColumn("to", format="%.2f"),
        "from_top1": column.NumberColumn("from top-1 %", format="%.2f", help="Lowest of its accuracies"),
        "to_top1": column.NumberColumn("to top-1 %", format="%.2f", help="Highest of its accuracies"),
        "accuracies": column.NumberColumn("accuracies", format="%d", help="Over which the mean is taken"),
        "over_first": column.NumberColumn("over the first ×", format="%.2f", help="This step and those before it"),
        "note": column.TextColumn("note"),
    }


if __name__ == "__main__":
    with notices.errors_told():
        page()
