"""Page: one's own questions, in SQL."""

import datetime as dt
import time
from dataclasses import dataclass
from typing import Final, cast

import pandas as pd
import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Rows, Source
from dashboard.figures import answer_frame
from dashboard.figures.answer_figure import answer_figure
from dashboard.figures.answer_frame import Drawing, Mark
from dashboard.parts import controls, notices
from dashboard.words import wording
from db import user_sql
from db.description import schema
from db.errors import UserQueryError
from db.recipes import RECIPES

_SECONDS: Final = 10.0
_LIMITS: Final = (1_000, 10_000, 100_000)
#: Rows of the table at most; the file has all.
_SHOWN: Final = 2_000
_ONE_COLOUR: Final = "(one colour)"
#: Where the session keeps its answer, so that another axis does not ask the database again.
_ANSWER: Final = "answer"
#: Whether the chart's choices are to be those that fit a new answer.
_ANEW: Final = "anew"
#: Choice → which axes are logarithmic: x, y.
_AXES: Final = {
    "Linear": (False, False),
    "Logarithmic x": (True, False),
    "Logarithmic y": (False, True),
    "Both logarithmic": (True, True),
}
_SCHEMA_PIXELS: Final = 410
#: A statement reads as code: letters of one width, lines as they were written.
_AS_CODE: Final = (
    "<style>.st-key-sql textarea {font-family: ui-monospace, 'DejaVu Sans Mono', monospace; font-size: 0.8rem; "
    "white-space: pre; overflow-x: auto}</style>"
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a statement gave: rows, or why there are none; how many seconds that took, and when."""

    seconds: float
    at: dt.datetime
    frame: pd.DataFrame
    truncated: bool = False
    error: UserQueryError | None = None


def page() -> None:
    """Show the page.

    Raises:
        StoreError: The database cannot be read.
    """
    st.title("SQL")
    st.markdown(
        "Ask the database whatever the other pages do not. One `SELECT` is run, **read-only**: nothing here can change "
        f"or lock what is stored, and what takes longer than {_SECONDS:g} s is stopped."
    )
    where = reading.source()
    editor, names = st.columns([3, 2], gap="medium")
    with editor:
        statement, limit, pressed = _editor()
    if pressed or _may_run_unasked(statement):
        _ask(where, statement, limit)
    answer = st.session_state.get(_ANSWER)
    if answer is None:
        st.info(
            "This statement came with the link. Nothing of a link's own is run before you say so: read it, then press "
            "**Run**.",
            icon=":material/link:",
        )
    else:
        _show(answer)
    with st.container() if controls.on_a_phone() else names:  # a narrow screen shows the answer first
        _schema()
    if answer is not None and answer.frame.empty and not where.reader.sweeps():
        notices.nothing_yet("There is no sweep yet, so most questions have an empty answer.")


def _editor() -> tuple[str, int, bool]:
    """Let the reader write a statement; return it, how many rows are wanted, and whether it shall run now."""
    st.selectbox(
        "Start from a recipe",
        list(RECIPES),
        key="recipe",
        bind="query-params",
        on_change=_fill,
        help="What is asked most often. Choosing one puts its text into the editor, to be run as it is or changed.",
    )
    st.caption(wording.literal(RECIPES[st.session_state["recipe"]].question))
    st.html(_AS_CODE)
    st.session_state.setdefault("sql", RECIPES[st.session_state["recipe"]].sql)
    with st.form("ask", border=False):
        statement: str = st.text_area("Statement", key="sql", bind="query-params", height=300)
        run, rows = st.columns([2, 3], vertical_alignment="bottom")
        with rows:
            limit = controls.choose("Rows at most", [f"{one:,}" for one in _LIMITS], "rows")
        with run:
            pressed = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:", width="stretch")
    return statement, int(limit.replace(",", "")), pressed


def _fill() -> None:
    """Put the chosen recipe into the editor; what was asked before is gone, and how it was drawn."""
    st.session_state["sql"] = RECIPES[st.session_state["recipe"]].sql
    st.session_state.pop(_ANSWER, None)
    st.session_state[_ANEW] = True


def _may_run_unasked(statement: str) -> bool:
    """Tell whether a statement is run without a click: only a recipe, whose text is ours.

    A statement can come with a link, and a link from a stranger. It could read no more than the page shows anyway, but
    a web site that opens a hundred such links would keep the processors busy while something is measured on them.
    """
    return _ANSWER not in st.session_state and statement == RECIPES[st.session_state["recipe"]].sql


def _ask(where: Source, statement: str, limit: int) -> None:
    started, now = time.perf_counter(), dt.datetime.now(dt.timezone.utc)
    frame, truncated, problem = pd.DataFrame(), False, None
    with st.spinner("Asking …"):
        try:
            result = user_sql.run(where.url, statement, row_limit=limit, seconds=_SECONDS)
            frame, truncated = answer_frame.answer_frame(result), result.truncated
        except UserQueryError as error:
            problem = error
    seconds = time.perf_counter() - started
    before = st.session_state.get(_ANSWER)
    if before is not None and list(before.frame) != list(frame):
        st.session_state[_ANEW] = True
    st.session_state[_ANSWER] = _Answer(seconds, now, frame, truncated, problem)


def _schema() -> None:
    """Let the reader look up views, tables and columns."""
    found = schema()
    chosen = st.selectbox(
        "Views and tables",
        list(found),
        key="table",
        bind="query-params",
        help="The four views are meant for people and stay as they are; the tables are what they are made of.",
    )
    one = found[cast("str", chosen)]  # never None: there are options
    st.caption(wording.literal(f"{'View' if one.is_view else 'Table'}; one row: {one.rows}."))
    rows = [
        {"column": f"`{c.name}`", "type; meaning": "; ".join(filter(None, (c.type, c.meaning)))} for c in one.columns
    ]
    with st.container(height=_SCHEMA_PIXELS):
        st.table(rows, border="horizontal", hide_index=True)


def _show(answer: _Answer) -> None:
    if answer.error is not None:
        message = answer.error.message[:1].upper() + answer.error.message[1:]
        st.error(f"{wording.literal(message)}.\n\n{wording.literal(answer.error.hint)}", icon=":material/error:")
        return
    number = len(answer.frame)
    st.caption(_told(answer))
    if answer.truncated:
        st.warning(
            f"Truncated: the statement gives more than {number:,} rows. Ask for more rows, or select fewer: what is "
            "drawn and downloaded is the first part only.",
            icon=":material/content_cut:",
        )
    if not number:
        return
    table, chart = st.tabs(["Table", "Chart"], key="as", bind="query-params", on_change="rerun")
    if table.open:
        table.dataframe(answer.frame.head(_SHOWN), hide_index=True, placeholder="NULL", key="rows-of-answer")
    if chart.open:
        with chart:
            _chart(answer.frame)
    controls.download(lambda: _records(answer.frame), number, "answer")


def _records(frame: pd.DataFrame) -> Rows:
    return cast("Rows", frame.to_dict("records"))


def _told(answer: _Answer) -> str:
    number = len(answer.frame)
    shown = f"{number:,}" if number <= _SHOWN else f"The first {_SHOWN:,} of {number:,}"
    rows = wording.counted(number, "row").split(" ", 1)[1]
    return f"{shown} {rows} shown; answered in {max(answer.seconds, 0.01):.2f} s at {answer.at:%H:%M:%S} UTC."


def _chart(frame: pd.DataFrame) -> None:
    first = answer_frame.first_drawing(frame)
    if first is None:
        st.info("A chart needs a column of numbers and another column.", icon=":material/show_chart:")
        return
    drawing = _drawing(frame, first)
    rows = answer_frame.drawable(frame, drawing)
    if rows.empty:
        st.info("No row has a value on both axes.", icon=":material/show_chart:")
        return
    st.altair_chart(answer_figure(rows, drawing, controls.palette()), key="answer-chart")
    if len(rows) < len(frame):
        st.caption(
            f"{len(rows):,} of {len(frame):,} rows drawn: at most {answer_frame.DRAWN:,}, and only those with a value "
            "on both axes (above zero where the axis is logarithmic)."
        )


def _drawing(frame: pd.DataFrame, first: Drawing) -> Drawing:
    """Let the reader choose what is drawn against what; at first, what fits the columns."""
    columns = [str(name) for name in frame]
    axes = next(words for words, logarithmic in _AXES.items() if logarithmic == (first.log_x, first.log_y))
    at_first = {"x": first.x, "y": first.y, "colour": first.colour or _ONE_COLOUR, "mark": first.mark, "axes": axes}
    if st.session_state.pop(_ANEW, False):
        st.session_state.update(at_first)
    choices = {
        "x": ("x", columns),
        "y": ("y", answer_frame.numbers(frame)),
        "colour": ("Colour", [_ONE_COLOUR, *columns]),
        "mark": ("Drawn as", answer_frame.MARKS),
        "axes": ("Axes", list(_AXES)),
    }
    chosen = {}
    for place, (key, (label, options)) in zip(st.columns(len(choices)), choices.items(), strict=True):
        with place:
            chosen[key] = controls.choose(label, list(dict.fromkeys([at_first[key], *options])), key)
    colour = None if chosen["colour"] == _ONE_COLOUR else chosen["colour"]
    return Drawing(chosen["x"], chosen["y"], colour, cast("Mark", chosen["mark"]), *_AXES[chosen["axes"]])


if __name__ == "__main__":
    with notices.errors_told():
        page()
