"""Published accuracy with throughput measured here: what is paired with what, and the speed-up that comes of it."""

import dataclasses
import json

import pytest

from db.comparison import compare, compare_combined
from db.errors import ComparisonError, FilterError, UnknownNameError
from db.pairing import pairings
from db.publications import read_csv
from db.records import SampleRecord, VariantRecord
from orchestrator.cli import run
from tests.db.example_rows import CPU, GPU, Sweep
from tests.db.test_publications import PAPER
from workers.protocol.variant import HALF_RESOLUTION, NATIVE_RESOLUTION

RECORDS = read_csv(PAPER, NATIVE_RESOLUTION, HALF_RESOLUTION)
#: How many times faster than the paper's machine ours is: any one factor leaves every speed-up as it is.
FACTOR = 1 / 64
B0 = RECORDS[0].variant


@pytest.fixture
def paper(store):
    """The paper's 36 results."""
    store.put_publication("paper", "imagenet", RECORDS)


def measure(sweep: Sweep, variant: VariantRecord = B0, rate: float = 100.0, **changes: object) -> None:
    """Measure a network on images like ImageNet's; training at 224 pixels unless something else is said."""
    changes = {"channels": 3, "classes": 1000, "resolution": 224, **changes}
    sweep.measure(rate, variant=variant, images_per_second=rate, **changes)


def measure_the_paper(sweep: Sweep, sizes: str = "012345", **changes: object) -> None:
    """Measure the training of every published network, so fast that the paper's own speed-ups must come out."""
    done = set()
    for record in RECORDS:
        key = (record.variant, record.train_resolution)
        if record.variant.model_size[1] in sizes and key not in done:
            done.add(key)
            rate = (record.train_images_per_second or 0) * FACTOR
            measure(sweep, record.variant, rate, resolution=record.train_resolution, **changes)


def rates(reader, mode="train", **which):
    found = reader.combined(mode, "all", **which)
    return sorted((row["series"], row["model_size"], row["images_per_second"]) for row in found.points)


# what is paired -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize(
    ("baseline", "candidate", "maximum", "top1"),
    [("G1-GN-Baseline", "G16-LN+PN-Half", 6.84, 82.84), ("G1-GN-Native", "G16-GN-Native", 2.86, 83.39)],
)
def test_a_machine_as_fast_by_one_factor_has_the_papers_speed_ups(sweep, reader, baseline, candidate, maximum, top1):
    measure_the_paper(sweep)
    sides = {"baseline": f"series={baseline}", "candidate": f"series={candidate}", "mode": "train"}
    found = compare_combined(reader, **sides)
    assert found.speedup.maximum.speedup == pytest.approx(maximum, abs=0.01)
    assert found.speedup.maximum.top1 == top1
    theirs = compare(reader, **sides)
    assert [one.speedup for one in found.speedup.points] == pytest.approx([one.speedup for one in theirs.points])
    assert (found.publication, len(found.pairings)) == ("paper", 1)
    assert (found.pairings[0].published, found.pairings[0].missing) == (12, ())
    assert found.pairings[0].place == {"slot_kind": "cpu", "device": "Xeon", "threads": 1, "precision": "fp32"}


@pytest.mark.usefixtures("paper")
def test_two_series_that_train_the_same_network_share_its_measurement(sweep, reader):
    measure(sweep, rate=7.0)
    assert rates(reader) == [("G1-GN-Baseline", "b0", 7.0), ("G1-GN-Native", "b0", 7.0)]


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize(
    "change",
    [
        {"variant": VariantRecord(model_size="b0", group_size=1, expansion=4, norm="gn")},
        {"variant": VariantRecord(model_size="b0", group_size=1, expansion=6, norm="bn")},
        {"variant": VariantRecord(model_size="b0", group_size=1, expansion=6, norm="gn", width=0.5)},
        {"variant": VariantRecord(model_size="b0", group_size=1, expansion=6, norm="gn", small_images=True)},
        {"resolution": 160},
        {"channels": 1},
        {"classes": 10},
        {"optimizer": "adamw"},
        {"mode": "inference", "optimizer": None},
        {"verdict": "contended", "verdict_reason": "another program"},
        {"verdict": "noisy", "verdict_reason": "blocks disagree"},
    ],
    ids=str,
)
def test_a_measurement_of_something_else_or_disturbed_is_not_paired(sweep, reader, change):
    measure(sweep, **change)
    assert rates(reader) == []


