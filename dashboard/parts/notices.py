"""What a page says when there is nothing to show, or when something is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.words import wording
from db.errors import DatabaseMissingError, StoreError

FIRST_STEP = "orchestrator launch examples/quickstart.yaml"
FIRST_SEARCH = "orchestrator search examples/search.yaml"
_BELOW: Final[ContextVar[DeltaGenerator | None]] = ContextVar("below", default=None)


@contextmanager
def folded_up(label: str, icon: str) -> Iterator[None]:
    """Fold up what follows; what notices tell meanwhile stands below, where it is seen."""
    box = st.expander(label, icon=icon)
    told = _BELOW.set(st.container())
    try:
        with box:
            yield
    finally:
        _BELOW.reset(told)


def place() -> DeltaGenerator:
    """Return where a notice is seen: here, or below what is folded up."""
    return _BELOW.get() or st.container()


@contextmanager
def errors_told(title: str | None = None) -> Iterator[None]:
    """Show what went wrong with the store in a sentence, with what to do about it, and end the page there.

    Args:
        title: Of the page, where it has none yet.
    """
    try:
        yield
    except StoreError as error:
        if title is not None:
            st.title(title)
        st.error(f"{_begun(wording.literal(error.message))}.\n\n{_hint(error.hint)}", icon=":material/error:")
        if isinstance(error, DatabaseMissingError):
            st.markdown("To fill a first database with a small sweep on real images:")
            st.code(FIRST_STEP, language="sh", wrap_lines=True)
        st.stop()


def _begun(sentence: str) -> str:
    """Return a sentence with a capital letter, unless it begins with a database's URL."""
    is_word = "/" not in sentence.partition(" ")[0]
    return sentence[:1].upper() + sentence[1:] if is_word else sentence


def _hint(text: str) -> str:
    """Return a hint in Markdown: what stands between backticks is a command, all else is shown as it is."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them has no other: it opens no command
        return wording.literal(text)
    return "".join(f"`{part}`" if index % 2 else wording.literal(part) for index, part in enumerate(parts))


def nothing_yet(what: str) -> None:
    """Say that something is not there yet, and how to get it, and end the page there."""
    _first_step(f"{what} Start a first sweep, a small one on real images, with this command:", FIRST_STEP)


def no_search_yet() -> None:
    """Say that nobody has searched yet, and how to, and end the page there."""
    _first_step(
        "There is no search here yet. A search trains a part of a grid: it proposes what is likely to be a good "
        "trade-off, and learns from each result. Begin a small one, on real images, with this command:",
        FIRST_SEARCH,
    )


def _first_step(what: str, command: str) -> None:
    """Say what is not there yet, and the command that brings it, and end the page there."""
    with place():
        st.info(what, icon=":material/info:")
        st.code(command, language="sh", wrap_lines=True)
    st.stop()


def nothing_left(what: str) -> None:
    """Say that the reader's choices let nothing through, and end the page there."""
    place().info(what, icon=":material/filter_alt_off:")
    st.stop()
