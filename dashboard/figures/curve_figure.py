"""Learning curves: loss, accuracy and learning rate over the epochs of one training run, or of several. Pure.

Accuracy is that of the held-out images, where a training was tested on its way; without it there is no panel for it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import altair as alt
import pandas as pd

from dashboard.figures.palette import Palette, dashes, shapes
from dashboard.words import result_words, wording
from db.records import EpochRecord

_TOLD: Final = ("Run", "Epoch", "Loss", "Validation top-1", "Learning rate", "Images", "Took", "Throughput")
#: Width of the panels in pixels; on a phone.
_WIDE, _NARROW = 560, 250
#: Room for the labels of the panels' y axes, in pixels, so that they begin at the same place.
_EXTENT: Final = 40


class _Panel(NamedTuple):
    """One above the other; the last one bears the axis of epochs.

    Attributes:
        field: Of the records.
        title: Of the y axis.
        name: For the description.
        height: In pixels.
        narrow_height: On a phone.
        ticks: Of the y axis, about.
    """

    field: str
    title: str
    name: str
    height: int
    narrow_height: int
    ticks: int = 5


_LAST: Final = _Panel("learning_rate", "Learning rate", "learning rate", 90, 80, 3)
_PANELS: Final = (
    _Panel("loss", "Training loss, mean per image", "loss", 230, 200),
    _Panel("validation_top1", "Top-1 of validation images, %", "top-1 of validation images", 190, 180),
    _LAST,
)


def curve_records(runs: Mapping[str, Sequence[EpochRecord]]) -> pd.DataFrame:
    """Return one record per epoch of each run, the runs by their names."""
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "run": name,
                "epoch": one.epoch,
                "loss": one.loss,
                "learning_rate": one.learning_rate,
                "images": one.images,
                "seconds": one.seconds,
                "validation_top1": one.validation_top1,
                "Run": name,
                "Epoch": f"{one.epoch}",
                "Loss": f"{one.loss:.4g}",
                "Validation top-1": result_words.validation(one),
                "Learning rate": f"{one.learning_rate:.4g}",
                "Images": f"{one.images:,}",
                "Took": wording.duration(one.seconds),
                "Throughput": wording.rate(one.images / one.seconds) if one.seconds else "–",
            }
            for name, epochs in runs.items()
            for one in epochs
        ]
    )
    return frame


def curve_figure(
    curves: pd.DataFrame, *, palette: Palette, numbers: Sequence[int] | None = None, narrow: bool = False
) -> alt.VConcatChart:
    """Draw loss, top-1 of validation images where there is any, and learning rate, with the same axis of epochs.

    Args:
        curves: From ``curve_records``; at least one epoch.
        palette: Of the reader's theme.
        numbers: Of each run's colour and shape, where other charts of the page have some of their own.
        narrow: For a phone.
    """
    names = list(dict.fromkeys(curves["run"]))
    looks = _looks(names, numbers or range(len(names)), palette)
    panels = [panel for panel in _PANELS if curves[panel.field].notna().any()]
    what = wording.listed(panel.name for panel in panels).capitalize()
    description = f"{what} over the epochs of {wording.listed(names)}. The table below has the numbers."
    drawn: alt.VConcatChart = (
        alt.vconcat(*(_drawn(panel, curves, looks, narrow=narrow) for panel in panels), spacing=12)
        .resolve_scale(x="shared", color="shared", shape="shared")
        .properties(autosize="pad", description=description)
        .configure_legend(orient="bottom", columns=1 if narrow else 3, labelLimit=260, title=None, symbolSize=90)
    )
    return drawn


def _looks(
    names: Sequence[str], numbers: Sequence[int], palette: Palette
) -> tuple[alt.Color, alt.Shape, alt.StrokeDash]:
    """Return colour, shape and dash of each run; a legend where there are several."""
    count = max(numbers) + 1
    many = (palette.colours(count), shapes(count), dashes(count))
    colours, forms, patterns = ([each[number] for number in numbers] for each in many)
    legend = alt.Legend() if len(names) > 1 else None
    domain = list(names)
    return (
        alt.Color("run:N", scale=alt.Scale(domain=domain, range=colours), title=None, legend=legend),
        alt.Shape("run:N", scale=alt.Scale(domain=domain, range=forms), title=None, legend=legend),
        alt.StrokeDash("run:N", scale=alt.Scale(domain=domain, range=patterns), title=None, legend=legend),
    )


def _drawn(
    panel: _Panel, curves: pd.DataFrame, looks: tuple[alt.Color, alt.Shape, alt.StrokeDash], *, narrow: bool
) -> alt.LayerChart:
    colour, shape, dash = looks
    last = panel is _LAST
    ticks = min(int(curves["epoch"].max()), 12)
    axis = alt.Axis(tickMinStep=1, tickCount=ticks, format="d", labels=last, title="Epoch" if last else None)
    x = alt.X("epoch:Q", axis=axis, scale=alt.Scale(nice=False, padding=8))
    y_axis = alt.Axis(tickCount=panel.ticks, format="~g", minExtent=_EXTENT)
    y = alt.Y(f"{panel.field}:Q", title=panel.title, axis=y_axis, scale=alt.Scale(zero=False, padding=6))
    chart = alt.Chart(curves[curves[panel.field].notna()])  # lines go on over epochs that were not tested
    lines = chart.mark_line(strokeWidth=2).encode(x, y, color=colour, strokeDash=dash)
    told = [alt.Tooltip(field=name, type="nominal") for name in _told(curves)]
    marks = chart.mark_point(filled=True, size=45, opacity=1).encode(x, y, color=colour, shape=shape, tooltip=told)
    width, height = (_NARROW, panel.narrow_height) if narrow else (_WIDE, panel.height)
    layers: alt.LayerChart = alt.layer(lines, marks).properties(width=width, height=height)
    return layers


def _told(curves: pd.DataFrame) -> list[str]:
    tested = curves["validation_top1"].notna().any()
    return [name for name in _TOLD if tested or name != "Validation top-1"]
