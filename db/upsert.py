"""INSERT … ON CONFLICT, which SQLite and Postgres spell alike and SQLAlchemy keeps in two places."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert


def insert_into(connection: Connection, table: Table) -> SqliteInsert | PostgresInsert:
    """Return an INSERT with the engine's ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return sqlite_insert(table) if connection.dialect.name == "sqlite" else postgres_insert(table)
