"""The page for one's own SQL: what runs, what is refused, and how an answer is shown and drawn."""

from __future__ import annotations

import datetime as dt
import decimal
import sqlite3

import pytest
from playwright.sync_api import expect

from dashboard.figures.answer_figure import answer_figure
from dashboard.figures.answer_frame import (
    DRAWN,
    Drawing,
    answer_frame,
    drawable,
    first_drawing,
    kind,
    numbers,
    titled,
)
from dashboard.figures.palette import LIGHT
from db import user_sql
from db.description import schema
from db.recipes import RECIPES
from db.user_sql import UserResult

FOREVER = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT COUNT(*) FROM c"


def said(app):
    """Return all words of a page."""
    elements = [*app.markdown, *app.caption, *app.error, *app.info, *app.warning, *app.code]
    return "\n".join(str(element.value) for element in elements)


def run(app, statement):
    """Write a statement and press Run."""
    app.text_area(key="sql").set_value(statement)
    return next(button for button in app.button if button.label == "Run").click().run()


def answer(*columns, rows):
    return UserResult(columns, tuple(rows), truncated=False)


# The page -------------------------------------------------------------------------------------------------------------


def test_the_page_opens_with_the_answer_of_a_recipe_and_the_meaning_of_columns(open_page, seeded_url):
    app = open_page("sql", seeded_url)
    first = next(iter(RECIPES.values()))
    assert app.text_area(key="sql").value == first.sql
    expected = user_sql.run(seeded_url, first.sql)
    assert list(app.dataframe[0].value) == list(expected.columns)
    assert len(app.dataframe[0].value) == len(expected.rows)
    described = app.table[0].value
    columns = schema()["results"].columns
    assert list(described["column"]) == [f"`{column.name}`" for column in columns]
    assert list(described["type; meaning"]) == [f"{column.type}; {column.meaning}" for column in columns]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_of_a_link_is_answered_at_once(name, open_page, seeded_url):
    app = open_page("sql", seeded_url, recipe=name, **{"as": "Chart"})
    assert app.text_area(key="sql").value == RECIPES[name].sql
    assert not app.error
    assert "answered in" in said(app)


def test_choosing_a_recipe_fills_the_editor_and_answers(open_page, seeded_url):
    app = run(open_page("sql", seeded_url), "SELECT 1 AS one")
    app.selectbox(key="recipe").set_value("seed-spread").run()
    assert app.text_area(key="sql").value == RECIPES["seed-spread"].sql
    assert "spread" in app.dataframe[0].value


def test_a_statement_of_a_link_waits_for_a_click(open_page, seeded_url, monkeypatch):
    asked = []
    real = user_sql.run
    monkeypatch.setattr(user_sql, "run", lambda *given, **named: asked.append(given[1]) or real(*given, **named))
    text = "SELECT norm, COUNT(*) AS jobs FROM results GROUP BY norm ORDER BY norm"
    app = open_page("sql", seeded_url, sql=text)
    assert "This statement came with the link" in app.info[0].value
    assert not app.dataframe
    assert asked == []
    run(app, text)
    assert asked == [text]
    assert list(app.dataframe[0].value["norm"]) == ["bn", "gn", "ln+pn"]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM jobs", "DELETE is not allowed"),
        ("SELECT 1; DROP TABLE jobs", "More than one statement"),
        ("ATTACH 'x.db' AS x", "ATTACH is not allowed"),
        ("WITH x AS (SELECT 1) DELETE FROM jobs", "does more than read"),
        ("", "The statement is empty"),
        ("SELECT grupo_size FROM results", "No such column: grupo_size"),
    ],
)
def test_what_is_refused_is_told_in_words_with_a_hint_and_changes_nothing(statement, words, open_page, seeded_url):
    path = seeded_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        before = connection.execute("SELECT COUNT(*) FROM jobs").fetchone()
    app = run(open_page("sql", seeded_url), statement)
    shown = app.error[0].value.replace("\\", "")
    assert words in shown
    assert "One SELECT" in shown
    assert ("Did you mean 'group_size'?" in shown) == ("grupo" in statement)
    assert "Traceback" not in shown
    assert not app.dataframe
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone() == before
    connection.close()


