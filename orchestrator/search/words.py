"""What is said of trials in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.search_section import SPEEDUP, TOP1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.search_records import TrialRow
    from orchestrator.search.space import Axis

_ORIGINS = {"stored": ", stored already", "companion": ", same training", "sampler": ""}


def trial_words(trial: TrialRow, axes: Sequence[Axis], objectives: Sequence[str]) -> str:
    """Return a trial in a line, e.g. ``trial 3 (norm gn, train_resolution 20): 78.20 % top-1``."""
    params = ", ".join(f"{axis.name} {trial.params[axis.name]}" for axis in axes if axis.name in trial.params)
    head = f"trial {trial.number} ({params}{_ORIGINS[trial.origin]})"
    if trial.state == "open":
        return f"{head} begun"
    known = [value_words(name, value) for name, value in zip(objectives, trial.values, strict=False)]
    values = ", ".join(word for word in known if word)
    state = "" if trial.state == "complete" else trial.state
    reason = f" ({trial.reason})" if trial.reason else ""
    return f"{head}: {': '.join(word for word in (state, values) if word)}{reason}"


def value_words(objective: str, value: float | None) -> str:
    """Return the value of an objective with its unit; nothing where it is not known."""
    if value is None:
        return ""
    if objective == TOP1:
        return f"{value:.2f} % top-1"
    if objective == SPEEDUP:
        return f"{value:.2f}×"
    return f"{value:,.0f} images/s in {'training' if objective.startswith('train') else 'inference'}"
