"""A speed-up change by change, as bars that go on where the one before ended. Pure."""

from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.figures.palette import Palette
from dashboard.words.steps import NO_ACCURACY, Account, factor
from db.steps import Part, Ratio

FASTER, SLOWER, TOGETHER = "faster", "slower", "together"
_FITTED: Final = alt.AutoSizeParams(type="fit", contains="padding")
_WIDE, _NARROW = 1000, 340
_ROW, _FRAME = 58, 110
#: Part of the axis that is left for words, of the part that bars take.
_ROOM, _ROOM_NARROW = 0.12, 0.3
_TOLD: Final = ("Step", "Family", "Speed-up", "95 % interval")


def step_records(account: Account) -> pd.DataFrame:
    """Return one record per step, and one for all together.

    A bar begins where the one before ended, on a logarithmic axis: lengths add up as ratios multiply. Where two
    families have no accuracy in common the step has no bar, and the next one begins at 1 again.
    """
    records, start = [], 1.0
    for step in account.steps:
        records.append(_record(step.change, step.series, step.part, start))
        start = records[-1]["end"] if step.part.ratio else 1.0
    if len(account.steps) > 1:
        together = _record("all together", account.steps[-1].series, account.together, 1.0)
        records.append({**together, "kind": TOGETHER if account.together.ratio else NO_ACCURACY})
    for number, record in enumerate(records):
        record["row"] = f"{number}|{record['Step']}|{record['Family']}"
    following = [*records[1:], records[-1]]
    for record, after in zip(records, following, strict=True):
        record["next"] = after["row"]
        # What is told together is the same only where steps multiply to it.
        goes_on = after is not record and (account.exact or after["kind"] != TOGETHER)
        record["goes_on"] = record["known"] and after["known"] and goes_on
    frame: pd.DataFrame = pd.DataFrame(records)
    return frame


def _record(change: str, series: str, part: Part, start: float) -> dict[str, Any]:
    ratio = part.ratio
    found = ratio or Ratio(1.0, None, None)
    end = start * found.speedup
    low = end if found.low is None else start * found.low
    high = end if found.high is None else start * found.high
    return {
        "known": ratio is not None,
        "kind": NO_ACCURACY if ratio is None else FASTER if end >= start else SLOWER,
        "start": start,
        "end": end,
        "low": low,
        "high": high,
        "right": max(start, end, high),
        "words": factor(part),
        "Step": change,
        "Family": series,
        "Speed-up": factor(part),
        "95 % interval": "unknown" if found.low is None else f"{found.low:.2f} to {found.high:.2f}",
    }


def steps_figure(records: pd.DataFrame, *, first: str, palette: Palette, narrow: bool = False) -> alt.LayerChart:
    """Draw the steps.

    Args:
        records: From ``step_records``.
        first: The family that the chain begins with.
        palette: Of the reader's theme.
        narrow: For a phone.
    """
    x, y = _Across(records, first, narrow=narrow), _rows(records, narrow=narrow)
    chart = alt.Chart(records)
    known = chart.transform_filter("datum.known")
    told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
    ink, quiet = alt.value(palette.ink), alt.value(palette.quiet)
    even = alt.Chart(pd.DataFrame({"one": [1.0]})).mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
    bridges = chart.transform_filter("datum.goes_on").mark_rule(strokeWidth=1)
    bars = known.mark_bar(height={"band": 0.55}, cornerRadius=2, opacity=1)
    whiskers = known.mark_rule(strokeWidth=1.8)
    text = chart.mark_text(align="left", dx=8, fontSize=14, fontWeight="bold")
    layers = [
        even.encode(x.over("one"), color=quiet),
        bridges.encode(x.over("end"), y, alt.Y2("next"), color=quiet),
        bars.encode(x.over("start"), y, alt.X2("end"), color=_colour(palette), tooltip=told),
        whiskers.encode(x.over("low"), y, alt.X2("high"), color=ink),
        text.encode(x.over("right"), y, text="words:N", color=ink, tooltip=told),
    ]
    drawn: alt.LayerChart = alt.layer(*layers).properties(
        width=_NARROW if narrow else _WIDE,
        height=_FRAME + _ROW * len(records),
        autosize=_FITTED,
        description=f"Speed-up over {first}: {'; '.join(records['Step'] + ' ' + records['words'])}.",
    )
    return drawn


class _Across:
    """The logarithmic axis that all layers share, with room for words to the right of the bars."""

    def __init__(self, records: pd.DataFrame, first: str, *, narrow: bool) -> None:
        room = _ROOM_NARROW if narrow else _ROOM
        values = [1.0, *(float(one) for name in ("low", "high", "start", "end") for one in records[name])]
        low, high = axes.log_domain(values)
        self._axis = alt.Axis(values=axes.log_ticks(low, high), format="~g", grid=True)
        self._scale = alt.Scale(type="log", domain=[low, high * (high / low) ** room], nice=False)
        self._title = f"Speed-up over {first}, ×"

    def over(self, field: str) -> alt.X:
        return alt.X(field, type="quantitative", title=self._title, axis=self._axis, scale=self._scale)


def _rows(records: pd.DataFrame, *, narrow: bool) -> alt.Y:
    """Return the axis of steps: what changes, and below it the family that it leads to."""
    lines = "slice(split(datum.label, '|'), 1)"
    axis = alt.Axis(
        labelExpr=lines, labelLimit=130 if narrow else 300, labelFontSize=12, ticks=False, domain=False, labelOffset=-7
    )
    return alt.Y("row", type="nominal", sort=list(records["row"]), title=None, axis=axis)


def _colour(palette: Palette) -> alt.Color:
    """Say by colour what the words beside a bar say, too."""
    kinds = {FASTER: palette.candidate, SLOWER: palette.families[4], TOGETHER: palette.quiet}
    scale = alt.Scale(domain=list(kinds), range=list(kinds.values()))
    return alt.Color(
        "kind", type="nominal", scale=scale, title=None, legend=alt.Legend(orient="bottom", symbolOpacity=1)
    )
