"""What a failure leads to: the job is tried again, each class of failure with a budget of its own, or given up."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.scheduling.events import EndAttempt

if TYPE_CHECKING:
    from orchestrator.scheduling.events import Ended, Policy, Task

RUNS_AGAIN = "run again with `orchestrator retry`"


class Verdict(NamedTuple):
    """What follows from the end of an attempt.

    Attributes:
        task: The job from now on.
        end: What the store is to be told.
    """

    task: Task
    end: EndAttempt


def final(task: Task, attempt: int, outcome: str, state: str, reason: str) -> Verdict:
    """Give a job up, in a state that no event changes any more."""
    return Verdict(replace(task, state=state), EndAttempt(task.fingerprint, attempt, outcome, state, reason))


def after_crash(task: Task, event: Ended, policy: Policy, now: float) -> Verdict:
    """Judge a job whose process died: it waits, twice as long each time, and is quarantined in the end."""
    crashes = task.crashes + 1
    task = replace(task, crashes=crashes)
    if crashes >= policy.crashes:
        reason = f"{event.message}; crashed {crashes} times, {RUNS_AGAIN}"
        return final(task, event.attempt, "crashed", "quarantined", reason)
    delay = policy.backoff_seconds * 2 ** (crashes - 1)
    reason = f"{event.message}; trying again ({crashes} of {policy.crashes} crashes)"
    return _again(task, event.attempt, "crashed", reason, now, delay=delay)


def after_out_of_memory(task: Task, event: Ended, policy: Policy, now: float, *, shared: bool) -> Verdict:
    """Judge a job that ran out of memory: alone, it would end the same way again.

    Args:
        task: The job.
        event: How its attempt ended.
        policy: Budgets and times.
        now: Seconds.
        shared: Whether other jobs had part of the memory.
    """
    if shared and task.crashes == 0:
        reason = f"{event.message}; other jobs shared the memory, trying once more"
        task = replace(task, crashes=1)
        return _again(task, event.attempt, "out_of_memory", reason, now, delay=policy.backoff_seconds)
    reason = f"{event.message}; use a smaller batch_size or a slot with more memory"
    return final(task, event.attempt, "out_of_memory", "failed", reason)


def after_loss(task: Task, attempt: int, reason: str, policy: Policy, now: float) -> Verdict:
    """Judge a job that was lost with its slot: it is not to blame, unless that happens again and again."""
    task = replace(task, losses=task.losses + 1)
    if task.losses >= policy.losses:
        reason = f"its slot was lost {task.losses} times, {RUNS_AGAIN}"
        return final(task, attempt, "lost", "quarantined", reason)
    return _again(task, attempt, "lost", reason, now)


def after_silence(task: Task, attempt: int, silent: float, policy: Policy, now: float) -> Verdict:
    """Judge a job that reported nothing for so many seconds."""
    task = replace(task, timeouts=task.timeouts + 1)
    reason = f"reported nothing for {silent:.0f} s"
    if task.timeouts >= policy.timeouts:
        return final(task, attempt, "timeout", "failed", reason)
    return _again(task, attempt, "timeout", reason, now)


def _again(task: Task, attempt: int, outcome: str, reason: str, now: float, *, delay: float = 0.0) -> Verdict:
    end = EndAttempt(task.fingerprint, attempt, outcome, "queued", reason, delay)
    return Verdict(replace(task, state="queued", not_before=now + delay), end)
