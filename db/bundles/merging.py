"""Bringing a bundle into a database: one transaction, in which nothing that is known here is lost.

Rows are recognised by what identifies them everywhere (fingerprints, digests, names); the numbers that a database gives
its own rows are given anew.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, false, func, insert, select, text, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DataError, IntegrityError

from db import points, schema, sqlite_engine
from db.bundles.carrying import Carrier, Counts, Row
from db.bundles.job_merging import JobMerge, after, merge_job
from db.bundles.manifest import Manifest, damaged
from db.bundles.opening import opened
from db.engine import transaction
from db.errors import BundleError, SweepHeldError
from db.records import DriverRow
from db.store import utc_now
from db.suggestions import did_you_mean
from db.tables import (
    attempts,
    datasets,
    drivers,
    environments,
    epochs,
    evaluations,
    jobs,
    measurement_rounds,
    measurements,
    publications,
    published_results,
    samples,
    search_trial_jobs,
    search_trials,
    searches,
    sightings,
    sweep_jobs,
    sweeps,
    trainings,
    variants,
)
from db.urls import parse_url, scrubbed

_VARIANT = ("model_size", "group_size", "expansion", "norm", "width", "small_images")
#: What must be known of a sweep that is here already.
_OF_SWEEP = ("sweep_id", "spec_digest", "driver_id", "updated_at")
#: What is part of a job's fingerprint, as far as the tables show it.
_PART_OF_FINGERPRINT = ("stage", "depends_on", "environment_key")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        manifest: The bundle's.
        counts: Table → what became of its rows.
    """

    manifest: Manifest
    counts: Mapping[str, Counts]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON types."""
        return {"tables": {name: asdict(counts) for name, counts in self.counts.items()}}


def bring_in(
    url: str, bundle: Path, *, renames: Mapping[str, str] | None = None, clock: Callable[[], dt.datetime] = utc_now
) -> ImportReport:
    """Bring a bundle into a database, which is created where there is none; the same bundle again changes nothing.

    Args:
        url: The database.
        bundle: What ``export`` wrote.
        renames: Name of a sweep in the bundle → its name here.
        clock: Gives the time that changed jobs are said to have changed at.

    Raises:
        BundleError: The bundle cannot be read, or does not fit what the database holds; nothing was written.
        SweepHeldError: A running sweep has jobs that the import would change; nothing was written.
        StoreError: The database cannot be used.
    """
    destination = parse_url(url)
    with opened(bundle) as found:
        names = _names_here(found.manifest, renames or {})
        source_engine = sqlite_engine.read_engine(found.file)
        engine = schema.prepare(destination)
        try:
            with (
                transaction(source_engine, found.url) as source,
                _fitting(destination),
                transaction(engine, destination) as here,
            ):
                merge = _Merge(source, here, names, clock())
                merge.run()
        finally:
            engine.dispose()
        return ImportReport(found.manifest, merge.counts)


def _names_here(manifest: Manifest, renames: Mapping[str, str]) -> dict[str, str]:
    for name in renames:
        if name not in manifest.sweeps:
            raise BundleError(f"the bundle has no sweep {name!r}", did_you_mean(name, manifest.sweeps).capitalize())
    names = {name: renames.get(name, name) for name in manifest.sweeps}
    twice = sorted({new for new in names.values() if list(names.values()).count(new) > 1})
    if twice:
        raise BundleError(f"two sweeps of the bundle would be called {twice[0]!r}", "Choose another name.")
    return names


@contextmanager
def _fitting(url: URL) -> Iterator[None]:
    """Turn a row that the database refuses into a message."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        reason = scrubbed(" ".join(str(error.orig).split()), url)
        raise damaged(f"the database refuses a row: {reason}") from None


