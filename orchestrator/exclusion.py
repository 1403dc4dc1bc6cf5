"""Rules that leave combinations out: ``norm == 'gn' and group_size == 16``.

The language is a corner of Python's: comparisons of axes with values or with each other, ``in`` with a list, ``and``,
``or``, ``not`` and parentheses. It is parsed by Python's own parser and then rebuilt, node by node, from a list of what
is allowed; nothing is ever evaluated as Python. Names, words and types are checked when the file is read, so that a
rule that cannot mean anything is refused instead of excluding nothing.
"""

import ast
import operator
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from orchestrator.source_tree import shown
from orchestrator.sweep_values import did_you_mean
from workers.protocol.jobs import PRECISIONS
from workers.protocol.recipe import FINE_TUNE_LAYERS
from workers.protocol.variant import NORMS, SIZES

MAX_CHARACTERS = 500

Value: TypeAlias = str | int | float | bool | None
#: What a rule looks at: values by name. None is a value that is not known; every comparison with it is false.
Values: TypeAlias = Mapping[str, Value]
Condition: TypeAlias = Callable[[Values], bool]

_NUMBER, _FLAG, _SIZE, _NORM, _PRECISION, _LAYERS = "number", "true or false", "size", "norm", "precision", "layers"
#: Kinds whose values are words, and the words.
_WORDS: dict[str, tuple[str, ...]] = {
    _SIZE: tuple(SIZES),
    _NORM: NORMS,
    _PRECISION: PRECISIONS,
    _LAYERS: FINE_TUNE_LAYERS,
}
#: Kinds that can be greater or smaller; sizes are, by their names.
_ORDERED = (_NUMBER, _SIZE)
#: Every name that a rule may use, with its kind.
NAMES: dict[str, str] = {
    "size": _SIZE,
    "width": _NUMBER,
    "small_images": _FLAG,
    "group_size": _NUMBER,
    "expansion": _NUMBER,
    "norm": _NORM,
    "train_resolution": _NUMBER,
    "test_resolution": _NUMBER,
    "native_resolution": _NUMBER,
    "half_resolution": _NUMBER,
    "precision": _PRECISION,
    "seed": _NUMBER,
    "fine_tune_layers": _LAYERS,
}
#: Names of what a trained network is tested with: a rule that has one of them leaves out evaluations, not trainings.
TEST_NAMES = frozenset({"test_resolution", "fine_tune_layers"})
#: Words in quotes that stand for a number of the combination.
_NUMBER_WORDS = {"native": "native_resolution", "half": "half_resolution"}
#: YAML's spelling beside Python's.
_FLAGS = {"true": True, "false": False}

_EQUALITY: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}
_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_ALLOWED = "compare axes with values (==, !=, <, <=, >, >=, in [..]) and join with and, or, not"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One rule.

    Attributes:
        text: As written.
        names: The names it looks at.
        matches: Tells whether a combination is left out.
    """

    text: str
    names: frozenset[str]
    matches: Condition = field(compare=False, repr=False)

    @property
    def of_tests(self) -> bool:
        """Whether it leaves out evaluations rather than whole trainings."""
        return not TEST_NAMES.isdisjoint(self.names)


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side of a comparison: a name, or a constant."""

    kind: str
    name: str | None
    constant: Value = None

    def value(self, values: Values) -> Value:
        return self.constant if self.name is None else values[self.name]


