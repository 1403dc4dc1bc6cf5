"""Trials of a search as a study of Optuna: in memory, for its samplers to learn from, and in a database, for its tools.

    trial       in memory                                      exported
    complete    COMPLETE                                       COMPLETE
    open        RUNNING                                        WAITING: nobody there would ever end it
    infeasible  COMPLETE, with how much the floors are missed  COMPLETE; PRUNED where it has no values
    skipped     PRUNED; COMPLETE with several objectives       PRUNED
    pruned      PRUNED, with its accuracy at each epoch        PRUNED, the same
    failed      FAIL                                           FAIL

Samplers for several objectives learn from complete trials alone. So in memory a trial that was over before its values
were known has the worst known ones, and its surroundings are left alone; what is exported has no invented number.
"""

import datetime as dt
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.exceptions import DuplicatedStudyError, OptunaError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from db.search_records import TrialRow, Value
from db.urls import parse_url, scrubbed, shown
from orchestrator.errors import DatabaseError, InputError
from orchestrator.search.space import Axis

#: Fixed, since Optuna would draw one, and Hyperband spreads trials over its brackets by it.
_IN_MEMORY: Final = "search"

_STATES: Final = {
    "open": TrialState.RUNNING,
    "complete": TrialState.COMPLETE,
    "infeasible": TrialState.COMPLETE,
    "skipped": TrialState.PRUNED,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}

optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep warnings of Optuna and of what it computes with from the user, who could do nothing about them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def distribution(axis: Axis) -> BaseDistribution:
    """Return how Optuna knows an axis: evenly spaced numbers as a range with a step, anything else as a choice."""
    if any(isinstance(value, str | bool) for value in axis.values):
        return CategoricalDistribution(axis.values)
    numbers = sorted(Decimal(str(value)) for value in axis.values)
    steps = {higher - lower for lower, higher in pairwise(numbers)}
    if len(steps) != 1:
        return CategoricalDistribution(axis.values)
    low, high, step = numbers[0], numbers[-1], steps.pop()
    if all(isinstance(value, int) for value in axis.values):
        return IntDistribution(int(low), int(high), step=int(step))
    return FloatDistribution(float(low), float(high), step=float(step))


# ---- in memory ----------------------------------------------------------------------------------------------------


def empty_study(objectives: int = 1, pruner: optuna.pruners.BasePruner | None = None) -> optuna.Study:
    """Make a study in memory that is the same in every process; its own sampler chooses nothing."""
    return optuna.create_study(
        study_name=_IN_MEMORY,
        directions=["maximize"] * objectives,
        sampler=optuna.samplers.RandomSampler(seed=0),
        pruner=pruner,
    )


def study_of(
    axes: Sequence[Axis], objectives: Sequence[str], trials: Sequence[TrialRow], floors: int = 0
) -> optuna.Study:
    """Make a study in memory from which every sampler can learn what is known.

    Args:
        axes: What is searched.
        objectives: Their names; more is better of all.
        trials: Numbered from 0 without gaps.
        floors: How many floors each trial has to meet; one of which it is not known counts as met.

    Raises:
        ValueError: A number is missing.
    """
    study = empty_study(len(objectives))
    distributions = {axis.name: distribution(axis) for axis in axes}
    worst = [_worst(trials, index) for index in range(len(objectives))]
    for trial in _in_order(trials):
        state = _state_in_memory(trial, len(objectives))
        values = _filled(trial, worst) if state == TrialState.COMPLETE else None
        study.add_trial(_frozen(trial, distributions, state, values, floors))
    return study


def _in_order(trials: Sequence[TrialRow]) -> list[TrialRow]:
    ordered = sorted(trials, key=lambda trial: trial.number)
    if [trial.number for trial in ordered] != list(range(len(ordered))):
        raise ValueError("trials are numbered from 0 without gaps")
    return ordered


def _worst(trials: Sequence[TrialRow], index: int) -> float:
    values = [trial.values[index] for trial in trials if len(trial.values) > index]
    return min((value for value in values if value is not None), default=0.0)


def _state_in_memory(trial: TrialRow, objectives: int) -> TrialState:
    if trial.state == "skipped" and (objectives > 1 or _known_values(trial)):
        return TrialState.COMPLETE
    return _STATES[trial.state]


def _known_values(trial: TrialRow) -> list[float]:
    """Return a trial's values if all are known; else nothing."""
    values = [value for value in trial.values if value is not None]
    return values if len(values) == len(trial.values) else []


def _filled(trial: TrialRow, worst: Sequence[float]) -> list[float]:
    values = trial.values or (None,) * len(worst)
    return [bad if value is None else value for value, bad in zip(values, worst, strict=True)]


