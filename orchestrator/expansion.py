"""From a sweep to its jobs: every combination of the axes, less the excluded ones.

    combinations ─▶ trainings ─▶ evaluations (× test resolution)
                └─▶ measurements (per network, resolution, mode, precision and environment; seeds do not multiply them)

Pure: the same sweep gives the same jobs whatever the database holds and wherever it runs; only measurements depend on
which environments there are. Combinations that cannot be built are refused here, with the line that asks for them.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.combinations import Combination, Settings, combinations, dimensions
from orchestrator.errors import InputError
from orchestrator.exclusion import Exclusion
from orchestrator.source_tree import KeyPath, Problem, input_error
from orchestrator.sweep import Sweep
from orchestrator.sweep_spec import LARGEST_RESOLUTION, SMALLEST_RESOLUTION
from workers.protocol.architecture import architecture
from workers.protocol.jobs import EvaluateJob, Job, MeasureJob, TrainJob
from workers.protocol.variant import AUTO_EXPANSION, ImpossibleVariantError, Variant

#: A larger sweep is likely a mistake, and has to be confirmed.
MANY_JOBS = 100_000


@dataclass(frozen=True, slots=True)
class RuleCount:
    """What one rule of ``exclude`` leaves out, whether or not another rule does too.

    Attributes:
        rule: Its text.
        trainings: Trainings it holds for, with all that follows from them.
        evaluations: Evaluations of other trainings; only rules that name ``test_resolution`` have some.
    """

    rule: str
    trainings: int
    evaluations: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """The jobs of a sweep, each once, in the order of the file.

    Attributes:
        trainings: One per variant, train resolution, seed and precision.
        evaluations: One per training and test resolution.
        measurements: One per network, mode, resolution, precision and present environment.
        unplaced: Slot kind → measurements on it, which cannot even be named because no such slot is there.
        slot_kinds: Environment key → kind of slot.
        excluded: Stage → jobs left out by rules.
        rules: What each rule left out.
        notes: What the user may not have meant, a line each.
    """

    trainings: tuple[TrainJob, ...]
    evaluations: tuple[EvaluateJob, ...]
    measurements: tuple[MeasureJob, ...]
    unplaced: Mapping[str, int]
    slot_kinds: Mapping[str, str]
    excluded: Mapping[str, int]
    rules: tuple[RuleCount, ...]
    notes: tuple[str, ...]

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
    kept = [(cell, rules.kept_tests(cell)) for cell in cells if not rules.exclude(cell)]
    if not kept:
        raise input_error([sweep.document.problem(("exclude",), "the rules leave nothing to train")])
    _check_possible(sweep, [cell for cell, _ in kept])

    kinds = _measured_kinds(sweep, environments)
    keys = [key for kind in kinds for key in environments.get(kind) or (_absent(kind),)]
    jobs = _jobs(sweep, kept, keys)
    everything = _jobs(sweep, [(cell, cell.test_resolutions) for cell in cells], keys)
    absent = {_absent(kind): kind for kind in kinds if not environments.get(kind)}
    return Expansion(
        trainings=tuple(jobs.trainings),
        evaluations=tuple(jobs.evaluations),
        measurements=tuple(job for job in jobs.measurements if job.environment_key not in absent),
        unplaced=Counter(absent[job.environment_key] for job in jobs.measurements if job.environment_key in absent),
        slot_kinds={key: kind for kind, present in environments.items() for key in present},
        excluded=everything.beyond(jobs),
        rules=rules.counts(),
        notes=(*rules.notes(sweep), *_count_notes(cells, everything, jobs)),
    )


def _check_size(sweep: Sweep, crossed: Sequence[Sequence[Settings]], *, allow_many: bool) -> None:
    trainings = math.prod(len(dimension) for dimension in crossed)
    jobs = trainings * (1 + len(sweep.spec.test_resolution))
    if jobs > MANY_JOBS and not allow_many:
        raise InputError(
            f"{sweep.document.source}: {trainings:,} trainings and {jobs - trainings:,} evaluations before exclusion, "
            f"more than {MANY_JOBS:,} jobs",
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
        values = {**cell.values, "test_resolution": None}
        held = [
            number
            for number, rule in enumerate(self._exclusions)
            if "test_resolution" not in rule.names and rule.matches(values)
        ]
        for number in held:
            self._trainings[number] += 1
        return bool(held)

    def kept_tests(self, cell: Combination) -> tuple[int, ...]:
        """Return the test resolutions that no rule leaves out."""
        kept = []
        for resolution in cell.test_resolutions:
            values = {**cell.values, "test_resolution": resolution or None}
            held = [
                number
                for number, rule in enumerate(self._exclusions)
                if "test_resolution" in rule.names and rule.matches(values)
            ]
            for number in held:
                self._evaluations[number] += 1
            if not held:
                kept.append(resolution)
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


# ---- what cannot be -----------------------------------------------------------------------------------------------


def _check_possible(sweep: Sweep, cells: Iterable[Combination]) -> None:
    problems: list[Problem] = []
    seen: set[Variant] = set()
    for cell in cells:
        problems += _resolution_problems(sweep, cell)
        if cell.variant not in seen:
            seen.add(cell.variant)
            problems += _variant_problems(sweep, cell)
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


# ---- jobs ---------------------------------------------------------------------------------------------------------


def _jobs(sweep: Sweep, cells: Iterable[tuple[Combination, Sequence[int]]], environment_keys: Sequence[str]) -> _Jobs:
    jobs = _Jobs()
    recipe, fine_tune = sweep.spec.recipe_record, sweep.spec.fine_tune_record
    for cell, tests in cells:
        training = TrainJob(
            variant=cell.variant,
            dataset=sweep.dataset,
            resolution=cell.train_resolution,
            seed=cell.seed,
            recipe=recipe,
            precision=cell.precision,
        )
        jobs.trainings[training] = None
        for resolution in tests:
            jobs.evaluations[EvaluateJob(training, resolution, fine_tune)] = None
        for key in environment_keys:
            jobs.measurements |= dict.fromkeys(_measurements(sweep, training, tests, key))
    return jobs


def _measurements(sweep: Sweep, training: TrainJob, tests: Sequence[int], key: str) -> Iterator[MeasureJob]:
    measure = sweep.spec.measure
    if measure is None:
        return
    for mode in measure.modes:
        for resolution in (training.resolution,) if mode == "train" else tests:
            yield MeasureJob(
                variant=training.variant,
                channels=sweep.dataset.channels,
                classes=sweep.dataset.classes,
                mode=mode,
                resolution=resolution,
                environment_key=key,
                batch_size=measure.batch_size if isinstance(measure.batch_size, int) else None,
                precision=training.precision,
                memory_format=None if measure.memory_format == "auto" else measure.memory_format,
                optimizer=training.recipe.optimizer if mode == "train" else None,
                blocks=measure.blocks,
                block_seconds=measure.block_seconds,
                warmup_seconds=measure.warmup_seconds,
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
    repeated = len(cells) - len(everything.trainings)
    if repeated:
        yield f"{repeated} of {len(cells)} combinations repeat another one and are trained once"
    untested = len(jobs.trainings) - len({evaluation.training for evaluation in jobs.evaluations})
    if untested:
        yield f"{untested} training(s) are tested nowhere: rules exclude all their evaluations"
