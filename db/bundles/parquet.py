"""The Parquet form of a bundle: a directory with one file per table and ``manifest.json``.

Other programs read the files as they are: times are timestamps in UTC, flags are booleans, JSON is text.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Boolean, Column, Connection, Double, Integer, Table, Text, select, type_coerce
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL

from db import sqlite_engine
from db.bundles.manifest import CHUNK, MANIFEST_FILE, Manifest, damaged
from db.column_types import JsonText, UtcDateTime
from db.engine import transaction
from db.tables import metadata

_UTC: Final = UtcDateTime()
_SQLITE: Final = sqlite.dialect()


def write(bundle: Path, manifest: Manifest, directory: Path) -> Path:
    """Write the tables of a bundle's SQLite form as Parquet files, and return their directory."""
    directory.mkdir()
    url = URL.create("sqlite", database=str(bundle))
    engine = sqlite_engine.read_engine(bundle)
    with transaction(engine, url) as connection:
        for table in metadata.sorted_tables:
            _write_table(connection, table, directory / f"{table.name}.parquet")
    engine.dispose()
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest.to_json(), indent=1) + "\n", encoding="utf-8")
    return directory


def _write_table(connection: Connection, table: Table, file: Path) -> None:
    form = pa.schema([(column.name, _arrow_type(column)) for column in table.columns])
    columns = [type_coerce(one, Text) if isinstance(one.type, JsonText) else one for one in table.columns]
    query = select(*columns).order_by(*table.primary_key.columns)
    with pq.ParquetWriter(file, form) as writer:
        for rows in connection.execution_options(yield_per=CHUNK).execute(query).partitions():
            values = [list(column) for column in zip(*rows, strict=True)]
            writer.write_batch(pa.record_batch(values, schema=form))


def _arrow_type(column: Column[Any]) -> pa.DataType:
    match column.type:
        case UtcDateTime():
            return pa.timestamp("us", tz="UTC")
        case Boolean():
            return pa.bool_()
        case Integer():
            return pa.int64()
        case Double():
            return pa.float64()
        case _:
            return pa.string()


def rows_of(directory: Path, table: str, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Give the rows of a table as SQLite stores them, in pieces.

    Args:
        directory: The bundle.
        table: Name of the table.
        columns: All of the table's.

    Raises:
        BundleError: The file is missing, damaged, or has other columns.
    """
    file = directory / f"{table}.parquet"
    try:
        with pq.ParquetFile(file) as parquet:
            if sorted(parquet.schema_arrow.names) != sorted(columns):
                raise damaged(f"{file.name} has other columns than the table")
            for batch in parquet.iter_batches(CHUNK, columns=list(columns)):
                values = [batch.column(name).to_pylist() for name in columns]
                yield [tuple(map(_stored, row)) for row in zip(*values, strict=True)]
    except (OSError, pa.ArrowException) as error:
        raise damaged(f"{file.name}: {' '.join(str(error).split())}") from error


def _stored(value: Any) -> Any:
    """Return a value as SQLite stores it."""
    return _UTC.process_bind_param(value, _SQLITE) if isinstance(value, dt.datetime) else value
