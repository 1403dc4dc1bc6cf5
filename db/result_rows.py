"""Statements that keep the results of finished jobs."""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.sql import and_

from db.records import (
    DataSetRecord,
    EnvironmentRecord,
    EvaluationRecord,
    MeasurementRecord,
    TrainingRecord,
    VariantRecord,
)
from db.tables import datasets, environments, evaluations, measurements, samples, trainings, variants
from db.upsert import insert_into


def put_environment(connection: Connection, record: EnvironmentRecord, now: dt.datetime) -> None:
    """Keep an environment unless it is known."""
    new = insert_into(connection, environments).values(**dataclasses.asdict(record), first_seen_at=now)
    connection.execute(new.on_conflict_do_nothing())


def put_training(
    connection: Connection, fingerprint: str, attempt: int, record: TrainingRecord, now: dt.datetime
) -> None:
    """Keep a training run's result; one that was trained again replaces its predecessor."""
    values = {
        **_fields(record, "variant", "dataset"),
        "attempt": attempt,
        "variant_id": variant_id(connection, record.variant),
        "dataset_id": _dataset_id(connection, record.dataset),
        "finished_at": now,
    }
    _replace(connection, trainings, fingerprint, values)


def put_evaluation(
    connection: Connection, fingerprint: str, attempt: int, record: EvaluationRecord, now: dt.datetime
) -> None:
    """Keep an evaluation's result; a repeated one replaces its predecessor."""
    _replace(connection, evaluations, fingerprint, {**_fields(record), "attempt": attempt, "finished_at": now})


def put_measurement(
    connection: Connection, fingerprint: str, attempt: int, record: MeasurementRecord, now: dt.datetime
) -> None:
    """Keep a measurement with its samples, beside the earlier ones of the same job."""
    measurement_id = connection.execute(
        insert(measurements)
        .values(
            **_fields(record, "variant", "samples"),
            fingerprint=fingerprint,
            attempt=attempt,
            variant_id=variant_id(connection, record.variant),
            measured_at=now,
        )
        .returning(measurements.c.measurement_id)
    ).scalar_one()
    rows = [
        {"measurement_id": measurement_id, "ordinal": ordinal, "images": sample.images, "seconds": sample.seconds}
        for ordinal, sample in enumerate(record.samples)
    ]
    if rows:
        connection.execute(insert(samples), rows)


def _fields(record: Any, *without: str) -> dict[str, Any]:
    return {one.name: getattr(record, one.name) for one in dataclasses.fields(record) if one.name not in without}


def _replace(connection: Connection, table: Table, fingerprint: str, values: Mapping[str, Any]) -> None:
    new = insert_into(connection, table).values(fingerprint=fingerprint, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["fingerprint"], set_=dict(values)))


def variant_id(connection: Connection, record: VariantRecord) -> int:
    """Return the identity of a variant, inserted if it is new."""
    values = dataclasses.asdict(record)
    return _identity_of(connection, variants, "variant_id", key=values, values=values)


def _dataset_id(connection: Connection, record: DataSetRecord) -> int:
    values = dataclasses.asdict(record)
    told = {name: value for name, value in values.items() if (name, value) != ("validation_images", 0)}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[
        :32
    ]  # as before that field was there
    return _identity_of(connection, datasets, "dataset_id", key={"digest": digest}, values={**values, "digest": digest})


def _identity_of(
    connection: Connection, table: Table, identity: str, *, key: Mapping[str, Any], values: Mapping[str, Any]
) -> int:
    """Return the identity of the row with this key, inserted if it is new."""
    condition = and_(*(table.c[name] == value for name, value in key.items()))
    query = select(table.c[identity]).where(condition)
    found: int | None = connection.execute(query).scalar()
    if found is None:
        connection.execute(insert_into(connection, table).values(**values).on_conflict_do_nothing())
        found = connection.execute(query).scalar_one()
    return found
