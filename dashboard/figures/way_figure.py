"""How a search for two objectives came to its front: fronts on the way, and how much they covered. Pure."""

from typing import Any, Final

import altair as alt

from dashboard.figures import objectives, trial_points
from dashboard.figures.palette import Palette
from dashboard.figures.trial_figure import AGAINST, Against
from dashboard.words.search_account import Account

#: Sides of a panel, in pixels.
_WIDE, _NARROW = (490, 300), (270, 240)
#: Dashes of the fronts, from the first to the last.
_DASHES: Final = ([2, 3], [6, 4], [12, 3], [1, 0])
_TOLD: Final = ("Trials over", "Paid", "So far")
#: Points of the line of growth up to which each has a dot to point at that is seen.
_DOTTED: Final = 100


def way_figure(
    account: Account, *, against: Against, palette: Palette, stacked: bool = False
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw the fronts on the way, and beside them how the hypervolume grew.

    Args:
        account: Of a search for two objectives with a complete trial.
        against: What the hypervolume is drawn against.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
    """
    width, height = _NARROW if stacked else _WIDE
    titled = (
        ("The front after so many trials", _fronts(account, palette)),
        ("What it covered, of what it covers at last", _growth(account, against, palette)),
    )
    panels = [chart.properties(width=width, height=height, title=_heading(text)) for text, chart in titled]
    joined = alt.vconcat(*panels) if stacked else alt.hconcat(*panels, spacing=28)
    description = (
        "Fronts after a quarter, a half, three quarters and all of the trials, and the growth of the hypervolume."
    )
    drawn: alt.HConcatChart | alt.VConcatChart = joined.properties(
        autosize="pad", description=description
    ).configure_legend(orient="bottom", columns=2 if stacked else 4, symbolStrokeWidth=3, symbolSize=500, title=None)
    return drawn


def _fronts(account: Account, palette: Palette) -> alt.LayerChart:
    fronts = trial_points.front_records(account)
    across, up = objectives.sides(account)
    x = objectives.position(account, across, objectives.known(fronts, across), alt.X)
    y = objectives.position(account, up, objectives.known(fronts, up), alt.Y)
    names = list(dict.fromkeys(fronts["after"]))
    colours = [palette.quiet, palette.families[1], palette.families[4], palette.candidate][-len(names) :]
    patterns = [*_DASHES[-len(names) :]]
    colour = alt.Color("after:N", sort=names, scale=alt.Scale(domain=names, range=colours), title=None)
    dash = alt.StrokeDash("after:N", sort=names, scale=alt.Scale(domain=names, range=patterns), title=None)
    told = [alt.Tooltip("after:N", title="After")]
    looks = {"color": colour, "strokeDash": dash, "order": alt.Order("order:Q"), "tooltip": told}
    chart = alt.Chart(fronts)
    # What is the same later lies on the last front, which is broad.
    last = chart.transform_filter("datum.share === 1").mark_line(strokeWidth=6, opacity=0.55)
    before = chart.transform_filter("datum.share < 1").mark_line(strokeWidth=2)
    return alt.LayerChart(layer=[last.encode(x, y, **looks), before.encode(x, y, **looks)])


def _growth(account: Account, against: Against, palette: Palette) -> alt.LayerChart:
    """Draw the hypervolume as steps: nothing grows between the ends of two trials."""
    records = trial_points.progress_records(account)
    scale = alt.Scale(domain=[0, max(float(records[against].max()), 1e-9)], nice=False)
    axis = alt.Axis(tickCount=8, tickMinStep=1 if against == "over" else alt.Undefined)
    x = alt.X(f"{against}:Q", title=AGAINST[against], axis=axis, scale=scale)
    ticks = alt.Axis(values=[0, 0.25, 0.5, 0.75, 0.95], format="%")
    y = alt.Y("value:Q", title="Hypervolume, % of the last", axis=ticks, scale=alt.Scale(domain=[0, 1.04], nice=False))
    colour: Any = alt.value(palette.candidate)
    chart = alt.Chart(records)
    line = chart.mark_line(interpolate="step-after", strokeWidth=2.6).encode(x, y, color=colour)
    dots = chart.mark_point(filled=True, size=26, opacity=1 if len(records) <= _DOTTED else 0)
    told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
    return alt.LayerChart(layer=[line, dots.encode(x, y, color=colour, tooltip=told)])


def _heading(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", fontSize=14, fontWeight="normal")
