"""From a sweep to its jobs: every combination of the axes, less the excluded ones.

    combinations ─▶ trainings ─▶ evaluations (× test resolution × fine-tuning)
                └─▶ measurements (per network, resolution, mode, precision and environment; seeds do not multiply them)

Pure: the same sweep gives the same jobs whatever the database holds and wherever it runs; only measurements depend on
which environments there are. Combinations that cannot be built are refused here, with the line that asks for them.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from orchestrator.combinations import Combination, Settings, applies, combinations, dimensions
from orchestrator.errors import InputError
from orchestrator.exclusion import Exclusion
from orchestrator.measurements import measure_jobs
from orchestrator.placement import Place, has_precision, runs_on
from orchestrator.source_tree import KeyPath, Problem, input_error
from orchestrator.sweep import Sweep
from orchestrator.sweep_ipu import placement_problems
from orchestrator.sweep_recipe import paper_value_problems
from orchestrator.sweep_values import LARGEST_RESOLUTION, SMALLEST_RESOLUTION
from workers.protocol.architecture import architecture
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob
from workers.protocol.recipe import FineTune, Recipe
from workers.protocol.variant import AUTO_EXPANSION, ImpossibleVariantError, Variant

#: What one evaluation tests: the resolution in pixels, and the fine-tuning before.
Test: TypeAlias = tuple[int, FineTune]

#: A larger sweep is likely a mistake, and has to be confirmed.
MANY_JOBS = 100_000


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one rule of ``exclude`` leaves out, whether or not another rule does too.

    Attributes:
        rule: Its text.
        trainings: Trainings it holds for, with all that follows from them.
        evaluations: Evaluations of other trainings; only rules that name ``test_resolution`` or ``fine_tune_layers``
            have some.
        measurements: Measurements of a sweep that only measures.
    """

    rule: str
    trainings: int
    evaluations: int
    measurements: int = 0


@dataclass(frozen=True, slots=True)
class Expansion:
    """The jobs of a sweep, each once, in the order of the file.

    Attributes:
        trainings: One per variant, train resolution, seed and precision; none where a sweep only measures.
        evaluations: One per training, test resolution and way of fine-tuning.
        measurements: One per network, mode, resolution, precision and present environment.
        unplaced: Slot kind → measurements on it, which cannot even be named because no such slot is there.
        slot_kinds: Environment key → kind of slot.
        excluded: Stage → jobs left out by rules.
        rules: What each rule left out.
        notes: What the user may not have meant, a line each.
        ipu: Settings of the IPU slots; None where the sweep names none.
    """

    trainings: tuple[TrainJob, ...]
    evaluations: tuple[EvaluateJob, ...]
    measurements: tuple[MeasureJob, ...]
    unplaced: Mapping[str, int]
    slot_kinds: Mapping[str, str]
    excluded: Mapping[str, int]
    rules: tuple[RuleCount, ...]
    notes: tuple[str, ...]
    ipu: IpuSettings | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """All jobs; what others depend on comes first."""
        return (*self.trainings, *self.evaluations, *self.measurements)


@dataclass(slots=True)
class _Jobs:
    """Jobs without repetition, in order (dictionaries used as ordered sets)."""

    trainings: dict[TrainJob, None] = field(default_factory=dict)
    evaluations: dict[EvaluateJob, None] = field(default_factory=dict)
    measurements: dict[MeasureJob, None] = field(default_factory=dict)

    def beyond(self, other: "_Jobs") -> dict[str, int]:
        """Count per stage the jobs that the other does not have."""
        return {
            "train": len(self.trainings.keys() - other.trainings.keys()),
            "evaluate": len(self.evaluations.keys() - other.evaluations.keys()),
            "measure": len(self.measurements.keys() - other.measurements.keys()),
        }


def expand(sweep: Sweep, environments: Mapping[str, Sequence[str]], *, allow_many: bool = False) -> Expansion:
    """List the jobs of a sweep.

    Args:
        sweep: What is asked for.
        environments: Slot kind → ``Environment.key`` of each different environment among the present slots.
        allow_many: Whether more than ``MANY_JOBS`` jobs are meant.

    Raises:
        InputError: A combination cannot be built, nothing is left, or there are too many jobs.
    """
    crossed = dimensions(sweep)
    _check_size(sweep, crossed, allow_many=allow_many)
    cells = list(combinations(sweep, crossed))
    rules = _Rules(sweep.spec.exclude)
    kept = _kept(cells, rules)
    if not kept:
        left = "nothing to train" if sweep.spec.trains else "nothing to measure"
        raise input_error([sweep.document.problem(("exclude",), f"the rules leave {left}")])
    _check_possible(sweep, [cell for cell, _ in kept])

    kinds = _measured_kinds(sweep, environments)
    places = [Place(kind, key) for kind in kinds for key in environments.get(kind) or (_absent(kind),)]
    jobs = _jobs(sweep, kept, places)
    everything = _jobs(sweep, [(cell, cell.tests) for cell in cells], places)
    absent = {_absent(kind): kind for kind in kinds if not environments.get(kind)}
    return Expansion(
        trainings=tuple(jobs.trainings),
        evaluations=tuple(jobs.evaluations),
        measurements=tuple(job for job in jobs.measurements if job.environment_key not in absent),
        unplaced=Counter(absent[job.environment_key] for job in jobs.measurements if job.environment_key in absent),
        slot_kinds={key: kind for kind, present in environments.items() for key in present},
        excluded=everything.beyond(jobs),
        rules=rules.counts() if sweep.spec.trains else _measurement_counts(sweep, cells, places, everything),
        notes=(
            *rules.notes(sweep),
            *_count_notes(cells, everything, jobs),
            *_arm_notes(sweep, jobs),
            *_placement_notes(sweep, jobs),
        ),
        ipu=sweep.spec.ipu,
    )


