"""Page: how much faster one family is than another at equal accuracy."""

from collections.abc import Sequence

import streamlit as st

from dashboard import comparing, controls, coverage, notices, reading
from dashboard.figures.speedup_figure import front_records, ratio_records, speedup_figure
from dashboard.reading import Chosen, Source
from db.front_views import Mode, Scenario
from db.speedup import Speedup, SpeedupPoint

_MODES: dict[str, Mode] = {"Training": "train", "Inference": "inference"}


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or a filter cannot be understood.
    """
    st.title("Speed-up")
    st.markdown(
        "How much faster one family of networks is than another **at equal accuracy**: the ratio of their measured "
        "throughputs wherever both fronts reach the accuracy. Nothing is extrapolated."
    )
    where = reading.source()
    mode, scenario, sweep = _choices(where)
    publication = controls.publication(reading.combinable(where))
    if publication is None:
        rows = reading.scopes(where, Chosen(mode, scenario, sweep, ""))
    else:
        rows = reading.combined_points(where, mode, scenario, sweep, publication)
    if not rows and publication is None:
        notices.nothing_yet("There is no network yet that is both tested and measured.")
    if not rows:
        notices.nothing_left(
            "No network of this publication was measured here yet, or only while something else used the processors. "
            "`orchestrator launch examples/measure-the-papers-networks.yaml` measures those of the paper."
        )
    rows = controls.scope(rows)
    named = rows if publication else reading.families(where, Chosen(mode, scenario, sweep, ""), rows)
    baseline, candidate = _sides(comparing.families(named))
    scope = comparing.scope_filter(rows[0])
    sides = (f"{baseline} {scope}", f"{candidate} {scope}")
    if publication is None:
        result = reading.comparison_of(where, *sides, mode, scenario, sweep)
        fronts = [_front(where, Chosen(mode, scenario, sweep, side)) for side in sides]
        _answer(result)
    else:
        combined = reading.combined_comparison(where, sides, mode, scenario, sweep, publication)
        result, fronts = combined.speedup, list(combined.fronts)
        _answer(result)
        st.caption(comparing.what_is_paired(combined.pairings))
    _draw(fronts[0], fronts[1], result)
    flattered = coverage.choice([*fronts[0], *fronts[1]], scenario)
    if flattered:
        st.caption(flattered)


def _front(where: Source, chosen: Chosen) -> reading.Rows:
    return reading.nearest(where, chosen, reading.scopes(where, chosen), 0)


def _choices(where: Source) -> tuple[Mode, Scenario, str | None]:
    first, second, third = st.columns(3)
    with first:
        words = controls.choose("Throughput of", list(_MODES), "mode")
    with second:
        scenario = controls.scenario()
    with third:
        return _MODES[words], scenario, controls.sweep(where)


def _sides(families: Sequence[str]) -> tuple[str, str]:
    """Let the reader say what is compared; at first, the plainest family with the one that changes most."""
    left, right = st.columns(2)
    with left:
        baseline = controls.family("baseline", "Baseline", families, families[0])
    with right:
        return baseline, controls.family("candidate", "Candidate", families, families[-1])


def _answer(result: Speedup) -> None:
    st.subheader(comparing.headline(result), anchor=False)
    summary = comparing.summary(result)
    if summary:
        st.markdown(summary)
    if result.maximum is not None and result.maximum.low is not None:
        st.caption(comparing.what_intervals_cover(result))


def _draw(baseline: reading.Rows, candidate: reading.Rows, result: Speedup) -> None:
    if not baseline and not candidate:
        return
    figure = speedup_figure(
        front_records(baseline, candidate),
        ratio_records(result.points),
        palette=controls.palette(),
        stacked=controls.on_a_phone(),
    )
    st.altair_chart(figure, key="speed-up")
    if result.points:
        _table(result.points)


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
    controls.download(lambda: rows, len(rows), "speed-up")


if __name__ == "__main__":
    with notices.errors_told():
        page()
