"""Every recipe answers its question, with the same rows on both engines."""

import contextlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from db import recipes
from db.errors import UnknownNameError
from db.records import PublishedRecord, SampleRecord, VariantRecord
from db.store import open_store
from db.user_sql import run
from tests.db.example_rows import CPU, GPU, Sweep, digest, job
from tests.postgres import copied_database

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sql-recipes.md").read_text("utf-8")


def b0(group_size, norm):
    expansion = 6 if group_size == 1 else 4
    return VariantRecord(
        model_size="b0", group_size=group_size, expansion=expansion, norm=norm, width=1.0, small_images=False
    )


#: (variant, train resolution) → (right answers of 10,000 per seed, train images/s, MACs per image at 224).
NETWORKS = {
    (b0(1, "gn"), 224): ((8000, 8040), 100.0, 400_000_000),
    (b0(16, "gn"), 224): ((8100, 8120), 180.0, 800_000_000),
    (b0(16, "ln+pn"), 224): ((8300, 8340), 160.0, 800_000_000),
    (b0(16, "ln+pn"), 160): ((8250, 8270), 320.0, 400_000_000),
}
FIELDS = {"native_resolution": 224, "half_resolution": 160, "params": 5_000_000}


def fill(store):
    """Four networks with two seeds each, measured on two devices; a published row of one of them; and failures."""
    sweep = Sweep(store)
    for (variant, pixels), (correct, rate, macs) in NETWORKS.items():
        for seed, right in enumerate(correct):
            trained = sweep.train(
                (variant, pixels, seed),
                variant=variant,
                train_resolution=pixels,
                seed=seed,
                train_macs=macs,
                seconds=3600.0,
                **FIELDS,
            )
            sweep.evaluate(trained, test_resolution=pixels, correct=right - 100, correct_before_fine_tune=right - 110)
            sweep.evaluate(trained, test_resolution=pixels + 32, correct=right, correct_before_fine_tune=right - 400)
        measure(sweep, variant, pixels, rate)
    attempt_badly(store, sweep)
    store.put_publication("paper", "imagenet", [published()])
    measure_with_loading(store)
    store.end_driver(sweep.driver_id)


def measure(sweep, variant, pixels, rate):
    for number, environment in enumerate((CPU, GPU)):
        scale = (1.0, 50.0)[number]
        verdict = "noisy" if pixels == 160 and number == 0 else "clean"
        common = {"variant": variant, "environment": environment, "verdict": verdict}
        blocks = (SampleRecord(images=100, seconds=1800.0), SampleRecord(images=200, seconds=1800.0))
        sweep.measure(resolution=pixels, images_per_second=rate * scale, cv=0.2, samples=blocks, **common)
        for test in (pixels, pixels + 32):
            sweep.measure(mode="inference", resolution=test, images_per_second=3 * rate * scale - test, **common)


def measure_with_loading(store):
    """By a sweep that trains nothing, on a machine that has other software since."""
    sweep = Sweep(store, name="throughput", number=2)
    old, new = (replace(CPU, environment_key=digest(version), device="Old") for version in ("old", "new"))
    store.put_environment(old, "lab")
    for share in (0.8, 0.99):
        loaded = {"end_to_end_images_per_second": 1000.0 * share, "loading_images_per_second": 9000.0}
        sweep.measure(share, environment=old, variant=b0(1, "bn"), **loaded)
    store.put_environment(new, "lab")


def attempt_badly(store, sweep):
    for number in range(3):
        sweep.ask(one := job(("bad", number)))
        attempt = sweep.claim(one)
        kind = {"failure": "data", "message": "no images"} if number < 2 else {"failure": "crash", "message": "SIGKILL"}
        outcome = "failed" if number < 2 else "crashed"
        store.end_attempt(one.fingerprint, attempt, outcome=outcome, next_state="failed", **kind)


def published():
    return PublishedRecord(
        series="G16-LN+PN-Native",
        variant=b0(16, "ln+pn"),
        train_resolution=224,
        test_resolution=None,
        native_resolution=224,
        half_resolution=160,
        fine_tuned=True,
        top1_ppm=790_000,
        params=5_000_000,
        train_macs=800_000_000,
        train_images_per_second=20_000.0,
        inference_images_per_second=None,
        slot_kind="ipu",
        device="POD16",
    )


