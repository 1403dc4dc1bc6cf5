"""Bundles: whatever a database holds comes out of another one, on both engines, and nothing is lost on the way."""

import contextlib
import datetime as dt
import hashlib
import json
import shutil
import sqlite3
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from db import schema
from db.bundles import exporting
from db.bundles.exporting import export
from db.bundles.job_merging import match_attempts
from db.bundles.manifest import MANIFEST_FILE, MANIFEST_TABLE, Manifest, summary, table_names
from db.bundles.merging import bring_in
from db.engine import open_read_engine, open_write_engine, transaction
from db.errors import BundleError, SchemaVersionError, SweepHeldError, UnknownNameError
from db.publications import read_csv
from db.reader import open_reader
from db.records import EpochRecord, SampleRecord, VariantRecord
from db.search_records import NewTrial, TrialEnd
from db.store import open_store
from db.tables import metadata
from db.upkeep import check
from db.urls import parse_url
from db.views import VIEWS
from tests.db.example_rows import CPU, GPU, Sweep, driver, job, measurement_round, training
from tests.postgres import copied_database

PAPER = read_csv(Path(__file__).parents[2] / "examples" / "published_results.csv")
GOLDEN = Path(__file__).parent / "golden" / "0001.sqlite.sql"
NATURAL = {
    "variant_id": ("variants", ("model_size", "group_size", "expansion", "norm", "width", "small_images")),
    "dataset_id": ("datasets", ("digest",)),
    "sweep_id": ("sweeps", ("name",)),
    "measurement_id": ("measurements", ("fingerprint", "attempt")),
    "publication_id": ("publications", ("name",)),
}


class Clock:
    """A second later every time it is asked."""

    def __init__(self, start="2026-01-31T12:00:00.000001+00:00"):
        self.time = dt.datetime.fromisoformat(start)

    def __call__(self):
        self.time += dt.timedelta(seconds=1)
        return self.time


def seek(store, sweep):
    """Make a sweep a search with a trial that is over and one that is not."""
    search = store.search(sweep.sweep_id)
    search.put({"axes": [{"name": "norm", "values": ["gn", "ln"]}], "objectives": ["top1"]})
    search.add_trial(NewTrial(number=0, params={"norm": "gn"}, origin="sampler", attributes={"a": [1]}), sweep.jobs[:2])
    search.record_curve(0, {1: 1 / 3})
    search.finish_trial(0, TrialEnd(state="infeasible", values=(None,), violations=(0.1,), reason="too slow"))
    search.add_trial(NewTrial(number=1, params={"norm": "ln"}, origin="companion"), sweep.jobs[1:3])
    search.set_importances({"top1": {"norm": 1.0}})


def furnish(store, *, running=False):
    """Store something of everything: every state, ending, mode and kind of value."""
    fashion = Sweep(store)
    wide = VariantRecord(model_size="b3", group_size=1, expansion=6, norm="gn", width=1 / 3, small_images=False)
    for seed in range(2):
        trained = fashion.train(seed, seed=seed, recipe={"mixup": 0.1, "name": "Zoë", "deep": [None, {"x": 1e-300}]})
        fashion.evaluate(trained, correct=8000 + seed, validation_images=1000, validation_correct=900)
        store.record_epoch(trained, 1, EpochRecord(epoch=1, loss=0.1 + 0.2, learning_rate=1e-5, images=10, seconds=0.1))
    fashion.evaluate(fashion.train("wide", variant=wide, dataset=training().dataset), test_resolution=20)
    for mode in ("train", "inference"):
        fashion.measure(mode=mode)
        fashion.measure(mode=mode, samples=(SampleRecord(images=7, seconds=0.1), SampleRecord(images=9, seconds=1 / 3)))
        fashion.measure(mode=mode, environment=GPU)
    begun = measurement_round(1, end_to_end=(SampleRecord(images=5, seconds=0.1),), latencies=(1 / 3,))
    fashion.measure("begun", mode="inference", rounds=(begun,), complete=False, iqr=0.5)
    fashion.measure("begun", mode="inference", rounds=(begun, measurement_round(2)), complete=False)
    store.put_environment(CPU, "lab")
    seek(store, fashion)
    retried = job("retried")
    fashion.ask(retried)
    for outcome, state in (("crashed", "queued"), ("out_of_memory", "queued"), ("failed", "failed")):
        attempt = fashion.claim(retried)
        store.end_attempt(
            retried.fingerprint, attempt, outcome=outcome, next_state=state, message="é\n☃", traceback="line\n" * 50
        )
    diverged, cancelled, blocked, waiting, lost = (job(name) for name in "dcbwl")
    fashion.ask(diverged, cancelled, blocked, waiting, lost)
    store.end_attempt(diverged.fingerprint, fashion.claim(diverged), outcome="diverged", next_state="diverged")
    store.cancel([cancelled.fingerprint])
    store.set_job_states([blocked.fingerprint], ["queued"], "blocked", "no such slot")
    fashion.claim(lost)
    if not running:
        store.end_driver(fashion.driver_id)
    other = Sweep(store, name="other", number=2)
    other.evaluate(job(("train", 0)).fingerprint, test_resolution=36)  # of a training run that the first one asks for
    other.measure(mode="inference", variant=wide)
    if not running:
        store.set_sweep_state(other.sweep_id, "finished")
        store.end_driver(other.driver_id)
    store.put_publication("draft", "imagenet", PAPER[:5])
    store.put_publication("paper", "imagenet", PAPER)
    store.put_publication("draft", "cifar10", PAPER[:3])  # anew: leaves a gap in the numbers
    return fashion


