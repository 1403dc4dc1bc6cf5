"""Latencies of single images: every one that was timed, beside what is stored of them all."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import pandas as pd
import pytest

from dashboard.figures import figure_files
from dashboard.figures import latency_figure as latencies
from dashboard.figures.palette import DARK, LIGHT
from dashboard.figures.sample_figure import COUNTS, DISTURBED
from dashboard.words import result_words
from tests.dashboard import detailed
from tests.dashboard.detailed import FAMILIES, evaluation, measurement
from tests.dashboard.test_pages import charts, said

CHANGED = FAMILIES[1]


def measured(details, mode="inference", resolution=28):
    return detailed.measured(details, measurement(CHANGED, mode, resolution))


def with_times(one, *times):
    """Return a measurement with other latencies, round by round."""
    rounds = tuple({**each, "latencies": list(some)} for each, some in zip(one.rounds, times, strict=False))
    return replace(one, rounds=rounds)


def test_every_image_is_drawn_in_its_round_and_disturbed_rounds_stand_apart(details):
    one = measured(details)
    records = latencies.latency_records(one)
    assert len(records) == latencies.timed(one) == 4 * 20
    for each in one.rounds:
        of_round = records[records["row"] == f"Round {each['round']}"]
        assert list(of_round["milliseconds"]) == sorted(each["latencies"])
        assert set(of_round["status"]) == {COUNTS if each["counts"] else DISTURBED}
    assert set(records["status"]) == {COUNTS, DISTURBED}


def test_percentiles_are_those_that_are_stored(details):
    one = measured(details)
    told = latencies.percentile_records(one)
    assert dict(zip(told["percentile"], told["milliseconds"], strict=True)) == {
        name: one.row[f"latency_{name}_milliseconds"] for name in ("p50", "p90", "p99")
    }
    assert latencies.percentile_records(measured(details, "train", 20)).empty


def test_of_very_many_images_those_that_are_drawn_have_the_same_distribution(details):
    times = [1.0 + 0.001 * number**1.5 for number in range(10_001)]
    one = with_times(measured(details), reversed(times))
    drawn = latencies.latency_records(one)["milliseconds"]
    assert len(drawn) == latencies.DRAWN
    assert (drawn.min(), drawn.max()) == (times[0], times[-1])
    for share in (0.1, 0.5, 0.9, 0.99):
        assert drawn.quantile(share) == pytest.approx(pd.Series(times).quantile(share), rel=0.02)
    words = result_words.latencies(len(drawn), latencies.timed(one))
    assert "400 of 10,001 images are drawn" in words
    assert "of 10,001" not in result_words.latencies(10_001, 10_001)


@pytest.mark.parametrize(("palette", "narrow"), [(LIGHT, False), (DARK, True)])
def test_the_chart_is_valid_and_names_every_percentile_with_its_unit(details, palette, narrow):
    chart = latencies.latency_figure(measured(details), palette=palette, narrow=narrow)
    assert alt.Chart.from_dict(chart.to_dict(), validate=True)
    high = [layer["encoding"]["y"]["value"] for layer in chart.to_dict()["layer"] if layer["mark"]["type"] == "text"]
    assert max(high[0], high[2]) - high[1] >= 11  # pixels, a line of their words: one that is close hides no other
    svg = figure_files.svg(chart).decode()
    assert svg.count('aria-roledescription="tick"') == 80
    assert all(f">{word}</text>" in svg for word in ("p50", "p90", "p99", "Latency of one image, ms", "Round 4"))


def test_the_page_of_a_result_draws_latencies_where_single_images_were_timed(open_page, detailed_url):
    app = open_page("result", detailed_url, result=measurement(CHANGED, "inference", 28).fingerprint)
    assert "Latency of single images" in said(app)
    assert "half, 90 % and 99 % of the images" in said(app)
    assert [one.key for one in app.get("download_button") if "latencies" in str(one.key)]
    without = open_page("result", detailed_url, result=measurement(CHANGED, "train", 20).fingerprint)
    assert "Latency" not in said(without)
    assert len(charts(app)) == len(charts(without)) + 1
    both = open_page("result", detailed_url, result=evaluation(CHANGED).fingerprint)
    assert said(both).count("Latency of single images") == 1
