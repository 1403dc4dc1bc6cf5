"""New results are told, and shown when the reader asks: nothing that somebody looks at changes by itself.

A page looks at the database as it was when the reader last chose something::

    shown = freshness.held(reading.source(), "training", chosen)
    ...                       # reads with ``shown``
    freshness.news(shown)     # "12 new results" and a button, while there are any
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard.data import reading
from dashboard.data.reading import Source
from dashboard.words import wording
from db.errors import StoreError

#: Between two looks at the version of the data, which is one small query.
SECONDS: Final = 5.0
_KEY: Final = "held"


@dataclass(frozen=True, slots=True)
class _Held:
    choices: Hashable
    source: Source


def held(now: Source, *choices: Hashable) -> Source:
    """Return the database as it was when the reader came to these choices; as it is now if they are others.

    Args:
        now: The database.
        choices: Everything that says what the page shows, and of which page.
    """
    kept: _Held | None = st.session_state.get(_KEY)
    if kept is None or kept.choices != choices or kept.source.url != now.url:
        kept = _Held(choices, now)
        st.session_state[_KEY] = kept
    return kept.source


def let_go() -> None:
    """Forget what the reader came to, so that the next run shows the database as it is then."""
    st.session_state.pop(_KEY, None)


def news(shown: Source) -> None:
    """Say how many results came since, now and every few seconds, with a button that shows them.

    Args:
        shown: What the page shows; of ``held``.
    """
    stored = reading.results_stored(shown)
    _look(shown, stored)


@st.fragment(run_every=SECONDS)
def _look(shown: Source, stored: int) -> None:
    new = _arrived(shown, stored)
    if new <= 0:
        return
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center", key="news"):
        st.markdown(f"**{wording.counted(new, 'new result')}**", width="content")
        if st.button("Show them", icon=":material/refresh:", key="show-news"):
            let_go()
            st.rerun()


def _arrived(shown: Source, stored: int) -> int:
    """Return how many results came since; none where the database cannot be read for a moment."""
    try:
        if shown.reader.data_version() == shown.version:
            return 0
        return shown.reader.results_stored() - stored
    except StoreError:
        return 0
