"""The views: what a row is, what is pooled, what lies on a front; the same on both engines."""

import statistics

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.fronts import chosen_on_test_images
from db.reader import open_reader
from db.records import PublishedRecord, VariantRecord
from db.store import open_store
from tests.db.example_rows import CPU, FASHION, GPU, Sweep, digest, training

PLAIN = VariantRecord(model_size="b0", group_size=1, expansion=6, norm="gn", width=0.25, small_images=True)
PROXY = training().variant
MODE_VIEWS = {"train": "training_front", "inference": "inference_front"}


def pairs(rows, *names):
    return sorted(tuple(row[name] for name in names) for row in rows)


# results --------------------------------------------------------------------------------------------------------------


def test_an_evaluation_without_measurements_is_one_row_without_throughput(sweep, reader):
    evaluated = sweep.evaluate(sweep.train(1))
    (row,) = reader.view()
    assert (row["evaluation"], row["training_run"]) == (evaluated, digest("job", ("train", 1)))
    assert (row["top1"], row["top1_before_fine_tune"], row["top1_ppm"]) == (85.0, 83.0, 850_000)
    assert (row["train_images_per_second"], row["inference_images_per_second"], row["device"]) == (None, None, None)
    assert (row["source"], row["sweep"], row["dataset"]) == ("measured", "fashion", "fashion-mnist")
    assert row["small_images"] is True


def test_an_evaluation_shows_how_many_validation_images_are_right(sweep, reader):
    trained = sweep.train(1)
    sweep.evaluate(trained, validation_images=1200, validation_correct=1000)
    sweep.evaluate(trained, test_resolution=24)
    held_out, none = sorted(reader.view(), key=lambda row: -row["validation_images"])
    assert (held_out["validation_images"], held_out["validation_correct"]) == (1200, 1000)
    assert held_out["validation_top1"] == pytest.approx(1000 / 12)
    assert (none["validation_images"], none["validation_correct"], none["validation_top1"]) == (0, 0, None)


def test_an_evaluation_shows_the_throughput_at_its_own_resolutions_on_each_device(sweep, reader):
    trained = sweep.train(1)
    sweep.evaluate(trained, test_resolution=28)
    sweep.evaluate(trained, test_resolution=32)
    for environment, rate in ((CPU, 100.0), (GPU, 5000.0)):
        sweep.measure(environment=environment, images_per_second=rate)
        sweep.measure(environment=environment, mode="inference", resolution=28, images_per_second=3 * rate)
        sweep.measure(environment=environment, mode="inference", resolution=32, images_per_second=2 * rate)
        sweep.measure(environment=environment, resolution=24, images_per_second=1.0)
    found = pairs(reader.view(), "device", "test_resolution", "train_images_per_second", "inference_images_per_second")
    assert found == [
        ("H200", 28, 5000.0, 15000.0),
        ("H200", 32, 5000.0, 10000.0),
        ("Xeon", 28, 100.0, 300.0),
        ("Xeon", 32, 100.0, 200.0),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"variant": PLAIN},
        {"precision": "bf16"},
        {"optimizer": "adamw"},
        {"channels": 3},
        {"classes": 100},
        {"resolution": 28},
    ],
)
def test_a_measurement_of_something_else_is_not_shown(sweep, reader, change):
    sweep.evaluate(sweep.train(1))
    sweep.measure(**change)
    (row,) = reader.view()
    assert row["train_images_per_second"] is None


def test_the_newest_clean_measurement_is_shown_else_the_newest_that_nothing_disturbed(sweep, reader):
    sweep.evaluate(sweep.train(1))
    shown = []
    for rate, verdict in ((3.0, "contended"), (10.0, "noisy"), (4.0, "contended"), (9.0, "clean"), (8.0, "noisy")):
        fingerprint = sweep.measure(images_per_second=rate, verdict=verdict, verdict_reason="why")
        for view in ("results", "variant_results"):
            (row,) = reader.view(view)
            shown.append((row["train_images_per_second"], row["train_verdict"]))
    assert shown[::2] == [(3.0, "contended"), (10.0, "noisy"), (10.0, "noisy"), (9.0, "clean"), (9.0, "clean")]
    assert shown[1::2] == shown[::2]
    assert len(reader.measurements_of(fingerprint)) == 5