def kept_combinations(sweep: Sweep) -> list[tuple[Combination, tuple[Test, ...]]]:
    """Return every combination that the rules keep, with the tests of it that they keep."""
    return _kept(list(combinations(sweep, dimensions(sweep))), _Rules(sweep.spec.exclude))


def _kept(cells: Sequence[Combination], rules: "_Rules") -> list[tuple[Combination, tuple[Test, ...]]]:
    return [(cell, rules.kept_tests(cell)) for cell in cells if not rules.exclude(cell)]


def _check_size(sweep: Sweep, crossed: Sequence[Sequence[Settings]], *, allow_many: bool) -> None:
    combined = math.prod(len(dimension) for dimension in crossed)
    tests = combined * len(sweep.spec.test_resolution) * len(sweep.spec.fine_tune_arms)
    if combined + tests > MANY_JOBS and not allow_many:
        listed = f"{combined:,} trainings and {tests:,} evaluations"
        if not sweep.spec.trains:
            listed = f"up to {combined + tests:,} measurements"
        raise InputError(
            f"{sweep.document.source}: {listed} before exclusion, more than {MANY_JOBS:,} jobs",
            hint="Make lists shorter, or confirm with --yes if it is meant.",
        )


# ---- rules --------------------------------------------------------------------------------------------------------


class _Rules:
    """Applies the rules of ``exclude`` and counts what each one does."""

    def __init__(self, exclusions: Sequence[Exclusion]) -> None:
        self._exclusions = exclusions
        self._trainings = [0] * len(exclusions)
        self._evaluations = [0] * len(exclusions)

    def exclude(self, cell: Combination) -> bool:
        """Tell whether a rule leaves the whole training out."""
        held = [
            number for number, rule in enumerate(self._exclusions) if not rule.of_tests and rule.matches(cell.values)
        ]
        for number in held:
            self._trainings[number] += 1
        return bool(held)

    def kept_tests(self, cell: Combination) -> tuple[Test, ...]:
        """Return the tests that no rule leaves out."""
        kept = []
        for resolution, arm in cell.tests:
            values = {**cell.values, "test_resolution": resolution or None, "fine_tune_layers": arm.layers}
            held = [number for number, rule in enumerate(self._exclusions) if rule.of_tests and rule.matches(values)]
            for number in held:
                self._evaluations[number] += 1
            if not held:
                kept.append((resolution, arm))
        return tuple(kept)

    def counts(self) -> tuple[RuleCount, ...]:
        return tuple(
            RuleCount(rule.text, trainings, evaluations)
            for rule, trainings, evaluations in zip(self._exclusions, self._trainings, self._evaluations, strict=True)
        )

    def notes(self, sweep: Sweep) -> Iterator[str]:
        for number, count in enumerate(self.counts()):
            if count.trainings == count.evaluations == 0:
                yield str(sweep.document.problem(("exclude", number), f'"{count.rule}" excludes nothing'))


def _measurement_counts(
    sweep: Sweep, cells: Sequence[Combination], places: Sequence[Place], everything: _Jobs
) -> tuple[RuleCount, ...]:
    """Count the measurements that each rule alone leaves out of a sweep that only measures."""
    counts = []
    for exclusion in sweep.spec.exclude:
        rule = _Rules([exclusion])
        left = _jobs(sweep, [(cell, rule.kept_tests(cell)) for cell in cells if not rule.exclude(cell)], places)
        counts.append(RuleCount(exclusion.text, 0, 0, everything.beyond(left)["measure"]))
    return tuple(counts)


# ---- what cannot be -----------------------------------------------------------------------------------------------


def _check_possible(sweep: Sweep, cells: Sequence[Combination]) -> None:
    problems: list[Problem] = []
    for size in dict.fromkeys(cell.variant.size for cell in cells):
        problems += paper_value_problems(sweep.spec, size, sweep.document)
    seen: set[Variant] = set()
    for cell in cells:
        problems += _resolution_problems(sweep, cell)
        if cell.variant not in seen:
            seen.add(cell.variant)
            problems += (*_variant_problems(sweep, cell), *_arm_problems(sweep, cell))
    problems += placement_problems(sweep, cells)
    if problems:
        raise input_error(problems)


