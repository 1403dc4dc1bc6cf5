"""Plain data of searches: what a search looks for, and its trials."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

#: Value of an axis.
Value: TypeAlias = str | int | float | bool

#: ``open`` until it is over. ``infeasible``: a floor is not met; ``skipped``: it could not have become part of the
#: front, so that its training was not paid for; ``pruned``: stopped on the way.
TRIAL_STATES = ("open", "complete", "infeasible", "skipped", "pruned", "failed")
#: The sampler proposed it; all its results were stored; it tests a training at another resolution.
TRIAL_ORIGINS = ("sampler", "stored", "companion")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRow:
    """A search as stored.

    Attributes:
        sweep_id: The sweep whose jobs are those of its trials.
        settings: ``axes`` (name and values of each), ``objectives``, ``floors`` and the rest of the file's section.
        importances: Objective → axis → share of the objective's variation, 0 to 1; empty where too few trials are over.
        ended: Why it proposes nothing more; empty while it may.
    """

    sweep_id: int
    settings: Mapping[str, Any]
    importances: Mapping[str, Mapping[str, float]]
    ended: str
    created_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrial:
    """A proposal: one point of the space.

    Attributes:
        number: From 0, in the order of proposing.
        params: Searched axis → value.
        origin: One of ``TRIAL_ORIGINS``.
        attributes: What the sampler keeps with it.
    """

    number: int
    params: Mapping[str, Value]
    origin: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialEnd:
    """How a trial ended.

    Attributes:
        state: One of ``TRIAL_STATES`` but ``open``.
        values: Per objective, None where it is not known.
        violations: Per floor, the fraction of it that is missing: above 0 it is violated. Empty where nothing is known.
        reason: Why it is infeasible, skipped, pruned or failed.
    """

    state: str
    values: tuple[float | None, ...] = ()
    violations: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRow:
    """A trial as stored.

    Attributes:
        number: From 0, in the order of proposing.
        params: Searched axis → value.
        origin: One of ``TRIAL_ORIGINS``.
        state: One of ``TRIAL_STATES``.
        values: Per objective in the search's order; None where it is not known, empty while it is open.
        violations: Per floor, the fraction of it that is missing: above 0 it is violated. Empty where nothing is known.
        curve: Epoch → top-1 of the validation images then, percent; only where trials are pruned.
        attributes: What the sampler keeps with it.
        reason: Why it is infeasible, skipped, pruned or failed.
        jobs: How many jobs it needs, as far as it asked for them.
        reused: How many of them were done or asked for before it.
        slot_seconds: Wall time of the attempts at the others, on all slots.
    """

    number: int
    params: Mapping[str, Value]
    origin: str
    state: str
    values: tuple[float | None, ...] = ()
    violations: tuple[float, ...] = ()
    curve: Mapping[int, float] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    jobs: int = 0
    reused: int = 0
    slot_seconds: float = 0.0
    created_at: dt.datetime
    finished_at: dt.datetime | None = None
