"""Accuracy against test resolution, one line per train resolution, before and after fine-tuning. Pure.

Source:
    Touvron et al., "Fixing the train-test resolution discrepancy", arXiv 1906.06423.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.palette import Palette, shapes
from dashboard.words import resolutions, wording

Row = Mapping[str, Any]

AFTER, BEFORE = "fine-tuned", "as trained"
#: Width and height with axes and legend, pixels; the page stretches the width.
_WIDE, _NARROW = (1000, 480), (340, 460)
_FITTED: Final = alt.AutoSizeParams(type="fit", contains="padding")
_MOST_TICKS: Final = 20
_TOLD: Final = ("Trained at", "Tested at", "Top-1", "As trained", "Gain of fine-tuning", "Validation", "Images seen")


def resolution_points(rows: Sequence[Row], stride: int) -> pd.DataFrame:
    """Return one record per test, and another one for the test before fine-tuning where there was any.

    Args:
        rows: Tests of one network in one setting, as ``ResolutionCurves.curves`` returns them.
        stride: Of the network: it sees images alike at resolutions that differ by multiples of it.
    """
    tuned = [row for row in rows if row["fine_tune_layers"] != "none"]
    records = [_record(row, BEFORE, "top1_before", stride) for row in tuned]
    records += [_record(row, AFTER if row in tuned else BEFORE, "top1", stride) for row in rows]
    frame: pd.DataFrame = pd.DataFrame(records)
    return frame


def _record(row: Row, stage: str, column: str, stride: int) -> dict[str, Any]:
    deviation = row[f"{column}_std"] or 0.0
    alike = row["test_resolution"] % stride == row["train_resolution"] % stride
    return {
        "line": resolutions.trained_at(row),
        "stage": stage,
        "last": column == "top1",
        "train_resolution": row["train_resolution"],
        "test_resolution": row["test_resolution"],
        "top1": row[column],
        "low": row[column] - deviation,
        "high": row[column] + deviation,
        "best": column == "top1" and row["best"] == 1,
        "alike": alike,
        **_words(row, stride, alike=alike),
    }


def _words(row: Row, stride: int, *, alike: bool) -> dict[str, str]:
    """Return what is told when somebody points at a point."""
    tuned = row["fine_tune_layers"] != "none"
    spread = "" if row["gain_std"] is None else f" ± {row['gain_std']:.2f}"
    held_out = row["validation_top1"]
    return {
        "Trained at": f"{row['train_resolution']} px",
        "Tested at": f"{row['test_resolution']} px",
        "Top-1": wording.top1(row["top1"], row["top1_std"], row["seeds"]),
        "As trained": wording.top1(row["top1_before"], row["top1_before_std"]),
        "Gain of fine-tuning": f"{resolutions.points(row['gain'])}{spread} points" if tuned else "not fine-tuned",
        "Validation": "none held out" if held_out is None else wording.top1(held_out),
        "Images seen": f"as in training (a multiple of {stride} px apart)" if alike else "padded otherwise",
    }


def resolution_figure(
    points: pd.DataFrame, *, native: int | None, palette: Palette, stacked: bool = False
) -> alt.LayerChart:
    """Draw accuracy against test resolution.

    Args:
        points: From ``resolution_points``; at least one.
        native: Resolution that the network was designed for, pixels; None where it is not known.
        palette: Of the reader's theme.
        stacked: Narrow, for a phone.
    """
    width, height = _NARROW if stacked else _WIDE
    drawing = _Drawing(points, palette, narrow=stacked)
    layers = [drawing.trained_at(), *drawing.native(native), *drawing.layers()]
    drawn: alt.LayerChart = (
        alt.layer(*layers)
        .properties(width=width, height=height, autosize=_FITTED, description=_described(points))
        .configure_legend(orient="bottom", columns=1 if stacked else 4, labelLimit=280, symbolSize=90, symbolOpacity=1)
    )
    return drawn


def _described(points: pd.DataFrame) -> str:
    """Return what a screen reader says of the chart."""
    lines = ", ".join(dict.fromkeys(points["line"]))
    return f"Top-1 accuracy against test resolution, one line each for networks {lines}. The table has the numbers."


class _Drawing:
    """Draws the layers, which share axes and colours."""

    def __init__(self, points: pd.DataFrame, palette: Palette, *, narrow: bool) -> None:
        self._points = points
        self._palette = palette
        lines = list(dict.fromkeys(points.sort_values("train_resolution")["line"]))
        self._colours = alt.Scale(domain=lines, range=palette.colours(len(lines)))
        self._colour = alt.Color("line:N", scale=self._colours, title=None)
        self._shape = alt.Shape("line:N", scale=alt.Scale(domain=lines, range=shapes(len(lines))), title=None)
        stages = [one for one in (AFTER, BEFORE) if one in set(points["stage"])]
        patterns = [[1, 0], [5, 4]][: len(stages)]
        legend = alt.Legend(symbolSize=900, clipHeight=14)  # wide, yet as high as the other legend's symbols
        self._dash = alt.StrokeDash(
            "stage:N", scale=alt.Scale(domain=stages, range=patterns), title=None, legend=legend
        )
        self._narrow = narrow
        self._x = self._across("test_resolution")
        self._accuracies = [float(one) for name in ("low", "high") for one in points[name]]
        self._y = axes.top1_y(self._accuracies)

    def _across(self, field: str) -> alt.X:
        """Return the x axis over one column, with ticks at the resolutions that there are."""
        ticks = _ticks(self._points, _MOST_TICKS // 3 if self._narrow else _MOST_TICKS)
        scale = alt.Scale(domain=list(_ends(self._points)), nice=False, zero=False)
        axis = alt.Axis(values=ticks, format="d", grid=True)
        return alt.X(field, type="quantitative", title="Test resolution, pixels", axis=axis, scale=scale)

    def trained_at(self) -> alt.Chart:
        """Draw a thin line where each was trained."""
        sides = self._points[["line", "train_resolution"]].drop_duplicates()
        rule = alt.Chart(sides).mark_rule(strokeDash=[1, 4], strokeWidth=1.6, strokeCap="round")
        drawn: alt.Chart = rule.encode(self._across("train_resolution"), color=self._colour)
        return drawn

    def native(self, side: int | None) -> list[alt.Chart]:
        """Draw and name the native resolution, where anything was tested or trained near it."""
        low, high = _ends(self._points)
        if side is None or not low <= side <= high:
            return []
        frame = pd.DataFrame({"native": [side], "words": [f"native, {side} px"]})
        x = self._across("native")
        quiet = alt.value(self._palette.quiet)
        rule = alt.Chart(frame).mark_rule(strokeWidth=7, opacity=0.22).encode(x, color=quiet)
        text = alt.Chart(frame).mark_text(baseline="bottom", dy=-4, fontSize=12)
        return [rule, text.encode(x, y=alt.value(0), text="words:N", color=quiet)]

    def layers(self) -> list[alt.Chart]:
        """Draw lines, whiskers and points."""
        chart = alt.Chart(self._points)
        last = chart.transform_filter("datum.last")
        told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
        lines = chart.mark_line(strokeWidth=2).encode(
            self._x, self._y, color=self._colour, strokeDash=self._dash, order=alt.Order("test_resolution:Q")
        )
        low = axes.top1_y(self._accuracies, "low")
        whiskers = last.mark_rule(strokeWidth=1.3).encode(self._x, low, alt.Y2("high"), color=self._colour)
        marks = {"shape": self._shape, "color": self._colour, "tooltip": told}
        before = chart.transform_filter("!datum.last").mark_point(filled=True, size=26, opacity=0.8)
        alike = last.transform_filter("datum.alike").mark_point(filled=True, size=90, opacity=1)
        other = last.transform_filter("!datum.alike").mark_point(filled=False, size=80, strokeWidth=2, opacity=1)
        best = last.transform_filter("datum.best").mark_point(filled=False, size=430, strokeWidth=2.2, opacity=1)
        points = [one.encode(self._x, self._y, **marks) for one in (before, alike, other)]
        ring = best.encode(
            self._x, self._y, shape=alt.value("circle"), color=alt.value(self._palette.ink), tooltip=told
        )
        return [lines, whiskers, *points, ring]


def _ends(points: pd.DataFrame) -> tuple[float, float]:
    """Return the ends of the axis, pixels: all that was tested or trained at, with a margin."""
    sides = [*points["test_resolution"], *points["train_resolution"]]
    edge = max(0.05 * (max(sides) - min(sides)), 1.0)
    return min(sides) - edge, max(sides) + edge


def _ticks(points: pd.DataFrame, most: int) -> list[int]:
    """Return where networks were trained and, as far as there is room for so many ticks, where they were tested."""
    ticks = sorted({int(one) for one in points["train_resolution"]})
    tested = sorted({int(one) for one in points["test_resolution"]})
    room = (max(*ticks, *tested) - min(*ticks, *tested)) / most
    for side in tested:
        if all(abs(side - tick) >= room for tick in ticks):
            ticks.append(side)
    return sorted(ticks)
