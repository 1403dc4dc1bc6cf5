"""``orchestrator doctor``, run for real, and its judgements one by one."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys

import pytest

from db.store import open_store
from orchestrator import checks
from orchestrator.checks import NOTE, OK, PROBLEM, Finding
from orchestrator.examination import Patient, examine
from tests.acceptance.place import SWEEP, Place
from workers.protocol.orders import Environment


@pytest.fixture
def place(tmp_path, data_directory):
    one = Place(tmp_path, data_directory)
    one.write(SWEEP)
    return one


def findings_of(place, *arguments, expect=0):
    return {one["what"]: one for one in json.loads(place.run("doctor", *arguments, "--json", expect=expect))}


def look_at(what, place, **given):
    """Return one finding, without looking at what comes after it: slots and Ray take seconds."""
    home = place.directory / "orchestrator-runs"
    url = f"sqlite:///{place.directory / 'orchestrator.db'}"
    patient = Patient(**{"url": url, "home": home, "data_directory": place.data, **given})
    return next(one for one in examine(patient) if one.what == what)


def test_on_a_machine_that_can_run_a_sweep_everything_is_in_order(place):
    found = findings_of(place, "sweep.yaml")
    assert [one for one in found.values() if one["state"] != OK] == []
    assert list(found) == [
        "Python", "packages", "database", "runs' files", "data sets", "data set", "cpu slots", "kernels", "Ray",
        "sweep file",
    ]  # fmt: skip
    assert "torch " in found["packages"]["found"]
    assert found["database"]["found"].endswith("nothing is stored there yet; the first launch sets it up")
    assert found["cpu slots"]["found"].startswith("2 × ")
    assert found["sweep file"]["found"] == "sweep.yaml: 2 training(s), 4 evaluation(s), 6 measurement(s)"
    assert not (place.directory / "orchestrator.db").exists()
    assert not (place.directory / "orchestrator-runs").exists()


def test_it_reads_like_a_list_with_what_to_do(place, tmp_path):
    place.write(SWEEP.replace("slots:", "slots: {ipu: {python: no/python3.8, enable: no/enable.sh}}\nother:"))
    text = place.ask("doctor", "sweep.yaml", expect=2)
    assert "PROBLEM sweep file: sweep.yaml:14: other: unknown key" in text
    place.write(SWEEP.partition("slots:")[0] + "slots: {ipu: {python: no/python3.8, enable: no/enable.sh}}\n")
    text = place.run("doctor", "sweep.yaml", "--set", "recipe.batch_size=48", "--set", "measure.memory_format=auto",
                     expect=3)  # fmt: skip
    assert f"PROBLEM slots.ipu.python: {tmp_path}/no/python3.8 does not run" in text
    assert f"PROBLEM slots.ipu.enable: {tmp_path}/no/enable.sh is not there, or cannot be read" in text
    assert "name the enable.sh of poplar and popart" in text
    assert "PROBLEM ipu slots: slots.ipu.enable" in text


def test_an_interpreter_without_poptorch_is_found_out(place):
    place.write(SWEEP.partition("slots:")[0] + f"slots: {{ipu: {{python: {sys.executable}}}}}\n")
    found = findings_of(place, "sweep.yaml", "--set", "measure.memory_format=auto", expect=3)
    assert found["slots.ipu.python"]["state"] == OK
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in found["slots.ipu.python"]["found"]
    assert found["ipu slots"]["state"] == PROBLEM
    assert "poptorch" in found["ipu slots"]["found"].lower()


def test_a_database_of_this_release_is_tried_and_not_changed(place):
    path = place.directory / "orchestrator.db"
    with contextlib.closing(open_store(f"sqlite:///{path}")):
        pass
    before = dump(path)
    found = look_at("database", place)
    assert found.state == OK
    assert "can be read and written" in found.found
    assert dump(path) == before


def dump(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_a_database_and_a_cluster_that_do_not_answer_are_both_told_of_without_the_password(place):
    (place.directory / "orchestrator.db").write_text("no database")
    assert look_at("database", place).state == PROBLEM
    nobody = ("--db", "postgresql://me:pass-word@127.0.0.1:1/none", "--address", "127.0.0.1:1")
    found = findings_of(place, *nobody, expect=4)
    assert "pass-word" not in json.dumps(found)
    assert found["database"]["state"] == found["Ray"]["state"] == PROBLEM
    assert "no Ray cluster answers there" in found["Ray"]["found"]
    assert look_at("Ray", place, address="127.0.0.1:1").exit_code == checks.SLOTS
    unknown = look_at("database", place, url="mysql://me:pass-word@h/d")
    assert (unknown.state, unknown.exit_code) == (PROBLEM, checks.DATABASE)
    assert "pass-word" not in str(unknown)


def test_a_database_of_another_release_is_left_alone(place):
    path = place.directory / "orchestrator.db"
    with contextlib.closing(open_store(f"sqlite:///{path}")):
        pass
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE frontsweep_alembic_version SET version_num = '0001'")
        connection.commit()
    found = look_at("database", place)
    assert "has schema 0001" in found.found
    assert "orchestrator db upgrade" in found.remedy


def test_images_that_are_not_there_are_fetched_by_a_launch(place, tmp_path):
    sweep = place.directory / "sweep.yaml"
    found = look_at("data set", place, sweep_file=sweep, data_directory=tmp_path / "none")
    assert found.state == NOTE
    assert "python -m workers.data fetch fashion-mnist --to" in found.found
    assert found.remedy == "a launch fetches it too"


def test_classes_without_images_are_found(place, tmp_path):
    for part in ("train/cat", "train/dog", "val/cat", "val/dog"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "one.jpeg").write_bytes(b"")
    (tmp_path / "val/dog/one.jpeg").unlink()
    images = f"dataset: {{name: image-folder, root: {tmp_path}}}\n"
    place.write("name: tiny\n" + images + "model: {size: b0}\n" + SWEEP[SWEEP.index("grid:") :])
    found = look_at("data set", place, sweep_file=place.directory / "sweep.yaml")
    assert f"1 class directories of {tmp_path} are empty, such as {tmp_path}/val/dog" in found.found
    assert (found.state, found.exit_code) == (PROBLEM, checks.FILE)


# ---- judgements ---------------------------------------------------------------------------------------------------


def test_the_exit_code_is_that_of_the_most_important_problem():
    def code(*codes):
        return checks.exit_code([checks.problem("x", "y", "", code) for code in codes])

    assert code() == 0
    assert code(checks.OTHER, checks.SLOTS) == 3
    assert code(checks.SLOTS, checks.DATABASE) == 4
    assert code(checks.DATABASE, checks.FILE) == 2
    assert checks.exit_code([Finding("x", NOTE, "slow", "buy", checks.SLOTS)]) == 0


def test_packages_are_compared_with_what_is_asked_for():
    installed = {"torch": "2.14.0+cpu", "numpy": "1.20"}
    assert checks.package_finding(["torch>=2.10", 'ruff; extra == "test"'], installed) == Finding(
        "packages", OK, "torch 2.14.0+cpu"
    )
    wrong = checks.package_finding(["torch>=2.10", "numpy>=1.26", "Ray>=2.54"], installed)
    assert (wrong.state, wrong.found) == (PROBLEM, "numpy 1.20 is not >=1.26; Ray is missing")


def test_disks_are_judged_by_rights_and_room():
    assert checks.space_finding("x", "/d", writable=True, free_bytes=3 * 10**9) == Finding("x", OK, "/d: 3.0 GB free")
    assert checks.space_finding("x", "/d", writable=True, free_bytes=10**9).state == PROBLEM
    assert "cannot be written to" in checks.space_finding("x", "/d", writable=False, free_bytes=10**12).found


def test_slots_are_described_with_their_software_and_their_ipus():
    environment = Environment("ipu", "Graphcore IPU Mk2 (4 IPUs)", 2, {"poptorch": "3.4.0"}, {"ipus": 16})
    assert checks.slot_finding("ipu slots", 4, environment).found == (
        "4 × Graphcore IPU Mk2 (4 IPUs), 2 thread(s); one program can have 16 IPUs here (poptorch 3.4.0)"
    )


def test_slower_networks_are_a_note_with_the_reason():
    assert checks.kernel_finding("fused-3", "").state == OK
    no_compiler = checks.kernel_finding("eager", "no C++ compiler was found")
    assert (no_compiler.state, no_compiler.remedy) == (NOTE, "install a C++17 compiler with OpenMP (g++)")
    assert checks.kernel_finding("eager", "FRONTSWEEP_KERNELS switches them off").remedy == "unset FRONTSWEEP_KERNELS"
