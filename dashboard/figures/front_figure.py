"""Accuracy against theory and against measured throughput, side by side with the same accuracy axis. Pure.

Source:
    Figure 1 of arXiv 2106.03640: what looks best by multiply-accumulates is not what runs fastest.
"""

import json
import math
import warnings
from collections.abc import Sequence
from typing import Any, Final, Literal

import altair as alt
import pandas as pd

from dashboard.figures import axes, front_points, labels
from dashboard.figures.labels import Place
from dashboard.figures.palette import Palette, dashes, shapes
from db.front_views import Mode
from db.group_fronts import Cost

#: What lines join: the sizes and widths of each configuration, the front of each family, or nothing.
Lines = Literal["sizes", "fronts", "none"]
#: Selection of points by clicking: of what Streamlit tells the page.
PICK: Final = "pick"

#: Column → heading of its panel, from left to right.
_HEADINGS: Final[dict[Cost, str]] = {
    "macs": "↖ In theory: up and left is better",
    "images_per_second": "Measured: up and right is better ↗",
}
_TITLES: Final[dict[Mode, dict[Cost, str]]] = {
    "train": {
        "macs": "Forward MACs per image at the train resolution",
        "images_per_second": "Training throughput, images/s",
    },
    "inference": {
        "macs": "Forward MACs per image at the test resolution",
        "images_per_second": "Inference throughput, images/s",
    },
}
#: Column → of a record: whether it lies on the front of all in that panel.
_FRONT: Final[dict[Cost, str]] = {"macs": "theory", "images_per_second": "on_front"}
#: Where labels stand beside points, in each panel: of the plainest series, and of the most changed one.
_LABELS: Final[dict[Cost, tuple[Place, Place]]] = {
    "macs": (Place("left", 8, 14), Place("right", -8, -6)),
    "images_per_second": (Place("right", -8, 14), Place("left", 8, -6)),
}
#: Shapes of what does not compete, by verdict.
ASIDE: Final = {front_points.NOISY: "diamond", front_points.CONTENDED: "cross", front_points.STALE: "triangle-down"}
_TOLD: Final = [alt.Tooltip(field=name, type="nominal", title=name.capitalize()) for name in front_points.TOLD]
#: Sides of one panel in pixels: beside the other, and above it on a phone.
_WIDE, _NARROW = (470, 390), (270, 260)
#: From so many points on, marks are smaller, and whiskers are drawn on the front alone.
_CROWD: Final = 250


