"""How a speed-up comes about, change by change: group convolution, then proxy norm, then half the resolution. Pure."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.words import wording
from db.steps import Breakdown, Choice, Part

Row = Mapping[str, Any]

NO_ACCURACY: Final = "no accuracy in common"
#: In what a family can differ from another one: the beginning of its name, its norm, its train resolution.
_Structure = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One change, and what it does to the throughput at equal accuracy.

    Attributes:
        series: The family that it leads to.
        change: What changes, in words.
        part: What it comes to.
    """

    series: str
    change: str
    part: Part


@dataclass(frozen=True, slots=True)
class Account:
    """A speed-up step by step, over some choice of accuracies.

    Attributes:
        steps: From the first family's successor to the last family.
        together: The last family over the first.
        choice: Which accuracies.
        only: Whether there is no other choice.
    """

    steps: tuple[Step, ...]
    together: Part
    choice: Choice
    only: bool

    @property
    def exact(self) -> bool:
        """Whether the steps multiply to all together."""
        return self.choice != "own" or len(self.steps) == 1


#: The choices of accuracies, in the words of the page.
CHOICES: Final[dict[Choice, str]] = {
    "peak": "Where all together bring the most",
    "common": "On average, where all families reach",
    "own": "On average, where each step's two families reach",
}


def chain(families: Sequence[Row], first: str, last: str) -> list[str]:
    """Return the families on the way from one to another, with one change at a time where there are such.

    The order of the changes is the one with the most families on it: the paper's (group size, norm, resolution) if it
    is among these. Families that differ from the first in nothing but the rest of their name follow it, such as
    ``G1-GN-Native``, the fine-tuned ``G1-GN-Baseline``, in the order of the alphabet.

    Args:
        families: Rows with ``series``, ``norm`` and the resolutions; one of each family.
        first: Series of one of them.
        last: Likewise.
    """
    of_structure: dict[_Structure, list[str]] = {}
    known = {str(row["series"]): _structure(row) for row in families}
    for name in sorted(known):
        of_structure.setdefault(known[name], []).append(name)
    ways = [_way(known[first], known[last], order) for order in itertools.permutations(range(3))]
    way = max(ways, key=lambda one: sum(structure in of_structure for structure in one))
    alike = [name for name in of_structure[known[first]] if name > first]
    between = [name for structure in way[1:] for name in of_structure.get(structure, ())]
    return list(dict.fromkeys([first, *(name for name in (*alike, *between) if name != last), last]))


def _structure(row: Row) -> _Structure:
    return str(row["series"]).split("-")[0], str(row["norm"]), wording.resolution(row)


def _way(first: _Structure, last: _Structure, order: Sequence[int]) -> list[_Structure]:
    """Return what lies between two structures when they change in some order; the first comes first."""
    parts, way = list(first), [first]
    for part in order:
        parts[part] = last[part]
        way.append((parts[0], parts[1], parts[2]))
    return [one for one in dict.fromkeys(way) if one != last]


def change(before: Sequence[Row], after: Sequence[Row]) -> str:
    """Say in what one family differs from the one before.

    Args:
        before: Some of its points, as ``Reader.points`` has them; at least one.
        after: Likewise.
    """
    old, new = before[0], after[0]
    told = [_grouping(old["group_size"], new["group_size"]), _norm(old["norm"], new["norm"])]
    sides = wording.resolution(old), wording.resolution(new)
    if sides[0] != sides[1]:
        told.append(f"{sides[1].lower()} resolution" if not sides[1].endswith("px") else f"trained at {sides[1]}")
    layers = [{row.get("fine_tune_layers", "") for row in rows} for rows in (before, after)]
    if layers[0] == {"none"} and "none" not in layers[1]:
        told.append("fine-tuning")
    return wording.listed([one for one in told if one] or [str(new["series"])])


def _grouping(old: int, new: int) -> str:
    if old == new:
        return ""
    return "group convolution" if old == 1 else f"G{new} instead of G{old}"


def _norm(old: str, new: str) -> str:
    if old == new:
        return ""
    return "proxy norm" if "+pn" in new and "+pn" not in old else f"{new.upper()} instead of {old.upper()}"


def account(
    found: Breakdown, choice: Choice, series: Sequence[str], changes: Sequence[str], *, only: bool = False
) -> Account:
    """Put names to the steps of a speed-up.

    Args:
        found: What the fronts come to.
        choice: Over which accuracies.
        series: The family of each front but the first.
        changes: What changes with each of them.
        only: Whether there is no other choice.
    """
    steps = tuple(Step(*parts) for parts in zip(series, changes, found.steps, strict=True))
    return Account(steps, found.together, choice, only)


def sentence(told: Account) -> str:
    """Say what each step does and what all do together."""
    steps = [f"{step.change} {factor(step.part)}" for step in told.steps]
    together = "" if len(steps) == 1 else f"; together {factor(told.together)}"
    return f"{_where(told)}: {', then '.join(steps)}{together}{interval(told.together)}."


def _where(told: Account) -> str:
    top1 = told.together.top1
    if told.choice == "own":
        return "On average over the accuracies that each step's two families reach"
    if len(top1) == 1:
        return f"At {top1[0]:.2f} % top-1, which all of these families reach"
    over = f"On average over the {len(top1)} accuracies from {top1[0]:.2f} to {top1[-1]:.2f} % top-1"
    return f"{over} that all of these families reach"


def factor(part: Part) -> str:
    """Return a speed-up as ``2.10×``, or that there is none."""
    return NO_ACCURACY if part.ratio is None else f"{part.ratio.speedup:.2f}×"


def interval(part: Part) -> str:
    """Return a speed-up's interval as the end of a sentence; empty where there is none."""
    ratio = part.ratio
    if ratio is None or ratio.low is None or ratio.high is None:
        return ""
    return f", 95 % interval {ratio.low:.2f}–{ratio.high:.2f}"


def note(told: Account) -> str:
    """Say how the steps add up, and why there is no choice where there is none."""
    if len(told.steps) == 1:
        return ""
    if told.exact:
        return "At the same accuracies, steps multiply exactly to all together."
    why = "No accuracy is reached by all of these families. " if told.only else ""
    return f"{why}Steps at different accuracies do not multiply exactly to all together. Nothing is extrapolated."


def table(told: Account) -> list[dict[str, Any]]:
    """Return a row per step, and over the first family where steps multiply to that."""
    rows, so_far = [], 1.0
    for step in told.steps:
        ratio, top1 = step.part.ratio, step.part.top1
        so_far *= ratio.speedup if ratio else 1.0
        rows.append(
            {
                "series": step.series,
                "change": step.change,
                "speedup": ratio.speedup if ratio else None,
                "low": ratio.low if ratio else None,
                "high": ratio.high if ratio else None,
                "from_top1": top1[0] if top1 else None,
                "to_top1": top1[-1] if top1 else None,
                "accuracies": len(top1),
                "over_first": so_far if told.exact and ratio else None,
                "note": step.part.reason,
            }
        )
    return rows
