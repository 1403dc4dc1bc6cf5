"""What the scheduler is told, what it answers, and the values it is about."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often what is tried, in attempts and seconds.

    Attributes:
        crashes: Crashes of the worker process after which a job is quarantined.
        losses: Attempts lost with their node, driver or slot before the job is quarantined.
        timeouts: Attempts stopped for silence before the job fails.
        backoff_seconds: Wait before the second attempt; doubles with each crash.
        lease_seconds: How long a job of a vanished slot is left alone: its worker may still be running.
        silence_seconds: A running attempt that reports nothing for this long is stopped.
        silence_on_ipus_seconds: Likewise on slots of IPUs, where a network is compiled before it says anything.
    """

    crashes: int = 3
    losses: int = 20
    timeouts: int = 2
    backoff_seconds: float = 2.0
    lease_seconds: float = 30.0
    silence_seconds: float = 1800.0
    silence_on_ipus_seconds: float = 7200.0

    def silence_on(self, kind: str) -> float:
        """Return how long an attempt on a kind of slot may report nothing, seconds."""
        return self.silence_on_ipus_seconds if kind == "ipu" else self.silence_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One unit of capacity.

    Attributes:
        slot_id: Unique in the run, e.g. ``cpu-0``.
        kind: ``cpu``, ``cuda`` or ``ipu``.
        node: Machine it is on; measurements have it to themselves.
        environment_key: Hardware and software, as far as throughput depends on it.
    """

    slot_id: str
    kind: str
    node: str
    environment_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the scheduler knows of a job.

    Attributes:
        fingerprint: The job's identity.
        stage: ``train``, ``evaluate`` or ``measure``.
        ordinal: Place in the sweep.
        slot_kinds: Kinds of slot that may run it.
        depends_on: Fingerprint of the training that an evaluation needs.
        environment_key: For a measurement: the only environment it is about.
        state: As in the store.
        crashes: So far.
        losses: So far.
        timeouts: So far in this run.
        not_before: Time before which it is not started again.
        rounds_done: For a measurement: rounds that are stored.
    """

    fingerprint: str
    stage: str
    ordinal: int
    slot_kinds: frozenset[str]
    depends_on: str | None = None
    environment_key: str | None = None
    state: str = "queued"
    crashes: int = 0
    losses: int = 0
    timeouts: int = 0
    not_before: float = 0.0
    rounds_done: int = 0

    def fits(self, slot: Slot) -> bool:
        """Whether the slot could run the job."""
        return slot.kind in self.slot_kinds and self.environment_key in {None, slot.environment_key}


# ---- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SlotUp:
    """A slot is ready for work."""

    slot: Slot


@dataclass(frozen=True, slots=True)
class SlotLost:
    """A slot is gone; whether its worker is too is not known."""

    slot_id: str


@dataclass(frozen=True, slots=True)
class StartRefused:
    """The store did not give the job to us: another driver has it."""

    fingerprint: str


@dataclass(frozen=True, slots=True)
class Running:
    """The store gave the job to us: the attempt exists."""

    fingerprint: str
    attempt: int


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A running attempt reported something."""

    fingerprint: str
    attempt: int


class Outcome(enum.Enum):
    """How an attempt ended."""

    DONE = "done"
    ROUND_DONE = "round done"  # of a measurement that wants another one
    DIVERGED = "diverged"
    FAILED = "failed"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"  # the worker process died, or its device has to be reset
    SLOT_BROKEN = "slot broken"  # the device is broken: the job is not to blame


@dataclass(frozen=True, slots=True)
class Ended:
    """A running attempt ended."""

    fingerprint: str
    attempt: int
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True, slots=True)
class SeenElsewhere:
    """The store shows a new state for a job that another driver runs, or that the user changed."""

    fingerprint: str
    state: str


@dataclass(frozen=True, slots=True)
class Added:
    """There are further jobs to do; one that was here before is taken in its present state."""

    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Nobody wants this job any more: it is stopped if it runs, and left to other sweeps, queued."""

    fingerprint: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""


@dataclass(frozen=True, slots=True)
class Paused:
    """Start nothing until ``Resumed``.

    Attributes:
        interrupts: Whether what runs is stopped, too, and queued again; else it goes on to its end.
        reason: Who wants it, for a person.
    """

    interrupts: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on after ``Paused``."""


@dataclass(frozen=True, slots=True)
class Drain:
    """Start nothing more; let what runs come to its end."""


@dataclass(frozen=True, slots=True)
class StopNow:
    """Start nothing more and stop what runs."""


Event = (
    SlotUp
    | SlotLost
    | StartRefused
    | Running
    | SignOfLife
    | Ended
    | SeenElsewhere
    | Added
    | Withdrawn
    | Tick
    | Paused
    | Resumed
    | Drain
    | StopNow
)

# ---- actions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Claim the job in the store and give it to the slot; answer with ``Running`` or ``StartRefused``."""

    fingerprint: str
    slot_id: str


@dataclass(frozen=True, slots=True)
class StopAttempt:
    """End the slot's worker process; the attempt is over whatever it says from now on."""

    slot_id: str
    fingerprint: str
    attempt: int


@dataclass(frozen=True, slots=True)
class EndAttempt:
    """Write the end of an attempt to the store.

    Attributes:
        fingerprint: The job.
        attempt: Its attempt.
        outcome: ``failed``, ``crashed``, ``lost``, ``timeout``, ``out_of_memory``, ``diverged`` or ``stopped``.
        next_state: State of the job from now on.
        reason: Why, for a person.
        delay_seconds: How long the job is left alone before its next attempt.
    """

    fingerprint: str
    attempt: int
    outcome: str
    next_state: str
    reason: str
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SetState:
    """Write a state that no attempt led to."""

    fingerprint: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class RetireSlot:
    """Let a slot go for the rest of this run, since its device is broken."""

    slot_id: str
    reason: str


Action = Start | StopAttempt | EndAttempt | SetState | RetireSlot
