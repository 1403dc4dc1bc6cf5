"""Throughput as it was timed: a dot per block, beside the median, the middle half and the 95 % interval. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures.palette import Palette, shapes
from dashboard.words import wording
from db.result_details import Measured
from db.speedup import SpeedupPoint

COUNTS, DISTURBED = "counts", "disturbed, does not count"
_ALL: Final = "All that count"
#: The same in all layers of a panel: Vega-Lite would join different ones.
_ALONE: Final = "Network alone, images/s"
_BLOCKS: Final = "Timed blocks; bar: middle half, whisker: 95 % interval"
_REFERENCE: Final = "Reference network, images/s"
#: Widths of the dots' and of the reference's panel, height of a row, in pixels.
_WIDE, _NARROW = (560, 280, 36), (230, 230, 32)


def middle_half(rates: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles of the rates of some blocks; the least and the greatest where there are too few."""
    if len(rates) < 3:
        return min(rates), max(rates)
    low, _, high = statistics.quantiles(rates, n=4, method="inclusive")
    return low, high


def block_records(measured: Measured) -> pd.DataFrame:
    """Return one record per timed block of a measurement."""
    frame: pd.DataFrame = pd.DataFrame([_block(block, f"Round {block['round']}") for block in measured.blocks])
    return frame


def _block(block: Mapping[str, Any], row: str) -> dict[str, Any]:
    return {
        "row": row,
        "round": block["round"],
        "images_per_second": block["images_per_second"],
        "status": COUNTS if block["counts"] else DISTURBED,
        "Block": f"{block['ordinal'] + 1}, of round {block['round']}",
        "Throughput": wording.rate(block["images_per_second"]),
        "Timed": f"{block['images']:,} images in {block['seconds']:.3g} s",
        "Status": COUNTS if block["counts"] else DISTURBED,
    }


def summary_record(measured: Measured, row: str = _ALL) -> dict[str, Any]:
    """Return what a measurement comes to: median, interval and middle half, images per second."""
    rates = [rate for rates in measured.timed.rates for rate in rates]
    told = measured.row
    low, high = middle_half(rates) if rates else (told["images_per_second"],) * 2
    return {
        "row": row,
        "median": told["images_per_second"],
        "low": told["low"],
        "high": told["high"],
        "quarter": low,
        "three_quarters": high,
        "Median": wording.rate(told["images_per_second"]),
        "95 % interval": f"{wording.rate(told['low'])} to {wording.rate(told['high'])}",
        "Middle half": f"{wording.rate(low)} to {wording.rate(high)}",
        "Verdict": told["shown_verdict"],
    }


def reference_records(measured: Measured) -> pd.DataFrame:
    """Return how fast the reference network was around each block; by round where that is all that is known."""
    told = [(f"block {one['ordinal'] + 1}, of round {one['round']}", one) for one in measured.blocks]
    if any(one["reference_images_per_second"] is None for _, one in told):
        told = [(f"round {one['round']}", one) for one in measured.rounds]
    verdicts = {one["round"]: f"{one['verdict']} {one['verdict_reason']}".strip() for one in measured.rounds}
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "row": f"Round {one['round']}",
                "images_per_second": one["reference_images_per_second"],
                "status": COUNTS if one["counts"] else DISTURBED,
                "Around": around,
                "Reference": wording.rate(one["reference_images_per_second"]),
                "Verdict": verdicts[one["round"]],
            }
            for around, one in told
            if one["reference_images_per_second"] is not None
        ]
    )
    return frame


