"""Epochs with the accuracy of held-out images, and without, on both engines."""

import contextlib
import dataclasses

import pytest
from sqlalchemy.exc import IntegrityError

from db.bundles.exporting import export
from db.bundles.merging import bring_in
from db.description import schema
from db.reader import open_reader
from db.records import EpochRecord
from orchestrator.results import epoch_record
from tests.db.example_rows import job
from workers.protocol.orders import EpochDone, report_from_json, report_to_json

PLAIN = EpochRecord(epoch=1, loss=1.5, learning_rate=0.1, images=100, seconds=2.0)
#: More images than four bytes count.
MANY = {"validation_images": 3_000_000_000, "validation_correct": 2_500_000_001}
TESTED = dataclasses.replace(PLAIN, epoch=2, loss=1.0, **MANY)
NONE_RIGHT = dataclasses.replace(PLAIN, epoch=3, validation_images=40, validation_correct=0)


@pytest.fixture
def begun(sweep):
    """Fingerprint of a job whose first attempt runs."""
    one = job(1)
    sweep.ask(one)
    assert sweep.claim(one) == 1
    return one.fingerprint


def test_an_epoch_comes_back_with_the_accuracy_after_it_or_without(begun, store, reader):
    for record in (TESTED, PLAIN, NONE_RIGHT):
        store.record_epoch(begun, 1, record)
    assert reader.epochs_of(begun) == [PLAIN, TESTED, NONE_RIGHT]


def test_what_a_worker_tells_is_what_is_read(begun, store, reader):
    told = [
        EpochDone(begun, 1, 1, 1.5, 0.1, 100, 2.0),
        EpochDone(begun, 1, 2, 1.0, 0.1, 100, 2.0, MANY["validation_images"], MANY["validation_correct"]),
    ]
    for report in told:
        store.record_epoch(begun, 1, epoch_record(report_from_json(report_to_json(report))))
    assert reader.epochs_of(begun) == [PLAIN, TESTED]


@pytest.mark.parametrize(("images", "correct"), [(40, 41), (40, -1), (40, None), (None, 40), (-1, -1)])
def test_counts_that_cannot_be_are_refused(begun, store, reader, images, correct):
    with pytest.raises(IntegrityError):
        store.record_epoch(begun, 1, dataclasses.replace(PLAIN, validation_images=images, validation_correct=correct))
    assert reader.epochs_of(begun) == []


def test_the_description_tells_them_with_their_meaning():
    told = {one.name: one for one in schema()["epochs"].columns}
    assert [told[name].type for name in ("validation_images", "validation_correct")] == ["integer", "integer"]
    assert all(one.meaning for name, one in told.items() if name not in {"fingerprint", "attempt", "epoch"})


@pytest.mark.parametrize("form", ["sqlite", "parquet"])
def test_bundles_carry_both_kinds(begun, sweep, store, url, tmp_path, form):
    for record in (PLAIN, TESTED, NONE_RIGHT):
        store.record_epoch(begun, 1, record)
    store.end_driver(sweep.driver_id)
    export(url, tmp_path / "bundle", form=form)
    there = f"sqlite:///{tmp_path / 'there.db'}"
    bring_in(there, tmp_path / "bundle")
    with contextlib.closing(open_reader(there)) as other:
        assert other.epochs_of(begun) == [PLAIN, TESTED, NONE_RIGHT]