def test_a_sweep_shows_its_own_measurements_only(store, sweep, reader):
    sweep.evaluate(sweep.train(1))
    other = Sweep(store, name="other", number=2)
    other.measure()
    (row,) = reader.view()
    assert row["train_images_per_second"] is None


def test_what_a_sweep_no_longer_asks_for_is_not_shown(store, sweep, reader):
    sweep.evaluate(sweep.train(1))
    store.put_jobs(sweep.sweep_id, sweep.jobs[:1])
    assert reader.view() == []
    assert reader.view("variant_results") == []


@pytest.mark.parametrize(
    ("variant", "resolution", "series"),
    [
        (PROXY, 28, "G16-LN+PN-Native"),
        (PROXY, 20, "G16-LN+PN-Half"),
        (PLAIN, 24, "G1-GN-24"),
        (VariantRecord(model_size="b0", group_size=16, expansion=6, norm="bn"), 28, "G16E6-BN-Native"),
    ],
)
def test_a_series_is_named_as_the_paper_names_it(sweep, reader, variant, resolution, series):
    sweep.evaluate(sweep.train(1, variant=variant, train_resolution=resolution))
    assert reader.view()[0]["series"] == series


# variant_results ------------------------------------------------------------------------------------------------------


def test_seeds_are_pooled_as_counts(sweep, reader):
    for seed, correct in enumerate((8400, 8500, 8531)):
        sweep.evaluate(sweep.train(seed, seed=seed), correct=correct)
    sweep.measure()
    (row,) = reader.view("variant_results")
    assert (row["seeds"], row["images_sum"], row["correct_sum"], row["top1_ppm"]) == (3, 30_000, 25_431, 847_700)
    assert row["top1_mean"] == pytest.approx(84.77)
    assert row["top1_std"] == pytest.approx(statistics.stdev((84.0, 85.0, 85.31)))
    assert row["train_images_per_second"] == 1000.0


def test_validation_images_are_pooled_as_counts(store, sweep, reader):
    for seed, right in enumerate((1000, 1001, 1005)):
        sweep.evaluate(sweep.train(seed, seed=seed), validation_images=1200, validation_correct=right)
    Sweep(store, name="other", number=2).ask(*sweep.jobs)
    (row,) = reader.view("variant_results")
    assert (row["validation_images"], row["validation_images_sum"], row["validation_correct_sum"]) == (1200, 3600, 3006)
    assert (row["validation_ppm"], row["validation_top1_mean"]) == (835_000, pytest.approx(83.5))


def test_one_seed_has_no_spread(sweep, reader):
    sweep.evaluate(sweep.train(1))
    assert reader.view("variant_results")[0]["top1_std"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"recipe_digest": digest("longer")},
        {"precision": "bf16"},
        {"train_resolution": 24},
        {"variant": PLAIN},
        {"dataset": type(FASHION)(name="fashion-mnist", classes=10, channels=1, image_side=28, train_images=6000)},
    ],
)
def test_different_trainings_are_not_pooled(sweep, reader, change):
    sweep.evaluate(sweep.train(1))
    sweep.evaluate(sweep.train(2, seed=1, **change))
    assert [row["seeds"] for row in reader.view("variant_results")] == [1, 1]


def test_different_fine_tunings_are_not_pooled(sweep, reader):
    trained = sweep.train(1)
    sweep.evaluate(trained)
    sweep.evaluate(trained, fine_tune_digest=digest("none"), fine_tune_layers="none")
    assert [row["seeds"] for row in reader.view("variant_results")] == [1, 1]


def test_a_result_that_two_sweeps_share_counts_once(store, sweep, reader):
    evaluated = [sweep.evaluate(sweep.train(seed, seed=seed), correct=8400 + 100 * seed) for seed in range(2)]
    sweep.measure()
    Sweep(store, name="other", number=2).ask(*sweep.jobs)
    assert len(reader.view()) == 2 * len(evaluated)
    (row,) = reader.view("variant_results")
    assert (row["seeds"], row["correct_sum"], row["train_images_per_second"]) == (2, 16_900, 1000.0)


