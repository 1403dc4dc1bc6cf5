"""Running a search: from a file to a running driver whose jobs come one trial at a time.

file ─▶ space ─▶ Search ─actions─▶ store, scheduler ─▶ slots
                   ▲                                     │
                   └────────── results ◀── store ◀───────┘
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.capacity import find_capacity
from orchestrator.driver_partners import impatient
from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.images import fetch_images
from orchestrator.search.costs import costs_of
from orchestrator.search.sampling import propose
from orchestrator.search.searching import Limits, Search
from orchestrator.search.settings import goal_of, settings_of, with_stored_baseline
from orchestrator.search.source import SearchSource
from orchestrator.search.space import make_space
from orchestrator.search.stored_results import StoredResults
from orchestrator.source_tree import input_error
from orchestrator.sweep import load_sweep
from orchestrator.sweep_run import open_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from db.search_records import TrialRow
    from db.search_store import SearchReader
    from orchestrator.capacity import Capacity
    from orchestrator.launching import LaunchOptions
    from orchestrator.search.goal import Goal
    from orchestrator.search.sampling import Proposal
    from orchestrator.search.space import Space
    from orchestrator.search_section import SearchSection
    from orchestrator.sweep import Sweep
    from orchestrator.sweep_run import SweepRun
    from workers.protocol.jobs import Job
    from workers.protocol.orders import Environment


@dataclass(frozen=True, slots=True)
class SearchOutcome:
    """How a search ended.

    Attributes:
        sweep_id: The sweep that it is.
        name: Its name.
        trials: All of them.
        counts: Stage → state → jobs, at the end.
        stopped_by: Number of the signal that ended it, or None.
    """

    sweep_id: int
    name: str
    trials: tuple[TrialRow, ...]
    counts: Mapping[str, Mapping[str, int]]
    stopped_by: int | None


def search(options: LaunchOptions, console: Console) -> SearchOutcome:
    """Run a search to its end, or to the signal that stops it.

    Raises:
        OrchestratorError: The file, the slots or another driver forbid it.
        StoreError: The database does.
    """
    sweep = load_sweep(options.sweep_file, options.overrides)
    section = section_of(sweep)
    fetch_images(sweep.dataset, options.data_directory)
    capacity = find_capacity(options.address, sweep.spec.slots, options.home)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(capacity.close)
        space = space_of(sweep, capacity, allow_many=options.allow_many)
        goal = goal_of(section, sweep, options.url, the_environment(sweep, capacity))
        jobs: dict[str, Job] = {job.fingerprint: job for point in space.points.values() for job in point.jobs}
        run = cleanup.enter_context(open_run(options, sweep, capacity, jobs, console))
        return _run(run, sweep, space, goal, sum(capacity.slots.values()), console)


def section_of(sweep: Sweep) -> SearchSection:
    """Return the section ``search`` of a file.

    Raises:
        InputError: It has none.
    """
    if sweep.spec.search is None:
        message = "missing: the objectives and the budget of the search; without them the file is for `launch`"
        raise input_error([sweep.document.problem(("search",), message)])
    return sweep.spec.search


def the_environment(sweep: Sweep, capacity: Capacity) -> Environment:
    """Return the environment whose throughput counts.

    Raises:
        InputError: There are several.
    """
    found = [environment for environments in capacity.environments.values() for environment in environments]
    if len(found) > 1 and section_of(sweep).modes:
        kinds = ", ".join(capacity.environments)
        message = f"throughput is compared on one kind of hardware, but there are {len(found)} here ({kinds})"
        raise input_error([sweep.document.problem(("slots",), f"{message}: name one kind of slot")])
    return found[0]


def space_of(sweep: Sweep, capacity: Capacity, *, allow_many: bool) -> Space:
    """Return what the search may choose.

    Raises:
        InputError: A combination cannot be built, or there is nothing to choose.
    """
    expand(sweep, capacity.environment_keys, allow_many=allow_many)  # for what it refuses
    environment = the_environment(sweep, capacity)
    return make_space(sweep, section_of(sweep).modes, environment.key, environment.slot_kind)


def _run(
    run: SweepRun,
    sweep: Sweep,
    space: Space,
    goal: Goal,
    slots: int,
    console: Console,
) -> SearchOutcome:
    store, reader, section = run.store, run.reader, section_of(sweep)
    sweep_id = run.take_sweep()
    run.put_environments()
    stored, writer = reader.search(sweep_id), store.search(sweep_id)
    known = stored.row()
    if known is not None:
        _require_same(sweep, known.settings, settings_of(section, space, goal))
        goal = with_stored_baseline(goal, known.settings)
    writer.put(settings_of(section, space, goal))
    run.take_in_unread(store.jobs_of(sweep_id))
    source = SearchSource(
        search=_search_of(space, goal, section, stored),
        section=section,
        space=space,
        results=StoredResults(store, reader, stored),
        writer=writer,
        stored=stored,
        run=run,
        store=store,
        reader=reader,
        note=lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True),
        epochs=sweep.spec.recipe_record.epochs,
    )
    source.advance(slots, impatient)  # stored results may be all that is wanted
    stopped_by = run.drive(sweep_id, source) if source.working else None
    source.close()
    outcome = SearchOutcome(sweep_id, sweep.spec.name, tuple(stored.trials()), reader.counts(sweep_id), stopped_by)
    store.set_sweep_state(sweep_id, _state(outcome))
    return outcome


def _search_of(space: Space, goal: Goal, section: SearchSection, stored: SearchReader) -> Search:
    asked: dict[int, set[str]] = {}
    for row in stored.trial_jobs():
        asked.setdefault(row["number"], set()).add(row["fingerprint"])
    companions = section.companions if isinstance(section.companions, int) else None
    limits = Limits(trials=section.budget.trials, companions=companions)
    return Search(space, goal, limits, proposer(space, goal, section), stored.trials(), asked)


def proposer(space: Space, goal: Goal, section: SearchSection) -> Callable[[Sequence[TrialRow], int], Proposal | None]:
    """Return what proposes the next trial of a search, by its sampler."""
    costs = costs_of(space)

    def next_of(trials: Sequence[TrialRow], number: int) -> Proposal | None:
        return propose(
            space.axes,
            space.points,
            goal.objectives,
            section.sampler_name,
            section.seed,
            trials,
            number,
            floors=goal.constraints,
            cost=costs,
        )

    return next_of


def _require_same(sweep: Sweep, known: Mapping[str, object], settings: Mapping[str, object]) -> None:
    """Refuse to go on with a search whose trials were about something else.

    Raises:
        InputError: They were.
    """
    for name in ("axes", "objectives", "floors", "mode"):
        if known[name] != settings[name]:
            message = f"{sweep.spec.name} was begun with other {name}"
            hint = "Give it another name: what it has trained and measured is reused at once."
            raise InputError(f"{sweep.document.source}: {message}", hint)


def _state(outcome: SearchOutcome) -> str:
    if any(trial.state == "open" for trial in outcome.trials) or outcome.stopped_by is not None:
        return "stopped"
    return "finished"
