"""Good files: what they mean."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from orchestrator.errors import DatabaseError, ImpossibleHereError, InputError, OrchestratorError
from orchestrator.sweep import load_sweep
from orchestrator.sweep_file import parse_document
from orchestrator.sweep_spec import SweepSpec
from orchestrator.yaml_reader import core_scalar
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of
from workers.protocol.jobs import FineTune, Recipe

EXAMPLES = sorted(Path("examples").glob("*.yaml"))


def test_the_documented_sweep_means_what_it_says():
    sweep = sweep_of(SWEEP)
    assert sweep.spec.name == "fashion-g16-half"
    assert sweep.spec.model.width == (0.25, 0.5)
    assert sweep.spec.grid.group_size == (1, 16)
    assert sweep.spec.test_resolution == (20, 24, 28, 32)
    assert sweep.spec.recipe_record == Recipe(mixup=0.1, weight_average=0.97)
    assert sweep.spec.fine_tune_record == FineTune(epochs=1)
    assert sweep.spec.slots is not None
    assert sweep.spec.slots.kinds == ("cpu",)
    assert (sweep.dataset.classes, sweep.dataset.channels, sweep.dataset.image_side) == (10, 1, 28)
    assert (sweep.dataset.train_images, sweep.dataset.test_images) == (12000, None)


def test_defaults_are_those_of_the_jobs():
    spec = sweep_of(SMALL).spec
    assert spec.recipe_record == Recipe()
    assert spec.fine_tune_record == FineTune()
    assert spec.test_resolution == ("native",)
    assert spec.slots is None


def test_every_field_of_recipe_and_fine_tune_is_a_key_of_the_file():
    assert set(SweepSpec.model_fields["recipe"].annotation.model_fields) == {f.name for f in dataclasses.fields(Recipe)}
    fine_tune = type(sweep_of(SMALL).spec.fine_tune)
    assert set(fine_tune.model_fields) == {field.name for field in dataclasses.fields(FineTune)}


@pytest.mark.parametrize("value", ["[gn]", "gn", "\n    - gn\n  ", "'gn'", "[gn] # a comment"])
def test_a_single_value_is_a_list_of_one(value):
    assert sweep_of(
        SMALL.replace("norm: gn", "norm: gn").replace("{group", "{\n  group"), f"grid.norm={value}"
    ).spec.grid.norm == ("gn",)


@pytest.mark.parametrize("step", ["+32", "'+32'", '"+32"', "[+32]", "[+032]"])
def test_a_plus_sign_makes_a_step_with_or_without_quotes(step):
    if "03" in step:
        with pytest.raises(InputError, match="leading zero"):
            sweep_of(SMALL, f"test_resolution={step}")
    else:
        assert sweep_of(SMALL, f"test_resolution={step}").spec.test_resolution == ("+32",)


def test_numbers_are_numbers_whatever_their_form():
    recipe = sweep_of(SMALL, "recipe={learning_rate: 1e-3, mixup: 1, weight_decay: 1.e-5, dropout: .2}").spec.recipe
    assert (recipe.learning_rate, recipe.mixup, recipe.weight_decay, recipe.dropout) == (1e-3, 1.0, 1e-5, 0.2)
    assert isinstance(recipe.mixup, float)


def test_overrides_replace_add_and_follow_each_other():
    sweep = sweep_of(SMALL, "grid.seed=[0, 1]", "recipe.epochs=9", "grid.seed=7", "fine_tune=none", "slots.cuda=")
    assert sweep.spec.grid.seed == (7,)
    assert sweep.spec.recipe.epochs == 9
    assert sweep.spec.fine_tune_record.layers == "none"
    assert sweep.spec.slots is not None
    assert sweep.spec.slots.kinds == ("cuda",)
    assert sweep.document.text == SMALL


@pytest.mark.parametrize("off", ["false", "none"])
def test_measuring_can_be_left_out(off):
    assert sweep_of(SMALL, f"measure={off}").spec.measure is None


def test_without_layers_the_other_fields_of_fine_tuning_mean_nothing():
    one = sweep_of(SMALL, "fine_tune={layers: none, epochs: 3}").spec.fine_tune_record
    assert one == sweep_of(SMALL, "fine_tune=none").spec.fine_tune_record


def test_all_images_are_the_same_job_whether_or_not_they_are_counted():
    assert sweep_of(SMALL, "dataset.train_images=60000").dataset == sweep_of(SMALL).dataset


def test_an_alias_repeats_a_value():
    sweep = sweep_of(SMALL.replace("group_size: 1", "seed: &few [1, 2], group_size: *few"))
    assert sweep.spec.grid.group_size == (1, 2)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter():
    raw = b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()
    assert parse_document(raw, "sweep.yaml").root.plain() == parse_document(SMALL.encode(), "sweep.yaml").root.plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("no", "no"),
        ("on", "on"),
        ("~", None),
        ("-0", 0),
        ("-12", -12),
        ("+12", "+12"),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("-.5", -0.5),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("=", "="),
    ],
)
def test_unquoted_words_are_resolved_by_yaml_1_2(text, value):
    result = core_scalar(text)
    assert result == value
    assert type(result) is type(value)


def make_image_folder(root: Path, train: list[str], val: list[str]) -> None:
    for split, classes in (("train", train), ("val", val)):
        for name in classes:
            (root / split / name).mkdir(parents=True)
    (root / "train" / "README.txt").write_text("not a class")


def folder_sweep(root: str, directory: Path) -> str:
    text = SMALL.replace("{name: fashion-mnist}", f"{{name: image-folder, root: {root}}}").replace("native", "160")
    return str(sweep_of(text, "test_resolution=160", directory=directory).dataset)


def test_an_image_folder_has_as_many_classes_as_directories(tmp_path):
    make_image_folder(tmp_path / "images", ["cat", "dog", "owl"], ["owl", "dog", "cat"])
    for root in ("images", "./images/../images", tmp_path / "images"):
        dataset = folder_sweep(str(root), tmp_path)
        assert "classes=3, channels=3, image_side=0" in dataset
        assert f"root='{tmp_path}/images'" in dataset


@pytest.mark.parametrize(
    ("train", "val", "expected"),
    [
        (["cat"], ["cat"], "holds 1 class directories: at least 2 are needed"),
        (["cat", "dog"], ["cat"], "val lacks the class 'dog'"),
        (["cat", "dog"], ["cat", "dog", "owl"], "train lacks the class 'owl'"),
    ],
)
def test_an_image_folder_needs_the_same_classes_in_both_parts(tmp_path, train, val, expected):
    make_image_folder(tmp_path, train, val)
    with pytest.raises(InputError, match=expected):
        folder_sweep(str(tmp_path), tmp_path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_good(path, tmp_path):
    make_image_folder(tmp_path, ["cat", "dog"], ["cat", "dog"])
    needs_images = "image-folder" in path.read_text(encoding="utf-8")
    load_sweep(path, [f"dataset.root={tmp_path}"] if needs_images else [])


@pytest.mark.parametrize("kind", [OrchestratorError, InputError, ImpossibleHereError, DatabaseError])
def test_errors_survive_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("what is wrong", hint="what to do")))  # noqa: S301  # our own
    assert type(error) is kind
    assert (error.message, error.hint, str(error)) == ("what is wrong", "what to do", "what is wrong\nwhat to do")


def test_exit_codes_are_those_of_the_documentation():
    kinds = (OrchestratorError, InputError, ImpossibleHereError, DatabaseError)
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4]
