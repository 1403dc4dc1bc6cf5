"""Learning curves: loss and learning rate over the epochs of one training run, or of several. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

import altair as alt
import pandas as pd

from dashboard.figures.palette import Palette, dashes, shapes
from dashboard.words import wording
from db.records import EpochRecord

_TOLD: Final = ("Run", "Epoch", "Loss", "Learning rate", "Images", "Took", "Throughput")
#: Width of both panels, heights of the loss's and of the learning rate's, in pixels.
_WIDE, _NARROW = (560, 230, 90), (250, 200, 80)
#: Room for the labels of both panels' y axes, in pixels, so that they begin at the same place.
_EXTENT: Final = 40


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
                "Run": name,
                "Epoch": f"{one.epoch}",
                "Loss": f"{one.loss:.4g}",
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
    """Draw loss above learning rate, with the same axis of epochs.

    Args:
        curves: From ``curve_records``; at least one epoch.
        palette: Of the reader's theme.
        numbers: Of each run's colour and shape, where other charts of the page have some of their own.
        narrow: For a phone.
    """
    names = list(dict.fromkeys(curves["run"]))
    looks = _looks(names, numbers or range(len(names)), palette)
    width, high, low = _NARROW if narrow else _WIDE
    panels = [
        _panel(curves, looks, "loss", "Training loss, mean per image", (width, high)),
        _panel(curves, looks, "learning_rate", "Learning rate", (width, low)),
    ]
    description = f"Loss and learning rate over the epochs of {wording.listed(names)}. The table below has the numbers."
    drawn: alt.VConcatChart = (
        alt.vconcat(*panels, spacing=12)
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


def _panel(
    curves: pd.DataFrame,
    looks: tuple[alt.Color, alt.Shape, alt.StrokeDash],
    field: str,
    title: str,
    size: tuple[int, int],
) -> alt.LayerChart:
    colour, shape, dash = looks
    last = field == "learning_rate"
    ticks = min(int(curves["epoch"].max()), 12)
    axis = alt.Axis(tickMinStep=1, tickCount=ticks, format="d", labels=last, title="Epoch" if last else None)
    x = alt.X("epoch:Q", axis=axis, scale=alt.Scale(nice=False, padding=8))
    y_axis = alt.Axis(tickCount=3 if last else 5, format="~g", minExtent=_EXTENT)
    y = alt.Y(f"{field}:Q", title=title, axis=y_axis, scale=alt.Scale(zero=False, padding=6))
    chart = alt.Chart(curves)
    lines = chart.mark_line(strokeWidth=2).encode(x, y, color=colour, strokeDash=dash)
    told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
    marks = chart.mark_point(filled=True, size=45, opacity=1).encode(x, y, color=colour, shape=shape, tooltip=told)
    panel: alt.LayerChart = alt.layer(lines, marks).properties(width=size[0], height=size[1])
    return panel
