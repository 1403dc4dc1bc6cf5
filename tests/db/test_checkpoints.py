"""What the store says about the files of trainings; the same on both engines."""

import dataclasses
import threading

import pytest

from db.errors import UnknownNameError
from db.records import PublishedRecord, VariantRecord
from tests.db.example_rows import GPU, Sweep, digest, job, training

PLAIN = VariantRecord(model_size="b0", group_size=1, expansion=6, norm="gn", width=0.25, small_images=True)
PROXY = training().variant


def measured(sweep, variant, rate, **changes):
    sweep.measure(variant=variant, images_per_second=rate, **changes)
    sweep.measure(variant=variant, images_per_second=rate, mode="inference", **changes)


def network(sweep, number, variant, correct, **changes):
    """Train a network and test it; return the training."""
    trained = sweep.train(number, variant=variant, **changes)
    sweep.evaluate(trained, correct=correct)
    return trained


# attempts ---------------------------------------------------------------------------------------------------------


def test_every_attempt_at_a_training_is_told_with_its_part_in_the_result(store, sweep, reader):
    one = job("t")
    sweep.ask(one)
    for outcome in ("crashed", "lost"):
        attempt = sweep.claim(one)
        store.end_attempt(one.fingerprint, attempt, outcome=outcome, next_state="queued")
    assert store.finish_training(one.fingerprint, sweep.claim(one), training())
    sweep.measure()  # an attempt at something else
    found = reader.train_attempts()
    assert [(one.attempt, one.outcome, one.is_result, one.has_result) for one in found] == [
        (1, "crashed", False, True),
        (2, "lost", False, True),
        (3, "done", True, True),
    ]
    assert {(one.fingerprint, one.label, one.state) for one in found} == {(one.fingerprint, "job t", "done")}
    assert [one.directory for one in found] == ["runs/1", "runs/2", "runs/3"]
    (first, *_) = reader.attempts_of(one.fingerprint)
    assert found[0].last_at == first.ended_at


def test_an_attempt_that_runs_has_no_outcome_and_its_start_for_its_time(sweep, reader):
    sweep.ask(one := job("t"))
    sweep.claim(one)
    (found,) = reader.train_attempts()
    assert (found.outcome, found.is_result, found.has_result) == (None, False, False)
    assert found.last_at == reader.attempts_of(one.fingerprint)[0].started_at


@pytest.mark.parametrize("state", ["queued", "blocked", "failed", "quarantined", "cancelled"])
def test_an_evaluation_that_may_still_run_is_open_even_when_no_sweep_asks_for_it(store, sweep, reader, state):
    trained = sweep.train(1)
    sweep.ask(one := job("e", "evaluate", depends_on=trained))
    store.set_job_states([one.fingerprint], ("queued",), state, "") if state != "queued" else None
    store.put_jobs(sweep.sweep_id, sweep.jobs[:1])
    (found,) = reader.train_attempts()
    assert found.open_evaluations == 1


def test_an_evaluation_that_is_decided_is_not_open(store, sweep, reader):
    trained = sweep.train(1)
    sweep.evaluate(trained)
    sweep.ask(one := job("e", "evaluate", depends_on=trained))
    store.set_job_states([one.fingerprint], ("queued",), "diverged", "")
    (found,) = reader.train_attempts()
    assert found.open_evaluations == 0


def test_drivers_hold_the_trainings_of_their_sweeps_until_they_end(store, sweep, reader):
    sweep.train(1)
    other = Sweep(store, name="other", number=2)
    other.train(1)
    other.train(2)
    both, second = (one.holders for one in sorted(reader.train_attempts(), key=lambda one: -len(one.holders)))
    assert (both, second) == ({sweep.driver_id, other.driver_id}, {other.driver_id})
    store.end_driver(sweep.driver_id)
    assert [one.holders for one in reader.train_attempts()] == [{other.driver_id}] * 2


# fronts -----------------------------------------------------------------------------------------------------------


def test_what_another_network_beats_in_both_modes_is_on_no_front(sweep, reader):
    good = network(sweep, 1, PROXY, 8500)
    network(sweep, 2, PLAIN, 8000)
    measured(sweep, PROXY, 1000.0)
    measured(sweep, PLAIN, 900.0)
    assert reader.trainings_on_fronts() == {good}


def test_every_seed_of_a_network_on_a_front_counts(sweep, reader):
    seeds = {network(sweep, number, PROXY, 8500 - number, seed=number) for number in range(3)}
    measured(sweep, PROXY, 1000.0)
    assert reader.trainings_on_fronts() == seeds


def test_a_front_of_one_mode_is_enough(sweep, reader):
    good, quick = network(sweep, 1, PROXY, 8500), network(sweep, 2, PLAIN, 8000)
    measured(sweep, PROXY, 1000.0)
    sweep.measure(variant=PLAIN, images_per_second=900.0)
    sweep.measure(variant=PLAIN, images_per_second=1100.0, mode="inference")
    assert reader.trainings_on_fronts() == {good, quick}