def test_one_number_stands_for_a_point_however_many_sweeps_measured_it(store, sweep, reader):
    sweep.evaluate(sweep.train(1))
    sweep.evaluate(sweep.train(2, seed=1))
    sweep.measure(images_per_second=1000.0)
    other = Sweep(store, name="other", number=2)
    other.ask(*[one for one in sweep.jobs if one.stage != "measure"])
    other.measure("another batch size", images_per_second=1100.0)
    (row,) = reader.view("variant_results")
    assert (row["seeds"], row["train_images_per_second"]) == (2, 1100.0)


# Fronts ---------------------------------------------------------------------------------------------------------------


def fill_two_variants(sweep):
    """PLAIN is slower and more accurate than PROXY; both are tested at 24 and 28 pixels."""
    for name, variant, correct, rate in (("plain", PLAIN, 8600, 500.0), ("proxy", PROXY, 8500, 1000.0)):
        trained = sweep.train(name, variant=variant)
        sweep.evaluate(trained, test_resolution=28, correct=correct)
        sweep.evaluate(trained, test_resolution=24, correct=correct + (50 if name == "proxy" else 0))
        sweep.measure(variant=variant, images_per_second=rate)
        for resolution in (24, 28):
            sweep.measure(
                variant=variant, mode="inference", resolution=resolution, images_per_second=rate * 3 - resolution
            )


def test_each_scenario_has_its_test_resolutions(sweep, reader):
    fill_two_variants(sweep)
    rows = reader.view("inference_front")
    assert pairs([row for row in rows if row["scenario"] == "native"], "norm", "test_resolution") == [
        ("gn", 28),
        ("ln+pn", 28),
    ]
    # As accurate at both: the smaller resolution is taken.
    assert pairs([row for row in rows if row["scenario"] == "best"], "norm", "test_resolution") == [
        ("gn", 24),
        ("ln+pn", 24),
    ]
    assert pairs([row for row in rows if row["scenario"] == "all"], "norm", "test_resolution") == [
        ("gn", 24),
        ("ln+pn", 24),
    ]


#: Resolution → right answers on test and on validation images: the test images alone would choose 28 pixels.
_DISAGREEING = {20: (8400, 1010), 24: (8500, 1020), 28: (8600, 1015), 32: (8450, 1020)}


def disagree(sweep, validation_images=1200, **training_fields):
    trained = sweep.train("disagreeing", **training_fields)
    for resolution, (correct, right) in _DISAGREEING.items():
        held_out = (validation_images, right) if validation_images else (0, 0)
        sweep.evaluate(
            trained,
            test_resolution=resolution,
            correct=correct,
            validation_images=held_out[0],
            validation_correct=held_out[1],
        )
        sweep.measure(mode="inference", resolution=resolution, images_per_second=1000.0)
    sweep.measure()


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_the_validation_images_choose_the_test_resolution_and_the_test_images_tell_its_accuracy(sweep, reader, mode):
    disagree(sweep)
    (point,) = reader.points(mode, "best")
    # As accurate at 32 pixels on the validation images: the smaller resolution is taken.
    assert (point["test_resolution"], point["top1_mean"], point["chosen_from"]) == (24, 85.0, 4)
    assert not chosen_on_test_images(point)
    (row,) = [row for row in reader.view(MODE_VIEWS[mode]) if row["scenario"] == "best"]
    assert (row["test_resolution"], row["validation_ppm"]) == (24, 850_000)


def test_the_test_images_choose_where_none_were_held_out(sweep, reader):
    disagree(sweep, validation_images=0)
    (point,) = reader.points("inference", "best")
    assert (point["test_resolution"], point["chosen_from"]) == (28, 4)
    assert chosen_on_test_images(point)


def test_one_tested_resolution_is_no_choice(sweep, reader):
    sweep.evaluate(sweep.train(1))
    sweep.measure()
    (point,) = reader.points("train", "best")
    assert not chosen_on_test_images(point)


