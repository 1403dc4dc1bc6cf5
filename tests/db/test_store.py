"""What the store promises to the one who writes, on an SQLite file and on a real Postgres server alike."""

import dataclasses
import datetime as dt
import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import IntegrityError, StatementError

from db.errors import DriverEndedError, SweepHeldError, UnknownNameError
from db.records import EpochRecord
from db.store import open_store
from tests.db.example_rows import CPU, Sweep, driver, evaluation, job, measurement, training


def outcomes(reader, one):
    return [attempt.outcome for attempt in reader.attempts_of(one.fingerprint)]


def state(store, one):
    return store.job_states([one.fingerprint])[one.fingerprint]


# Claiming -------------------------------------------------------------------------------------------------------------


def test_eight_threads_never_claim_the_same_job(sweep, url):
    jobs = [job(number) for number in range(30)]
    sweep.ask(*jobs)

    def claim_all(number):
        own = open_store(url)
        own.register_driver(driver(number))
        claimed = [one.fingerprint for one in jobs if claim(own, one, driver(number).driver_id) is not None]
        own.close()
        return claimed

    with ThreadPoolExecutor(8) as pool:
        claimed = pool.map(claim_all, range(10, 18))
    assert sorted(itertools.chain.from_iterable(claimed)) == sorted(one.fingerprint for one in jobs)


def claim(store, one, driver_id):
    return store.claim(
        one.fingerprint, driver_id=driver_id, slot="s", node="n", environment_key=None, directory="d/{attempt}"
    )


