"""How IPUs are used, from a text that a person or the orchestrator wrote on the command line."""

import dataclasses
import json
from typing import Any, Mapping, Union, get_args, get_origin, get_type_hints

from workers.protocol.ipu import DATA_MODES, PARTIALS, IpuSettings, settings_from_dict

#: Setting → what it may be, where its type allows more.
_CHOICES = {"partials": PARTIALS, "data": DATA_MODES}


def read_ipu_settings(text: str) -> IpuSettings:
    """Read settings from a JSON object; what it leaves out has its default.

    Args:
        text: Of the object.

    Raises:
        ValueError: It is no JSON, has an unknown setting, or one of another type.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise ValueError('expected a JSON object such as {"replicas": 4}')
    names = [one.name for one in dataclasses.fields(IpuSettings)]
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise ValueError(f"unknown setting {', '.join(unknown)}: expected {', '.join(names)}")
    hints = get_type_hints(IpuSettings)
    for name, value in data.items():
        if not _fits(value, hints[name]) or (value is not None and value not in _CHOICES.get(name, (value,))):
            raise ValueError(f"{name}: {json.dumps(value)} is not {_words(name, hints[name])}")
    return settings_from_dict(data)


def settings_help() -> str:
    """Return every setting with its default, one a line."""
    defaults = dataclasses.asdict(IpuSettings())
    hints = get_type_hints(IpuSettings)
    lines = [f"{name}: {_words(name, hints[name])}; default {json.dumps(value)}" for name, value in defaults.items()]
    return "\n  ".join(lines)


def _fits(value: Any, hint: Any) -> bool:
    """Tell whether a value of JSON is of a type; integers are numbers, positive ones only."""
    origin = get_origin(hint)
    if origin is Union:
        return any(_fits(value, one) for one in get_args(hint))
    if origin is tuple:
        return isinstance(value, list) and all(_fits(one, get_args(hint)[0]) for one in value)
    if origin is not None:
        return isinstance(value, dict) and all(_fits(one, get_args(hint)[1]) for one in value.values())
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return isinstance(value, hint)


def _words(name: str, hint: Any) -> str:
    """Return a type for people."""
    if name in _CHOICES:
        return " or ".join(_CHOICES[name])
    if get_origin(hint) is Union:
        return " or ".join(dict.fromkeys(_words(name, one) for one in get_args(hint)))
    if get_origin(hint) is not None:
        return "an object by size" if get_origin(hint) is not tuple else "a list"
    plain: Mapping[Any, str] = {
        int: "a whole number from 1",
        float: "a number above 0",
        bool: "true or false",
        str: "a text",
        type(None): "null",
    }
    return plain[hint]