def sample_figure(
    measured: Measured, *, palette: Palette, stacked: bool = False
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw the blocks of a measurement round by round, and beside them how fast the reference network was.

    Args:
        measured: With at least one block.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
    """
    blocks, references = block_records(measured), reference_records(measured)
    rows = [*dict.fromkeys(blocks["row"]), _ALL]
    wide, beside, height = _NARROW if stacked else _WIDE
    size = {"height": height * len(rows)}
    panels: list[alt.LayerChart | alt.Chart] = [
        _blocks(blocks, pd.DataFrame([summary_record(measured)]), rows, palette).properties(width=wide, **size)
    ]
    if not references.empty:
        panels.append(_references(references, rows, palette, labels=stacked).properties(width=beside, **size))
    joined = alt.vconcat(*panels) if stacked else alt.hconcat(*panels, spacing=20)
    told = measured.row
    description = (
        f"Throughput of each timed block by round: median {wording.rate(told['images_per_second'])}, 95 % interval "
        f"{wording.rate(told['low'])} to {wording.rate(told['high'])}."
    )
    drawn: alt.HConcatChart | alt.VConcatChart = (
        joined.resolve_scale(shape="shared", color="shared")
        .properties(autosize="pad", description=description)
        .configure_legend(orient="bottom", title=None, labelLimit=260, symbolSize=70)
    )
    return drawn


def _rate_x(field: str, title: str = _ALONE) -> alt.X:
    axis = alt.Axis(tickCount=5, format=",~r")
    return alt.X(f"{field}:Q", title=title, axis=axis, scale=alt.Scale(zero=False, nice=True, padding=10))


def _rows(rows: Sequence[str], *, labels: bool = True) -> alt.Y:
    axis = alt.Axis(title=None, labels=labels, labelLimit=230, ticks=False, grid=True, domain=False)
    return alt.Y("row:N", sort=list(rows), scale=alt.Scale(domain=list(rows)), axis=axis)


def _status(palette: Palette) -> tuple[alt.Color, alt.Shape]:
    domain = [COUNTS, DISTURBED]
    colour = alt.Color("status:N", scale=alt.Scale(domain=domain, range=[palette.candidate, palette.quiet]), title=None)
    return colour, alt.Shape("status:N", scale=alt.Scale(domain=domain, range=["circle", "cross"]), title=None)


def _told(*names: str) -> list[alt.Tooltip]:
    return [alt.Tooltip(field=name, type="nominal") for name in names]


def _blocks(blocks: pd.DataFrame, summary: pd.DataFrame, rows: Sequence[str], palette: Palette) -> alt.LayerChart:
    x, y = _rate_x("images_per_second"), _rows(rows)
    colour, shape = _status(palette)
    middle = alt.Chart(summary).mark_rule(strokeDash=[4, 4]).encode(_rate_x("median"), color=_ink(palette))
    marks = (
        alt.Chart(blocks)
        .mark_point(size=55, strokeWidth=1.6, opacity=0.9)
        .encode(x, y, color=colour, shape=shape, tooltip=_told("Block", "Throughput", "Timed", "Status"))
    )
    layers = alt.layer(middle, marks, *_spread(summary, y, alt.value(palette.ink)))
    panel: alt.LayerChart = layers.properties(title=_heading(_BLOCKS))
    return panel


def _ink(palette: Palette) -> Any:
    return alt.value(palette.quiet)


def _spread(summary: pd.DataFrame, y: alt.Y, colour: Any) -> list[alt.Chart]:
    """Draw middle half, interval and median on the rows of a summary."""
    chart = alt.Chart(summary)
    told = _told("Median", "95 % interval", "Middle half", "Verdict")
    ends = [chart.mark_tick(thickness=2, size=12).encode(_rate_x(end), y, color=colour) for end in _ENDS]
    whisker = chart.mark_rule(strokeWidth=2).encode(_rate_x("low"), alt.X2("high"), y, color=colour)
    bar = chart.mark_bar(height=12, opacity=0.35).encode(
        _rate_x("quarter"), alt.X2("three_quarters"), y, color=colour, tooltip=told
    )
    median = chart.mark_point(filled=True, shape="diamond", size=110, opacity=1).encode(
        _rate_x("median"), y, color=colour, tooltip=told
    )
    return [bar, whisker, *ends, median]


_ENDS: Final = ("low", "high")


def _references(references: pd.DataFrame, rows: Sequence[str], palette: Palette, *, labels: bool) -> alt.Chart:
    colour, shape = _status(palette)
    marks = alt.Chart(references).mark_point(size=55, strokeWidth=1.6, opacity=0.9)
    encoded = marks.encode(
        _rate_x("images_per_second", _REFERENCE),
        _rows(rows, labels=labels),
        color=colour,
        shape=shape,
        tooltip=_told("Around", "Reference", "Verdict"),
    )
    drawn: alt.Chart = encoded.properties(title=_heading("The machine itself"))
    return drawn


def _heading(text: str) -> alt.TitleParams:
    return alt.TitleParams(text, anchor="start", fontSize=13, fontWeight="normal")


def ratio_records(ratios: Mapping[str, SpeedupPoint]) -> pd.DataFrame:
    """Return one record per measurement that is compared with the first one, by its name; may be empty."""
    frame: pd.DataFrame = pd.DataFrame(
        [
            {
                "row": name,
                "ratio": one.speedup,
                "low": one.speedup if one.low is None else one.low,
                "high": one.speedup if one.high is None else one.high,
                "Result": name,
                "Ratio": f"{one.speedup:.3f} ×",
                "95 % interval": "unknown" if one.low is None else f"{one.low:.3f} to {one.high:.3f}",
            }
            for name, one in ratios.items()
        ]
    )
    return frame


def compared_figure(
    measured: Mapping[str, Measured],
    ratios: Mapping[str, SpeedupPoint],
    *,
    names: Sequence[str],
    palette: Palette,
    stacked: bool = False,
) -> alt.HConcatChart | alt.VConcatChart:
    """Draw the blocks that count of several measurements, a row for each, and beside them their ratio to the first.

    Args:
        measured: By names; each with at least one block.
        ratios: Of throughputs, by the names of those that are compared with the first.
        names: Of all that is compared on the page, in the order of colours.
        palette: Of the reader's theme.
        stacked: One panel above the other, for a phone.
    """
    rows = [name for name in names if name in measured]
    blocks = pd.DataFrame([_block(block, name) for name in rows for block in measured[name].blocks if block["counts"]])
    summary = pd.DataFrame([summary_record(measured[name], name) for name in rows])
    looks = _looks(names, palette)
    wide, beside, height = _NARROW if stacked else (500, 260, 46)
    size = {"height": height * len(rows)}
    panels = [_compared_blocks(blocks, summary, rows, looks, palette).properties(width=wide, **size)]
    if ratios:
        drawn = _ratios(ratio_records(ratios), rows, looks, palette, labels=stacked)
        panels.append(drawn.properties(width=beside, **size))
    joined = alt.vconcat(*panels) if stacked else alt.hconcat(*panels, spacing=20)
    described = f"Throughput of {wording.listed(rows)}. The table has the numbers."
    figure: alt.HConcatChart | alt.VConcatChart = joined.properties(autosize="pad", description=described)
    return figure


def _looks(names: Sequence[str], palette: Palette) -> tuple[alt.Color, alt.Shape]:
    colours = alt.Scale(domain=list(names), range=palette.colours(len(names)))
    forms = alt.Scale(domain=list(names), range=shapes(len(names)))
    return alt.Color("row:N", scale=colours, legend=None), alt.Shape("row:N", scale=forms, legend=None)


def _compared_blocks(
    blocks: pd.DataFrame,
    summary: pd.DataFrame,
    rows: Sequence[str],
    looks: tuple[alt.Color, alt.Shape],
    palette: Palette,
) -> alt.LayerChart:
    colour, shape = looks
    x, y = _rate_x("images_per_second"), _rows(rows)
    told = _told("Block", "Throughput", "Timed")
    chart = alt.Chart(blocks).mark_point(size=40, strokeWidth=1.4, opacity=0.8)
    marks = chart.encode(x, y, alt.YOffset("round:O"), color=colour, shape=shape, tooltip=told)
    layers = alt.layer(marks, *_spread(summary, y, alt.value(palette.ink)))
    panel: alt.LayerChart = layers.properties(title=_heading(_BLOCKS))
    return panel


def _ratios(
    ratios: pd.DataFrame,
    rows: Sequence[str],
    looks: tuple[alt.Color, alt.Shape],
    palette: Palette,
    *,
    labels: bool,
) -> alt.LayerChart:
    colour, shape = looks
    y = _rows(rows, labels=labels)
    axis = alt.Axis(tickCount=5, format=".3~")
    scale = alt.Scale(zero=False, nice=True, padding=12)
    x = alt.X("ratio:Q", title=f"Throughput over that of {rows[0].split(':')[0]}, ×", axis=axis, scale=scale)
    told = _told("Result", "Ratio", "95 % interval")
    even = alt.Chart(pd.DataFrame({"ratio": [1.0]})).mark_rule(strokeDash=[6, 4], strokeWidth=1.5)
    chart = alt.Chart(ratios)
    whiskers = chart.mark_rule(strokeWidth=2).encode(alt.X("low:Q"), alt.X2("high"), y, color=colour)
    marks = chart.mark_point(filled=True, size=110, opacity=1).encode(x, y, color=colour, shape=shape, tooltip=told)
    layers = alt.layer(even.encode(x, color=_ink(palette)), whiskers, marks)
    panel: alt.LayerChart = layers.properties(title=_heading("Ratio to the first, 95 % interval"))
    return panel
