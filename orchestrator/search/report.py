"""How far a search is and what it has found, for the terminal and for programs."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from db import search_pace
from db.hypervolume import hypervolumes
from orchestrator.errors import InputError
from orchestrator.output import pause_words, print_rows
from orchestrator.search.settings import axes_of
from orchestrator.search.words import trial_words, value_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from db.reader import Reader
    from db.records import Pause, SweepRow
    from db.search_records import SearchRow, TrialRow

#: At which shares of the trials the progress is told.
_QUARTERS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Report:
    """A search as it stands.

    Attributes:
        name: Of its sweep.
        state: Of its sweep.
        search: What it looks for.
        trials: In the order of proposing.
        hours: Since whoever runs it began, without its pauses; 0 where nobody does.
        pause: Of its sweep; None where it is not paused.
    """

    name: str
    state: str
    search: SearchRow
    trials: Sequence[TrialRow]
    hours: float = 0.0
    pause: Pause | None = None

    @property
    def objectives(self) -> list[str]:
        """Their names."""
        return list(self.search.settings["objectives"])

    @property
    def complete(self) -> list[TrialRow]:
        """The trials that count, in the order in which they ended."""
        return [trial for trial in search_pace.ended(self.trials) if trial.state == "complete"]

    @property
    def best(self) -> list[TrialRow]:
        """Those that no other one beats, the best in the first objective first; of one objective, the best one."""
        complete = self.complete
        front = [one for one in complete if not any(_beats(other, one) for other in complete)]
        ordered = sorted(front, key=lambda trial: (-_number(trial.values[0]), trial.number))
        return ordered if len(self.objectives) > 1 else ordered[:1]

    @property
    def covered(self) -> list[float]:
        """Hypervolume after each of the complete trials, as a share of the present one."""
        return hypervolumes([[_number(value) for value in trial.values] for trial in self.complete])

    @property
    def slot_seconds(self) -> float:
        """What all trials have cost."""
        return sum(trial.slot_seconds for trial in self.trials)

    @property
    def seconds_left(self) -> float | None:
        """How long it will run on, of which ``db.search_pace`` tells; None where it does not run."""
        if self.state != "running" or self.search.ended:
            return None
        return search_pace.seconds_left(self.trials, self.search.settings["budget"], self.hours)

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "search": self.name,
            "state": self.state,
            "ended": self.search.ended,
            "paused": None if self.pause is None else dataclasses.asdict(self.pause),
            **self.search.settings,
            "trials": dict(Counter(trial.state for trial in self.trials)),
            "origins": dict(Counter(trial.origin for trial in self.trials)),
            "jobs": sum(trial.jobs for trial in self.trials),
            "jobs_reused": sum(trial.reused for trial in self.trials),
            "slot_seconds": self.slot_seconds,
            "seconds_left": self.seconds_left,
            "best": [self.row(trial) for trial in self.best],
            "hypervolume": [
                {"trial": trial.number, "share": share}
                for trial, share in zip(self.complete, self.covered, strict=True)
            ],
            "importances": {name: dict(shares) for name, shares in self.search.importances.items()},
        }

    def row(self, trial: TrialRow) -> dict[str, Any]:
        """Return a trial as a row: number, axes, objectives, and what it was."""
        values = dict(zip(self.objectives, trial.values, strict=False))
        return {
            "trial": trial.number,
            **trial.params,
            **{name: values.get(name) for name in self.objectives},
            "origin": trial.origin,
            "state": trial.state,
            "slot_seconds": round(trial.slot_seconds, 1),
            "reason": trial.reason,
        }


def read_report(reader: Reader, name: str) -> Report:
    """Read how a search stands.

    Raises:
        InputError: The sweep is no search.
        UnknownNameError: There is no such sweep.
    """
    row: SweepRow = reader.sweep(name)
    stored = reader.search(row.sweep_id)
    found = stored.row()
    if found is None:
        raise InputError(f"the sweep {row.name!r} is no search", hint="`orchestrator results` shows what it found.")
    driver = reader.driver(row.driver_id) if row.driver_id else None
    now = dt.datetime.now(dt.timezone.utc)
    seconds = 0.0 if driver is None else (now - driver.started_at).total_seconds() - row.seconds_paused(now)
    return Report(row.name, row.state, found, stored.trials(), seconds / 3600, row.pause)


def print_report(report: Report) -> None:
    """Write a report for a person."""
    state = report.state if report.pause is None else pause_words(report.pause)
    click.echo(f"{report.name}: {state}{_because(report)}; {_tally(report)}")
    jobs, reused = (sum(getattr(trial, name) for trial in report.trials) for name in ("jobs", "reused"))
    click.echo(f"{jobs - reused} job(s) asked for and {reused} reused; {report.slot_seconds / 3600:.2f} slot-hours")
    left = report.seconds_left
    if left is not None:
        click.echo(f"about {max(1, round(left / 60))} min left to the end of its budget")
    if not report.complete:
        click.echo(_nothing_yet(report))
        return
    axes = [axis["name"] for axis in report.search.settings["axes"]]
    title = "best so far" if len(report.objectives) == 1 else "trials that no other one beats"
    columns = ["trial", *axes, *report.objectives, "origin"]
    print_rows([report.row(trial) for trial in report.best], columns, "table", title)
    click.echo(_progress(report))
    for objective in report.objectives:
        shares = report.search.importances.get(objective)
        if not shares:
            continue
        listed = ", ".join(f"{axis} {share:.0%}" for axis, share in sorted(shares.items(), key=lambda one: -one[1]))
        click.echo(f"what {objective} depends on: {listed}")


def _nothing_yet(report: Report) -> str:
    """Say how near the floors somebody came."""
    short = [trial for trial in report.trials if trial.state == "infeasible"]
    if not short:
        return "no trial is complete yet"
    nearest = min(short, key=lambda trial: (sum(max(0.0, missing) for missing in trial.violations), trial.number))
    words = trial_words(nearest, axes_of(report.search.settings), report.objectives)
    return f"no trial met every floor; nearest was {words}"


def _because(report: Report) -> str:
    return f", since {report.search.ended}" if report.search.ended else ""


def _tally(report: Report) -> str:
    states = Counter(trial.state for trial in report.trials)
    origins: Mapping[str, int] = Counter(trial.origin for trial in report.trials)
    words = {"stored": "stored already", "companion": "of trainings that were paid for"}
    told = [f"{count} {state}" for state, count in states.most_common()]
    told += [f"{origins[name]} {word}" for name, word in words.items() if origins.get(name)]
    return f"{len(report.trials)} trial(s): {', '.join(told)}" if told else "no trial yet"


def _progress(report: Report) -> str:
    """Say how soon most of it was found."""
    covered = report.covered
    if len(report.objectives) == 1:
        first = report.best[0]
        place = [trial.number for trial in report.complete].index(first.number) + 1
        value = value_words(report.objectives[0], first.values[0])
        return f"the best, {value}, was the {place}. of {len(covered)} complete trials"
    marks = [(share, covered[max(0, round(share * len(covered)) - 1)]) for share in _QUARTERS]
    listed = ", ".join(f"{reached:.0%} after {round(share * len(covered))}" for share, reached in marks)
    return f"hypervolume of the front, of today's: {listed} complete trials"


def _beats(one: TrialRow, other: TrialRow) -> bool:
    ours, theirs = ([_number(value) for value in trial.values] for trial in (one, other))
    return ours != theirs and all(mine >= its for mine, its in zip(ours, theirs, strict=True))


def _number(value: float | None) -> float:
    """Return a value of a complete trial, which is known."""
    assert value is not None  # noqa: S101
    return value
