"""What a sweep means here and now: which of its jobs run, which results exist already, and about how long it takes.

Pure: what the store knows comes in as plain values. Every job of a sweep is in exactly one group:

    to_run      will be done
    reused      its result exists, from this sweep or another
    impossible  no present slot can do it
    diverged    its training's loss became NaN, which is an answer and would be the same again
    held        it failed, crashed too often or was cancelled; ``retry`` puts it back
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from orchestrator.expansion import Expansion
from orchestrator.placement import runs_on
from orchestrator.sweep_dataset import image_counts
from workers.protocol.architecture import architecture, macs
from workers.protocol.jobs import STAGES, EvaluateJob, Job, MeasureJob, TrainJob
from workers.protocol.variant import Variant

TO_RUN, REUSED, IMPOSSIBLE, DIVERGED, HELD = GROUPS = ("to_run", "reused", "impossible", "diverged", "held")

#: State in the store → group; a job that is queued, running, blocked or not there at all is to be run.
_GROUP_OF_STATE = {
    "done": REUSED,
    "diverged": DIVERGED,
    "failed": HELD,
    "quarantined": HELD,
    "cancelled": HELD,
}

#: A training step is a forward pass and a backward pass of about twice its work.
PASSES_OF_A_STEP = 3


@dataclass(frozen=True, slots=True)
class PastJob:
    """A finished job, from which the time of others is predicted.

    Attributes:
        job: What was done.
        slot_kind: On what.
        seconds: Wall time of the whole attempt.
    """

    job: Job
    slot_kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage of a plan.

    Attributes:
        jobs: Group → its jobs in the order of the sweep.
        excluded: Jobs that rules leave out.
        excluded_by: Rule → what it leaves out, counted whether or not another rule does too.
        unplaced: Measurements on kinds of slot that are not here; impossible, and not among ``jobs``.
        predicted_seconds: Wall time of what is to run, on the present slots; None without history of the stage.
    """

    jobs: Mapping[str, tuple[Job, ...]]
    excluded: int
    excluded_by: Mapping[str, int]
    unplaced: int
    predicted_seconds: float | None

    def count(self, group: str) -> int:
        """Return the number of jobs in a group."""
        return len(self.jobs[group]) + (self.unplaced if group == IMPOSSIBLE else 0)

    @property
    def jobs_in_all(self) -> int:
        """Number of jobs in all groups; 0 where a sweep does not have the stage."""
        return sum(self.count(group) for group in GROUPS)

    def to_json(self) -> dict[str, Any]:
        """Return the counts of every group, what was excluded and why, and the prediction."""
        counts = {group: self.count(group) for group in GROUPS}
        return {
            **counts,
            "excluded": self.excluded,
            "excluded_by": dict(self.excluded_by),
            "predicted_seconds": self.predicted_seconds,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a launch would do.

    Attributes:
        stages: Stage → its plan.
        notes: What the user may not have meant, a line each.
    """

    stages: Mapping[str, StagePlan]
    notes: tuple[str, ...]

    @property
    def to_run(self) -> tuple[Job, ...]:
        """Jobs that will be done; what others depend on comes first."""
        return tuple(job for stage in self.stages.values() for job in stage.jobs[TO_RUN])

    @property
    def impossible(self) -> int:
        """Number of jobs that no present slot can do."""
        return sum(stage.count(IMPOSSIBLE) for stage in self.stages.values())

    @property
    def predicted_seconds(self) -> float | None:
        """Wall time of the whole plan; None where a stage with something to run has no history."""
        parts = [stage.predicted_seconds for stage in self.stages.values()]
        return None if None in parts else math.fsum(part for part in parts if part is not None)

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return per stage the counts of ``to_run``, ``reused``, ``excluded``, ``impossible`` and the rest."""
        return {name: stage.to_json() for name, stage in self.stages.items()}


def make_plan(
    expansion: Expansion,
    states: Mapping[str, str],
    slots: Mapping[str, int],
    history: Iterable[PastJob] = (),
    checkpoints_missing: Collection[str] = (),
) -> Plan:
    """Compare what a sweep asks for with what there is.

    Args:
        expansion: The sweep's jobs.
        states: Fingerprint → state in the store; jobs that are not there are new.
        slots: Kind → number of slots that are here.
        history: Finished jobs, of any sweep.
        checkpoints_missing: Fingerprints of finished trainings whose weights are gone; they are run again if an
            evaluation still needs them.
    """
    groups = _groups(expansion, states, slots, checkpoints_missing)
    predictor = _Predictor(history, slots)
    by_stage: dict[str, dict[str, list[Job]]] = {stage: {group: [] for group in GROUPS} for stage in STAGES}
    for job, group in groups.items():
        by_stage[job.stage][group].append(job)
    excluded_by = {
        "train": {rule.rule: rule.trainings for rule in expansion.rules if rule.trainings},
        "evaluate": {rule.rule: rule.evaluations for rule in expansion.rules if rule.evaluations},
        "measure": {rule.rule: rule.measurements for rule in expansion.rules if rule.measurements},
    }
    stages = {
        stage: StagePlan(
            jobs={group: tuple(jobs) for group, jobs in members.items()},
            excluded=expansion.excluded[stage],
            excluded_by=excluded_by[stage],
            unplaced=sum(expansion.unplaced.values()) if stage == "measure" else 0,
            predicted_seconds=predictor.wall_seconds(stage, members[TO_RUN]),
        )
        for stage, members in by_stage.items()
    }
    return Plan(stages, expansion.notes)


# ---- groups -------------------------------------------------------------------------------------------------------


def _groups(
    expansion: Expansion, states: Mapping[str, str], slots: Mapping[str, int], missing: Collection[str]
) -> dict[Job, str]:
    """Put every job into its group; what its training's group means for an evaluation is decided here."""
    fingerprints = {training: training.fingerprint for training in expansion.trainings}
    groups: dict[Job, str] = {
        training: _GROUP_OF_STATE.get(states.get(fingerprint, ""), TO_RUN)
        for training, fingerprint in fingerprints.items()
    }
    needed: set[TrainJob] = set()
    for evaluation in expansion.evaluations:
        group = _GROUP_OF_STATE.get(states.get(evaluation.fingerprint, ""), TO_RUN)
        if group != REUSED and groups[evaluation.training] in {DIVERGED, HELD}:
            group = groups[evaluation.training]
        if group == TO_RUN:
            needed.add(evaluation.training)
        groups[evaluation] = group
    for training in needed:
        if groups[training] == REUSED and fingerprints[training] in missing:
            groups[training] = TO_RUN
    for measurement in expansion.measurements:
        groups[measurement] = _GROUP_OF_STATE.get(states.get(measurement.fingerprint, ""), TO_RUN)
    ordered = {job: groups[job] for job in expansion.jobs}
    return {
        job: IMPOSSIBLE if group == TO_RUN and not _kinds_for(job, expansion, slots) else group
        for job, group in ordered.items()
    }


def _kinds_for(job: Job, expansion: Expansion, slots: Mapping[str, int]) -> list[str]:
    """Return the kinds of present slots that could do a job; a measurement belongs to one kind."""
    kinds = [kind for kind, count in slots.items() if count > 0]
    if isinstance(job, MeasureJob):
        return [kind for kind in kinds if kind == expansion.slot_kinds.get(job.environment_key)]
    return [kind for kind in kinds if runs_on(kind, job, expansion.ipu)]


# ---- time ---------------------------------------------------------------------------------------------------------


def work(job: Job) -> float | None:
    """Return how much one attempt does, in multiply-accumulates (a round of a measurement: in seconds of timing).

    The numbers only have to be proportional to the time within a stage: their scale comes from history.

    Returns:
        None where the number of images is not known before reading them.
    """
    if isinstance(job, MeasureJob):
        return job.warmup_seconds + job.blocks * job.block_seconds
    if isinstance(job, TrainJob):
        train_images = image_counts(job.dataset).train
        forward = _forward_macs(job.variant, job.dataset.channels, job.dataset.classes, job.resolution)
        return None if train_images is None else PASSES_OF_A_STEP * forward * train_images * job.recipe.epochs
    return _evaluation_work(job)


def attempts_of(job: Job) -> int:
    """Return how many attempts a job takes if all goes well: a measurement one per round."""
    return job.rounds if isinstance(job, MeasureJob) else 1


def _evaluation_work(job: EvaluateJob) -> float | None:
    """Test twice, and pass the training images through the frozen layers; the few tuned ones hardly count."""
    dataset = job.training.dataset
    train_images, validation_images, test_images = image_counts(dataset)
    if train_images is None or validation_images is None or test_images is None:
        return None
    images = validation_images + test_images
    if job.fine_tune.layers != "none":
        images += test_images + train_images * job.fine_tune.epochs
    return images * _forward_macs(job.training.variant, dataset.channels, dataset.classes, job.test_resolution)


@lru_cache(maxsize=4096)
def _forward_macs(variant: Variant, channels: int, classes: int, resolution: int) -> int:
    return macs(architecture(variant, channels, classes), resolution)


class _Predictor:
    """Predicts wall time from how fast each stage went on each kind of slot."""

    def __init__(self, history: Iterable[PastJob], slots: Mapping[str, int]) -> None:
        rates: dict[tuple[str, str], list[float]] = defaultdict(list)
        for past in history:
            done = work(past.job)
            if done and past.seconds > 0:
                rates[past.job.stage, past.slot_kind].append(done / past.seconds)
        #: (stage, slot kind) → median of work per second.
        self._rates = {key: statistics.median(values) for key, values in rates.items()}
        self._slots = slots

    def wall_seconds(self, stage: str, jobs: Sequence[Job]) -> float | None:
        """Return the time until a stage's jobs are done, were it the only stage; None where history is silent.

        Trainings and evaluations share all slots, and the longest of them bounds the time from below. Measurements
        have their machine to themselves and go one after the other.
        """
        if not jobs:
            return 0.0
        amounts = [amount for job in jobs for amount in [work(job)] * attempts_of(job)]
        known = [amount for amount in amounts if amount is not None]
        rates = {kind: rate for kind in self._slots if (rate := self._rates.get((stage, kind)))}
        rates = {kind: rate for kind, rate in rates.items() if self._slots[kind] > 0}
        if len(known) < len(amounts) or not rates:
            return None
        if stage == "measure":
            return math.fsum(known) / min(rates.values())
        together = math.fsum(rate * self._slots[kind] for kind, rate in rates.items())
        return max(math.fsum(known) / together, max(known) / max(rates.values()))
