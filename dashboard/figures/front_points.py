"""Rows of the store as a front chart draws them. Pure."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd

from dashboard import wording
from dashboard.figures import families
from db.front_views import Mode, Scenario

Row = Mapping[str, Any]

#: Column of the row → whose multiply-accumulates the left panel shows.
MACS: Final[dict[Mode, str]] = {"train": "train_macs", "inference": "test_macs"}
#: What a point is called in the legend of the table.
ON_FRONT, BEATEN, NOISY = "on the front", "beaten", "noisy"


def front_points(
    rows: Sequence[Row],
    *,
    mode: Mode,
    scenario: Scenario,
    parts: Sequence[str],
    blocks: Mapping[int, Sequence[float]],
) -> pd.DataFrame:
    """Return one record per point.

    Args:
        rows: Points of one data set and place, as ``Reader.points`` returns them.
        mode: Whose throughput the rows tell.
        scenario: Which test resolutions they are of.
        parts: Names in ``families.PARTS`` that make a family.
        blocks: Measurement → images per second of its timed blocks.
    """
    frame: pd.DataFrame = pd.DataFrame([_record(row, mode, scenario, parts, blocks) for row in rows])
    return frame


def _record(
    row: Row, mode: Mode, scenario: Scenario, parts: Sequence[str], blocks: Mapping[int, Sequence[float]]
) -> dict[str, Any]:
    macs, throughput = row[MACS[mode]], row["images_per_second"]
    low, high = _middle_half(blocks.get(row[f"{mode}_measurement_id"], ()), throughput)
    deviation = row["top1_std"] or 0.0
    return {
        "point": "/".join((families.line(row, scenario), wording.network(row), str(row["test_resolution"]))),
        "family": families.family(row, parts),
        "line": families.line(row, scenario),
        "order": row["test_resolution"] if scenario == "all" else row["params"],
        "status": _status(row, mode),
        "on_front": bool(row["on_front"]),
        "macs": macs,
        "images_per_second": throughput,
        "images_per_second_low": low,
        "images_per_second_high": high,
        "top1": row["top1_mean"],
        "top1_low": row["top1_mean"] - deviation,
        "top1_high": row["top1_mean"] + deviation,
        **_words(row, mode, throughput, macs),
    }


def _middle_half(rates: Sequence[float], throughput: float) -> tuple[float, float]:
    """Return the quartiles of the timed blocks; the throughput itself where there are too few."""
    if len(rates) < 3:
        return throughput, throughput
    low, _, high = statistics.quantiles(rates, n=4, method="inclusive")
    return low, high


def _status(row: Row, mode: Mode) -> str:
    if row[f"{mode}_verdict"] == "noisy":
        return NOISY
    return ON_FRONT if row["on_front"] else BEATEN


def _words(row: Row, mode: Mode, throughput: float, macs: float | None) -> dict[str, str]:
    """Return what is told when somebody points at a point."""
    cv = row[f"{mode}_throughput_cv"]
    spread = "" if cv is None else f" (varies by {100 * cv:.1f} %)"
    tested = "best" if row["test_resolution"] is None else f"{row['test_resolution']} px"
    kind = f"group size {row['group_size']}, expansion {row['expansion']}, {row['norm']}"
    return {
        "Network": f"{wording.network(row)}, {kind}",
        "Trained, tested at": f"{row['train_resolution']} px, {tested}",
        "Top-1": wording.top1(row["top1_mean"], row["top1_std"], row["seeds"]),
        "Throughput": wording.rate(throughput) + spread,
        "Forward pass": wording.amount(macs, "MACs"),
        "Parameters": wording.amount(row["params"], "").strip(),
        "Measured on": wording.place(row),
    }


#: Keys of a record that are shown when somebody points at a point.
TOLD: Final = ("family", "Network", "Trained, tested at", "Top-1", "Throughput", "Forward pass", "Parameters", "status")
