"""Good files: what they mean."""

import dataclasses
import pickle
from pathlib import Path

import pytest

from orchestrator.errors import DatabaseError, ImpossibleHereError, InputError, OrchestratorError
from orchestrator.sweep_dataset import image_counts
from orchestrator.sweep_file import parse_document
from orchestrator.sweep_spec import RecipeSection
from orchestrator.yaml_reader import core_scalar
from tests.sweep.example_sweep import SMALL, SWEEP, sweep_of
from workers.protocol.jobs import DataSet
from workers.protocol.recipe import PRESETS, FineTune, Recipe


def test_the_documented_sweep_means_what_it_says():
    sweep = sweep_of(SWEEP)
    assert sweep.spec.name == "fashion-g16-half"
    assert sweep.spec.model.width == (0.25, 0.5)
    assert sweep.spec.grid.group_size == (1, 16)
    assert sweep.spec.test_resolution == (20, 24, 28, 32)
    assert sweep.spec.recipe_record == Recipe(mixup=0.1, weight_average=0.97)
    assert sweep.spec.fine_tune_arms == (FineTune(epochs=1),)
    assert sweep.spec.slots is not None
    assert sweep.spec.slots.kinds == ("cpu",)
    assert (sweep.dataset.classes, sweep.dataset.channels, sweep.dataset.image_side) == (10, 1, 28)
    assert (sweep.dataset.train_images, sweep.dataset.test_images) == (12000, None)
    assert sweep.dataset.validation_images is None


def test_defaults_are_those_of_the_jobs():
    spec = sweep_of(SMALL).spec
    assert spec.recipe_record == Recipe()
    assert spec.fine_tune_arms == (FineTune(),)
    assert spec.test_resolution == ("native",)
    assert spec.slots is None


def test_every_field_of_recipe_and_fine_tune_is_a_key_of_the_file():
    assert list(RecipeSection.model_fields) == ["preset", *(field.name for field in dataclasses.fields(Recipe))]
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
    assert sweep.spec.fine_tune_arms == (FineTune(layers="none"),)
    assert sweep.spec.slots is not None
    assert sweep.spec.slots.kinds == ("cuda",)
    assert sweep.document.text == SMALL


@pytest.mark.parametrize("off", ["false", "none"])
def test_measuring_can_be_left_out(off):
    assert sweep_of(SMALL, f"measure={off}").spec.measure is None


# ---- recipes ------------------------------------------------------------------------------------------------------


def recipe_of(*overrides: str, text: str = SMALL) -> Recipe:
    return sweep_of(text, *overrides).spec.recipe_record


@pytest.mark.parametrize("recipe", ["paper", "{preset: paper}", "'paper'"])
def test_a_preset_is_named_by_a_word_or_in_a_mapping(recipe):
    assert recipe_of(text=SMALL + f"recipe: {recipe}\n") == PRESETS["paper"]
    assert recipe_of(f"recipe={recipe}") == PRESETS["paper"]


def test_a_preset_gives_what_the_file_does_not():
    recipe = recipe_of("recipe={preset: paper, epochs: 90, mixup: 0.3}")
    assert recipe == dataclasses.replace(PRESETS["paper"], epochs=90, mixup=0.3)
    assert recipe_of("recipe={preset: short}") == recipe_of("recipe=short") == recipe_of() == Recipe()


def test_overrides_reach_into_a_preset_that_was_named_by_a_word():
    paper = SMALL + "recipe: paper\n"
    assert recipe_of("recipe.epochs=90", text=paper) == dataclasses.replace(PRESETS["paper"], epochs=90)
    assert recipe_of("recipe=paper", "recipe.epochs=90") == dataclasses.replace(PRESETS["paper"], epochs=90)
    assert recipe_of("recipe.preset=short", text=paper) == Recipe()
    assert recipe_of("recipe.preset=paper", text=SMALL + "recipe: {epochs: 9}\n").epochs == 9


def test_auto_is_what_records_have_none_for():
    automatic = [field.name for field in dataclasses.fields(Recipe) if "Optional" in str(field.type)]
    assert sorted(automatic) == ["cutmix", "dropout", "learning_rate", "mixup", "rms_decay", "weight_decay"]
    recipe = recipe_of(*(f"recipe.{name}=auto" for name in automatic))
    assert all(getattr(recipe, name) is None for name in automatic)
    (arm,) = sweep_of(SMALL, "fine_tune.learning_rate=auto").spec.fine_tune_arms
    assert arm == FineTune()


def test_every_setting_arrives_in_the_record():
    settings = {
        "epochs": 7,
        "batch_size": 96,
        "optimizer": "rmsprop",
        "learning_rate": 0.01,
        "momentum": 0.8,
        "weight_decay": 1e-4,
        "schedule": "constant",
        "warmup_epochs": 1.5,
        "label_smoothing": 0.2,
        "mixup": 0.3,
        "augmentation": "none",
        "dropout": 0.4,
        "stochastic_depth": 0.05,
        "weight_average": 0.0,
        "cutmix": 0.25,
        "rms_decay": 0.95,
        "augmentation_policy": "randaugment",
        "ema": 0.999,
        "average_warmup": False,
    }
    assert set(settings) == {field.name for field in dataclasses.fields(Recipe)}
    written = [f"recipe.{key}={str(value).lower()}" for key, value in settings.items()]
    assert dataclasses.asdict(recipe_of(*written)) == settings