@pytest.mark.usefixtures("paper")
def test_of_several_measurements_the_newest_clean_one_counts(sweep, reader):
    for rate, verdict in ((90.0, "clean"), (100.0, "clean"), (110.0, "noisy"), (40.0, "contended")):
        measure(sweep, rate=rate, verdict=verdict, verdict_reason="why")
    assert {rate for *_, rate in rates(reader)} == {100.0}
    other_software = dataclasses.replace(CPU, environment_key="d" * 32, software={"torch": "2.11"})
    sweep.store.put_environment(other_software)
    measure(sweep, rate=120.0, environment=other_software)
    assert {rate for *_, rate in rates(reader)} == {120.0}


@pytest.mark.usefixtures("paper")
def test_devices_threads_and_precisions_stand_apart(sweep, reader):
    two = dataclasses.replace(CPU, environment_key="2" * 32, threads=2)
    sweep.store.put_environment(two)
    for rate, changes in enumerate(({}, {"environment": GPU}, {"environment": two}, {"precision": "bf16"}), 1):
        measure(sweep, rate=float(rate), **changes)
    rows = reader.combined("train", "all").points
    places = {(row["device"], row["threads"], row["precision"]): row["images_per_second"] for row in rows}
    assert places == {
        ("Xeon", 1, "fp32"): 1.0,
        ("H200", 4, "fp32"): 2.0,
        ("Xeon", 2, "fp32"): 3.0,
        ("Xeon", 1, "bf16"): 4.0,
    }
    assert all(row["on_front"] == (row["series"] == "G1-GN-Native") for row in rows)


@pytest.mark.usefixtures("paper")
def test_several_places_are_never_mixed_in_one_speed_up(sweep, reader):
    measure_the_paper(sweep, "01")
    measure_the_paper(sweep, "01", environment=GPU)
    sides = ("series=G1-GN-Native", "series=G16-GN-Native")
    with pytest.raises(ComparisonError, match="2 places in common") as caught:
        compare_combined(reader, baseline=sides[0], candidate=sides[1], mode="train")
    assert 'device="H200"' in caught.value.hint
    assert "source" not in caught.value.hint
    one = [f"{side} device=H200" for side in sides]
    found = compare_combined(reader, baseline=one[0], candidate=one[1], mode="train")
    assert found.speedup.points
    assert [pairing.place["device"] for pairing in found.pairings] == ["H200"]


@pytest.mark.usefixtures("paper")
def test_the_one_place_in_common_is_compared_and_counted(sweep, reader):
    measure_the_paper(sweep, "01", environment=GPU)
    measure(sweep)
    found = compare_combined(reader, baseline="series=G1-GN-Native", candidate="series=G16-GN-Native", mode="train")
    assert found.speedup.points
    assert [(one.place["device"], len(one.missing)) for one in found.pairings] == [("H200", 8)]


@pytest.mark.usefixtures("paper")
def test_inference_is_at_the_native_resolution_where_the_publication_names_none(sweep, reader):
    measure(sweep, rate=7.0, mode="inference", optimizer=None)
    half = next(record for record in RECORDS if record.series == "G16-GN-Half")
    measure(sweep, half.variant, 9.0, mode="inference", optimizer=None, resolution=224)
    measure(sweep, half.variant, 1.0, mode="inference", optimizer=None, resolution=160)
    assert rates(reader, "inference") == [
        ("G1-GN-Baseline", "b0", 7.0),
        ("G1-GN-Native", "b0", 7.0),
        ("G16-GN-Half", "b0", 9.0),
        ("G16-GN-Native", "b0", 9.0),
    ]
    (pairing,) = pairings(reader.combined("inference", "all").rows, "inference")
    assert pairing.unnamed == 3
    native = reader.combined("inference", "native")
    assert [row["series"] for row in native.points] == ["G1-GN-Baseline"]
    assert [(one.published, one.unnamed) for one in pairings(native.rows, "inference")] == [(6, 0)]


def test_inference_is_at_the_resolution_that_the_publication_names(store, sweep, reader):
    store.put_publication("larger", "imagenet", [dataclasses.replace(RECORDS[0], test_resolution=288)])
    measure(sweep, rate=7.0, mode="inference", optimizer=None, resolution=224)
    assert rates(reader, "inference") == []
    measure(sweep, rate=5.0, mode="inference", optimizer=None, resolution=288)
    assert rates(reader, "inference") == [("G1-GN-Baseline", "b0", 5.0)]


