"""A chart as a file for a paper: on white, in the colours of the light theme, made on this machine alone."""

import json
from typing import Any, Final

import altair as alt
import pandas as pd
import vl_convert

from dashboard.figures.palette import LIGHT

#: Vega-Lite, or a part of it.
Spec = dict[str, Any]
Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.ConcatChart | alt.FacetChart
#: A chart of Altair's, or one that is written as Vega-Lite and has its rows from ``with_data``.
Drawing = Chart | Spec

#: Pixels of the PNG for each one of the chart: sharp when printed one column wide.
SCALE: Final = 2.0
_TRIES: Final = 50
_INK, _AXIS, _GRID = LIGHT.ink, LIGHT.quiet, "#e4e7eb"
_CONFIG: Final[dict[str, Any]] = {
    "background": "#ffffff",
    "padding": 8,
    "font": "Arial, Liberation Sans, Helvetica, sans-serif",
    "view": {"stroke": None},
    "title": {"color": _INK},
    "axis": {
        "domainColor": _AXIS,
        "gridColor": _GRID,
        "labelColor": _INK,
        "labelFontSize": 12,
        "tickColor": _AXIS,
        "titleColor": _INK,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    },
    "legend": {"labelColor": _INK, "labelFontSize": 12, "titleColor": _INK},
}


def png(figure: Drawing) -> bytes:
    """Return a chart as a PNG file, ``SCALE`` times as wide and high as on the page."""
    return vl_convert.vegalite_to_png(_spec(figure), scale=SCALE, **_options())


def svg(figure: Drawing) -> bytes:
    """Return a chart as an SVG file, its words as text."""
    return vl_convert.vegalite_to_svg(_spec(figure), **_options()).encode()


def with_data(spec: Spec, rows: pd.DataFrame) -> Spec:
    """Give a chart that is written as Vega-Lite its data, for Streamlit and for files.

    Their name is another one where the data are: the browser then draws the chart anew rather than change its data.
    """
    digest = int(pd.util.hash_pandas_object(rows, index=False).to_numpy().sum())
    name = f"rows-{digest:x}"
    return {**spec, "data": {"name": name}, "datasets": {name: rows}}


def _options() -> dict[str, Any]:
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    # No address at all: a chart's data are in it, and nothing is asked of the internet.
    return {"vl_version": version, "config": _CONFIG, "allowed_base_urls": []}


def _spec(figure: Drawing) -> dict[str, Any]:
    """Return a chart as Vega-Lite, with its data inside.

    How Altair turns data frames into data is a setting of the whole process, which Streamlit changes for a moment
    whenever it draws a chart, so it is looked whether the data came along.
    """
    if isinstance(figure, dict):
        return {**figure, "datasets": {name: _records(rows) for name, rows in figure["datasets"].items()}}
    for _ in range(_TRIES):
        with alt.data_transformers.enable("default", max_rows=None):
            spec: dict[str, Any] = figure.to_dict()
        if _names(spec) <= spec.get("datasets", {}).keys():
            return spec
    raise RuntimeError("the chart's data could not be written")


def _records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them: nothing is a number that is none."""
    found: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    return found


def _names(part: Any) -> set[str]:
    """Return the names of the data that a chart, or a part of one, speaks of."""
    if isinstance(part, list):
        return set().union(*map(_names, part))
    if not isinstance(part, dict):
        return set()
    data = part.get("data")
    named = {data["name"]} if isinstance(data, dict) and "name" in data else set()
    parts = [value for key, value in part.items() if key not in {"data", "datasets"}]
    return named | _names(parts)
