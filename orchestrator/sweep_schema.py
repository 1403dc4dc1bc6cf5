"""The JSON Schema of the sweep file, for editors: ``python -m orchestrator.sweep_schema`` writes it anew.

It is made from the models that check the file, so the two cannot disagree; only what several keys together must
satisfy is beyond it.
"""

import json
from pathlib import Path
from typing import Any

from orchestrator.slot_sections import SlotsSection
from orchestrator.sweep_file import NONE, SHORT_FORMS
from orchestrator.sweep_spec import SweepSpec

SCHEMA_FILE = Path(__file__).with_name("sweep.schema.json")

#: What stands for the absence of a section that is on by default.
_OFF = (False, NONE)


def sweep_schema() -> dict[str, Any]:
    """Return the schema as JSON types."""
    schema: dict[str, Any] = _without_null(SweepSpec.model_json_schema())
    properties = schema["properties"]
    for key in ("recipe", "measure", "fine_tune"):
        section = {"$ref": properties[key].pop("$ref")}
        words = []
        if key in SHORT_FORMS:  # "recipe: paper"
            words = schema["$defs"][Path(section["$ref"]).name]["properties"][SHORT_FORMS[key]]["enum"]
        properties[key] = {"anyOf": [section, {"enum": [*words, *_OFF]}], **properties[key]}
    slots = schema["$defs"][SlotsSection.__name__]["properties"]
    for kind, value in slots.items():
        section = value["$ref"]
        if "required" not in schema["$defs"][Path(section).name]:  # the kind may stand alone: "cuda:"
            slots[kind] = {"anyOf": [{"$ref": value.pop("$ref")}, {"type": "null"}], **value}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Return the schema as it lies in the package."""
    return json.dumps(sweep_schema(), indent=2, ensure_ascii=False) + "\n"


def _without_null(value: Any) -> Any:
    """Drop the choice of null, which stands for "left out" in the models, and the titles that repeat the keys."""
    if isinstance(value, list):
        return [_without_null(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {
        key: _without_null(item)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str)) and not (key == "default" and item is None)
    }
    choices = [choice for choice in kept.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del kept["anyOf"]
        return choices[0] | kept
    if choices:
        kept["anyOf"] = choices
    return kept


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
