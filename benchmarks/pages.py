"""What the pages of the dashboard ask of the store, page by page."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from dashboard.words.coverage import COUNTED, DRAWN, NEWEST_FIRST, SHOWN
from db import comparison
from db.front_views import MODES, SCENARIOS, Mode, Scenario
from db.reader import Reader

#: Question → what asks it.
Questions = Mapping[str, Callable[[], object]]

#: One family; few networks, the oldest of all; what keeps the best resolutions from being those that are stored.
_FILTERS: Final = ("", "group_size=16", "width<0.26", "top1_mean>80")
_ROW_FILTERS: Final = ("", "group_size=16", "width<0.26", "group_size=99", "seed=1 top1>60")


def pages(reader: Reader, sweep: str | None) -> dict[str, Questions]:
    """Return what each page asks.

    Args:
        reader: Of a database with results.
        sweep: Which sweep is chosen on the page; None for all of them.
    """
    return {
        **{f"{mode}-front": _front_page(reader, mode, sweep) for mode in MODES},
        "results": _results_page(reader, sweep),
        "speed-up": _speedup_page(reader, sweep),
        **({} if sweep is None else {"sweep": _sweep_page(reader, sweep)}),
    }


def _front_page(reader: Reader, mode: Mode, sweep: str | None) -> Questions:
    asked: dict[str, Callable[[], object]] = {}
    for scenario in SCENARIOS:
        for text in _FILTERS:
            part = reader.part(mode, scenario, sweep=sweep, filter_text=text)
            scopes = part.scopes()
            drawn = part.nearest(scopes, DRAWN)
            measured = sorted({row[f"{mode}_measurement_id"] for row in drawn})
            about = f"{scenario} [{text}]"
            asked |= {
                f"places {about}": part.scopes,
                f"points {about}": functools.partial(part.nearest, scopes, DRAWN),
                f"left out {about}": functools.partial(part.left_out, scopes),
                f"blocks {about}": functools.partial(reader.block_rates, measured),
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


def _sweep_page(reader: Reader, sweep: str) -> Questions:
    sweep_id = reader.sweep(sweep).sweep_id
    return {
        "version": reader.data_version,
        "jobs": functools.partial(reader.tallies, sweep_id),
        "running": functools.partial(reader.running_jobs, sweep_id),
        "failures": functools.partial(reader.failures, sweep_id),
        "newest results": functools.partial(reader.view, sweep=sweep, sort=["-finished_at"], limit=10),
        "newest measurements": functools.partial(reader.newest_measurements, sweep_id, 10),
    }