def test_a_front_of_one_device_is_enough(sweep, reader):
    good, beaten_on_the_cpu = network(sweep, 1, PROXY, 8500), network(sweep, 2, PLAIN, 8000)
    measured(sweep, PROXY, 1000.0)
    measured(sweep, PLAIN, 900.0)
    measured(sweep, PLAIN, 5000.0, environment=GPU)
    assert reader.trainings_on_fronts() == {good, beaten_on_the_cpu}


def test_another_recipe_or_test_resolution_is_another_point(sweep, reader):
    good = network(sweep, 1, PROXY, 8500)
    beaten = network(sweep, 2, PROXY, 8000, recipe_digest=digest("other recipe"))
    measured(sweep, PROXY, 1000.0)
    assert reader.trainings_on_fronts() == {good}
    sweep.evaluate(beaten, correct=9000, test_resolution=32)
    assert reader.trainings_on_fronts() == {good, beaten}


def test_the_front_of_one_sweep_alone_counts(store, sweep, reader):
    good = network(sweep, 1, PROXY, 8500)
    measured(sweep, PROXY, 1000.0)
    other = Sweep(store, name="other", number=2)
    alone = network(other, 2, PLAIN, 8000)
    measured(other, PLAIN, 900.0)
    assert reader.trainings_on_fronts() == {good, alone}


def test_the_front_of_all_sweeps_together_counts_where_a_network_is_beaten_in_each_alone(store, sweep, reader):
    pooled, first, second = PROXY, PLAIN, VariantRecord(**{**dataclasses.asdict(PLAIN), "width": 0.5})
    other = Sweep(store, name="other", number=2)
    top1 = {("fashion", pooled): 8000, ("fashion", first): 8300, ("fashion", second): 7000}
    top1 |= {("other", pooled): 9000, ("other", first): 7500, ("other", second): 9100}
    trained = {}
    for seed, run in enumerate((sweep, other)):
        for variant in (pooled, first, second):
            trained[run.name, variant] = network(run, (seed, variant), variant, top1[run.name, variant], seed=seed)
            measured(run, variant, 1000.0)
    assert {trained["fashion", pooled], trained["other", pooled]} <= reader.trainings_on_fronts()


def test_a_throughput_that_was_measured_beside_others_only_is_not_settled(sweep, reader):
    disturbed = network(sweep, 1, PROXY, 8500)
    network(sweep, 2, PLAIN, 8000)
    measured(sweep, PLAIN, 900.0)
    sweep.measure(variant=PROXY, images_per_second=1000.0, verdict="contended", verdict_reason="busy")
    assert reader.trainings_yet_to_compete() == {disturbed}
    sweep.measure(variant=PROXY, images_per_second=1000.0)
    assert reader.trainings_yet_to_compete() == set()


def test_a_sweep_with_a_measurement_to_do_has_not_settled_its_throughput(store, sweep, reader):
    trained = network(sweep, 1, PROXY, 8500)
    sweep.ask(job("m", "measure", environment_key=GPU.environment_key, state="blocked", reason="no GPU"))
    assert trained in reader.trainings_yet_to_compete()
    store.put_jobs(sweep.sweep_id, [one for one in sweep.jobs if one.stage != "measure"])
    assert reader.trainings_yet_to_compete() == set()


def test_a_published_network_on_a_front_is_no_training(store, sweep, reader):
    trained = network(sweep, 1, PROXY, 8500)
    published = PublishedRecord(
        series="P",
        variant=PROXY,
        train_resolution=20,
        test_resolution=28,
        native_resolution=28,
        half_resolution=20,
        fine_tuned=True,
        top1_ppm=990_000,
        params=None,
        train_macs=None,
        train_images_per_second=1e6,
        inference_images_per_second=1e6,
        slot_kind="cpu",
        device="Xeon",
    )
    store.put_publication("paper", "fashion-mnist", [published])
    assert reader.trainings_on_fronts() == set()
    measured(sweep, PROXY, 1000.0)
    assert reader.trainings_on_fronts() == {trained}


# the lock ---------------------------------------------------------------------------------------------------------


def test_who_asks_for_an_evaluation_of_a_training_that_is_held_waits(store, sweep):
    trained = sweep.train(1)
    new = job("late", "evaluate", depends_on=trained)
    asked = threading.Event()

    def ask():
        store.put_jobs(sweep.sweep_id, [*sweep.jobs, new])
        asked.set()

    thread = threading.Thread(target=ask)
    with store.holding_training(trained) as attempts:
        thread.start()
        assert [one.open_evaluations for one in attempts] == [0]
        assert not asked.wait(0.5)
    assert asked.wait(20)
    thread.join()
    with store.holding_training(trained) as attempts:
        assert [one.open_evaluations for one in attempts] == [1]


def test_a_training_that_is_not_there_cannot_be_held(store):
    with pytest.raises(UnknownNameError), store.holding_training("0" * 32):
        pass
