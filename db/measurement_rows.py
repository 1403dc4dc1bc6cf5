"""Measurements read back with their samples."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Select, select

from db.records import MeasurementRecord, MeasurementRow, SampleRecord, VariantRecord
from db.tables import environments, measurements, samples, sweep_jobs, variants


def measurements_of(connection: Connection, fingerprint: str) -> list[MeasurementRow]:
    """Return every measurement that a job made, the newest first."""
    query = (
        select(measurements, *(column for column in variants.c if column.name != "variant_id"))
        .join(variants, variants.c.variant_id == measurements.c.variant_id)
        .where(measurements.c.fingerprint == fingerprint)
        .order_by(measurements.c.attempt.desc())
    )
    return [_row(connection, dict(row)) for row in connection.execute(query).mappings().all()]


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
    plain = [one.name for one in fields(MeasurementRecord) if one.name not in {"variant", "samples"}]
    return MeasurementRow(
        measurement_id=row["measurement_id"],
        fingerprint=row["fingerprint"],
        attempt=row["attempt"],
        measured_at=row["measured_at"],
        record=MeasurementRecord(
            **{name: row[name] for name in plain},
            variant=VariantRecord(**{one.name: row[one.name] for one in fields(VariantRecord)}),
            samples=_samples(connection, row["measurement_id"]),
        ),
    )


def _samples(connection: Connection, measurement_id: int) -> tuple[SampleRecord, ...]:
    query = (
        select(samples.c.images, samples.c.seconds)
        .where(samples.c.measurement_id == measurement_id)
        .order_by(samples.c.ordinal)
    )
    return tuple(SampleRecord(images=images, seconds=seconds) for images, seconds in connection.execute(query))
