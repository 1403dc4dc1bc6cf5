"""Accuracy against theory and against measured throughput, side by side with the same accuracy axis. Pure.

It is drawn anew at every filter and therefore written as Vega-Lite itself: to copy and check so many layers takes
Altair longer than the database takes to answer.

Source:
    Figure 1 of arXiv 2106.03640: what looks best by multiply-accumulates is not what runs fastest.
"""

import json
import math
from collections.abc import Sequence
from typing import Any, Final, Literal

import pandas as pd

from dashboard.figures import axes, front_points, labels
from dashboard.figures.figure_files import Spec, with_data
from dashboard.figures.labels import Place
from dashboard.figures.palette import Palette, dashes, shapes
from db.front_views import Mode
from db.group_fronts import Cost

#: What lines join: the sizes and widths of each configuration, the front of each family, or nothing.
Lines = Literal["sizes", "fronts", "none"]
#: Selection of points by clicking: of what Streamlit tells the page.
PICK: Final = "pick"
#: Of the point that somebody points at, and of families in the legend, of which the others fade.
_HOVER, _CHOSEN = "hover", "legend"
_SINGLED_OUT: Final = {"condition": [{"param": _CHOSEN, "value": 1.0}], "value": 0.12}
_LEGEND: Final = {"orient": "bottom", "labelLimit": 260, "title": None, "symbolSize": 90}

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
_TOLD: Final = [{"field": name, "type": "nominal", "title": name.capitalize()} for name in front_points.TOLD]
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
) -> Spec:
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
    panel = _Panel(points, families, palette, lines, stacked=stacked)
    columns: list[Cost] = [column for column in _HEADINGS if points[column].notna().any()]
    panels = [panel.draw(column, _TITLES[mode][column], _HEADINGS[column]) for column in columns]
    spec = {
        "autosize": "pad",
        "description": _described(mode, families),
        "resolve": {"scale": {"x": "independent", "y": "shared", "color": "shared", "shape": "shared"}},
        "config": {"legend": {**_LEGEND, "columns": 2 if stacked else 5}},
        "params": _selections([_first_layer(column) for column in columns], picked),
        **({"vconcat": panels} if stacked else {"hconcat": panels, "spacing": 28}),
    }
    return with_data(spec, points)


def is_crowd(points: int) -> bool:
    """Tell whether so many points have smaller marks, and whiskers on the front alone."""
    return points > _CROWD


def _described(mode: Mode, families: Sequence[str]) -> str:
    """Return what a screen reader says of the chart."""
    titles = " and against ".join(_TITLES[mode].values())
    return f"Top-1 accuracy against {titles}, of {', '.join(families)}. The table below has the numbers."


def _first_layer(field: Cost) -> str:
    """Return the name of the layer in which a panel listens to the pointer."""
    return f"front_{field}"


def _selections(views: Sequence[str], picked: Sequence[str]) -> list[Spec]:
    """Return what can be selected, each the same in all panels."""
    by_pointer = {"type": "point", "on": "pointerover", "fields": ["point"], "clear": "pointerout"}
    at_first = {"value": [{"point": one} for one in picked]} if picked else {}
    return [
        {"name": _HOVER, "select": by_pointer, "views": views},
        {"name": _CHOSEN, "select": {"type": "point", "fields": ["family"]}, "bind": "legend", "views": views},
        {"name": PICK, "select": {"type": "point", "fields": ["point"]}, **at_first, "views": views},
    ]


def _layer(mark: Spec, encoding: Spec, *conditions: str) -> Spec:
    """Return marks for the points that fulfil all conditions."""
    some = {"transform": [{"filter": " && ".join(conditions)}]} if conditions else {}
    return {**some, "mark": mark, "encoding": encoding}


