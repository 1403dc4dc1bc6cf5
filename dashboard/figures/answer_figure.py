"""A chart of whatever a user's statement gave. Pure."""

from typing import Any, Final, Literal

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.answer_frame import Drawing, Kind, is_log, kind, titled
from dashboard.figures.palette import SHAPES, Palette

#: Different values up to which a column of numbers is told by colours of its own instead of by shades.
_FEW: Final = 12
_HEIGHT: Final = 380
#: Columns that a point tells when somebody points at it.
_TOLD: Final = 16
_TYPES: Final[dict[Kind, Literal["quantitative", "temporal", "nominal"]]] = {
    "number": "quantitative",
    "time": "temporal",
    "category": "nominal",
}


def answer_figure(rows: pd.DataFrame, drawing: Drawing, palette: Palette) -> alt.Chart:
    """Draw rows of a result.

    Args:
        rows: From ``drawable``; at least one.
        drawing: What is drawn against what.
        palette: Of the reader's theme.
    """
    # People name columns as they like: "count(*)" or "a.b" would mean something else to the chart.
    safe = {name: f"column{number}" for number, name in enumerate(rows)}
    chart = alt.Chart(rows.rename(columns=safe))
    colours = _colours(rows, drawing, safe, palette)
    marks = {
        "Points": chart.mark_point(filled=True, size=70, opacity=0.85),
        "Lines": chart.mark_line(point={"filled": True, "size": 60}, strokeWidth=2),
        "Bars": chart.mark_bar(),
    }
    told = [
        alt.Tooltip(field=safe[name], type=_TYPES[kind(rows[name])], title=str(name)) for name in list(rows)[:_TOLD]
    ]
    drawn: alt.Chart = (
        marks[drawing.mark]
        .encode(_x(rows, drawing, safe), _y(rows, drawing, safe), tooltip=told, **colours)
        .properties(height=_HEIGHT, description=f"{titled(drawing.y)} against {titled(drawing.x)}.")
        .configure_legend(orient="bottom", columns=4, labelLimit=240, symbolLimit=60)
    )
    return drawn


def _x(rows: pd.DataFrame, drawing: Drawing, safe: dict[Any, str]) -> alt.X:
    field, values = safe[drawing.x], rows[drawing.x]
    if is_log(rows, drawing):
        return axes.log_x(field, titled(drawing.x), [float(value) for value in values])
    if kind(values) == "category" or drawing.mark == "Bars":
        return alt.X(field, type="ordinal", title=titled(drawing.x), sort=None, axis=alt.Axis(labelLimit=160))
    return alt.X(field, type=_TYPES[kind(values)], title=titled(drawing.x), scale=alt.Scale(zero=False))


def _y(rows: pd.DataFrame, drawing: Drawing, safe: dict[Any, str]) -> alt.Y:
    scale = alt.Scale(type="log") if drawing.log_y else alt.Scale(zero=drawing.mark == "Bars")
    if drawing.log_y and drawing.mark == "Bars":  # a bar has no beginning on such an axis: it begins at the lowest
        scale = alt.Scale(type="log", domain=list(axes.log_domain([float(value) for value in rows[drawing.y]])))
    return alt.Y(safe[drawing.y], type="quantitative", title=titled(drawing.y), scale=scale)


def _colours(rows: pd.DataFrame, drawing: Drawing, safe: dict[Any, str], palette: Palette) -> dict[str, Any]:
    if drawing.colour is None:
        return {"color": alt.value(palette.candidate)}
    field, values = safe[drawing.colour], rows[drawing.colour]
    if kind(values) != "category" and values.nunique() > _FEW:
        shades = alt.Scale(scheme="viridis")
        return {"color": alt.Color(field, type=_TYPES[kind(values)], title=titled(drawing.colour), scale=shades)}
    names = sorted(values.dropna().unique().tolist())
    title = titled(drawing.colour)
    scale = alt.Scale(domain=names, range=palette.colours(len(names)))
    colour = alt.Color(field, type="nominal", title=title, scale=scale)
    if drawing.mark != "Points":
        return {"color": colour}
    forms = alt.Scale(domain=names, range=[SHAPES[number % len(SHAPES)] for number in range(len(names))])
    return {"color": colour, "shape": alt.Shape(field, type="nominal", title=title, scale=forms)}
