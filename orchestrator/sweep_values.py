"""The kinds of value that a sweep file's keys take: what is accepted, what is said otherwise, and their JSON Schema.

Each kind is an annotation for pydantic (``Annotated[int, Whole(1, 64)]``). YAML has told text, numbers and booleans
apart already, so nothing is converted here but a whole number where a fraction may stand.
"""

import abc
import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from orchestrator.source_tree import shown


def did_you_mean(word: object, choices: Iterable[str]) -> str:
    """Return " - did you mean …?" for the choice closest to the word, or nothing where none is close."""
    if not isinstance(word, str):
        return ""
    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word.lower()[:60], by_lower, n=1, cutoff=0.5)
    return f" - did you mean {by_lower[close[0]]!r}?" if close else ""


class Section(BaseModel):
    """A mapping of the file: no key beyond those listed, no value changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


#: Sides of images in pixels. Below the first nothing but padding reaches the last stages; above the second no image has
#: more to show.
SMALLEST_RESOLUTION, LARGEST_RESOLUTION = 8, 2048


class Kind(abc.ABC):
    """A kind of scalar value."""

    @abc.abstractmethod
    def check(self, value: Any) -> Any:
        """Return the value.

        Raises:
            ValueError: It is not of this kind; the message says what is.
        """

    @abc.abstractmethod
    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return self.json_schema()


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def check(self, value: Any) -> Any:
        """Return the word, or raise ``ValueError`` with the nearest one."""
        if isinstance(value, str) and value in self.words:
            return value
        close = did_you_mean(value, self.words)
        raise ValueError(f"{shown(value)} is not {_either(self.words)}{close}")

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        return {"enum": list(self.words)}


class NumberedChoice(Choice):
    """One of a few words, of which some look like numbers to YAML (16.16)."""

    def check(self, value: Any) -> Any:
        """Return the word, or raise ``ValueError`` with the nearest one."""
        return super().check(str(value) if isinstance(value, float) else value)

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        return {"enum": [*self.words, *(float(word) for word in self.words if _is_number(word))]}


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number within limits, or one of a few words that stand for one."""

    low: int
    high: int
    words: tuple[str, ...] = ()
    unit: str = ""

    def check(self, value: Any) -> Any:
        """Return the number or word, or raise ``ValueError`` with what is accepted."""
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        if isinstance(value, str) and value in self.words:
            return value
        raise ValueError(f"{shown(value)} is not {self._accepted()}{self._advice(value)}")

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        number = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [number, {"enum": list(self.words)}]} if self.words else number

    def _accepted(self) -> str:
        number = f"a whole number{self.unit and ' of ' + self.unit} from {self.low} to {self.high}"
        return f"{number} or {_either(self.words)}" if self.words else number

    def _advice(self, value: Any) -> str:
        if isinstance(value, float) and value.is_integer():
            return f": write {int(value)}"
        return _number_in_quotes(value) or did_you_mean(value, self.words)


@dataclass(frozen=True)
class Number(Kind):
    """A number within limits, whole or not, or one of a few words that stand for one."""

    low: float
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    words: tuple[str, ...] = ()

    def check(self, value: Any) -> Any:
        """Return the number as a float, or the word, or raise ``ValueError`` with what is accepted."""
        if isinstance(value, int | float) and not isinstance(value, bool) and self._holds(float(value)):
            return float(value)
        if isinstance(value, str) and value in self.words:
            return value
        advice = _number_in_quotes(value) or did_you_mean(value, self.words)
        raise ValueError(f"{shown(value)} is not {self._accepted()}{advice}")

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        number: JsonSchemaValue = {"type": "number", "exclusiveMinimum" if self.low_open else "minimum": self.low}
        if self.high < math.inf:
            number["exclusiveMaximum" if self.high_open else "maximum"] = self.high
        return {"anyOf": [number, {"enum": list(self.words)}]} if self.words else number

    def _holds(self, value: float) -> bool:
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open or self.high == math.inf else value <= self.high
        return above and below

    def _accepted(self) -> str:
        limits = f"above {self.low:g}" if self.low_open else f"of {self.low:g} or more"
        if self.high < math.inf:
            limits += f" and {'below' if self.high_open else 'at most'} {self.high:g}"
        return f"a number {limits}" + (f" or {_either(self.words)}" if self.words else "")


@dataclass(frozen=True)
class Flag(Kind):
    """True or false, or one of a few words that stand for one."""

    words: tuple[str, ...] = ()

    def check(self, value: Any) -> Any:
        """Return the boolean or word, or raise ``ValueError``."""
        if isinstance(value, bool) or (isinstance(value, str) and value in self.words):
            return value
        meant = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
        word = meant.get(str(value).lower(), "true or false")
        accepted = f"{_either(self.words)}, true or false" if self.words else "true or false"
        raise ValueError(f"{shown(value)} is not {accepted}: write {word}")

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        return {"anyOf": [{"type": "boolean"}, {"enum": list(self.words)}]} if self.words else {"type": "boolean"}


@dataclass(frozen=True)
class Text(Kind):
    """Text of a given form, not empty."""

    form: str = ""
    form_in_words: str = ""
    longest: int = 1000

    def check(self, value: Any) -> Any:
        """Return the text, or raise ``ValueError`` with the form it should have."""
        if not isinstance(value, str):
            quote = f": put it in quotes ('{value}')" if isinstance(value, int | float | bool) else ""
            raise ValueError(f"{shown(value)} is not text{quote}")
        if not value or len(value) > self.longest:
            raise ValueError(f"{shown(value)} should have 1 to {self.longest} characters")
        if not value.isprintable():
            raise ValueError(f"{shown(value)} has characters that cannot be shown")
        if self.form and not re.fullmatch(self.form, value):
            raise ValueError(f"{shown(value)} should be {self.form_in_words}")
        return value

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        text: JsonSchemaValue = {"type": "string", "minLength": 1, "maxLength": self.longest}
        return text | {"pattern": f"^{self.form}$"} if self.form else text


class OneOrMore:
    """A list, or a single value that stands for a list of one; never empty."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        items = handler(schema)
        return {"anyOf": [items["items"], items | {"minItems": 1}]}


def _listed(value: Any) -> Any:
    if value is None or (isinstance(value, list) and not value):
        raise ValueError("is empty: name at least one value, or leave the key out")
    return value if isinstance(value, list) else [value]


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"one of {', '.join(words)}"


def _number_in_quotes(value: Any) -> str:
    """Advise on a number that YAML took for text, because of quotes or a plus sign."""
    if not isinstance(value, str):
        return ""
    if not _is_number(value):
        return ""
    return f": write {value.lstrip('+')}, without a plus sign" if value.startswith("+") else ": write it without quotes"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
