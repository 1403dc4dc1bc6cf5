# ruff: noqa: S608  # SQL that is made of constants
"""Fills an empty database of ours with as many evaluations as wanted, through the real tables, in one statement each.

Of every 50 evaluations: one variant on one data set, trained at two resolutions with five seeds, each tested at five
resolutions; its throughput measured in both modes at all of them, in one round of five blocks. Ten sweeps, one after
the other, share the variants among themselves; for one in ten of these, the next sweep asks as well. One of the sweeps
is a search, with a trial for each variant and resolution that it trained.
"""

import json
from typing import Final

from sqlalchemy import Connection, text

from db import points
from db.engine import open_write_engine, transaction
from db.store import open_store
from db.urls import parse_url

_SEEDS, _TESTS, _TRAINED_AT, _SWEEPS, _BLOCKS = 5, 5, 2, 10, 5
_PER_VARIANT: Final = _SEEDS * _TESTS * _TRAINED_AT
_NOW: Final = "2026-01-31T12:00:00.000000Z"
#: Number of the sweep that is a search.
_SEARCH: Final = 8
_SEARCH_SETTINGS: Final = {
    "axes": [{"name": "train_resolution", "values": [160, 192]}, {"name": "group_size", "values": [1, 4, 16]}],
    "objectives": ["top1", "train_images_per_second"],
    "floors": {},
    "sampler": "gp",
    "seed": 0,
    "budget": {"trials": 1_000_000, "slot_hours": None, "hours": None},
    "pruner": None,
}