@pytest.fixture(scope="module")
def furnished_file(tmp_path_factory):
    """A furnished SQLite file, to copy."""
    path = tmp_path_factory.mktemp("furnished") / "store.db"
    with contextlib.closing(open_store(sqlite_at(path))) as store:
        furnish(open_like(store))
    return path


@pytest.fixture(scope="module")
def furnished_database(postgres_server):
    """Name of a furnished Postgres database, to copy."""
    with copied_database(postgres_server, "empty_schema") as url:
        with contextlib.closing(open_store(url)) as store:
            furnish(open_like(store))
        yield parse_url(url).database


@pytest.fixture(params=["sqlite", "postgres"])
def filled(request, tmp_path):
    """URL of a furnished database of either kind."""
    if request.param == "sqlite":
        path = shutil.copy(request.getfixturevalue("furnished_file"), tmp_path / "filled.db")
        yield sqlite_at(path)
    else:
        name = request.getfixturevalue("furnished_database")
        with copied_database(request.getfixturevalue("postgres_server"), name) as url:
            yield url


@pytest.fixture(scope="module")
def furnished_bundles(furnished_file):
    """A directory with a bundle of either form, to copy."""
    place = furnished_file.parent / "bundles"
    place.mkdir()
    export(sqlite_at(furnished_file), place / "bundle.sqlite")
    export(sqlite_at(furnished_file), place / "bundle.parquet", form="parquet")
    return place


@pytest.fixture
def bundle(furnished_bundles, tmp_path):
    """A bundle, with one of the same rows in the other form beside it."""
    return Path(shutil.copytree(furnished_bundles, tmp_path / "bundles")) / "bundle.sqlite"


def open_like(store):
    store._now = Clock()
    return store


def tables_of(url):
    """Every row of every table, with natural keys in the place of the numbers that a database gives.

    Artifacts directories are left out, as bundles name none.
    """
    engine = open_read_engine(parse_url(url))
    with transaction(engine, parse_url(url)) as connection:
        rows = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in metadata.sorted_tables
        }
    engine.dispose()
    for row in rows["sweeps"]:
        del row["artifacts"]
    for number, (owner, key) in NATURAL.items():
        names = {row[number]: tuple(row[name] for name in key) for row in rows[owner]}
        for row in (row for name in rows for row in rows[name] if number in row):
            row[number] = names[row[number]]
    return {name: sorted(map(repr, rows[name])) for name in rows}


def views_of(url):
    with contextlib.closing(open_reader(url)) as reader:
        return {
            name: sorted(repr({key: row[key] for key in row if not key.endswith("_id")}) for row in reader.view(name))
            for name in VIEWS
        }


def new_count(report):
    return sum(counts.new + counts.changed for counts in report.counts.values())


def sqlite_at(path):
    return f"sqlite:///{path}"


# There and back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_everything_moves_to_another_sqlite_file_row_for_row(filled, tmp_path, form):
    export(filled, tmp_path / "bundle", form=form)
    copy = sqlite_at(tmp_path / "copy.db")
    report = bring_in(copy, tmp_path / "bundle")
    assert tables_of(copy) == tables_of(filled)
    assert views_of(copy) == views_of(filled)
    assert all(views_of(copy).values())
    assert check(copy) == []
    assert {name: counts.new for name, counts in report.counts.items()} == {
        name: len(rows) for name, rows in tables_of(filled).items()
    }


def test_a_bundle_names_no_directory_whose_files_gc_could_delete(bundle, tmp_path):
    bring_in(sqlite_at(tmp_path / "copy.db"), bundle)
    for url in (sqlite_at(bundle), sqlite_at(tmp_path / "copy.db")):
        with contextlib.closing(open_reader(url)) as reader:
            assert {sweep.artifacts for sweep in reader.sweeps()} == {""}


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_sqlite_to_postgres_and_back_loses_nothing(furnished_file, postgres_url, tmp_path, form):
    sqlite_url = sqlite_at(furnished_file)
    export(sqlite_url, tmp_path / "there", form=form)
    bring_in(postgres_url, tmp_path / "there")
    export(postgres_url, tmp_path / "back", form=form)
    back = sqlite_at(tmp_path / "back.db")
    bring_in(back, tmp_path / "back")
    assert tables_of(sqlite_url) == tables_of(postgres_url) == tables_of(back)
    assert views_of(sqlite_url) == views_of(postgres_url) == views_of(back)