class _Panel:
    """Draws one panel; both share everything but their x axis."""

    def __init__(
        self, points: pd.DataFrame, families: Sequence[str], palette: Palette, lines: Lines, *, stacked: bool
    ) -> None:
        self._points = points
        self._lines_join = lines
        self._crowded = is_crowd(len(points))
        self._size = _NARROW if stacked else _WIDE
        self._ink, self._quiet = {"value": palette.ink}, {"value": palette.quiet}
        self._shape = _by_family(families, shapes(len(families)))
        self._dash = _by_family(families, dashes(len(families)))
        self._looks = {"color": _by_family(families, palette.colours(len(families))), "opacity": _SINGLED_OUT}
        self._accuracies = [float(one) for name in ("top1_low", "top1_high") for one in points[name]]
        self._y = axes.top1_channel(self._accuracies)

    def draw(self, field: Cost, title: str, heading: str) -> Spec:
        """Draw a panel over one column of the points."""
        values = self._values(field)
        x = axes.log_channel(field, title, values)
        layers = [self._front(x, field), *self._lines(x, field), self._heights(x)]
        if field == "images_per_second":
            layers.append(self._widths(axes.log_channel(f"{field}_low", title, values), f"{field}_high"))
        layers += [self._aside(x), self._solid(x), self._hollow(x), *self._labels(x, field), self._ring(x)]
        width, height = self._size
        style = {"text": heading, "anchor": "start", "fontSize": 14, "fontWeight": "normal"}
        return {"layer": layers, "width": width, "height": height, "title": style}

    def _values(self, field: str) -> list[float]:
        names = [name for name in (field, f"{field}_low", f"{field}_high") if name in self._points]
        return [float(value) for name in names for value in self._points[name].dropna()]

    def _front(self, x: Spec, field: Cost) -> Spec:
        """Draw the front of all, thick and pale, under everything."""
        mark = {"type": "line", "strokeWidth": 10, "strokeCap": "round", "strokeJoin": "round", "opacity": 0.25}
        encoding = {"x": x, "y": self._y, "order": _quantity("top1"), "color": self._ink}
        return {"name": _first_layer(field), **_layer(mark, encoding, f"datum.{_FRONT[field]}")}

    def _lines(self, x: Spec, field: Cost) -> list[Spec]:
        """Draw the lines that the reader asked for."""
        if self._lines_join == "none":
            return []
        of_sizes = self._lines_join == "sizes"
        order, detail = ("order", "line") if of_sizes else ("top1", "family")
        encoding = {
            "x": x,
            "y": self._y,
            **self._looks,
            "strokeDash": self._dash,
            "detail": _name(detail),
            "order": _quantity(order),
        }
        some = "datum.competes" if of_sizes else f"datum.leads_{field}"
        return [_layer({"type": "line", "strokeWidth": 1.8}, encoding, some)]

    def _whiskers(self, encoding: Spec) -> Spec:
        mark = {"type": "rule", "strokeWidth": 1.3}
        some = ["datum.competes", *(["datum.on_front"] if self._crowded else [])]
        return _layer(mark, {**encoding, **self._looks}, *some)

    def _widths(self, low: Spec, high: str) -> Spec:
        """Draw how much the throughput varies."""
        return self._whiskers({"x": low, "x2": {"field": high}, "y": self._y})

    def _heights(self, x: Spec) -> Spec:
        """Draw how much the accuracy varies."""
        low = axes.top1_channel(self._accuracies, "top1_low")
        return self._whiskers({"x": x, "y": low, "y2": {"field": "top1_high"}})

    def _marks(self, x: Spec, mark: Spec, verdict: str) -> Spec:
        """Draw points that compete; larger where they are on the front."""
        large, small = (60, 26) if self._crowded else (120, 50)
        size = {"condition": [{"test": "datum.on_front", "value": large}], "value": small}
        encoding = {"x": x, "y": self._y, **self._looks, "shape": self._shape, "size": size, "tooltip": _TOLD}
        return _layer({"type": "point", **mark}, encoding, "datum.competes", f"datum.verdict {verdict}")

    def _solid(self, x: Spec) -> Spec:
        """Draw what was measured cleanly."""
        return self._marks(x, {"filled": True, "strokeWidth": 1}, f"=== '{front_points.CLEAN}'")

    def _hollow(self, x: Spec) -> Spec:
        """Draw what competes though its measurement is noisy, where the reader lets it."""
        return self._marks(x, {"filled": False, "strokeWidth": 2}, f"!== '{front_points.CLEAN}'")

    def _aside(self, x: Spec) -> Spec:
        """Draw what does not compete hollow and grey, each verdict in its own shape."""
        forms = [{"test": f"datum.verdict === '{verdict}'", "value": form} for verdict, form in ASIDE.items()]
        shape = {"condition": forms, "value": "circle"}
        mark = {"type": "point", "filled": False, "strokeWidth": 1.6, "size": 60, "opacity": 0.8}
        encoding = {"x": x, "y": self._y, "shape": shape, "color": self._quiet, "tooltip": _TOLD}
        return _layer(mark, encoding, "!datum.competes")

    def _labels(self, x: Spec, field: Cost) -> list[Spec]:
        """Write sizes beside the points of the plainest and of the most changed series, where there is room."""
        if self._lines_join != "sizes":
            return []
        written = self._points[self._points["label"] != ""]
        # The slower of the two has its labels on its outer side, as the faster one has.
        ends = written.groupby("end")["images_per_second"].median().sort_values().index
        places = _LABELS[field][-len(ends) :] if len(ends) else ()
        at = self._pixels(field)
        encoding = {"x": x, "y": self._y, "text": _name("label"), **self._looks}
        layers = []
        for end, place in zip(ends, places, strict=True):
            texts = self._points["label"].where(self._points["end"] == end, "")
            room = self._points.loc[labels.with_room(list(texts), at, place), "point"]
            some = f"datum.end === {json.dumps(end)}", f"indexof({json.dumps(list(room))}, datum.point) >= 0"
            beside = {"align": place.align, "dx": place.dx, "dy": place.dy}
            layers.append(_layer({"type": "text", "fontSize": 11, "baseline": "alphabetic", **beside}, encoding, *some))
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

    def _ring(self, x: Spec) -> Spec:
        """Draw a ring around what somebody points at or has selected, in both panels."""
        mark = {"type": "point", "filled": False, "size": 420, "strokeWidth": 2.5, "shape": "circle"}
        either = {"or": [{"param": one, "empty": False} for one in (_HOVER, PICK)]}
        seen = {"condition": [{"test": either, "value": 1.0}], "value": 0.0}
        return _layer(mark, {"x": x, "y": self._y, "color": self._ink, "opacity": seen, "tooltip": _TOLD})


def _by_family(families: Sequence[str], looks: Sequence[Any]) -> Spec:
    return {**_name("family"), "scale": {"domain": list(families), "range": list(looks)}, "title": None}


def _name(field: str) -> Spec:
    return {"field": field, "type": "nominal"}


def _quantity(field: str) -> Spec:
    return {"field": field, "type": "quantitative"}
