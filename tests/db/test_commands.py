"""What the command line says of results and does for the database, on both engines."""

import dataclasses
import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from db import schema, upkeep
from db.publications import read_csv
from db.urls import parse_url
from orchestrator.cli import run
from tests.db.example_rows import FASHION
from tests.db.golden_databases import load
from tests.db.test_publications import PAPER
from tests.db.test_views import PLAIN, PROXY, disagree


@pytest.fixture
def command(capsys):
    """Run a command line on a database; returns its exit code, standard output and standard error."""

    def ran(url, *arguments):
        code = run(["--db", url, *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran


def change(url, statement):
    engine = create_engine(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


# Upkeep ---------------------------------------------------------------------------------------------------------------


def test_an_upgrade_of_a_file_names_the_backup_and_the_schemas(command, sqlite_url, tmp_path):
    load(sqlite_url, "0001")
    code, said, _ = command(sqlite_url, "db", "upgrade")
    backup = tmp_path / "store.db.schema-0001.backup"
    assert (code, said) == (0, f"backup: {backup}\n{sqlite_url}: schema 0001 → {schema.HEAD}\n")
    assert upkeep.version(f"sqlite:///{backup}") == "0001"


def test_an_upgrade_of_a_server_says_how_to_make_a_backup_and_hides_the_password(command, new_postgres_url):
    load(new_postgres_url, "0001")
    url = make_url(new_postgres_url).set(password="s3cr/t").render_as_string(hide_password=False)  # noqa: S106
    code, said, noted = command(url, "db", "upgrade")
    assert code == 0
    assert f"schema 0001 → {schema.HEAD}" in said
    assert noted.startswith("note: no backup is made of a Postgres database; one is made by: pg_dump --format=custom")
    assert "s3cr" not in said + noted
    assert upkeep.version(new_postgres_url) == schema.HEAD


@pytest.mark.usefixtures("store")
def test_an_upgrade_of_a_current_database_does_nothing(command, url):
    code, said, noted = command(url, "db", "upgrade")
    assert code == 0
    assert said.endswith(f"schema {schema.HEAD} is current, nothing to do\n")
    assert noted == ""


@pytest.mark.usefixtures("sweep")
def test_a_sound_database_is_told_to_be_sound(command, url):
    code, said, _ = command(url, "db", "check")
    assert code == 0
    assert said.endswith(f"schema {schema.HEAD}, sound\n")


def test_everything_that_is_wrong_is_told_and_the_exit_code_says_so(command, url, sweep):
    trained = sweep.train(1)
    change(url, f"DELETE FROM trainings WHERE fingerprint = '{trained}'")  # noqa: S608
    change(url, "DROP VIEW training_front")
    code, said, _ = command(url, "db", "check")
    assert code == 4
    assert f"train job {trained} is done but has no result\n" in said
    assert "the view training_front cannot be read: " in said
    assert said.endswith("2 problem(s)\n")
    code, said, _ = command(url, "db", "check", "--json")
    found = json.loads(said)
    assert (code, found["schema"], len(found["problems"])) == (4, schema.HEAD, 2)


def test_rows_that_point_to_nothing_are_told(command, sqlite_url):
    load(sqlite_url, "0001")
    upkeep.upgrade(sqlite_url)
    with sqlite3.connect(Path(parse_url(sqlite_url).database)) as connection:
        connection.execute("DELETE FROM variants")
    connection.close()
    code, said, _ = command(sqlite_url, "db", "check")
    assert code == 4
    assert "trainings: row 1 points to nothing" in said


def test_a_backup_is_the_database_again(command, sqlite_url, tmp_path):
    load(sqlite_url, "0001")
    upkeep.upgrade(sqlite_url)
    code, said, _ = command(sqlite_url, "db", "backup", str(tmp_path / "copy.db"))
    assert code == 0
    assert f"→ {tmp_path / 'copy.db'}" in said
    results = [command(f"sqlite:///{path}", "results", "--format", "csv") for path in tmp_path.glob("*.db")]
    assert len(results) == 2
    assert results[0] == results[1]


def test_a_server_is_not_copied_by_us(command, postgres_url, tmp_path):
    code, _, said = command(postgres_url, "db", "backup", str(tmp_path / "copy"))
    assert code == 4
    assert "which has tools of its own\nRun `pg_dump --format=custom " in said


@pytest.mark.parametrize("arguments", [("upgrade",), ("check",), ("backup", "copy.db")])
def test_a_database_that_is_not_there_is_an_error_and_is_not_made(command, sqlite_url, tmp_path, arguments):
    code, _, said = command(sqlite_url, "db", *arguments)
    assert code == 4
    assert f"there is no database at {tmp_path / 'store.db'}" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("upgrade",), ("check",)])
def test_a_server_that_does_not_answer_is_an_error_without_its_password(command, arguments):
    code, said, error = command("postgresql://ann:s3cr%2Ft@127.0.0.1:9/results", "db", *arguments)
    assert code == 4
    assert "127.0.0.1:9/results" in error
    assert "s3cr" not in said + error


# Results --------------------------------------------------------------------------------------------------------------


def test_results_show_the_validation_accuracy_and_fit_a_terminal_of_120_columns(command, url, sweep):
    disagree(sweep, variant=PLAIN)
    for seed in (1, 2):
        sweep.evaluate(
            sweep.train(seed, seed=seed, train_resolution=28), validation_images=1200, validation_correct=999
        )
    _, said, _ = command(url, "results")
    lines = said.splitlines()
    heading = next(line for line in lines if "top-1 %" in line)
    assert "valid. %" in heading
    assert "83.25" in said
    assert max(len(line.rstrip()) for line in lines if line != lines[0]) <= 120


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_a_front_says_that_test_images_chose_its_resolutions(command, url, sweep, mode):
    disagree(sweep, validation_images=0)
    code, said, noted = command(url, "front", "--mode", mode)
    assert code == 0
    assert "note" not in said
    assert noted.count("\n") == 1
    assert noted.startswith("note: for 1 of 1 points the best test resolution was chosen on the test images")
    for other in (("--scenario", "native"), ("--scenario", "all")):
        assert command(url, "front", "--mode", mode, *other)[2] == ""


def test_a_front_that_validation_images_chose_says_nothing(command, url, sweep):
    disagree(sweep)
    code, said, noted = command(url, "front", "--mode", "train", "--json")
    assert (code, noted) == (0, "")
    (row,) = json.loads(said)
    assert (row["test_resolution"], row["validation_top1_mean"]) == (24, 85.0)
    assert not {"on_front", "chosen_from"} & set(row)


def test_published_points_need_no_note(command, url, store):
    store.put_publication("paper", "imagenet", read_csv(PAPER, {"b0": 224}, {"b0": 160}))
    sides = ("--baseline", "series=G1-GN-Baseline", "--candidate", "series=G16-LN+PN-Half")
    assert command(url, "speedup", "--mode", "train", *sides)[2] == ""
    assert command(url, "front", "--mode", "train")[2] == ""


def two_variants(sweep, validation_images):
    for variant, gain in ((PLAIN, 0), (PROXY, 100)):
        trained = sweep.train(variant, variant=variant)
        for resolution in (24, 28):
            sweep.evaluate(
                trained, test_resolution=resolution, correct=8000 + gain, validation_images=validation_images
            )
        sweep.measure(variant=variant)


def test_a_speedup_says_that_test_images_chose(command, url, sweep):
    two_variants(sweep, 0)
    sides = ("--baseline", "norm=gn", "--candidate", "norm=ln+pn", "--mode", "train")
    code, _, noted = command(url, "speedup", *sides)
    assert code == 0
    assert noted.startswith("note: for 2 of 2 points ")
    assert command(url, "speedup", *sides, "--scenario", "native")[2] == ""


def test_a_speedup_over_validated_points_needs_no_note(command, url, sweep):
    two_variants(sweep, 1200)
    assert command(url, "speedup", "--baseline", "norm=gn", "--candidate", "norm=ln+pn", "--mode", "train")[2] == ""


def test_what_a_front_leaves_out_as_noisy_is_told_and_let_in_where_asked(command, url, sweep):
    rates = {PLAIN: (500.0, "clean"), PROXY: (900.0, "noisy")}
    for variant, (rate, verdict) in rates.items():
        sweep.evaluate(sweep.train(variant, variant=variant), validation_images=1200)
        sweep.measure(variant=variant, images_per_second=rate, verdict=verdict, verdict_reason="blocks disagree")
    sides = ("speedup", "--baseline", "norm=gn", "--candidate", "norm=ln+pn", "--mode", "train")

    code, said, noted = command(url, "front", "--mode", "train")
    assert (code, "G1-GN" in said, "LN+PN" in said) == (0, True, False)
    assert noted.startswith("note: tested configurations left out for their train measurement: 1 noisy (--noisy lets")
    code, said, noted = command(url, "front", "--mode", "train", "--noisy")
    assert (code, "LN+PN" in said, noted) == (0, True, "")
    assert command(url, "front", "--mode", "train", "--json")[2] == ""
    assert (
        "(verdict noisy); --noisy lets them compete"
        in command(url, "front", "--mode", "train", "--filter", "norm=ln+pn")[1]
    )

    code, said, noted = command(url, *sides)
    assert "none can be told: the candidate has no measured results" in said
    assert "(verdict noisy); --noisy lets them compete" in said
    assert "left out for their train measurement: 1 noisy" in noted
    assert "1.80×" in command(url, *sides, "--noisy")[1]


def test_places_that_differ_in_what_was_held_out_can_be_named_apart(command, url, sweep):
    for held_out in (0, 1200):
        dataset = dataclasses.replace(FASHION, validation_images=held_out)
        for variant in (PLAIN, PROXY):
            trained = sweep.train((variant, held_out), variant=variant, dataset=dataset)
            sweep.evaluate(trained, validation_images=held_out)
    for variant in (PLAIN, PROXY):
        sweep.measure(variant=variant)
    sides = ["--baseline", "norm=gn", "--candidate", "norm=ln+pn", "--mode", "train"]
    code, _, said = command(url, "speedup", *sides)
    assert code == 2
    assert "validation_images=0; or " in said
    places = said.split("both filters: ")[1].strip().removesuffix(".").split("; or ")
    for place in places:
        narrowed = [f"{one} {place}" if one.startswith("norm") else one for one in sides]
        assert command(url, "speedup", *narrowed)[0] == 0