def test_a_bundle_of_what_a_bundle_brought_is_the_same_bundle(filled, tmp_path):
    once = sqlite_at(tmp_path / "once.db")
    export(filled, tmp_path / "first.sqlite")
    bring_in(once, tmp_path / "first.sqlite")
    second = export(once, tmp_path / "second.sqlite")
    third = export(once, tmp_path / "third", form="parquet")
    assert second.tables == third.tables  # checksums are of the rows, not of the files
    bring_in(sqlite_at(tmp_path / "twice.db"), tmp_path / "third")
    assert export(sqlite_at(tmp_path / "twice.db"), tmp_path / "fourth.sqlite").tables == second.tables


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_the_same_bundle_again_changes_nothing_nor_does_it_where_it_is_from(filled, postgres_url, tmp_path, form):
    export(filled, tmp_path / "bundle", form=form)
    bring_in(postgres_url, tmp_path / "bundle")
    for destination in (postgres_url, filled):
        before = tables_of(destination)
        report = bring_in(destination, tmp_path / "bundle")
        assert new_count(report) == 0
        assert sum(counts.known for counts in report.counts.values()) == sum(map(len, before.values()))
        assert tables_of(destination) == before


def test_numbers_that_a_database_gives_go_on_after_an_import(filled, tmp_path, postgres_url):
    export(filled, tmp_path / "bundle")
    for destination in (postgres_url, sqlite_at(tmp_path / "copy.db")):
        bring_in(destination, tmp_path / "bundle")
        with contextlib.closing(open_store(destination)) as store:
            more = Sweep(store, name="more", number=3)
            more.evaluate(
                more.train("more", variant=VariantRecord(model_size="b7", group_size=1, expansion=6, norm="bn"))
            )
            more.measure("more")
            store.put_publication("more", "imagenet", PAPER)


def test_an_sqlite_bundle_is_a_database_by_itself_also_where_nothing_can_be_written(filled, tmp_path):
    (tmp_path / "there").mkdir()
    export(filled, tmp_path / "there" / "bundle.sqlite")
    (tmp_path / "there").chmod(0o500)
    bundle = sqlite_at(tmp_path / "there" / "bundle.sqlite")
    assert views_of(bundle) == views_of(filled)
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["bundle.sqlite"]
    (tmp_path / "there").chmod(0o700)


def test_other_programs_read_the_parquet_files_as_they_are(filled, tmp_path):
    manifest = export(filled, tmp_path / "bundle", form="parquet")
    names = {path.name for path in (tmp_path / "bundle").iterdir()}
    assert names == {MANIFEST_FILE, *(f"{name}.parquet" for name in manifest.tables)}
    variants = pq.read_table(tmp_path / "bundle" / "variants.parquet").to_pylist()
    assert {row["small_images"] for row in variants} == {True, False}
    sweeps = pq.read_table(tmp_path / "bundle" / "sweeps.parquet").to_pylist()
    assert {row["created_at"].tzinfo is not None for row in sweeps} == {True}
    assert json.loads((tmp_path / "bundle" / MANIFEST_FILE).read_text())["sweeps"] == ["fashion", "other"]


