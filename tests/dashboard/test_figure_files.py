"""Charts as files for a paper."""

from __future__ import annotations

import struct

import altair as alt
import pandas as pd
import pytest

from dashboard.figures import figure_files


def chart(rows=3):
    """A chart of two layers, one of which has data of its own."""
    frame = pd.DataFrame(
        {"speed": [float(row) for row in range(rows)], "top1": [float(row % 7) for row in range(rows)]}
    )
    points = alt.Chart(frame).mark_point().encode(alt.X("speed:Q", title="images/s"), alt.Y("top1:Q"))
    rule = alt.Chart(pd.DataFrame({"top1": [1.5]})).mark_rule().encode(alt.Y("top1:Q"))
    return alt.layer(points, rule).properties(width=200, height=100)


def size_of(png):
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


def test_a_png_is_twice_as_large_as_the_chart_on_the_page():
    width, height = size_of(figure_files.png(chart()))
    assert 2 * 200 < width < 2 * 300
    assert 2 * 100 < height < 2 * 180


def test_an_svg_holds_every_mark_and_its_words_as_text_on_white():
    svg = figure_files.svg(chart()).decode()
    assert svg.count('aria-roledescription="point"') == 3
    assert svg.count('aria-roledescription="rule mark"') == 1
    assert ">images/s</text>" in svg
    assert 'fill="#ffffff"' in svg


def test_a_chart_of_more_rows_than_altair_allows_by_default_is_written():
    assert figure_files.svg(chart(6_000)).count(b'aria-roledescription="point"') == 6_000


def test_data_are_written_though_streamlit_draws_another_chart_meanwhile():
    alt.data_transformers.register("elsewhere", lambda _data, **_options: {"name": "elsewhere"})
    interruptions = iter([True, True, False])

    class Interrupted(alt.LayerChart):
        """Becomes a spec as when Streamlit changes, for a moment, how all charts of the process hand over data."""

        def to_dict(self, *arguments, **options):
            if next(interruptions):
                with alt.data_transformers.enable("elsewhere"):
                    return super().to_dict(*arguments, **options)
            return super().to_dict(*arguments, **options)

    svg = figure_files.svg(Interrupted(layer=chart().layer, data=chart().data))
    assert svg.count(b'aria-roledescription="point"') == 3


def test_nothing_is_asked_of_the_internet():
    elsewhere = alt.Chart("https://example.com/data.csv").mark_point().encode(alt.X("speed:Q"))
    with pytest.raises(ValueError, match=r"https://example\.com"):
        figure_files.svg(elsewhere)


def test_a_chart_that_is_written_as_vega_lite_has_its_rows_in_the_file_and_gaps_where_values_are_missing():
    rows = pd.DataFrame({"speed": [1.5, 2.5, float("nan")], "top1": [90.0, 91.0, 92.0], "name": ["a", "b", "c"]})
    place = {"x": {"field": "speed", "type": "quantitative"}, "y": {"field": "top1", "type": "quantitative"}}
    mark = {"type": "point", "invalid": "filter"}
    spec = figure_files.with_data({"mark": mark, "encoding": {**place, "tooltip": {"field": "name"}}}, rows)
    svg = figure_files.svg(spec).decode()
    assert svg.count('aria-roledescription="point"') == 2
    assert size_of(figure_files.png(spec)) > (100, 100)
