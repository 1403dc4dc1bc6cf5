"""What may be compared at first sight, and how a place is named in a FILTER. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.words import wording
from db.combination import SOURCE
from db.pairing import Pairing
from db.speedup import Speedup

Row = Mapping[str, Any]

#: What tells one data set and place from another, in the FILTER language.
_SCOPE: Final = ("source", "dataset", "dataset_id", "slot_kind", "device", "threads", "precision")


def families(rows: Sequence[Row]) -> list[str]:
    """Return a FILTER for each family, in the order of ``series``."""
    return [filter_of(name) for name in series(rows)]


def series(rows: Sequence[Row]) -> list[str]:
    """Return the name of each family, from the plainest to the most changed.

    Plain is a small group size, a norm without proxy normalisation, and training at the native resolution.
    """
    found = {str(row["series"]): _change(row) for row in sorted(rows, key=_change, reverse=True)}
    return sorted(found, key=lambda name: (found[name], name))


def filter_of(*names: str) -> str:
    """Return the FILTER of one family by its name, or of several."""
    if len(names) == 1:
        return f"series={_quoted(names[0])}"
    return f"series in ({', '.join(map(_quoted, names))})"


def _change(row: Row) -> tuple[int, bool, bool]:
    return row["group_size"], "+pn" in row["norm"], wording.resolution(row) != "Native"


def scope_filter(row: Row) -> str:
    """Return the FILTER that leaves only results of a row's data set and place."""
    return " ".join(f"{name}={_quoted(row[name])}" for name in _SCOPE if row[name] != SOURCE)


def _quoted(value: Any) -> str:
    if value is None:
        return "none"
    mark = "'" if '"' in str(value) else '"'
    return f"{mark}{value}{mark}" if isinstance(value, str) else str(value)


def headline(result: Speedup) -> str:
    """Say the largest speed-up in a sentence, or why there is none."""
    if result.maximum is None:
        return f"No speed-up to report: {result.reason}."
    largest = result.maximum
    interval = _interval(largest.low, largest.high)
    return f"The candidate is {largest.speedup:.2f}× as fast at {largest.top1:.2f} % top-1{interval}."


def summary(result: Speedup) -> str:
    """Say the speed-up over the whole overlap in a sentence; empty without one."""
    if result.geometric_mean is None:
        return ""
    low, high = result.points[0].top1, result.points[-1].top1
    interval = _interval(result.geometric_mean_low, result.geometric_mean_high)
    over = f"from {low:.2f} to {high:.2f} % top-1, where the two fronts overlap"
    count = wording.counted(len(result.points), "accuracy").replace("accuracys", "accuracies")
    return f"Geometric mean over {count} {over}: {result.geometric_mean:.2f}×{interval}."


def what_intervals_cover(result: Speedup) -> str:
    """Return where the noise in the intervals comes from, what is not in them, and what is left out of both sides."""
    drawn = "seeds and timed blocks are" if "accuracy" in result.interval_covers else "timed blocks are"
    said = [f"An interval is that of the accuracy it stands beside: {drawn} drawn anew."]
    if "accuracy" not in result.interval_covers:
        said.append("Not every network here has several seeds, so the noise of top-1 is not in it.")
    if result.pace:
        said.append(f"{result.pace.capitalize()}.")
    return " ".join(said)


def what_is_paired(pairings: Sequence[Pairing]) -> str:
    """Say how many published rows of the two families have a throughput, and what is assumed of it."""
    said = []
    for pairing in pairings:
        paired = pairing.published - len(pairing.missing) - len(pairing.contended)
        rest = "; `orchestrator launch examples/measure-the-papers-networks.yaml` measures the others"
        said.append(
            f"{paired} of {pairing.published} published results of these families have a throughput measured here"
            f"{rest if paired < pairing.published else ''}."
        )
        if pairing.unnamed:
            said.append(
                f"{pairing.unnamed} do not name their test resolution: their throughput is that at the native one, too "
                "high for what was tested at a larger one."
            )
    return " ".join(said)


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f", 95 % interval {low:.2f}–{high:.2f}"
