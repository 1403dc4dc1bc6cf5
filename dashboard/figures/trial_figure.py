"""What a search found: its trials between two objectives with their front, or one objective's best so far. Pure."""

from collections.abc import Sequence
from typing import Any, Final, Literal

import altair as alt
import pandas as pd

from dashboard.figures import objectives, trial_points
from dashboard.figures.palette import Palette, shapes
from dashboard.words import search_terms
from dashboard.words.search_account import Account
from dashboard.words.search_terms import Axis

#: Selection of trials by clicking: of what Streamlit tells the page.
PICK: Final = "pick"
#: What progress is drawn against: how many trials were over, or what had been paid.
Against = Literal["over", "slot_hours"]
AGAINST: Final[dict[Against, str]] = {"over": "Trials over", "slot_hours": "Slot-hours paid"}
#: States that are drawn in grey, each in its own shape.
ASIDE: Final = {"infeasible": "cross", "skipped": "triangle-down", "pruned": "diamond", "failed": "square"}
_FITTED: Final = alt.AutoSizeParams(type="fit", contains="padding")
_WIDE, _NARROW = (1000, 470), (340, 420)
#: Different values of an axis up to which each has a colour and a shape of its own.
_FEW: Final = 7
#: From so many trials on, marks are smaller.
_CROWD: Final = 250
#: Where what has one known value stands: so far from the edge of the chart, in pixels.
_RUG: Final = 9


def front_figure(
    trials: pd.DataFrame,
    account: Account,
    *,
    palette: Palette,
    by: Axis | None = None,
    stacked: bool = False,
    picked: Sequence[str] = (),
) -> alt.LayerChart:
    """Draw the trials of a search for two objectives, its front bold.

    Args:
        trials: From ``trial_records``; at least one is complete.
        account: Of the search.
        palette: Of the reader's theme.
        by: The axis that a colour stands for; None: the order of finishing, where no axis tells it.
        stacked: Narrow, for a phone.
        picked: Trials that are selected at first.
    """
    across, up = objectives.sides(account)
    fronts = trial_points.front_records(account)
    x = objectives.position(account, across, objectives.known(trials, across), alt.X)
    y = objectives.position(account, up, objectives.known(trials, up), alt.Y)
    drawing = _Drawing(trials, account, palette, by)
    line = alt.Chart(fronts[fronts["share"] == 1.0]).mark_line(clip=True, **_BOLD)
    right, upper = f"isValid(datum.value{across})", f"isValid(datum.value{up})"
    layers = [
        line.encode(x, y, order="order:Q", color=drawing.ink),
        drawing.aside(f"{right} && {upper}", x, y),
        drawing.aside(f"{right} && !{upper}", x, alt.Y(value={"expr": f"height - {_RUG}"})),
        drawing.aside(f"!{right} && {upper}", alt.X(value=_RUG), y),
        drawing.complete(x, y),
        drawing.ring(f"{right} && {upper}", x, y, picked),
    ]
    titles = [search_terms.title(account.terms.objectives[index]) for index in (up, across)]
    described = f"{' against '.join(titles)} of a search's trials, with their front."
    return _joined(layers, trials, described, stacked=stacked)


def best_figure(
    trials: pd.DataFrame,
    account: Account,
    *,
    against: Against,
    palette: Palette,
    by: Axis | None = None,
    stacked: bool = False,
    picked: Sequence[str] = (),
) -> alt.LayerChart:
    """Draw the trials of a search for one objective, and its best so far; arguments as of ``front_figure``."""
    field = {"over": "place", "slot_hours": "slot_hours"}[against]
    progress = trial_points.progress_records(account).rename(columns={"value": "value0", "over": "place"})
    values = [*objectives.known(trials, 0), *objectives.known(progress, 0)]
    y = objectives.position(account, 0, values, alt.Y)
    ends = [float(one) for frame in (trials, progress) for one in frame[field]]
    scale = alt.Scale(domain=[0, 1.02 * max(ends)], nice=False)
    axis = alt.Axis(tickCount=10, tickMinStep=1 if against == "over" else alt.Undefined)
    x = alt.X(field, type="quantitative", title=AGAINST[against], scale=scale, axis=axis)
    drawing = _Drawing(trials, account, palette, by, ordered=False)
    line = alt.Chart(progress).mark_line(interpolate="step-after", **_BOLD)
    layers = [
        line.encode(x, y, color=drawing.ink),
        drawing.aside("isValid(datum.value0)", x, y),
        drawing.complete(x, y),
        drawing.ring("isValid(datum.value0)", x, y, picked),
    ]
    title = search_terms.title(account.terms.objectives[0])
    return _joined(layers, trials, f"{title} of each trial of a search, and the best so far.", stacked=stacked)


#: Of the front, and of the best so far: under everything else.
_BOLD: Final[dict[str, Any]] = {"strokeWidth": 9, "strokeCap": "round", "strokeJoin": "round", "opacity": 0.25}