def test_a_resolution_that_was_not_measured_is_chosen_all_the_same_and_then_there_is_no_point(sweep, reader):
    trained = sweep.train(1)
    for resolution, right in ((24, 1000), (28, 1100)):
        sweep.evaluate(trained, test_resolution=resolution, validation_images=1200, validation_correct=right)
    sweep.measure(mode="inference", resolution=24)
    assert reader.points("inference", "best") == []
    assert [point["chosen_from"] for point in reader.points("inference", "all")] == [2]


def test_each_way_of_fine_tuning_has_its_own_best_resolution(sweep, reader):
    trained = sweep.train(1)
    for layers, favourite in (("head", 24), ("batch-norm-statistics", 28)):
        for resolution in (24, 28):
            sweep.evaluate(
                trained,
                test_resolution=resolution,
                fine_tune_layers=layers,
                fine_tune_digest=digest(layers),
                validation_images=1200,
                validation_correct=1100 if resolution == favourite else 1000,
            )
    sweep.measure()
    assert pairs(reader.points("train", "best"), "fine_tune_layers", "test_resolution") == [
        ("batch-norm-statistics", 28),
        ("head", 24),
    ]


def test_published_resolutions_are_their_authors_choice(store, reader):
    records = [published(0, 700_000 + side, 1.0, "POD4", "b0", side) for side in (192, 224)]
    store.put_publication("paper", "imagenet", records)
    (point,) = reader.points("train", "best")
    assert (point["test_resolution"], point["chosen_from"]) == (224, 2)
    assert not chosen_on_test_images(point)


def test_a_contended_point_is_on_no_front_and_a_noisy_one_only_where_somebody_asks(sweep, reader):
    fill_two_variants(sweep)
    clean = reader.front("train", "best")
    for size, verdict in (("b1", "noisy"), ("b2", "contended")):
        variant = VariantRecord(model_size=size, group_size=1, expansion=6, norm="gn")
        sweep.evaluate(sweep.train(size, variant=variant), correct=9900)
        sweep.measure(variant=variant, images_per_second=99_000.0, verdict=verdict, verdict_reason="why")
    assert reader.front("train", "best") == clean
    assert sorted(map(str, reader.view("training_front", filter_text="scenario=best"))) == sorted(map(str, clean))
    assert len(reader.points("train", "best")) == 2
    for text, number in (("", 3), ("seed=0", 3), ("group_size=1", 2)):
        (point,) = reader.front("train", "best", filter_text=text, noisy=True)
        assert (point["model_size"], point["train_verdict"]) == ("b1", "noisy")
        assert len(reader.points("train", "best", filter_text=text, noisy=True)) == number


def test_points_of_different_devices_never_compete(sweep, reader):
    fill_two_variants(sweep)
    sweep.measure(environment=GPU, variant=PROXY, images_per_second=90_000.0)
    assert pairs(reader.front("train", "best"), "device", "norm") == [
        ("H200", "ln+pn"),
        ("Xeon", "gn"),
        ("Xeon", "ln+pn"),
    ]


def test_a_filter_comes_before_dominance(sweep, reader):
    fill_two_variants(sweep)
    sweep.measure("again", variant=PLAIN, images_per_second=2000.0)
    assert pairs(reader.front("train", "best"), "norm") == [("gn",)]
    assert pairs(reader.front("train", "best", filter_text="norm=LN+PN"), "norm") == [("ln+pn",)]
    points = reader.points("train", "best")
    assert pairs(points, "norm", "on_front") == [("gn", True), ("ln+pn", False)]


def test_a_filter_may_choose_seeds_and_a_sweep_before_pooling(sweep, reader):
    for seed, correct in enumerate((8000, 9000)):
        sweep.evaluate(sweep.train(seed, seed=seed), correct=correct)
    sweep.measure()
    assert [row["top1_mean"] for row in reader.front("train", "all")] == [85.0]
    assert [row["top1_mean"] for row in reader.front("train", "all", filter_text="seed=1")] == [90.0]
    assert [row["seeds"] for row in reader.front("train", "all", sweep="fashion")] == [2]
    assert reader.front("train", "all", sweep="FASHION") == []


