"""What a page says when a link asks for what is not there, or the database cannot be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from dashboard.parts import controls


@pytest.mark.parametrize(
    ("view", "query", "told"),
    [
        ("speedup", {"sweep": "gone"}, "Sweep: what the link asks for, “gone”, is not here."),
        ("training_front", {"device": "*X*"}, "Device: what the link asks for, “\\*X\\*”, is not here."),
    ],
)
def test_a_choice_that_is_not_there_is_told_once_and_the_first_one_shown(open_page, seeded_url, view, query, told):
    app = open_page(view, seeded_url, **query)
    assert [one.value for one in app.warning] == [told]
    assert not app.run().warning


def test_on_a_phone_it_is_told_outside_of_the_choices_that_are_folded_up(open_page, seeded_url, monkeypatch):
    monkeypatch.setattr(controls, "on_a_phone", lambda: True)
    app = open_page("speedup", seeded_url, sweep="gone")
    assert app.expander[0].label == "Choices"
    assert [len(app.expander[0].selectbox) > 0, len(app.expander[0].warning), len(app.warning)] == [True, 0, 1]


def test_a_choice_that_is_there_is_shown_without_a_word(open_page, seeded_url):
    app = open_page("sweep", seeded_url, watch="fashion-families")
    assert app.selectbox(key="watch").value == "fashion-families"
    assert not app.warning


def test_a_command_in_a_hint_is_set_as_one(open_page, seeded_url):
    (error,) = open_page("result", seeded_url, result="deadbeef").error
    assert error.value == "There is no result and no job 'deadbeef'.\n\nResults are listed by `orchestrator results`."


def test_a_message_that_begins_with_a_url_keeps_it_as_it_is(open_page, tmp_path):
    file = tmp_path / "empty.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE other (one INTEGER)")
    (error,) = open_page("sweep", f"sqlite:///{file}").error
    assert error.value.startswith("sqlite\\:///")
