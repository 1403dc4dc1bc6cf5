"""One search in the store: how it is written, each method a short transaction, and how it is read."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, Select

from db import job_rows, points, search_rows
from db.records import NewJob
from db.search_records import NewTrial, SearchRow, TrialEnd, TrialRow


class SearchWriter:
    """Writes the search that a sweep is.

    A trial stands in the store, with its jobs, before any of them runs; so a search that is killed at any moment has
    neither lost a trial nor a job without one.

    Args:
        transaction: Begins one.
        sweep_id: The sweep.
        now: Gives the times that are stored.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Connection]],
        sweep_id: int,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._transaction = transaction
        self._sweep_id = sweep_id
        self._now = now

    def put(self, settings: Mapping[str, Any]) -> None:
        """Make the sweep a search, or replace the search's settings; it may propose again."""
        with self._transaction() as connection:
            search_rows.put(connection, self._sweep_id, settings, self._now())

    def end(self, reason: str) -> None:
        """Note why the search proposes nothing more."""
        with self._transaction() as connection:
            search_rows.end(connection, self._sweep_id, reason)
            search_rows.touch(connection, self._sweep_id, self._now())

    def set_importances(self, importances: Mapping[str, Mapping[str, float]]) -> None:
        """Replace what the axes are said to matter: objective → axis → share, 0 to 1."""
        with self._transaction() as connection:
            search_rows.set_importances(connection, self._sweep_id, importances)
            search_rows.touch(connection, self._sweep_id, self._now())

    def add_trial(self, trial: NewTrial, jobs: Sequence[NewJob], ending: TrialEnd | None = None) -> None:
        """Begin a trial with its first jobs; with an ending, of one whose results are stored already, end it too."""
        with self._transaction() as connection:
            now = self._now()
            added = search_rows.add_trial(connection, self._sweep_id, trial, jobs, now)
            points.refresh_jobs(connection, self._sweep_id, added)
            if ending is not None:
                search_rows.finish_trial(connection, self._sweep_id, trial.number, ending, now)

    def extend_trial(self, number: int, jobs: Sequence[NewJob]) -> None:
        """Add jobs to a trial; those that it has already change nothing."""
        with self._transaction() as connection:
            added = search_rows.extend_trial(connection, self._sweep_id, number, jobs, self._now())
            points.refresh_jobs(connection, self._sweep_id, added)

    def record_curve(self, number: int, curve: Mapping[int, float]) -> None:
        """Replace the accuracies of an open trial: epoch → top-1 of the validation images, percent."""
        with self._transaction() as connection:
            search_rows.record_curve(connection, self._sweep_id, number, curve)

    def reopen_trial(self, number: int) -> None:
        """Open a trial again that failed, since its jobs have a new chance."""
        with self._transaction() as connection:
            search_rows.reopen_trial(connection, self._sweep_id, number, self._now())

    def finish_trial(self, number: int, ending: TrialEnd, withdrawn: Collection[str] = ()) -> bool:
        """End a trial, once.

        Args:
            number: The trial.
            ending: How.
            withdrawn: Jobs that nobody waits for any more. They leave the sweep; whoever runs one ends its attempt, and
                it stays queued, for any sweep that asks for it.

        Returns:
            False where it has ended before; nothing was changed.
        """
        with self._transaction() as connection:
            now = self._now()
            ended = search_rows.finish_trial(connection, self._sweep_id, number, ending, now)
            if ended and withdrawn:
                gone = job_rows.unlink(connection, self._sweep_id, withdrawn, now)
                points.refresh_jobs(connection, self._sweep_id, gone)
            return ended


class SearchReader:
    """Reads the search that a sweep is.

    Args:
        rows: Returns the rows of a query, in a transaction of its own.
        sweep_id: The sweep.
    """

    def __init__(self, rows: Callable[[Select[Any]], list[dict[str, Any]]], sweep_id: int) -> None:
        self._rows = rows
        self._sweep_id = sweep_id

    def row(self) -> SearchRow | None:
        """Return the search; None where the sweep is none."""
        found = self._rows(search_rows.search(self._sweep_id))
        return search_rows.to_search(found[0]) if found else None

    def trials(self) -> list[TrialRow]:
        """Return the trials in the order of proposing."""
        return [search_rows.to_trial(row) for row in self._rows(search_rows.trials(self._sweep_id))]

    def slot_seconds(self) -> float:
        """Return what all trials have cost: wall time of the attempts that they were the first to ask for."""
        return float(self._rows(search_rows.slot_seconds(self._sweep_id))[0]["slot_seconds"] or 0.0)

    def counts_of(self, fingerprints: Collection[str]) -> list[dict[str, int]]:
        """Return ``images``, ``correct``, ``validation_images`` and ``validation_correct`` of finished evaluations."""
        return self._rows(search_rows.counts_of(fingerprints))

    def trial_jobs(self) -> list[dict[str, Any]]:
        """Return the trials' jobs: ``number``, ``fingerprint``, ``reused``, ``stage``, ``label`` and ``state``."""
        return self._rows(search_rows.trial_jobs(self._sweep_id))
