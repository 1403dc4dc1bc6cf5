"""``export`` and ``import`` as a person types them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from db.reader import open_reader
from db.store import open_store
from orchestrator.cli import run
from orchestrator.driver_identity import this_driver
from tests.db.example_rows import CPU, Sweep, job

PAPER = Path(__file__).parents[2] / "examples" / "published_results.csv"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A directory with a database that holds two finished sweeps."""
    monkeypatch.chdir(tmp_path)
    with contextlib.closing(open_store("sqlite:///home.db")) as store:
        for number, name in enumerate(("fashion", "flowers"), 1):
            sweep = Sweep(store, name=name, number=number)
            sweep.evaluate(sweep.train(name))
            sweep.measure()
            store.end_driver(sweep.driver_id)
    monkeypatch.setenv("ORCHESTRATOR_DB", "sqlite:///home.db")
    return tmp_path


def said(capsys):
    return capsys.readouterr()


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_results_travel_and_travel_once(home, capsys, form):
    assert run(["export", "bundle", "--format", form]) == 0
    told = said(capsys)
    assert "bundle: 2 sweep(s), 5 job(s), 2 training run(s), 2 evaluation(s), 2 measurement(s)" in told.out
    assert "checkpoints do not travel" in told.err
    for number in range(2):
        assert run(["import", "bundle", "--db", "sqlite:///new.db"]) == 0
        told = said(capsys)
        assert ("0 new: everything was here already" in told.out) == (number == 1)
        assert ("checkpoints do not travel" in told.err) == (number == 0)
    assert run(["import", "bundle", "--db", "sqlite:///new.db", "--json"]) == 0
    counts = json.loads(said(capsys).out)["tables"]
    assert counts["trainings"] == {"new": 0, "known": 2, "changed": 0}
    shown = []
    for url in ("sqlite:///home.db", "sqlite:///new.db"):
        assert run(["results", "--json", "--db", url]) == 0
        shown.append(json.loads(said(capsys).out))
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2
    assert {path.name for path in home.iterdir()} == {"home.db", "bundle", "new.db"}


def test_an_sqlite_bundle_answers_like_a_database(home, capsys):
    assert run(["export", "bundle.sqlite", "fash", "--json"]) == 0
    manifest = json.loads(said(capsys).out)
    assert (manifest["sweeps"], manifest["whole"]) == (["fashion"], False)
    assert manifest["tables"]["evaluations"]["rows"] == 1
    (home / "bundle.sqlite").chmod(0o400)
    assert run(["--db", "sqlite:///bundle.sqlite", "results", "--json"]) == 0
    assert [row["sweep"] for row in json.loads(said(capsys).out)] == ["fashion"]


def test_published_results_go_along_with_a_sweep_when_asked(home, capsys):  # noqa: ARG001
    assert run(["import", "--published", str(PAPER), "--name", "paper", "--json"]) == 0
    assert json.loads(said(capsys).out) == {"publication": "paper", "published_results": 36}
    for option, rows in (([], 0), (["--with-published"], 36)):
        assert run(["export", f"bundle{rows}", "fashion", *option, "--json"]) == 0
        assert json.loads(said(capsys).out)["tables"]["published_results"]["rows"] == rows


def test_a_sweep_can_be_given_another_name(home, capsys):  # noqa: ARG001
    assert run(["export", "bundle", "fashion"]) == 0
    assert run(["import", "bundle", "--rename", "fashion=fashion-2"]) == 0
    with contextlib.closing(open_reader("sqlite:///home.db")) as reader:
        assert {sweep.name for sweep in reader.sweeps()} == {"fashion", "flowers", "fashion-2"}
        assert len(reader.view(sweep="fashion-2")) == len(reader.view(sweep="fashion")) == 1
    said(capsys)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "home.db"], 2, "home.db exists"),
        (["export", "nowhere/bundle"], 2, "no directory nowhere"),
        (["export", "bundle", "fasion"], 2, "no one sweep 'fasion'"),
        (["export", "bundle", "--db", "sqlite:///nothing.db"], 4, "no database at"),
        (["export", "bundle", "--format", "zip"], 2, "'zip' is not one of"),
        (["import", "nothing"], 2, "cannot read nothing"),
        (["import", "home.db"], 2, "a database, but no bundle"),
        (["import", str(PAPER)], 2, "--published"),
        (["import"], 2, "give one bundle, or --published"),
        (["import", "bundle", "--published", str(PAPER)], 2, "give one bundle, or --published"),
        (["import", "bundle", "--rename", "fashion"], 2, "not of the form OLD=NEW"),
        (["import", "bundle", "--db", "postgresql://ann:s3cret@127.0.0.1:9/x"], 4, "127.0.0.1:9/x"),
        (["export", "other", "--db", "postgresql://ann:s3cret@127.0.0.1:9/x"], 4, "127.0.0.1:9/x"),
    ],
)
def test_a_mistake_gets_one_message_and_nothing_is_written(home, capsys, arguments, code, message):
    if "bundle" in arguments and arguments[0] == "import":
        assert run(["export", "bundle"]) == 0
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    said(capsys)
    assert run(arguments) == code
    told = said(capsys)
    assert message in told.err
    assert "Traceback" not in told.err
    assert "s3cret" not in told.out + told.err
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def holding(driver):
    """Let a driver hold a sweep with a job that the bundle has a result of."""
    with contextlib.closing(open_store("sqlite:///busy.db")) as store:
        store.register_driver(driver)
        store.put_environment(CPU)
        sweep_id = store.take_sweep("fashion", "name: x", "d", "artifacts", driver.driver_id)
        store.put_jobs(sweep_id, [job(("train", "fashion"))])


def test_a_running_sweep_is_left_alone_and_a_killed_one_is_not_waited_for(home, capsys):  # noqa: ARG001
    assert run(["export", "bundle"]) == 0
    holding(this_driver())
    assert run(["import", "bundle", "--db", "sqlite:///busy.db"]) == 3
    assert f"run by process {os.getpid()}" in said(capsys).err
    dead = subprocess.run(
        [sys.executable, "-c", "from orchestrator.driver_identity import this_driver as t; print(t())"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    from db.records import DriverIdentity

    identity = eval(dead.stdout, {"DriverIdentity": DriverIdentity})  # noqa: S307  # our own
    Path("busy.db").unlink()
    holding(identity)
    assert run(["import", "bundle", "--db", "sqlite:///busy.db"]) == 0
    with contextlib.closing(open_reader("sqlite:///busy.db")) as reader:
        assert reader.live_drivers() == []
        assert len(reader.view()) == 2