@pytest.mark.usefixtures("paper")
def test_what_has_no_measurement_is_counted_and_named(sweep, reader):
    measure_the_paper(sweep, "01234")
    contended = next(
        record for record in RECORDS if record.series == "G16-GN-Half" and record.variant.model_size == "b5"
    )
    measure(sweep, contended.variant, 3.0, resolution=contended.train_resolution, verdict="contended")
    (pairing,) = pairings(reader.combined("train", "best").rows, "train")
    assert pairing.published == 36
    assert {row["model_size"] for row in pairing.missing} == {"b5"}
    assert len(pairing.missing) == 5
    assert [row["series"] for row in pairing.contended] == ["G16-GN-Half"]
    assert pairing.noisy == ()
    assert pairing.unnamed == 0
    assert len(pairing.to_json()["unpaired"]) == 6


@pytest.mark.usefixtures("paper")
def test_noisy_measurements_are_paired_only_where_somebody_asks(sweep, reader):
    measure_the_paper(sweep, verdict="noisy", verdict_reason="blocks disagree")
    sides = {"baseline": "series=G1-GN-Native", "candidate": "series=G16-GN-Native", "mode": "train"}
    without, with_them = (compare_combined(reader, **sides, noisy=noisy) for noisy in (False, True))
    assert without.speedup.reason == "the baseline has no measured results"
    assert [len(pairing.noisy) for pairing in without.pairings] == [12]
    assert with_them.speedup.points
    assert [len(pairing.noisy) for pairing in with_them.pairings] == [0]


@pytest.mark.usefixtures("paper")
def test_without_any_measurement_every_row_is_missing_and_the_speed_up_says_why(reader):
    found = compare_combined(reader, baseline="series=G1-GN-Native", candidate="series=G16-GN-Native", mode="train")
    assert found.speedup.reason == "the baseline has no measured results"
    assert [(pairing.place, pairing.published, len(pairing.missing)) for pairing in found.pairings] == [(None, 12, 12)]


@pytest.mark.usefixtures("paper")
def test_a_sweep_s_name_restricts_to_its_own_measurements(store, sweep, reader):
    measure(sweep, rate=7.0)
    measure(Sweep(store, name="other", number=2), rate=8.0)
    assert {rate for *_, rate in rates(reader, sweep="fashion")} == {7.0}
    assert {rate for *_, rate in rates(reader, sweep="other")} == {8.0}
    assert {rate for *_, rate in rates(reader)} == {8.0}


@pytest.mark.usefixtures("paper")
def test_intervals_come_from_the_timed_blocks(sweep, reader):
    blocks = tuple(SampleRecord(images=100 + 10 * step, seconds=1.0) for step in range(5))
    measure_the_paper(sweep, samples=blocks)
    found = compare_combined(reader, baseline="series=G1-GN-Native", candidate="series=G16-GN-Native", mode="train")
    assert found.speedup.interval_covers == ("throughput",)
    assert found.speedup.maximum.low is not None


# which publication ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("paper")
def test_several_publications_have_to_be_told_apart(store, sweep, reader):
    store.put_publication("theirs", "imagenet", RECORDS[:1])
    measure(sweep, rate=7.0)
    with pytest.raises(UnknownNameError, match="there are 2 publications") as caught:
        reader.combined("train", "all")
    assert caught.value.hint == "Name one: paper, theirs."
    assert len(rates(reader, publication="theirs")) == 1
    assert len(rates(reader, publication="paper")) == 2
    with pytest.raises(UnknownNameError, match="no publication 'papre'") as caught:
        reader.combined("train", "all", publication="papre")
    assert "paper" in caught.value.hint


def test_nothing_published_and_images_of_unknown_shape_are_refused(store, reader):
    with pytest.raises(ComparisonError, match="no published results"):
        reader.combined("train", "all")
    store.put_publication("mine", "my-photos", RECORDS)
    with pytest.raises(ComparisonError, match="how many channels and classes"):
        reader.combined("train", "all")


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize("text", ["source=published", "seed=0", "sweep=fashion"])
def test_a_filter_speaks_of_what_such_rows_have(reader, text):
    with pytest.raises(FilterError):
        reader.combined("train", "all", filter_text=text)


# the command line -----------------------------------------------------------------------------------------------------

SPEEDUP = ("speedup", "--mode", "train", "--baseline", "series=G1-GN-Baseline", "--candidate", "series=G16-LN+PN-Half")
COMBINED = ("--accuracy", "published", "--throughput", "measured")


