"""Values of a sweep file that are given by size of network, or by name: mappings that are no sections."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidatorFunctionWrapHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from orchestrator.source_tree import shown
from orchestrator.sweep_values import Kind, Text
from workers.protocol.variant import SIZES

#: Variables that the orchestrator sets or takes away itself, and how their names begin.
RESERVED_VARIABLES = ("PYTHON", "ORCHESTRATOR_", "RAY_", "OMPI_COMM_WORLD_", "FRONTSWEEP_", "POPTORCH_CACHE_DIR")


@dataclass(frozen=True)
class BySize:
    """One value for all sizes of network, or a mapping of size to value; or one of a few words.

    Attributes:
        kind: Of the values.
        words: That stand for a value of all sizes.
        alone: Whether one value may stand for all sizes.
    """

    kind: Kind
    words: tuple[str, ...] = ()
    alone: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        value = core_schema.no_info_plain_validator_function(self.kind.check)
        fields = {size: core_schema.typed_dict_field(value, required=False) for size in SIZES}
        mapping = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        unchanged = core_schema.plain_serializer_function_ser_schema(lambda value: value)
        return core_schema.no_info_wrap_validator_function(self._check, mapping, serialization=unchanged)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        value = self.kind.json_schema()
        mapping: JsonSchemaValue = {
            "type": "object",
            "properties": dict.fromkeys(SIZES, value),
            "additionalProperties": False,
            "minProperties": 1,
        }
        choices = [value, {"enum": list(self.words)}] if self.words else [value]
        return {"anyOf": [*choices, mapping]} if self.alone else mapping

    def _check(self, value: Any, by_size: ValidatorFunctionWrapHandler) -> Any:
        if value == {} and self.alone:
            raise ValueError("names no size: give one number, or size: number for each size of the sweep")
        if isinstance(value, Mapping):
            return by_size(value)
        if not self.alone:
            raise ValueError(f"{shown(value)} is not a mapping of sizes, such as {{b0: …}}")
        return value if isinstance(value, str) and value in self.words else self._one(value)

    def _one(self, value: Any) -> Any:
        try:
            return self.kind.check(value)
        except ValueError as error:
            words = "".join(f" or {word}" for word in self.words)
            raise ValueError(f"{error}{words}; or size: number for each size of the sweep") from error


class Texts(Kind):
    """One text, or a list of some."""

    def check(self, value: Any) -> tuple[str, ...]:
        """Return the texts, or raise ``ValueError`` with what is wrong with one of them."""
        if value == []:
            raise ValueError("is empty: name at least one, or leave the key out")
        return tuple(Text().check(item) for item in (value if isinstance(value, list) else [value]))

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        text = Text().json_schema()
        return {"anyOf": [text, {"type": "array", "items": text, "minItems": 1}]}


class Variables(Kind):
    """Environment variables: a mapping of names to texts."""

    def check(self, value: Any) -> dict[str, str]:
        """Return the variables, or raise ``ValueError`` with the first that cannot be set."""
        if not isinstance(value, Mapping):
            raise ValueError(f"{shown(value)} is not a mapping of names to texts")
        for name in value:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)):
                raise ValueError(f"{shown(name)} is no name of an environment variable")
            if str(name).startswith(RESERVED_VARIABLES):
                raise ValueError(f"{name} is set by the program itself: leave it out")
        return {str(name): _text(name, text) for name, text in value.items()}

    def json_schema(self) -> JsonSchemaValue:
        """Describe the accepted values."""
        return {"type": "object", "additionalProperties": Text().json_schema()}


def _text(name: object, text: object) -> str:
    try:
        return str(Text().check(text))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
