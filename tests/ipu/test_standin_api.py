"""The stand-in has the names and signatures of PopTorch 3.4, and the project uses no others."""

from __future__ import annotations

import ast
import enum
import inspect
import json
import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
API = json.loads((Path(__file__).parent / "poptorch_api.json").read_text())["api"]
PLAIN = {"bool", "float", "int", "str", "None"}
#: What PopTorch has and the stand-in does not; asking for one of them says so.
LACKING = frozenset(
    f"poptorch.{name}"
    for name in [
        "BlockFunction",
        "CPU",
        "Liveness",
        "MultiConv",
        "NameScope",
        "Options.Jit.traceModel",
        "Options.Precision.halfFloatCasting",
        "Options.Precision.runningStatisticsAlwaysFloat",
        "Options.Training.setAutomaticLossScaling",
        "Options.Training.setConvolutionDithering",
        "Options.anchorTensor",
        "Options.appendToLocationExcludes",
        "Options.disableModuleNamescope",
        "Options.enableProfiling",
        "Options.inputReplicaGrouping",
        "Options.loadFromFile",
        "Options.sourceLocationExcludes",
        "Options.updatableNamedBuffers",
        "Phase",
        "PoplarExecutor.compileAndExport",
        "PoplarExecutor.copyNamedBuffersToDevice",
        "PoplarExecutor.getAnchoredTensor",
        "PoplarExecutor.getTensorNames",
        "PoplarExecutor.loadExecutable",
        "PoplarExecutor.save",
        "cond",
        "custom_op",
        "for_loop",
        "ipu_print_tensor",
        "load",
        "optim.LAMB",
        "registerCustomArgParser",
        "registerPostCompileHook",
        "registerPreCompileHook",
        "set_overlap_for_input",
        "set_overlap_for_output",
    ]
)


