"""The schema, the documentation and the examples say what the program does."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from orchestrator.errors import InputError
from orchestrator.sweep import check_sweep, section_at
from orchestrator.sweep_file import parse_document
from orchestrator.sweep_schema import SCHEMA_FILE, schema_text, sweep_schema
from orchestrator.sweep_spec import AXES
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of

EXAMPLES = sorted(Path("examples").glob("*.yaml"))
DOCUMENTATION = Path("docs/sweep-file.md").read_text(encoding="utf-8")
SECTIONS = ("dataset", "model", "grid", "recipe", "fine_tune", "measure", "slots")


def plain(text: str) -> object:
    return parse_document(text.encode(), "sweep.yaml").root.plain()


def rows(section: str) -> dict[str, list[str]]:
    """Return the documentation's tables of a section: key → type, default, meaning."""
    heading = "## Keys" if section == "" else f"### {section}"
    text = DOCUMENTATION.partition(f"\n{heading}\n")[2]
    text = re.split(r"\n###? ", text)[0]
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {key.strip(" `"): [cell.strip() for cell in cells] for key, *cells in lines}


def test_the_schema_file_is_up_to_date():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run python -m orchestrator.sweep_schema"


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(sweep_schema())
    assert '"null"' not in json.dumps(sweep_schema()["$defs"]["GridSection"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_schema_accepts_the_examples(path):
    jsonschema.validate(plain(path.read_text(encoding="utf-8")), sweep_schema())
    assert path.read_text(encoding="utf-8").startswith(
        "# yaml-language-server: $schema=../orchestrator/sweep.schema.json"
    )


GOOD = {
    "the documented sweep": SWEEP,
    "a small sweep": SMALL,
    "single values": SWEEP.replace("[gn, ln+pn]", "gn").replace("[20, 24, 28, 32]", "+8"),
    "nothing measured": SWEEP.replace("{modes: [train, inference], batch_size: auto}", "false"),
    "nothing tuned": SWEEP.replace("{epochs: 1, layers: head}", "none"),
    "a kind of slot alone": SWEEP.replace("{cpu: {threads: 1}}", "{cpu: }"),
    "an IPU": SMALL + "slots: {ipu: {python: /usr/bin/python3.8, enable: [/opt/a/enable.sh, /opt/b/enable.sh]}}\n",
}
BAD = {
    "unknown key": SWEEP.replace("epochs: 4", "epoch: 4"),
    "unknown word": SWEEP.replace("[gn, ln+pn]", "[gnn]"),
    "empty list": SWEEP.replace("[0, 1]", "[]"),
    "text for a number": SWEEP.replace("epochs: 4", "epochs: '4'"),
    "too small": SWEEP.replace("[20, 28]", "[4]"),
    "no data set": SWEEP.replace("dataset: {name: fashion-mnist, train_images: 12000}\n", ""),
    "measure: true": SWEEP.replace("{modes: [train, inference], batch_size: auto}", "true"),
    "a name with a space": SWEEP.replace("fashion-g16-half", "fashion g16"),
    "a value for a section": SWEEP.replace("{cpu: {threads: 1}}", "cpu"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_schema_and_program_agree_on_good_files(text):
    jsonschema.validate(plain(text), sweep_schema())
    sweep_of(text)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_schema_and_program_agree_on_bad_files(text):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain(text), sweep_schema())
    with pytest.raises(InputError):
        sweep_of(text)


def test_every_key_is_documented_in_its_section():
    assert list(rows("")) == list(sweep_schema()["properties"])
    for section in SECTIONS:
        fields = section_at((section,)).model_fields
        documented = rows(section)
        assert [key for key in documented if key in fields] == list(fields), section
        strangers = set(documented) - set(fields)
        assert strangers == ({"threads", "count", "python", "enable"} if section == "slots" else set()), section


def test_documented_defaults_are_the_programs():
    for section in SECTIONS:
        for key, (_, default, _) in rows(section).items():
            home = section_at((section, "ipu") if key in {"threads", "count", "python", "enable"} else (section,))
            field = home.model_fields[key]
            actual = None if field.is_required() else field.default
            actual = AXES.get(key) if section in {"model", "grid"} else actual
            stated = plain(f"value: {default.strip('`')}")["value"] if default.startswith("`") else None
            assert stated == (list(actual) if isinstance(actual, tuple) else actual), (section, key)


def test_the_documented_sweep_is_the_one_that_is_tested():
    assert f"```yaml\n{SWEEP}```" in DOCUMENTATION


def test_the_documented_refusal_is_real():
    lines = DOCUMENTATION.partition("$ orchestrator plan sweep.yaml\n")[2].partition("```")[0].splitlines()
    text = SWEEP.replace("[gn,", "[gnn,").replace("[20, 28]", "[020, 28]").replace("epochs: 4", "epoch: 4")
    with pytest.raises(InputError) as caught:
        check_sweep(parse_document(text.encode(), "sweep.yaml"), Path())
    assert f"error: {caught.value}".splitlines() == lines


def test_the_documented_rules_are_rules():
    fragment = re.search(r"```yaml\n(exclude:\n.*?)```", DOCUMENTATION, re.DOTALL)
    assert fragment
    assert len(sweep_of(SMALL + fragment[1]).spec.exclude) == 4
