"""Page: one result, with everything that one needs to defend or doubt it."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.data import reading, result_reading
from dashboard.data.reading import Rows, Source
from dashboard.data.result_reading import Run
from dashboard.figures.curve_figure import curve_figure, curve_records
from dashboard.figures.figure_files import Chart
from dashboard.figures.palette import Palette
from dashboard.parts import controls, job_section, notices, result_links, throughput_section
from dashboard.words import result_words, wording
from dashboard.words.result_words import DIGITS
from db.front_views import Mode
from db.records import EpochRecord, JobRow
from db.result_details import Row

_MODES: Final[dict[Mode, str]] = {"train": "Training throughput", "inference": "Inference throughput"}
_OF: Final = {"train": "training", "inference": "inference"}
#: Epochs that are shown without scrolling.
_FEW: Final = 9


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read, or has no one result of this name.
    """
    where = reading.source()
    heading, asked = st.columns([3, 2], vertical_alignment="bottom")
    with asked:
        prefix = st.text_input(
            "Result",
            key="result",
            bind="query-params",
            placeholder="Fingerprint, or its first 8 digits",
            help="Of an evaluation; those of training runs and measurements are shown, too.",
        )
    with heading:
        title = st.empty()
    title.title("Result")
    if not prefix:
        _newest(where)
        return
    job = result_reading.job(where, prefix)
    if job.stage == "measure":
        _measurement(where, job, title)
    elif job.stage == "train":
        _training(where, job, title)
    else:
        _evaluation(where, job, title)


def _newest(where: Source) -> None:
    """Offer the newest results, where none was asked for."""
    rows = result_links.newest(where)
    if not rows:
        notices.nothing_yet("There are no results yet.")
    st.markdown("Select one of the newest results, or open any other from the fronts and the Results page.")
    links = st.container()
    chosen = result_links.selectable(rows, result_links.COLUMNS, "newest")
    with links:
        result_links.offer(chosen)


def _evaluation(where: Source, job: JobRow, title: Any) -> None:
    row = result_reading.evaluations(where, [job.fingerprint]).get(job.fingerprint)
    run = result_reading.run(where, str(job.depends_on))
    if row is None:
        title.title(wording.literal(job.label))
        _state(where, job)
        job_section.show(where, {"Evaluation": job, "Training": run.job}, {})
        return
    title.title(wording.literal(result_words.title(row)))
    st.markdown(wording.literal(result_words.sentence(row)))
    place = _place(result_reading.in_places(where, [job.fingerprint]))
    _numbers(row, place)
    st.caption(wording.literal(result_words.counts(row)))
    _siblings(run.tests, row)
    _curve(run)
    measured = _throughputs(where, place)
    uses = {row["environment_key"]: ["evaluation"]}
    if run.row is not None:
        uses.setdefault(run.row["environment_key"], []).append("training")
    for one in measured:
        uses.setdefault(one["environment_key"], []).append(f"measuring {_OF[one['mode']]}")
    jobs = {"Evaluation": job, "Training": run.job}
    known = result_reading.jobs(where, [one["fingerprint"] for one in measured])
    jobs |= {f"Measurement of {_OF[one['mode']]}": known[one["fingerprint"]] for one in measured}
    job_section.show(where, jobs, uses)


def _training(where: Source, job: JobRow, title: Any) -> None:
    title.title(wording.literal(f"Training of {job.label}"))
    run = result_reading.run(where, job.fingerprint)
    _state(where, job)
    _siblings(run.tests, {"training_run": job.fingerprint, "evaluation": None, "seed": job.config.get("seed")})
    _curve(run)
    if run.row is not None:
        throughput_section.halves(result_words.training(run.row))
    uses = {} if run.row is None else {run.row["environment_key"]: ["training"]}
    job_section.show(where, {"Training": job}, uses)


def _measurement(where: Source, job: JobRow, title: Any) -> None:
    title.title(wording.literal(f"Measurement of {job.label}"))
    numbers = result_reading.measurements_of(where, job.fingerprint)
    _state(where, job)
    known = result_reading.measured(where, numbers[:1])
    for one in known.values():
        throughput_section.show(one, f"{one.row['mode']}-{job.fingerprint[:DIGITS]}")
    if len(numbers) > 1:
        st.caption(f"The newest of {len(numbers)} measurements that this job made.")
    job_section.show(where, {"Measurement": job}, {str(job.environment_key): ["measuring"]})


def _state(where: Source, job: JobRow) -> None:
    """Say what became of a job, where that is not a result."""
    if job.state == "done":
        return
    show = st.warning if job.state in {"failed", "quarantined", "diverged"} else st.info
    show(wording.literal(result_words.state(job, result_reading.attempts(where, [job.fingerprint]))))


def _place(rows: Rows) -> Row | None:
    """Let the reader choose one place of several; None where the network was not measured anywhere."""
    places: dict[str, Row] = {}
    for row in rows:
        if row["device"] is None:
            continue
        told = wording.place(row)
        if told in places and _measured(places[told]) != _measured(row):
            told = f"{told} (sweep {row['sweep']})"
        places.setdefault(told, row)
    if not places:
        return None
    with st.columns([2, 3])[0]:
        return places[controls.choose("Throughput on", list(places), "place")]


def _measured(row: Row) -> tuple[int | None, ...]:
    return row["train_measurement_id"], row["inference_measurement_id"]