def test_the_view_and_the_query_agree(sweep, reader):
    fill_two_variants(sweep)
    for mode, view in (("train", "training_front"), ("inference", "inference_front")):
        for scenario in ("native", "best", "all"):
            rows = [row for row in reader.view(view) if row["scenario"] == scenario]
            key = ("norm", "test_resolution", "images_per_second", "top1_ppm")
            assert pairs(rows, *key) == pairs(reader.front(mode, scenario), *key)


# Both engines, many points --------------------------------------------------------------------------------------------


def published(number, top1_ppm, rate, device, size, test_resolution):
    return PublishedRecord(
        series=f"S{number}",
        variant=VariantRecord(model_size=size, group_size=1, expansion=6, norm="gn"),
        train_resolution=224,
        test_resolution=test_resolution,
        native_resolution=224,
        half_resolution=160,
        fine_tuned=True,
        top1_ppm=top1_ppm,
        params=None,
        train_macs=None,
        train_images_per_second=rate,
        inference_images_per_second=None,
        slot_kind="ipu",
        device=device,
    )


points_on_a_small_grid = st.lists(
    st.tuples(
        st.integers(0, 3),  # series: with the size, a training configuration
        st.integers(5, 9),  # accuracy: few values, so that ties are common
        st.sampled_from([0.1, 0.2, 0.1 + 0.2, 0.3, 1.0]),  # throughput
        st.sampled_from(["POD4", "POD16"]),
        st.sampled_from(["b0", "b1"]),
        st.sampled_from([192, 224, 256]),
    ),
    max_size=30,
    unique_by=lambda point: (point[0], *point[3:]),
)


def brute_force(points, scenario):
    """Points, by their places in the list, that no other of their scenario and device beats; O(n²)."""
    chosen = [number for number, point in enumerate(points) if belongs(points, point, scenario)]
    return sorted(number for number in chosen if not any(beats(points[other], points[number]) for other in chosen))


def belongs(points, point, scenario):
    if scenario == "native":
        return point[5] == 224
    rivals = [other for other in points if (other[0], other[3], other[4]) == (point[0], point[3], point[4])]
    return scenario == "all" or point == max(rivals, key=lambda other: (other[1], -other[5]))


def beats(other, point):
    as_good = other[1] >= point[1] and other[2] >= point[2]
    return other[3] == point[3] and as_good and (other[1] > point[1] or other[2] > point[2])


def test_the_fronts_of_both_engines_equal_brute_force(sqlite_url, postgres_url):
    stores = [open_store(one) for one in (sqlite_url, postgres_url)]
    readers = [open_reader(one) for one in (sqlite_url, postgres_url)]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(points_on_a_small_grid)
    def check(points):
        records = [published(one[0], one[1] * 100_000, one[2], one[3], one[4], one[5]) for one in points]
        for store, reader in zip(stores, readers, strict=True):
            store.put_publication("random", "imagenet", records)
            rows = reader.view("training_front")
            for scenario in ("native", "best", "all"):
                found = [
                    points.index(
                        (
                            int(row["series"][1:]),
                            row["top1_ppm"] // 100_000,
                            row["images_per_second"],
                            row["device"],
                            row["model_size"],
                            row["test_resolution"],
                        )
                    )
                    for row in rows
                    if row["scenario"] == scenario
                ]
                assert sorted(found) == brute_force(points, scenario)

    check()
    for one in (*stores, *readers):
        one.close()


def test_both_engines_give_the_same_rows(sqlite_url, postgres_url):
    found = []
    for url in (sqlite_url, postgres_url):
        store = open_store(url)
        sweep = Sweep(store)
        fill_two_variants(sweep)
        disagree(sweep, variant=PLAIN, seed=7)
        for seed, correct in enumerate((8111, 8222, 8337), 10):
            sweep.evaluate(
                sweep.train(seed, seed=seed, variant=PLAIN),
                correct=correct,
                images=9_999,
                validation_images=1_201,
                validation_correct=correct // 8,
            )
        reader = open_reader(url)
        rows = {
            name: sorted(
                str([(key, value) for key, value in row.items() if key != "finished_at"]) for row in reader.view(name)
            )
            for name in ("results", "variant_results", "training_front", "inference_front")
        }
        found.append(rows)
        store.close()
        reader.close()
    assert found[0] == found[1]
