"""The page about one result, and the ways to it."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from dataclasses import replace

import pytest
from streamlit.proto.Metric_pb2 import Metric

from dashboard.words import result_words
from db.publications import read_csv
from db.reader import open_reader
from db.store import open_store
from tests.dashboard.detailed import (
    EPOCHS,
    FAMILIES,
    TESTED,
    epochs_of,
    evaluation,
    failed_training,
    measured,
    measurement,
    running_training,
    training,
)
from tests.dashboard.seeded import CPU, PUBLISHED, VALIDATION_IMAGES, Seeder
from workers.protocol.jobs import job_from_dict
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

PLAIN, CHANGED = FAMILIES
ON_CPU = "Intel(R) Xeon(R) Platinum 8481C, 1 thread, fp32"


def said(app):
    """Return all words of a page, its tables included."""
    elements = [*app.title, *app.header, *app.markdown, *app.caption, *app.error, *app.info, *app.warning, *app.code]
    tables = [table.value.to_csv(index=False) for table in (*app.dataframe, *app.table)]
    return "\n".join([*(str(element.value) for element in elements), *tables]).replace("\\", "")


def links(app):
    """Return label and query of each link to another page."""
    return {
        link.proto.label.replace("\\", ""): (link.proto.page, link.proto.query_string) for link in app.get("page_link")
    }


@pytest.mark.parametrize(("brought", "colour"), [(1, "GREEN"), (0, "GRAY"), (-1, "RED")])
def test_fine_tuning_that_brought_nothing_is_neither_green_nor_red(open_page, detailed_url, tmp_path, brought, colour):
    file = tmp_path / "details.db"
    shutil.copy(detailed_url.removeprefix("sqlite:///"), file)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE evaluations SET correct_before_fine_tune = correct - ?", [brought])
        connection.commit()
    app = open_page("result", f"sqlite:///{file}", result=evaluation(PLAIN).fingerprint)
    (shown,) = (one for one in app.metric if one.label == "Top-1")
    assert Metric.MetricColor.Name(shown.color) == colour


def test_a_result_is_told_in_words_and_numbers_with_units(open_page, detailed_url, details):
    job = evaluation(CHANGED)
    app = open_page("result", detailed_url, result=job.fingerprint[:8], place=ON_CPU)
    row = details.evaluations([job.fingerprint])[job.fingerprint]
    assert app.title[0].value.replace("\\", "") == "G16-LN+PN-Half b0 ×0.5"
    assert "Trained at 20 px (half), tested at 28 px (native), seed 0, on fashion-mnist, 12,000 training" in said(app)
    metrics = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    gain = row["top1"] - row["top1_before_fine_tune"]
    assert metrics["Top-1"] == (f"{row['top1']:.2f} %", f"{gain:+.2f} points by fine-tuning")
    assert metrics["Validation top-1"][0] == f"{row['validation_top1']:.2f} %"
    train = measured(details, measurement(CHANGED, "train", 20)).row
    assert metrics["Training, images/s"] == (f"{train['images_per_second']:,.0f}", "noisy")
    assert f"{row['correct']:,} of 2,000 test images right" in said(app)


def test_a_measurement_is_told_with_interval_verdict_settings_and_what_loading_costs(open_page, detailed_url, details):
    app = open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint, place=ON_CPU)
    words = said(app)
    row = measured(details, measurement(CHANGED, "inference", 28)).row
    assert f"{row['images_per_second']:,.0f} images/s" in words
    assert f"{row['low']:,.0f} images/s to {row['high']:,.0f} images/s" in words
    assert "Noisy: all blocks together vary by 7 %." in words
    assert '"4 rounds, 1 disturbed; 15 timed blocks count"' in words
    assert '"128 images, the fastest of those tried"' in words
    assert "80 % of the network alone" in words
    assert "5.0× the network" in words
    latencies = [row[f"latency_{name}_milliseconds"] for name in ("p50", "p90", "p99")]
    assert '"median {:.2f} ms, p90 {:.2f} ms, p99 {:.2f} ms"'.format(*latencies) in words
    assert "412 MB" in words


def test_another_place_tells_other_measurements(open_page, detailed_url, details):
    app = open_page("result", detailed_url, result=evaluation(PLAIN).fingerprint)
    assert set(app.selectbox(key="place").options) == {ON_CPU, "NVIDIA H200, 1 thread, fp32"}
    slow = measured(details, measurement(PLAIN, "train", 20, CPU)).row["images_per_second"]
    app.selectbox(key="place").set_value(ON_CPU).run()
    assert next(metric.value for metric in app.metric if metric.label == "Training, images/s") == f"{slow:,.0f}"


def test_two_sweeps_that_measured_differently_in_one_place_are_told_apart(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/twice.db"
    seeder = Seeder(url)
    job, measured = evaluation(PLAIN), replace(measurement(PLAIN, "train", 20), loading=None)
    for name, throughput in (("first", measured), ("second", replace(measured, batch_size=64))):
        sweep = seeder.begin(name, [job.training, job, throughput])
        for one in (job.training, job, throughput) if name == "first" else (throughput,):
            seeder.do(one)
        seeder.end(sweep)
    seeder.begin("trains-alone", [job.training])
    seeder.store.close()
    app = open_page("result", url, result=job.fingerprint)
    assert "Sweeps that ask for it: `second` and `first`." in said(app)
    assert app.selectbox(key="place").options == [ON_CPU, f"{ON_CPU} (sweep first)"]
    assert '"64 images, as asked for"' in said(app)
    app.selectbox(key="place").set_value(f"{ON_CPU} (sweep first)").run()
    assert '"64 images, the fastest of those tried"' in said(app)


def test_the_epochs_of_a_training_that_crashed_once_are_those_of_the_attempt_that_finished(open_page, detailed_url):
    app = open_page("result", detailed_url, result=evaluation(PLAIN).fingerprint)
    epochs = next(table.value for table in app.dataframe if "learning_rate" in table.value)
    assert list(epochs["epoch"]) == list(range(1, EPOCHS + 1))
    attempts = next(table.value for table in app.dataframe if "outcome" in table.value)
    trainings = attempts[attempts["stage"] == "training"]
    assert list(trainings["outcome"]) == ["crashed", "done"]
    assert list(trainings["took"]) == ["12 s", "2 min"]
    assert trainings["message"].iloc[0] == "the worker was killed by signal 9"
    assert len(attempts) == 2 + 1 + 2 * 4  # training, evaluation, two measurements of four rounds


def test_accuracy_on_the_way_is_drawn_and_listed_where_a_training_was_tested(open_page, detailed_url):
    app = open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint)
    epochs = next(table.value for table in app.dataframe if "learning_rate" in table.value)
    listed = epochs.set_index("epoch")["validation_top1"].dropna()
    assert tuple(listed.index) == TESTED
    right = [one.validation_correct for one in epochs_of(detailed_url, CHANGED) if one.epoch in TESTED]
    assert list(listed) == pytest.approx([100 * correct / VALIDATION_IMAGES for correct in right])
    assert panels_of(app) == ["loss", "validation_top1", "learning_rate"]
    assert result_words.VALIDATION in said(app)


def test_a_training_that_was_not_tested_on_its_way_is_shown_without(open_page, detailed_url):
    app = open_page("result", detailed_url, result=evaluation(PLAIN).fingerprint)
    epochs = next(table.value for table in app.dataframe if "learning_rate" in table.value)
    assert "validation_top1" not in epochs
    assert panels_of(app) == ["loss", "learning_rate"]
    assert result_words.VALIDATION not in said(app)


@pytest.mark.parametrize(("families", "tested"), [((PLAIN, CHANGED), True), ((PLAIN, PLAIN), False)])
def test_compared_curves_have_a_panel_of_accuracy_where_one_of_them_was_tested(
    open_page, detailed_url, families, tested
):
    results = ",".join(evaluation(family, seed).fingerprint for seed, family in enumerate(families))
    app = open_page("compare", detailed_url, results=results)
    assert ("validation_top1" in panels_of(app)) is tested
    assert (result_words.VALIDATION in said(app)) is tested


def panels_of(app):
    """What the panels of the page's learning curve show, from above."""
    spec = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    return [panel["layer"][0]["encoding"]["y"]["field"] for panel in spec["vconcat"]]


