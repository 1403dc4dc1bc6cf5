"""Measurements in rounds: one measurement, one attempt per round, whatever happens in between; on both engines."""

import pytest
from sqlalchemy import create_engine, select

from db.bootstrap import Blocks
from db.records import SampleRecord
from db.tables import environments
from db.upkeep import check
from db.urls import parse_url
from tests.db.example_rows import CPU, GPU, Sweep, digest, job, measurement, measurement_round

MEASURED = job("rounds", "measure", environment_key=CPU.environment_key)
SLOW, FAST = SampleRecord(images=900, seconds=1.0), SampleRecord(images=1100, seconds=1.0)


@pytest.fixture
def asked(sweep):
    """A sweep that asks for one measurement."""
    sweep.ask(MEASURED)
    return sweep


def finish(sweep, *rounds, complete=False, **changes):
    """Claim the measurement and store it with its rounds so far; the last is this attempt's."""
    attempt = sweep.claim(MEASURED)
    record = measurement(complete=complete, **changes, rounds=(*rounds, measurement_round(attempt)))
    return attempt, sweep.store.finish_measurement(MEASURED.fingerprint, attempt, record)


def stored(reader):
    return reader.measurements_of(MEASURED.fingerprint)


def test_a_job_is_queued_again_until_its_measurement_is_complete(asked, reader):
    for number in (1, 2):
        earlier = [measurement_round(attempt) for attempt in range(1, number)]
        assert finish(asked, *earlier) == (number, True)
        assert reader.job(MEASURED.fingerprint).state == "queued"
        assert asked.store.rounds_done(asked.sweep_id) == {MEASURED.fingerprint: number}
    assert finish(asked, *(measurement_round(attempt) for attempt in (1, 2)), complete=True) == (3, True)
    assert reader.job(MEASURED.fingerprint).state == "done"
    assert asked.store.rounds_done(asked.sweep_id) == {}
    assert [one.outcome for one in reader.attempts_of(MEASURED.fingerprint)] == ["done"] * 3


def test_rounds_make_one_measurement_that_comes_back_whole(asked, reader):
    first = measurement_round(
        1,
        (SLOW, FAST),
        end_to_end=(SampleRecord(images=64, seconds=0.25),),
        loading=(SampleRecord(images=64, seconds=0.125),),
        latencies=(1.25, 1.5),
        verdict="noisy",
        verdict_reason="no steady state",
    )
    attempt = asked.claim(MEASURED)
    assert asked.store.finish_measurement(MEASURED.fingerprint, attempt, measurement(rounds=(first,), complete=False))
    attempt = asked.claim(MEASURED)
    whole = measurement(
        rounds=(first, measurement_round(attempt)),
        iqr=12.5,
        compiled=True,
        latency_p50_milliseconds=1.25,
        latency_p90_milliseconds=1.5,
        latency_p99_milliseconds=1.75,
        end_to_end_images_per_second=256.0,
        end_to_end_low=250.0,
        end_to_end_high=260.0,
        loading_images_per_second=512.0,
        images_per_second=1005.0,
    )
    assert asked.store.finish_measurement(MEASURED.fingerprint, attempt, whole)
    (row,) = stored(reader)
    assert row.record == whole
    assert row.attempt == 1
    assert [sample.images for sample in row.record.samples] == [900, 1100, 1000, 1010]


def test_a_round_told_twice_is_kept_once(asked, reader):
    attempt, _ = finish(asked)
    again = measurement(complete=False, rounds=(measurement_round(attempt),))
    assert asked.store.finish_measurement(MEASURED.fingerprint, attempt, again)
    assert len(stored(reader)[0].record.rounds) == 1


def test_a_late_round_that_was_done_again_meanwhile_changes_nothing(asked, reader):
    finish(asked)
    late = asked.claim(MEASURED)
    asked.store.end_attempt(MEASURED.fingerprint, late, outcome="lost", next_state="queued")
    finish(asked, measurement_round(1))
    before = stored(reader)
    record = measurement(complete=False, rounds=(measurement_round(1), measurement_round(late)))
    assert not asked.store.finish_measurement(MEASURED.fingerprint, late, record)
    assert stored(reader) == before
    assert reader.job(MEASURED.fingerprint).state == "queued"
    assert reader.attempts_of(MEASURED.fingerprint)[late - 1].outcome == "superseded"


def test_a_late_round_that_nobody_did_again_counts(asked, reader):
    finish(asked)
    late = asked.claim(MEASURED)
    asked.store.end_attempt(MEASURED.fingerprint, late, outcome="lost", next_state="queued")
    record = measurement(complete=False, rounds=(measurement_round(1), measurement_round(late)))
    assert asked.store.finish_measurement(MEASURED.fingerprint, late, record)
    assert [one.attempt for one in stored(reader)[0].record.rounds] == [1, late]


