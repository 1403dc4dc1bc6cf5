"""``remeasure``: which measurements are made again, and what a person is told."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from db.reader import open_reader
from db.store import open_store
from orchestrator.cli import run
from tests.db.example_rows import CPU, Sweep

URL = "sqlite:///orchestrator.db"
OLD = replace(CPU, environment_key="0" * 32, software={"torch": "2.9"})
NEW = replace(CPU, environment_key="1" * 32, software={"torch": "2.10"})


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """Fingerprints by what became of two sweeps' measurements: clean, noisy, old (stale) and other (the second's)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRATOR_DB", URL)
    with contextlib.closing(open_store(URL)) as store:
        store.put_environment(OLD, "lab")
        fashion, flowers = Sweep(store), Sweep(store, name="flowers", number=2)
        made = {
            "old": fashion.measure("old", environment=OLD, verdict="noisy", verdict_reason="blocks vary"),
            "clean": fashion.measure("clean"),
            "noisy": fashion.measure("noisy", verdict="noisy", verdict_reason="blocks vary"),
            "other": flowers.measure("other", verdict="contended", verdict_reason="others computed"),
        }
        store.put_environment(NEW, "lab")
        for sweep in (fashion, flowers):
            store.end_driver(sweep.driver_id)
    return made


def queued(measured):
    with contextlib.closing(open_reader(URL)) as reader:
        return {name for name, fingerprint in measured.items() if reader.job(fingerprint).state == "queued"}


@pytest.mark.parametrize(
    ("arguments", "again", "words"),
    [
        (["fashion"], {"clean", "noisy"}, ["fashion: 2 measurement(s) queued again; 1 stale one(s)"]),
        (["fashion", "--noisy"], {"noisy"}, ["fashion: 1 measurement(s) queued again"]),
        (["--noisy"], {"noisy", "other"}, ["fashion: 1 measurement(s)", "flowers: 1 measurement(s)"]),
        (["--stale"], set(), ["fashion: 1 stale one(s), which a launch measures", "flowers: nothing to measure again"]),
        (["flowers", "--stale"], set(), ["flowers: nothing to measure again"]),
        (["fashion", "--stale", "--noisy"], {"noisy"}, ["1 measurement(s) queued again; 1 stale one(s)"]),
    ],
)
def test_what_was_asked_for_is_queued_again_and_nothing_else(measured, capsys, arguments, again, words):
    assert run(["remeasure", *arguments]) == 0
    assert queued(measured) == again
    told = capsys.readouterr().out
    assert all(word in told for word in words), told


def test_without_a_sweep_it_must_say_which_ones(measured, capsys):
    assert run(["remeasure"]) == 2
    assert "--noisy or --stale" in capsys.readouterr().err
    assert queued(measured) == set()