def _frozen(
    trial: TrialRow,
    distributions: Mapping[str, BaseDistribution],
    state: TrialState,
    values: Sequence[float] | None,
    floors: int = 0,
) -> FrozenTrial:
    """Return a trial in Optuna's form; its constraints are those that are known, and as many as there are floors."""
    violations = (*trial.violations, *[0.0] * (floors - len(trial.violations)))
    return optuna.trial.create_trial(
        state=state,
        values=values,
        params=dict(trial.params),
        distributions={name: distributions[name] for name in trial.params},
        system_attrs=dict(trial.attributes),
        intermediate_values=dict(trial.curve),
        constraints={str(index): value for index, value in enumerate(violations)} if state.is_finished() else None,
    )


# ---- exported -----------------------------------------------------------------------------------------------------


def export_study(
    url: str, name: str, axes: Sequence[Axis], objectives: Sequence[str], trials: Sequence[TrialRow]
) -> int:
    """Write a search as a study into a database of Optuna's, which is made where there is none.

    Args:
        url: An SQLite file or a Postgres database; one of ours may be the same: no table has the name of another's.
        name: Of the study.
        axes: What is searched.
        objectives: Their names.
        trials: Numbered from 0 without gaps; they keep their numbers.

    Returns:
        The number of trials.

    Raises:
        InvalidUrlError: The URL is malformed or of another kind of database.
        InputError: There is a study of this name; it was left as it is.
        DatabaseError: The database cannot be reached or written, or belongs to another release of Optuna.
    """
    parsed = parse_url(url)
    distributions = {axis.name: distribution(axis) for axis in _tried(axes, trials)}
    frozen = [_exported(trial, distributions) for trial in _in_order(trials)]
    with quiet(), _translated(parsed, name), _storage(parsed) as storage:
        study = optuna.create_study(storage=storage, study_name=name, directions=["maximize"] * len(objectives))
        try:
            study.set_metric_names(list(objectives))
            study.add_trials(frozen)
        except BaseException:
            optuna.delete_study(study_name=name, storage=storage)  # half a study would look like a whole one
            raise
    return len(frozen)


def _tried(axes: Sequence[Axis], trials: Sequence[TrialRow]) -> list[Axis]:
    """Return the axes with every value that a trial has: they may have been other ones, before the file was changed."""
    values: dict[str, dict[Value, None]] = {axis.name: dict.fromkeys(axis.values) for axis in axes}
    for trial in trials:
        for name, value in trial.params.items():
            values.setdefault(name, {})[value] = None
    return [Axis(name, tuple(known)) for name, known in values.items()]


def _exported(trial: TrialRow, distributions: Mapping[str, BaseDistribution]) -> FrozenTrial:
    state = TrialState.WAITING if trial.state == "open" else _STATES[trial.state]
    values = _known_values(trial) if state == TrialState.COMPLETE else []
    if state == TrialState.COMPLETE and not values:
        state = TrialState.PRUNED
    frozen = _frozen(trial, distributions, state, values or None)
    frozen.user_attrs = _user_attributes(trial)
    if state == TrialState.WAITING:
        frozen.system_attrs = {"fixed_params": dict(trial.params)}  # what Optuna's own enqueue_trial writes
        return frozen
    frozen.datetime_start = _local(trial.created_at)
    frozen.datetime_complete = _local(trial.finished_at or trial.created_at)
    return frozen


def _user_attributes(trial: TrialRow) -> dict[str, Any]:
    """Return what Optuna has no place for; among it values that are known of a trial that has not all of them."""
    return {
        "state": trial.state,
        "origin": trial.origin,
        "reason": trial.reason,
        "slot_seconds": trial.slot_seconds,
        "jobs": trial.jobs,
        "jobs_reused": trial.reused,
        "values": list(trial.values),
    }


def _local(time: dt.datetime) -> dt.datetime:
    """Return a time as Optuna keeps it: of the local clock, and silent about which that is."""
    return time.astimezone().replace(tzinfo=None)


@contextmanager
def _storage(url: URL) -> Iterator[RDBStorage]:
    storage = RDBStorage(url.render_as_string(hide_password=False))
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


@contextmanager
def _translated(url: URL, name: str) -> Iterator[None]:
    """Turn what Optuna and the drivers raise into errors of ours, without the URL's password."""
    try:
        yield
    except DuplicatedStudyError:
        hint = "Name another database, or delete it there: optuna delete-study."
        raise InputError(f"{shown(url)} has a study {name!r} already", hint) from None
    except (OptunaError, SQLAlchemyError, RuntimeError) as error:
        reason = scrubbed(" ".join(str(getattr(error, "orig", None) or error.__cause__ or error).split()), url)
        hint = "Check the file's directory, or that the server runs."
        raise DatabaseError(f"cannot write a study to {shown(url)}: {reason}", hint) from None
