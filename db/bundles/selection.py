"""Which rows belong to some sweeps: their jobs, what these depend on, all that came of them, and what it refers to."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, Select, Table, false, select, union
from sqlalchemy.sql import CompoundSelect

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
    metadata,
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

_Keys = Select[tuple[str]] | CompoundSelect[tuple[str]]


def rows_of(names: Sequence[str], *, published: bool) -> Mapping[Table, ColumnElement[bool]]:
    """Return, for every table, the condition on rows that belong to some sweeps.

    Args:
        names: Of the sweeps.
        published: Whether published results go along; they belong to no sweep.
    """
    chosen = sweeps.c.name.in_(names)
    asked = select(sweep_jobs.c.fingerprint).join(sweeps).where(chosen)
    tried = select(search_trial_jobs.c.fingerprint).join(sweeps, sweeps.c.sweep_id == search_trial_jobs.c.sweep_id)
    own = union(asked, tried.where(chosen))
    needed = select(jobs.c.depends_on).where(jobs.c.fingerprint.in_(own), jobs.c.depends_on.is_not(None))
    wanted = union(asked, tried.where(chosen), needed)
    conditions: dict[Table, ColumnElement[bool]] = {table: table.c.fingerprint.in_(wanted) for table in _of_jobs()}
    measured = select(measurements.c.measurement_id).where(measurements.c.fingerprint.in_(wanted))
    conditions |= {
        sweeps: chosen,
        **{table: table.c.sweep_id.in_(select(sweeps.c.sweep_id).where(chosen)) for table in _of_sweeps()},
        measurement_rounds: measurement_rounds.c.measurement_id.in_(measured),
        samples: samples.c.measurement_id.in_(measured),
        drivers: drivers.c.driver_id.in_(_drivers(wanted, chosen)),
        environments: environments.c.environment_key.in_(_referred(environments, wanted)),
        sightings: sightings.c.environment_key.in_(_referred(environments, wanted)),
        variants: variants.c.variant_id.in_(_referred(variants, wanted)),
        datasets: datasets.c.dataset_id.in_(_referred(datasets, wanted)),
    }
    if published:
        shown = select(published_results.c.variant_id)
        conditions[variants] |= variants.c.variant_id.in_(shown)
        return conditions
    return conditions | {publications: false(), published_results: false()}


def _of_jobs() -> tuple[Table, ...]:
    return (jobs, attempts, epochs, trainings, evaluations, measurements)


def _of_sweeps() -> tuple[Table, ...]:
    return (sweep_jobs, searches, search_trials, search_trial_jobs)


def _drivers(wanted: _Keys, chosen: ColumnElement[bool]) -> CompoundSelect[tuple[str]]:
    holders = select(sweeps.c.driver_id).where(chosen, sweeps.c.driver_id.is_not(None))
    runners = select(jobs.c.driver_id).where(jobs.c.fingerprint.in_(wanted), jobs.c.driver_id.is_not(None))
    return union(holders, runners, select(attempts.c.driver_id).where(attempts.c.fingerprint.in_(wanted)))


def _referred(target: Table, wanted: _Keys) -> CompoundSelect[tuple[str]]:
    """Return the keys of a table to which rows of the wanted jobs refer."""
    (key,) = target.primary_key.columns
    referring = [
        table.c[key.name]
        for table in metadata.sorted_tables
        if table in _of_jobs() and any(one.references(target) for one in table.foreign_keys)
    ]
    return union(*(select(one).where(one.table.c.fingerprint.in_(wanted), one.is_not(None)) for one in referring))
