"""What the pages of the dashboard ask of the store, page by page."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from dashboard.words.coverage import COUNTED, DRAWN, GREYED, NEWEST_FIRST, SHOWN
from db import comparison
from db.front_views import MODES, SCENARIOS, Mode, Scenario
from db.group_fronts import COSTS
from db.reader import Reader

#: Question → what asks it.
Questions = Mapping[str, Callable[[], object]]

#: One family; few networks, the oldest of all; what keeps the best resolutions from being those that are stored.
_FILTERS: Final = ("", "group_size=16", "width<0.26", "top1_mean>80")
_ROW_FILTERS: Final = ("", "group_size=16", "width<0.26", "group_size=99", "seed=1 top1>60")
#: What a colour stands for on a front unless the reader chooses otherwise: a series.
_COLOURS: Final = ("series",)
#: Rows of what happened and of what was found last on the page of a sweep; results that are compared at most.
_RECENT, _COMPARED = 10, 6


def pages(reader: Reader, sweep: str | None) -> dict[str, Questions]:
    """Return what each page asks.

    Args:
        reader: Of a database with results, and a search.
        sweep: Which sweep is chosen on the page; None for all of them.
    """
    return {
        **{f"{mode}-front": _front_page(reader, mode, sweep) for mode in MODES},
        "results": _results_page(reader, sweep),
        "speed-up": _speedup_page(reader, sweep),
        "resolution": _resolution_page(reader, sweep),
        **(_pages_of_all(reader) if sweep is None else {"sweep": _sweep_page(reader, sweep)}),
    }


def _pages_of_all(reader: Reader) -> dict[str, Questions]:
    newest = reader.view(columns=["evaluation"], sort=NEWEST_FIRST, limit=8 * _COMPARED)
    evaluations = list(dict.fromkeys(row["evaluation"] for row in newest if row["evaluation"]))[:_COMPARED]
    return {
        "published": _published_page(reader),
        "result": _result_page(reader, evaluations[0]),
        "compare": _compare_page(reader, evaluations),
        "search": _search_page(reader, reader.searches()[0].sweep_id),
    }


def _front_page(reader: Reader, mode: Mode, sweep: str | None) -> Questions:
    asked: dict[str, Callable[[], object]] = {}
    for scenario in SCENARIOS:
        for text in _FILTERS:
            part = reader.part(mode, scenario, sweep=sweep, filter_text=text)
            scopes = part.scopes()
            drawn = part.nearest(scopes, DRAWN)
            measured = sorted({row[f"{mode}_measurement_id"] for row in drawn} - {None})
            about = f"{scenario} [{text}]"
            asked |= {
                f"places {about}": part.scopes,
                f"points {about}": functools.partial(part.nearest, scopes, DRAWN),
                f"theory {about}": functools.partial(part.leaders, scopes, by=(), cost="macs", most=DRAWN),
                **{
                    f"fronts of colours by {cost} {about}": functools.partial(
                        part.leaders, scopes, by=_COLOURS, cost=cost, most=DRAWN
                    )
                    for cost in COSTS
                },
                f"number of leaders {about}": functools.partial(
                    part.counted_leaders, scopes, by=_COLOURS, cost="images_per_second"
                ),
                f"greyed {about}": functools.partial(part.greyed, scopes, GREYED),
                f"number of greyed {about}": functools.partial(part.counted_greyed, scopes),
                f"left out {about}": functools.partial(part.left_out, scopes),
                f"selected {about}": functools.partial(
                    reader.evaluations_of, drawn[:_COMPARED], sweep=sweep, filter_text=text
                ),
                f"blocks {about}": functools.partial(reader.timed_blocks, measured),
            }
    return asked


def _results_page(reader: Reader, sweep: str | None) -> Questions:
    asked: dict[str, Callable[[], object]] = {}
    for text in _ROW_FILTERS:
        asked[f"rows [{text}]"] = functools.partial(
            reader.view, filter_text=text, sweep=sweep, sort=NEWEST_FIRST, limit=SHOWN
        )
        asked[f"count [{text}]"] = functools.partial(reader.count, filter_text=text, sweep=sweep, most=COUNTED)
    return asked


def _speedup_page(reader: Reader, sweep: str | None) -> Questions:
    part = reader.part("train", "best", sweep=sweep)
    scopes = part.scopes()
    sides = [f'series="{one["series"]}" source=measured' for one in part.families(scopes)]
    asked: dict[str, Callable[[], object]] = {"families": functools.partial(part.families, scopes)}
    for mode, scenario in (("train", "best"), ("inference", "all")):
        asked[f"comparison {mode} {scenario}"] = functools.partial(_compare, reader, sides, mode, scenario, sweep)
    return asked


def _compare(reader: Reader, sides: list[str], mode: Mode, scenario: Scenario, sweep: str | None) -> object:
    return comparison.compare(reader, baseline=sides[0], candidate=sides[-1], mode=mode, scenario=scenario, sweep=sweep)


def _resolution_page(reader: Reader, sweep: str | None) -> Questions:
    curves = reader.resolutions(sweep)
    network = max(curves.networks(), key=lambda row: int(row["train_resolutions"]))
    return {
        "networks": curves.networks,
        "curves": functools.partial(curves.curves, network["variant_id"], network["dataset_id"]),
    }


def _published_page(reader: Reader) -> Questions:
    part = reader.part("train", "best")
    return {"places": part.scopes, "combinable": reader.combinable_publications}


def _result_page(reader: Reader, evaluation: str) -> Questions:
    details = reader.details()
    training = str(details.job(evaluation).depends_on)
    [row, *_] = details.in_places([evaluation])
    measured = [row[f"{mode}_measurement_id"] for mode in MODES if row[f"{mode}_measurement_id"] is not None]
    return {
        "job": functools.partial(details.job, evaluation[:8]),
        "result": functools.partial(details.evaluations, [evaluation]),
        "training": functools.partial(reader.training, training),
        "epochs": functools.partial(reader.epochs_of, training),
        "related": functools.partial(details.related, training),
        "places": functools.partial(details.in_places, [evaluation]),
        "measured": functools.partial(details.measured, measured),
        "attempts": functools.partial(details.attempts, [evaluation, training]),
        "sweeps": functools.partial(details.sweeps_of, evaluation),
    }


def _compare_page(reader: Reader, evaluations: list[str]) -> Questions:
    details = reader.details()
    rows = details.in_places(evaluations)
    numbers = {row[f"{mode}_measurement_id"] for row in rows for mode in MODES} - {None}
    return {
        "results": functools.partial(details.evaluations, evaluations),
        "jobs": functools.partial(details.jobs, evaluations),
        "places": functools.partial(details.in_places, evaluations),
        "measured": functools.partial(details.measured, sorted(numbers)),
        "environments": functools.partial(details.environments, sorted({row["environment_key"] for row in rows})),
    }


def _search_page(reader: Reader, sweep_id: int) -> Questions:
    search = reader.search(sweep_id)
    return {
        "searches": reader.searches,
        "search": search.row,
        "trials": search.trials,
        "cost": search.slot_seconds,
        "jobs of trials": search.trial_jobs,
    }


def _sweep_page(reader: Reader, sweep: str) -> Questions:
    sweep_id = reader.sweep(sweep).sweep_id
    progress = reader.progress(sweep_id)
    return {
        "version": reader.data_version,
        "sweeps": reader.sweeps,
        "jobs": functools.partial(reader.tallies, sweep_id),
        "running": functools.partial(reader.running_jobs, sweep_id),
        "rounds": progress.rounds,
        "events": functools.partial(progress.events, _RECENT),
        "in one row: states": progress.states,
        "in one row: best": progress.best_top1,
        "in one row: changed": progress.changed_at,
        "failures": functools.partial(reader.failures, sweep_id),
        "newest results": functools.partial(reader.view, sweep=sweep, sort=["-finished_at"], limit=_RECENT),
        "newest measurements": functools.partial(reader.newest_measurements, sweep_id, _RECENT),
    }
