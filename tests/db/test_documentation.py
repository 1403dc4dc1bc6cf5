"""docs/views.md describes the views as they are."""

import re
from pathlib import Path

import pytest

from db import views
from db.derived_tables import derived
from db.tables import metadata
from db.user_sql import run

DOCUMENT = (Path(__file__).parents[2] / "docs" / "views.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("name", ["results", "variant_results"])
def test_every_column_is_described_in_its_order(name):
    described = re.findall(r"^\| `(\w+)` \| \w+ \|", SECTIONS[f"`{name}`"], flags=re.MULTILINE)
    assert described == views.VIEWS[name].c.keys()


@pytest.mark.parametrize("name", ["training_front", "inference_front"])
def test_a_front_has_two_columns_more_than_variant_results(name):
    assert views.VIEWS[name].c.keys() == ["scenario", "images_per_second", *views.VARIANT_RESULTS.c.keys()]


def test_every_table_is_described():
    described = {
        name for cell in re.findall(r"^\| (`.+?) \|", SECTIONS["Tables"], re.MULTILINE) for name in cell.split(", ")
    }
    assert {name.strip("`") for name in described} == {*metadata.tables, *derived.tables}


def test_what_is_said_of_measurements_are_columns_of_theirs():
    cells = re.findall(r"^\| (`.+?) \|", SECTIONS["Measurements"], re.MULTILINE)
    described = {name.strip("`") for cell in cells for name in cell.split(", ")}
    columns = set(metadata.tables["measurements"].columns.keys())
    assert described <= columns
    assert {"iqr", "compiled", "loading_images_per_second", "conditions"} <= described


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("recipe", re.findall(r"```sql\n(.+?)```", SECTIONS["Recipes"], flags=re.DOTALL))
def test_every_recipe_runs_on_both_engines(url, recipe):
    assert not run(url, recipe).truncated
