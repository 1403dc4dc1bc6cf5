"""Accuracy on the way of the trials of a search that gives hopeless trainings up. Pure."""

from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.palette import Palette

_WIDE, _NARROW = (1000, 380), (340, 340)
_FITTED: Final = alt.AutoSizeParams(type="fit", contains="padding")
_TOLD: Final = ("Trial", "Tries", "State", "Epoch", "Validation then")
BEST: Final = "best"


def early_figure(curves: pd.DataFrame, *, palette: Palette, narrow: bool = False) -> alt.LayerChart:
    """Draw a line per trial; one that was given up ends in a cross.

    Args:
        curves: From ``trial_points.curve_records``; at least one epoch.
        palette: Of the reader's theme.
        narrow: For a phone.
    """
    kinds = {"complete": palette.quiet, "pruned": palette.families[4], BEST: palette.candidate}
    present = [one for one in kinds if one in set(curves["kind"])]
    scale = alt.Scale(domain=present, range=[kinds[one] for one in present])
    colour = alt.Color("kind:N", scale=scale, title=None)
    dash = alt.StrokeDash(
        "kind:N",
        scale=alt.Scale(domain=present, range=[[5, 3] if one == "pruned" else [1, 0] for one in present]),
        title=None,
    )
    last = int(curves["epoch"].max())
    axis = alt.Axis(tickMinStep=1, tickCount=min(last, 16), format="d")
    x = alt.X("epoch:Q", title="Epoch", axis=axis, scale=alt.Scale(nice=False, padding=12))
    y = axes.top1_y([float(one) for one in curves["top1"]]).title("Top-1 of validation images, %")
    told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
    chart = alt.Chart(curves)
    width = alt.when(f"datum.kind === '{BEST}'").then(alt.value(4)).otherwise(alt.value(1.6))
    lines = chart.mark_line().encode(x, y, detail="trial:N", color=colour, strokeDash=dash, strokeWidth=width)
    dots = chart.mark_point(filled=True, size=34, opacity=1).encode(x, y, color=colour, tooltip=told)
    ends: Any = alt.Chart(curves[curves["is_last"] & (curves["kind"] == "pruned")]).mark_point(
        shape="cross", angle=45, filled=True, size=110, opacity=1
    )
    side = _NARROW if narrow else _WIDE
    drawn: alt.LayerChart = (
        alt.layer(lines, dots, ends.encode(x, y, color=colour, tooltip=told))
        .properties(
            width=side[0],
            height=side[1],
            autosize=_FITTED,
            description="Top-1 of validation images over the epochs of trials; given up where a cross ends the line.",
        )
        .configure_legend(orient="bottom", columns=3, symbolType="stroke", symbolSize=500, symbolStrokeWidth=3)
    )
    return drawn
