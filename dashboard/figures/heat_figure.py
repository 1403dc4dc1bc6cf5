"""The best value that a search found for each pair of two axes, as a table of shades. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import altair as alt
import pandas as pd

from dashboard.figures.palette import Palette
from dashboard.words import search_terms, wording
from dashboard.words.search_account import Account, counts
from dashboard.words.search_terms import Axis
from db.search_records import TrialRow, Value

#: Sides of a cell in pixels, and of the whole at most.
_CELL, _WIDEST, _NARROWEST = (110, 40), 1000, 250
#: Columns up to which a cell has room for its number.
_ROOM, _ROOM_NARROW = 16, 6
#: Cells that are drawn at most.
MOST: Final = 1_600
_TOLD: Final = ("Cell", "Best", "Trial", "Trials there")


@dataclass(frozen=True, slots=True)
class Table:
    """What a heat map shows.

    Attributes:
        across: The axis of its columns.
        up: Of its rows.
        objective: Whose best value, by its place.
        only: Axis → the one value that counts; of every other axis, the best of all.
    """

    across: Axis
    up: Axis
    objective: int
    only: Mapping[str, Value]


def heat_records(account: Account, table: Table) -> pd.DataFrame:
    """Return one record per cell: its best value, or what became of the trials there; also where there were none."""
    there: dict[tuple[Any, Any], list[TrialRow]] = {}
    for trial in account.trials:
        if all(trial.params.get(name) == value for name, value in table.only.items()):
            there.setdefault((trial.params.get(table.across.name), trial.params.get(table.up.name)), []).append(trial)
    records = [
        _record(account, table, column, row, there.get((column, row), []))
        for row in table.up.choices
        for column in table.across.choices
    ]
    frame: pd.DataFrame = pd.DataFrame(records)
    return frame


def drawn(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells that are drawn: all, or where those are too many, the best of those that were tried.

    Args:
        cells: From ``heat_records``.
    """
    if len(cells) <= MOST:
        return cells
    best: pd.DataFrame = cells[cells["tried"]].sort_values("value", ascending=False, na_position="last").head(MOST)
    return best


def _record(account: Account, table: Table, column: Value, row: Value, trials: Sequence[TrialRow]) -> dict[str, Any]:
    objective = account.terms.objectives[table.objective]
    best = max(
        (trial for trial in trials if counts(trial)),
        key=lambda trial: account.terms.value(trial, table.objective) or 0.0,
        default=None,
    )
    value = None if best is None else account.terms.value(best, table.objective)
    states = [
        f"{sum(one.state == state for one in trials)} {state}" for state in dict.fromkeys(t.state for t in trials)
    ]
    return {
        "column": str(column),
        "row": str(row),
        "value": value,
        "tried": bool(trials),
        "words": _short(objective, value) if value is not None else _became(trials),
        "Cell": f"{table.across.words} {column}, {table.up.words} {row}",
        "Best": search_terms.told(objective, value),
        "Trial": "–" if best is None else str(best.number),
        "Trials there": wording.listed(states) if states else "not tried",
    }


def _became(trials: Sequence[TrialRow]) -> str:
    """Return what a cell without a value says: nothing where nobody tried, else how its last trial ended."""
    return trials[-1].state if trials else ""


def _short(objective: str, value: float) -> str:
    """Return a value without its unit, as it fits into a cell."""
    if objective == search_terms.TOP1:
        return f"{value:.2f}"
    if objective == search_terms.SPEEDUP:
        return f"{value:.3g}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def heat_figure(cells: pd.DataFrame, account: Account, table: Table, *, palette: Palette, narrow: bool = False) -> Any:
    """Draw the table.

    Args:
        cells: From ``drawn``; at least one has a value.
        account: Of the search.
        table: What is shown.
        palette: Of the reader's theme.
        narrow: For a phone.
    """
    columns, rows = len(table.across.choices), len(table.up.choices)
    width = min(_NARROWEST if narrow else _WIDEST, _CELL[0] * columns)
    axis = alt.Axis(labelAngle=0, ticks=False, domain=False, labelOverlap=True)
    x = alt.X("column:N", scale=_places(table.across.choices), title=table.across.title, axis=axis)
    y = alt.Y("row:N", scale=_places(tuple(reversed(table.up.choices))), title=table.up.title, axis=axis)
    known = cells.dropna(subset="value")
    low, high = float(known["value"].min()), float(known["value"].max())
    title = search_terms.title(account.terms.objectives[table.objective])
    shades = alt.Scale(scheme="viridis", domain=[low, high] if high > low else [low - 1, high + 1])
    told = [alt.Tooltip(field=name, type="nominal") for name in _TOLD]
    frame = alt.Chart(cells).mark_rect(fillOpacity=0, stroke=palette.quiet, strokeOpacity=0.45)
    filled = alt.Chart(known).mark_rect(stroke=palette.quiet, strokeOpacity=0.45)
    layers = [
        frame.encode(x, y, tooltip=told),
        filled.encode(x, y, color=alt.Color("value:Q", scale=shades, title=title), tooltip=told),
    ]
    if columns <= (_ROOM_NARROW if narrow else _ROOM):
        layers += _numbers(cells, known, (x, y), (low + high) / 2, palette)
    drawn: alt.LayerChart = alt.layer(*layers).properties(
        width=width,
        height=max(60, min(_CELL[1] * rows, 700)),
        autosize="pad",
        description=f"Best {title} for each {table.across.words} and {table.up.words}; an empty cell was not tried.",
    )
    return drawn.configure_legend(orient="bottom", gradientLength=min(260, width), labelLimit=200)


def _places(choices: Sequence[Value]) -> alt.Scale:
    """Return a scale with a place for every choice, tried or not."""
    return alt.Scale(domain=[str(one) for one in choices])


def _numbers(
    cells: pd.DataFrame, known: pd.DataFrame, at: tuple[alt.X, alt.Y], middle: float, palette: Palette
) -> list[alt.Chart]:
    """Write values into their cells, dark on light shades and light on dark ones; and what became of the others."""
    contrast = alt.when(f"datum.value > {middle}").then(alt.value("#111111")).otherwise(alt.value("#ffffff"))
    value = alt.Chart(known).mark_text(fontSize=13).encode(*at, text="words:N", color=contrast)
    others = cells[cells["value"].isna() & cells["tried"]]
    if others.empty:
        return [value]
    text = alt.Chart(others).mark_text(fontSize=11, fontStyle="italic")
    return [value, text.encode(*at, text="words:N", color=alt.value(palette.quiet))]
