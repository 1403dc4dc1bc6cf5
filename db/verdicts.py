"""What is said of a measurement where it is shown, and which measurements a front takes.

clean      nothing to say against it
noisy      its blocks disagree; takes part in a front only where somebody asks for that
contended  something else used the device meanwhile
stale      measured with hardware or software that is no longer there, whatever it was then
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, and_, case, func

#: Such measurements are shown, and take part in no front.
UNUSABLE: Final = ("contended", "stale")
#: Nor do such, if not asked for.
NOISY: Final = "noisy"


def shown_verdict(measurement: FromClause, environment: FromClause) -> ColumnElement[Any]:
    """Return the verdict on a measurement: its own, or ``stale``; NULL where nothing was measured.

    Args:
        measurement: ``measurements``, or an alias of it.
        environment: ``environments``, or an alias of it: where it was measured.
    """
    stale = and_(measurement.c.measurement_id.is_not(None), environment.c.superseded_at.is_not(None))
    return case((stale, "stale"), else_=measurement.c.verdict)


def is_usable(verdict: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition under which a front can take a measurement; published numbers have no verdict."""
    return func.coalesce(verdict, "clean").not_in(UNUSABLE)


def is_clean(verdict: ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition under which a front takes a measurement without being asked to."""
    return func.coalesce(verdict, "clean") == "clean"


def usable_first(verdict: ColumnElement[str]) -> ColumnElement[int]:
    """Sort key: measurements that a front takes, then noisy ones, those of the past, contended ones, and nothing."""
    ranks = {None: 4, "contended": 3, "stale": 2, NOISY: 1}
    return case(*((verdict.is_(one) if one is None else verdict == one, rank) for one, rank in ranks.items()), else_=0)
