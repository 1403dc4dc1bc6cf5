"""Carrying rows from one database to another: recognised by natural keys, references translated on the way."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from db.bundles.manifest import CHUNK, damaged
from db.tables import metadata
from db.upsert import insert_into

Row = dict[str, Any]


@dataclass(slots=True)
class Counts:
    """What became of a table's rows.

    Attributes:
        new: Not known here before.
        known: Known here before.
        changed: Known ones that were changed.
    """

    new: int = 0
    known: int = 0
    changed: int = 0


class Carrier:
    """Carries rows, and remembers under which numbers they are known here.

    Args:
        source: Where the rows are.
        here: Where they go; inside a transaction.

    Attributes:
        counts: Table → what became of its rows.
        ids: Column → number in the source → number here.
        attempts: Fingerprint and attempt's number in the source → number here, where it is another one.
    """

    def __init__(self, source: Connection, here: Connection) -> None:
        self.source = source
        self.here = here
        self.counts = {table.name: Counts() for table in metadata.sorted_tables}
        self.ids: defaultdict[str, dict[int, int]] = defaultdict(dict)
        self.attempts: dict[tuple[str, int], int] = {}

    def bring(self, table: Table, key: Sequence[str] = (), identity: str | None = None) -> None:
        """Insert the rows that are not known here.

        Args:
            table: Whose rows.
            key: Columns that identify a row everywhere; the primary key if empty.
            identity: Column that is numbered anew.
        """
        key = key or table.primary_key.columns.keys()
        for rows in self.rows(table, identity):
            known = self.known(table, key, rows)
            new = [row for row in rows if _values(row, key) not in known]
            self.insert(table, new, without=identity)
            self.counts[table.name].known += len(rows) - len(new)
            if identity is not None:
                numbers = self.known(table, (*key, identity), rows, by=key)
                self.ids[identity] |= {row[identity]: numbers[_values(row, key)][identity] for row in rows}

    def rows(self, table: Table, identity: str | None = None, query: Select[Any] | None = None) -> Iterator[list[Row]]:
        """Give a table's rows in pieces, as they would be here.

        Args:
            table: Whose rows.
            identity: Column that is numbered anew: left as it is in the source.
            query: Which rows, in which order; all in the order of the primary key if None.

        Raises:
            BundleError: A value cannot be read as what its column holds.
        """
        query = select(table).order_by(*table.primary_key.columns) if query is None else query
        found = self.source.execution_options(yield_per=CHUNK).execute(query).mappings().partitions()
        try:
            for rows in found:
                yield [self._translated(table, dict(row), identity) for row in rows]
        except ValueError as error:
            raise damaged(f"{table.name}: {error}") from error

    def _translated(self, table: Table, row: Row, identity: str | None) -> Row:
        for name, numbers in self.ids.items():
            if name in row and name != identity:
                row[name] = numbers[row[name]]
        if "attempt" in row and table.name not in {"jobs", "attempts"}:
            row["attempt"] = self.attempts.get((row["fingerprint"], row["attempt"]), row["attempt"])
        return row

    def known(
        self, table: Table, columns: Sequence[str], rows: Sequence[Row], by: Sequence[str] = ()
    ) -> dict[tuple[Any, ...], Mapping[str, Any]]:
        """Return what is here already of some rows: key → those columns.

        Args:
            table: Where to look.
            columns: Which are wanted; the first one narrows the search.
            rows: What to look for.
            by: The key; all of ``columns`` if empty.
        """
        first = table.c[columns[0]]
        query = select(*(table.c[name] for name in columns)).where(first.in_({row[first.name] for row in rows}))
        found = (dict(row) for row in self.here.execute(query).mappings())
        return {_values(row, by or columns): row for row in found}

    def insert(self, table: Table, rows: Sequence[Row], without: str | None = None) -> None:
        """Insert rows and count them; one that somebody else inserted meanwhile is left as it is."""
        self.counts[table.name].new += len(rows)
        if rows:
            values = [{name: row[name] for name in row if name != without} for row in rows]
            self.here.execute(insert_into(self.here, table).on_conflict_do_nothing(), values)


def _values(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)
