"""A publication's points as its figure draws them, and points measured here in the same colours beside them. Pure.

Published and measured throughput are never in one panel: they come from different machines.

Source:
    Figure 1 of arXiv 2106.03640: accuracy against multiply-accumulates and against training throughput, one line per
    family through the sizes, the baseline black and dashed with square marks, sizes named at the first and last line.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures import axes, families
from dashboard.figures.front_points import MACS
from dashboard.figures.palette import SHAPES, Palette
from dashboard.words import wording
from db.front_views import Mode

Row = Mapping[str, Any]

_WIDE, _NARROW = (470, 320), (270, 240)
_TOLD: Final = ("Family", "Network", "Trained, tested at", "Top-1", "Throughput", "Forward pass", "Where")
_THROUGHPUT: Final[dict[Mode, str]] = {"train": "Training throughput", "inference": "Inference throughput"}
_COST: Final[dict[Mode, str]] = {"train": "train", "inference": "test"}


@dataclass(frozen=True, slots=True)
class Side:
    """Points of one source.

    Attributes:
        points: From ``side_points``; may be empty.
        words: Whose they are, such as ``Published: IPU-POD16``.
    """

    points: pd.DataFrame
    words: str


def side_points(rows: Sequence[Row], mode: Mode) -> pd.DataFrame:
    """Return one record per point of one source, as ``Reader.points`` returns them."""
    frame: pd.DataFrame = pd.DataFrame([_record(row, mode) for row in rows])
    return frame


def _record(row: Row, mode: Mode) -> dict[str, Any]:
    deviation = row["top1_std"] or 0.0
    cost = row[MACS[mode]]
    tested = "the best" if row["test_resolution"] is None else f"{row['test_resolution']} px"
    return {
        "point": f"{row['series']}/{wording.network(row)}",
        "family": row["series"],
        "line": families.line(row, "best"),
        "size": wording.network(row).replace("b", "B", 1),
        "order": row["params"],
        "macs": cost,
        "images_per_second": row["images_per_second"],
        "top1": row["top1_mean"],
        "low": row["top1_mean"] - deviation,
        "high": row["top1_mean"] + deviation,
        "Family": row["series"],
        "Network": wording.network(row),
        "Trained, tested at": f"{row['train_resolution']} px, {tested}",
        "Top-1": wording.top1(row["top1_mean"], row["top1_std"], row["seeds"]),
        "Throughput": wording.rate(row["images_per_second"]),
        "Forward pass": wording.amount(cost, "MACs"),
        "Where": wording.place(row),
    }


def published_figure(
    sides: Sequence[Side], *, mode: Mode, series: Sequence[str], same_y: bool, palette: Palette, stacked: bool = False
) -> alt.VConcatChart:
    """Draw each source's points against theory and against its throughput.

    Args:
        sides: The publication's, then those measured here; at least one, each with points.
        mode: Whose throughput it is.
        series: The families, from the plainest, which is drawn as the baseline, on.
        same_y: Whether the sources' accuracies are of the same data, so that one axis fits both.
        palette: Of the reader's theme.
        stacked: All panels above each other, for a phone.
    """
    hover = alt.selection_point(name="hover", on="pointerover", fields=["point"], empty=False, clear="pointerout")
    drawing = _Drawing(series, palette, hover, mode, narrow=stacked)
    every = [side.points for side in sides]
    pairs = [drawing.pair(side, every if same_y else [side.points]) for side in sides]
    rows = [alt.vconcat(*pair) if stacked else alt.hconcat(*pair, spacing=28) for pair in pairs]
    joined = alt.vconcat(*(row.resolve_scale(y="shared", x="independent") for row in rows), spacing=26)
    described = " and ".join(side.words for side in sides)
    with warnings.catch_warnings():  # Altair warns of the very thing that is meant: one selection in all panels
        warnings.filterwarnings("ignore", "Automatically deduplicated selection parameter", UserWarning)
        linked = joined.properties(autosize="pad", description=f"Top-1 accuracy: {described}.").add_params(hover)
    drawn: alt.VConcatChart = linked.resolve_scale(
        color="shared", shape="shared", strokeDash="shared"
    ).configure_legend(orient="bottom", columns=1 if stacked else 6, labelLimit=260, symbolSize=90, symbolStrokeWidth=0)
    return drawn


class _Drawing:
    """Draws panels that share colours, marks and the hover."""

    def __init__(
        self, series: Sequence[str], palette: Palette, hover: alt.Parameter, mode: Mode, *, narrow: bool
    ) -> None:
        self._ends = (series[0], series[-1])
        self._hover, self._mode, self._size = hover, mode, _NARROW if narrow else _WIDE
        self._palette, self._ink = palette, alt.value(palette.ink)
        others = len(series) - 1
        round_marks = [shape for shape in SHAPES if shape != "square"]
        marks = ["square", *(round_marks[index % len(round_marks)] for index in range(others))]
        colours = alt.Scale(domain=list(series), range=[palette.ink, *palette.colours(others)])
        forms = alt.Scale(domain=list(series), range=marks)
        patterns = alt.Scale(domain=list(series), range=[[6, 4], *([1, 0] for _ in range(others))])
        self._colour = alt.Color("family:N", scale=colours, title=None)
        self._shape = alt.Shape("family:N", scale=forms, title=None)
        self._dash = alt.StrokeDash("family:N", scale=patterns, title=None)

    def pair(self, side: Side, on_the_axis: Sequence[pd.DataFrame]) -> list[alt.LayerChart]:
        """Draw theory and throughput of one source; theory only where operations are known."""
        accuracies = [float(one) for frame in on_the_axis for name in ("low", "high") for one in frame[name]]
        throughput = _THROUGHPUT[self._mode]
        titles = {
            "macs": (f"Forward MACs per image at the {_COST[self._mode]} resolution", "In theory"),
            "images_per_second": (f"{throughput}, images/s", throughput),
        }
        known = [field for field in titles if side.points[field].notna().all()]
        return [self._panel(side, field, *titles[field], accuracies) for field in known]

    def _panel(self, side: Side, field: str, title: str, heading: str, accuracies: Sequence[float]) -> alt.LayerChart:
        points = side.points
        x, y = axes.log_x(field, title, list(points[field])), axes.top1_y(accuracies)
        chart = alt.Chart(points)
        told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
        lines = chart.mark_line(strokeWidth=2).encode(
            x, y, color=self._colour, strokeDash=self._dash, detail="line:N", order=alt.Order("order:Q")
        )
        whiskers = chart.mark_rule(strokeWidth=1.3).encode(
            x, axes.top1_y(accuracies, "low"), alt.Y2("high"), color=self._colour
        )
        marks = chart.mark_point(filled=True, size=70, opacity=1)
        ring = chart.mark_point(filled=False, size=380, strokeWidth=2.5, shape="circle")
        seen = alt.when(self._hover).then(alt.value(1.0)).otherwise(alt.value(0.0))
        layers = [
            lines,
            whiskers,
            marks.encode(x, y, color=self._colour, shape=self._shape, tooltip=told),
            *self._sizes(chart, x, y, rising=field == "macs"),
            ring.encode(x, y, color=self._ink, opacity=seen, tooltip=told),
        ]
        width, height = self._size
        style = alt.TitleParams(
            side.words,
            subtitle=heading,
            anchor="start",
            fontSize=14,
            fontWeight="normal",
            limit=width,
            subtitleColor=self._palette.ink,
            subtitleFontSize=12,
        )
        panel: alt.LayerChart = alt.layer(*layers).properties(width=width, height=height, title=style)
        return panel

    def _sizes(self, chart: alt.Chart, x: alt.X, y: alt.Y, *, rising: bool) -> list[alt.Chart]:
        """Name the sizes along the first line below it, and along the last above it."""
        aside = -12 if rising else 12
        return [
            chart.transform_filter(alt.FieldEqualPredicate(field="family", equal=name))
            .mark_text(dx=dx, dy=dy, fontSize=11)
            .encode(x, y, text="size:N", color=self._colour)
            for name, dx, dy in zip(self._ends, (-aside, aside), (11, -9), strict=True)
        ]
