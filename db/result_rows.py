"""Statements that keep the results of finished jobs."""

import dataclasses
import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Table, false, insert, select, update
from sqlalchemy.sql import and_

from db.records import (
    DataSetRecord,
    EvaluationRecord,
    MeasurementRecord,
    SampleRecord,
    TrainingRecord,
    VariantRecord,
)
from db.tables import (
    datasets,
    evaluations,
    measurement_rounds,
    measurements,
    samples,
    trainings,
    variants,
)
from db.upsert import insert_into


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


def follows(connection: Connection, fingerprint: str, record: MeasurementRecord) -> bool:
    """Tell whether a measurement goes on where the stored one stands: its earlier rounds are the stored ones."""
    unfinished = _unfinished(connection, fingerprint)
    stored = () if unfinished is None else _attempts_of_rounds(connection, unfinished)
    return tuple(one.attempt for one in record.rounds[:-1]) == stored


def put_measurement(connection: Connection, fingerprint: str, record: MeasurementRecord, now: dt.datetime) -> None:
    """Keep a measurement: a new round of the unfinished one of the same job, or one beside the earlier ones."""
    measurement_id = _unfinished(connection, fingerprint)
    values = {
        **_fields(record, "variant", "rounds"),
        "fingerprint": fingerprint,
        "variant_id": variant_id(connection, record.variant),
        "measured_at": now,
    }
    if measurement_id is None:
        new = insert(measurements).values(**values, attempt=record.rounds[0].attempt)
        measurement_id = connection.execute(new.returning(measurements.c.measurement_id)).scalar_one()
    else:
        known = measurements.c.measurement_id == measurement_id
        connection.execute(update(measurements).where(known).values(values))
    _put_last_round(connection, measurement_id, record, now)


def _unfinished(connection: Connection, fingerprint: str) -> int | None:
    """Return the measurement of a job that waits for further rounds; there is one at most."""
    query = select(measurements.c.measurement_id).where(
        measurements.c.fingerprint == fingerprint, measurements.c.complete == false()
    )
    return connection.execute(query).scalar()


def _attempts_of_rounds(connection: Connection, measurement_id: int) -> tuple[int, ...]:
    rounds = measurement_rounds.c
    query = select(rounds.attempt).where(rounds.measurement_id == measurement_id).order_by(rounds.round)
    return tuple(connection.execute(query).scalars())


def _put_last_round(connection: Connection, measurement_id: int, record: MeasurementRecord, now: dt.datetime) -> None:
    number, last = len(record.rounds), record.rounds[-1]
    raw = {name: _pairs(getattr(last, name)) for name in ("end_to_end", "loading")}
    connection.execute(
        insert(measurement_rounds).values(
            **_fields(last, "samples", "end_to_end", "loading", "latencies"),
            **raw,
            latencies=list(last.latencies),
            measurement_id=measurement_id,
            round=number,
            images=sum(sample.images for sample in last.samples),
            seconds=math.fsum(sample.seconds for sample in last.samples),
            measured_at=now,
        )
    )
    before = len(record.samples) - len(last.samples)
    rows = [
        {"measurement_id": measurement_id, "ordinal": before + place, "round": number, **dataclasses.asdict(sample)}
        for place, sample in enumerate(last.samples)
    ]
    connection.execute(insert(samples), rows)


def _pairs(blocks: Iterable[SampleRecord]) -> list[tuple[int, float]]:
    return [(block.images, block.seconds) for block in blocks]


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
