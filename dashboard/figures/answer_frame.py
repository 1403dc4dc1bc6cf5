"""What a user's statement gave as a chart needs it: kinds of columns, and a first choice of axes. Pure."""

import datetime as dt
import decimal
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

from db.user_sql import UserResult

Kind = Literal["number", "time", "category"]
Mark = Literal["Points", "Lines", "Bars"]
MARKS: Final[tuple[Mark, ...]] = ("Points", "Lines", "Bars")

#: Rows that are drawn at most: more marks than a person can tell apart, and few enough for a browser.
DRAWN: Final = 5_000
#: Different values up to which colours and shapes can be told apart.
_COLOURED: Final = 12
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
#: What ends or begins a column's name → its unit.
_UNITS: Final = (
    (re.compile(r"images_per_second$|^(train|inference)_speed$"), "images/s"),
    (re.compile(r"^(validation_)?top1(?!_ppm|_std)|^(gain|flattery|difference|spread)$"), "%"),
    (re.compile(r"top1_std$"), "percentage points"),
    (re.compile(r"_ppm$"), "images per million"),
    (re.compile(r"resolution$"), "px"),
    (re.compile(r"macs_per_second$"), "MACs/s"),
    (re.compile(r"macs$"), "MACs"),
    (re.compile(r"milliseconds$"), "ms"),
    (re.compile(r"seconds$"), "s"),
    (re.compile(r"hours$"), "h"),
    (re.compile(r"bytes$"), "bytes"),
)
#: Numbers that span decades: a logarithmic axis at first.
_WIDE: Final = re.compile(r"per_second$|macs$|params$|bytes$")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn against what.

    Attributes:
        x: Column.
        y: Column of numbers.
        colour: Column; None for one colour.
        mark: How.
        log_x: Whether the x axis is logarithmic; only numbers can be. Likewise ``log_y``.
    """

    x: str
    y: str
    colour: str | None
    mark: Mark
    log_x: bool = False
    log_y: bool = False


def answer_frame(result: UserResult) -> pd.DataFrame:
    """Return a result with one kind of value in each column, and no two columns of one name."""
    names = _distinct(result.columns)
    columns = list(zip(*result.rows, strict=True)) if result.rows else [()] * len(names)
    found: pd.DataFrame = pd.DataFrame({name: _column(values) for name, values in zip(names, columns, strict=True)})
    return found


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names of which none repeats: ``a``, ``a (2)``."""
    seen: dict[str, int] = {}
    for name in names:
        found = name
        while found in seen:
            seen[name] += 1
            found = f"{name} ({seen[name]})"
        seen[found] = 1
    return list(seen)


def _column(values: Sequence[Any]) -> pd.Series:
    plain = [_plain(value) for value in values]
    known = [value for value in plain if value is not None]
    if known and all(isinstance(value, str) and _TIME.fullmatch(value) for value in known):
        return _series(pd.to_datetime(plain, utc=True, format="ISO8601"))
    kinds = {float if isinstance(value, int | float) else type(value) for value in known}
    if len(kinds) > 1 or any(isinstance(value, int) and abs(value) >= 2**63 for value in known):
        plain = [None if value is None else str(value) for value in plain]
    return _series(plain)


def _series(values: Any) -> pd.Series:
    found: pd.Series = pd.Series(values)
    return found


def _plain(value: Any) -> Any:
    """Return what a table can show: engines also give decimals, bytes and JSON."""
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if value is None or isinstance(value, bool | int | float | str | dt.datetime):
        return value
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def kind(values: pd.Series) -> Kind:
    """Return how a column's values can be drawn."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return "time"
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return "number"
    return "category"


def unit(name: str) -> str:
    """Return the unit of a column by its name; empty where the name does not tell."""
    return next((words for pattern, words in _UNITS if pattern.search(name)), "")


def titled(name: str) -> str:
    """Return the title of an axis: the column's name, with its unit."""
    return f"{name}, {unit(name)}" if unit(name) else name


def numbers(frame: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that an axis can show, those first that people ask for most."""
    found = [str(name) for name in frame if kind(frame[name]) == "number" and frame[name].notna().any()]
    return sorted(found, key=lambda name: _rank(name, frame[name]))


def _rank(name: str, values: pd.Series) -> int:
    if name.endswith(("_id", "_digest")):
        return 4
    if name.startswith(("top1", "gain")) and unit(name) == "%":
        return 0
    return 2 if pd.api.types.is_integer_dtype(values) else 1


def first_drawing(frame: pd.DataFrame) -> Drawing | None:
    """Return a sensible drawing of a result; None where it holds no numbers, or nothing to draw them against."""
    measures = numbers(frame)
    if not measures or len(frame.columns) < 2:
        return None
    y = measures[0]
    x = _first_x(frame, y)
    colour = _first_colour(frame, {x, y})
    return Drawing(x, y, colour, _first_mark(frame, x, y, colour), log_x=_spans_decades(frame, x))


def _first_x(frame: pd.DataFrame, y: str) -> str:
    others = [str(name) for name in frame if name != y]
    speeds = [name for name in others if kind(frame[name]) == "number" and name.endswith("per_second")]
    times = [name for name in others if kind(frame[name]) == "time"]
    varied = [name for name in others if _varies(frame[name])]
    return [*speeds, *times, *varied, *others][0]


def _first_colour(frame: pd.DataFrame, taken: set[str]) -> str | None:
    """Return the column that tells most apart in as many colours as one can still tell apart."""
    names = [str(name) for name in frame if name not in taken and kind(frame[name]) == "category"]
    values = {name: int(frame[name].nunique()) for name in names}
    return max((name for name in names if 2 <= values[name] <= _COLOURED), key=lambda name: values[name], default=None)


def _first_mark(frame: pd.DataFrame, x: str, y: str, colour: str | None) -> Mark:
    one_each = not frame.duplicated([x] if colour is None else [x, colour]).any()
    if kind(frame[x]) == "category":
        return "Bars" if one_each and unit(y) != "%" else "Points"
    whole = pd.api.types.is_integer_dtype(frame[x])
    return "Lines" if one_each and whole and _varies(frame[x]) else "Points"


def _varies(values: pd.Series) -> bool:
    known = values.dropna()
    return bool(len(known) and (known != known.iloc[0]).any())


def _spans_decades(frame: pd.DataFrame, name: str) -> bool:
    if not _WIDE.search(name) or kind(frame[name]) != "number":
        return False
    return bool(frame[name].min() > 0 and frame[name].max() >= 3 * frame[name].min())


def drawable(frame: pd.DataFrame, drawing: Drawing) -> pd.DataFrame:
    """Return the rows that the chart shows: with both values, positive on a logarithmic axis, and not too many."""
    rows = frame[frame[drawing.x].notna() & frame[drawing.y].notna()]
    for name, logarithmic in ((drawing.x, is_log(frame, drawing)), (drawing.y, drawing.log_y)):
        rows = rows[rows[name] > 0] if logarithmic else rows
    drawn: pd.DataFrame = rows.head(DRAWN)
    return drawn


def is_log(frame: pd.DataFrame, drawing: Drawing) -> bool:
    """Tell whether the x axis can be, and is to be, logarithmic."""
    return drawing.log_x and kind(frame[drawing.x]) == "number" and drawing.mark != "Bars"
