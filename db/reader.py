"""The read side of the store, for the command line and the dashboard; it can write nothing."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.engine import URL

from db import checkpoints, combination, driver_rows, failures, filters, fronts, job_rows, schema
from db.bootstrap import Blocks
from db.derived_tables import result_points
from db.engine import open_read_engine, transaction
from db.errors import UnknownNameError
from db.first_rows import counted_results, first_results, in_order
from db.front_part import FrontPart
from db.front_views import JUDGEMENT, Mode, Scenario
from db.measurement_rows import blocks_of, measured_jobs, measurements_of, newest_of_sweep, rounds_of_samples
from db.records import (
    AttemptRow,
    DriverRow,
    EnvironmentRecord,
    EpochRecord,
    FailureGroup,
    FinishedRun,
    JobRow,
    MeasurementRow,
    SweepRow,
)
from db.resolution_curves import ResolutionCurves
from db.result_details import ResultDetails
from db.search_store import SearchReader
from db.suggestions import did_you_mean
from db.sweep_progress import SweepProgress
from db.tables import (
    STAGES,
    attempts,
    drivers,
    environments,
    epochs,
    evaluations,
    jobs,
    measurements,
    publications,
    published_results,
    searches,
    sweep_jobs,
    sweeps,
    trainings,
)
from db.tallies import Tally, tallies
from db.urls import parse_url
from db.variant_results_view import TESTED
from db.views import VIEWS


def open_reader(url: str) -> "Reader":
    """Open an existing database read-only.

    Raises:
        DatabaseMissingError: Nothing was ever stored there; nothing is created.
        SchemaVersionError: Written by another release.
        DatabaseUnavailableError: Not reachable.
    """
    parsed = parse_url(url)
    reader = Reader(open_read_engine(parsed), parsed)
    reader.check()
    return reader


class Reader:
    """The database as somebody who only looks sees it. Every method is one short transaction."""

    def __init__(self, engine: Engine, url: URL) -> None:
        self._engine = engine
        self._url = url

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def check(self) -> None:
        """Make sure that the schema is the one this program reads.

        Raises:
            DatabaseMissingError: Nothing of ours is stored there.
            SchemaVersionError: Older or newer than this program.
        """
        with self._transaction() as connection:
            schema.check_for_reading(connection, self._url)

    def _transaction(self) -> AbstractContextManager[Connection]:
        return transaction(self._engine, self._url)

    def _rows(self, query: Select[Any]) -> list[dict[str, Any]]:
        with self._transaction() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def data_version(self) -> str:
        """Return a token that changes when jobs, results or sweeps do; cheap enough to ask every second."""
        query = select(
            select(func.max(jobs.c.changed_at)).scalar_subquery().label("job"),
            select(func.max(sweeps.c.updated_at)).scalar_subquery().label("sweep"),
            select(func.max(publications.c.publication_id)).scalar_subquery().label("publication"),
            # What an import brings has the times of where it comes from.
            select(func.max(measurements.c.measurement_id)).scalar_subquery().label("measurement"),
            select(func.max(result_points.c.point_id)).scalar_subquery().label("point"),
        )
        return "/".join(str(value) for value in self._rows(query)[0].values())

    def results_stored(self) -> int:
        """Return how many results there are: evaluations, finished measurements and published ones."""
        counted = (
            select(func.count()).select_from(evaluations).scalar_subquery(),
            select(func.count()).select_from(measurements).where(measurements.c.complete).scalar_subquery(),
            select(func.count()).select_from(published_results).scalar_subquery(),
        )
        query = select(*(count.label(f"part_{number}") for number, count in enumerate(counted)))
        return sum(self._rows(query)[0].values())

    # Sweeps and drivers -------------------------------------------------------------------------------------------

    def sweeps(self) -> list[SweepRow]:
        """Return every sweep, the newest first."""
        return [SweepRow(**row) for row in self._rows(select(sweeps).order_by(sweeps.c.sweep_id.desc()))]

    def sweep(self, name: str) -> SweepRow:
        """Return the sweep of this name, or the one whose name begins with it, or of this number.

        Raises:
            UnknownNameError: There is none, or several begin so.
        """
        known = {sweep.name: sweep for sweep in self.sweeps()}
        found = [known[name]] if name in known else [known[one] for one in known if one.startswith(name)]
        if not found:
            found = [sweep for sweep in known.values() if str(sweep.sweep_id) == name]
        if len(found) != 1:
            hint = did_you_mean(name, known) if not found else f"it begins {', '.join(one.name for one in found)}"
            raise UnknownNameError(f"there is no one sweep {name!r}", hint.capitalize())
        return found[0]

    def sweeps_of(self, fingerprint: str) -> list[SweepRow]:
        """Return the sweeps that ask for a job, the newest first."""
        asking = sweeps.c.sweep_id.in_(select(sweep_jobs.c.sweep_id).where(sweep_jobs.c.fingerprint == fingerprint))
        return [SweepRow(**row) for row in self._rows(select(sweeps).where(asking).order_by(sweeps.c.sweep_id.desc()))]

    def driver(self, driver_id: str) -> DriverRow | None:
        """Return a driver; None if it is not known."""
        rows = self._rows(select(drivers).where(drivers.c.driver_id == driver_id))
        return DriverRow(**rows[0]) if rows else None

    def live_drivers(self) -> list[DriverRow]:
        """Return the drivers that have not ended, oldest first."""
        with self._transaction() as connection:
            return driver_rows.alive(connection)

    # Jobs ---------------------------------------------------------------------------------------------------------

    def counts(self, sweep_id: int) -> dict[str, dict[str, int]]:
        """Return how many jobs of a sweep are in which state, per stage."""
        found: dict[str, dict[str, int]] = {stage: {} for stage in STAGES}
        for tally in self.tallies(sweep_id):
            found[tally.stage][tally.state] = tally.jobs
        return found

    def tallies(self, sweep_id: int) -> list[Tally]:
        """Return how many jobs of a sweep are in which state, per stage, and how long they took."""
        return [Tally(**row) for row in self._rows(tallies(sweep_id))]

    def progress(self, sweep_id: int) -> SweepProgress:
        """Return what reads how far a sweep is."""
        return SweepProgress(self._rows, sweep_id)

    def searches(self) -> list[SweepRow]:
        """Return the sweeps that are searches, the newest first."""
        query = select(sweeps).join(searches, searches.c.sweep_id == sweeps.c.sweep_id)
        return [SweepRow(**row) for row in self._rows(query.order_by(sweeps.c.sweep_id.desc()))]

    def search(self, sweep_id: int) -> SearchReader:
        """Return what reads the search that a sweep is."""
        return SearchReader(self._rows, sweep_id)

    def jobs_of(self, sweep_id: int) -> list[JobRow]:
        """Return the jobs of a sweep in the order in which it asks for them."""
        with self._transaction() as connection:
            return job_rows.of_sweep(connection, sweep_id)

    def job_states(self, fingerprints: Sequence[str]) -> dict[str, str]:
        """Return the state of each of these jobs that exists."""
        with self._transaction() as connection:
            return job_rows.states(connection, fingerprints)

    def running_jobs(self, sweep_id: int | None = None) -> list[JobRow]:
        """Return the jobs that run now, of one sweep or of all, the longest running first."""
        query = select(jobs).where(jobs.c.state == "running").order_by(jobs.c.started_at, jobs.c.fingerprint)
        if sweep_id is not None:
            query = query.where(jobs.c.fingerprint.in_(_fingerprints_of(sweep_id)))
        return [JobRow(**row) for row in self._rows(query)]

    def job(self, prefix: str) -> JobRow:
        """Return the job whose fingerprint begins so.

        Raises:
            UnknownNameError: There is none, or several begin so.
        """
        matches = jobs.c.fingerprint.startswith(prefix.lower(), autoescape=True)
        rows = self._rows(select(jobs).where(matches).order_by(jobs.c.fingerprint).limit(3))
        if len(rows) != 1:
            hint = "Several begin so: give more digits." if rows else "`orchestrator status` lists the jobs."
            raise UnknownNameError(f"there is no one job {prefix!r}", hint)
        return JobRow(**rows[0])

    def attempts_of(self, fingerprint: str) -> list[AttemptRow]:
        """Return the attempts at a job, the first first."""
        query = select(attempts).where(attempts.c.fingerprint == fingerprint).order_by(attempts.c.attempt)
        return [AttemptRow(**row) for row in self._rows(query)]

    def failures(self, sweep_id: int | None = None) -> list[FailureGroup]:
        """Return the jobs that failed for good, those that failed alike together, the largest group first."""
        return failures.grouped(self._rows(failures.failed_jobs(sweep_id)))

    def history(self, limit: int = 10_000) -> list[FinishedRun]:
        """Return how long the newest successful attempts took."""
        query = (
            select(jobs.c.stage, jobs.c.config, environments.c.slot_kind, attempts.c.started_at, attempts.c.ended_at)
            .join_from(attempts, jobs, attempts.c.fingerprint == jobs.c.fingerprint)
            .outerjoin(environments, environments.c.environment_key == attempts.c.environment_key)
            .where(attempts.c.outcome == "done")
            .order_by(attempts.c.ended_at.desc())
            .limit(limit)
        )
        return [
            FinishedRun(
                stage=row["stage"],
                config=row["config"],
                slot_kind=row["slot_kind"],
                seconds=(row["ended_at"] - row["started_at"]).total_seconds(),
            )
            for row in self._rows(query)
        ]

    # Results ------------------------------------------------------------------------------------------------------

    def view(
        self,
        name: str = "results",
        *,
        filter_text: str = "",
        sweep: str | None = None,
        columns: Sequence[str] = (),
        sort: Sequence[str] = (),
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return rows of a view as dictionaries.

        Args:
            name: ``results``, ``variant_results``, ``training_front`` or ``inference_front``.
            filter_text: A FILTER over the view's columns.
            sweep: Only rows of the sweep of this very name; ``results`` alone knows sweeps.
            columns: Which, in this order; all if empty.
            sort: Columns to sort by; a leading ``-`` means descending.
            limit: At most so many rows.

        Raises:
            FilterError: The filter cannot be understood.
            UnknownNameError: No such view or column.
        """
        view = VIEWS.get(name)
        if view is None:
            raise UnknownNameError(f"there is no view {name!r}", did_you_mean(name, VIEWS).capitalize())
        for column in (*columns, *(one.removeprefix("-") for one in sort), *(["sweep"] if sweep else [])):
            if column not in view.c:
                raise UnknownNameError(f"{name} has no column {column!r}", did_you_mean(column, view.c.keys()))
        conditions = filters.parse(filter_text, {column.name: column.type for column in view.c})

        wanted = columns or view.c.keys()
        if name == "results" and limit is not None:
            with self._transaction() as connection:
                return first_results(connection, wanted, conditions, sweep, sort, limit)
        query = select(*(view.c[one] for one in wanted)).where(fronts.rows_of(view, conditions, sweep))
        return self._rows(query.order_by(*in_order(view, sort)).limit(limit))

    def count(self, *, filter_text: str = "", sweep: str | None = None, most: int) -> int:
        """Return how many rows of ``results`` there are, counting no further than ``most``; as of ``view``."""
        conditions = filters.parse(filter_text, {column.name: column.type for column in VIEWS["results"].c})
        found: int = self._rows(counted_results(conditions, sweep, most))[0]["rows"]
        return found

    def points(
        self, mode: Mode, scenario: Scenario, *, sweep: str | None = None, filter_text: str = "", noisy: bool = False
    ) -> list[dict[str, Any]]:
        """Return the points of a scenario, most accurate first.

        They have the columns of the front views, ``on_front``, and ``chosen_from``: the number of test resolutions of
        which the point's would have to be the best.

        Args:
            mode: ``train`` or ``inference``: which throughput counts.
            scenario: ``native``, ``best`` or ``all``.
            sweep: Only results of the sweep of this very name.
            filter_text: A FILTER; what it leaves out does not compete.
            noisy: Whether noisy measurements compete, too.

        Raises:
            FilterError: The filter cannot be understood.
        """
        asked = fronts.asked_for(filter_text, sweep)
        rows = self._rows(fronts.points_query(mode, scenario, *asked, noisy=noisy))
        return [{**row, "on_front": row["on_front"] == 1} for row in rows]

    def part(
        self, mode: Mode, scenario: Scenario, *, sweep: str | None = None, filter_text: str = "", noisy: bool = False
    ) -> FrontPart:
        """Return what reads of the points as much as a page shows; arguments as of ``points``."""
        return FrontPart(self._rows, mode, scenario, *fronts.asked_for(filter_text, sweep), noisy=noisy)

    def resolutions(self, sweep: str | None = None) -> ResolutionCurves:
        """Return what reads accuracy against test resolution, of all results or of the sweep of this very name."""
        return ResolutionCurves(self._rows, sweep)

    def front(
        self, mode: Mode, scenario: Scenario, *, sweep: str | None = None, filter_text: str = "", noisy: bool = False
    ) -> list[dict[str, Any]]:
        """Return those of the points that no other one beats, as the front views do; arguments as of ``points``."""
        asked = fronts.asked_for(filter_text, sweep)
        rows = self._rows(fronts.front_query(mode, scenario, *asked, noisy=noisy))
        return [{key: row[key] for key in row if key not in JUDGEMENT} for row in rows]

    def combined(
        self,
        mode: Mode,
        scenario: Scenario,
        *,
        publication: str | None = None,
        sweep: str | None = None,
        filter_text: str = "",
        noisy: bool = False,
    ) -> combination.Combined:
        """Return published accuracies with throughput measured here; arguments as of ``combination.combine``."""
        with self._transaction() as connection:
            return combination.combine(
                connection, mode, scenario, publication=publication, sweep=sweep, filter_text=filter_text, noisy=noisy
            )

    def combinable_publications(self) -> list[str]:
        """Return the publications whose accuracies ``combined`` can put on measured throughput."""
        with self._transaction() as connection:
            return combination.combinable(connection)

    def details(self) -> ResultDetails:
        """Return what reads everything about single results."""
        return ResultDetails(self._rows)

    def seed_top1(
        self, points: Sequence[dict[str, Any]], conditions: Sequence[filters.Condition], sweep: str | None = None
    ) -> list[tuple[float, ...]]:
        """Return, for each of some points, top-1 (percent) of the seeds that fulfil conditions on ``results``."""
        variants = sorted({point["variant_id"] for point in points})
        found: defaultdict[tuple[Any, ...], list[float]] = defaultdict(list)
        for row in self._rows(fronts.seeds_query(variants, conditions, sweep)):
            found[tuple(row[name] for name in TESTED)].append(row["top1"])
        return [tuple(found[tuple(point[name] for name in TESTED)]) for point in points]

    def evaluations_of(
        self, points: Sequence[dict[str, Any]], *, sweep: str | None = None, filter_text: str = ""
    ) -> list[list[dict[str, Any]]]:
        """Return what each of some points pools: its ``evaluation`` (fingerprint), ``seed``, ``top1`` (percent).

        A published point pools none. Arguments as those of ``points`` that the points were read with.
        """
        conditions = fronts.row_conditions(filters.parse(filter_text, fronts.FILTERABLE))
        variants = sorted({point["variant_id"] for point in points})
        found: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows(fronts.seeds_query(variants, conditions, sweep)):
            told = {name: row[name] for name in ("evaluation", "seed", "top1")}
            found[tuple(row[name] for name in TESTED)].append(told)
        return [sorted(found[tuple(one[name] for name in TESTED)], key=lambda row: row["seed"]) for one in points]

    def training(self, fingerprint: str) -> dict[str, Any] | None:
        """Return a training run's row of ``trainings``; None if there is no result."""
        rows = self._rows(select(trainings).where(trainings.c.fingerprint == fingerprint))
        return rows[0] if rows else None

    def train_attempts(self) -> list[checkpoints.TrainAttempt]:
        """Return every attempt at every training, with what its files may be needed for."""
        with self._transaction() as connection:
            return checkpoints.train_attempts(connection)

    def trainings_on_fronts(self) -> set[str]:
        """Return the trainings whose network lies on a front: of all results or of a sweep's, in any scenario."""
        with self._transaction() as connection:
            return checkpoints.trainings_on_fronts(connection)

    def trainings_yet_to_compete(self) -> set[str]:
        """Return the trainings whose network may still come to a front: its throughput is not settled."""
        with self._transaction() as connection:
            return checkpoints.trainings_yet_to_compete(connection)

    def epochs_of(self, fingerprint: str) -> list[EpochRecord]:
        """Return the epochs of a training run; one that several attempts did, as the last of them did it."""
        query = select(epochs).where(epochs.c.fingerprint == fingerprint).order_by(epochs.c.attempt, epochs.c.epoch)
        found = {}
        for row in self._rows(query):
            values = {key: value for key, value in row.items() if key not in {"fingerprint", "attempt"}}
            found[row["epoch"]] = EpochRecord(**values)
        return [found[epoch] for epoch in sorted(found)]

    def measurements_of(self, fingerprint: str) -> list[MeasurementRow]:
        """Return every measurement that a job made, with samples, the newest first."""
        with self._transaction() as connection:
            return measurements_of(connection, fingerprint)

    def measured_jobs(self, sweep_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Return the done measurements of some sweeps, with verdict and whether they are stale."""
        return self._rows(measured_jobs(sweep_ids))

    def newest_measurements(self, sweep_id: int, limit: int) -> list[dict[str, Any]]:
        """Return what was measured for a sweep, the newest first, with the network's and the place's columns."""
        return self._rows(newest_of_sweep(sweep_id, limit))

    def timed_blocks(self, measurement_ids: Sequence[int]) -> dict[int, Blocks]:
        """Return every timed block of some measurements that their throughput is computed from."""
        found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in self._rows(rounds_of_samples(measurement_ids)):
            found[row["measurement_id"]].append(row)
        return {one: blocks_of(rows) for one, rows in found.items()}

    def environments(self) -> list[EnvironmentRecord]:
        """Return every environment that was seen, the first first."""
        query = select(environments).order_by(environments.c.first_seen_at, environments.c.environment_key)
        rows = self._rows(query)
        names = [one.name for one in fields(EnvironmentRecord)]
        return [EnvironmentRecord(**{name: row[name] for name in names}) for row in rows]


def _fingerprints_of(sweep_id: int) -> Select[tuple[str]]:
    return select(sweep_jobs.c.fingerprint).where(sweep_jobs.c.sweep_id == sweep_id)