def test_a_statement_that_takes_too_long_is_stopped(open_page, seeded_url, monkeypatch):
    real = user_sql.run
    monkeypatch.setattr(user_sql, "run", lambda *given, **named: real(*given, **{**named, "seconds": 0.2}))
    app = run(open_page("sql", seeded_url), FOREVER)
    assert "took longer than 0.2 s and was stopped" in app.error[0].value.replace("\\", "")


def test_an_answer_that_is_cut_off_says_so(open_page, seeded_url):
    many = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {}) SELECT n FROM c"
    app = run(open_page("sql", seeded_url), many.format(1001))
    assert "Truncated: the statement gives more than 1,000 rows" in app.warning[0].value
    assert "1,000 rows shown" in said(app)
    run(app, many.format(1000))
    assert not app.warning
    app.selectbox(key="rows").set_value("10,000")
    run(app, many.format(5000))
    assert "The first 2,000 of 5,000 rows shown" in said(app)
    assert len(app.dataframe[0].value) == 2000


def test_another_axis_asks_the_database_nothing(open_page, seeded_url, monkeypatch):
    app = open_page("sql", seeded_url, recipe="training-front", **{"as": "Chart"})
    monkeypatch.setattr(user_sql, "run", lambda *_given, **_named: pytest.fail("asked again"))
    app.selectbox(key="x").set_value("seeds").run()
    assert not app.exception
    assert app.selectbox(key="x").value == "seeds"


def test_a_new_recipe_is_drawn_as_fits_it(open_page, seeded_url):
    app = open_page("sql", seeded_url, recipe="training-front", **{"as": "Chart", "mark": "Lines"})
    assert app.selectbox(key="mark").value == "Lines"
    assert (app.selectbox(key="x").value, app.selectbox(key="y").value) == ("images_per_second", "top1_mean")
    assert app.selectbox(key="axes").value == "Logarithmic x"
    app.selectbox(key="recipe").set_value("slot-hours").run()
    assert app.selectbox(key="mark").value == "Bars"
    assert app.selectbox(key="axes").value == "Linear"


@pytest.mark.browser
def test_a_statement_runs_by_keyboard_its_link_waits_and_a_write_is_refused(visit, serve, seeded_url):
    seen = visit().go(f"{serve(seeded_url)}/sql", "SQL")
    editor = seen.page.get_by_label("Statement")
    seen.page.get_by_text("answered in").wait_for()
    editor.fill("SELECT COUNT(*) AS number FROM results")
    editor.press("Control+Enter")
    seen.page.get_by_text("1 row shown").wait_for()
    seen.page.wait_for_url("**sql=SELECT+COUNT**")
    again = visit().go(seen.page.url, "SQL")
    again.page.get_by_text("This statement came with the link").wait_for()
    # The notice may be there an instant before the text is in its field.
    expect(again.page.get_by_label("Statement")).to_have_value("SELECT COUNT(*) AS number FROM results")
    editor.fill("DROP TABLE results")
    editor.press("Control+Enter")
    seen.page.get_by_text("DROP is not allowed").wait_for()
    assert seen.complaints == again.complaints == []


# Its table and chart --------------------------------------------------------------------------------------------------


def test_values_that_a_table_cannot_show_become_those_that_it_can():
    rows = [
        (1, 2, decimal.Decimal("1.5"), b"\x00\xff", {"a": 1}, "2026-01-31T23:59:59.000000Z", 1, True),
        (2, 3, None, None, None, None, "x", None),
    ]
    frame = answer_frame(answer("a", "a", "sum", "raw", "json", "at", "mixed", "yes", rows=rows))
    assert list(frame) == ["a", "a (2)", "sum", "raw", "json", "at", "mixed", "yes"]
    assert frame["sum"].iloc[0] == 1.5
    assert frame["raw"].iloc[0] == "00ff"
    assert frame["json"].iloc[0] == '{"a": 1}'
    assert frame["at"].iloc[0] == dt.datetime(2026, 1, 31, 23, 59, 59, tzinfo=dt.timezone.utc)
    assert list(frame["mixed"]) == ["1", "x"]
    kinds = [kind(frame[name]) for name in frame]
    assert kinds == ["number", "number", "number", "category", "category", "time", "category", "category"]


def test_an_empty_answer_keeps_its_columns():
    assert list(answer_frame(answer("a", "b", rows=[]))) == ["a", "b"]


