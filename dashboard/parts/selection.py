"""Points that the reader selects, in the chart or in the table below it, and where they lead.

The address names them, so that a link selects them again.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from dashboard.data.reading import Rows
from dashboard.figures import families
from dashboard.figures.front_points import trained_and_tested
from dashboard.parts import result_links
from dashboard.words import wording

Row = Mapping[str, Any]

#: Parameter of the address, and name of the widget.
PARAMETER: Final = "points"
CHART: Final = "front"
_KEY: Final = "selection"
_HINT: Final = (
    "Click a point to open its results, shift-click more of them to compare; or tick rows of the table. A click beside "
    "the points lets go."
)


@dataclass(slots=True)
class Selection:
    """What is selected in one chart and its table.

    Attributes:
        of: Tells one chart from another; another one begins with what the address names.
        at_first: What the chart was drawn with. It stays, so that a click does not draw the chart anew.
        clicked: Selected in the chart.
        ticked: Selected in the table.
    """

    of: Hashable
    at_first: tuple[str, ...]
    clicked: list[str] = field(default_factory=list)
    ticked: list[str] = field(default_factory=list)

    @property
    def points(self) -> list[str]:
        """Every selected point, in the order of selection."""
        return list(dict.fromkeys([*self.clicked, *self.ticked]))

    def tell(self) -> None:
        """Write them into the address."""
        if self.points:
            st.query_params[PARAMETER] = ",".join(self.points)
        elif PARAMETER in st.query_params:
            del st.query_params[PARAMETER]


def of_chart(identity: Hashable) -> Selection:
    """Return what is selected in the chart of this identity."""
    kept: Selection | None = st.session_state.get(_KEY)
    if kept is None or kept.of != identity:
        named = [one for one in st.query_params.get(PARAMETER, "").split(",") if one]
        kept = Selection(identity, tuple(named), clicked=named)
        st.session_state[_KEY] = kept
    return kept


def chart_changed(parameter: str) -> None:
    """Take over what was clicked; to be called when Streamlit tells that the chart's selection changed."""
    kept: Selection = st.session_state[_KEY]
    kept.clicked = [one["point"] for one in st.session_state[CHART]["selection"].get(parameter, ())]
    kept.tell()


def table_changed(key: str, points: Sequence[str]) -> None:
    """Take over which rows were ticked.

    Args:
        key: Of the table.
        points: Identity of every row.
    """
    kept: Selection = st.session_state[_KEY]
    kept.ticked = [points[row] for row in st.session_state[key]["selection"]["rows"] if row < len(points)]
    kept.tell()


def show(selected: Sequence[str], rows: Rows, evaluations_of: Callable[[Rows], list[Rows]]) -> None:
    """Show the selected points with links to their results, and to their comparison.

    Args:
        selected: Their identities.
        rows: Every point of the chart.
        evaluations_of: Returns what each of some points pools.
    """
    if not selected:
        st.caption(_HINT)
        return
    known = {families.identity(row): row for row in rows}
    points = [known[one] for one in selected if one in known]
    with st.container(border=True, key="selected"):
        pooled = evaluations_of(points)
        for point, evaluations in zip(points, pooled, strict=True):
            _point(point, evaluations)
        if len(points) < len(selected):
            st.caption(f"{wording.counted(len(selected) - len(points), 'selected point')} not among those shown.")
        _comparison(pooled)


def _point(row: Row, evaluations: Rows) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(described(row), width="content")
        result_links.open_seeds([(one["evaluation"], f"Open seed {one['seed']}") for one in evaluations])
        if not evaluations:
            st.caption("published: nothing but this is known", width="content")


def described(row: Row) -> str:
    """Return a point in a line of Markdown."""
    accuracy = wording.top1(row["top1_mean"], row["top1_std"], row["seeds"])
    told = [trained_and_tested(row), accuracy, wording.rate(row["images_per_second"])]
    name = wording.literal(f"{wording.network(row)} {row['series']}")
    return f"**{name}** · {wording.literal(' · '.join(told))}"


def compared(pooled: Sequence[Rows]) -> tuple[list[str], str]:
    """Return what would be compared, and what the link to it says.

    Of several points their first seeds are compared; of one, its seeds.
    """
    if len(pooled) == 1:
        seeds = [one["evaluation"] for one in pooled[0][: result_links.MOST]]
        some = f"{len(seeds)} of {len(pooled[0])}" if len(seeds) < len(pooled[0]) else f"{len(seeds)}"
        return seeds, f"Compare {some} seeds"
    firsts = [evaluations[0]["evaluation"] for evaluations in pooled if evaluations]
    return firsts, f"Compare {len(firsts)} points, by their first seeds"


def _comparison(pooled: Sequence[Rows]) -> None:
    chosen, label = compared(pooled)
    if len(chosen) > result_links.MOST:
        st.caption(f"{len(chosen)} points are selected; at most {result_links.MOST} can be compared.")
    elif len(chosen) >= result_links.FEWEST:
        result_links.compare(chosen, label)