def test_a_round_does_not_bring_back_a_cancelled_measurement(asked, reader):
    attempt = asked.claim(MEASURED)
    asked.store.end_attempt(MEASURED.fingerprint, attempt, outcome="lost", next_state="queued")
    asked.store.cancel([MEASURED.fingerprint])
    record = measurement(complete=False, rounds=(measurement_round(attempt),))
    assert not asked.store.finish_measurement(MEASURED.fingerprint, attempt, record)
    assert reader.job(MEASURED.fingerprint).state == "cancelled"


def test_measuring_again_starts_a_measurement_of_its_own(asked, reader):
    finish(asked, complete=True)
    asked.store.requeue([MEASURED.fingerprint], ("done",))
    assert asked.store.rounds_done(asked.sweep_id) == {}
    attempt, accepted = finish(asked, complete=True, images_per_second=1500.0, high=1600.0)
    assert accepted
    assert [row.record.images_per_second for row in stored(reader)] == [1500.0, 1000.0]
    assert [row.attempt for row in stored(reader)] == [attempt, 1]


def test_an_unfinished_measurement_is_shown(asked, reader):
    trained = asked.train(1)
    asked.evaluate(trained)
    finish(asked, images_per_second=1005.0)
    assert [row["train_images_per_second"] for row in reader.view()] == [1005.0]


def test_disturbed_rounds_lend_no_blocks_to_intervals_unless_all_were(asked, reader):
    disturbed = measurement_round(1, (SLOW, SLOW), verdict="contended", verdict_reason="others computed")
    attempt = asked.claim(MEASURED)
    asked.store.finish_measurement(MEASURED.fingerprint, attempt, measurement(rounds=(disturbed,), complete=False))
    identity = stored(reader)[0].measurement_id
    assert reader.timed_blocks([identity]) == {identity: Blocks(((900.0, 900.0),))}
    finish(asked, disturbed)
    assert reader.timed_blocks([identity]) == {identity: Blocks(((1000.0, 1010.0),))}


# Where environments were seen -----------------------------------------------------------------------------------------


def environment(version, **changes):
    fields = {name: getattr(CPU, name) for name in CPU.__slots__} | {"environment_key": digest(version, changes)}
    return type(CPU)(**fields | {"software": {"torch": version}} | changes)


@pytest.fixture
def seen(url, store):
    """Tells the store of an environment on a machine; returns which are superseded then."""
    engine = create_engine(parse_url(url))
    query = select(environments.c.environment_key).where(environments.c.superseded_at.is_not(None))

    def see(one, node="here"):
        store.put_environment(one, node)
        with engine.connect() as connection:
            return set(connection.execute(query).scalars())

    yield see
    engine.dispose()


def test_other_software_on_the_same_machine_supersedes_the_former(seen):
    old, new = environment("2.10"), environment("2.11")
    assert seen(old) == set()
    assert seen(new) == {old.environment_key}
    assert seen(new) == {old.environment_key}


def test_what_is_seen_again_is_present_again(seen):
    old, new = environment("2.10"), environment("2.11")
    seen(old), seen(new)
    assert seen(old) == {new.environment_key}


def test_an_environment_that_another_machine_still_has_is_present(seen):
    old, new = environment("2.10"), environment("2.11")
    seen(old, "one"), seen(old, "two")
    assert seen(new, "one") == set()
    assert seen(new, "two") == {old.environment_key}


def test_other_devices_and_thread_counts_do_not_supersede_each_other(seen):
    seen(environment("2.10"))
    assert seen(environment("2.11", threads=2)) == set()
    assert seen(GPU) == set()


def test_without_the_name_of_a_machine_nothing_is_superseded(seen):
    seen(environment("2.10"), None)
    assert seen(environment("2.11"), None) == set()


def test_stale_measurements_are_shown_and_on_no_front_until_their_software_is_back(url, store, reader):
    old, new = environment("2.10"), environment("2.11")
    store.put_environment(old, "lab")
    sweep = Sweep(store)
    sweep.evaluate(sweep.train(1))
    sweep.measure(environment=old)

    def shown():
        verdicts = [row["train_verdict"] for name in ("results", "variant_results") for row in reader.view(name)]
        assert check(url) == []
        return verdicts, len(reader.front("train", "native"))

    assert shown() == (["clean", "clean"], 1)
    store.put_environment(new, "lab")
    assert shown() == (["stale", "stale"], 0)
    store.put_environment(old, "lab")
    assert shown() == (["clean", "clean"], 1)
    store.put_environment(new, "lab")
    sweep.measure("again", environment=new, images_per_second=1005.0)
    assert len(reader.front("train", "native")) == 1
    (point,) = reader.front("train", "native")
    assert (point["images_per_second"], point["train_verdict"]) == (1005.0, "clean")