def test_the_checksum_is_the_one_that_the_documents_describe(bundle):
    rows = pq.read_table(bundle.with_name("bundle.parquet") / "attempts.parquet").to_pylist()
    columns = sorted(rows[0])
    lines = [columns]
    for row in sorted(rows, key=lambda row: (row["fingerprint"], row["attempt"])):
        times = {name: f"{row[name]:%Y-%m-%dT%H:%M:%S.%fZ}" for name in ("started_at", "ended_at")}
        lines.append([{**row, **times}[name] for name in columns])
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    manifest = json.loads((bundle.with_name("bundle.parquet") / MANIFEST_FILE).read_text())
    stated = {"rows": len(rows), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert manifest["tables"]["attempts"] == stated


def test_text_that_postgres_cannot_hold_travels_all_the_same(sqlite_url, postgres_url, tmp_path):
    with contextlib.closing(open_store(sqlite_url)) as store:
        sweep = Sweep(store)
        failing = job("failing")
        sweep.ask(failing)
        attempt = sweep.claim(failing)
        store.end_attempt(failing.fingerprint, attempt, outcome="failed", next_state="failed", traceback="core\0dump")
    export(sqlite_url, tmp_path / "bundle")
    bring_in(postgres_url, tmp_path / "bundle")
    with contextlib.closing(open_reader(postgres_url)) as reader:
        assert [row.traceback for row in reader.attempts_of(failing.fingerprint)] == ["core�dump"]


# Parts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fashion", "oth"])
def test_a_sweep_alone_shows_the_same_results_and_brings_nothing_of_others(filled, tmp_path, name):
    manifest = export(filled, tmp_path / "bundle.sqlite", names=[name])
    bundle = sqlite_at(tmp_path / "bundle.sqlite")
    (full,) = manifest.sweeps
    assert not manifest.whole
    with contextlib.closing(open_reader(filled)) as here, contextlib.closing(open_reader(bundle)) as there:
        unnumbered = [one.name for one in VIEWS["results"].c if not one.name.endswith("_id")]
        rows = here.view(sweep=full, columns=unnumbered, sort=["evaluation", "device"])
        assert rows == there.view(columns=unnumbered, sort=["evaluation", "device"])
        assert rows
        assert [one.fingerprint for one in here.jobs_of(here.sweep(full).sweep_id)] == [
            one.fingerprint for one in there.jobs_of(there.sweep(full).sweep_id)
        ]
    rows = tables_of(bundle)
    assert not rows["published_results"]
    assert set(rows["attempts"]) < set(tables_of(filled)["attempts"])
    bring_in(sqlite_at(tmp_path / "copy.db"), tmp_path / "bundle.sqlite")
    assert tables_of(sqlite_at(tmp_path / "copy.db")) == rows


def test_parts_put_together_are_the_whole(filled, tmp_path):
    export(filled, tmp_path / "one", names=["fashion"])
    export(filled, tmp_path / "two", names=["other"], published=True)
    for number, order in enumerate((("one", "two"), ("two", "one"))):
        whole = sqlite_at(tmp_path / f"whole-{number}.db")
        for part in order:
            bring_in(whole, tmp_path / part)
        assert tables_of(whole) == tables_of(filled)


def test_a_sweep_that_is_not_there_is_not_exported(filled, tmp_path):
    with pytest.raises(UnknownNameError, match="no one sweep 'fasion'"):
        export(filled, tmp_path / "bundle", names=["fasion"])
    assert not (tmp_path / "bundle").exists()


# At rest -----------------------------------------------------------------------------------------------------------


def test_what_runs_is_queued_in_the_copy_and_runs_on_at_home(store, url, tmp_path):
    fashion = furnish(open_like(store), running=True)
    before = tables_of(url)
    export(url, tmp_path / "bundle")
    copy = sqlite_at(tmp_path / "copy.db")
    bring_in(copy, tmp_path / "bundle")
    with contextlib.closing(open_reader(copy)) as looking:
        assert {sweep.driver_id for sweep in looking.sweeps()} == {None}
    with contextlib.closing(open_store(copy)) as there:
        assert there.live_drivers() == []
        assert there.job_states([job("l").fingerprint]) == {job("l").fingerprint: "queued"}
        assert {there.sweep(number).state for number in (1, 2)} == {"stopped"}
        taken_over = Sweep(there, number=9)  # nobody holds it
        assert taken_over.claim(job("l")) == 2  # after the attempt that the copy knows
    assert new_count(bring_in(url, tmp_path / "bundle")) == 0
    assert tables_of(url) == before
    assert store.finish_training(job("l").fingerprint, 1, training())
    assert store.beat(fashion.driver_id)


def test_what_was_running_at_the_first_export_is_done_after_the_second(store, url, tmp_path):
    fashion = furnish(open_like(store), running=True)
    export(url, tmp_path / "first")
    copy = sqlite_at(tmp_path / "copy.db")
    bring_in(copy, tmp_path / "first")
    store.record_epoch(job("l").fingerprint, 1, EpochRecord(epoch=1, loss=1, learning_rate=1, images=1, seconds=1))
    assert store.finish_training(job("l").fingerprint, 1, training(seed=77))
    fashion.evaluate(job("l").fingerprint, correct=9000)
    store.set_sweep_state(fashion.sweep_id, "finished")
    export(url, tmp_path / "second")
    report = bring_in(copy, tmp_path / "second")
    assert (report.counts["jobs"].changed, report.counts["attempts"].changed, report.counts["trainings"].new) == (
        1,
        1,
        1,
    )
    assert report.counts["sweeps"].changed == 1
    assert views_of(copy) == views_of(url)
    assert new_count(bring_in(copy, tmp_path / "second")) == 0
    assert new_count(bring_in(copy, tmp_path / "first")) == 0  # older news change nothing
    assert views_of(copy) == views_of(url)


# What both know ----------------------------------------------------------------------------------------------------


def two_databases(tmp_path, postgres_url):
    """The same sweep on two machines."""
    places = (sqlite_at(tmp_path / "theirs.db"), postgres_url)
    sweeps = [Sweep(open_store(url), number=number) for number, url in enumerate(places)]
    return places, sweeps


def test_a_result_there_ends_a_job_that_is_open_here_and_one_here_stays(tmp_path, postgres_url):
    (there, here), (theirs, ours) = two_databases(tmp_path, postgres_url)
    answered, known = job(("train", "answered")), job(("train", "known"))
    for sweep in (theirs, ours):
        sweep.ask(answered, known)
    for name in ("answered", "known"):
        theirs.train(name, train_loss=0.1)
    ours.train("known", train_loss=0.9)
    failed = ours.claim(answered)
    ours.store.end_attempt(answered.fingerprint, failed, outcome="failed", next_state="failed", message="no disk")
    evaluated = theirs.evaluate(known.fingerprint)
    ours.store.end_driver(ours.driver_id)
    export(there, tmp_path / "bundle")
    report = bring_in(here, tmp_path / "bundle")
    with contextlib.closing(open_reader(here)) as reader:
        assert reader.job(answered.fingerprint).state == reader.job(known.fingerprint).state == "done"
        assert reader.job(answered.fingerprint).attempt == 2
        assert reader.training(answered.fingerprint)["train_loss"] == 0.1
        assert reader.training(answered.fingerprint)["attempt"] == 2
        assert reader.training(known.fingerprint)["train_loss"] == 0.9
        outcomes = {
            one.fingerprint: [(each.attempt, each.outcome) for each in reader.attempts_of(one.fingerprint)]
            for one in (answered, known)
        }
        assert outcomes[answered.fingerprint] == [(1, "failed"), (2, "done")]
        assert outcomes[known.fingerprint] == [(1, "done"), (2, "superseded")]
        assert [row["evaluation"] for row in reader.view()] == [evaluated]
    assert (report.counts["jobs"].changed, report.counts["jobs"].known, report.counts["jobs"].new) == (1, 2, 1)
    assert new_count(bring_in(here, tmp_path / "bundle")) == 0


def test_measurements_of_both_stand_beside_each_other(tmp_path, postgres_url):
    (there, here), (theirs, ours) = two_databases(tmp_path, postgres_url)
    theirs.measure(images_per_second=900.0, low=890.0, high=910.0)
    measured = ours.measure(images_per_second=1000.0)
    ours.store.end_driver(ours.driver_id)
    export(there, tmp_path / "bundle")
    for _ in range(2):
        bring_in(here, tmp_path / "bundle")
        with contextlib.closing(open_reader(here)) as reader:
            rows = reader.measurements_of(measured)
            assert sorted((row.attempt, row.record.images_per_second) for row in rows) == [(1, 1000.0), (2, 900.0)]
            assert all(len(row.record.samples) == 2 for row in rows)
            assert reader.job(measured).attempt == 2
    assert check(here) == []


def test_a_whole_measurement_takes_the_place_of_a_begun_one_and_not_the_other_way_round(tmp_path, postgres_url):
    (there, here), (theirs, ours) = two_databases(tmp_path, postgres_url)
    begun = {"rounds": (measurement_round(1),), "complete": False, "images_per_second": 1001.0}
    whole = {"rounds": (measurement_round(1), measurement_round(2)), "images_per_second": 1002.0}
    begun_here = ours.measure("begun here", **begun)
    whole_here = ours.measure("whole here", **begun)
    ours.measure("whole here", **whole)
    theirs.measure("whole here", **begun)
    theirs.measure("begun here", **begun)
    theirs.measure("begun here", **whole)
    for sweep in (theirs, ours):
        sweep.store.end_driver(sweep.driver_id)
    export(there, tmp_path / "bundle")
    for _ in range(2):
        bring_in(here, tmp_path / "bundle")
        with contextlib.closing(open_reader(here)) as reader:
            for measured in (begun_here, whole_here):
                (row,) = reader.measurements_of(measured)
                assert (row.record.complete, row.record.images_per_second) == (True, 1002.0)
                assert len(row.record.rounds) == 2
                assert {one.outcome for one in reader.attempts_of(measured)} == {"done"}
                assert reader.job(measured).state == "done"
    assert check(here) == []


def test_a_result_that_is_to_be_made_again_here_is_replaced_by_theirs(tmp_path, postgres_url):
    (there, here), (theirs, ours) = two_databases(tmp_path, postgres_url)
    theirs.train("again", train_loss=0.1)
    trained = ours.train("again", train_loss=0.9)
    ours.store.requeue([trained], ("done",))
    ours.store.end_driver(ours.driver_id)
    export(there, tmp_path / "bundle")
    assert bring_in(here, tmp_path / "bundle").counts["trainings"].changed == 1
    with contextlib.closing(open_reader(here)) as reader:
        assert reader.training(trained)["train_loss"] == 0.1
    assert new_count(bring_in(here, tmp_path / "bundle")) == 0


def test_a_sweep_that_runs_here_is_left_alone(tmp_path, postgres_url):
    (there, here), (theirs, ours) = two_databases(tmp_path, postgres_url)
    theirs.train("shared")
    ours.ask(job(("train", "shared")))
    export(there, tmp_path / "bundle")
    before = tables_of(here)
    with pytest.raises(SweepHeldError, match="sweep 'fashion' is run by process 1 on here") as held:
        bring_in(here, tmp_path / "bundle")
    assert held.value.holder.driver_id == ours.driver_id
    assert tables_of(here) == before
    ours.store.end_driver(ours.driver_id)
    assert bring_in(here, tmp_path / "bundle").counts["jobs"].changed == 1


def test_a_sweep_of_the_same_name_from_another_file_needs_another_name(store, url, tmp_path):
    there = sqlite_at(tmp_path / "theirs.db")
    with contextlib.closing(open_store(there)) as theirs:
        Sweep(theirs).train("x")
    Sweep(store, number=2)
    store.take_sweep("fashion", "name: y", "another digest", "artifacts", driver(2).driver_id)
    export(there, tmp_path / "bundle")
    before = tables_of(url)
    with pytest.raises(BundleError, match=r"'fashion' is here already.*\n.*--rename fashion=fashion-2"):
        bring_in(url, tmp_path / "bundle")
    assert tables_of(url) == before
    for number in range(2):
        report = bring_in(url, tmp_path / "bundle", renames={"fashion": "theirs"})
        assert (new_count(report) == 0) == (number == 1)
    with contextlib.closing(open_reader(url)) as reader:
        assert {sweep.name for sweep in reader.sweeps()} == {"fashion", "theirs"}
    with pytest.raises(BundleError, match=r"no sweep 'fasion'(?s:.*)fashion"):
        bring_in(url, tmp_path / "bundle", renames={"fasion": "x"})


def test_two_sweeps_cannot_be_given_one_name(filled, tmp_path):
    export(filled, tmp_path / "bundle")
    with pytest.raises(BundleError, match="two sweeps of the bundle would be called 'other'"):
        bring_in(filled, tmp_path / "bundle", renames={"fashion": "other"})


def test_of_two_publications_of_one_name_the_later_one_counts(store, url, tmp_path):
    store._now = Clock()
    store.put_publication("paper", "imagenet", PAPER[:9])
    export(url, tmp_path / "older")
    store.put_publication("paper", "imagenet", PAPER[:4])
    assert new_count(bring_in(url, tmp_path / "older")) == 0
    export(url, tmp_path / "newer")
    copy = sqlite_at(tmp_path / "copy.db")
    bring_in(copy, tmp_path / "older")
    assert bring_in(copy, tmp_path / "newer").counts["publications"].changed == 1
    assert tables_of(copy)["published_results"] == tables_of(url)["published_results"]


ATTEMPTS = st.lists(st.integers(0, 8), unique=True, max_size=6)


@given(ours=ATTEMPTS, theirs=ATTEMPTS)
def test_attempts_keep_their_order_and_get_numbers_of_their_own(ours, theirs):
    def attempts(identities):
        rows = enumerate(identities, 1)
        return [{"attempt": n, "driver_id": who, "started_at": who, "directory": "a"} for n, who in rows]

    numbers = match_attempts(attempts(ours), attempts(theirs), len(ours))
    assert len(set(numbers.values())) == len(theirs)
    new = [numbers[n] for n, who in enumerate(theirs, 1) if who not in ours]
    assert new == sorted(new)
    assert all(number > len(ours) for number in new)
    assert all(numbers[n] == ours.index(who) + 1 for n, who in enumerate(theirs, 1) if who in ours)
    merged = attempts(ours) + [
        {**row, "attempt": numbers[row["attempt"]]} for row in attempts(theirs) if numbers[row["attempt"]] in new
    ]
    assert match_attempts(merged, attempts(theirs), max([0, *(row["attempt"] for row in merged)])) == numbers


# Refusals ----------------------------------------------------------------------------------------------------------


def edited(bundle, *statements):
    with contextlib.closing(sqlite3.connect(bundle)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def reseal(bundle, **changes):
    """Write a manifest that fits, as somebody with bad intentions would."""
    with contextlib.closing(sqlite3.connect(bundle)) as connection, connection:
        (manifest,) = connection.execute(f"SELECT manifest FROM {MANIFEST_TABLE}").fetchone()  # noqa: S608
        tables = {name: vars_of(summary(connection, name)) for name in table_names(connection)}
        values = json.dumps({**json.loads(manifest), "tables": tables, **changes})
        connection.execute(f"UPDATE {MANIFEST_TABLE} SET manifest = ?", (values,))  # noqa: S608


def vars_of(table):
    return {"rows": table.rows, "sha256": table.sha256}


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE evaluations SET correct = correct + 1", "checksum of evaluations differs"),
        ("DELETE FROM samples WHERE ordinal = 1", "checksum of samples differs"),
        ("INSERT INTO sweep_jobs SELECT 2, fingerprint, 99 FROM jobs LIMIT 1", "checksum of sweep_jobs differs"),
        ("DROP TABLE epochs", "the table epochs is missing"),
        ("ALTER TABLE jobs RENAME COLUMN label TO name", "jobs is missing or has other columns"),
        ("UPDATE frontsweep_bundle SET manifest = json_remove(manifest, '$.tables.jobs')", "does not list the tables"),
        ("UPDATE frontsweep_bundle SET manifest = 'x'", "manifest cannot be read"),
        ("UPDATE frontsweep_bundle SET manifest = '{}'", "manifest cannot be read"),
        ("DELETE FROM frontsweep_bundle", "manifest cannot be read"),
        (f"DROP TABLE {MANIFEST_TABLE}", "a database, but no bundle"),
        ("UPDATE frontsweep_bundle SET manifest = json_set(manifest, '$.schema', '0001')", "does not list the tables"),
    ],
)
def test_a_changed_bundle_is_refused_and_nothing_written(bundle, tmp_path, statement, message):
    edited(bundle, statement)
    with pytest.raises(BundleError, match=message):
        bring_in(sqlite_at(tmp_path / "copy.db"), bundle)
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE evaluations SET seconds = 'long'", "evaluations holds values that are not of their column's kind"),
        ("UPDATE sweeps SET created_at = 'yesterday'", "sweeps: "),
        ("UPDATE trainings SET recipe = '{'", "trainings: "),
        ("UPDATE trainings SET variant_id = 99", "point to nothing"),
        ("PRAGMA ignore_check_constraints=ON; UPDATE evaluations SET correct = -1", "CHECK constraint failed"),
    ],
)
def test_a_bundle_with_new_checksums_for_bad_rows_is_refused_too(bundle, url, statement, message):
    edited(bundle, *statement.split("; "))
    reseal(bundle)
    before = tables_of(url)
    with pytest.raises(BundleError, match=message):
        bring_in(url, bundle)
    assert tables_of(url) == before


