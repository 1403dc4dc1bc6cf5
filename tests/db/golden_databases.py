"""Databases as earlier releases left them.

``golden/0001.*.sql`` were written by release 0.1.0 and dumped by SQLite's and Postgres's own programs: two variants of
two seeds and two test resolutions, a training run on the whole data set, measurements in two places of which one was
disturbed, jobs that never ran and that failed, and a publication.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import create_engine

from db.urls import parse_url

GOLDEN = Path(__file__).with_name("golden")


def load(url: str, version: str) -> None:
    """Make an empty or missing database what the release of this schema left."""
    parsed = parse_url(url)
    kind = parsed.get_backend_name()
    script = (GOLDEN / f"{version}.{'sqlite' if kind == 'sqlite' else 'postgres'}.sql").read_text()
    if kind == "sqlite":
        connection = sqlite3.connect(parsed.database)
        connection.executescript(script)
        connection.close()
        return
    engine = create_engine(parsed)
    with engine.begin() as connection:
        connection.exec_driver_sql(script)
    engine.dispose()
