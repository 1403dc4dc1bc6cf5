"""Accuracy against theory and against measured throughput, side by side with the same accuracy axis. Pure.

Source:
    Figure 1 of arXiv 2106.03640: what looks best by multiply-accumulates is not what runs fastest.
"""

import warnings
from collections.abc import Sequence
from typing import Final

import altair as alt
import pandas as pd

from dashboard.figures import axes, front_points
from dashboard.figures.palette import Palette, dashes, shapes
from db.front_views import Mode

#: Column → heading of its panel, from left to right.
_HEADINGS: Final = {
    "macs": "In theory: further left is cheaper",
    "images_per_second": "Measured: further right is faster",
}
_TITLES: Final[dict[Mode, dict[str, str]]] = {
    "train": {
        "macs": "Forward MACs per image at the train resolution",
        "images_per_second": "Training throughput, images/s",
    },
    "inference": {
        "macs": "Forward MACs per image at the test resolution",
        "images_per_second": "Inference throughput, images/s",
    },
}
_TOLD: Final = [alt.Tooltip(field=name, type="nominal", title=name.capitalize()) for name in front_points.TOLD]
#: Sides of one panel in pixels: beside the other, and above it on a phone.
_WIDE, _NARROW = (470, 390), (270, 260)


def front_figure(
    points: pd.DataFrame, *, mode: Mode, families: Sequence[str], palette: Palette, stacked: bool = False
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw the points of one place in two linked panels.

    Args:
        points: From ``front_points``; at least one.
        mode: Which throughput they tell.
        families: Every family, in the order of colours.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
    """
    hover = alt.selection_point(name="hover", on="pointerover", fields=["point"], empty=False, clear="pointerout")
    legend = alt.selection_point(name="legend", fields=["family"], bind="legend")
    panel = _Panel(points, families, palette, hover, legend, stacked=stacked)
    columns = [column for column in _HEADINGS if points[column].notna().any()]
    panels = [panel.draw(column, _TITLES[mode][column], _HEADINGS[column]) for column in columns]
    joined = alt.vconcat(*panels) if stacked else alt.hconcat(*panels, spacing=28)
    drawn: alt.HConcatChart | alt.VConcatChart = (
        _linked(joined.properties(autosize="pad", description=_described(mode, families)), hover, legend)
        .resolve_scale(y="shared", color="shared", shape="shared", x="independent")
        .configure_legend(orient="bottom", columns=2 if stacked else 5, labelLimit=260, title=None, symbolSize=90)
    )
    return drawn


def _described(mode: Mode, families: Sequence[str]) -> str:
    """Return what a screen reader says of the chart."""
    titles = " and against ".join(_TITLES[mode].values())
    return f"Top-1 accuracy against {titles}, of {', '.join(families)}. The table below has the numbers."


def _linked(
    panels: alt.HConcatChart | alt.VConcatChart, *selections: alt.Parameter
) -> alt.HConcatChart | alt.VConcatChart:
    """Make each selection one and the same in all panels."""
    with warnings.catch_warnings():  # Altair warns of the very thing that is meant
        warnings.filterwarnings("ignore", "Automatically deduplicated selection parameter", UserWarning)
        drawn: alt.HConcatChart | alt.VConcatChart = panels.add_params(*selections)
    return drawn


class _Panel:
    """Draws one panel; both share everything but their x axis."""

    def __init__(
        self,
        points: pd.DataFrame,
        families: Sequence[str],
        palette: Palette,
        hover: alt.Parameter,
        legend: alt.Parameter,
        *,
        stacked: bool,
    ) -> None:
        self._points = points
        self._ink, self._quiet = alt.value(palette.ink), alt.value(palette.quiet)
        self._hover = hover
        self._opacity = alt.when(legend).then(alt.value(1.0)).otherwise(alt.value(0.12))
        self._size = _NARROW if stacked else _WIDE
        colours = alt.Scale(domain=list(families), range=palette.colours(len(families)))
        forms = alt.Scale(domain=list(families), range=shapes(len(families)))
        self._colour = alt.Color("family:N", scale=colours, title=None)
        self._shape = alt.Shape("family:N", scale=forms, title=None)
        patterns = alt.Scale(domain=list(families), range=dashes(len(families)))
        self._dash = alt.StrokeDash("family:N", scale=patterns, title=None)
        self._accuracies = [float(one) for name in ("top1_low", "top1_high") for one in points[name]]
        self._y = axes.top1_y(self._accuracies)

    def draw(self, field: str, title: str, heading: str) -> alt.LayerChart:
        """Draw a panel over one column of the points."""
        values = self._values(field)
        x = axes.log_x(field, title, values)
        layers = [self._lines(x), self._heights(x), self._clean(x), self._noisy(x), self._ring(x)]
        if field == "images_per_second":
            low = axes.log_x(f"{field}_low", title, values)
            layers[:0] = [self._front(x), self._widths(low, alt.X2(f"{field}_high"))]
        width, height = self._size
        style = alt.TitleParams(heading, anchor="start", fontSize=14, fontWeight="normal")
        panel: alt.LayerChart = alt.layer(*layers).properties(width=width, height=height, title=style)
        return panel

    def _values(self, field: str) -> list[float]:
        names = [name for name in (field, f"{field}_low", f"{field}_high") if name in self._points]
        return [float(value) for name in names for value in self._points[name].dropna()]

    def _front(self, x: alt.X) -> alt.Chart:
        """Draw the front of the place, thick and pale, under everything."""
        chart = alt.Chart(self._points).transform_filter("datum.on_front")
        line = chart.mark_line(strokeWidth=10, strokeCap="round", strokeJoin="round", opacity=0.25)
        drawn: alt.Chart = line.encode(x, self._y, order=alt.Order("top1:Q"), color=self._ink)
        return drawn

    def _lines(self, x: alt.X) -> alt.Chart:
        """Draw a line through the sizes and widths of each configuration."""
        order = alt.Order("order:Q")
        line = alt.Chart(self._points).mark_line(strokeWidth=1.8)
        drawn: alt.Chart = line.encode(
            x,
            self._y,
            color=self._colour,
            strokeDash=self._dash,
            detail="line:N",
            order=order,
            opacity=self._opacity,
        )
        return drawn

    def _widths(self, low: alt.X, high: alt.X2) -> alt.Chart:
        """Draw how much the throughput varies."""
        rule = alt.Chart(self._points).mark_rule(strokeWidth=1.3)
        drawn: alt.Chart = rule.encode(low, high, self._y, color=self._colour, opacity=self._opacity)
        return drawn

    def _heights(self, x: alt.X) -> alt.Chart:
        """Draw how much the accuracy varies."""
        rule = alt.Chart(self._points).mark_rule(strokeWidth=1.3)
        low = axes.top1_y(self._accuracies, "top1_low")
        drawn: alt.Chart = rule.encode(x, low, alt.Y2("top1_high"), color=self._colour, opacity=self._opacity)
        return drawn

    def _clean(self, x: alt.X) -> alt.Chart:
        """Draw the points; larger where they are on the front."""
        chart = alt.Chart(self._points).transform_filter(f"datum.status != '{front_points.NOISY}'")
        marks = chart.mark_point(filled=True, strokeWidth=1)
        size = alt.when("datum.on_front").then(alt.value(120)).otherwise(alt.value(50))
        drawn: alt.Chart = marks.encode(
            x, self._y, color=self._colour, shape=self._shape, size=size, opacity=self._opacity, tooltip=_TOLD
        )
        return drawn

    def _noisy(self, x: alt.X) -> alt.Chart:
        """Draw what was measured with too much noise hollow and grey."""
        chart = alt.Chart(self._points).transform_filter(f"datum.status == '{front_points.NOISY}'")
        marks = chart.mark_point(filled=False, strokeWidth=2, size=70)
        drawn: alt.Chart = marks.encode(
            x, self._y, shape=self._shape, color=self._quiet, opacity=self._opacity, tooltip=_TOLD
        )
        return drawn

    def _ring(self, x: alt.X) -> alt.Chart:
        """Draw a ring around the point that somebody points at, in both panels."""
        marks = alt.Chart(self._points).mark_point(filled=False, size=420, strokeWidth=2.5, shape="circle")
        seen = alt.when(self._hover).then(alt.value(1.0)).otherwise(alt.value(0.0))
        drawn: alt.Chart = marks.encode(x, self._y, color=self._ink, opacity=seen, tooltip=_TOLD)
        return drawn