def parse_exclusion(text: str) -> Exclusion:
    """Read one rule.

    Raises:
        ValueError: Not an expression of this language, or it names or compares what is not there.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters: write several rules")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's remarks on odd literals, which are refused below
            tree = ast.parse(text.strip(), mode="eval")
        matches = _condition(tree.body)
    except (SyntaxError, MemoryError, RecursionError, UnicodeError) as error:
        raise ValueError(f"{shown(text)} is not an expression{_syntax_advice(text)}") from error
    return Exclusion(text, frozenset(_names(tree)), matches)


def _names(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and node.id in NAMES}
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return names | {_NUMBER_WORDS[word] for word in words if word in _NUMBER_WORDS}


def _condition(node: ast.expr) -> Condition:
    if isinstance(node, ast.BoolOp):
        parts = [_condition(value) for value in node.values]
        join = all if isinstance(node.op, ast.And) else any
        return lambda values: join(part(values) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        part = _condition(node.operand)
        return lambda values: not part(values)
    if isinstance(node, ast.Compare):
        return _comparison(node)
    operand = _operand(node)
    if operand.kind != _FLAG:
        raise ValueError(f"{_source(node)} alone is no condition: {_ALLOWED}")
    return lambda values: bool(operand.value(values))


def _comparison(node: ast.Compare) -> Condition:
    """Rebuild a comparison, chained ones (``20 < train_resolution <= 28``) link by link."""
    sides = [node.left, *node.comparators]
    links = [_link(left, op, right) for left, op, right in zip(sides, node.ops, node.comparators, strict=False)]
    return lambda values: all(link(values) for link in links)


def _link(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Condition:
    if isinstance(op, ast.In | ast.NotIn):
        return _membership(left, right, wanted=isinstance(op, ast.In))
    if isinstance(op, ast.Is | ast.IsNot):
        raise ValueError(f"write == or != instead of is: {_ALLOWED}")
    one, other = _operand(left), _operand(right)
    _check_comparable(one, other)
    compare = _EQUALITY.get(type(op)) or _ORDER[type(op)]
    if type(op) in _ORDER and one.kind not in _ORDERED:
        raise ValueError(f"{_source(left)} is neither smaller nor greater than anything: compare with ==, != or in")

    def holds(values: Values) -> bool:
        first, second = one.value(values), other.value(values)
        return first is not None and second is not None and compare(first, second)

    return holds


def _membership(left: ast.expr, right: ast.expr, *, wanted: bool) -> Condition:
    if not isinstance(right, ast.List | ast.Tuple | ast.Set) or not right.elts:
        raise ValueError(f"{_source(right)} is no list: write e.g. norm in ['gn', 'ln']")
    one = _operand(left)
    others = [_operand(item) for item in right.elts]
    for other in others:
        _check_comparable(one, other)

    def holds(values: Values) -> bool:
        value = one.value(values)
        choices = [other.value(values) for other in others]
        return value is not None and (value in choices) == wanted

    return holds


def _operand(node: ast.expr) -> _Operand:
    if isinstance(node, ast.Name) and node.id in NAMES:
        return _Operand(NAMES[node.id], node.id)
    if isinstance(node, ast.Name) and node.id in _FLAGS:
        return _Operand(_FLAG, None, _FLAGS[node.id])
    if isinstance(node, ast.Name):
        raise ValueError(_unknown_name(node.id))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
        operand = _operand(node.operand)
        if operand.kind == _NUMBER and isinstance(operand.constant, int | float):
            return _Operand(_NUMBER, None, -operand.constant)
    if isinstance(node, ast.Constant):
        return _constant(node.value)
    raise ValueError(f"{_source(node)} is not allowed here: {_ALLOWED}")


def _constant(value: object) -> _Operand:
    if isinstance(value, bool):
        return _Operand(_FLAG, None, value)
    if isinstance(value, float) and str(value) in PRECISIONS:  # 16.16, as the axis is written
        return _Operand(_PRECISION, None, str(value))
    if isinstance(value, int | float):
        return _Operand(_NUMBER, None, value)
    if isinstance(value, str) and value in _NUMBER_WORDS:
        return _Operand(_NUMBER, _NUMBER_WORDS[value])
    if isinstance(value, str):
        kind = next((kind for kind, words in _WORDS.items() if value in words), "text")
        return _Operand(kind, None, value)
    raise ValueError(f"{shown(value)} is no value of an axis: {_ALLOWED}")


def _check_comparable(one: _Operand, other: _Operand) -> None:
    """Refuse comparisons that are the same for every combination."""
    if one.name is None and other.name is None:
        raise ValueError(f"{shown(one.constant)} and {shown(other.constant)} are both constants: compare an axis")
    if one.kind == other.kind:
        return
    axis, stranger = (one, other) if one.name is not None else (other, one)
    what = stranger.name if stranger.name is not None else shown(stranger.constant)
    if axis.kind in _WORDS:
        words = _WORDS[axis.kind]
        close = did_you_mean(stranger.constant, words)
        raise ValueError(f"{axis.name} is never {what}: it is one of {', '.join(words)}{close}")
    raise ValueError(f"{axis.name} is never {what}: it is {'a number' if axis.kind == _NUMBER else axis.kind}")


def _unknown_name(name: str) -> str:
    if any(name in words for words in _WORDS.values()) or name in _NUMBER_WORDS:
        return f"{name} is a word, not an axis: put it in quotes ('{name}')"
    close = did_you_mean(name, NAMES)
    return f"unknown axis {shown(name)}{close or ': expected one of ' + ', '.join(NAMES)}"


def _syntax_advice(text: str) -> str:
    if "&&" in text or "||" in text:
        return ": write and, or, not"
    if re.search(r"(?<![=!<>])=(?!=)", text):
        return ": compare with == instead of ="
    return f": {_ALLOWED}"


def _source(node: ast.expr) -> str:
    return shown(ast.unparse(node))
