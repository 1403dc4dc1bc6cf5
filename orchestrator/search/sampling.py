"""What a search asks of Optuna: which point to try next, whether to go on with a training, what the axes matter.

A proposal follows from what is known and from nothing else: the study is made anew for each, and the sampler's seed is
that of the search and the trial's number. So a search that was killed proposes what it would have proposed.

Optuna's samplers draw from whole ranges, whatever rules leave out of them, and repeat themselves once they are sure.
Here they are asked again, with what they wished for as a trial that runs, which all but NSGA-II then keep away from; in
the end the point that is nearest to the wish is taken, of those that nobody has tried. Of two wishes the cheaper one
comes first: the other will be wished for again, if what is learnt from the cheaper one does not speak against it.
"""

import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.pruners import BasePruner, HyperbandPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, TPESampler

from db.search_records import TrialRow, Value
from orchestrator.search.optuna_study import distribution, empty_study, quiet, study_of
from orchestrator.search.places import Places, Point
from orchestrator.search.space import FINE_TUNE, TEST_OFFSET, TEST_RESOLUTION, Axis

#: So many different trainings are drawn blindly before a sampler is asked, those that run included. Each costs what a
#: training costs, and the tests of three teach a model more than further draws (``benchmarks/search.py``); Optuna's own
#: number, ten, is meant for trials that have nothing in common.
BLIND_TRAININGS: Final = 3
#: How often a sampler is asked at the most, and out of how many wishes the cheapest is chosen.
_ASKS, _CHOICE = 4, 2
#: Trials of a generation of NSGA-II; Optuna's fifty are more than most searches here ever make.
_POPULATION: Final = 8
_GENERATION: Final = "NSGAIISampler:generation"
#: Axes of tests: along them, a training is the same.
_OF_TESTS: Final = frozenset({TEST_RESOLUTION, TEST_OFFSET, FINE_TUNE})

_SAMPLERS: Final[Mapping[str, Callable[[int], BaseSampler]]] = {
    "nsga2": lambda seed: NSGAIISampler(population_size=_POPULATION, seed=seed),
    # For several objectives Optuna takes the axes one by one; jointly they do better here.
    "tpe": lambda seed: TPESampler(n_startup_trials=1, multivariate=True, constant_liar=True, seed=seed),
    "gp": lambda seed: GPSampler(n_startup_trials=1, seed=seed),
}

