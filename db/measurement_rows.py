"""Measurements read back with their rounds and samples."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Select, case, exists, false, func, select

from db.bootstrap import Blocks
from db.records import MeasurementRecord, MeasurementRow, RoundRecord, SampleRecord, VariantRecord
from db.tables import environments, jobs, measurement_rounds, measurements, samples, sweep_jobs, variants


def measurements_of(connection: Connection, fingerprint: str) -> list[MeasurementRow]:
    """Return every measurement that a job made, the newest first."""
    query = (
        select(measurements, *(column for column in variants.c if column.name != "variant_id"))
        .join(variants, variants.c.variant_id == measurements.c.variant_id)
        .where(measurements.c.fingerprint == fingerprint)
        .order_by(measurements.c.measurement_id.desc())
    )
    return [_row(connection, dict(row)) for row in connection.execute(query).mappings().all()]


def measured_jobs(sweep_ids: Sequence[int]) -> Select[Any]:
    """Query the done measurements of some sweeps: ``fingerprint``, ``verdict`` of the newest, and ``stale`` (1 or 0).

    Stale is what was measured in an environment that has been superseded.
    """
    newer = measurements.alias("newer")
    newest = ~exists().where(
        newer.c.fingerprint == measurements.c.fingerprint, newer.c.measurement_id > measurements.c.measurement_id
    )
    stale = case((environments.c.superseded_at.is_(None), 0), else_=1).label("stale")
    return (
        select(measurements.c.fingerprint, measurements.c.verdict, stale, environments.c.environment_key)
        .distinct()
        .join_from(measurements, sweep_jobs, sweep_jobs.c.fingerprint == measurements.c.fingerprint)
        .join(jobs, jobs.c.fingerprint == measurements.c.fingerprint)
        .join(environments, environments.c.environment_key == measurements.c.environment_key)
        .where(sweep_jobs.c.sweep_id.in_(sweep_ids), jobs.c.state == "done", newest)
    )


def unfinished_rounds(sweep_id: int) -> Select[Any]:
    """Query the jobs of a sweep whose measurement waits for further rounds, and how many ``rounds`` it has."""
    return (
        select(measurements.c.fingerprint, func.count().label("rounds"))
        .join_from(measurements, sweep_jobs, sweep_jobs.c.fingerprint == measurements.c.fingerprint)
        .join(measurement_rounds, measurement_rounds.c.measurement_id == measurements.c.measurement_id)
        .where(sweep_jobs.c.sweep_id == sweep_id, measurements.c.complete == false())
        .group_by(measurements.c.fingerprint)
    )


def newest_of_sweep(sweep_id: int, limit: int) -> Select[Any]:
    """Query the newest measurements of a sweep, with the network's and the place's columns."""
    network = [column for column in variants.c if column.name != "variant_id"]
    place = [environments.c[name] for name in ("slot_kind", "device", "threads")]
    return (
        select(*network, measurements, *place)
        .join_from(measurements, variants, variants.c.variant_id == measurements.c.variant_id)
        .join(environments, environments.c.environment_key == measurements.c.environment_key)
        .join(sweep_jobs, sweep_jobs.c.fingerprint == measurements.c.fingerprint)
        .where(sweep_jobs.c.sweep_id == sweep_id)
        .order_by(measurements.c.measurement_id.desc())
        .limit(limit)
    )


def _row(connection: Connection, row: Mapping[str, Any]) -> MeasurementRow:
    plain = [one.name for one in fields(MeasurementRecord) if one.name not in {"variant", "rounds"}]
    return MeasurementRow(
        measurement_id=row["measurement_id"],
        fingerprint=row["fingerprint"],
        attempt=row["attempt"],
        measured_at=row["measured_at"],
        record=MeasurementRecord(
            **{name: row[name] for name in plain},
            variant=VariantRecord(**{one.name: row[one.name] for one in fields(VariantRecord)}),
            rounds=_rounds(connection, row["measurement_id"]),
        ),
    )


def rounds_of_samples(measurement_ids: Sequence[int]) -> Select[Any]:
    """Query the timed blocks from which the throughput of some measurements is computed, in order.

    Those of rounds that something disturbed are left out, unless every round of the measurement was.
    """
    others = measurement_rounds.alias("others")
    undisturbed = exists().where(
        others.c.measurement_id == measurement_rounds.c.measurement_id, others.c.verdict != "contended"
    )
    same = (samples.c.measurement_id == measurement_rounds.c.measurement_id) & (
        samples.c.round == measurement_rounds.c.round
    )
    return (
        select(
            samples.c.measurement_id,
            samples.c.round,
            samples.c.images,
            samples.c.seconds,
            samples.c.reference_images_per_second,
        )
        .join_from(samples, measurement_rounds, same)
        .where(
            samples.c.measurement_id.in_(measurement_ids),
            (measurement_rounds.c.verdict != "contended") | ~undisturbed,
        )
        .order_by(samples.c.measurement_id, samples.c.ordinal)
    )


def blocks_of(rows: Iterable[Mapping[Any, Any]]) -> Blocks:
    """Return timed blocks, whose rows are in order and have the columns of ``rounds_of_samples``, round by round."""
    rounds: defaultdict[int, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in rows:
        rounds[row["round"]].append(row)
    rates = tuple(tuple(row["images"] / row["seconds"] for row in of_round) for of_round in rounds.values())
    paces = tuple(tuple(row["reference_images_per_second"] for row in of_round) for of_round in rounds.values())
    return Blocks(rates, () if any(None in of_round for of_round in paces) else paces)


def _rounds(connection: Connection, measurement_id: int) -> tuple[RoundRecord, ...]:
    own = measurement_rounds.c.measurement_id == measurement_id
    query = select(measurement_rounds).where(own).order_by(measurement_rounds.c.round)
    rows = connection.execute(query).mappings().all()
    blocks = _samples(connection, measurement_id)
    blocks_or_times = {"samples", "end_to_end", "loading", "latencies"}
    plain = [one.name for one in fields(RoundRecord) if one.name not in blocks_or_times]
    return tuple(
        RoundRecord(
            **{name: row[name] for name in plain},
            samples=tuple(blocks[row["round"]]),
            end_to_end=_blocks(row["end_to_end"]),
            loading=_blocks(row["loading"]),
            latencies=tuple(row["latencies"]),
        )
        for row in rows
    )


def _samples(connection: Connection, measurement_id: int) -> dict[int, list[SampleRecord]]:
    query = select(samples).where(samples.c.measurement_id == measurement_id).order_by(samples.c.ordinal)
    found: defaultdict[int, list[SampleRecord]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        block = SampleRecord(**{one.name: row[one.name] for one in fields(SampleRecord)})
        found[row["round"]].append(block)
    return found


def _blocks(pairs: Sequence[tuple[int, float]]) -> tuple[SampleRecord, ...]:
    return tuple(SampleRecord(images=images, seconds=seconds) for images, seconds in pairs)
