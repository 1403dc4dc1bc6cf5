"""The scheduler: which job runs where and when, and what a failure leads to.

A pure state machine. Events go in with the time they happened, actions come out; it does no input or output and has no
clock, so that every rule here is tested without Ray, a database or waiting.

    queued ──start──▶ running ──▶ done | diverged | failed | quarantined
      ▲                  │
      └── crash, loss, timeout, stop (each with its own budget)
    queued ◀──▶ blocked        no slot of a kind that could run it
    queued  ──▶ cancelled      by the user, or its training did not succeed

Rules, in order:

1. An evaluation waits for its training. If that ends without a checkpoint, the evaluation is cancelled.
2. Evaluations before trainings (results early), each in the order of the sweep file.
3. A measurement has its node to itself: it starts only where nothing runs and nothing else could start, and while it
   runs nothing starts beside it.
4. Measurements take turns, round by round, so that a machine that is slow for a while is slow for all of them.
5. A failure is retried by its class: what would fail again the same way is not.
6. A slot whose device is broken is retired; its job was lost, and runs elsewhere.
7. While the sweep is paused nothing starts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from typing_extensions import assert_never

from orchestrator.scheduling import retries
from orchestrator.scheduling.events import (
    Action,
    Added,
    Drain,
    EndAttempt,
    Ended,
    Event,
    Outcome,
    Paused,
    Policy,
    Resumed,
    RetireSlot,
    Running,
    SeenElsewhere,
    SetState,
    SignOfLife,
    Slot,
    SlotLost,
    SlotUp,
    Start,
    StartRefused,
    StopAttempt,
    StopNow,
    Task,
    Tick,
    Withdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: States that no event of this run changes any more.
FINAL_STATES = frozenset({"done", "diverged", "failed", "quarantined", "cancelled"})
#: Order of the stages on a slot.
_PRIORITY = {"evaluate": 0, "train": 1, "measure": 2}


@dataclass(slots=True)
class _Attempt:
    """A job on a slot. ``number`` is 0 until the store has given the job to us."""

    slot: Slot
    number: int
    last_sign: float
    lost_since: float | None = None


class Scheduler:
    """The state machine. Give it the sweep's jobs, then events; carry out the actions in order.

    Args:
        tasks: The jobs, in any state but ``running`` (those of a dead driver are queued again before; those of a
            living other driver are given as ``elsewhere``).
        policy: Budgets and times.
        elsewhere: Fingerprints of jobs that another living driver runs.
    """

    def __init__(self, tasks: Iterable[Task], policy: Policy | None = None, elsewhere: Iterable[str] = ()) -> None:
        self._policy = policy or Policy()
        self._tasks: dict[str, Task] = {task.fingerprint: task for task in tasks}
        self._slots: dict[str, Slot] = {}
        self._attempts: dict[str, _Attempt] = {}
        self._elsewhere: set[str] = set(elsewhere)
        self._retired: set[str] = set()
        self._draining = False
        self._paused = False

    # ---- what is going on --------------------------------------------------------------------------------------

    @property
    def tasks(self) -> Mapping[str, Task]:
        """Every job by fingerprint."""
        return self._tasks

    @property
    def elsewhere(self) -> frozenset[str]:
        """Jobs that another driver runs; their states are to be looked up in the store."""
        return frozenset(self._elsewhere)

    @property
    def running(self) -> dict[str, tuple[Slot, int]]:
        """Fingerprint → (slot, attempt number) of what runs here."""
        return {fingerprint: (one.slot, one.number) for fingerprint, one in self._attempts.items()}

    @property
    def draining(self) -> bool:
        """Nothing is started any more."""
        return self._draining

    @property
    def paused(self) -> bool:
        """Nothing is started for the time being."""
        return self._paused

    @property
    def settled(self) -> bool:
        """Nothing runs and nothing will."""
        if self._attempts:
            return False
        return self._draining or not any(
            task.state == "queued" or task.fingerprint in self._elsewhere for task in self._tasks.values()
        )

    # ---- events in, actions out --------------------------------------------------------------------------------

    def handle(self, event: Event, now: float) -> list[Action]:
        """Take in what happened and return what is to be done.

        Args:
            event: What happened. Events about attempts that are over are ignored: they were fenced.
            now: Seconds on any clock that never goes back.
        """
        if isinstance(event, SignOfLife):  # the most frequent event by far, and it lets nothing start
            return self._take(event, now)
        actions = [*self._take(event, now), *self._settle_dependents(), *self._block()]
        return [*actions, *self._start_what_can(now)]

    def _take(self, event: Event, now: float) -> list[Action]:  # noqa: C901, PLR0911, PLR0912  # one case per event
        match event:
            case SlotUp(slot):
                if slot.slot_id not in self._retired:
                    self._slots[slot.slot_id] = slot
            case SlotLost(slot_id):
                self._lose_slot(slot_id, now)
            case StartRefused(fingerprint):
                self._attempts.pop(fingerprint, None)
                self._elsewhere.add(fingerprint)
            case Running(fingerprint, attempt):
                self._attempts[fingerprint].number = attempt
                self._attempts[fingerprint].last_sign = now
            case SignOfLife(fingerprint, attempt):
                if current := self._current(fingerprint, attempt):
                    current.last_sign = now
            case Ended():
                return self._end(event, now)
            case SeenElsewhere(fingerprint, state):
                return self._see(fingerprint, state)
            case Added(tasks):
                self._add(tasks)
            case Withdrawn(fingerprint, reason):
                return self._withdraw(fingerprint, reason)
            case Tick():
                return [*self._give_up_lost(now), *self._stop_silent(now)]
            case Paused(interrupts, reason):
                self._paused = True
                return self._stop_all(reason) if interrupts else []
            case Resumed():
                self._paused = False
            case Drain():
                self._draining = True
            case StopNow():
                self._draining = True
                return self._stop_all("stopped by the user")
            case _:
                assert_never(event)
        return []

    def _current(self, fingerprint: str, attempt: int) -> _Attempt | None:
        one = self._attempts.get(fingerprint)
        return one if one is not None and one.number == attempt else None

    # ---- ends of attempts --------------------------------------------------------------------------------------

    def _end(self, event: Ended, now: float) -> list[Action]:
        current = self._current(event.fingerprint, event.attempt)
        if current is None:
            return []
        shared = self._shares_its_node(event.fingerprint)
        del self._attempts[event.fingerprint]
        task = self._tasks[event.fingerprint]
        match event.outcome:
            case Outcome.DONE | Outcome.ROUND_DONE:
                self._keep(task, event.outcome)
                return []  # the driver has stored the result, and with it the state
            case Outcome.DIVERGED | Outcome.FAILED:
                state = event.outcome.value
                return [self._judged(retries.final(task, event.attempt, state, state, event.message))]
            case Outcome.OUT_OF_MEMORY:
                return [self._judged(retries.after_out_of_memory(task, event, self._policy, now, shared=shared))]
            case Outcome.CRASHED:
                return [self._judged(retries.after_crash(task, event, self._policy, now))]
            case Outcome.SLOT_BROKEN:
                lost = retries.after_loss(task, event.attempt, event.message, self._policy, now)
                return [self._judged(lost), self._retire(current.slot, event.message)]
            case _:
                assert_never(event.outcome)

    def _keep(self, task: Task, outcome: Outcome) -> None:
        if outcome is Outcome.DONE:
            self._put(task, state="done")
        else:
            self._put(replace(task, rounds_done=task.rounds_done + 1), state="queued")

    def _shares_its_node(self, fingerprint: str) -> bool:
        node = self._attempts[fingerprint].slot.node
        return any(one.slot.node == node for other, one in self._attempts.items() if other != fingerprint)

    def _lose_slot(self, slot_id: str, now: float) -> None:
        self._slots.pop(slot_id, None)
        for one in self._attempts.values():
            if one.slot.slot_id == slot_id and one.lost_since is None:
                one.lost_since = now

    def _give_up_lost(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for fingerprint, one in list(self._attempts.items()):
            if one.lost_since is None or now - one.lost_since < self._policy.lease_seconds:
                continue
            del self._attempts[fingerprint]
            reason = f"slot {one.slot.slot_id} was lost"
            actions.append(
                self._judged(retries.after_loss(self._tasks[fingerprint], one.number, reason, self._policy, now))
            )
        return actions

    def _retire(self, slot: Slot, reason: str) -> Action:
        self._slots.pop(slot.slot_id, None)
        self._retired.add(slot.slot_id)
        return RetireSlot(slot.slot_id, reason)

    def _stop_silent(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for fingerprint, one in list(self._attempts.items()):
            silent = now - one.last_sign
            if one.number == 0 or one.lost_since is not None or silent < self._policy.silence_on(one.slot.kind):
                continue
            del self._attempts[fingerprint]
            actions.append(StopAttempt(one.slot.slot_id, fingerprint, one.number))
            verdict = retries.after_silence(self._tasks[fingerprint], one.number, silent, self._policy, now)
            actions.append(self._judged(verdict))
        return actions

    def _stop_all(self, reason: str) -> list[Action]:
        actions: list[Action] = []
        for fingerprint, one in list(self._attempts.items()):
            actions += self._stop_one(fingerprint, one, next_state="queued", reason=reason)
        return actions

    def _stop_one(self, fingerprint: str, one: _Attempt, *, next_state: str, reason: str) -> list[Action]:
        del self._attempts[fingerprint]
        self._put(self._tasks[fingerprint], state=next_state)
        return [
            StopAttempt(one.slot.slot_id, fingerprint, one.number),
            EndAttempt(fingerprint, one.number, "stopped", next_state, reason),
        ]

    def _see(self, fingerprint: str, state: str) -> list[Action]:
        """Follow a change that somebody else made in the store."""
        if fingerprint not in self._tasks:
            return []
        one = self._attempts.get(fingerprint)
        if state == "running":
            if one is None:
                self._elsewhere.add(fingerprint)
            return []
        self._elsewhere.discard(fingerprint)
        if one is not None and state == "cancelled":
            return self._stop_one(fingerprint, one, next_state="cancelled", reason="cancelled by the user")
        if one is None:
            self._put(self._tasks[fingerprint], state=state)
        return []

    # ---- jobs that come and go ---------------------------------------------------------------------------------

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.fingerprint in self._attempts:
                continue
            if task.state == "running":
                self._elsewhere.add(task.fingerprint)
                task = replace(task, state="queued")  # noqa: PLW2901  # as the tasks of the beginning
            self._tasks[task.fingerprint] = task

    def _withdraw(self, fingerprint: str, reason: str) -> list[Action]:
        """Forget a job and what depends on it; evaluations go first, so that none of them sees its training go."""
        gone = [key for key, task in self._tasks.items() if task.depends_on == fingerprint]
        actions: list[Action] = []
        for key in (*gone, fingerprint):
            if one := self._attempts.get(key):
                actions += self._stop_one(key, one, next_state="queued", reason=reason)
            self._elsewhere.discard(key)
            self._tasks.pop(key, None)
        return actions

    # ---- states that follow from others ------------------------------------------------------------------------

    def _settle_dependents(self) -> list[Action]:
        actions: list[Action] = []
        for task in self._tasks.values():
            if task.depends_on is None or task.state not in {"queued", "blocked"}:
                continue
            training = self._tasks[task.depends_on].state
            if training in FINAL_STATES - {"done"}:
                self._put(task, state="cancelled")
                words = {"diverged": "diverged", "cancelled": "was cancelled"}.get(training, "failed")
                actions.append(SetState(task.fingerprint, "cancelled", f"its training run {words}"))
        return actions

    def _block(self) -> list[Action]:
        """Keep ``blocked`` true: no slot that is here could ever run the job."""
        if not self._slots:
            return []
        actions: list[Action] = []
        for task in list(self._tasks.values()):
            if task.state not in {"queued", "blocked"} or task.fingerprint in self._attempts:
                continue
            state = "queued" if any(task.fits(slot) for slot in self._slots.values()) else "blocked"
            if state != task.state:
                self._put(task, state=state)
                kinds = " or ".join(sorted(task.slot_kinds))
                reason = f"no {kinds} slot of the kind it needs is here" if state == "blocked" else ""
                actions.append(SetState(task.fingerprint, state, reason))
        return actions

    # ---- starting ----------------------------------------------------------------------------------------------

    def _start_what_can(self, now: float) -> list[Action]:
        if self._draining or self._paused:
            return []
        ready = sorted(self._ready(now), key=lambda task: (_PRIORITY[task.stage], task.rounds_done, task.ordinal))
        actions: list[Action] = []
        for slot in self._free_slots():
            for task in ready:
                if task.stage != "measure" and task.fits(slot) and task.fingerprint not in self._attempts:
                    actions.append(self._start(task, slot, now))
                    break
        for slot in self._quiet_slots():
            for task in ready:
                if task.stage == "measure" and task.fits(slot) and task.fingerprint not in self._attempts:
                    actions.append(self._start(task, slot, now))
                    break
        return actions

    def _ready(self, now: float) -> Iterator[Task]:
        for task in self._tasks.values():
            if task.state != "queued" or task.not_before > now:
                continue
            if task.fingerprint in self._attempts or task.fingerprint in self._elsewhere:
                continue
            if task.depends_on is None or self._tasks[task.depends_on].state == "done":
                yield task

    def _free_slots(self) -> list[Slot]:
        """Slots where something could start, unless a measurement has their node."""
        busy = {one.slot.slot_id for one in self._attempts.values()}
        measuring = {one.slot.node for key, one in self._attempts.items() if self._tasks[key].stage == "measure"}
        return [slot for slot in self._slots.values() if slot.slot_id not in busy and slot.node not in measuring]

    def _quiet_slots(self) -> Iterator[Slot]:
        """Slots whose node is idle, looked at anew for each so that one measurement takes the whole node."""
        for slot in self._slots.values():
            if all(one.slot.node != slot.node for one in self._attempts.values()):
                yield slot

    def _start(self, task: Task, slot: Slot, now: float) -> Action:
        self._attempts[task.fingerprint] = _Attempt(slot, 0, now)
        return Start(task.fingerprint, slot.slot_id)

    # ---- bookkeeping -------------------------------------------------------------------------------------------

    def _judged(self, verdict: retries.Verdict) -> Action:
        self._tasks[verdict.task.fingerprint] = verdict.task
        return verdict.end

    def _put(self, task: Task, *, state: str) -> None:
        self._tasks[task.fingerprint] = replace(task, state=state)