def test_the_configuration_is_readable_and_says_what_is_left_open(open_page, detailed_url):
    words = said(open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint))
    for expected in ("Group size,16 channels", "Norm,ln+pn", "Epochs,8", 'Train images,"12,000"', "Layers,head"):
        assert expected in words
    assert "Learning rate,the usual one" in words
    assert "Dropout,the size's own" in words


def test_environments_tell_software_and_whether_it_is_still_there(open_page, detailed_url):
    app = open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint, place=ON_CPU)
    places = next(table.value for table in app.dataframe if "software" in table.value)
    assert list(places["software"]) == ["onednn 3.7, torch 2.10.0"]
    assert list(places["used for"]) == ["evaluation, training, measuring training and measuring inference"]
    assert list(places["still there"]) == ["yes"]


def test_commands_name_every_job_and_files_do_them_once_more(open_page, detailed_url, details):
    job = evaluation(CHANGED)
    app = open_page("result", detailed_url, result=job.fingerprint, place=ON_CPU)
    commands = app.code[0].value
    jobs = (job.training, job, measurement(CHANGED, "train", 20), measurement(CHANGED, "inference", 28))
    for one in jobs:
        assert f"orchestrator explain {one.fingerprint[:8]}" in commands
        assert f"orchestrator logs {one.fingerprint[:8]}" in commands
        assert job_from_dict(details.job(one.fingerprint).config) == one
    alone = app.code[1].value
    name = f"evaluate-{job.fingerprint[:8]}"
    assert f"python -m workers {name}.json --checkpoint weights.pt --threads 1 > {name}.reports" in alone
    on_gpu = (
        open_page("result", detailed_url, result=job.fingerprint, place="NVIDIA H200, 1 thread, fp32").code[1].value
    )
    assert (alone.count("--slot-kind cuda"), on_gpu.count("--slot-kind cuda")) == (0, 2)
    assert "Sweeps that ask for it: `turns`." in said(app)