def _numbers(row: Row, place: Row | None) -> None:
    """Show what it comes to."""
    top1, validation, train, inference, size = controls.places(5)
    _top1(top1, row)
    held_out = row["validation_top1"]
    validation.metric("Validation top-1", "–" if held_out is None else f"{held_out:.2f} %")
    for column, mode, words in ((train, "train", "Training"), (inference, "inference", "Inference")):
        rate = None if place is None else place[f"{mode}_images_per_second"]
        told = "not measured" if rate is None or place is None else place[f"{mode}_verdict"]
        value = "–" if rate is None else wording.rate(rate).removesuffix(" images/s")
        column.metric(f"{words}, images/s", value, told, delta_color="off", delta_arrow="off")
    size.metric(
        "Parameters",
        wording.amount(row["params"], "").strip(),
        wording.amount(row["test_macs"], "MACs"),
        delta_color="off",
        delta_arrow="off",
    )


def _siblings(tests: Rows, this: Row) -> None:
    """Link to the other tests of the same training, and to the same test of other seeds."""
    own = [row for row in tests if row["training_run"] == this["training_run"]]
    others = [row for row in own if row["evaluation"] != this["evaluation"]]
    same_test = [row for row in tests if row not in own and _test(row) == _test(this)] if this["evaluation"] else []
    otherwise = "The same training, tested otherwise" if this["evaluation"] else "Its tests"
    for words, rows in ((otherwise, others), ("The same with other seeds", same_test)):
        if rows:
            st.markdown(f"**{words}**")
            _links(rows, [*([this["evaluation"]] if this["evaluation"] else []), *(row["evaluation"] for row in rows)])


def _links(rows: Rows, compared: Sequence[str]) -> None:
    with st.container(horizontal=True):
        for row in rows:
            tuned = "" if row["fine_tune_layers"] == "head" else f", {row['fine_tune_layers']}"
            told = f"{row['test_resolution']} px, seed {row['seed']}{tuned}: {row['top1']:.2f} %"
            result_links.open_one(row["evaluation"], told)
        if result_links.FEWEST <= len(compared) <= result_links.MOST:
            result_links.compare(compared, "Compare them")


def _top1(column: DeltaGenerator, row: Row) -> None:
    """Show the accuracy, and what fine-tuning did to it: green or red, and neither where it did nothing."""
    gain = f"{row['top1'] - row['top1_before_fine_tune']:+.2f}"
    told = None if row["fine_tune_layers"] == "none" else f"{gain} points by fine-tuning"
    value = f"{row['top1']:.2f} %"
    if float(gain) == 0:
        column.metric("Top-1", value, told, delta_color="off", delta_arrow="off")
    else:
        column.metric("Top-1", value, told)


def _test(row: Row) -> tuple[Any, ...]:
    return row["test_resolution"], row["fine_tune_digest"]


def _curve(run: Run) -> None:
    st.header("Learning curve", anchor=False)
    if not run.epochs:
        st.caption("No epoch is stored of this training run.")
        return
    left, right = st.columns([3, 2])
    name = f"curve-{run.job.fingerprint[:DIGITS]}"
    figure_of = partial(_curve_figure, run.epochs)
    with left:
        st.altair_chart(figure_of(controls.palette()), width="content", key="curve")
    with right:
        _epochs(run.epochs)
    if any(one.validation_top1 is not None for one in run.epochs):
        st.caption(result_words.VALIDATION)
    with st.container(horizontal=True):
        controls.download(lambda: [dataclasses.asdict(one) for one in run.epochs], len(run.epochs), name)
        controls.figure_download(figure_of, name)


def _curve_figure(epochs: Sequence[EpochRecord], palette: Palette) -> Chart:
    return curve_figure(curve_records({"this run": epochs}), palette=palette, narrow=controls.on_a_phone())


def _epochs(epochs: Sequence[EpochRecord]) -> None:
    column = st.column_config
    formats = {
        "loss": column.NumberColumn("loss", format="%.4f"),
        "validation_top1": column.NumberColumn("validation, %", format="%.2f", help="Top-1 of validation images"),
        "learning_rate": column.NumberColumn("learning rate", format="%.3g"),
        "seconds": column.NumberColumn("took, s", format="%.1f"),
        "images_per_second": column.NumberColumn("images/s", format="localized", help="With loading, as trained"),
    }
    names = ["epoch", "loss", "validation_top1", "learning_rate", "seconds", "images_per_second"]
    if all(one.validation_top1 is None for one in epochs):
        names.remove("validation_top1")
    rows = [controls.cells(_epoch(one), names) for one in epochs]
    st.dataframe(
        rows, column_config=formats, hide_index=True, height=360 if len(rows) > _FEW else "content", placeholder="–"
    )


def _epoch(one: EpochRecord) -> dict[str, Any]:
    rate = one.images / one.seconds if one.seconds else None
    return dataclasses.asdict(one) | {"images_per_second": rate, "validation_top1": one.validation_top1}


def _throughputs(where: Source, place: Row | None) -> Rows:
    """Show both measurements of a place and return their rows."""
    numbers = {mode: place[f"{mode}_measurement_id"] for mode in _MODES} if place else {}
    known = result_reading.measured(where, [one for one in numbers.values() if one is not None])
    for mode, words in _MODES.items():
        st.header(words, anchor=False)
        number = numbers.get(mode)
        if number is None:
            st.caption("Not measured" + (" in this place." if place else " yet."))
        else:
            throughput_section.show(known[number], f"{mode}-{known[number].row['fingerprint'][:DIGITS]}")
    return [one.row for one in known.values()]


if __name__ == "__main__":
    with notices.errors_told():
        page()