@pytest.mark.parametrize(
    ("columns", "rows", "expected"),
    [
        (
            ("series", "top1_mean", "images_per_second"),
            [("A", 80.0, 100.0), ("B", 70.0, 900.0)],
            Drawing("images_per_second", "top1_mean", "series", "Points", log_x=True),
        ),
        (("norm", "jobs"), [("gn", 3), ("bn", 4)], Drawing("norm", "jobs", None, "Bars")),
        (("norm", "top1"), [("gn", 80.5), ("bn", 81.5)], Drawing("norm", "top1", None, "Points")),
        (
            ("train_resolution", "test_resolution", "gain"),
            [(160, 160, 0.1), (160, 224, 0.5)],
            Drawing("test_resolution", "gain", None, "Lines"),
        ),
        (("measured_at", "rate"), [("2026-01-31T23:59:59Z", 1.0)], Drawing("measured_at", "rate", None, "Points")),
        (("device", "why"), [("x", "y")], None),
        (("number",), [(1,)], None),
        ((), [], None),
    ],
)
def test_a_first_drawing_fits_the_columns(columns, rows, expected):
    assert first_drawing(answer_frame(answer(*columns, rows=rows))) == expected


def test_identities_are_the_last_to_be_drawn():
    frame = answer_frame(answer("variant_id", "seeds", "cv", "top1", rows=[(1, 2, 0.5, 80.0), (2, 2, 0.25, 81.0)]))
    assert numbers(frame) == ["top1", "cv", "seeds", "variant_id"]


def test_rows_without_a_place_on_the_axes_are_not_drawn_and_never_too_many():
    frame = answer_frame(answer("x", "y", rows=[(0.0, 1.0), (None, 1.0), (1.0, None), (2.0, 3.0)]))
    assert drawable(frame, Drawing("x", "y", None, "Points"))["y"].tolist() == [1.0, 3.0]
    assert drawable(frame, Drawing("x", "y", None, "Points", log_x=True))["y"].tolist() == [3.0]
    many = answer_frame(answer("x", "y", rows=[(float(n), 1.0) for n in range(DRAWN + 10)]))
    assert len(drawable(many, Drawing("x", "y", None, "Points"))) == DRAWN


@pytest.mark.parametrize("mark", ["Points", "Lines", "Bars"])
@pytest.mark.parametrize("log_y", [False, True])
def test_a_drawing_holds_the_rows_whatever_the_columns_are_called(mark, log_y):
    rows = [(10.0, 80.5, "gn"), (1000.0, 70.5, "bn")]
    frame = answer_frame(answer("speed.images_per_second", "max(top1):Q", "what[0]", rows=rows))
    drawing = Drawing("speed.images_per_second", "max(top1):Q", "what[0]", mark, log_x=True, log_y=log_y)
    chart = answer_figure(drawable(frame, drawing), drawing, LIGHT).to_dict()
    (data,) = chart["datasets"].values()
    assert [tuple(row.values()) for row in data] == rows
    assert chart["encoding"]["x"]["title"] == "speed.images_per_second, images/s"
    assert chart["encoding"]["color"]["scale"]["domain"] == ["bn", "gn"]
    assert chart["encoding"]["y"]["scale"].get("type") == ("log" if log_y else None)
    if mark != "Bars":
        assert chart["encoding"]["x"]["scale"]["type"] == "log"
    if mark == "Points":
        assert chart["encoding"]["shape"]["scale"]["range"] == ["circle", "square"]


def test_many_numbers_are_shades_and_few_are_colours():
    frame = answer_frame(answer("x", "y", "few", "many", rows=[(n, n, n % 3, n) for n in range(40)]))
    few, many = (
        answer_figure(frame, Drawing("x", "y", name, "Points"), LIGHT).to_dict()["encoding"] for name in ("few", "many")
    )
    assert few["color"]["type"] == "nominal"
    assert many["color"]["type"] == "quantitative"
    assert "shape" not in many


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("train_images_per_second", "train_images_per_second, images/s"),
        ("top1_mean", "top1_mean, %"),
        ("top1_ppm", "top1_ppm, images per million"),
        ("top1_std", "top1_std, percentage points"),
        ("test_resolution", "test_resolution, px"),
        ("latency_p99_milliseconds", "latency_p99_milliseconds, ms"),
        ("norm", "norm"),
    ],
)
def test_axes_have_the_unit_that_a_name_tells(name, words):
    assert titled(name) == words