def test_siblings_are_linked_by_their_fingerprints(open_page, detailed_url):
    found = links(open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint))
    told = {label.partition(":")[0]: query for label, (page, query) in found.items() if page == "result"}
    assert told == {
        "20 px, seed 0": f"result={evaluation(CHANGED, test=20).fingerprint}",
        "28 px, seed 1": f"result={evaluation(CHANGED, seed=1).fingerprint}",
    }


def test_a_training_is_shown_with_its_curve_and_its_tests(open_page, detailed_url):
    app = open_page("result", detailed_url, result=training(PLAIN).fingerprint)
    assert "Training of b0×0.5 G1 e6 bn @20 seed 0" in app.title[0].value.replace("\\", "")
    queries = [query for _, query in links(app).values()]
    assert f"result={evaluation(PLAIN).fingerprint}" in queries
    assert f"results={evaluation(PLAIN, test=20).fingerprint}%2C{evaluation(PLAIN).fingerprint}" in queries
    assert "SHA-256 of the weights" in said(app)


def test_a_measurement_is_shown_alone(open_page, detailed_url):
    app = open_page("result", detailed_url, result=measurement(PLAIN, "inference", 28).fingerprint[:10])
    assert "Measurement of b0×0.5 G1 e6 bn @28 inference" in app.title[0].value.replace("\\", "")
    assert "15 timed blocks count" in said(app)
    assert "Block seconds" not in said(app)
    assert "Block,1 s" in said(app)


def test_a_job_that_failed_says_why_and_shows_the_message_as_it_is(open_page, detailed_url):
    app = open_page("result", detailed_url, result=failed_training().fingerprint)
    assert "This training failed (<b>train-images</b> is *damaged*)." in app.warning[0].value.replace("\\", "")
    assert "\\<b\\>" in app.warning[0].value
    assert "No epoch is stored" in said(app)


