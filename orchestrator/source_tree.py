"""A file's values as a tree in which every key and value knows its line, and problems that point into it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, Union

from orchestrator.errors import InputError

#: More problems than this are only counted.
MAX_PROBLEMS = 50
#: Longer values are cut where they are shown.
MAX_SHOWN = 60

Scalar: TypeAlias = str | int | float | bool | None
#: The keys and list indices that lead to a value.
KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where something was written.

    Attributes:
        source: The file as the user named it, or ``--set key``.
        line: From 1; 0 where there are no lines to count (an override).
        column: From 1.
    """

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the tree.

    Attributes:
        value: A scalar, the items of a list, or the entries of a mapping.
        position: Where it begins.
        size: Number of values in it, itself included.
    """

    value: Union[Scalar, tuple["Node", ...], dict[str, "Entry"]]
    position: Position
    size: int = 1

    def plain(self) -> Any:
        """Return the value as Python's own lists, dictionaries and scalars."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value

    def walk(self, path: KeyPath) -> tuple[int, Position]:
        """Follow a path as far as it exists.

        Returns:
            The number of steps that exist, and where the last of them stands: for an entry of a mapping its key,
            for an item of a list its beginning.
        """
        node, position = self, self.position
        for depth, step in enumerate(path):
            if isinstance(node.value, dict) and step in node.value:
                entry = node.value[str(step)]
                node, position = entry.node, entry.key_position
            elif isinstance(node.value, tuple) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                position = node.position
            else:
                return depth, position
        return len(path), position


@dataclass(frozen=True, slots=True)
class Entry:
    """A mapping's value, and where its key stands."""

    key_position: Position
    node: Node


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at one place of a file.

    Attributes:
        position: Where.
        path: The keys that lead there.
        message: What is wrong and what to do about it.
    """

    position: Position
    path: KeyPath
    message: str

    def __str__(self) -> str:
        key = key_text(self.path)
        if not key or self.position.source == f"--set {key}":
            return f"{self.position}: {self.message}"
        return f"{self.position}: {key}: {self.message}"


def input_error(problems: Iterable[Problem]) -> InputError:
    """Make one error that lists all problems, a line each, in the order of the file."""
    places = {(one.position, one.path, one.message): one for one in problems}.values()
    ordered = sorted(places, key=lambda one: (one.position.line == 0, one.position.line, one.position.column))
    lines = [str(problem) for problem in ordered[:MAX_PROBLEMS]]
    if len(ordered) > MAX_PROBLEMS:
        lines.append(f"… and {len(ordered) - MAX_PROBLEMS} more")
    return InputError("\n".join(lines))


def key_text(path: KeyPath) -> str:
    """Write a path as people do: ``zip[0].norm[1]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _is_plain(step) else shown(step))
    return text


def shown(value: object) -> str:
    """Show a value within one line: text in quotes, control characters escaped, cut to ``MAX_SHOWN`` characters."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 2] + "…" + text[-1]


def _is_plain(key: str) -> bool:
    return key.isprintable() and 0 < len(key) <= MAX_SHOWN
