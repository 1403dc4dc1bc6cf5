"""Axes of a search's objectives. Pure."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard.figures import axes
from dashboard.words import search_terms
from dashboard.words.search_account import Account


def sides(account: Account) -> tuple[int, int]:
    """Return which of two objectives is drawn to the right and which upwards: accuracy upwards, as on all pages."""
    return (0, 1) if account.terms.objectives[1] == search_terms.TOP1 else (1, 0)


def position(account: Account, index: int, values: Sequence[float], way: type[alt.X | alt.Y]) -> Any:
    """Return the encoding of an objective's values: logarithmic for a throughput, linear for anything else.

    Args:
        account: Of the search.
        index: The objective's place.
        values: What must fit on the axis.
        way: To the right, or upwards.
    """
    objective = account.terms.objectives[index]
    title = search_terms.title(objective)
    if search_terms.is_rate(objective):
        low, high = axes.log_domain(values)
        axis = alt.Axis(values=axes.log_ticks(low, high), format="~s", grid=True, labelFlush=False)
        scale = alt.Scale(type="log", domain=[low, high], nice=False)
    else:
        edge = max(0.06 * (max(values) - min(values)), 0.05)
        axis = alt.Axis(tickCount=6, grid=True)
        scale = alt.Scale(zero=False, nice=False, domain=[min(values) - edge, max(values) + edge])
    return way(f"value{index}", type="quantitative", title=title, axis=axis, scale=scale)


def known(records: pd.DataFrame, index: int) -> list[float]:
    """Return the values of an objective, where they are known."""
    return [float(one) for one in records[f"value{index}"].dropna()]
