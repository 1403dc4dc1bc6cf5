"""Two fronts and their ratio at equal accuracy, side by side with the same accuracy axis. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.palette import Palette
from dashboard.words import wording
from db.speedup import SpeedupPoint

_SIDES: Final = ("baseline", "candidate")
_DESCRIPTION: Final = "The fronts of baseline and candidate, and their ratio. The table below has the numbers."
_UNKNOWN: Final = "unknown"
_WIDE, _NARROW = (470, 360), (270, 240)


def front_records(baseline: Sequence[dict[str, Any]], candidate: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return one record per point of the two fronts, as ``Reader.front`` returns them."""
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "side": side,
                "top1": row["top1_mean"],
                "images_per_second": row["images_per_second"],
                "Family": row["series"],
                "Network": wording.network(row),
                "Top-1": wording.top1(row["top1_mean"], row["top1_std"], row["seeds"]),
                "Throughput": wording.rate(row["images_per_second"]),
            }
            for side, rows in zip(_SIDES, (baseline, candidate), strict=True)
            for row in rows
        ]
    )
    return frame


def ratio_records(points: Sequence[SpeedupPoint]) -> pd.DataFrame:
    """Return one record per accuracy; where no interval can be told, it is as narrow as the ratio."""
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "top1": point.top1,
                "speedup": point.speedup,
                "low": point.speedup if point.low is None else point.low,
                "high": point.speedup if point.high is None else point.high,
                "Speed-up": f"{point.speedup:.2f}×",
                "95 % interval": _UNKNOWN if point.low is None else f"{point.low:.2f} to {point.high:.2f}",
                "At": wording.top1(point.top1),
            }
            for point in points
        ]
    )
    return frame


def speedup_figure(
    fronts: pd.DataFrame, ratios: pd.DataFrame, *, palette: Palette, stacked: bool = False
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw both fronts, and beside them the ratio along their overlap.

    Args:
        fronts: From ``front_records``; at least one.
        ratios: From ``ratio_records``; may be empty.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
    """
    width, height = _NARROW if stacked else _WIDE
    y = axes.top1_y([float(one) for one in fronts["top1"]])
    panels = [_fronts(fronts, y, palette)]
    if not ratios.empty:
        panels.append(_ratios(ratios, y, palette))
    sized = [panel.properties(width=width, height=height) for panel in panels]
    joined = alt.vconcat(*sized) if stacked else alt.hconcat(*sized, spacing=28)
    drawn: alt.HConcatChart | alt.VConcatChart = (
        joined.properties(autosize="pad", description=_DESCRIPTION)
        .resolve_scale(y="shared")
        .configure_legend(orient="bottom", title=None, symbolSize=90, symbolStrokeWidth=0)
    )
    return drawn


def _fronts(fronts: pd.DataFrame, y: alt.Y, palette: Palette) -> alt.LayerChart:
    x = axes.log_x("images_per_second", "Throughput, images/s", list(fronts["images_per_second"]))
    colours = alt.Scale(domain=list(_SIDES), range=[palette.baseline, palette.candidate])
    colour = alt.Color("side:N", scale=colours, title=None)
    dash = alt.StrokeDash("side:N", scale=alt.Scale(domain=list(_SIDES), range=[[6, 4], [1, 0]]), title=None)
    shape = alt.Shape("side:N", scale=alt.Scale(domain=list(_SIDES), range=["square", "circle"]), title=None)
    chart = alt.Chart(fronts)
    lines = chart.mark_line(strokeWidth=2).encode(x, y, color=colour, strokeDash=dash, order=alt.Order("top1:Q"))
    told = [alt.Tooltip(field=name, type="nominal") for name in ("Family", "Network", "Top-1", "Throughput")]
    marks = chart.mark_point(filled=True, size=90, opacity=1).encode(x, y, color=colour, shape=shape, tooltip=told)
    heading = _heading("The two fronts: further right is faster")
    panel: alt.LayerChart = alt.layer(lines, marks).properties(title=heading)
    return panel


def _ratios(ratios: pd.DataFrame, y: alt.Y, palette: Palette) -> alt.LayerChart:
    scale = alt.Scale(zero=False, nice=True, padding=12)
    axis = alt.Axis(tickCount=6, format=".3~")
    x = alt.X("speedup:Q", title="Speed-up of the candidate, ×", scale=scale, axis=axis)
    told = [alt.Tooltip(field=name, type="nominal") for name in ("At", "Speed-up", "95 % interval")]
    colour = alt.value(palette.candidate)
    chart = alt.Chart(ratios)
    even = alt.Chart(pd.DataFrame({"speedup": [1.0]})).mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
    lines = chart.mark_line(strokeWidth=2).encode(x, y, order=alt.Order("top1:Q"), color=colour)
    whiskers = chart.mark_rule(strokeWidth=1.5).encode(alt.X("low:Q"), alt.X2("high"), y, color=colour)
    marks = chart.mark_point(filled=True, size=90, opacity=1).encode(x, y, color=colour, tooltip=told)
    layers = [even.encode(x, color=alt.value(palette.quiet)), lines, whiskers, marks]
    interval = ", 95 % interval" if (ratios["95 % interval"] != _UNKNOWN).any() else ""
    heading = _heading(f"Their ratio at equal accuracy{interval}")
    panel: alt.LayerChart = alt.layer(*layers).properties(title=heading)
    return panel


def _heading(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", fontSize=14, fontWeight="normal")