#: Of three trainings that come to a rung, about one goes on; rungs are at a ninth and a third of the epochs.
_REDUCTION: Final = 3
#: Importances compare the best trials with all; so many at the least are the best ones, and half of all at the most.
_BEST: Final = 5


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to try next.

    Attributes:
        params: Axis → value.
        attributes: What the sampler keeps with a trial.
    """

    params: Mapping[str, Value]
    attributes: Mapping[str, Any]


def propose(  # noqa: PLR0917  # what is searched and how, then what is known
    axes: Sequence[Axis],
    allowed: Collection[Point],
    objectives: Sequence[str],
    sampler: str,
    seed: int,
    trials: Sequence[TrialRow],
    number: int,
    floors: int = 0,
    cost: Callable[[Point], float] | None = None,
) -> Proposal | None:
    """Choose the next point; the same for the same arguments, in whatever order points and trials come.

    Args:
        axes: What is searched.
        allowed: Values of the axes, in their order, of every point that there is.
        objectives: Their names; more is better of all.
        sampler: ``nsga2``, ``tpe``, ``gp`` or ``random``.
        seed: Of the search, 0 to 2**32 - 1.
        trials: All so far; none of their points is proposed again.
        number: Of the trial to come.
        floors: How many floors each trial has to meet.
        cost: What a point costs, in any unit; ``random`` does not ask. None is the same for all.

    Returns:
        None where every point has been tried.
    """
    places = Places(axes, allowed)
    untried = places.untried(trials)
    if not untried:
        return None
    seeds = np.random.SeedSequence((seed, number)).generate_state(2).tolist()
    np.random.default_rng(seeds[0]).shuffle(untried)
    seen = places.seen(trials)
    price, choice = (cost, _CHOICE) if cost and sampler != "random" else (_free, 1)
    if sampler == "random" or _trainings(seen) < BLIND_TRAININGS:
        return Proposal(places.params(min(untried[:choice], key=price)), {})
    with quiet(), _one_thread():
        study = study_of(places.axes, objectives, _in_generations(seen) if sampler == "nsga2" else seen, floors)
        study.sampler = _SAMPLERS[sampler](seeds[1])
        wishes = _wishes(study, places, untried, choice)
    chosen = min(wishes, key=price)
    return Proposal(places.params(chosen), wishes[chosen])


def _free(_point: Point) -> float:
    return 0.0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep to one thread what GPSampler computes with: beside trainings, a thread per core makes it ten times as slow.

    It loads that when it is asked first, and the variable is read then; no slot inherits it.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        os.environ.pop("OMP_NUM_THREADS")
        if before is not None:
            os.environ["OMP_NUM_THREADS"] = before


def _trainings(trials: Sequence[TrialRow]) -> int:
    """Count the trainings of trials, open ones too; further tests of one teach little about where to train."""
    trained = [trial for trial in trials if trial.state in {"open", "complete", "infeasible", "pruned"}]
    return len({tuple(item for item in trial.params.items() if item[0] not in _OF_TESTS) for trial in trained})


def _in_generations(trials: Sequence[TrialRow]) -> list[TrialRow]:
    """Put what NSGA-II selects from into generations in the order in which it was known.

    Whoever proposed it: a stored result or a companion is as good a parent as the sampler's own.
    """
    over = sorted((trial for trial in trials if trial.finished_at), key=lambda trial: (trial.finished_at, trial.number))
    complete = [trial for trial in over if trial.state in {"complete", "infeasible", "skipped"}]
    generations = {trial.number: place // _POPULATION for place, trial in enumerate(complete)}
    return [
        dataclasses.replace(trial, attributes={_GENERATION: generations[trial.number]})
        if trial.number in generations
        else trial
        for trial in trials
    ]


def _wishes(
    study: optuna.Study, places: Places, untried: Sequence[Point], count: int
) -> dict[Point, Mapping[str, Any]]:
    """Ask until the sampler has had so many new wishes; each stays in the study as a trial that runs.

    Returns:
        Point → what the sampler keeps with it; where it had none, the point nearest to its last wish.
    """
    distributions = {axis.name: distribution(axis) for axis in places.axes}
    found: dict[Point, Mapping[str, Any]] = {}
    for _ in range(_ASKS):
        trial = study.ask(distributions)
        point = places.nearest(trial.params, untried)
        attributes = study.get_trials(deepcopy=False)[trial.number].system_attrs
        kept = {key: value for key, value in attributes.items() if key == _GENERATION}
        if places.is_at(point, trial.params):
            found[point] = kept
        if len(found) == count:
            break
    return found or {point: kept}


# ---- pruning ------------------------------------------------------------------------------------------------------


def should_prune(pruner: str, epochs: int, trials: Sequence[TrialRow], number: int) -> bool:
    """Tell whether a trial's accuracy lags behind that of others after as many epochs.

    Args:
        pruner: ``asha`` or ``hyperband``.
        epochs: Of a whole training; none is stopped after the last one.
        trials: All, with their accuracies so far.
        number: Which trial; its last epoch is the one that is over now.
    """
    first = max(1, epochs // _REDUCTION**2)
    curve = next(trial.curve for trial in trials if trial.number == number)
    if not curve or max(curve) >= epochs or max(curve) not in _at_rungs(curve, first):
        return False
    with quiet():
        study = empty_study(pruner=_pruner(pruner, first, epochs))
        told = {trial.number: (study.ask(), trial.curve) for trial in sorted(trials, key=lambda one: one.number)}
        mine = told.pop(number)
        for asked, its_curve in told.values():
            _judge(asked, its_curve, first)
        return _judge(*mine, first)


def _pruner(name: str, first: int, epochs: int) -> BasePruner:
    if name == "hyperband":
        return HyperbandPruner(min_resource=first, max_resource=epochs, reduction_factor=_REDUCTION)
    return SuccessiveHalvingPruner(min_resource=first, reduction_factor=_REDUCTION)


def _at_rungs(curve: Mapping[int, float], first: int) -> list[int]:
    """Return the epochs at which a training came as far as a rung: ``first``, three times that, and so on."""
    reached, rung = [], first
    while later := [epoch for epoch in curve if epoch >= rung]:
        reached.append(min(later))
        rung *= _REDUCTION
    return reached


def _judge(trial: optuna.Trial, curve: Mapping[int, float], first: int) -> bool:
    """Tell Optuna how a training came from rung to rung, and return what it says at the last."""
    lags = False
    for epoch in _at_rungs(curve, first):
        trial.report(curve[epoch], epoch)
        lags = trial.should_prune()
    return lags


# ---- importances --------------------------------------------------------------------------------------------------


def importances(
    axes: Sequence[Axis], objectives: Sequence[str], trials: Sequence[TrialRow]
) -> dict[str, dict[str, float]]:
    """Say which axes the best results have in common, by PED-ANOVA.

    Returns:
        Objective → axis → share, together 1, the largest first. Axes that did not vary are left out, and objectives of
        which too little is known to tell: fewer than ten values, all the same, or one axis alone.
    """
    seen = Places(axes, ()).seen(trials)
    found = {name: _shares(axes, _with_value(seen, index)) for index, name in enumerate(objectives)}
    return {name: shares for name, shares in found.items() if shares}


def _with_value(trials: Sequence[TrialRow], index: int) -> list[tuple[TrialRow, float]]:
    """Return the trials of which an objective is known."""
    over = [trial for trial in trials if trial.state in {"complete", "infeasible"} and len(trial.values) > index]
    return [(trial, value) for trial in over if (value := trial.values[index]) is not None]


def _shares(axes: Sequence[Axis], known: Sequence[tuple[TrialRow, float]]) -> dict[str, float]:
    varied = [axis.name for axis in axes if len({trial.params[axis.name] for trial, _ in known}) > 1]
    if len(known) < 2 * _BEST or len({value for _, value in known}) == 1 or len(varied) < 2:
        return {}
    rows = [
        dataclasses.replace(trial, number=number, state="complete", values=(value,), attributes={})
        for number, (trial, value) in enumerate(known)
    ]
    with quiet():
        study = study_of(Places(axes, ()).axes, ["value"], rows)
        evaluator = PedAnovaImportanceEvaluator(target_quantile=max(0.1, _BEST / len(rows)))
        return get_param_importances(study, evaluator=evaluator, params=varied)
