"""Page: two to six results side by side, differences first."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import streamlit as st

from dashboard.data import reading, result_reading
from dashboard.data.reading import Rows, Source
from dashboard.figures.curve_figure import curve_figure, curve_records
from dashboard.figures.figure_files import Chart
from dashboard.figures.palette import Palette
from dashboard.figures.sample_figure import compared_figure
from dashboard.parts import controls, notices, result_links
from dashboard.parts.result_links import FEWEST, MOST
from dashboard.words import result_words, side_by_side, wording
from dashboard.words.side_by_side import Side
from db.errors import UnknownNameError
from db.front_views import MODES, Mode
from db.records import EpochRecord
from db.result_details import Measured, Row
from db.speedup import SpeedupPoint

_HEADINGS: Final[dict[Mode, str]] = {"train": "Training throughput", "inference": "Inference throughput"}
_INTERVALS: Final = (
    "The interval of a difference in top-1 comes from the number of test images alone: what another seed would change "
    "is not in it. That of a ratio comes from rounds and timed blocks."
)
_LEGEND: Final = (
    "Ratios are drawn round by round: where rounds took turns, a machine that was slow for a while was slow for all, "
    "and that stays out of the ratio; so does what the reference network between the blocks tells of the machine's "
    "pace. Intervals of the throughputs themselves hold it, so they may overlap where the ratio is certain."
)


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    st.title("Compare")
    st.markdown("Two to six results side by side, differences first. The first one is what the others are held to.")
    where = reading.source()
    text = st.text_input(
        "Results",
        key="results",
        bind="query-params",
        placeholder="Fingerprints, or their first 8 digits, with commas between",
        help="Of evaluations. Select rows on the Results page, or points of a front, to get here with a click.",
    )
    found = _found(where, text)
    if len(found) < FEWEST:
        _too_few(where, found)
        return
    rows = result_reading.evaluations(where, found)
    sides = _sides(where, [rows[one] for one in found])
    for said in side_by_side.sentences(sides):
        st.markdown(f"- {wording.literal(said)}")
    st.caption(_INTERVALS)
    with st.container(horizontal=True):
        for name, one in zip(sides, found, strict=True):
            result_links.open_one(one, f"Open {name}")
    _differences(sides)
    _curves(where, sides)
    for mode in MODES:
        _throughput(sides, mode)


def _found(where: Source, text: str) -> list[str]:
    """Return the evaluations that are asked for, at most so many; tell which are not there."""
    named = side_by_side.asked(text)
    found: dict[str, None] = {}
    for one in named:
        try:
            job = result_reading.job(where, one)
        except UnknownNameError as error:
            st.warning(wording.literal(f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}"))
            continue
        if job.fingerprint in result_reading.evaluations(where, [job.fingerprint]):
            found[job.fingerprint] = None
        else:
            st.warning(wording.literal(_no_result(job.stage, job.state, one)))
    if len(found) > MOST:
        st.warning(f"{len(found)} results are named; the first {MOST} are shown, more cannot be compared at once.")
    return list(found)[:MOST]


def _no_result(stage: str, state: str, name: str) -> str:
    if stage == "evaluate":
        return f"{name} has no result: its evaluation is {state}."
    kind = {"train": "training run", "measure": "measurement"}[stage]
    return f"{name} is a {kind}; only evaluations can be compared."


def _too_few(where: Source, found: Sequence[str]) -> None:
    rows = result_links.newest(where)
    if not rows:
        notices.nothing_yet("There are no results yet.")
    alone = "One result alone cannot be compared. " if found else ""
    st.info(f"{alone}Name two to six results, or select them here, on the Results page or on a front.")
    links = st.container()
    chosen = result_links.selectable(rows, result_links.COLUMNS, "newest")
    with links:
        result_links.offer([*found, *chosen])


def _sides(where: Source, rows: Rows) -> dict[str, Side]:
    """Return all that is known of the results, by name."""
    fingerprints = [row["evaluation"] for row in rows]
    jobs = result_reading.jobs(where, fingerprints)
    placed = _place(result_reading.in_places(where, fingerprints))
    numbers = [number for row in placed.values() for number in _numbers(row).values()]
    known = result_reading.measured(where, sorted(set(numbers)))
    keys = sorted({row["environment_key"] for row in placed.values()})
    software = {row["environment_key"]: row["software"] for row in result_reading.environments(where, keys)}
    return {
        name: _side(row, jobs[row["evaluation"]].config, placed.get(row["evaluation"]), known, software)
        for name, row in zip(side_by_side.names(rows), rows, strict=True)
    }


def _side(row: Row, config: Row, place: Row | None, known: Mapping[int, Measured], software: Mapping[str, Row]) -> Side:
    if place is None:
        return Side(row, config)
    measured = {mode: known[number] for mode, number in _numbers(place).items()}
    return Side(row, config, measured, software[place["environment_key"]])


def _numbers(row: Row) -> dict[Mode, int]:
    found = {mode: row[f"{mode}_measurement_id"] for mode in MODES}
    return {mode: number for mode, number in found.items() if number is not None}


def _place(rows: Rows) -> dict[str, Row]:
    """Let the reader choose one place of several and return its rows by evaluation, each of the newest sweep."""
    places: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row["device"] is not None and _numbers(row):
            places.setdefault(wording.place(row), {}).setdefault(row["evaluation"], row)
    if not places:
        return {}
    most_first = sorted(places, key=lambda one: -len(places[one]))
    return places[controls.choose("Throughput on", most_first, "place")]


def _differences(sides: Mapping[str, Side]) -> None:
    st.header("What differs", anchor=False)
    found = side_by_side.properties(list(sides.values()))
    names = list(sides)
    different = [one for one in found if one.differs]
    if different:
        _properties(side_by_side.table(different, names))
    else:
        st.caption("Nothing: all that is known of these results is the same.")
    same = [one for one in found if not one.differs]
    with st.expander(f"What agrees ({wording.counted(len(same), 'property').replace('propertys', 'properties')})"):
        _properties(side_by_side.table(same, names))
    controls.download(lambda: side_by_side.table(found, names), len(found), "compared")


def _properties(rows: Sequence[dict[str, str]]) -> None:
    formats = {"property": st.column_config.TextColumn("property", width=210, pinned=not controls.on_a_phone())}
    st.dataframe(rows, hide_index=True, column_config=formats, height="content")


def _curves(where: Source, sides: Mapping[str, Side]) -> None:
    """Overlay the learning curves; results of the same training run have one."""
    st.header("Learning curves", anchor=False)
    sharing: dict[str, list[str]] = {}
    for name, side in sides.items():
        sharing.setdefault(side.row["training_run"], []).append(name)
    found = {_shared(names): result_reading.epochs(where, run) for run, names in sharing.items()}
    numbers = [
        list(sides).index(names[0]) for names, epochs in zip(sharing.values(), found.values(), strict=True) if epochs
    ]
    runs = {name: epochs for name, epochs in found.items() if epochs}
    missing = [name for name in found if name not in runs]
    if missing:
        st.caption(wording.literal(f"No epoch is stored of {wording.listed(missing)}."))
    if not runs:
        return
    figure_of = partial(_curve_figure, runs, numbers)
    st.altair_chart(figure_of(controls.palette()), width="content", key="curves")
    if any(one.validation_top1 is not None for epochs in runs.values() for one in epochs):
        st.caption(result_words.VALIDATION)
    with st.container(horizontal=True):
        number = sum(len(epochs) for epochs in runs.values())
        controls.download(lambda: _epochs(runs), number, "compared-curves")
        controls.figure_download(figure_of, "compared-curves")


def _shared(names: Sequence[str]) -> str:
    """Return the name of a curve that several results have."""
    if len(names) == 1:
        return names[0]
    return f"{wording.listed(name.split(':')[0] for name in names)}, the same run"


def _curve_figure(runs: Mapping[str, Sequence[EpochRecord]], numbers: Sequence[int], palette: Palette) -> Chart:
    return curve_figure(curve_records(runs), palette=palette, numbers=numbers, narrow=controls.on_a_phone())


def _epochs(runs: Mapping[str, Sequence[EpochRecord]]) -> list[dict[str, Any]]:
    return [{"run": name, **dataclasses.asdict(one)} for name, epochs in runs.items() for one in epochs]


def _throughput(sides: Mapping[str, Side], mode: Mode) -> None:
    st.header(_HEADINGS[mode], anchor=False)
    measured = {name: side.measured[mode] for name, side in sides.items() if mode in side.measured}
    missing = [name for name in sides if name not in measured]
    if missing:
        st.caption(wording.literal(f"Not measured in this place: {wording.listed(missing)}."))
    drawn = {name: one for name, one in measured.items() if one.blocks}
    if not drawn:
        return
    ratios = side_by_side.ratios(sides, mode)
    figure_of = partial(_compared_figure, drawn, ratios, list(sides))
    st.altair_chart(figure_of(controls.palette()), width="content", key=f"compared-{mode}")
    first = next(iter(sides))
    shared = [name for name in drawn if name not in {first, *ratios}] if first in drawn else []
    if ratios:
        st.caption(_LEGEND)
    if shared:
        st.caption(wording.literal(f"The same measurement as that of the first: {wording.listed(shared)}."))
    blocks = [{"result": name, **block} for name, one in drawn.items() for block in one.blocks]
    with st.container(horizontal=True):
        controls.download(lambda: blocks, len(blocks), f"compared-{mode}")
        controls.figure_download(figure_of, f"compared-{mode}")


def _compared_figure(
    drawn: Mapping[str, Measured], ratios: Mapping[str, SpeedupPoint], names: Sequence[str], palette: Palette
) -> Chart:
    return compared_figure(drawn, ratios, names=names, palette=palette, stacked=controls.on_a_phone())


if __name__ == "__main__":
    with notices.errors_told():
        page()
