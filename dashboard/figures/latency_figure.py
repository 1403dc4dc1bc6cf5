"""Latency of single images as it was timed: a tick per image, round by round, with three percentiles. Pure."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.palette import Palette
from dashboard.figures.sample_figure import COUNTS, DISTURBED
from dashboard.words import wording
from db.result_details import Measured

#: Percentile → column of the measurement.
PERCENTILES: Final = {
    "p50": "latency_p50_milliseconds",
    "p90": "latency_p90_milliseconds",
    "p99": "latency_p99_milliseconds",
}
#: Ticks that are drawn of one round at most; more than a row has pixels between.
DRAWN: Final = 400
_TITLE: Final = "Latency of one image, ms"
#: Percentile → on which side of its line its name stands, how many pixels to the right, and above the rows.
_NAMES: Final[tuple[tuple[str, Literal["left", "center", "right"], int, int], ...]] = (
    ("p50", "right", -2, 4),
    ("p90", "center", 0, 16),
    ("p99", "left", 2, 4),
)
_WIDE, _NARROW = (560, 36), (230, 32)


def latency_records(measured: Measured) -> pd.DataFrame:
    """Return one record per image that is drawn: ``row``, ``milliseconds``, ``status``; empty where none was timed.

    Of a round with more than ``DRAWN``, the images are evenly spread over their order by latency, with the quickest and
    the slowest: what is drawn has the distribution of what was timed.
    """
    columns = ["row", "milliseconds", "status"]
    records = [
        (f"Round {one['round']}", milliseconds, COUNTS if one["counts"] else DISTURBED)
        for one in measured.rounds
        for milliseconds in spread(sorted(one["latencies"]), DRAWN)
    ]
    frame: pd.DataFrame = pd.DataFrame(records, columns=columns)
    return frame


def spread(ordered: Sequence[float], most: int) -> list[float]:
    """Return so many of some values at most, 2 or more: evenly spread, the first and the last among them."""
    if len(ordered) <= most:
        return list(ordered)
    step = (len(ordered) - 1) / (most - 1)
    return [ordered[round(index * step)] for index in range(most)]


def percentile_records(measured: Measured) -> pd.DataFrame:
    """Return one record per percentile that is stored: ``percentile``, ``milliseconds``; may be empty."""
    told = [(name, measured.row[column]) for name, column in PERCENTILES.items()]
    known = [(name, value, wording.milliseconds(value)) for name, value in told if value is not None]
    frame: pd.DataFrame = pd.DataFrame(known, columns=["percentile", "milliseconds", "Latency"])
    return frame


def timed(measured: Measured) -> int:
    """Return how many single images were timed."""
    return sum(len(one["latencies"]) for one in measured.rounds)


def latency_figure(measured: Measured, *, palette: Palette, narrow: bool = False) -> alt.LayerChart:
    """Draw every single image of a measurement, and the percentiles over all rounds that count.

    Args:
        measured: With at least one single image that was timed.
        palette: Of the reader's theme.
        narrow: For a phone.
    """
    images, percentiles = latency_records(measured), percentile_records(measured)
    rows = list(dict.fromkeys(images["row"]))
    width, height = _NARROW if narrow else _WIDE
    x = axes.log_x("milliseconds", _TITLE, [*images["milliseconds"], *percentiles["milliseconds"]])
    y = alt.Y("row:N", sort=rows, axis=alt.Axis(title=None, ticks=False, grid=True, domain=False))
    layers = [_images(images, x, y, palette), *_percentiles(percentiles, x, palette)]
    drawn: alt.LayerChart = (
        alt.layer(*layers)
        .properties(width=width, height=height * len(rows), autosize="pad", description=_described(measured))
        .configure_legend(orient="bottom", title=None)
    )
    return drawn


def _images(images: pd.DataFrame, x: alt.X, y: alt.Y, palette: Palette) -> alt.Chart:
    looks = alt.Scale(domain=[COUNTS, DISTURBED], range=[palette.candidate, palette.quiet])
    told = [alt.Tooltip("row:N", title="Round"), alt.Tooltip("milliseconds:Q", title="Milliseconds", format=".3~f")]
    marks = alt.Chart(images).mark_tick(thickness=1, size=18, opacity=0.6)
    drawn: alt.Chart = marks.encode(x, y, color=alt.Color("status:N", scale=looks), tooltip=told)
    return drawn


def _percentiles(percentiles: pd.DataFrame, x: alt.X, palette: Palette) -> list[alt.Chart]:
    ink: Any = alt.value(palette.ink)
    chart = alt.Chart(percentiles)
    told = [alt.Tooltip("percentile:N", title="Percentile"), alt.Tooltip("Latency:N")]
    lines = chart.mark_rule(strokeWidth=1.5, strokeDash=[5, 3]).encode(x, color=ink, tooltip=told)
    # In the order of the percentiles, the middle one higher: those that are close do not hide each other.
    names = [
        alt.Chart(percentiles[percentiles["percentile"] == name])
        .mark_text(align=align, baseline="bottom", dx=dx, fontSize=11)
        .encode(x, y=alt.value(-above), text="percentile:N", color=ink)
        for name, align, dx, above in _NAMES
    ]
    return [lines, *names]


def _described(measured: Measured) -> str:
    told = [f"{one.percentile} {one.Latency}" for one in percentile_records(measured).itertuples()]
    return f"Latency of {timed(measured):,} single images by round: {', '.join(told)}."