@pytest.mark.usefixtures("paper")
def test_the_speed_up_says_whose_accuracy_and_whose_throughput_it_is(sweep, url, capsys):
    measure_the_paper(sweep)
    assert run(["--db", url, *SPEEDUP, *COMBINED]) == 0
    output = capsys.readouterr().out
    assert "accuracy: published (paper); throughput: measured here, on Xeon (cpu, 1 thread(s), fp32)" in output
    assert "largest: 6.84× at 82.84 %" in output
    assert run(["--db", url, *SPEEDUP, *COMBINED, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["maximum"]["speedup"] == pytest.approx(6.84, abs=0.01)
    assert found["accuracy"] == {"source": "published", "publication": "paper"}
    (place,) = found["throughput"]["places"]
    assert (found["throughput"]["source"], place["device"], place["unpaired"]) == ("measured", "Xeon", [])


@pytest.mark.usefixtures("paper")
def test_the_commands_name_what_is_left_out_and_how_to_measure_it(sweep, url, capsys):
    measure_the_paper(sweep, "0124")
    assert run(["--db", url, *SPEEDUP, *COMBINED]) == 0
    notes = capsys.readouterr().err
    assert "note: 4 of 12 published rows have no clean train measurement here, so they are left out: " in notes
    assert "G1-GN-Baseline b3 b5; G16-LN+PN-Half b3 b5. Measure with: orchestrator launch examples/measure-the" in notes
    assert "remeasure" not in notes
    assert run(["--db", url, "front", "--mode", "train", *COMBINED, "--filter", "group_size=16"]) == 0
    output = capsys.readouterr()
    assert "accuracy: published (paper); throughput: measured here, on Xeon" in output.out
    assert "note: 8 of 24 published rows have no clean train measurement here" in output.err
    assert run(["--db", url, "front", "--mode", "train", *COMBINED, "--json"]) == 0
    assert {row["source"] for row in json.loads(capsys.readouterr().out)} == {"published accuracy, measured throughput"}


@pytest.mark.usefixtures("paper")
def test_what_was_disturbed_is_to_be_measured_again(sweep, url, capsys):
    measure_the_paper(sweep, verdict="contended", verdict_reason="another program")
    assert run(["--db", url, *SPEEDUP, *COMBINED]) == 0
    output = capsys.readouterr()
    assert "none can be told: the baseline has no measured results" in output.out
    assert (
        "12 of them only while something else used the processors: on a quiet machine, orchestrator rem" in output.err
    )
    assert "Measure with" not in output.err


@pytest.mark.usefixtures("paper")
def test_the_front_of_inference_says_which_resolution_it_takes(sweep, url, capsys):
    measure(sweep, mode="inference", optimizer=None)
    assert run(["--db", url, "front", "--mode", "inference", *COMBINED]) == 0
    assert "note: 1 of 36 published rows do not name their test resolution" in capsys.readouterr().err


@pytest.mark.usefixtures("paper")
def test_a_front_of_nothing_says_so(url, capsys):
    assert run(["--db", url, "front", "--mode", "train", *COMBINED]) == 0
    output = capsys.readouterr()
    assert "no front: no published result with a throughput that was measured here" in output.out
    assert "36 of 36 published rows have no clean train measurement here" in output.err


@pytest.mark.usefixtures("paper")
def test_both_of_one_source_are_what_the_filters_choose_of_it(sweep, url, capsys):
    measure_the_paper(sweep)
    published = ("--accuracy", "published", "--throughput", "published")
    assert run(["--db", url, *SPEEDUP, *published]) == 0
    assert "6.84×" in capsys.readouterr().out
    assert run(["--db", url, *SPEEDUP, "--accuracy", "measured", "--throughput", "measured"]) == 0
    assert "none can be told: the baseline has no measured results" in capsys.readouterr().out
    assert run(["--db", url, "front", "--mode", "train", *published, "--json"]) == 0
    assert {row["source"] for row in json.loads(capsys.readouterr().out)} == {"published"}


@pytest.mark.usefixtures("paper")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--accuracy", "published"), "--accuracy and --throughput go together"),
        (("--throughput", "measured"), "--accuracy and --throughput go together"),
        (("--accuracy", "measured", "--throughput", "published"), "say nothing about any hardware"),
        (("--publication", "paper"), "--publication goes with"),
        ((*COMBINED, "--publication", "papre"), "there is no publication 'papre'"),
        ((*COMBINED, "--accuracy", "wrong"), "'wrong' is not one of"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(url, options, message, capsys):
    assert run(["--db", url, *SPEEDUP, *options]) == 2
    assert message in capsys.readouterr().err