def test_only_rows_are_taken_from_a_bundle(bundle, furnished_file, tmp_path):
    edited(
        bundle,
        "CREATE TABLE more (x)",
        "CREATE TRIGGER cut AFTER INSERT ON jobs BEGIN DELETE FROM jobs; END",
        "DROP VIEW inference_front",
        "CREATE VIEW inference_front AS SELECT 1",
        "DELETE FROM frontsweep_alembic_version",
    )
    copy = sqlite_at(tmp_path / "copy.db")
    bring_in(copy, bundle)
    assert tables_of(copy) == tables_of(sqlite_at(furnished_file))
    assert views_of(copy) == views_of(sqlite_at(furnished_file))
    assert check(copy) == []


def test_a_row_that_this_engine_cannot_hold_is_refused(bundle, postgres_url):
    edited(bundle, "UPDATE trainings SET epochs = 5000000000")
    reseal(bundle)
    before = tables_of(postgres_url)
    with pytest.raises(BundleError, match="refuses a row: integer out of range"):
        bring_in(postgres_url, bundle)
    assert tables_of(postgres_url) == before


def test_a_bundle_that_was_used_as_a_database_is_refused_until_it_is_exported_again(bundle, tmp_path):
    with contextlib.closing(open_store(sqlite_at(bundle))) as store:
        Sweep(store, number=5).train("in the bundle")
    with pytest.raises(BundleError, match="export"):
        bring_in(sqlite_at(tmp_path / "copy.db"), bundle)
    export(sqlite_at(bundle), tmp_path / "again")
    bring_in(sqlite_at(tmp_path / "copy.db"), tmp_path / "again")


