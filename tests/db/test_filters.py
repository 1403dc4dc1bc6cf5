"""The FILTER language."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.types import NullType

from db import filters, views
from db.errors import FilterError
from db.filters import Condition, Sibling
from db.fronts import FILTERABLE
from db.publications import read_csv
from tests.db.example_rows import Sweep
from tests.db.test_publications import PAPER

RESULTS = {column.name: column.type for column in views.RESULTS.c}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("group_size=16", (Condition("group_size", "=", (16,)),)),
        ("group_size = 16", (Condition("group_size", "=", (16,)),)),
        ("width<=0.5", (Condition("width", "<=", (0.5,)),)),
        ("norm=ln+pn seed!=1", (Condition("norm", "=", ("ln+pn",)), Condition("seed", "!=", (1,)))),
        ("norm in (gn, ln+pn)", (Condition("norm", "in", ("gn", "ln+pn")),)),
        ("seed IN(0)", (Condition("seed", "in", (0,)),)),
        ('device="Intel(R) Xeon = fast"', (Condition("device", "=", ("Intel(R) Xeon = fast",)),)),
        ("device='a \"b\"'", (Condition("device", "=", ('a "b"',)),)),
        ("train_resolution=half", (Condition("train_resolution", "=", (Sibling("half_resolution"),)),)),
        ("test_resolution>native", (Condition("test_resolution", ">", (Sibling("native_resolution"),)),)),
        ("small_images=yes", (Condition("small_images", "=", (True,)),)),
        ("device=none", (Condition("device", "=", (None,)),)),
        ("fine_tune_layers=none", (Condition("fine_tune_layers", "=", ("none",)),)),
        (
            "finished_at>=2026-01-31",
            (Condition("finished_at", ">=", (dt.datetime(2026, 1, 31, tzinfo=dt.timezone.utc),)),),
        ),
    ],
)
def test_a_filter_is_read(text, expected):
    assert filters.parse(text, RESULTS) == expected


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("grup_size=16", 0, "Did you mean 'group_size'"),
        ("seed=0 nrm=gn", 7, "Did you mean 'norm'"),
        ("group_size=sixteen", 11, "a whole number, not 'sixteen'"),
        ("width=wide", 6, "a number, not 'wide'"),
        ("small_images=maybe", 13, "true or false"),
        ("finished_at>yesterday", 12, "a time"),
        ("group_size", 10, "ends where an operator"),
        ("group_size=", 11, "ends where a value"),
        ("group_size 16", 11, "'16' where an operator"),
        ("group_size==16", 11, "'=' where a value"),
        ("norm<gn", 4, "has no order"),
        ("seed<none", 4, "has no order"),
        ("norm in gn", 8, "where '(' should be"),
        ("norm in (gn", 11, "where ')' or ',' should be"),
        ("norm in (gn,)", 12, "where a value should be"),
        ("norm in ()", 9, "where a value should be"),
        ("= 16", 0, "where a column should be"),
        ('device="open', 7, "cannot read"),
        ("seed=0 and seed=1", 7, "no column 'and'"),
        ("norm=native", None, ""),
    ],
)
def test_a_filter_that_cannot_be_understood_says_where_and_why(text, position, message):
    if position is None:
        assert filters.parse(text, RESULTS)
        return
    with pytest.raises(FilterError) as refused:
        filters.parse(text, RESULTS)
    assert message.lower() in str(refused.value).lower()
    assert refused.value.position == position


@given(st.text() | st.text(alphabet="group_size=16 ()<>!,'\"innorm "))
def test_any_text_is_read_or_refused(text):
    try:
        filters.parse(text, RESULTS)
    except FilterError as refused:
        assert 0 <= refused.position <= len(text)  # noqa: PT017  # either outcome is right


@given(st.text(alphabet="'\";-%:()\\ a=", min_size=1).filter(lambda text: '"' not in text))
def test_values_are_bound_and_never_part_of_the_statement(value):
    (condition,) = filters.parse(f'device="{value}"', RESULTS)
    statement = select(views.RESULTS.c.sweep).where(condition.expression(views.RESULTS))
    compiled = statement.compile(create_engine("sqlite://"))
    assert value.lower() in compiled.params.values()
    assert "'" not in str(compiled)


@pytest.fixture(scope="module")
def reader(shared_store, shared_reader):
    sweep = Sweep(shared_store)
    sweep.evaluate(sweep.train(1))
    shared_store.put_publication("paper", "imagenet", read_csv(PAPER, {"b0": 224}, {"b0": 160}))
    return shared_reader


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", 37),
        ("source=published", 36),
        ("group_size=16 norm=LN+PN source=Published", 12),
        ("norm in (gn) model_size!=b0", 20),
        ("top1>83.9 source=published", 2),
        ("top1>=83.95 top1<84.05", 1),
        ("model_size=b0 train_resolution=half", 3),
        ("model_size=b0 train_resolution!=half", 4),
        ("seed=none", 36),
        ("seed!=0", 36),
        ("seed!=none", 1),
        ("sweep=fashion", 1),
        ("small_images=true", 1),
        ("finished_at>2020-01-01", 1),
        ('device="IPU-POD16 (16 Mk2 IPUs)"', 36),
    ],
)
def test_a_filter_chooses_the_same_rows_on_both_engines(reader, text, rows):
    assert len(reader.view(filter_text=text)) == rows


def test_every_column_has_a_type_that_a_value_can_be_read_as():
    assert not [
        (view.name, one.name) for view in views.VIEWS.values() for one in view.c if isinstance(one.type, NullType)
    ]
    assert filters.parse("seeds>=2 top1_std<0.5", FILTERABLE) == (
        Condition("seeds", ">=", (2,)),
        Condition("top1_std", "<", (0.5,)),
    )


def test_a_front_knows_the_columns_of_its_points_and_of_what_is_pooled():
    assert {"top1_mean", "seeds", "seed", "sweep", "series"} <= set(FILTERABLE)
    assert "top1" not in FILTERABLE
