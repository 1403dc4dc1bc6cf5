"""How much of each objective's variation an axis of a search accounts for, as bars. Pure."""

from collections.abc import Mapping
from typing import Final

import altair as alt
import pandas as pd

from dashboard.figures.palette import Palette
from dashboard.words import search_terms
from dashboard.words.search_terms import Terms

_WIDE, _NARROW, _BAR = 760, 210, 26


def importance_records(importances: Mapping[str, Mapping[str, float]], terms: Terms) -> pd.DataFrame:
    """Return one record per objective and axis, the axis that matters most to any objective first.

    Args:
        importances: Objective → axis → share, 0 to 1.
        terms: What the search looks for.
    """
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "axis": axis.words,
                "objective": search_terms.noun(objective),
                "share": shares[axis.name],
                "words": f"{shares[axis.name]:.0%}",
                "most": max(one.get(axis.name, 0.0) for one in importances.values()),
            }
            for objective, shares in importances.items()
            for axis in terms.axes
            if axis.name in shares
        ]
    )
    return frame if frame.empty else frame.sort_values("most", ascending=False, kind="stable")


def importance_figure(bars: pd.DataFrame, *, palette: Palette, narrow: bool = False) -> alt.LayerChart:
    """Draw a bar per axis and objective.

    Args:
        bars: From ``importance_records``; at least one.
        palette: Of the reader's theme.
        narrow: For a phone.
    """
    names = list(dict.fromkeys(bars["axis"]))
    objectives = list(dict.fromkeys(bars["objective"]))
    colours = alt.Scale(domain=objectives, range=palette.colours(len(objectives)))
    legend = alt.Legend(orient="bottom", title=None, columns=1 if narrow else 2, labelLimit=240)
    x = alt.X(
        "share:Q",
        title="Share of the variation, %",
        axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
        scale=alt.Scale(domain=[0, 1.08], nice=False),
    )
    y = alt.Y("axis:N", sort=names, title=None, axis=alt.Axis(labelLimit=190 if not narrow else 110, ticks=False))
    offset = alt.YOffset("objective:N", sort=objectives)
    chart = alt.Chart(bars)
    bar = chart.mark_bar(cornerRadius=2).encode(
        x, y, offset, color=alt.Color("objective:N", scale=colours, legend=legend)
    )
    text = chart.mark_text(align="left", dx=5, fontSize=12).encode(
        x, y, offset, text="words:N", color=alt.value(palette.ink)
    )
    drawn: alt.LayerChart = alt.layer(bar, text).properties(
        width=_NARROW if narrow else _WIDE,
        height=_BAR * len(names) * len(objectives) + 16,
        autosize="pad",
        description="How much of each objective's variation each axis accounts for.",
    )
    return drawn


#: What importances mean, and what they do not.
MEANING: Final = (
    "How much of an objective's variation among the trials each axis accounts for, by Optuna. It tells which axis is "
    "worth searching, not which of its values is best; and only of what was tried: a search tries good values more "
    "often, and an axis of which it tried little seems to matter little."
)
