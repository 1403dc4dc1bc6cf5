"""Speed-ups of a publication beside one's own, for the same pairs of families. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.words import wording
from dashboard.words.coverage import DRAWN
from db.speedup import Speedup

Row = Mapping[str, Any]


def baseline(theirs: Sequence[str], yours: Sequence[str]) -> str:
    """Return the family to compare with at first: the plainest that both have, or the publication's.

    Args:
        theirs: The publication's families, from the plainest to the most changed; at least one.
        yours: Families that were measured here.
    """
    return next((name for name in theirs if name in yours), theirs[0])


def table(series: Sequence[str], theirs: Mapping[str, Speedup], yours: Mapping[str, Speedup]) -> list[dict[str, Any]]:
    """Return a row per family: its largest and mean speed-up as published and as measured here.

    Args:
        series: The publication's families but the baseline.
        theirs: Speed-up of each over the baseline, as published.
        yours: Likewise here, of those that were measured here.
    """
    return [_row(name, theirs[name], yours.get(name)) for name in series]


def _row(name: str, theirs: Speedup, yours: Speedup | None) -> dict[str, Any]:
    return {
        "series": name,
        **_numbers("published", theirs),
        **_numbers("yours", yours),
        "note": _note(theirs, yours),
    }


def _numbers(side: str, result: Speedup | None) -> dict[str, float | None]:
    largest = result.maximum if result else None
    return {
        f"{side}_largest": largest.speedup if largest else None,
        f"{side}_at_top1": largest.top1 if largest else None,
        f"{side}_low": largest.low if largest else None,
        f"{side}_high": largest.high if largest else None,
        f"{side}_mean": result.geometric_mean if result else None,
    }


def _note(theirs: Speedup, yours: Speedup | None) -> str:
    told = [f"published: {theirs.reason}"] if theirs.reason else []
    if yours is None:
        told.append("not measured here")
    elif yours.reason:
        told.append(f"here: {yours.reason}")
    return "; ".join(told)


def headline(base: str, rows: Sequence[Row]) -> str:
    """Say the largest published speed-up, and what the same family comes to here.

    Args:
        base: The baseline's family.
        rows: Of ``table``.
    """
    known = [row for row in rows if row["published_largest"] is not None]
    if not known:
        return f"No family of the publication has an accuracy in common with {base}."
    # One that is measured here comes before one that is not.
    best = max(known, key=lambda row: (row["yours_largest"] is not None, row["published_largest"]))
    told = f"Published: {best['series']} is up to {_largest(best, 'published', f' as fast as {base}')}."
    return f"{told} Here: {_largest(best, 'yours')}." if best["yours_largest"] is not None else told


def _largest(row: Row, side: str, than: str = "") -> str:
    low, high = row[f"{side}_low"], row[f"{side}_high"]
    interval = "" if low is None or high is None else f", 95 % interval {low:.2f}–{high:.2f}"
    return f"{row[f'{side}_largest']:.2f}×{than} at {row[f'{side}_at_top1']:.2f} % top-1{interval}"


def coverage(theirs: Sequence[Row], yours: Sequence[Row], shared: Sequence[str], own: Sequence[str]) -> str:
    """Say what is drawn of both, and what is not.

    Args:
        theirs: Published points.
        yours: Points measured here, of families that are published.
        shared: The families that both have.
        own: All families that were measured here.
    """
    published = len({row["series"] for row in theirs})
    told = f"{wording.counted(len(theirs), 'published point')} of {_families(published)}; here, "
    told += f"{wording.counted(len(yours), 'point')} of {len(shared)} of these."
    if sum(not row["on_front"] for row in yours) >= DRAWN:
        told += f" Of those beside your front, no more than {DRAWN:,} are drawn: the nearest."
    others = len(own) - len(shared)
    return f"{told} {_families(others)} measured here are not in the publication and not drawn." if others else told


def _families(number: int) -> str:
    return f"{number:,} family" if number == 1 else f"{number:,} families"
