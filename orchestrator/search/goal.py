"""What a search looks for: what a trial is worth, what it misses, and whether its training could be worth its time.

Pure. Accuracies are percent, throughputs images per second by mode.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from db.search_records import TrialEnd, TrialRow
from db.speedup import Curve
from orchestrator.search_section import SPEEDUP, THROUGHPUTS, TOP1

Throughputs = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Objectives, all of them better the larger they are, and floors.

    Attributes:
        objectives: One or two names.
        floors: Name → what must be reached.
        top1_ceiling: Percent that no network is expected to exceed.
        mode: Whose throughput the speed-up compares; "" without that objective.
        baseline: Top-1 and throughput of the points that it is over.
    """

    objectives: tuple[str, ...]
    floors: Mapping[str, float] = field(default_factory=dict)
    top1_ceiling: float = 100.0
    mode: str = ""
    baseline: tuple[tuple[float, float], ...] = ()

    @property
    def constraints(self) -> int:
        """Number of violations that a trial can have: one per floor, and the lowest accuracy of a baseline."""
        return len(self.floors) + (SPEEDUP in self.objectives)

    @property
    def throughput_decides(self) -> bool:
        """Whether a throughput alone can tell that a training is not worth its time."""
        if any(name in THROUGHPUTS for name in self.floors) or SPEEDUP in self.objectives:
            return True
        throughput = any(name in THROUGHPUTS for name in self.objectives)
        return throughput and (len(self.objectives) == 1 or self.top1_ceiling < 100)

    def end(self, top1: float, throughputs: Throughputs) -> TrialEnd:
        """Return the end of a trial of which everything is known."""
        return self._judged(top1, throughputs)

    def early_end(self, throughputs: Throughputs, trials: Iterable[TrialRow]) -> TrialEnd | None:
        """Return the end of a trial whose training is not worth its time, or None where it may be.

        Args:
            throughputs: Of all modes that matter.
            trials: Those that are over.
        """
        judged = self._judged(None, throughputs)
        if judged.state == "infeasible":
            return judged
        better = self._out_of_reach(throughputs, trials)
        if better is None:
            return None
        reason = f"whatever its accuracy, it could not do better than trial {better.number}"
        return dataclasses.replace(judged, state="skipped", reason=reason)

    def _judged(self, top1: float | None, throughputs: Throughputs) -> TrialEnd:
        """Tell from what is known whether the floors are met."""
        violations = self._violations(top1, throughputs)
        values = tuple(self._value(name, top1, throughputs) for name in self.objectives)
        met = all(missing <= 0 for missing in violations)
        reason = "" if met else self._missed(top1, throughputs)
        return TrialEnd(state="complete" if met else "infeasible", values=values, violations=violations, reason=reason)

    def _out_of_reach(self, throughputs: Throughputs, trials: Iterable[TrialRow]) -> TrialRow | None:
        best = tuple(self._value(name, self.top1_ceiling, throughputs) for name in self.objectives)
        for trial in trials:
            if trial.state != "complete":
                continue
            if all(_at_least(ours, theirs) for ours, theirs in zip(trial.values, best, strict=True)):
                return trial
        return None

    # ---- one number --------------------------------------------------------------------------------------------

    def _value(self, name: str, top1: float | None, throughputs: Throughputs) -> float | None:
        if name == TOP1:
            return top1
        if name == SPEEDUP:
            return None if top1 is None else self._speedup(top1, throughputs[self.mode])
        return throughputs[THROUGHPUTS[name]]

    def _speedup(self, top1: float, throughput: float) -> float | None:
        """Return the ratio to the baseline's throughput at equal accuracy.

        Above the baseline's highest accuracy it is that to the throughput there, which is less than the truth; below
        its lowest one there is none.
        """
        curve = Curve(self.baseline)
        if top1 < curve.top1[0]:
            return None
        return throughput / math.exp(curve.log_rate_at(min(top1, curve.top1[-1])))

    # ---- floors ------------------------------------------------------------------------------------------------

    def _floors(self) -> dict[str, float]:
        lowest = {SPEEDUP: Curve(self.baseline).top1[0]} if SPEEDUP in self.objectives else {}
        return {**self.floors, **lowest}

    def _reached(self, name: str, top1: float | None, throughputs: Throughputs) -> float | None:
        return throughputs[THROUGHPUTS[name]] if name in THROUGHPUTS else top1

    def _violations(self, top1: float | None, throughputs: Throughputs) -> tuple[float, ...]:
        """Return the fraction of each floor that is missing; what is not known yet is taken to be met."""
        found = []
        for name, floor in self._floors().items():
            reached = self._reached(name, top1, throughputs)
            found.append(0.0 if reached is None else (floor - reached) / floor)
        return tuple(found)

    def _missed(self, top1: float | None, throughputs: Throughputs) -> str:
        for name, floor in self._floors().items():
            reached = self._reached(name, top1, throughputs)
            if reached is None or reached >= floor:
                continue
            if name == SPEEDUP:
                return f"top-1 {reached:.2f} % is below the baseline's lowest, {floor:.2f} %"
            if name == TOP1:
                return f"top-1 {reached:.2f} % is below the floor, {floor:g} %"
            return f"{THROUGHPUTS[name]} throughput {reached:,.1f} images/s is below the floor, {floor:,g}"
        return ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "objectives": list(self.objectives),
            "floors": dict(self.floors),
            "top1_ceiling": self.top1_ceiling,
            "mode": self.mode,
            "baseline": [list(point) for point in self.baseline],
        }


def _at_least(ours: float | None, theirs: float | None) -> bool:
    return ours is not None and theirs is not None and ours >= theirs