@pytest.mark.parametrize("changes", [{"format": 2}, {"schema": "9999"}])
def test_a_bundle_of_a_newer_release_is_refused(bundle, tmp_path, changes):
    reseal(bundle, program="frontsweep 9.9", **changes)
    with pytest.raises(BundleError, match=r"written by frontsweep 9\.9"):
        bring_in(sqlite_at(tmp_path / "copy.db"), bundle)


def test_damaged_parquet_files_are_refused(bundle, tmp_path):
    directory = bundle.with_name("bundle.parquet")
    whole = (directory / "jobs.parquet").read_bytes()
    damages = [
        (lambda file: file.write_bytes(whole[: len(whole) // 2]), "jobs.parquet"),
        (lambda file: file.unlink(), "jobs.parquet"),
        (lambda file: shutil.copy(directory / "samples.parquet", file), "other columns"),
        (lambda file: pq.write_table(pq.read_table(file).slice(1), file), "checksum of jobs differs"),
    ]
    for damage, message in damages:
        (directory / "jobs.parquet").write_bytes(whole)
        damage(directory / "jobs.parquet")
        with pytest.raises(BundleError, match=message):
            bring_in(sqlite_at(tmp_path / "copy.db"), directory)
    assert not (tmp_path / "copy.db").exists()


def test_any_flipped_byte_of_a_bundle_is_noticed_or_means_nothing(bundle, furnished_file, tmp_path):
    """A flip may lie in unused space; what is imported then is what was exported."""
    content = bundle.read_bytes()
    refused = 0
    for number, position in enumerate(range(100, len(content), len(content) // 16)):
        bundle.write_bytes(content[:position] + bytes([content[position] ^ 0x55]) + content[position + 1 :])
        copy = sqlite_at(tmp_path / f"copy-{number}.db")
        try:
            bring_in(copy, bundle)
        except BundleError:
            refused += 1
        else:
            assert tables_of(copy) == tables_of(sqlite_at(furnished_file))
    assert refused


@pytest.mark.parametrize("content", [b"", b"series,top1\n", b"SQLite format 3\0 but not really"])
def test_what_is_no_bundle_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "file", tmp_path / "directory", tmp_path / "nothing"):
        with pytest.raises(BundleError):
            bring_in(sqlite_at(tmp_path / "copy.db"), path)
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_nothing_is_overwritten_and_nothing_half_written_stays(filled, tmp_path, monkeypatch, form):
    target = tmp_path / "place" / "bundle"
    with pytest.raises(BundleError, match="no directory"):
        export(filled, target, form=form)
    target.parent.mkdir()
    export(filled, target, form=form)
    with pytest.raises(BundleError, match="exists"):
        export(filled, target, form=form)

    def fill_the_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_copy_file", fill_the_disk)
    with pytest.raises(exporting.StoreError, match="No space left"):
        export(filled, target.with_name("another"), form=form)
    assert [path.name for path in target.parent.iterdir()] == ["bundle"]


def test_no_bundle_names_the_database_it_is_from(postgres_url, tmp_path):
    manifest = export(postgres_url, tmp_path / "bundle.sqlite")
    assert manifest.source.startswith("postgresql ")
    database = parse_url(postgres_url).database
    assert database.encode() not in (tmp_path / "bundle.sqlite").read_bytes()


def test_an_older_database_is_not_exported_as_if_it_were_current(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.executescript(GOLDEN.read_text())
    with pytest.raises(SchemaVersionError, match="db upgrade"):
        export(sqlite_at(tmp_path / "old.db"), tmp_path / "bundle")


# Older releases ----------------------------------------------------------------------------------------------------


def old_bundle(path):
    """A bundle as a release with schema 0001 would have written it."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(GOLDEN.read_text())
        manifest = Manifest(
            format=1,
            schema="0001",
            program="frontsweep 0.1.0",
            created_at=dt.datetime.now(dt.timezone.utc),
            source="sqlite",
            sweeps=tuple(name for (name,) in connection.execute("SELECT name FROM sweeps")),
            whole=True,
            tables={name: summary(connection, name) for name in table_names(connection)},
        )
        connection.execute(f"CREATE TABLE {MANIFEST_TABLE} (manifest TEXT NOT NULL)")
        connection.execute(f"INSERT INTO {MANIFEST_TABLE} VALUES (?)", (json.dumps(manifest.to_json()),))  # noqa: S608
    return manifest


def as_parquet(file, manifest, directory):
    import pyarrow as pa

    directory.mkdir()
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest.to_json()))
    with contextlib.closing(sqlite3.connect(file)) as connection:
        for name in manifest.tables:
            found = connection.execute(f"SELECT * FROM {name}")  # noqa: S608
            columns = [column[0] for column in found.description]
            values = list(zip(*found, strict=True)) or [[] for _ in columns]
            table = pa.table(dict(zip(columns, map(list, values), strict=True)))
            pq.write_table(table, directory / f"{name}.parquet")


def test_bundles_of_an_older_schema_are_upgraded_on_a_copy(url, tmp_path):
    manifest = old_bundle(tmp_path / "old.sqlite")
    as_parquet(tmp_path / "old.sqlite", manifest, tmp_path / "old.parquet")
    before = (tmp_path / "old.sqlite").read_bytes()
    bring_in(url, tmp_path / "old.sqlite")
    assert (tmp_path / "old.sqlite").read_bytes() == before
    parquet = sqlite_at(tmp_path / "from-parquet.db")
    bring_in(parquet, tmp_path / "old.parquet")
    upgraded = sqlite_at(shutil.copy(tmp_path / "old.sqlite", tmp_path / "upgraded.db"))
    schema.prepare(parse_url(upgraded)).dispose()
    assert tables_of(url) == tables_of(upgraded) == tables_of(parquet)
    assert tables_of(url)["evaluations"]
    assert new_count(bring_in(url, tmp_path / "old.parquet")) == 0


# Beside others -----------------------------------------------------------------------------------------------------


def test_import_and_export_while_somebody_writes_lose_nothing(store, url, bundle, tmp_path):
    """The writer makes variants and publications that the bundle has too, in the other order."""
    stop, written, errors = threading.Event(), [], []

    def write():
        sweep = Sweep(store, name="live", number=8)
        try:
            while not stop.is_set():
                number = len(written)
                written.append(sweep.evaluate(sweep.train(("live", number), seed=number)))
                store.put_publication(f"live {number % 3}", "imagenet", PAPER[::-1])
        except Exception as error:  # noqa: BLE001  # told to the test
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            bring_in(url, bundle, renames={"fashion": f"copy {number}"})
            export(url, tmp_path / f"live-{number}")
    finally:
        stop.set()
        writer.join()
    assert errors == []
    assert len(written) > 1
    with contextlib.closing(open_reader(url)) as reader:
        found = [row["evaluation"] for row in reader.view(sweep="live")]
    assert sorted(found) == sorted(written)
    for number in range(3):
        copy = sqlite_at(tmp_path / f"copy-{number}.db")
        bring_in(copy, tmp_path / f"live-{number}")
        assert check(copy) == []


def test_two_imports_at_once_are_one(url, bundle):
    with ProcessPoolExecutor(3, mp_context=get_context("fork")) as pool:
        new = [pool.submit(new_after_import, url, bundle) for _ in range(3)]
        assert sorted(one.result() > 0 for one in new) == [False, False, True]
    assert tables_of(url) == tables_of(sqlite_at(bundle))


def new_after_import(url, bundle):
    return new_count(bring_in(url, bundle))


@pytest.mark.usefixtures("store")
def test_readers_go_on_during_an_import(url, bundle, monkeypatch):
    from db.bundles import merging

    looked = []

    def look(self, fingerprints):
        del self, fingerprints
        with contextlib.closing(open_reader(url)) as reader:
            looked.append(reader.view())

    monkeypatch.setattr(merging._Merge, "_require_nobody_runs", look)
    bring_in(url, bundle)
    assert looked == [[]]


def test_a_dead_connection_in_the_middle_leaves_nothing(postgres_url, bundle, monkeypatch):
    from db.bundles import merging
    from db.errors import DatabaseUnavailableError

    before = tables_of(postgres_url)

    def cut(self, _table):
        self._here.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    monkeypatch.setattr(merging._Merge, "_bring_results", cut)
    with pytest.raises(DatabaseUnavailableError):
        bring_in(postgres_url, bundle)
    assert tables_of(postgres_url) == before


def test_a_driver_that_waits_for_an_import_is_not_lost(store, url, bundle):
    """What a writer does meanwhile waits; it is neither refused nor forgotten."""
    parsed = parse_url(url)
    engine = open_write_engine(parsed)
    sweep = Sweep(store, name="live", number=8)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE publications, jobs IN EXCLUSIVE MODE"))
        waiting = threading.Thread(target=sweep.train, args=("waiting",))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
    waiting.join()
    engine.dispose()
    bring_in(url, bundle)
    assert store.job_states([job(("train", "waiting")).fingerprint]) == {job(("train", "waiting")).fingerprint: "done"}
