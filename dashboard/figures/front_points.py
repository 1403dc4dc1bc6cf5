"""Rows of the store as a front chart draws them. Pure."""

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import pandas as pd

from dashboard.figures import families
from dashboard.words import comparing, wording
from db.front_views import Mode, Scenario
from db.group_fronts import COSTS, Cost

Row = Mapping[str, Any]
Rows = list[dict[str, Any]]

#: Column of the row → whose multiply-accumulates the left panel shows.
MACS: Final[dict[Mode, str]] = {"train": "train_macs", "inference": "test_macs"}
#: Verdicts on measurements besides ``CLEAN``. Those that do not compete are drawn in grey, each in its own shape.
NOISY, CONTENDED, STALE = "noisy", "contended", "stale"
CLEAN: Final = "clean"
#: Labels are written only where there are no more than this many: else they hide the points.
_MOST_LABELS: Final = 16


@dataclass(frozen=True)
class Drawn:
    """Points of one data set and place, all with the columns of ``Reader.points``.

    Attributes:
        competing: What takes part in the front.
        greyed: What was measured and does not.
        leaders: By what the points are judged besides accuracy → the points that lead their group in it.
        theory: The points that lead all in multiply-accumulates.
    """

    competing: Rows
    greyed: Rows = field(default_factory=list)
    leaders: Mapping[Cost, Rows] = field(default_factory=dict)
    theory: Rows = field(default_factory=list)

    @cached_property
    def rows(self) -> Rows:
        """Every point, each once, those that compete first; leaders of a group far from the front are among them."""
        known = {families.identity(row) for row in self.competing}
        further: dict[str, dict[str, Any]] = {}
        for row in (*self.theory, *(row for cost in COSTS for row in self.leaders.get(cost, ()))):
            identity = families.identity(row)
            if identity not in known:
                further.setdefault(identity, {**row, "on_front": False})
        return [*self.competing, *further.values(), *self.greyed]


def front_points(
    drawn: Drawn,
    *,
    mode: Mode,
    scenario: Scenario,
    parts: Sequence[str],
    blocks: Mapping[int, Sequence[float]],
) -> pd.DataFrame:
    """Return one record per point.

    Args:
        drawn: Which points.
        mode: Whose throughput the rows tell.
        scenario: Which test resolutions they are of.
        parts: Names in ``families.PARTS`` that make a family.
        blocks: Measurement → images per second of its timed blocks.
    """
    rows = drawn.rows
    aside = len(rows) - len(drawn.greyed)
    fronts = {"theory": drawn.theory, **{f"leads_{cost}": drawn.leaders.get(cost, []) for cost in COSTS}}
    led = {name: _identities(leaders) for name, leaders in fronts.items()}
    labels = _labels(rows[:aside], scenario)
    records = []
    for number, row in enumerate(rows):
        identity, competes = families.identity(row), number < aside
        label = labels.get(identity, "") if competes else ""
        records.append(
            {
                "point": identity,
                "family": families.family(row, parts),
                "line": families.line(row, scenario),
                "order": row["test_resolution"] if scenario == "all" else row["params"],
                "verdict": row[f"{mode}_verdict"] or CLEAN,
                "competes": competes,
                "on_front": bool(row["on_front"]),
                "label": label,
                "end": row["series"] if label else "",
                **{name: competes and identity in leaders for name, leaders in led.items()},
                **_numbers(row, mode, blocks),
                **_words(row, mode, competes=competes),
            }
        )
    frame: pd.DataFrame = pd.DataFrame(records)
    return frame


def _identities(rows: Sequence[Row]) -> Collection[str]:
    return {families.identity(row) for row in rows}


def _labels(rows: Sequence[Row], scenario: Scenario) -> dict[str, str]:
    """Return identity → label of the points of the plainest and of the most changed series, if they are few."""
    if scenario == "all":
        return {}
    series = comparing.series(rows)
    chosen = [row for row in rows if row["series"] in {*series[:1], *series[-1:]}]
    if len(chosen) > _MOST_LABELS:
        return {}
    sizes = {row["model_size"] for row in rows}
    return {families.identity(row): _label(row, of_one_size=len(sizes) == 1) for row in chosen}


def _label(row: Row, *, of_one_size: bool) -> str:
    if of_one_size and row["width"] is not None:
        return f"×{row['width']:g}"
    return wording.network(row).upper().replace("X", "×")


def _numbers(row: Row, mode: Mode, blocks: Mapping[int, Sequence[float]]) -> dict[str, Any]:
    throughput, deviation = row["images_per_second"], row["top1_std"] or 0.0
    low, high = _middle_half(blocks.get(row[f"{mode}_measurement_id"], ()), throughput)
    return {
        "macs": row[MACS[mode]],
        "images_per_second": throughput,
        "images_per_second_low": low,
        "images_per_second_high": high,
        "top1": row["top1_mean"],
        "top1_low": row["top1_mean"] - deviation,
        "top1_high": row["top1_mean"] + deviation,
    }


def _middle_half(rates: Sequence[float], throughput: float) -> tuple[float, float]:
    """Return the quartiles of the timed blocks; the throughput itself where there are too few."""
    if len(rates) < 3:
        return throughput, throughput
    low, _, high = statistics.quantiles(rates, n=4, method="inclusive")
    return low, high


def status(row: Row, mode: Mode, *, competes: bool) -> str:
    """Say what became of a point."""
    verdict = row[f"{mode}_verdict"] or CLEAN
    if not competes:
        return f"does not compete: {verdict}"
    place = "on the front" if row["on_front"] else "beaten"
    return place if verdict == CLEAN else f"{place}, {verdict}"


def _words(row: Row, mode: Mode, *, competes: bool) -> dict[str, str]:
    """Return what is told when somebody points at a point."""
    cv = row[f"{mode}_throughput_cv"]
    spread = "" if cv is None else f" (varies by {100 * cv:.1f} %)"
    kind = f"group size {row['group_size']}, expansion {row['expansion']}, {row['norm']}"
    return {
        "Network": f"{wording.network(row)}, {kind}",
        "Trained, tested at": trained_and_tested(row),
        "Top-1": wording.top1(row["top1_mean"], row["top1_std"], row["seeds"]),
        "Throughput": wording.rate(row["images_per_second"]) + spread,
        "Forward pass": wording.amount(row[MACS[mode]], "MACs"),
        "Parameters": wording.amount(row["params"], "").strip(),
        "Status": status(row, mode, competes=competes),
    }


def trained_and_tested(row: Row) -> str:
    """Return the two resolutions of a point: ``20 → 28 px``."""
    tested = "best" if row["test_resolution"] is None else row["test_resolution"]
    return f"{row['train_resolution']} → {tested} px"


#: Keys of a record that are shown when somebody points at a point.
TOLD: Final = ("family", "Network", "Trained, tested at", "Top-1", "Throughput", "Forward pass", "Parameters", "Status")
