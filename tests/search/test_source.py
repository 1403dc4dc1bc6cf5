"""A search's budgets while a driver runs it."""

from __future__ import annotations

import contextlib

import pytest

from db.reader import open_reader
from db.search_records import NewTrial
from db.store import open_store
from orchestrator.driver_partners import impatient
from orchestrator.search.source import SearchSource
from orchestrator.search.stored_results import StoredResults
from tests.db.example_rows import CPU, Sweep, driver, job, training
from tests.search.example_search import SEARCH, search_over, space_of
from tests.sweep.example_sweep import sweep_of

SETTINGS = {"axes": [], "objectives": ["top1"], "floors": {}, "mode": None, "budget": {}}
NO_TIME = "search.budget={hours: 1.0e-9}"


@pytest.fixture
def place(tmp_path):
    """A store with a search in it: the store, its reader, the search's writer and reader."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with contextlib.closing(open_store(url)) as store, contextlib.closing(open_reader(url)) as reader:
        sweep_id = Sweep(store).sweep_id
        writer = store.search(sweep_id)
        writer.put(SETTINGS)
        yield store, reader, writer, reader.search(sweep_id)


def source_of(place, *overrides):
    store, reader, writer, stored = place
    space = space_of()
    return SearchSource(
        search=search_over(space, proposed=None),
        section=sweep_of(SEARCH, *overrides).spec.search,
        space=space,
        results=StoredResults(store, reader, stored),
        writer=writer,
        stored=stored,
        run=None,  # makes tasks of jobs, of which there are none here
        store=store,
        reader=reader,
        note=print,
        epochs=4,
    )


def test_a_search_whose_hours_are_over_proposes_nothing_and_says_so(place):
    source = source_of(place, NO_TIME)
    assert source.advance(1, impatient).added == ()
    source.close()
    assert place[3].row().ended == "its 1e-09 h are over"


def test_hours_in_which_the_sweep_was_paused_are_not_used_up(place):
    source = source_of(place, NO_TIME)
    source.rested(3600.0)
    source.close()
    assert place[3].row().ended == ""


def test_slot_hours_that_are_used_up_end_a_search(place):
    store, _, writer, stored = place
    source = source_of(place, "search.budget={slot_hours: 1.0e-9}")
    source.close()
    assert stored.row().ended == "", "nothing has run yet"
    writer.add_trial(NewTrial(number=0, params={"norm": "gn"}, origin="sampler"), [job("train")])
    attempt = store.claim(
        job("train").fingerprint,
        driver_id=driver().driver_id,
        slot="cpu-0",
        node="here",
        environment_key=CPU.environment_key,
        directory="runs",
    )
    store.finish_training(job("train").fingerprint, attempt, training())
    source.close()
    assert stored.row().ended == "its 1e-09 slot-hours are used up"
