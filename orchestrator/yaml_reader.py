"""YAML text into a tree with positions, by stricter rules than PyYAML's.

Scalars follow YAML 1.2's core rules, which hold fewer surprises: only ``true`` and ``false`` are booleans (``no`` is
text), ``1e-3`` is a number, and what some readers turn into another number (``010``, ``1_6``, ``0x10``) is refused.
An explicit plus sign keeps a value text (``+32``): that is how test resolutions say "32 pixels more".

PyYAML's own loader is not used but its parser's events, which come one by one: limits act before memory is spent, no
tag can build an object, and nothing that an alias repeats escapes the count.
"""

import re
from collections.abc import Iterator, Mapping

import yaml

from orchestrator.errors import InputError
from orchestrator.source_tree import Entry, KeyPath, Node, Position, Problem, Scalar, shown

MAX_NODES = 10_000
MAX_DEPTH = 20
MAX_ALIASES = 64
MAX_DIGITS = 18


class YamlReader:
    """Reads one document.

    Attributes:
        problems: What is wrong without keeping the rest from being read: duplicate keys, tags, doubtful numbers.
            In the tree a doubtful number stands as text, and of duplicate keys the first.
    """

    def __init__(self, text: str, source: str, *, lines: bool = True, prefix: KeyPath = ()) -> None:
        """Prepare to read.

        Args:
            text: The YAML.
            source: Its name in messages.
            lines: Whether positions tell lines; an override has only one.
            prefix: The keys under which the tree will stand.
        """
        self.problems: list[Problem] = []
        self._text = text
        self._source = source
        self._lines = lines
        self._prefix = prefix
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._anchors: dict[str, Node] = {}
        self._aliases = 0
        self._nodes = 0
        self._here = self._at(0, 0)

    def read(self) -> Node:
        """Return the document's root.

        Raises:
            InputError: Not YAML, nothing in it, several documents, or over a limit.
        """
        self._next()  # the stream begins
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise self._refusal("nothing but space and comments here")
        root = self._node(self._next(), self._prefix)
        self._next()  # the document ends
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise self._refusal("a second document begins here (---): one sweep per file")
        return root

    def _next(self) -> yaml.Event:
        try:
            event = next(self._events)
        except yaml.MarkedYAMLError as error:
            if error.problem_mark:
                self._here = self._at(error.problem_mark.line, error.problem_mark.column)
            raise self._refusal(_yaml_message(error)) from error
        except yaml.reader.ReaderError as error:
            before = self._text[: error.position]
            self._here = self._at(before.count("\n"), len(before) - before.rfind("\n") - 1)
            raise self._refusal(f"the character {_code_point(error.character)} is not allowed") from error
        except (yaml.YAMLError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError) as error:
            # PyYAML lets some of Python's own errors through, e.g. for an escape beyond Unicode's last character.
            raise self._refusal("not valid YAML near here") from error
        if event.start_mark:
            self._here = self._at(event.start_mark.line, event.start_mark.column)
        return event

    def _node(self, event: yaml.Event, path: KeyPath) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        position = self._here
        self._count(1)
        if len(path) > MAX_DEPTH:
            raise self._refusal(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(path, position)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(path, position)
        elif isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event, path), position)
        else:  # the parser's grammar has no other event here
            raise self._refusal("not valid YAML near here")
        if event.tag is not None:
            self.problems.append(Problem(position, path, f"tags ({shown(event.tag)}) are not used here: leave it out"))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, path: KeyPath, position: Position) -> Node:
        entries: dict[str, Entry] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._refusal("a key must be a word, not a list, a mapping or an alias")
            key, key_position = str(event.value), self._here
            node = self._node(self._next(), (*path, key))
            if key == "<<":
                self.problems.append(Problem(key_position, path, "merge keys (<<) are not used here: write it out"))
            elif key in entries:
                first = entries[key].key_position.line
                lines = f", on lines {first} and {key_position.line}" if self._lines else ""
                self.problems.append(Problem(key_position, (*path, key), f"given twice{lines}: keep one of them"))
            else:
                entries[key] = Entry(key_position, node)
        return Node(entries, position, 1 + sum(entry.node.size for entry in entries.values()))

    def _sequence(self, path: KeyPath, position: Position) -> Node:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return Node(tuple(items), position, 1 + sum(item.size for item in items))

    def _alias(self, event: yaml.AliasEvent) -> Node:
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            raise self._refusal(f"more than {MAX_ALIASES} aliases: write the values out")
        if event.anchor not in self._anchors:
            raise self._refusal(f"*{event.anchor} repeats a value that no &{event.anchor} has named before")
        node = self._anchors[event.anchor]
        self._count(node.size)
        return node

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._refusal(f"more than {MAX_NODES:,} values, which no sweep needs")

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Scalar:
        text = str(event.value)
        if event.style is not None:  # quoted, or a block of text
            return text
        doubt = doubtful_number(text)
        if doubt:
            self.problems.append(Problem(self._here, path, doubt))
            return text
        return core_scalar(text)

    def _at(self, line: int, column: int) -> Position:
        """Make a position of a line and column counted from 0."""
        return Position(self._source, line + 1, column + 1) if self._lines else Position(self._source, 0, 1)

    def _refusal(self, message: str) -> InputError:
        return InputError(f"{self._here}: {message}")


_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LEADING_ZERO = re.compile(r"0[0-9]+")
_UNDERSCORES = re.compile(r"[0-9]+(_[0-9]*)+(\.[0-9_]*)?")
_OTHER_BASE = re.compile(r"0[xob][0-9a-fA-F_]+")
_NOT_FINITE = re.compile(r"\.(inf|nan)", re.IGNORECASE)


def core_scalar(text: str) -> Scalar:
    """Resolve an unquoted word by YAML 1.2's core rules; what has a plus sign stays text.

    Source:
        YAML 1.2.2, section 10.3.2.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def doubtful_number(text: str) -> str | None:
    """Say what is wrong with an unquoted word that readers of YAML take for different numbers, or None."""
    digits = text.lstrip("+-")
    doubts = (
        (_LEADING_ZERO, f"has a leading zero, which some read as octal: write {digits.lstrip('0') or 0} or '{text}'"),
        (_UNDERSCORES, f"is a number to some readers only: write {digits.replace('_', '')}, or '{text}' for text"),
        (_OTHER_BASE, f"is not decimal: write the decimal number, or '{text}' for text"),
        (_NOT_FINITE, "is not a finite number"),
    )
    for pattern, doubt in doubts:
        if pattern.fullmatch(digits):
            return f"{text} {doubt}"
    if _FLOAT.fullmatch(digits):
        if len(digits) > MAX_DIGITS and digits.isdigit():
            return f"{shown(text)[1:-1]} has more than {MAX_DIGITS} digits"
        if float(digits) == float("inf"):
            return f"{shown(text)[1:-1]} is larger than any number can be here"
    return None


def _yaml_message(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "unexpected text"
    if "'\\t'" in problem:
        return "a tab where YAML wants spaces: indent with spaces"
    begun = f" that begins on line {error.context_mark.line + 1}" if error.context_mark else ""
    context = f" {error.context}{begun}" if error.context else ""
    return f"not valid YAML{context}: {problem}"


def _code_point(character: "int | str | bytes") -> str:
    return f"U+{character if isinstance(character, int) else ord(character[:1]):04X}"
