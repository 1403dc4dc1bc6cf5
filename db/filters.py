"""The FILTER language: ``group_size=16 norm=ln+pn train_resolution=half``.

    filter     = { condition }                       all of them must hold
    condition  = column ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
               | column "in" "(" value { "," value } ")"
    value      = word | "quoted text" | 'quoted text' | none

Text compares without regard to case. ``native`` and ``half`` are values of the resolutions: the network's own. ``none``
is the value of what is not known.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Boolean, ColumnElement, Double, FromClause, Integer, and_, func, or_
from sqlalchemy.types import TypeEngine

from db.column_types import UtcDateTime
from db.errors import FilterError
from db.suggestions import did_you_mean

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<operator>!=|<=|>=|=|<|>)|(?P<mark>[(),])|"(?P<double>[^"]*)"|'(?P<single>[^']*)'"""
    r"""|(?P<word>[^\s=<>!(),"']+))"""
)
_COMPARISONS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NAMED_RESOLUTIONS: Final = {"native": "native_resolution", "half": "half_resolution"}
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_EXAMPLE: Final = 'Write for example: group_size=16 norm in (gn, ln+pn) train_resolution=half device="Intel Xeon"'


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another column of the same row, as a value."""

    column: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on one column.

    Attributes:
        column: Its name.
        operator: ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` or ``in``.
        values: One value, or those of ``in``; None stands for what is not known.
    """

    column: str
    operator: str
    values: tuple[Any, ...]

    def expression(self, rows: FromClause) -> ColumnElement[bool]:
        """Return the condition on rows, with bound parameters."""
        column = rows.c[self.column]
        if self.operator in _COMPARISONS:
            comparison: ColumnElement[bool] = _COMPARISONS[self.operator](column, _operand(self.values[0], rows))
            return comparison
        equal = or_(*(_equal(column, value, rows) for value in self.values))
        return func.coalesce(equal, False).is_(False) if self.operator == "!=" else equal  # SQL's value


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str, columns: Mapping[str, TypeEngine[Any]]) -> tuple[Condition, ...]:
    """Read a FILTER.

    Args:
        text: The filter; empty means everything.
        columns: Name → type of the columns that it may speak of.

    Raises:
        FilterError: Not of the language, an unknown column, or a value that is not of the column's type.
    """
    return _Parser(text, columns).conditions()


def where(conditions: Sequence[Condition], rows: FromClause) -> ColumnElement[bool]:
    """Return what all of the conditions ask of rows."""
    return and_(True, *(condition.expression(rows) for condition in conditions))  # empty is everything


def _operand(value: Any, rows: FromClause) -> Any:
    return rows.c[value.column] if isinstance(value, Sibling) else value


def _equal(column: ColumnElement[Any], value: Any, rows: FromClause) -> ColumnElement[bool]:
    if value is None:
        return column.is_(None)
    if isinstance(value, str):
        return func.lower(column) == value.lower()
    result: ColumnElement[bool] = column == _operand(value, rows)
    return result


class _Parser:
    def __init__(self, text: str, columns: Mapping[str, TypeEngine[Any]]) -> None:
        self._text = text
        self._columns = columns
        self._tokens = self._split()
        self._next = 0

    def conditions(self) -> tuple[Condition, ...]:
        found = []
        while self._next < len(self._tokens):
            found.append(self._condition())
        return tuple(found)

    def _split(self) -> list[_Token]:
        tokens, position, end = [], 0, len(self._text.rstrip())
        while position < end:
            match = _TOKEN.match(self._text, position)
            if match is None or match.lastgroup is None:
                raise FilterError(f"filter: cannot read {self._text[position:].strip()!r}", _EXAMPLE, position)
            kind = "quoted" if match.lastgroup in {"double", "single"} else match.lastgroup
            tokens.append(_Token(kind, match[match.lastgroup], match.start(match.lastgroup)))
            position = match.end()
        return tokens

    def _take(self, *kinds: str, expected: str) -> _Token:
        if self._next < len(self._tokens) and self._tokens[self._next].kind in kinds:
            self._next += 1
            return self._tokens[self._next - 1]
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise FilterError(f"filter: {token.text!r} where {expected} should be", _EXAMPLE, token.position)
        raise FilterError(f"filter: ends where {expected} should be", _EXAMPLE, len(self._text))

    def _condition(self) -> Condition:
        name = self._take("word", expected="a column")
        if name.text not in self._columns:
            hint = did_you_mean(name.text, self._columns)
            raise FilterError(f"filter: there is no column {name.text!r}", hint.capitalize(), name.position)
        sign = self._take("operator", "word", expected=f"an operator after {name.text!r}")
        if sign.kind == "word" and sign.text.lower() != "in":
            raise FilterError(f"filter: {sign.text!r} where an operator should be", _EXAMPLE, sign.position)
        if sign.kind == "word":
            return Condition(name.text, "in", tuple(self._list(name.text)))
        token = self._take("word", "quoted", expected=f"a value after {name.text!r} {sign.text}")
        value = self._value(name.text, token)
        if sign.text in _COMPARISONS and (value is None or isinstance(value, str | bool)):
            raise FilterError(f"filter: {name.text} {sign.text} {token.text} has no order", _EXAMPLE, sign.position)
        return Condition(name.text, sign.text, (value,))

    def _list(self, column: str) -> list[Any]:
        self._mark("(")
        values = [self._value(column, self._take("word", "quoted", expected="a value"))]
        while self._mark("),") == ",":
            values.append(self._value(column, self._take("word", "quoted", expected="a value")))
        return values

    def _mark(self, allowed: str) -> str:
        expected = " or ".join(repr(mark) for mark in allowed)
        token = self._take("mark", expected=expected)
        if token.text not in allowed:
            raise FilterError(f"filter: {token.text!r} where {expected} should be", _EXAMPLE, token.position)
        return token.text

    def _value(self, column: str, token: _Token) -> Any:
        text = token.text
        if token.kind == "word" and text.lower() == "none" and column != "fine_tune_layers":
            return None
        sibling = _NAMED_RESOLUTIONS.get(text.lower()) if column in {"train_resolution", "test_resolution"} else None
        if sibling is not None:
            return Sibling(sibling)
        try:
            return _convert(text, self._columns[column])
        except (ValueError, KeyError):
            kind = _kind(self._columns[column])
            raise FilterError(f"filter: {column} is {kind}, not {text!r}", _EXAMPLE, token.position) from None


def _convert(text: str, kind: TypeEngine[Any]) -> Any:
    if isinstance(kind, Boolean):
        return _BOOLEANS[text.lower()]
    if isinstance(kind, Integer):
        return int(text)
    if isinstance(kind, Double):
        return float(text)
    if isinstance(kind, UtcDateTime):
        time = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return time if time.tzinfo else time.replace(tzinfo=dt.timezone.utc)
    return text


def _kind(kind: TypeEngine[Any]) -> str:
    names: dict[type[Any], str] = {
        Boolean: "true or false",
        Integer: "a whole number",
        Double: "a number",
        UtcDateTime: "a time such as 2026-01-31",
    }
    return next((name for one, name in names.items() if isinstance(kind, one)), "text")
