"""The schema, the documentation and the examples say what the program does."""

import dataclasses
import json
import re
from pathlib import Path

import jsonschema
import pytest

from orchestrator.errors import InputError
from orchestrator.slot_sections import IpuSlots
from orchestrator.sweep import check_sweep, section_at
from orchestrator.sweep_file import parse_document
from orchestrator.sweep_schema import SCHEMA_FILE, schema_text, sweep_schema
from orchestrator.sweep_spec import AXES
from orchestrator.sweep_values import Section
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of
from workers.protocol.recipe import PAPER_MIXUP, PRESETS, cutmix_probability, mixup_alpha

EXAMPLES = sorted(Path("examples").glob("*.yaml"))
DOCUMENTATION = Path("docs/sweep-file.md").read_text(encoding="utf-8")
SECTIONS = ("dataset", "model", "grid", "recipe", "fine_tune", "measure", "slots", "search")


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


RECIPE = SWEEP.partition("\nrecipe: ")[2].partition("\n")[0]
GOOD = {
    "the documented sweep": SWEEP,
    "a small sweep": SMALL,
    "single values": SWEEP.replace("[gn, ln+pn]", "gn").replace("[20, 24, 28, 32]", "+8"),
    "nothing measured": SWEEP.replace("{modes: [train, inference], batch_size: auto}", "false"),
    "nothing tuned": SWEEP.replace("{epochs: 1, layers: head}", "none"),
    "a preset alone": SWEEP.replace(RECIPE, "paper"),
    "a changed preset": SWEEP.replace(RECIPE, "{preset: paper, epochs: 9, learning_rate: auto, mixup: 0.1}"),
    "the paper's own values": SWEEP.replace("mixup: 0.1", "mixup: auto, cutmix: auto, rms_decay: auto"),
    "several ways of fine-tuning": SWEEP.replace("layers: head", "layers: [none, head, last-block]"),
    "all images trained on": SWEEP.replace("12000", "60000, validation_images: 0"),
    "a kind of slot alone": SWEEP.replace("{cpu: {threads: 1}}", "{cpu: }"),
    "measuring only": SWEEP.replace(RECIPE, "none")
    .replace(", train_images: 12000", "")
    .replace("seed: [0, 1]", "")
    .replace("{epochs: 1, layers: head}", "none"),
    "images of a shape": SMALL.replace("name: fashion-mnist", "channels: 1, classes: 10") + "recipe: false\n",
    "an IPU": SMALL + "slots: {ipu: {python: /usr/bin/python3.8, enable: [/opt/a/enable.sh, /opt/b/enable.sh]}}\n",
    "IPUs by size": SMALL.replace("grid: {", "grid: {precision: 16.16, ")
    + "slots: {ipu: {python: py, replicas: {b0: 2}, micro_batch: auto, split: {b0: [a]}, wait: true}}\n",
}
BAD = {
    "unknown key": SWEEP.replace("epochs: 4", "epoch: 4"),
    "unknown word": SWEEP.replace("[gn, ln+pn]", "[gnn]"),
    "empty list": SWEEP.replace("[0, 1]", "[]"),
    "text for a number": SWEEP.replace("epochs: 4", "epochs: '4'"),
    "too small": SWEEP.replace("[20, 28]", "[4]"),
    "no data set": SWEEP.replace("dataset: {name: fashion-mnist, train_images: 12000}\n", ""),
    "measure: true": SWEEP.replace("{modes: [train, inference], batch_size: auto}", "true"),
    "an unknown preset": SWEEP.replace(RECIPE, "papre"),
    "an unknown preset in a mapping": SWEEP.replace("epochs: 4", "preset: papre"),
    "the paper's value of what it has none of": SWEEP.replace("label_smoothing: 0.1", "label_smoothing: auto"),
    "a decay of everything": SWEEP.replace("epochs: 4", "rms_decay: 0"),
    "images without channels": SMALL.replace("name: fashion-mnist", "channels: 0, classes: 10") + "recipe: none\n",
    "a probability above 1": SWEEP.replace("epochs: 4", "cutmix: 1.1"),
    "no way of fine-tuning": SWEEP.replace("layers: head", "layers: []"),
    "fewer than no images": SWEEP.replace("12000", "12000, validation_images: -1"),
    "a name with a space": SWEEP.replace("fashion-g16-half", "fashion g16"),
    "IPUs without an interpreter": SMALL + "slots: {ipu: {enable: /sdk/enable}}\n",
    "IPUs alone": SMALL + "slots: {ipu: }\n",
    "IPUs of a size that is none": SMALL + "slots: {ipu: {python: py, replicas: {b9: 2}}}\n",
    "a number for a split": SMALL + "slots: {ipu: {python: py, split: 3}}\n",
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
        assert strangers == (set(IpuSlots.model_fields) if section == "slots" else set()), section


def stated(cell: str) -> object:
    """Return the value that a cell of a table shows in code, or None where it describes one in words."""
    return plain(f"value: {cell.strip('`')}")["value"] if cell.startswith("`") else None


@pytest.mark.parametrize("section", [one for one in SECTIONS if one != "recipe"])
def test_documented_defaults_are_the_programs(section):
    for key, (_, default, _) in rows(section).items():
        home = section_at((section, "ipu") if section == "slots" and key in IpuSlots.model_fields else (section,))
        field = home.model_fields[key]
        actual = None if field.is_required() or isinstance(field.default, Section) else field.default
        actual = AXES.get(key) if section in {"model", "grid"} else actual
        assert stated(default) == (list(actual) if isinstance(actual, tuple) else actual), key


@pytest.mark.parametrize("preset", PRESETS)
def test_documented_presets_are_the_programs(preset):
    recipe = {name: "auto" if value is None else value for name, value in dataclasses.asdict(PRESETS[preset]).items()}
    documented = rows("recipe")
    column = 1 + list(PRESETS).index(preset)
    values = {key: stated(cells[column]) for key, cells in documented.items() if key != "preset"}
    assert {key: (value, type(value)) for key, value in values.items()} == {
        key: (value, type(value)) for key, value in recipe.items()
    }
    if preset == "short":
        defaults = {key: field.default for key, field in section_at(("recipe",)).model_fields.items()}
        assert defaults == {"preset": preset, **recipe}


def test_documented_values_of_the_paper_are_the_programs():
    """The numbers that the tables give for `auto`."""
    mixup = " ".join(rows("recipe")["mixup"])
    cutmix = " ".join(rows("recipe")["cutmix"])
    paper = PRESETS["paper"]
    for size in ("b0", "b1", "b2", "b3", "b4", "b5"):
        documented = re.search(rf"([\d.]+) for (?:`b\d` and )?`{size}`", cutmix)
        assert documented, size
        assert float(documented[1]) == pytest.approx(cutmix_probability(paper, size))
    ranges = re.findall(r"([\d.]+) for `b(\d)` to `b(\d)`", mixup)
    listed = {f"b{n}": float(alpha) for alpha, first, last in ranges for n in range(int(first), int(last) + 1)}
    assert listed == {size: mixup_alpha(paper, size) for size in listed} == PAPER_MIXUP


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
    assert len(sweep_of(SMALL + fragment[1]).spec.exclude) == 5


def test_the_documented_recipes_are_recipes():
    fragments = re.findall(r"```yaml\n(recipe: .*?)```", DOCUMENTATION, re.DOTALL)
    found = [sweep_of(SMALL + fragment).spec.recipe_record for fragment in fragments]
    assert found == [PRESETS["paper"], dataclasses.replace(PRESETS["paper"], epochs=90, batch_size=512)]