def signature_of(text: str) -> inspect.Signature:
    """Return a signature from what inspect printed; defaults are given back as text."""
    text = re.sub(r"<(\w+(?:\.\w+)*): [^>]*>", r"'\1'", text)
    function = ast.parse(f"def function{text}: ...").body[0]
    arguments, made = function.args, []
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    kind = inspect.Parameter
    made += [
        parameter(one, kind.POSITIONAL_OR_KEYWORD, default) for one, default in zip(positional, defaults, strict=True)
    ]
    made += [parameter(arguments.vararg, kind.VAR_POSITIONAL, None)] if arguments.vararg else []
    made += [
        parameter(one, kind.KEYWORD_ONLY, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    made += [parameter(arguments.kwarg, kind.VAR_KEYWORD, None)] if arguments.kwarg else []
    return inspect.Signature(made)


def parameter(one: ast.arg, kind, default) -> inspect.Parameter:
    annotation = ast.unparse(one.annotation) if one.annotation else ""
    text = inspect.Parameter.empty if default is None else ast.unparse(default)
    return inspect.Parameter(one.arg, kind, default=text, annotation=annotation)


def shown(default) -> str:
    if isinstance(default, enum.Enum):
        return repr(f"{type(default).__name__}.{default.name}")
    return repr(default)


def found(poptorch, name: str):
    """Return what a name of the API stands for, or None where the stand-in lacks it."""
    owner, value = None, poptorch
    for part in name.split(".")[1:]:
        owner = value
        inside = isinstance(owner, type) and owner is poptorch.Options and part in GROUPS
        try:
            value = type(getattr(owner(), part)) if inside else inspect.getattr_static(owner, part)
        except AttributeError:
            return None
    return value


GROUPS = ("Training", "Precision", "TensorLocations", "Distributed", "Jit", "_Popart")
#: The property itself, rather than what is in it.
GROUP_NAMES = {f"poptorch.Options.{group}" for group in GROUPS}


@pytest.mark.parametrize("name", sorted(set(API) - GROUP_NAMES - LACKING))
def test_what_the_stand_in_has_looks_as_in_poptorch(standin, name):
    value, entry = found(standin.poptorch, name), API[name]
    if entry["signature"] == "enum":
        members = dict(re.findall(r"(\w+)=(\d+)", entry["members"])) or dict.fromkeys(entry["members"].split())
        assert set(value.__members__) == set(members)
        assert all(number is None or value[member] == int(number) for member, number in members.items())
        return
    if entry["kind"] == "property":
        assert isinstance(value, (property, str))
        return
    if issubclass(value, BaseException) if isinstance(value, type) else False:
        return
    expected, actual = signature_of(entry["signature"]), inspect.signature(value)
    assert list(actual.parameters) == list(expected.parameters)
    for own, other in zip(actual.parameters.values(), expected.parameters.values(), strict=True):
        assert own.kind == other.kind
        assert (own.default is own.empty) == (other.default is other.empty)
        if own.default is not own.empty:
            assert shown(own.default).rpartition(".")[2] == other.default.rpartition(".")[2]
        if other.annotation in PLAIN:
            assert own.annotation in {other.annotation, eval(other.annotation)}  # noqa: S307  # one of PLAIN


@pytest.mark.parametrize("name", sorted(LACKING))
def test_a_name_that_the_stand_in_lacks_says_so(standin, name):
    value, names = standin.poptorch, name.split(".")[1:]
    if names[0] == "PoplarExecutor":
        names[0] = "inferenceModel"
    with pytest.raises(NotImplementedError, match=f"lacks .*{names[-1]}"):  # noqa: PT012  # whichever part it is
        for part in names:
            value = getattr(value, part)
            value = value() if part == "Options" else value
            value = value(torch.nn.Identity()) if part == "inferenceModel" else value


def test_the_stand_in_has_no_name_that_poptorch_lacks(standin):
    poptorch = standin.poptorch
    known = {part for name in API for part in name.split(".")} | {"options"}
    for name in poptorch.__all__:
        assert name in known, name
    helpers = {"set", "createOrSet", "exists"}  # of the class that holds options, in PopTorch too
    for owner in (poptorch.Options, poptorch.PoplarExecutor, poptorch.DataLoader, poptorch.TensorLocationSettings):
        for name in vars(owner):
            assert name.startswith("_") or name in known | helpers, f"{owner.__name__}.{name}"


def sources() -> list[Path]:
    return sorted((ROOT / "workers").rglob("*.py"))


def chain(node: ast.AST) -> list[str]:
    """Return the names of an access such as poptorch.optim.SGD, or nothing if it starts with something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def test_the_project_uses_only_what_poptorch_has():
    used = set()
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text())):
            names = chain(node)
            if len(names) > 1 and names[0] == "poptorch":
                used.add(".".join(names))
    enums = {
        f"{name}.{member}"
        for name, entry in API.items()
        for member in re.findall(r"[A-Za-z]+", entry.get("members", ""))
    }
    prefixes = {name.rsplit(".", cut)[0] for name in API for cut in (1, 2)}
    unknown = used - set(API) - enums - prefixes
    assert not unknown


def test_every_camel_case_method_that_the_project_calls_is_one_of_poptorch():
    known = {name.rpartition(".")[2] for name in API}
    for source in (ROOT / "workers" / "ipu").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Attribute) and re.fullmatch(r"[a-z]+[A-Z]\w*", node.attr):
                assert node.attr in known, f"{source.name}:{node.lineno}: {node.attr}"


def test_the_project_names_parameters_as_poptorch_does():
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text())):
            if not isinstance(node, ast.Call) or chain(node.func)[:1] != ["poptorch"]:
                continue
            entry = API.get(".".join(chain(node.func))) or API.get(".".join([*chain(node.func), "__init__"]))
            if entry is None or entry["signature"] in {"", "enum"}:
                continue
            parameters = signature_of(entry["signature"]).parameters.values()
            if any(one.kind == one.VAR_KEYWORD for one in parameters):
                continue
            named = {keyword.arg for keyword in node.keywords if keyword.arg}
            assert named <= {one.name for one in parameters}, f"{source.name}:{node.lineno}"
