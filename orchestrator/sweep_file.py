"""The sweep file as it was written: bytes in, a tree with positions out, overrides applied, nothing validated yet."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from orchestrator.errors import InputError
from orchestrator.source_tree import Entry, KeyPath, Node, Position, Problem, key_text, shown
from orchestrator.yaml_reader import YamlReader

MAX_BYTES = 256 * 1024

#: Section → the key whose word may stand for the whole: ``recipe: paper`` is ``recipe: {preset: paper}``.
SHORT_FORMS = {"recipe": "preset"}
#: Word that stands for the absence of a section, and never for the key.
NONE = "none"


@dataclass(frozen=True, slots=True)
class Document:
    """A sweep file that is YAML, whether or not it describes a sweep.

    Attributes:
        source: The file as the user named it.
        text: Its contents, without overrides.
        root: The tree, overrides applied.
        problems: What is doubtful about it as YAML.
    """

    source: str
    text: str
    root: Node
    problems: tuple[Problem, ...] = ()

    def problem(self, path: KeyPath, message: str) -> Problem:
        """Make a problem of the value at a path.

        A path that goes beyond what was written is cut to it; only missing keys are still named.
        """
        depth, position = self.root.walk(path)
        missing = tuple(itertools.takewhile(lambda step: isinstance(step, str), path[depth:]))
        return Problem(position, path[:depth] + missing, message)


def read_document(path: Path) -> Document:
    """Read a sweep file.

    Raises:
        InputError: No such file, not UTF-8 text, too large, or not YAML.
    """
    source = str(path) if str(path).isprintable() else shown(str(path))
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{source}: no such file") from error
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL or a lone surrogate in the name
        raise InputError(f"{source}: not a file name") from error
    return parse_document(raw, source)


def parse_document(raw: bytes, source: str) -> Document:
    """Parse the bytes of a sweep file.

    Raises:
        InputError: Not UTF-8 text, too large, or not YAML.
    """
    if len(raw) > MAX_BYTES:
        raise InputError(f"{source}: larger than {MAX_BYTES // 1024} KB, which no sweep needs")
    text = _decoded(raw, source)
    reader = YamlReader(text, source)
    root = reader.read()
    if not isinstance(root.value, dict):
        raise InputError(f"{root.position}: holds {shown(root.plain())}, but should hold keys: name, dataset, model, …")
    return Document(source, text, _in_full(root), tuple(reader.problems))


def _decoded(raw: bytes, source: str) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{source}:1: this is UTF-16 text: save the file as UTF-8")
    try:
        return raw.decode("utf-8-sig")  # YAML allows the byte order mark
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{source}:{line}: not UTF-8 text (byte {raw[error.start]:#04x}): save it as UTF-8") from error


def with_overrides(document: Document, overrides: Iterable[str]) -> Document:
    """Apply ``key=value`` overrides in their order.

    Args:
        document: The file.
        overrides: Texts such as ``grid.seed=[0, 1]``: keys joined by dots, then a value in YAML.

    Raises:
        InputError: An override has no ``=`` or no key, its value is not YAML, or it reaches into a value.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        path = tuple(key.strip().split("."))
        if not equals or not all(path):
            raise InputError(f"--set {shown(override)}: expected key=value, e.g. --set grid.seed=[0,1]")
        position = Position(f"--set {key_text(path)}", 0, 1)
        reader = YamlReader(text, position.source, lines=False, prefix=path)
        node = reader.read() if text.strip() else Node(None, position)
        root = _replaced(document.root, path, node, position)
        document = replace(document, root=_in_full(root), problems=(*document.problems, *reader.problems))
    return document


def _in_full(root: Node) -> Node:
    """Write sections that were given as a word as mappings, so that there is one form to check and to override."""
    if not isinstance(root.value, dict):
        return root
    entries = dict(root.value)
    for section, key in SHORT_FORMS.items():
        short = entries.get(section)
        if short is not None and isinstance(short.node.value, str) and short.node.value != NONE:
            mapping: dict[str, Entry] = {key: Entry(short.key_position, short.node)}
            node = Node(mapping, short.node.position, short.node.size + 1)
            entries[section] = Entry(short.key_position, node)
    return Node(entries, root.position, root.size)


def _replaced(node: Node, path: tuple[str, ...], new: Node, position: Position) -> Node:
    """Return the tree with one value exchanged or added; mappings missing on the way are made."""
    if not path:
        return new
    if node.value is not None and not isinstance(node.value, dict):
        raise InputError(f"{position}: {shown(path[0])} cannot be set inside {shown(node.plain())}")
    entries = dict(node.value or {})
    old = entries.get(path[0])
    below = _replaced(old.node if old else Node({}, position), path[1:], new, position)
    key_position = old.key_position if old and len(path) > 1 else position
    entries[path[0]] = Entry(key_position, below)
    return Node(entries, node.position, node.size + below.size)
