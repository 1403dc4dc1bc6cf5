"""The schema as people read it is the schema as it is, and docs/views.md says the same."""

import re
from pathlib import Path

import pytest

from db.derived_tables import derived
from db.description import schema
from db.tables import metadata
from db.views import VIEWS

DOCUMENT = (Path(__file__).parents[2] / "docs" / "views.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", DOCUMENT, flags=re.MULTILINE | re.DOTALL))


def test_every_view_and_table_is_described_with_all_its_columns_the_views_first():
    found = schema()
    relations = {**VIEWS, **metadata.tables, **derived.tables}
    assert list(found)[: len(VIEWS)] == list(VIEWS)
    assert set(found) == set(relations)
    for name, one in found.items():
        assert [column.name for column in one.columns] == relations[name].c.keys()
        assert one.rows
        assert one.is_view == (name in VIEWS)


@pytest.mark.parametrize("name", ["results", "variant_results"])
def test_types_and_meanings_are_those_of_the_document(name):
    described = re.findall(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", SECTIONS[f"`{name}`"], flags=re.MULTILINE)
    meanings = {column.name: column.meaning for column in schema()["results"].columns}
    expected = [
        (column, kind, meanings[column] if text == "as in `results`" else text) for column, kind, text in described
    ]
    assert [(column.name, column.type, column.meaning) for column in schema()[name].columns] == expected


def test_every_column_of_a_view_has_a_meaning_and_none_is_described_that_is_not_there():
    from db.description import _MEANINGS  # the texts themselves

    found = schema()
    for name, meanings in _MEANINGS.items():
        columns = [column.name for column in found[name].columns]
        if found[name].is_view:
            assert all(column.meaning for column in found[name].columns)
        elif name != "result_points":
            assert set(meanings) <= set(columns)