def test_attempts_are_numbered_from_one_and_have_directories_of_their_own(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    assert sweep.claim(one) == 1
    assert sweep.claim(one) is None
    store.end_attempt(one.fingerprint, 1, outcome="crashed", next_state="queued", message="signal 11")
    assert sweep.claim(one) == 2
    assert [attempt.directory for attempt in reader.attempts_of(one.fingerprint)] == ["runs/1", "runs/2"]
    assert outcomes(reader, one) == ["crashed", None]
    assert reader.job(one.fingerprint[:8]).crashes == 1


def test_a_blocked_job_is_not_claimed(sweep):
    one = job(1, state="blocked", reason="no ipu here")
    sweep.ask(one)
    assert sweep.claim(one) is None


def test_a_driver_declared_dead_can_neither_claim_nor_take_a_sweep(sweep, store):
    one = job(1)
    sweep.ask(one)
    store.reap_driver(sweep.driver_id)
    assert store.beat(sweep.driver_id) is False
    with pytest.raises(DriverEndedError):
        sweep.claim(one)
    with pytest.raises(DriverEndedError):
        store.take_sweep("other", "", "", "", sweep.driver_id)


# Results --------------------------------------------------------------------------------------------------------------


def test_a_result_and_its_jobs_state_are_stored_together_or_not_at_all(sweep, store, reader):
    trained, one = sweep.train(1), job(2, "evaluate", depends_on=job(("train", 1)).fingerprint)
    sweep.ask(one)
    attempt = sweep.claim(one)
    with pytest.raises(IntegrityError):
        store.finish_evaluation(one.fingerprint, attempt, evaluation(trained, correct=10_001))
    assert state(store, one) == "running"
    assert outcomes(reader, one) == [None]
    assert store.finish_evaluation(one.fingerprint, attempt, evaluation(trained))
    assert state(store, one) == "done"
    assert [row["top1"] for row in reader.view()] == [85.0]


def test_a_result_delivered_twice_is_stored_once(sweep, store, reader):
    fingerprint = sweep.measure()
    assert store.finish_measurement(fingerprint, 1, measurement(images_per_second=1.0)) is True
    assert [row.record.images_per_second for row in reader.measurements_of(fingerprint)] == [1000.0]


def test_an_old_result_delivered_again_does_not_decide_a_job_that_is_measured_anew(sweep, store, reader):
    fingerprint = sweep.measure()
    store.requeue([fingerprint], from_states=["done"])
    assert store.finish_measurement(fingerprint, 1, measurement()) is True
    assert store.job_states([fingerprint]) == {fingerprint: "queued"}
    assert len(reader.measurements_of(fingerprint)) == 1


def test_the_late_result_of_a_lost_attempt_is_accepted_while_nobody_else_runs_the_job(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    assert store.reap_driver(sweep.driver_id) == [(one.fingerprint, 1)]
    assert (state(store, one), outcomes(reader, one)) == ("queued", ["lost"])
    assert store.finish_training(one.fingerprint, 1, training())
    assert (state(store, one), outcomes(reader, one)) == ("done", ["done"])


def test_the_late_result_of_a_lost_attempt_cannot_overwrite_its_running_successor(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    store.reap_driver(sweep.driver_id)
    second = Sweep(store, number=2)
    assert second.claim(one) == 2
    assert store.finish_training(one.fingerprint, 1, training(seed=1)) is False
    assert store.end_attempt(one.fingerprint, 1, outcome="failed", next_state="failed") is False
    assert (state(store, one), outcomes(reader, one)) == ("running", ["superseded", None])
    assert store.finish_training(one.fingerprint, 2, training(seed=2))
    assert reader.training(one.fingerprint)["seed"] == 2


def test_of_two_results_of_different_attempts_the_first_to_arrive_stays(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    store.reap_driver(sweep.driver_id)
    second = Sweep(store, number=2)
    second.claim(one)
    assert store.finish_training(one.fingerprint, 2, training(seed=2))
    assert store.finish_training(one.fingerprint, 1, training(seed=1)) is False
    assert reader.training(one.fingerprint)["seed"] == 2
    assert outcomes(reader, one) == ["superseded", "done"]


def test_a_result_outranks_having_been_given_up(sweep, store):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    store.end_attempt(one.fingerprint, 1, outcome="lost", next_state="quarantined", reason="lost too often")
    assert store.finish_training(one.fingerprint, 1, training())
    assert state(store, one) == "done"


def test_a_late_failure_does_not_bring_back_a_cancelled_job(sweep, store):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    store.reap_driver(sweep.driver_id)
    assert store.cancel([one.fingerprint]) == 1
    assert store.end_attempt(one.fingerprint, 1, outcome="crashed", next_state="queued") is False
    assert state(store, one) == "cancelled"


def test_a_result_of_an_attempt_that_never_was_is_refused(sweep, store):
    one = job(1)
    sweep.ask(one)
    assert store.finish_training(one.fingerprint, 3, training()) is False
    with pytest.raises(UnknownNameError):
        store.finish_training("0" * 32, 1, training())


def test_eight_threads_that_deliver_the_same_result_store_it_once(sweep, url, reader):
    one = job(1, "measure", environment_key=CPU.environment_key)
    sweep.ask(one)
    sweep.claim(one)

    def deliver(_):
        own = open_store(url)
        accepted = own.finish_measurement(one.fingerprint, 1, measurement())
        own.close()
        return accepted

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(deliver, range(8)))
    assert len(reader.measurements_of(one.fingerprint)) == 1
    assert outcomes(reader, one) == ["done"]


def test_a_training_done_again_replaces_its_result_and_keeps_its_evaluations(sweep, store, reader):
    trained = sweep.train(1)
    sweep.evaluate(trained)
    assert store.requeue([trained], from_states=["done"]) == 1
    assert sweep.claim(job(("train", 1))) == 2
    assert store.finish_training(trained, 2, training(checkpoint="other.pt"))
    assert reader.training(trained)["checkpoint"] == "other.pt"
    assert len(reader.view()) == 1


@pytest.mark.parametrize("field", ["images_per_second", "low", "high", "cv"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0])
def test_a_throughput_that_is_no_number_is_refused(sweep, store, field, value):
    one = job(1, "measure", environment_key=CPU.environment_key)
    sweep.ask(one)
    attempt = sweep.claim(one)
    with pytest.raises(IntegrityError):
        store.finish_measurement(one.fingerprint, attempt, dataclasses.replace(measurement(), **{field: value}))
    assert state(store, one) == "running"


def test_a_measurement_comes_back_as_it_was_stored(sweep, reader):
    fingerprint = sweep.measure(peak_memory_bytes=2**40, batch_size_requested=64)
    (row,) = reader.measurements_of(fingerprint)
    assert row.record == measurement(peak_memory_bytes=2**40, batch_size_requested=64)
    assert row.attempt == 1


LAID_OUT = {
    "batch_size": 96,
    "micro_batch": 6,
    "accumulation": 4,
    "replicas": 4,
    "ipus_per_replica": 2,
    "device_iterations": 1,
}


def test_a_layout_on_ipus_comes_back_as_it_was_stored(sweep, reader):
    (row,) = reader.measurements_of(sweep.measure(**LAID_OUT))
    assert row.record == measurement(**LAID_OUT)


@pytest.mark.parametrize("change", [{"batch_size": 97}, {"replicas": None}, {"device_iterations": 0}])
def test_a_layout_on_ipus_multiplies_to_the_batch_size(sweep, change):
    with pytest.raises(IntegrityError):
        sweep.measure(**LAID_OUT | change)


# Endings and progress -------------------------------------------------------------------------------------------------


def test_an_ending_told_twice_counts_once(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    for _ in range(2):
        assert store.end_attempt(one.fingerprint, 1, outcome="crashed", next_state="queued", failure="error")
    assert reader.job(one.fingerprint).crashes == 1


def test_divergence_is_final(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    assert store.end_attempt(one.fingerprint, 1, outcome="diverged", next_state="diverged", message="loss is NaN")
    assert sweep.claim(one) is None
    assert reader.job(one.fingerprint).finished_at is not None


def test_a_retry_forgets_crashes_and_keeps_history(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    later = dt.datetime(2030, 1, 1, tzinfo=dt.timezone.utc)
    store.end_attempt(one.fingerprint, 1, outcome="crashed", next_state="queued", not_before=later)
    assert reader.job(one.fingerprint).not_before == later
    sweep.claim(one)
    store.end_attempt(one.fingerprint, 2, outcome="crashed", next_state="quarantined", reason="crashed too often")
    assert store.requeue([one.fingerprint]) == 1
    row = reader.job(one.fingerprint)
    assert (row.state, row.crashes, row.attempt, row.finished_at) == ("queued", 0, 2, None)
    assert outcomes(reader, one) == ["crashed", "crashed"]


def test_a_running_job_is_neither_cancelled_nor_requeued_from_outside(sweep, store):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    assert store.cancel([one.fingerprint]) == 0
    assert store.requeue([one.fingerprint], from_states=["running"]) == 0
    with pytest.raises(ValueError, match="by an attempt only"):
        store.set_job_states([one.fingerprint], ["queued"], "done", "")


def test_progress_of_an_attempt_that_was_given_up_is_not_shown(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    assert store.record_progress(one.fingerprint, 1, 0.5, "epoch 2/4")
    assert reader.job(one.fingerprint).progress == 0.5
    store.reap_driver(sweep.driver_id)
    assert store.record_progress(one.fingerprint, 1, 0.9, "epoch 3/4") is False


def test_an_epoch_told_twice_is_kept_once_and_a_resumed_one_replaces_the_old(sweep, store, reader):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    first = EpochRecord(epoch=1, loss=1.5, learning_rate=0.1, images=100, seconds=2.0)
    second = EpochRecord(epoch=2, loss=1.0, learning_rate=0.05, images=100, seconds=2.0)
    for record in (first, first, second):
        store.record_epoch(one.fingerprint, 1, record)
    store.end_attempt(one.fingerprint, 1, outcome="crashed", next_state="queued")
    sweep.claim(one)
    again = dataclasses.replace(second, loss=0.9)
    store.record_epoch(one.fingerprint, 2, again)
    assert reader.epochs_of(one.fingerprint) == [first, again]


# Sweeps and drivers ---------------------------------------------------------------------------------------------------


def test_a_second_driver_is_told_who_holds_the_sweep(sweep, store):
    store.register_driver(driver(2))
    with pytest.raises(SweepHeldError, match="process 1 on here") as refused:
        store.take_sweep("fashion", "text", "digest", "artifacts", driver(2).driver_id)
    assert refused.value.holder.driver_id == sweep.driver_id
    store.end_driver(sweep.driver_id)
    assert store.take_sweep("fashion", "text", "digest", "artifacts", driver(2).driver_id) == sweep.sweep_id


@pytest.mark.usefixtures("store")
def test_of_eight_drivers_at_once_one_gets_the_sweep(url):
    def take(number):
        own = open_store(url)
        own.register_driver(driver(number))
        try:
            return own.take_sweep("contested", "", "", "", driver(number).driver_id)
        except SweepHeldError:
            return None
        finally:
            own.close()

    with ThreadPoolExecutor(8) as pool:
        taken = [one for one in pool.map(take, range(8)) if one is not None]
    assert len(taken) == 1


def test_a_driver_that_has_beaten_since_is_not_reaped(sweep, store):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    seen = store.live_drivers()[0].beats
    assert store.beat(sweep.driver_id)
    assert store.reap_driver(sweep.driver_id, beats=seen) == []
    assert store.reap_driver(sweep.driver_id, beats=seen + 1) == [(one.fingerprint, 1)]
    assert store.reap_driver(sweep.driver_id) == []
    assert store.live_drivers() == []


def test_a_reaped_drivers_sweep_is_stopped_and_free(sweep, store, reader):
    store.reap_driver(sweep.driver_id)
    row = reader.sweep("fashion")
    assert (row.state, row.driver_id) == ("stopped", None)


def test_a_sweeps_state_that_another_process_sets_is_seen(sweep, store):
    store.set_sweep_state(sweep.sweep_id, "finished")
    store.release_sweep(sweep.sweep_id, sweep.driver_id)
    assert store.sweep(sweep.sweep_id).state == "finished"
    with pytest.raises(UnknownNameError, match="no sweep number 99"):
        store.sweep(99)


def test_an_edited_sweep_unlinks_what_it_no_longer_asks_for_and_deletes_nothing(sweep, store):
    jobs = [job(number) for number in range(4)]
    store.put_jobs(sweep.sweep_id, jobs)
    store.put_jobs(sweep.sweep_id, [jobs[3], jobs[1], jobs[3]])
    assert [row.fingerprint for row in store.jobs_of(sweep.sweep_id)] == [jobs[3].fingerprint, jobs[1].fingerprint]
    assert len(store.job_states(one.fingerprint for one in jobs)) == 4


def test_a_job_that_exists_is_reused_as_it_is(sweep, store):
    one = job(1)
    sweep.ask(one)
    sweep.claim(one)
    store.put_jobs(sweep.sweep_id, [dataclasses.replace(one, label="new name")])
    assert store.jobs_of(sweep.sweep_id)[0].label == "job 1"
    assert state(store, one) == "running"


def test_an_evaluation_may_be_listed_before_its_training(sweep, store):
    trained = job(1)
    first = job(2, "evaluate", depends_on=trained.fingerprint)
    store.put_jobs(sweep.sweep_id, [first, trained])
    assert [row.stage for row in store.jobs_of(sweep.sweep_id)] == ["evaluate", "train"]


def test_twelve_thousand_jobs_are_put_and_read_in_one_go(sweep, store):
    jobs = [job(number) for number in range(12_000)]
    store.put_jobs(sweep.sweep_id, jobs)
    assert set(store.job_states(one.fingerprint for one in jobs).values()) == {"queued"}


@pytest.mark.usefixtures("store")
def test_times_come_back_aware_and_in_utc(url):
    east = dt.timezone(dt.timedelta(hours=5))
    own = open_store(url, clock=lambda: dt.datetime(2026, 1, 1, 3, 0, 0, 123456, tzinfo=east))
    own.register_driver(driver(7))
    assert own.live_drivers()[0].started_at == dt.datetime(2025, 12, 31, 22, 0, 0, 123456, tzinfo=dt.timezone.utc)
    assert own.live_drivers()[0].started_at.utcoffset() == dt.timedelta(0)
    naive = open_store(url, clock=lambda: dt.datetime(2026, 1, 1))  # noqa: DTZ001  # what must be refused
    with pytest.raises(StatementError, match="no time zone"):
        naive.register_driver(driver(8))
    own.close()
    naive.close()