def test_what_has_no_effect_makes_no_other_job():
    assert recipe_of("recipe={preset: paper, optimizer: sgd}").rms_decay == Recipe().rms_decay
    assert recipe_of("recipe={preset: paper, weight_average: 0}").average_warmup == Recipe().average_warmup
    assert recipe_of("recipe={preset: paper, weight_average: 0, ema: 0.9}").average_warmup is False


# ---- fine-tuning --------------------------------------------------------------------------------------------------


def arms_of(fine_tune: str) -> tuple[FineTune, ...]:
    return sweep_of(SMALL, f"fine_tune={fine_tune}").spec.fine_tune_arms


def test_several_layers_are_several_ways_each_once():
    found = arms_of("{layers: [head, none, last-block, head], epochs: 3, batch_size: 64, learning_rate: 0.1}")
    assert found == (FineTune("head", 3, 64, 0.1), FineTune("none"), FineTune("last-block", 3, 64, 0.1))


@pytest.mark.parametrize("other", ["", ", epochs: 3", ", batch_size: 64", ", learning_rate: 0.1"])
def test_without_layers_the_other_fields_of_fine_tuning_mean_nothing(other):
    assert arms_of(f"{{layers: none{other}}}") == arms_of("none") == arms_of("false") == (FineTune("none"),)


def test_statistics_take_one_pass_whatever_the_others_take():
    (arm,) = arms_of("{layers: batch-norm-statistics, epochs: 3, batch_size: 64, learning_rate: 0.1}")
    assert arm == FineTune("batch-norm-statistics", epochs=1, batch_size=64, learning_rate=None)


# ---- images -------------------------------------------------------------------------------------------------------


def dataset_of(settings: str) -> DataSet:
    return sweep_of(SMALL, f"dataset={{name: fashion-mnist, {settings}}}").dataset


def test_a_count_is_the_same_job_whether_or_not_it_is_written():
    assert dataset_of("train_images: 54000") == dataset_of("validation_images: 6000") == sweep_of(SMALL).dataset
    assert dataset_of("test_images: 10000") == sweep_of(SMALL).dataset
    assert dataset_of("train_images: 60000, validation_images: 0") == dataset_of("validation_images: 0")
    assert dataset_of("train_images: 59000, validation_images: 1000") == dataset_of("validation_images: 1000")
    assert dataset_of("validation_images: 0").validation_images == 0


@pytest.mark.parametrize(
    ("settings", "counts"),
    [
        ("", (54_000, 6000, 10_000)),
        ("validation_images: 0", (60_000, 0, 10_000)),
        ("validation_images: 5000", (55_000, 5000, 10_000)),
        ("train_images: 2000, test_images: 500", (2000, 6000, 500)),
        ("train_images: 59990, validation_images: 10", (59_990, 10, 10_000)),
    ],
)
def test_held_out_images_are_not_trained_on(settings, counts):
    assert image_counts(dataset_of(settings)) == counts


def test_of_an_image_folder_only_what_was_written_is_known():
    folder = DataSet("image-folder", classes=2, channels=3, image_side=0)
    assert image_counts(folder) == (None, None, None)
    assert image_counts(dataclasses.replace(folder, train_images=7, validation_images=0, test_images=5)) == (7, 0, 5)


# ---- the file -----------------------------------------------------------------------------------------------------


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


def test_an_image_folder_keeps_the_counts_that_are_written(tmp_path):
    make_image_folder(tmp_path, ["cat", "dog"], ["cat", "dog"])
    counts = "train_images: 400, test_images: 20, validation_images: 10"
    text = SMALL.replace("{name: fashion-mnist}", f"{{name: image-folder, root: {tmp_path}, {counts}}}")
    dataset = sweep_of(text.replace("native", "160"), "test_resolution=160").dataset
    assert (dataset.train_images, dataset.test_images, dataset.validation_images) == (400, 20, 10)


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


@pytest.mark.parametrize("kind", [OrchestratorError, InputError, ImpossibleHereError, DatabaseError])
def test_errors_survive_the_way_between_processes(kind):
    error = pickle.loads(pickle.dumps(kind("what is wrong", hint="what to do")))  # noqa: S301  # our own
    assert type(error) is kind
    assert (error.message, error.hint, str(error)) == ("what is wrong", "what to do", "what is wrong\nwhat to do")


def test_exit_codes_are_those_of_the_documentation():
    kinds = (OrchestratorError, InputError, ImpossibleHereError, DatabaseError)
    assert [kind.exit_code for kind in kinds] == [1, 2, 3, 4]
