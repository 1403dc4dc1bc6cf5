"""Sentences and numbers that the pages show, and what is left of a sweep."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from dashboard.figures.front_points import Drawn
from dashboard.words import beside, comparing, coverage, wording
from dashboard.words.remaining import remaining
from db.bootstrap import Blocks, Point
from db.records import JobRow
from db.speedup import speedup
from db.tallies import Tally

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone.utc)


def running(stage, slot, started):
    """Return a job that was started so many seconds before now."""
    return JobRow(
        fingerprint="0" * 32,
        stage=stage,
        label="",
        config={},
        depends_on=None,
        environment_key=None,
        state="running",
        reason="",
        attempt=1,
        driver_id="0" * 32,
        slot=slot,
        crashes=0,
        losses=0,
        not_before=None,
        created_at=NOW,
        changed_at=NOW,
        started_at=NOW - dt.timedelta(seconds=started),
        finished_at=None,
        progress=0.0,
        progress_text="",
    )


def tally(stage, state, jobs=1, seconds=None):
    return Tally(stage=stage, state=state, jobs=jobs, mean_seconds=seconds)


def test_the_time_left_is_the_mean_of_each_stage_shared_by_the_busy_slots():
    tallies = [tally("train", "done", seconds=20), tally("train", "running", 2), tally("train", "queued")]
    rest = remaining(tallies, [running("train", "cpu-0", 5), running("train", "cpu-1", 30)], NOW)
    assert rest.seconds == pytest.approx((15 + 0 + 20) / 2)
    assert rest.unknown == ()


def test_measurements_run_one_at_a_time():
    tallies = [
        tally("measure", "done", seconds=10),
        tally("measure", "queued", 2),
        tally("train", "done", seconds=5),
        tally("train", "running", 2),
    ]
    assert remaining(tallies, [running("train", f"cpu-{one}", 9) for one in (0, 1)], NOW).seconds == pytest.approx(20)


def test_stages_without_an_example_are_named_and_not_counted():
    tallies = [tally("train", "queued"), tally("evaluate", "queued"), tally("measure", "done", seconds=8)]
    rest = remaining(tallies, [], NOW)
    assert (rest.seconds, rest.unknown) == (0.0, ("train", "evaluate"))


def test_failed_and_blocked_jobs_take_no_time():
    tallies = [tally("train", "done", seconds=20), tally("train", "failed", seconds=9), tally("train", "blocked")]
    assert remaining(tallies, [], NOW).seconds == 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (60, "1 min"), (3599, "1 h 0 min"), (7500, "2 h 5 min")],
)
def test_durations_are_short(seconds, words):
    assert wording.duration(seconds) == words


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.456, "0.46 images/s"), (45.6, "45.6 images/s"), (456.4, "456 images/s"), (45_600.0, "45,600 images/s")],
)
def test_rates_have_three_digits_and_a_unit(rate, words):
    assert wording.rate(rate) == words


def test_short_times_have_three_digits_and_a_unit():
    assert [wording.milliseconds(one) for one in (4.2, 41.96, 1234.5)] == ["4.20 ms", "42.0 ms", "1,234 ms"]


def test_names_from_the_database_cannot_become_markup():
    shown = wording.literal("**bold** :red[x] $y$ <b> [a](b) `c` _d_")
    for mark in "*:[]$<>()`_":
        assert f"\\{mark}" in shown
        assert mark not in shown.replace(f"\\{mark}", "")


def test_what_was_taken_out_of_a_speed_up_is_said_where_something_was():
    rates, paces = ((90.0, 100.0), (110.0, 100.0)), ((900.0, 1000.0), (1100.0, 1000.0))
    with_reference, without = ([Point(90.0, 100.0, Blocks(rates, known))] for known in (paces, ()))
    assert comparing.what_intervals_cover(speedup(with_reference, with_reference)).endswith(
        "Throughputs are compared at one pace of the machine: 100% of what the reference network gained and lost "
        "between blocks is taken out."
    )
    assert comparing.what_intervals_cover(speedup(without, without)).endswith("the noise of top-1 is not in it.")


def test_the_headline_tells_the_ratio_the_accuracy_and_the_interval():
    base = [Point(90.0, 100.0, Blocks(((99.0, 100.0, 101.0),))), Point(92.0, 50.0, Blocks(((49.0, 50.0, 51.0),)))]
    fast = [Point(90.0, 230.0, Blocks(((228.0, 230.0, 233.0),))), Point(92.0, 100.0, Blocks(((99.0, 100.0, 102.0),)))]
    result = speedup(base, fast)
    words = comparing.headline(result)
    assert words.startswith("The candidate is 2.30× as fast at 90.00 % top-1, 95 % interval 2.")
    assert comparing.summary(result).startswith(
        "Geometric mean over 2 accuracies from 90.00 to 92.00 % top-1, where the two fronts overlap: 2.14×, 95 %"
    )


def test_without_an_overlap_the_headline_says_why():
    result = speedup([Point(90.0, 100.0)], [Point(92.0, 100.0)])
    assert comparing.headline(result).startswith("No speed-up to report: no accuracy in common")
    assert comparing.summary(result) == ""


def test_families_are_offered_from_the_plainest_to_the_most_changed(reader):
    measured = comparing.families(reader.points("train", "best", filter_text="slot_kind=cpu"))
    assert (measured[0], measured[-1]) == ('series="G1-BN-Native"', 'series="G16-LN+PN-Half"')
    published = comparing.families(reader.points("train", "best", filter_text="source=published"))
    assert (published[0], published[-1]) == ('series="G1-GN-Baseline"', 'series="G16-LN+PN-Half"')


def test_the_filter_of_a_scope_lets_through_its_own_points_only(reader):
    rows = reader.points("train", "best")
    for place in {(row["source"], row["slot_kind"]): row for row in rows}.values():
        found = reader.points("train", "best", filter_text=comparing.scope_filter(place))
        assert {row["device"] for row in found} == {place["device"]}
        assert len(found) == sum(row["device"] == place["device"] for row in rows)


def test_a_device_whose_name_holds_quotes_can_be_named():
    row = dict.fromkeys(("source", "dataset", "dataset_id", "slot_kind", "threads", "precision"), None)
    assert """device='10" rack'""" in comparing.scope_filter({**row, "device": '10" rack'})


def test_a_data_set_is_told_by_what_of_it_was_used():
    row = {"dataset": "shapes", "train_images": None, "test_images": 4000, "validation_images": 0}
    assert wording.data_set(row) == "shapes, 4,000 test images"
    assert wording.data_set({**row, "validation_images": 2000}) == "shapes, 4,000 test images, 2,000 validation images"
    assert wording.data_set({**row, "test_images": None, "validation_images": None}) == "shapes"


def test_points_whose_resolution_the_test_images_chose_are_counted_in_the_best_scenario_only():
    point = {"source": "measured", "validation_images_sum": 0, "chosen_from": 3}
    rows = [
        point,
        {**point, "source": "published", "validation_images_sum": None},
        {**point, "validation_images_sum": 100},
        {**point, "chosen_from": 1},
    ]
    assert coverage.choice(rows, "best").startswith(
        "For 1 point the best test resolution was chosen on the test images"
    )
    assert coverage.choice(rows[1:], "best") == ""
    assert coverage.choice(rows, "native") == coverage.choice(rows, "all") == ""


def told(reader, others, mode="inference", scenario="native"):
    """The points that a page draws, how many there are, and what the page says of that."""
    part, everything = (reader.part(mode, one) for one in (scenario, "all"))
    scopes = [scope for scope in part.scopes() if scope["slot_kind"] == "cpu"]
    tested = [scope["points"] for scope in everything.scopes() if scope["slot_kind"] == "cpu"]
    points = [scope["points"] for scope in scopes]
    return part.nearest(scopes, others), sum(points), sum(tested), everything.left_out(scopes)


def test_every_result_is_shown_or_its_absence_explained(reader):
    shown, points, tested, left_out = told(reader, 1000)
    assert len(shown) == points == len(reader.points("inference", "native", filter_text="slot_kind=cpu"))
    words = coverage.sentence(shown, points, tested, left_out, mode="inference", scenario="native")
    assert words == (
        f"{points} of 50 tested configurations shown; left out: {tested - points} tested at another "
        "than the native resolution, 4 noisy (`orchestrator remeasure --noisy` measures again), 4 disturbed by other "
        "programs while measured (`orchestrator remeasure --noisy`, likewise) and 2 not measured yet. 6 on the front."
    )
    grey = coverage.sentence(shown, points, tested, left_out, mode="inference", scenario="native", greyed=(4, 4))
    assert grey == f"{words} 4 points in grey do not compete."
    some = coverage.sentence(shown, points, tested, left_out, mode="inference", scenario="native", greyed=(4, 2_005))
    assert some == f"{words} 4 of 2,005 points that do not compete are drawn in grey: the most accurate."


def test_fronts_of_groups_that_are_cut_are_told_with_what_there_is():
    fronts = {"points that lead their colour": (2_000, 5_123), "points that lead all": (12, 12)}
    assert coverage.in_part(fronts) == (
        "Drawn in part, the most accurate first: 2,000 of 5,123 points that lead their colour."
    )
    assert coverage.in_part({"points that lead all": (12, 12)}) == coverage.in_part({}) == ""


def test_a_crowd_without_whiskers_is_told():
    assert "on the front alone" in coverage.whiskers(crowded=True)
    assert coverage.whiskers(crowded=False) == ""


def test_points_beside_a_publication_that_are_cut_are_told(monkeypatch):
    monkeypatch.setattr(beside, "DRAWN", 2)
    rows = [{"series": "a", "on_front": number == 0} for number in range(3)]
    assert beside.coverage(rows, rows[:2], ["a"], ["a"]).endswith("here, 2 points of 1 of these.")
    assert beside.coverage(rows, rows, ["a"], ["a"]).endswith(
        "Of those beside your front, no more than 2 are drawn: the nearest."
    )


def test_old_software_is_told_with_the_command_that_measures_again(reader):
    shown, points, tested, left_out = told(reader, 1000)
    stale = replace(left_out, stale=3)
    words = coverage.sentence(shown, points, tested, stale, mode="inference", scenario="native", greyed=(1, 1))
    assert "3 measured with software that is no longer there (`orchestrator remeasure --stale`)" in words
    assert words.endswith("1 point in grey does not compete.")


def test_theory_and_practice_are_compared_in_a_sentence(reader):
    part = reader.part("train", "best")
    scopes = [scope for scope in part.scopes() if scope["slot_kind"] == "cpu"]
    competing = part.nearest(scopes)
    front = [row for row in competing if row["on_front"]]
    beaten = [row for row in competing if not row["on_front"]]
    number = f"**{len(front)} points are on the measured front"
    said = coverage.theory_and_practice
    assert said(Drawn(competing, theory=front)) == (
        f"{number}**, and by multiply-accumulates alone one would have found the same."
    )
    half = Drawn(competing, theory=[*front[:2], *beaten])
    assert said(half) == f"{number}; by multiply-accumulates alone one would have found 2 of them.**"
    assert said(Drawn(competing, theory=beaten)).endswith("would have found none of them.**")
    assert said(Drawn(competing)) == ""


def test_a_front_by_theory_that_is_cut_promises_no_more_than_it_knows(reader, monkeypatch):
    competing = reader.part("train", "best").nearest(reader.part("train", "best").scopes()[:1])
    front = [row for row in competing if row["on_front"]]
    beaten = [row for row in competing if not row["on_front"]]
    monkeypatch.setattr(coverage, "DRAWN", 1 + len(beaten))
    words = coverage.theory_and_practice(Drawn(competing, theory=[front[0], *beaten]))
    assert words.endswith("one would have found at least 1 of them.**")


def test_points_that_are_too_many_to_draw_are_counted_with_the_rule_that_chose(reader):
    shown, points, tested, left_out = told(reader, 1)
    words = coverage.sentence(shown, points, tested, left_out, mode="inference", scenario="native")
    assert len(shown) == 7
    assert words.startswith(
        f"7 of 50 tested configurations shown; left out: {points - 7} further from the front, {tested - points} tested"
    )
    assert "Drawn are all points of the front, what leads by multiply-accumulates, or its colour" in words
    assert "of the others, those whose accuracy is least below" in words
    assert "6 on the front" in words


@pytest.mark.parametrize(
    ("rows", "matching", "total", "words"),
    [
        (1, 1, 1, "1 of 1 row shown. The file has every column."),
        (7, 7, 900, "7 of 900 rows shown; the sweep and the filter leave out the others. The file has every column."),
        (7, 7, coverage.COUNTED, "7 of 10,000 or more rows shown; the sweep and the filter leave out the others. The"),
        (
            1000,
            4321,
            9000,
            "The newest 1,000 of 4,321 rows shown: narrow the filter, or download all of them. The",
        ),
        (
            1000,
            coverage.COUNTED,
            coverage.COUNTED,
            "The newest 1,000 of 10,000 or more rows shown: narrow the filter. `orchestrator",
        ),
    ],
)
def test_the_page_of_results_says_how_many_rows_it_shows_of_how_many(rows, matching, total, words):
    assert coverage.of_results(rows, matching, total).startswith(words)