def _variant_problems(sweep: Sweep, cell: Combination) -> Iterator[Problem]:
    variant = cell.variant
    if variant.expansion == 0:
        known = ", ".join(str(group_size) for group_size in AUTO_EXPANSION)
        message = f"auto knows the expansion of group sizes {known} only: name the one of {variant.group_size}"
        yield sweep.document.problem(cell.paths["expansion"], message)
        return
    try:
        architecture(variant, sweep.dataset.channels, sweep.dataset.classes)
    except ImpossibleVariantError as error:
        rule = f"exclude: [\"size == '{variant.size}' and group_size == {variant.group_size}\"]"
        message = f"{variant.label} cannot be built: {error}; or leave it out with {rule}"
        yield sweep.document.problem(cell.paths["group_size"], message)


def _resolution_problems(sweep: Sweep, cell: Combination) -> Iterator[Problem]:
    resolutions: list[tuple[int, KeyPath]] = [(cell.train_resolution, cell.paths["train_resolution"])]
    resolutions += [(pixels, ("test_resolution",)) for pixels in cell.test_resolutions]
    for pixels, path in resolutions:
        if pixels == 0:
            message = f"{sweep.dataset.name} images with small_images have no native or half resolution: write pixels"
            yield sweep.document.problem(path, message)
        elif not SMALLEST_RESOLUTION <= pixels <= LARGEST_RESOLUTION:
            message = (
                f"{pixels} pixels ({cell.variant.label}) is not from {SMALLEST_RESOLUTION} to {LARGEST_RESOLUTION}"
            )
            yield sweep.document.problem(path, message)


def _arm_problems(sweep: Sweep, cell: Combination) -> Iterator[Problem]:
    if not cell.arms:
        message = f"networks with {cell.variant.norm} have no batch norms, so none of them would be tested"
        remedy = "add 'head' or 'none', or leave them out with exclude: [\"norm != 'bn'\"]"
        yield sweep.document.problem(("fine_tune", "layers"), f"{message}: {remedy}")


# ---- jobs ---------------------------------------------------------------------------------------------------------


def _jobs(sweep: Sweep, cells: Iterable[tuple[Combination, Sequence[Test]]], places: Sequence[Place]) -> _Jobs:
    jobs = _Jobs()
    trains, recipe = sweep.spec.trains, sweep.spec.recipe_record
    for cell, tests in cells:
        if trains:
            training = training_job(sweep, cell, recipe)
            jobs.trainings[training] = None
            jobs.evaluations |= {EvaluateJob(training, resolution, arm): None for resolution, arm in tests}
        resolutions = list(dict.fromkeys(resolution for resolution, _ in tests))
        for place in places:
            jobs.measurements |= dict.fromkeys(measure_jobs(sweep, cell, resolutions, place, recipe))
    return jobs


def training_job(sweep: Sweep, cell: Combination, recipe: Recipe) -> TrainJob:
    """Return the training that a combination asks for."""
    return TrainJob(
        variant=cell.variant,
        dataset=sweep.dataset,
        resolution=cell.train_resolution,
        seed=cell.seed,
        recipe=recipe,
        precision=cell.precision,
    )


def _measured_kinds(sweep: Sweep, environments: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the kinds of slot to measure on; "any" stands for the slot that should be there and is not."""
    if sweep.spec.slots is not None:
        return sweep.spec.slots.kinds
    return tuple(kind for kind, keys in environments.items() if keys) or ("any",)


def _absent(kind: str) -> str:
    """Stand in for the environment of a slot that is not there; no real key has a colon."""
    return f"absent:{kind}"


def _count_notes(cells: Sequence[Combination], everything: _Jobs, jobs: _Jobs) -> Iterator[str]:
    if not everything.trainings:
        return
    repeated = len(cells) - len(everything.trainings)
    if repeated:
        yield f"{repeated} of {len(cells)} combinations repeat another one and are trained once"
    untested = len(jobs.trainings) - len({evaluation.training for evaluation in jobs.evaluations})
    if untested:
        yield f"{untested} training(s) are tested nowhere: rules exclude all their evaluations"


def _arm_notes(sweep: Sweep, jobs: _Jobs) -> Iterator[str]:
    for arm in sweep.spec.fine_tune_arms:
        without = sum(not applies(arm, training.variant) for training in jobs.trainings)
        if without:
            reason = "their networks have no batch norms"
            yield f"{without} of {len(jobs.trainings)} training(s) are not tested with {arm.layers}: {reason}"


def _placement_notes(sweep: Sweep, jobs: _Jobs) -> Iterator[str]:
    """Tell what runs on some of the named kinds of slot only."""
    kinds = sweep.spec.slots.kinds if sweep.spec.slots is not None else ()
    for kind in kinds:
        left = [job for job in jobs.trainings if not runs_on(kind, job, sweep.spec.ipu)]
        formats = dict.fromkeys(job.precision for job in left if not has_precision(kind, job.precision))
        if formats:
            yield f"nothing is trained, tested or measured in {', '.join(formats)} on {kind} slots, which lack it"
        uncut = sum(has_precision(kind, job.precision) for job in left)
        if uncut:
            others = " or ".join(other for other in kinds if other != kind)
            reason = "batch norm cannot share a batch between micro-batches or replicas"
            yield f"{uncut} of {len(jobs.trainings)} training(s) run on {others} slots and not on {kind}: {reason}"