def test_a_job_that_runs_says_how_far_it_is(open_page, detailed_url):
    app = open_page("result", detailed_url, result=running_training().fingerprint)
    assert "This training runs now (epoch 3/8 loss 1.20)." in app.info[0].value.replace("\\", "")
    assert len(next(table.value for table in app.dataframe if "learning_rate" in table.value)) == 2


def test_an_evaluation_that_waits_says_so_and_shows_the_training_it_waits_for(open_page, seeded_url):
    with contextlib.closing(open_reader(seeded_url)) as reader:
        jobs = reader.jobs_of(reader.sweep("fashion-more-norms").sweep_id)
    waiting = next(job for job in jobs if job.stage == "evaluate" and job.state == "queued")
    app = open_page("result", seeded_url, result=waiting.fingerprint)
    assert "This evaluation waits for its turn" in app.info[0].value.replace("\\", "")
    assert f"orchestrator explain {waiting.depends_on[:8]}" in app.code[0].value


def test_the_interval_of_a_single_round_says_what_it_leaves_out(open_page, seeded_url, reader):
    (row,) = reader.view("results", sweep="fashion-families", limit=1)
    app = open_page("result", seeded_url, result=row["evaluation"])
    assert "within one round: it says nothing about another process" in said(app)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("f00df00df00d", "There is no result and no job 'f00df00df00d'"),
        ("no digits", "'no digits' is no fingerprint"),
        ("<script>", "'<script>' is no fingerprint"),
    ],
)
def test_what_cannot_be_found_is_told_in_a_sentence(open_page, detailed_url, asked, told):
    app = open_page("result", detailed_url, result=asked)
    assert told in app.error[0].value.replace("\\", "")


def test_without_a_result_the_newest_are_offered_each_once(open_page, detailed_url):
    app = open_page("result", detailed_url)
    assert len(app.dataframe[0].value) == len(FAMILIES) * 4
    times = list(app.dataframe[0].value["finished_at"])
    assert times == sorted(times, reverse=True)


def select(app, *rows):
    """Select rows of the first table, as a click does, and run the page again."""
    (key,) = [one for one in app.session_state if one.startswith(("results-", "newest-"))]
    app.session_state[key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_selected_rows_of_the_results_are_linked(open_page, detailed_url, details):
    app = open_page("results", detailed_url, filter="slot_kind=cpu seed=0")
    assert not links(app)
    assert "Select one row" in said(app)
    table = app.dataframe[0].value
    one = select(app, 1)
    (query,) = [query for page, query in links(one).values() if page == "result"]
    row = details.evaluations([query.removeprefix("result=")])[query.removeprefix("result=")]
    assert (row["top1"], row["test_resolution"]) == (table["top1"][1], table["test_resolution"][1])
    several = select(app, 0, 2, 3)
    (query,) = [query for page, query in links(several).values() if page == "compare"]
    assert len(query.removeprefix("results=").split("%2C")) == 3


def test_one_result_on_two_devices_is_one(open_page, detailed_url):
    app = open_page("results", detailed_url)
    assert app.dataframe[0].value["device"].nunique() == 2
    assert [page for page, _ in links(select(app, 0, 1)).values()] == ["result"]


def test_more_than_six_results_are_not_compared(open_page, detailed_url):
    app = select(open_page("results", detailed_url, filter="slot_kind=cpu"), *range(8))
    assert not links(app)
    assert "8 results are selected; at most 6 can be compared." in said(app)


def test_published_results_say_that_they_have_no_page(open_page, tmp_path):
    url = f"sqlite:///{tmp_path}/published.db"
    with contextlib.closing(open_store(url)) as store:
        store.put_publication("paper", "imagenet", read_csv(PUBLISHED, NATIVE_RESOLUTION, HALF_RESOLUTION))
    assert "have no page of their own" in said(select(open_page("results", url), 0))
    assert open_page("result", url).info


def test_another_table_has_no_rows_selected(open_page, detailed_url):
    app = select(open_page("results", detailed_url), 0)
    assert links(app)
    app.text_input(key="filter").set_value("seed=1").run()
    assert not links(app)
