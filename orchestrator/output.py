"""Rows for people and for programs: a table in the terminal, or CSV, JSON, LaTeX, Markdown, Parquet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import sys
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator import latex
from orchestrator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from db.records import Pause

    Rows: TypeAlias = Sequence[Mapping[str, Any]]

FORMATS = ("table", "csv", "json", "latex", "markdown", "parquet")
#: Those of them that have room for a choice of columns and for rounded numbers only.
FOR_READING = ("table", "latex")
#: Column → how its numbers read best in a table; CSV, JSON and Parquet hold every digit.
_DECIMALS = {
    "top1": 2,
    "top1_mean": 2,
    "top1_std": 2,
    "speedup": 2,
    "speedup_low": 2,
    "speedup_high": 2,
    "top1_before_fine_tune": 2,
    "top1_before_fine_tune_mean": 2,
    "validation_top1": 2,
    "validation_top1_mean": 2,
    "images_per_second": 1,
    "train_images_per_second": 1,
    "inference_images_per_second": 1,
    "train_throughput_cv": 3,
    "inference_throughput_cv": 3,
}
#: Characters per line where there is no terminal, and so no edge to wrap at.
_WIDE = 1000
#: Shorter headings for the terminal.
_HEADINGS = {
    "train_resolution": "train px",
    "test_resolution": "test px",
    "train_images_per_second": "train img/s",
    "inference_images_per_second": "infer img/s",
    "images_per_second": "img/s",
    "top1": "top-1 %",
    "top1_mean": "top-1 %",
    "top1_std": "top-1 std %",
    "speedup": "speed-up",
    "speedup_low": "95 % from",
    "speedup_high": "95 % to",
    "top1_before_fine_tune": "before ft %",
    "validation_top1": "valid. %",
    "validation_top1_mean": "valid. %",
    "fine_tune_layers": "fine-tuned",
    "group_size": "group",
    "model_size": "size",
}


def print_rows(rows: Rows, columns: Sequence[str], form: str, title: str = "") -> None:
    """Write rows to standard output.

    Args:
        rows: What to write.
        columns: Which of their keys, in order.
        form: One of ``FORMATS``.
        title: Above a table; a comment in LaTeX.

    Raises:
        InputError: Parquet to a terminal.
    """
    match form:
        case "json":
            _write(json.dumps([{name: row[name] for name in columns} for row in rows], default=_plain, indent=1) + "\n")
        case "csv":
            _write(_csv(rows, columns))
        case "latex":
            _write(_latex(rows, columns, title))
        case "markdown":
            _write(_markdown(rows, columns))
        case "parquet":
            _write_parquet(rows, columns)
        case _:
            _print_table(rows, columns, title)


def without_constants(rows: Rows, columns: Sequence[str]) -> tuple[list[str], str]:
    """Return the columns that differ between rows, and the others in words, e.g. ``size b0, seed 0``."""
    if len(rows) < 2:
        return list(columns), ""
    same = [name for name in columns if all(row[name] == rows[0][name] for row in rows)]
    words = [f"{_heading(name)} {shown(name, rows[0][name])}" for name in same]
    return [name for name in columns if name not in same], ", ".join(word.strip() for word in words)


def print_json(value: Any) -> None:
    """Write one JSON value to standard output."""
    _write(json.dumps(value, default=_plain, indent=1) + "\n")


def _write(text: str) -> None:
    sys.stdout.write(text)


def _plain(value: Any) -> Any:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return str(value)


def _csv(rows: Rows, columns: Sequence[str]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_csv_cell(row[name]) for name in columns] for row in rows)
    return buffer.getvalue()


def _csv_cell(value: Any) -> Any:
    """Quote what a spreadsheet would run as a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _markdown(rows: Rows, columns: Sequence[str]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"

    body = "".join(line([shown(name, row[name]) for name in columns]) for row in rows)
    return line(columns) + line(["---"] * len(columns)) + body


def _latex(rows: Rows, columns: Sequence[str], title: str) -> str:
    cells = [[shown(name, row[name]) for name in columns] for row in rows]
    heads = [_heading(name) for name in columns]
    return latex.tabular(heads, cells, [_holds_numbers(rows, name) for name in columns], title)


def _write_parquet(rows: Rows, columns: Sequence[str]) -> None:
    import pyarrow as pa
    from pyarrow.parquet import write_table

    if sys.stdout.isatty():
        raise InputError("Parquet is not for a terminal", hint="redirect it: … --format parquet > results.parquet")
    table = pa.table({name: [row[name] for row in rows] for name in columns})
    write_table(table, pa.PythonFile(sys.stdout.buffer, mode="w"))


def _print_table(rows: Rows, columns: Sequence[str], title: str) -> None:
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    table = Table(box=box.SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for name in columns:
        table.add_column(_heading(name), justify="right" if _holds_numbers(rows, name) else "left")
    for row in rows:
        table.add_row(*(Text(shown(name, row[name])) for name in columns))
    console.print(table)


def _heading(name: str) -> str:
    return _HEADINGS.get(name, name.replace("_", " "))


def _holds_numbers(rows: Rows, name: str) -> bool:
    return any(isinstance(row[name], (int, float)) and not isinstance(row[name], bool) for row in rows)


def shown(name: str, value: Any) -> str:
    """Return a cell as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{_DECIMALS[name]}f}" if name in _DECIMALS else f"{value:g}"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return "".join(character if character.isprintable() else "�" for character in str(value))


def pause_words(pause: Pause) -> str:
    """Say since when and by whom a sweep is paused."""
    return f"paused since {pause.since:%Y-%m-%d %H:%M} UTC by {pause.by}"