def front_figure(
    points: pd.DataFrame,
    *,
    mode: Mode,
    families: Sequence[str],
    palette: Palette,
    stacked: bool = False,
    lines: Lines = "sizes",
    picked: Sequence[str] = (),
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw the points of one place in two linked panels.

    Args:
        points: From ``front_points``; at least one.
        mode: Which throughput they tell.
        families: Every family, in the order of colours.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
        lines: What lines join.
        picked: Points that are selected at first.
    """
    hover = alt.selection_point(name="hover", on="pointerover", fields=["point"], empty=False, clear="pointerout")
    legend = alt.selection_point(name="legend", fields=["family"], bind="legend")
    at_first: Any = [{"point": one} for one in picked] or alt.Undefined
    pick = alt.selection_point(name=PICK, fields=["point"], empty=False, value=at_first)
    panel = _Panel(points, families, palette, (hover, legend, pick), lines, stacked=stacked)
    columns: list[Cost] = [column for column in _HEADINGS if points[column].notna().any()]
    panels = [panel.draw(column, _TITLES[mode][column], _HEADINGS[column]) for column in columns]
    # All is told at once, the data to the whole: each further call has Altair copy every layer.
    scales = {"x": "independent", "y": "shared", "color": "shared", "shape": "shared"}
    told: dict[str, Any] = {
        "data": points,
        "autosize": "pad",
        "description": _described(mode, families),
        "resolve": alt.Resolve.from_dict({"scale": scales}),
        "config": alt.Config(
            legend=alt.LegendConfig(
                orient="bottom", columns=2 if stacked else 5, labelLimit=260, title=None, symbolSize=90
            )
        ),
    }
    joined = alt.vconcat(*panels, **told) if stacked else alt.hconcat(*panels, spacing=28, **told)
    return _linked(joined, hover, legend, pick)


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
        selections: tuple[alt.Parameter, alt.Parameter, alt.Parameter],
        lines: Lines,
        *,
        stacked: bool,
    ) -> None:
        self._points = points
        self._lines_join = lines
        self._crowded = len(points) > _CROWD
        self._ink, self._quiet = alt.value(palette.ink), alt.value(palette.quiet)
        self._hover, legend, self._pick = selections
        faded = alt.when(legend).then(alt.value(1.0)).otherwise(alt.value(0.12))
        # Made once: Altair takes some ten milliseconds to understand a condition.
        self._opacity = alt.Chart().mark_point().encode(opacity=faded).encoding.opacity
        self._size = _NARROW if stacked else _WIDE
        colours = alt.Scale(domain=list(families), range=palette.colours(len(families)))
        forms = alt.Scale(domain=list(families), range=shapes(len(families)))
        self._colour = alt.Color("family:N", scale=colours, title=None)
        self._shape = alt.Shape("family:N", scale=forms, title=None)
        patterns = alt.Scale(domain=list(families), range=dashes(len(families)))
        self._dash = alt.StrokeDash("family:N", scale=patterns, title=None)
        self._accuracies = [float(one) for name in ("top1_low", "top1_high") for one in points[name]]
        self._y = axes.top1_y(self._accuracies)

    def draw(self, field: Cost, title: str, heading: str) -> alt.LayerChart:
        """Draw a panel over one column of the points."""
        values = self._values(field)
        x = axes.log_x(field, title, values)
        layers = [self._front(x, field), *self._lines(x, field), self._heights(x)]
        if field == "images_per_second":
            low = axes.log_x(f"{field}_low", title, values)
            layers.append(self._widths(low, alt.X2(f"{field}_high")))
        layers += [self._aside(x), self._solid(x), self._hollow(x), *self._labels(x, field), self._ring(x)]
        width, height = self._size
        style = alt.TitleParams(heading, anchor="start", fontSize=14, fontWeight="normal")
        return alt.LayerChart(layer=layers, width=width, height=height, title=style)

    def _values(self, field: str) -> list[float]:
        names = [name for name in (field, f"{field}_low", f"{field}_high") if name in self._points]
        return [float(value) for name in names for value in self._points[name].dropna()]

    def _of(self, *conditions: str) -> alt.Chart:
        """Return a chart of the points that fulfil all conditions."""
        chart: alt.Chart = alt.Chart().transform_filter(" && ".join(conditions))
        return chart

    def _front(self, x: alt.X, field: Cost) -> alt.Chart:
        """Draw the front of all, thick and pale, under everything."""
        chart = self._of(f"datum.{_FRONT[field]}")
        line = chart.mark_line(strokeWidth=10, strokeCap="round", strokeJoin="round", opacity=0.25)
        drawn: alt.Chart = line.encode(x, self._y, order=alt.Order("top1:Q"), color=self._ink)
        return drawn

    def _lines(self, x: alt.X, field: Cost) -> list[alt.Chart]:
        """Draw the lines that the reader asked for."""
        if self._lines_join == "none":
            return []
        of_sizes = self._lines_join == "sizes"
        line = self._of("datum.competes" if of_sizes else f"datum.leads_{field}").mark_line(strokeWidth=1.8)
        order, detail = ("order:Q", "line:N") if of_sizes else ("top1:Q", "family:N")
        looks = {"color": self._colour, "strokeDash": self._dash, "opacity": self._opacity}
        return [line.encode(x, self._y, detail=detail, order=alt.Order(order), **looks)]

    def _whiskers(self) -> alt.Chart:
        conditions = ["datum.competes", *(["datum.on_front"] if self._crowded else [])]
        drawn: alt.Chart = self._of(*conditions).mark_rule(strokeWidth=1.3)
        return drawn

    def _widths(self, low: alt.X, high: alt.X2) -> alt.Chart:
        """Draw how much the throughput varies."""
        drawn: alt.Chart = self._whiskers().encode(low, high, self._y, color=self._colour, opacity=self._opacity)
        return drawn

    def _heights(self, x: alt.X) -> alt.Chart:
        """Draw how much the accuracy varies."""
        low = axes.top1_y(self._accuracies, "top1_low")
        drawn: alt.Chart = self._whiskers().encode(
            x, low, alt.Y2("top1_high"), color=self._colour, opacity=self._opacity
        )
        return drawn

    def _marks(self, chart: alt.Chart, x: alt.X) -> alt.Chart:
        """Draw points that compete; larger where they are on the front."""
        large, small = (60, 26) if self._crowded else (120, 50)
        size = alt.when("datum.on_front").then(alt.value(large)).otherwise(alt.value(small))
        drawn: alt.Chart = chart.encode(
            x, self._y, color=self._colour, shape=self._shape, size=size, opacity=self._opacity, tooltip=_TOLD
        )
        return drawn

    def _solid(self, x: alt.X) -> alt.Chart:
        """Draw what was measured cleanly."""
        chart = self._of("datum.competes", f"datum.verdict === '{front_points.CLEAN}'")
        return self._marks(chart.mark_point(filled=True, strokeWidth=1), x)

    def _hollow(self, x: alt.X) -> alt.Chart:
        """Draw what competes though its measurement is noisy, where the reader lets it."""
        chart = self._of("datum.competes", f"datum.verdict !== '{front_points.CLEAN}'")
        return self._marks(chart.mark_point(filled=False, strokeWidth=2), x)

    def _aside(self, x: alt.X) -> alt.Chart:
        """Draw what does not compete hollow and grey, each verdict in its own shape."""
        first, *rest = ASIDE.items()
        shape = alt.when(f"datum.verdict === '{first[0]}'").then(alt.value(first[1]))
        for verdict, form in rest:
            shape = shape.when(f"datum.verdict === '{verdict}'").then(alt.value(form))
        marks = self._of("!datum.competes").mark_point(filled=False, strokeWidth=1.6, size=60, opacity=0.8)
        drawn: alt.Chart = marks.encode(
            x, self._y, shape=shape.otherwise(alt.value("circle")), color=self._quiet, tooltip=_TOLD
        )
        return drawn

    def _labels(self, x: alt.X, field: Cost) -> list[alt.Chart]:
        """Write sizes beside the points of the plainest and of the most changed series, where there is room."""
        if self._lines_join != "sizes":
            return []
        written = self._points[self._points["label"] != ""]
        # The slower of the two has its labels on its outer side, as the faster one has.
        ends = written.groupby("end")["images_per_second"].median().sort_values().index
        places = _LABELS[field][-len(ends) :] if len(ends) else ()
        at = self._pixels(field)
        layers = []
        for end, place in zip(ends, places, strict=True):
            texts = self._points["label"].where(self._points["end"] == end, "")
            room = self._points.loc[labels.with_room(list(texts), at, place), "point"]
            chart = self._of(f"datum.end === {json.dumps(end)}", f"indexof({json.dumps(list(room))}, datum.point) >= 0")
            text = chart.mark_text(fontSize=11, baseline="alphabetic", align=place.align, dx=place.dx, dy=place.dy)
            layers.append(text.encode(x, self._y, text="label:N", color=self._colour, opacity=self._opacity))
        return layers

    def _pixels(self, field: Cost) -> list[tuple[float, float]]:
        """Return where the points are, in pixels from the left and from above; about, since the y axis is rounded."""
        width, height = self._size
        left, right = (math.log(end) for end in axes.log_domain(self._values(field)))
        low, high = min(self._accuracies), max(self._accuracies)
        return [
            (width * (math.log(cost) - left) / (right - left), height * (high - top1) / max(high - low, 1e-9))
            if cost > 0
            else (math.nan, math.nan)
            for cost, top1 in zip(self._points[field].astype(float), self._points["top1"], strict=True)
        ]

    def _ring(self, x: alt.X) -> alt.Chart:
        """Draw a ring around what somebody points at or has selected, in both panels."""
        marks = alt.Chart().mark_point(filled=False, size=420, strokeWidth=2.5, shape="circle")
        seen = alt.when(self._hover | self._pick).then(alt.value(1.0)).otherwise(alt.value(0.0))
        drawn: alt.Chart = marks.encode(x, self._y, color=self._ink, opacity=seen, tooltip=_TOLD)
        return drawn
