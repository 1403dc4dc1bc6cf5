"""Published results: other people's numbers beside ours, from a CSV file.

Columns: ``series, model_size, group_size, expansion, norm, train_resolution, top1`` (percent) and ``hardware`` are
needed; ``test_resolution`` (empty: the best one), ``fine_tuned`` (0 or 1), ``params_millions``, ``forward_gmacs``,
``train_images_per_second``, ``inference_images_per_second`` and ``slot_kind`` may be there. ``#`` starts a comment.
"""

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from db.errors import PublishedFileError
from db.records import PublishedRecord, VariantRecord
from db.result_rows import variant_id
from db.tables import publications, published_results

NEEDED = ("series", "model_size", "group_size", "expansion", "norm", "train_resolution", "top1", "hardware")


def read_csv(
    path: Path, native: Mapping[str, int] | None = None, half: Mapping[str, int] | None = None
) -> list[PublishedRecord]:
    """Read a CSV file of published results.

    Args:
        path: The file.
        native: Model size → native resolution in pixels, so that rows know whether they were trained at it.
        half: Likewise, the resolution with about half the pixels.

    Raises:
        PublishedFileError: Cannot be read, lacks a column, or a value is not of its kind; says which line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PublishedFileError(f"cannot read {path}: {error}", "Give a CSV file in UTF-8.") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.startswith("#")]
    reader = csv.DictReader(line for _, line in numbered)
    lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if lacking:
        raise PublishedFileError(f"{path} lacks the columns {', '.join(lacking)}", f"Needed are {', '.join(NEEDED)}.")
    records = []
    for (number, _), row in zip(numbered[1:], reader, strict=True):
        try:
            records.append(_record(row, native or {}, half or {}))
        except (ValueError, InvalidOperation, TypeError) as error:
            hint = "Numbers are plain; top1 is percent, from 0 to 100."
            raise PublishedFileError(f"{path}:{number}: {error}", hint) from error
    return records


def put(
    connection: Connection, name: str, dataset: str, records: Sequence[PublishedRecord], now: dt.datetime
) -> set[int]:
    """Keep a publication; the same name again replaces it.

    Returns:
        The variants of its results, and of those that they replace.
    """
    before = select(published_results.c.variant_id).join(publications).where(publications.c.name == name)
    touched = set(connection.execute(before).scalars())
    connection.execute(delete(publications).where(publications.c.name == name))
    new = insert(publications).values(name=name, dataset=dataset, imported_at=now)
    publication_id = connection.execute(new.returning(publications.c.publication_id)).scalar_one()
    rows: list[dict[str, Any]] = [
        {
            **{one.name: getattr(record, one.name) for one in fields(record) if one.name != "variant"},
            "variant_id": variant_id(connection, record.variant),
            "publication_id": publication_id,
            "ordinal": ordinal,
        }
        for ordinal, record in enumerate(records)
    ]
    if rows:
        connection.execute(insert(published_results), rows)
    return touched | {row["variant_id"] for row in rows}


def _record(row: Mapping[str, str], native: Mapping[str, int], half: Mapping[str, int]) -> PublishedRecord:
    size = row["model_size"]
    return PublishedRecord(
        series=row["series"],
        variant=VariantRecord(
            model_size=size,
            group_size=int(row["group_size"]),
            expansion=int(row["expansion"]),
            norm=row["norm"],
        ),
        train_resolution=int(row["train_resolution"]),
        test_resolution=_whole(row.get("test_resolution"), 1),
        native_resolution=native.get(size),
        half_resolution=half.get(size),
        fine_tuned=row.get("fine_tuned", "0") == "1",
        top1_ppm=_top1_ppm(row["top1"]),
        params=_whole(row.get("params_millions"), 1_000_000),
        train_macs=_whole(row.get("forward_gmacs"), 1_000_000_000),
        train_images_per_second=_positive(row.get("train_images_per_second")),
        inference_images_per_second=_positive(row.get("inference_images_per_second")),
        slot_kind=row.get("slot_kind") or None,
        device=row["hardware"],
    )


def _top1_ppm(percent: str) -> int:
    ppm = int((Decimal(percent) * 10_000).to_integral_value())
    if not 0 <= ppm <= 1_000_000:
        raise ValueError(f"top1 {percent} is not between 0 and 100")
    return ppm


def _whole(text: str | None, unit: int) -> int | None:
    return int((Decimal(text) * unit).to_integral_value()) if text else None


def _positive(text: str | None) -> float | None:
    value = float(text) if text else None
    if value is not None and not 0 < value < 1e300:
        raise ValueError(f"{text} images per second is not a positive number")
    return value
