"""Files that must be refused: each with one message that names file, line and key, and says what to do."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.source_tree import MAX_PROBLEMS
from orchestrator.sweep import check_sweep, load_sweep
from orchestrator.sweep_file import MAX_BYTES, parse_document
from tests.sweep.example_sweep import SMALL, SWEEP, refusal

# One change to the documentation's sweep, and how its refusal begins (after "sweep.yaml:").
EDITS = {
    # keys
    "misspelt section": ("measure:", "mesure:", "15: mesure: unknown key - did you mean 'measure'?"),
    "misspelt key": ("epochs: 4", "epoch: 4", "13: recipe.epoch: unknown key - did you mean 'epochs'?"),
    "key of another section": (
        "name: fash",
        "epochs: 3\nname: fash",
        "1: epochs: unknown key here - did you mean reci",
    ),
    "another name for a key": ("epochs: 4", "lr: 0.1", "13: recipe.lr: unknown key - did you mean 'learning_rate'?"),
    "unknown slot": ("{cpu:", "{gpu: {}, cpu:", "16: slots.gpu: unknown key - did you mean 'cuda'?"),
    "key like nothing": ("epochs: 4", "zzz: 4", "13: recipe.zzz: unknown key; known are preset, epochs, b"),
    "key twice": ("seed: [0, 1]", "seed: [0, 1]\n  norm: bn", "10: grid.norm: given twice, on lines 7 and 10"),
    "key twice in braces": ("epochs: 4", "epochs: 4, epochs: 5", "13: recipe.epochs: given twice, on lines 13 and 13"),
    "key with control characters": ("epochs: 4", '"a\\e[31m": 4', "13: recipe.'a\\x1b[31m': unknown key"),
    "no name": ("name: fashion-g16-half\n", "", "1: name: missing"),
    "no data set": ("dataset: {name: fashion-mnist, train_images: 12000}\n", "", "1: dataset: missing"),
    "no size": ("size: b0, ", "", "3: model.size: missing: an axis that every sweep names"),
    "no norm": ("  norm: [gn, ln+pn]\n", "", "4: grid.norm: missing"),
    # empty values
    "empty list": ("[0, 1]", "[]", "9: grid.seed: is empty: name at least one value"),
    "empty value": ("[0, 1]", "", "9: grid.seed: is empty: give it a value or leave the key out"),
    "empty section": ("{epochs: 1, layers: head}", "", "14: fine_tune: is empty"),
    "empty item": ("[0, 1]", "[0, ]\n  precision: [fp32, ~]", "10: grid.precision[1]: is empty"),
    "null": ("epochs: 4", "epochs: null", "13: recipe.epochs: is empty"),
    "empty text": ("fashion-g16-half", "''", "1: name: '' should have 1 to 100 characters"),
    "empty slots": ("{cpu: {threads: 1}}", "{}", "16: slots: names no kind of slot (cpu, cuda, ipu)"),
    # wrong types
    "number in quotes": (
        "epochs: 4",
        "epochs: '4'",
        "13: recipe.epochs: '4' is not a whole number from 1 to 100000: w",
    ),
    "fraction": ("epochs: 4", "epochs: 4.5", "13: recipe.epochs: 4.5 is not a whole number"),
    "whole fraction": ("epochs: 4", "epochs: 4.0", "13: recipe.epochs: 4.0 is not a whole number from 1 to 100000: wr"),
    "list for a number": ("epochs: 4", "epochs: [4, 8]", "13: recipe.epochs: a list is not a whole number"),
    "mapping for a number": ("epochs: 4", "epochs: {a: 1}", "13: recipe.epochs: a mapping is not a whole number"),
    "boolean for a number": ("epochs: 4", "epochs: true", "13: recipe.epochs: true is not a whole number"),
    "text for a fraction": ("mixup: 0.1", "mixup: a lot", "13: recipe.mixup: 'a lot' is not a number of 0 or more"),
    "plus sign": (
        "epochs: 4",
        "epochs: +4",
        "13: recipe.epochs: '+4' is not a whole number from 1 to 100000: write 4, w",
    ),
    "number for text": ("fashion-g16-half", "12", "1: name: 12 is not text: put it in quotes ('12')"),
    "number for a word": ("norm: [gn,", "norm: [4,", "7: grid.norm[0]: 4 is not one of bn, gn, ln, gn+pn, ln+pn"),
    "value for a section": (
        "{epochs: 1, layers: head}",
        "head",
        "14: fine_tune: 'head' is not a mapping of keys: layers",
    ),
    "list for a section": (
        "{cpu: {threads: 1}}",
        "[cpu]",
        "16: slots: a list is not a mapping of keys: cpu, cuda, ipu",
    ),
    "mapping for a list": ("[20, 24, 28, 32]", "{a: 1}", "12: test_resolution"),
    "nested list": ("[0, 1]", "[[0, 1]]", "9: grid.seed[0]: a list is not a whole number"),
    "text for zip": ("zip: []", "zip: seed", "10: zip: 'seed' is not a list"),
    "text in zip": ("zip: []", "zip: [seed]", "10: zip[0]: 'seed' is not a mapping of keys: "),
    # YAML's traps
    "no is not false": (
        "small_images: true",
        "small_images: no",
        "3: model.small_images: 'no' is not true or false: write f",
    ),
    "yes is not true": (
        "small_images: true",
        "small_images: yes",
        "3: model.small_images: 'yes' is not true or false: wr",
    ),
    "no is no norm": ("norm: [gn,", "norm: [no,", "7: grid.norm[0]: 'no' is not one of bn"),
    "octal": (
        "[20, 28]",
        "[020, 28]",
        "8: grid.train_resolution[0]: 020 has a leading zero, which some read as octal: wr",
    ),
    "underscore": ("[1, 16]", "[1, 1_6]", "5: grid.group_size[1]: 1_6 is a number to some readers only: write 16"),
    "hexadecimal": ("[1, 16]", "[1, 0x10]", "5: grid.group_size[1]: 0x10 is not decimal"),
    "sexagesimal": ("epochs: 4", "epochs: 1:30", "13: recipe.epochs: '1:30' is not a whole number"),
    "date": ("epochs: 4", "epochs: 2021-06-07", "13: recipe.epochs: '2021-06-07' is not a whole number"),
    "not a number": ("mixup: 0.1", "mixup: .nan", "13: recipe.mixup: .nan is not a finite number"),
    "infinity": ("mixup: 0.1", "mixup: -.Inf", "13: recipe.mixup: -.Inf is not a finite number"),
    "overflow": ("mixup: 0.1", "mixup: 1e999", "13: recipe.mixup: 1e999 is larger than any number"),
    "5000 digits": ("epochs: 4", "epochs: " + "9" * 5000, "13: recipe.epochs: 9999"),
    "merge key": ("epochs: 4", "<<: {epochs: 4}", "13: recipe: merge keys (<<) are not used here"),
    "tag": ("epochs: 4", "epochs: !!str 4", "13: recipe.epochs: tags ('tag:yaml.org,2002:str') are not used here"),
    "python tag": ("epochs: 4", "epochs: !!python/name:os.system x", "13: recipe.epochs: tags ("),
    "binary tag": ("epochs: 4", "epochs: !!binary aGk=", "13: recipe.epochs: tags ("),
    # limits
    "no epochs": ("epochs: 4", "epochs: 0", "13: recipe.epochs: 0 is not a whole number from 1 to 100000"),
    "negative seed": ("[0, 1]", "[0, -1]", "9: grid.seed[1]: -1 is not a whole number from 0"),
    "no width": ("[0.25, 0.5]", "[0.25, 0]", "3: model.width[1]: 0 is not a number above 0 and at most 10"),
    "tiny images": (
        "[20, 28]",
        "[20, 4]",
        "8: grid.train_resolution[1]: 4 is not a whole number of pixels from 8 to 2048 or o",
    ),
    "tiny test images": ("[20, 24, 28, 32]", "[7]", "12: test_resolution[0]: 7 is not a whole number of pixels from 8"),
    "too long a step": (
        "[20, 24, 28, 32]",
        "+2040",
        "12: test_resolution: 2060 pixels (b0×0.25 G1 e6 gn) is not from 8 to",
    ),
    "half as test resolution": (
        "[20, 24, 28, 32]",
        "half",
        "12: test_resolution: 'half' is not a whole number of pixels",
    ),
    "step back": ("[20, 24, 28, 32]", "[-8]", "12: test_resolution[0]: -8 is not a whole number of pixels"),
    "odd step": ("[20, 24, 28, 32]", "['+8px']", "12: test_resolution[0]: '+8px' is not a step from the train res"),
    "label smoothing of 1": (
        "label_smoothing: 0.1",
        "label_smoothing: 1",
        "13: recipe.label_smoothing: 1 is not a number o",
    ),
    "too many images": (
        "12000",
        "60001",
        "2: dataset.train_images: 60001 is more than the 60000 that fashion-mnist has",
    ),
    "fewer images than classes": (
        "12000",
        "9",
        "2: dataset.train_images: 9 is fewer than one for each of the 10 classes",
    ),
    "batch beyond the images": (
        "batch_size: 128",
        "batch_size: 16000",
        "13: recipe.batch_size: 16000 is more than the 12000",
    ),
    "fine-tuning batch": (
        "layers: head",
        "layers: head, batch_size: 20000",
        "14: fine_tune.batch_size: 20000 is more than",
    ),
    "warm-up beyond the end": (
        "epochs: 4,",
        "epochs: 4, warmup_epochs: 5,",
        "13: recipe.warmup_epochs: 5 is longer than the whole training (4 epochs): give at most 4",
    ),
    "one block": ("batch_size: auto", "blocks: 1", "15: measure.blocks: 1 is not a whole number from 2 to 1000"),
    "no round": ("batch_size: auto", "rounds: 0", "15: measure.rounds: 0 is not a whole number from 1 to 1000"),
    "compile a word": ("batch_size: auto", "compile: fast", "15: measure.compile: 'fast' is not auto, true or false"),
    # words
    "unknown data set": (
        "fashion-mnist",
        "fasion-mnist",
        "2: dataset.name: 'fasion-mnist' is not one of fashion-mnist, c",
    ),
    "unknown size": ("size: b0", "size: B8", "3: model.size: 'B8' is not one of b0, b1, b2"),
    "capitals": (
        "norm: [gn,",
        "norm: [GN,",
        "7: grid.norm[0]: 'GN' is not one of bn, gn, ln, gn+pn, ln+pn - did you mean 'gn'",
    ),
    "unknown optimizer": (
        "rmsprop",
        "adam",
        "13: recipe.optimizer: 'adam' is not one of rmsprop, adamw, sgd - did you m",
    ),
    "name with a space": ("fashion-g16-half", "my sweep", "1: name: 'my sweep' should be letters, digits"),
    "name like an option": ("fashion-g16-half", "--db", "1: name: '--db' should be letters, digits"),
    "root of a named set": ("12000", "12000, root: /x", "2: dataset.root: only image-folder has a root"),
    "image folder without root": ("fashion-mnist", "image-folder", "2: dataset.root: missing: image-folder needs"),
    "root that is not there": (
        "{name: fashion-mnist",
        "{name: image-folder, root: /none",
        "2: dataset.root: /none/train: No s",
    ),
    "root with a NUL": (
        "{name: fashion-mnist",
        '{name: image-folder, root: "\\0"',
        "2: dataset.root: '\\x00' has characters",
    ),
    # axes
    "axis in grid and zip": (
        "zip: []",
        "zip: [{seed: [2, 3], width: [1, 2]}]",
        "10: zip[0].seed: seed is an axis already",
    ),
    "zip of unequal lists": (
        "zip: []\n",
        "zip: [{precision: [fp32, bf16, fp16], expansion: [1, 2]}]\n",
        "10: zip[0]: lists that advance together need one length, but precision has 3, expansion has 2",
    ),
    "empty zip group": ("zip: []", "zip: [{}]", "10: zip[0]: is empty: name the axes"),
    "expansion not known": (
        "[1, 16]",
        "[1, 8]",
        "6: grid.expansion: auto knows the expansion of group sizes 1, 16 only",
    ),
    "network that cannot be": (
        "size: b0, width: [0.25, 0.5]",
        "size: [b0, b6]",
        "5: grid.group_size[1]: b6 G16 e4 gn cannot be built: stage 1: 56 channels make 3 groups of 16",
    ),
    # rules
    "rule with one equals sign": (
        '"norm == ',
        '"norm = ',
        "11: exclude[0]: \"norm = 'gn' and group_size == 16 and trai",
    ),
    "rule with an unknown axis": (
        '"norm == ',
        '"norms == ',
        "11: exclude[0]: unknown axis 'norms' - did you mean 'norm'?",
    ),
    "rule with an unknown word": (
        "'gn' and",
        "'gnn' and",
        "11: exclude[0]: norm is never 'gnn': it is one of bn, gn, l",
    ),
    "rule with an unquoted word": ("'gn' and", "gn and", "11: exclude[0]: gn is a word, not an axis: put it in quotes"),
    "rule that calls": ('["norm == ', "[\"__import__('os').system('true') == ", "11: exclude[0]: "),
    "rule that is a number": (
        "[\"norm == 'gn' and group_size == 16 and train_resolution == 20\"]",
        "[5]",
        "11: exclude[0]: 5 i",
    ),
    "rules that leave nothing": (
        "\"norm == 'gn' and group_size == 16 and train_resolution == 20\"",
        "seed >= 0",
        "11: exclude: th",
    ),
    # YAML itself
    "tab": ("  seed", "\tseed", "9: a tab where YAML wants spaces: indent with spaces"),
    "open bracket": ("[0, 1]", "[0, 1", "10: not valid YAML"),
    "open quote": (
        "fashion-g16-half",
        "'fashion",
        "11: not valid YAML while parsing a block mapping that begins on line 1: ",
    ),
    "colon in a value": ("fashion-g16-half", "a: b", "1: not valid YAML: mapping values are not allowed here"),
    "quote open to the end": (
        "{cpu: {threads: 1}}",
        "'cpu",
        "17: not valid YAML while scanning a quoted scalar that begins on line 16",
    ),
    "wrong indentation": ("  seed", " seed", "9: not valid YAML while parsing a block mapping"),
    "second document": ("grid:", "---\ngrid:", "4: a second document begins here (---)"),
    "unknown alias": ("epochs: 4", "epochs: *four", "13: *four repeats a value that no &four has named before"),
    "alias of itself": ("[0, 1]", "&seeds [*seeds]", "9: *seeds repeats a value"),
    "list as a key": ("epochs: 4", "? [a]\n: 4", "13: a key must be a word"),
    "escape beyond Unicode": ("fashion-g16-half", '"\\UFFFFFFFF"', "1: not valid YAML near here"),
    "deep nesting": ("[0, 1]", "[" * 30 + "]" * 30, "9: nested deeper than 20 levels"),
    "control character": ("fashion-g16-half", "a\x07b", "1: the character U+0007 is not allowed"),
    "NUL": ("epochs: 4", "epochs: \0", "13: the character U+0000 is not allowed"),
}


@pytest.mark.parametrize(("old", "new", "expected"), EDITS.values(), ids=EDITS.keys())
def test_a_bad_file_is_refused_with_line_and_key(old, new, expected):
    assert SWEEP.count(old) >= 1
    message = refusal(SWEEP.replace(old, new, 1))
    assert any(line.startswith(f"sweep.yaml:{expected}") for line in message.splitlines()), message


WHOLE_FILES = {
    "nothing": (b"", "sweep.yaml:1: nothing but space and comments here"),
    "comments": (b"# to do\n\n", "sweep.yaml:3: nothing but space and comments here"),
    "a list": (b"- name: x\n", "sweep.yaml:1: holds a list, but should hold keys"),
    "a word": (b"sweep\n", "sweep.yaml:1: holds 'sweep', but should hold keys"),
    "an empty document": (b"---\n", "sweep.yaml:2: holds nothing, but should hold keys"),
    "UTF-16": ("name: x\n".encode("utf-16"), "sweep.yaml:1: this is UTF-16 text: save the file as UTF-8"),
    "Latin-1": ("name: x\ndataset: Modèle\n".encode("latin-1"), "sweep.yaml:2: not UTF-8 text (byte 0xe8)"),
    "zeros": (bytes(100), "sweep.yaml:1: the character U+0000 is not allowed"),
    "too large": (b"#" * (MAX_BYTES + 1), "sweep.yaml: larger than 256 KB"),
    "too many values": (b"[" + b"1," * 20_000 + b"]", "sweep.yaml:1: more than 10,000 values"),
    "deep brackets": (b"[" * 100_000, "sweep.yaml:1: nested deeper than 20 levels"),
    "deep mappings": (b"{a: " * 50_000, "sweep.yaml:1: nested deeper than 20 levels"),
    "many aliases": (b"a: &a 1\nb: [" + b"*a," * 65 + b"]", "sweep.yaml:2: more than 64 aliases"),
    "aliases of aliases": (
        b"a: &a [1,1,1,1,1,1,1,1,1]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 9)) for n in range(97, 104)),
        "sweep.yaml:5: more than 10,000 values",
    ),
}


@pytest.mark.parametrize(("raw", "expected"), WHOLE_FILES.values(), ids=WHOLE_FILES.keys())
def test_a_file_that_is_no_sweep_is_refused_quickly(raw, expected):
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        check_sweep(parse_document(raw, "sweep.yaml"), Path())
    assert str(caught.value).startswith(expected)
    assert time.process_time() - start < 10


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: no such file"):
        load_sweep(tmp_path / "nowhere.yaml")


def test_a_directory_and_an_odd_name_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load_sweep(tmp_path)
    with pytest.raises(InputError, match="not a file name"):
        load_sweep(Path("a\0b"))


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = SWEEP.replace("b0", "b9").replace("rmsprop", "adam").replace("[0, 1]", "[0, 01]").replace("12000", "0")
    lines = refusal(text, "grid.norm=xn").splitlines()
    keys = [re.sub(r":? .*", "", line.split(": ", 1)[1]) for line in lines]
    assert keys == ["dataset.train_images", "model.size", "grid.seed[1]", "recipe.optimizer", "'xn'"]


def test_very_many_problems_are_only_counted():
    lines = refusal(SWEEP, f"grid.norm={['xn'] * 200}").splitlines()
    assert len(lines) == MAX_PROBLEMS + 1
    assert lines[-1] == "… and 150 more"


def test_one_place_has_one_problem():
    assert len(refusal(SWEEP.replace("epochs: 4", "epochs: 04")).splitlines()) == 1


BAD_OVERRIDES = {
    "grid.norm=gnn": "--set grid.norm: 'gnn' is not one of bn",
    "grid={norm: gnn}": "--set grid: grid.norm: 'gnn' is not one of bn",
    "grid.seed=[1, 010]": "--set grid.seed: grid.seed[1]: 010 has a leading zero",
    "gird.seed=1": "--set gird.seed: gird: unknown key - did you mean 'grid'?",
    "recipe.epochs=": "--set recipe.epochs: is empty",
    "recipe=papre": "--set recipe: recipe.preset: 'papre' is not one of short, paper - did you mean 'paper'?",
    "name.x=1": "--set name.x: 'x' cannot be set inside 'fashion-g16-half'",
    "grid.seed": "--set 'grid.seed': expected key=value",
    "=1": "--set '=1': expected key=value",
    "grid..seed=1": "--set 'grid..seed=1': expected key=value",
    "grid.seed=[1": "--set grid.seed: not valid YAML",
    "grid.seed={a: 1, a: 2}": "--set grid.seed: grid.seed.a: given twice: keep one of them",
}


@pytest.mark.parametrize(("override", "expected"), BAD_OVERRIDES.items())
def test_a_bad_override_is_refused_by_its_own_name(override, expected):
    assert expected in refusal(SWEEP, override)


def test_too_many_jobs_are_refused_before_they_are_listed():
    start = time.process_time()
    axes = ["model.width=" + str([one / 1000 for one in range(1, 1001)]), "grid.seed=" + str(list(range(8000)))]
    message = refusal(SMALL, *axes)
    assert "8,000,000 trainings and 8,000,000 evaluations" in message
    assert "--yes" in message
    assert time.process_time() - start < 40


def _refused_or_fine(raw: bytes) -> None:
    try:
        expand(check_sweep(parse_document(raw, "sweep.yaml"), Path()), {"cpu": ["environment"]})
    except InputError as error:
        assert str(error).startswith("sweep.yaml")  # noqa: PT017  # fine is as good


@given(st.one_of(st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")), st.binary(max_size=200)))
@settings(max_examples=300, deadline=None)
def test_no_bytes_make_it_fail_in_another_way(raw):
    _refused_or_fine(raw)


YAML_PIECES = st.sampled_from(
    [*"[]{}:,-?&*!|>'\"%@`#~ \t\n0189.eE+_", "<<", "*a", "&a ", "!!int ", "\\U", "---\n", "no", "0x", ": ", "- "]
)


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_damage_to_a_good_file_makes_it_fail_in_another_way(data):
    text = SWEEP
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 20, len(text))))
        text = text[:start] + "".join(data.draw(st.lists(YAML_PIECES, max_size=4))) + text[end:]
    _refused_or_fine(text.encode())


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8))
KEYS = re.findall(r"(\w+):", SWEEP)


@given(st.sampled_from(KEYS), SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS))
@settings(max_examples=300, deadline=None)
def test_no_value_of_any_key_makes_it_fail_in_another_way(key, value):
    text = re.sub(rf"\b{key}:[^,\n}}]*", lambda _: f"{key}: {value!r}", SWEEP, count=1)
    _refused_or_fine(text.encode("utf-8", "ignore"))