def fill(url: str, evaluations: int) -> None:
    """Fill a database, which is created where there is none.

    Args:
        url: The database; without results.
        evaluations: How many; rounded up to a multiple of 50.
    """
    open_store(url).close()
    parsed = parse_url(url)
    engine = open_write_engine(parsed)
    with transaction(engine, parsed) as connection:
        on_postgres = connection.dialect.name == "postgresql"
        if on_postgres:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
        for statement in _statements(-(-evaluations // _PER_VARIANT)):
            connection.exec_driver_sql(_spelt(statement) if on_postgres else statement)
        points.rebuild(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _analyze(connection)
    engine.dispose()


def _spelt(statement: str) -> str:
    """Return a statement as Postgres's driver reads it: time as such, and a percent sign twice."""
    return statement.replace("/*time*/", "::timestamptz").replace("%", "%%")


def _analyze(connection: Connection) -> None:
    """Do what Postgres's own daemon does after so many rows; SQLite plans without."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("VACUUM ANALYZE")


def _digits(*parts: str) -> str:
    """Return 32 digits that are made of numbers, in no order, as digests are."""
    mixed = " || ".join(f"CAST(1000000000 + ({part}) * 2654435761 % 4294967296 AS TEXT)" for part in parts)
    return f"SUBSTR({mixed} || '00000000000000000000000000000000', 1, 32)"


_TRAIN: Final = _digits("v.variant_id * 16 + r.n * 8 + s.n", "1")
_EVALUATE: Final = _digits("v.variant_id * 128 + r.n * 64 + s.n * 8 + t.n", "2")
_MEASURE: Final = _digits("v.variant_id * 16 + m.n", "3")
_DRIVER, _ENVIRONMENT = "d" * 32, "e" * 32
#: Every resolution that is tested or trained at: 160, 192, 224, 256, 288; trainings at the first two.
_PIXELS: Final = "(160 + 32 * {}.n)"


def _numbers(name: str, count: int) -> str:
    rows = " UNION ALL ".join(f"SELECT {number} AS n" for number in range(count))
    return f"({rows}) AS {name}"


def _statements(variants: int) -> list[str]:
    """Return the statements, each after those whose rows its own refer to."""
    runs = f"variants AS v CROSS JOIN {_numbers('r', _TRAINED_AT)} CROSS JOIN {_numbers('s', _SEEDS)}"
    tests = f"{runs} CROSS JOIN {_numbers('t', _TESTS)}"
    measures = f"variants AS v CROSS JOIN {_numbers('m', _TRAINED_AT + _TESTS)}"
    sweep = f"1 + (v.variant_id - 1) * {_SWEEPS} / {variants}"
    next_sweep = f"1 + ({sweep}) % {_SWEEPS}"
    statements = [
        f"""INSERT INTO drivers (driver_id, host, pid, boot_id, process_started, started_at, heartbeat_at, ended_at)
        VALUES ('{_DRIVER}', 'here', 1, 'b', 1.5, '{_NOW}', '{_NOW}', '{_NOW}')""",
        f"""INSERT INTO environments (environment_key, slot_kind, device, threads, software, details, first_seen_at)
        VALUES ('{_ENVIRONMENT}', 'cuda', 'H200', 4, '{{}}', '{{}}', '{_NOW}')""",
        *(
            f"""INSERT INTO sweeps (name, spec_text, spec_digest, state, artifacts, created_at, updated_at)
            VALUES ('sweep {number}', 'name: x', 'd', 'stopped', 'a', '{_NOW}', '{_NOW}')"""
            for number in range(_SWEEPS)
        ),
        f"""INSERT INTO datasets (name, classes, channels, image_side, validation_images, digest)
        VALUES ('imagenet', 1000, 3, 0, 10000, '{"f" * 32}')""",
        f"""INSERT INTO variants (model_size, group_size, expansion, norm, width, small_images)
        WITH RECURSIVE v(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM v WHERE n + 1 < {variants})
        SELECT CASE n % 4 WHEN 0 THEN 'b0' WHEN 1 THEN 'b1' WHEN 2 THEN 'b2' ELSE 'b3' END,
               CASE n % 3 WHEN 0 THEN 1 WHEN 1 THEN 4 ELSE 16 END, 4 + n % 3,
               CASE n % 5 WHEN 0 THEN 'bn' WHEN 1 THEN 'gn' WHEN 2 THEN 'ln' WHEN 3 THEN 'gn+pn' ELSE 'ln+pn' END,
               0.25 + n * 0.0001, n < 0 FROM v""",
    ]
    for stage, fingerprint, rows, depends, environment, ordinal in (
        ("train", _TRAIN, runs, "NULL", "NULL", "v.variant_id * 128 + r.n * 8 + s.n"),
        ("evaluate", _EVALUATE, tests, _TRAIN, "NULL", "v.variant_id * 128 + 16 + r.n * 32 + s.n * 5 + t.n"),
        ("measure", _MEASURE, measures, "NULL", f"'{_ENVIRONMENT}'", "v.variant_id * 128 + 80 + m.n"),
    ):
        statements += [
            f"""INSERT INTO jobs (fingerprint, stage, label, config, depends_on, environment_key, state, attempt,
                created_at, changed_at, started_at, finished_at, progress)
            SELECT {fingerprint}, '{stage}', '{stage}', '{{}}', {depends}, {environment}, 'done', 1,
                '{_NOW}', '{_NOW}', '{_NOW}', '{_NOW}', 1 FROM {rows} WHERE 1 = 1""",
            f"""INSERT INTO sweep_jobs (sweep_id, fingerprint, ordinal)
            SELECT {sweep}, {fingerprint}, {ordinal} FROM {rows}""",
            f"""INSERT INTO sweep_jobs (sweep_id, fingerprint, ordinal)
            SELECT {next_sweep}, {fingerprint}, {ordinal} FROM {rows} WHERE v.variant_id % 10 = 0""",
            f"""INSERT INTO attempts (fingerprint, attempt, driver_id, slot, node, environment_key, started_at,
                ended_at, outcome, directory)
            SELECT {fingerprint}, 1, '{_DRIVER}', 'cuda/0', 'here', '{_ENVIRONMENT}', '{_NOW}', '{_NOW}', 'done',
                'runs/1' FROM {rows}""",
        ]
    statements += _search(sweep)
    # Accuracy grows with the width and the resolution, and varies from run to run; throughput falls with both.
    noise = "(v.variant_id * 7919 + s.n * 104729 + t.n * 1299709) % 2000"
    correct = f"20000 + v.variant_id * 7 % 15000 + 500 * t.n + 300 * r.n + {noise}"
    speed = "1e7 / (1000 + v.variant_id * 7 % 15000) / (1 + m.n) + v.variant_id % 97"
    return [
        *statements,
        f"""INSERT INTO trainings (fingerprint, attempt, variant_id, dataset_id, train_resolution, native_resolution,
            half_resolution, seed, precision, optimizer, recipe, recipe_digest, params, train_macs, epochs, train_loss,
            images_seen, seconds, checkpoint, checkpoint_sha256, checkpoint_bytes, dataset_digest, environment_key,
            finished_at)
        SELECT {_TRAIN}, 1, v.variant_id, 1, {_PIXELS.format("r")}, 192, 160, s.n, 'bf16', 'rmsprop', '{{}}',
            '{"a" * 32}', 5000000, 400000000, 10, 0.5, 1000, 10, 'weights.pt', '{"b" * 64}', 1000, 'c',
            '{_ENVIRONMENT}', '{_NOW}' FROM {runs}""",
        f"""INSERT INTO evaluations (fingerprint, attempt, training, test_resolution, fine_tune, fine_tune_digest,
            fine_tune_layers, images, correct, correct_before_fine_tune, validation_images, validation_correct, loss,
            test_macs, seconds, dataset_digest, environment_key, finished_at)
        SELECT {_EVALUATE}, 1, {_TRAIN}, {_PIXELS.format("t")}, '{{}}', '{"b" * 32}', 'head', 50000, {correct},
            {correct}, 10000, ({correct}) / 5, 1.5, 400000000, 10, 'c', '{_ENVIRONMENT}',
            {_time("v.variant_id * 50 + r.n * 25 + s.n * 5 + t.n")} FROM {tests}""",
        f"""INSERT INTO measurements (fingerprint, attempt, variant_id, channels, classes, mode, resolution, precision,
            optimizer, batch_size, memory_format, images_per_second, low, high, cv, warmup_steps, macs, params, verdict,
            verdict_reason, conditions, environment_key, measured_at)
        SELECT {_MEASURE}, 1, v.variant_id, 3, 1000, CASE WHEN m.n < 2 THEN 'train' ELSE 'inference' END,
            CASE WHEN m.n < 2 THEN {_PIXELS.format("m")} ELSE 96 + 32 * m.n END, 'bf16',
            CASE WHEN m.n < 2 THEN 'rmsprop' END, 128, 'channels_last', {speed}, {speed}, {speed}, 0.01, 3, 400000000,
            5000000, 'clean', '', '{{}}', '{_ENVIRONMENT}', '{_NOW}' FROM {measures}""",
        f"""INSERT INTO measurement_rounds (measurement_id, round, attempt, images, seconds, verdict, verdict_reason,
            end_to_end, loading, latencies, conditions, measured_at)
        SELECT measurement_id, 1, attempt, 1000 * {_BLOCKS}, 1000 * {_BLOCKS} / images_per_second, verdict, '', '[]',
            '[]', '[]', '{{}}', measured_at FROM measurements""",
        f"""INSERT INTO samples (measurement_id, round, ordinal, images, seconds)
        SELECT measurement_id, 1, b.n, 1000, (980 + 10 * b.n) / images_per_second
        FROM measurements CROSS JOIN {_numbers("b", _BLOCKS)}""",
    ]


def _search(sweep: str) -> list[str]:
    """Return the statements that make a search of one sweep.

    Args:
        sweep: Expression for the number of the sweep of a variant.
    """
    trials = f"""(SELECT ROW_NUMBER() OVER (ORDER BY v.variant_id, r.n) - 1 AS number, v.variant_id, r.n AS resolution
        FROM variants AS v CROSS JOIN {_numbers("r", _TRAINED_AT)} WHERE {sweep} = {_SEARCH}) AS trials"""
    rows = f"""{trials} JOIN variants AS v ON v.variant_id = trials.variant_id
        JOIN {_numbers("r", _TRAINED_AT)} ON r.n = trials.resolution"""
    tests = f"{rows} CROSS JOIN {_numbers('s', _SEEDS)} CROSS JOIN {_numbers('t', 1)}"
    params = f"""'{{"group_size": ' || v.group_size || ', "train_resolution": ' || {_PIXELS.format("r")} ||
        ', "variant": ' || v.variant_id || '}}'"""
    values = "'[' || (40 + v.variant_id * 7 % 45) || '.5, ' || (500 + v.variant_id * 11 % 900) || '.5]'"
    return [
        f"""INSERT INTO searches (sweep_id, settings, importances, created_at)
        VALUES ({_SEARCH}, '{json.dumps(_SEARCH_SETTINGS, sort_keys=True)}', '{{}}', '{_NOW}')""",
        f"""INSERT INTO search_trials (sweep_id, number, params, origin, state, objective_values, violations, curve,
            attributes, created_at, finished_at)
        SELECT {_SEARCH}, trials.number, {params}, 'sampler', 'complete', {values}, '[]', '{{}}', '{{}}', '{_NOW}',
            '{_NOW}' FROM {rows}""",
        *(
            f"""INSERT INTO search_trial_jobs (sweep_id, number, fingerprint, reused)
            SELECT {_SEARCH}, trials.number, {fingerprint}, FALSE FROM {tests}"""
            for fingerprint in (_TRAIN, _EVALUATE)
        ),
    ]


def _time(second: str) -> str:
    """Return a time some seconds into a year of 360 days, as text that both engines take."""

    def two(value: str) -> str:
        return f"SUBSTR(CAST(100 + {value} AS TEXT), 2)"

    n = f"({second})"
    date = f"{two(f'1 + {n} / 2419200 % 12')} || '-' || {two(f'1 + {n} / 86400 % 28')}"
    clock = f"{two(f'{n} / 3600 % 24')} || ':' || {two(f'{n} / 60 % 60')} || ':' || {two(f'{n} % 60')}"
    return f"('2026-' || {date} || 'T' || {clock} || '.000000Z')/*time*/"