@pytest.fixture(scope="module")
def filled(postgres_server, tmp_path_factory):
    """Engine → URL of a filled database; filled once."""
    with copied_database(postgres_server, "empty_schema") as postgres:
        urls = {"postgres": postgres, "sqlite": f"sqlite:///{tmp_path_factory.mktemp('recipes') / 'store.db'}"}
        for url in urls.values():
            with contextlib.closing(open_store(url)) as store:
                fill(store)
        yield urls


@pytest.fixture(params=["sqlite", "postgres"])
def answer(request, filled):
    """Ask a recipe by its name; rows as dictionaries."""
    return lambda name: run(filled[request.param], recipes.recipe(name).sql).as_objects()


def test_the_best_network_of_each_device_is_shown(answer):
    found = {row["device"]: row for row in answer("best-per-device")}
    assert set(found) == {"Xeon", "H200", "POD16"}
    for device in ("Xeon", "H200"):
        assert (found[device]["series"], found[device]["test_resolution"]) == ("G16-LN+PN-Native", 256)
        assert found[device]["top1_mean"] == pytest.approx(83.2)


def test_the_training_front_leaves_out_what_is_beaten(answer):
    found = [(row["series"], row["images_per_second"]) for row in answer("training-front") if row["device"] == "Xeon"]
    # G16-LN+PN-Half is faster, but noisy on the Xeon.
    assert found == [("G16-LN+PN-Native", 160.0), ("G16-GN-Native", 180.0)]


def test_the_cheapest_above_an_accuracy_is_the_fastest_of_those_above_it(answer):
    rows = answer("cheapest-above-accuracy")
    assert all(row["top1_mean"] >= 80 for row in rows)
    assert (rows[0]["device"], rows[0]["series"], rows[0]["test_resolution"]) == ("H200", "G16-LN+PN-Half", 160)
    assert [row["inference_images_per_second"] for row in rows] == sorted(
        (row["inference_images_per_second"] for row in rows), reverse=True
    )


def test_proxy_normalisation_is_compared_at_equal_size_resolutions_and_device(answer):
    rows = answer("pn-over-gn")
    assert {(row["device"], row["test_resolution"]) for row in rows} == {
        (device, pixels) for device in ("Xeon", "H200") for pixels in (224, 256)
    }
    assert len(rows) == 4
    for row in rows:
        assert (row["group_size"], row["norm"], row["train_resolution"]) == (16, "ln+pn", 224)
        assert row["gain"] == pytest.approx(83.2 - 81.1)
        assert row["train_speed_ratio"] == pytest.approx(160 / 180)


def test_half_is_compared_with_native_of_the_same_network_each_at_its_best(answer):
    rows = answer("half-vs-native")
    assert sorted(row["device"] for row in rows) == ["H200", "Xeon"]
    for row in rows:
        assert (row["norm"], row["native_resolution"], row["half_resolution"]) == ("ln+pn", 224, 160)
        assert row["half_test_resolution"] == 192
        assert row["difference"] == pytest.approx(82.6 - 83.2)
        assert row["train_speed_ratio"] == pytest.approx(2.0)


def test_fine_tuning_gains_more_the_further_the_test_is_from_the_training(answer):
    gains = {(row["train_resolution"], row["test_resolution"]): row["gain"] for row in answer("fine-tune-gain")}
    assert gains == pytest.approx({(160, 160): 0.1, (160, 192): 4.0, (224, 224): 0.1, (224, 256): 4.0})
    (row,) = [
        row for row in answer("fine-tune-gain") if row["train_resolution"] == 160 and row["test_resolution"] == 192
    ]
    assert row["evaluations"] == 2, "however many devices show them"


def test_practice_is_compared_with_theory_against_depthwise_group_norm(answer):
    rows = [row for row in answer("practice-over-theory") if row["device"] == "Xeon"]
    found = {row["series"]: (row["theory"], row["practice"], row["practice_over_theory"]) for row in rows}
    assert found == {
        "G16-GN-Native": pytest.approx((0.5, 1.8, 3.6)),
        "G16-LN+PN-Native": pytest.approx((0.5, 1.6, 3.2)),
    }