def _joined(layers: Sequence[alt.Chart], trials: pd.DataFrame, description: str, *, stacked: bool) -> alt.LayerChart:
    """Put layers above each other; the trials, which most of them draw, are told once."""
    width, height = _NARROW if stacked else _WIDE
    described = f"{description} The table has the numbers."
    drawn: alt.LayerChart = (
        alt.LayerChart(layer=list(layers), data=trials)
        .properties(width=width, height=height, autosize=_FITTED, description=described)
        .configure_legend(
            orient="bottom", columns=3 if stacked else 8, labelLimit=240, symbolSize=90, symbolStrokeWidth=0
        )
    )
    return drawn


class _Drawing:
    """Draws the layers of marks, which share colours and what is told."""

    def __init__(
        self, trials: pd.DataFrame, account: Account, palette: Palette, by: Axis | None, *, ordered: bool = True
    ) -> None:
        self._trials = trials
        self._account = account
        self._palette = palette
        self._by = by
        self._ordered = ordered
        self.ink = alt.value(palette.ink)
        self._told = [alt.Tooltip(field=name, type="nominal") for name in trial_points.headings(account)]

    def complete(self, x: alt.X, y: alt.Y) -> alt.Chart:
        """Draw what counts; larger where it is the best or on the front."""
        small = 28 if len(self._trials) > _CROWD else 70
        size = alt.when("datum.on_front").then(alt.value(150)).otherwise(alt.value(small))
        marks = (
            alt.Chart()
            .transform_filter("datum.counts")
            .mark_point(filled=True, opacity=1, stroke=self._palette.ink, strokeWidth=0.6)
        )
        drawn: alt.Chart = marks.encode(x, y, size=size, tooltip=self._told, **self._looks())
        return drawn

    def _looks(self) -> dict[str, Any]:
        """Return colour, and shape where a colour stands for one of few values."""
        if self._by is None and not self._ordered:
            return {"color": alt.value(self._palette.candidate)}
        if self._by is None:
            last = len(self._account.over)
            legend = alt.Legend(title="Order of finishing", tickMinStep=1, format="d")
            return {"color": alt.Color("place:Q", scale=_shades([1, max(2, last)]), legend=legend)}
        field, names = f"axis{self._account.terms.axes.index(self._by)}", list(self._by.choices)
        if len(names) > _FEW and all(isinstance(one, int | float) for one in names):
            return {"color": alt.Color(f"{field}:Q", scale=_shades([min(names), max(names)]), title=self._by.title)}
        words = [trial_points.plain(one) for one in names]
        colours = alt.Scale(domain=words, range=self._palette.colours(len(words)))
        forms = alt.Scale(domain=words, range=shapes(len(words)))
        return {
            "color": alt.Color(f"{field}:N", scale=colours, title=self._by.title),
            "shape": alt.Shape(f"{field}:N", scale=forms, title=self._by.title),
        }

    def aside(self, condition: str, x: alt.X, y: alt.Y) -> alt.Chart:
        """Draw what does not count, and fulfils a condition, hollow and grey, each state in its own shape."""
        chart = alt.Chart().transform_filter(f"!datum.counts && {condition}")
        marks = chart.mark_point(filled=False, size=60, strokeWidth=1.6, opacity=0.9)
        grey = alt.value(self._palette.quiet)
        drawn: alt.Chart = marks.encode(x, y, color=grey, shape=_shape_of_state(), tooltip=self._told)
        return drawn

    def ring(self, condition: str, x: alt.X, y: alt.Y, picked: Sequence[str]) -> alt.Chart:
        """Draw a ring around what somebody points at or has selected, of what fulfils a condition."""
        at_first: Any = [{"point": one} for one in picked] or alt.Undefined
        pick = alt.selection_point(name=PICK, fields=["point"], empty=False, value=at_first)
        hover = alt.selection_point(name="hover", on="pointerover", fields=["point"], empty=False, clear="pointerout")
        seen = alt.when(hover | pick).then(alt.value(1.0)).otherwise(alt.value(0.0))
        chart = alt.Chart().transform_filter(condition)
        marks = chart.mark_point(filled=False, size=420, strokeWidth=2.5, shape="circle")
        drawn: alt.Chart = marks.encode(x, y, color=self.ink, opacity=seen, tooltip=self._told).add_params(hover, pick)
        return drawn


def _shades(domain: Sequence[Any]) -> alt.Scale:
    return alt.Scale(scheme="viridis", domain=list(domain))


def _shape_of_state() -> Any:
    (first, form), *rest = ASIDE.items()
    shape = alt.when(f"datum.state === '{first}'").then(alt.value(form))
    for state, other in rest:
        shape = shape.when(f"datum.state === '{state}'").then(alt.value(other))
    return shape.otherwise(alt.value("circle"))
