"""A chart as a file for a paper: on white, in the colours of the light theme, made on this machine alone."""

from typing import Any, Final

import altair as alt
import vl_convert

from dashboard.figures.palette import LIGHT

Chart = alt.Chart | alt.LayerChart | alt.HConcatChart | alt.VConcatChart | alt.ConcatChart | alt.FacetChart

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


def png(figure: Chart) -> bytes:
    """Return a chart as a PNG file, ``SCALE`` times as wide and high as on the page."""
    return vl_convert.vegalite_to_png(_spec(figure), scale=SCALE, **_options())


def svg(figure: Chart) -> bytes:
    """Return a chart as an SVG file, its words as text."""
    return vl_convert.vegalite_to_svg(_spec(figure), **_options()).encode()


def _options() -> dict[str, Any]:
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    # No address at all: a chart's data are in it, and nothing is asked of the internet.
    return {"vl_version": version, "config": _CONFIG, "allowed_base_urls": []}


def _spec(figure: Chart) -> dict[str, Any]:
    """Return a chart as Vega-Lite, with its data inside.

    How Altair turns data frames into data is a setting of the whole process, which Streamlit changes for a moment
    whenever it draws a chart, so it is looked whether the data came along.
    """
    for _ in range(_TRIES):
        with alt.data_transformers.enable("default", max_rows=None):
            spec: dict[str, Any] = figure.to_dict()
        if _names(spec) <= spec.get("datasets", {}).keys():
            return spec
    raise RuntimeError("the chart's data could not be written")


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