def test_the_spread_over_seeds_is_the_distance_of_the_extremes(answer):
    rows = answer("seed-spread")
    assert len(rows) == 8
    assert {row["seeds"] for row in rows} == {2}
    assert (rows[0]["spread"], rows[-1]["spread"]) == (pytest.approx(0.4), pytest.approx(0.2))


def test_published_rows_stand_beside_what_was_measured_of_the_same_network(answer):
    rows = answer("published-beside-measured")
    assert {(row["measured_device"], row["test_resolution"]) for row in rows} == {
        (device, pixels) for device in ("Xeon", "H200") for pixels in (224, 256)
    }
    assert {(row["published_top1"], row["published_train"]) for row in rows} == {(79.0, 20_000.0)}
    assert {row["measured_train"] for row in rows} == {160.0, 8000.0}


def test_doubtful_measurements_show_their_blocks(answer):
    rows = answer("doubtful-measurements")
    assert {(row["verdict"], row["device"]) for row in rows} == {("noisy", "Xeon")}
    assert len(rows) == 3
    assert (rows[0]["mode"], rows[0]["slowest_block"], rows[0]["fastest_block"]) == ("train", 100 / 1800, 200 / 1800)


def test_the_cost_of_proxy_norm_is_a_ratio_within_each_round(answer):
    rows = [row for row in answer("cost-of-proxy-norm-by-round") if row["mode"] == "train"]
    assert {(row["device"], row["resolution"]) for row in rows} == {("Xeon", 224), ("H200", 224)}
    for row in rows:
        assert row["round"] == 1
        assert row["pn_over_gn"] == pytest.approx(1)  # both have the same blocks here
        assert row["reference_ratio"] == pytest.approx(500 / 500)


def test_stale_measurements_are_those_of_superseded_environments(answer):
    (row,) = answer("stale-measurements")
    assert (row["sweep"], row["device"], row["measurements"]) == ("throughput", "Old", 2)


def test_loading_is_a_bottleneck_where_it_takes_more_than_a_twentieth(answer):
    (row,) = answer("loading-bottlenecks")
    assert (row["mode"], row["share_kept"]) == ("train", pytest.approx(0.8))


def test_failures_that_are_alike_are_counted_together(answer):
    found = [(row["stage"], row["outcome"], row["message"], row["attempts"], row["jobs"]) for row in answer("failures")]
    assert found == [("train", "failed", "no images", 2, 2), ("train", "crashed", "SIGKILL", 1, 1)]


def test_slot_hours_are_those_of_the_sweep_s_results(answer):
    row = next(row for row in answer("slot-hours") if row["sweep"] == "fashion")
    assert row["train_hours"] == 8.0
    assert row["evaluate_hours"] == pytest.approx(16 * 8 / 3600)
    assert row["measure_hours"] == pytest.approx(8 + 16 * 2 / 3600)
    assert row["hours"] == pytest.approx(row["train_hours"] + row["evaluate_hours"] + row["measure_hours"])


def test_both_engines_give_the_same_rows_in_the_same_order(filled):
    for recipe in recipes.RECIPES.values():
        ours, theirs = (run(url, recipe.sql) for url in (filled["sqlite"], filled["postgres"]))
        assert ours.columns == theirs.columns, recipe.name
        assert [[type(value) for value in row] for row in ours.rows] == [
            [type(value) for value in row] for row in theirs.rows
        ], recipe.name
        assert len(ours.rows) == len(theirs.rows) > 0, recipe.name
        for one, other in zip(ours.rows, theirs.rows, strict=True):
            assert list(one) == [pytest.approx(value) if isinstance(value, float) else value for value in other]


def test_an_unknown_recipe_is_refused_with_the_closest_known_one():
    with pytest.raises(UnknownNameError, match="Did you mean 'slot-hours'"):
        recipes.recipe("slot-hour")


def test_the_document_shows_every_recipe_as_it_is():
    shown = dict(re.findall(r"^## `([\w-]+)`\n.*?```sql\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL))
    assert shown == {recipe.name: recipe.sql for recipe in recipes.RECIPES.values()}
    for recipe in recipes.RECIPES.values():
        assert recipe.question in DOCUMENT