class _Merge:
    """One import, in the order in which rows refer to each other."""

    def __init__(self, source: Connection, here: Connection, names: Mapping[str, str], now: dt.datetime) -> None:
        self._carrier = Carrier(source, here)
        self._here = here
        self._names = names
        self._now = now
        self._answered: set[str] = set()
        self._changed: set[str] = set()
        self._new: set[str] = set()

    @property
    def counts(self) -> Mapping[str, Counts]:
        """Table → what became of its rows."""
        return self._carrier.counts

    def run(self) -> None:
        """Bring every row."""
        self._keep_others_out()
        self._bring_publications()
        self._carrier.bring(drivers)
        self._carrier.bring(environments)
        self._carrier.bring(sightings)
        self._carrier.bring(variants, _VARIANT, "variant_id")
        self._carrier.bring(datasets, ("digest",), "dataset_id")
        self._bring_published_results()
        self._bring_sweeps()
        self._bring_jobs()
        self._bring_links()
        self._bring_searches()
        self._carrier.bring(epochs)
        self._bring_results(trainings)
        self._bring_results(evaluations)
        self._bring_measurements()
        points.refresh_variants(self._here, self._carrier.ids["variant_id"].values())

    def _keep_others_out(self) -> None:
        """Let readers go on and writers wait, as SQLite's write transaction does.

        Whoever writes jobs or publications locks them before the variants and data sets that come with them, so these
        two locks, taken before anything else, leave no circle to wait in.
        """
        if self._here.dialect.name == "postgresql":
            self._here.execute(text("LOCK TABLE publications, jobs IN EXCLUSIVE MODE"))

    # Sweeps -------------------------------------------------------------------------------------------------------

    def _bring_sweeps(self) -> None:
        carrier = self._carrier
        for rows in carrier.rows(sweeps, "sweep_id"):
            for row in rows:
                row["name"] = self._names[row["name"]]
            known = carrier.known(sweeps, ("name", "spec_digest"), rows, by=("name",))
            new = [row for row in rows if (row["name"],) not in known]
            carrier.insert(sweeps, new, without="sweep_id")
            carrier.counts["sweeps"].known += len(known)
            present = carrier.known(sweeps, ("name", *_OF_SWEEP), rows, by=("name",))
            for row in rows:
                ours = present[row["name"],]
                self._require_same(row, ours)
                carrier.ids["sweep_id"][row["sweep_id"]] = ours["sweep_id"]
                if row["updated_at"] > ours["updated_at"] and ours["driver_id"] is None:
                    self._take_state(ours["sweep_id"], row)

    def _take_state(self, sweep_id: int, theirs: Row) -> None:
        """Let a known sweep that went on elsewhere be as far here."""
        news = {name: theirs[name] for name in ("state", "updated_at", "finished_at")}
        self._here.execute(update(sweeps).where(sweeps.c.sweep_id == sweep_id).values(news))
        self._carrier.counts["sweeps"].changed += 1

    def _require_same(self, theirs: Row, ours: Mapping[str, Any]) -> None:
        if theirs["spec_digest"] != ours["spec_digest"]:
            name = theirs["name"]
            raise BundleError(
                f"a sweep {name!r} is here already, made from another sweep file; nothing was imported",
                f"Give the bundle's another name: --rename {self._name_in_bundle(name)}={name}-2",
            )

    def _name_in_bundle(self, name: str) -> str:
        return next(old for old, new in self._names.items() if new == name)

    def _bring_links(self) -> None:
        """Let sweeps ask for their jobs; those that the bundle's asks for and the one here does not come last."""
        query = select(sweep_jobs.c.sweep_id, func.max(sweep_jobs.c.ordinal)).group_by(sweep_jobs.c.sweep_id)
        last = defaultdict(lambda: -1, dict(self._here.execute(query).tuples().all()))
        ordered = select(sweep_jobs).order_by(sweep_jobs.c.sweep_id, sweep_jobs.c.ordinal)
        for rows in self._carrier.rows(sweep_jobs, query=ordered):
            known = self._carrier.known(sweep_jobs, ("fingerprint", "sweep_id"), rows)
            new = [row for row in rows if (row["fingerprint"], row["sweep_id"]) not in known]
            for row in new:
                row["ordinal"] = last[row["sweep_id"]] = after(last[row["sweep_id"]], row["ordinal"])
            self._carrier.insert(sweep_jobs, new)
            self._carrier.counts["sweep_jobs"].known += len(rows) - len(new)

    # Jobs ---------------------------------------------------------------------------------------------------------

    def _bring_searches(self) -> None:
        """Bring searches that are not here; one that is finds what its trials brought among the stored results."""
        carrier = self._carrier
        here = set(self._here.execute(select(searches.c.sweep_id)).scalars())
        for table in (searches, search_trials, search_trial_jobs):
            for rows in carrier.rows(table):
                new = [row for row in rows if row["sweep_id"] not in here]
                carrier.insert(table, new)
                carrier.counts[table.name].known += len(rows) - len(new)

    def _bring_jobs(self) -> None:
        for rows in self._carrier.rows(jobs):
            fingerprints = {row["fingerprint"] for row in rows}
            query = select(jobs).where(jobs.c.fingerprint.in_(fingerprints))
            known = {row["fingerprint"]: dict(row) for row in self._here.execute(query).mappings()}
            theirs = _attempts_of(self._carrier.source, fingerprints)
            ours = _attempts_of(self._here, known)
            new = [row for row in rows if row["fingerprint"] not in known]
            self._new.update(row["fingerprint"] for row in new)
            self._carrier.insert(jobs, new)
            self._carrier.insert(attempts, [dict(one) for row in new for one in theirs[row["fingerprint"]]])
            self._carrier.counts["jobs"].known += len(known)
            for row in rows:
                fingerprint = row["fingerprint"]
                if fingerprint in known:
                    self._require_same_job(row, known[fingerprint])
                    merge = merge_job(known[fingerprint], row, ours[fingerprint], theirs[fingerprint], self._now)
                    self._merge_job(fingerprint, merge)
        self._require_nobody_runs(self._changed)

    @staticmethod
    def _require_same_job(theirs: Row, ours: Mapping[str, Any]) -> None:
        if any(theirs[name] != ours[name] for name in _PART_OF_FINGERPRINT):
            raise damaged(f"job {theirs['fingerprint']} is another one here")

    def _merge_job(self, fingerprint: str, merge: JobMerge) -> None:
        carrier = self._carrier
        moved = {(fingerprint, theirs): ours for theirs, ours in merge.numbers.items() if theirs != ours}
        carrier.attempts.update(moved)
        carrier.insert(attempts, merge.new)
        carrier.counts["attempts"].known += len(merge.numbers) - len(merge.new)
        carrier.counts["attempts"].changed += len(merge.corrected)
        for number, ending in merge.corrected.items():
            own = (attempts.c.fingerprint == fingerprint) & (attempts.c.attempt == number)
            self._here.execute(update(attempts).where(own).values(ending))
        if merge.job:
            self._here.execute(update(jobs).where(jobs.c.fingerprint == fingerprint).values(merge.job))
        if merge.answered:
            self._answered.add(fingerprint)
            carrier.counts["jobs"].changed += 1
        if merge.changes:
            self._changed.add(fingerprint)

    def _require_nobody_runs(self, fingerprints: Collection[str]) -> None:
        """Leave running sweeps alone: their driver would take an imported training for one whose weights are there.

        Raises:
            SweepHeldError: A driver runs a sweep that has one of these jobs.
        """
        holders = (
            select(sweep_jobs.c.fingerprint, sweeps.c.name, drivers)
            .join_from(sweep_jobs, sweeps, sweeps.c.sweep_id == sweep_jobs.c.sweep_id)
            .join(drivers, drivers.c.driver_id == sweeps.c.driver_id)
        )
        for row in self._here.execute(holders).mappings():
            if row["fingerprint"] in fingerprints:
                values = {name: row[name] for name in drivers.c.keys()}  # noqa: SIM118  # not a dictionary
                raise _held(row["name"], DriverRow(**values))

    # Results ------------------------------------------------------------------------------------------------------

    def _bring_results(self, table: Table) -> None:
        """Bring trainings or evaluations; where the bundle's answer was missing here, its result replaces an older."""
        carrier = self._carrier
        for rows in carrier.rows(table):
            known = carrier.known(table, ("fingerprint",), rows)
            carrier.insert(table, [row for row in rows if (row["fingerprint"],) not in known])
            carrier.counts[table.name].known += len(known)
            replaced = [row for row in rows if (row["fingerprint"],) in known and row["fingerprint"] in self._answered]
            for row in replaced:
                self._here.execute(update(table).where(table.c.fingerprint == row["fingerprint"]).values(row))
            carrier.counts[table.name].changed += len(replaced)

    def _bring_measurements(self) -> None:
        """Bring measurements with their rounds and samples.

        One that waits for further rounds comes only with a job that is new here; one here gives way to the bundle's
        whole one.
        """
        carrier = self._carrier
        self._drop_unfinished(self._answered)
        key = ("fingerprint", "attempt")
        for rows in carrier.rows(measurements, "measurement_id"):
            known = carrier.known(measurements, key, rows)
            wanted = [row for row in rows if row["complete"] or row["fingerprint"] in self._new]
            new = [row for row in wanted if (row["fingerprint"], row["attempt"]) not in known]
            carrier.insert(measurements, new, without="measurement_id")
            carrier.counts["measurements"].known += len(rows) - len(new)
            numbers = carrier.known(measurements, (*key, "measurement_id"), wanted, by=key)
            for row in wanted:
                number = numbers[row["fingerprint"], row["attempt"]]["measurement_id"]
                carrier.ids["measurement_id"][row["measurement_id"]] = number
        self._bring_parts(measurement_rounds)
        self._bring_parts(samples)

    def _bring_parts(self, table: Table) -> None:
        """Bring rounds or samples of the measurements that were brought or known; a round's attempt is renumbered."""
        carrier = self._carrier
        key = table.primary_key.columns.keys()
        query = (
            select(table, measurements.c.fingerprint)
            .join(measurements, measurements.c.measurement_id == table.c.measurement_id)
            .where(measurements.c.complete | measurements.c.fingerprint.in_(self._unfinished_and_new()))
            .order_by(*table.primary_key.columns)
        )
        carrier.counts[table.name].known = carrier.source.execute(select(func.count()).select_from(table)).scalar_one()
        for rows in carrier.rows(table, query=query):
            known = carrier.known(table, key, rows)
            new = [row for row in rows if tuple(row[name] for name in key) not in known]
            carrier.insert(table, new, without="fingerprint")
            carrier.counts[table.name].known -= len(new)

    def _unfinished_and_new(self) -> list[str]:
        query = select(measurements.c.fingerprint).where(measurements.c.complete == false())
        return [one for one in self._carrier.source.execute(query).scalars() if one in self._new]

    def _drop_unfinished(self, fingerprints: Collection[str]) -> None:
        query = select(measurements.c.measurement_id, measurements.c.fingerprint).where(
            measurements.c.complete == false()
        )
        dropped = [row.measurement_id for row in self._here.execute(query) if row.fingerprint in fingerprints]
        for table in (samples, measurement_rounds, measurements):
            self._here.execute(delete(table).where(table.c.measurement_id.in_(dropped)))

    def _bring_publications(self) -> None:
        """Bring publications; of two with the same name the one imported later counts, as with the same file again."""
        carrier = self._carrier
        for row in carrier.source.execute(select(publications).order_by(publications.c.publication_id)).mappings():
            same = publications.c.name == row["name"]
            known = self._here.execute(select(publications.c.imported_at).where(same)).scalar()
            carrier.counts["publications"].known += known is not None
            if known is not None and known >= row["imported_at"]:
                continue
            if known is not None:
                self._here.execute(delete(publications).where(same))
                carrier.counts["publications"].changed += 1
            values = {name: row[name] for name in row if name != "publication_id"}
            new = insert(publications).values(values).returning(publications.c.publication_id)
            carrier.ids["publication_id"][row["publication_id"]] = self._here.execute(new).scalar_one()
            carrier.counts["publications"].new += known is None

    def _bring_published_results(self) -> None:
        carrier = self._carrier
        fresh = published_results.c.publication_id.in_(carrier.ids["publication_id"])
        query = select(func.count()).select_from(published_results).where(~fresh)
        carrier.counts["published_results"].known += carrier.source.execute(query).scalar_one()
        for rows in carrier.rows(published_results, query=select(published_results).where(fresh)):
            carrier.insert(published_results, rows)


def _attempts_of(connection: Connection, fingerprints: Collection[str]) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the attempts at some jobs, the first first."""
    query = select(attempts).where(attempts.c.fingerprint.in_(fingerprints)).order_by(attempts.c.attempt)
    found: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["fingerprint"]].append(dict(row))
    return found


def _held(sweep: str, holder: DriverRow) -> SweepHeldError:
    return SweepHeldError(
        f"sweep {sweep!r} is run by process {holder.pid} on {holder.host}, and the bundle has news of its jobs; "
        "nothing was imported",
        "Import when the sweep has ended, or into another database.",
        holder,
    )
