"""Which published results have a throughput that was measured here, place by place. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from db.front_views import Mode
from db.variant_results_view import PLACE
from db.verdicts import NOISY, UNUSABLE


@dataclass(frozen=True, slots=True)
class Pairing:
    """How many published rows have a throughput in one place.

    Attributes:
        place: Slot kind, device, threads and precision; None where nothing was measured at all.
        published: Number of rows.
        missing: Those that were never measured there.
        contended: Those whose measurement there no front takes: something else used the processors, or it is stale.
        noisy: Those whose measurement there a front takes only where it is asked to.
        unnamed: Number of the others whose throughput is that at the native resolution, since the publication does not
            name the test resolution; 0 for training.
    """

    place: dict[str, Any] | None
    published: int
    missing: tuple[dict[str, Any], ...]
    contended: tuple[dict[str, Any], ...]
    noisy: tuple[dict[str, Any], ...]
    unnamed: int

    def to_json(self) -> dict[str, Any]:
        """Return JSON types."""
        names = ("series", "model_size", "train_resolution", "test_resolution")
        unpaired = [{name: row[name] for name in names} for row in (*self.missing, *self.contended, *self.noisy)]
        return {**(self.place or {}), "published_rows": self.published, "unpaired": unpaired, "unnamed": self.unnamed}


#: What tells one place from another.
_PLACE: Final = (*PLACE, "precision")


def pairings(rows: Iterable[Mapping[str, Any]], mode: Mode, *, noisy: bool = False) -> list[Pairing]:
    """Tell place by place which published rows have a throughput.

    Args:
        rows: ``Combined.rows``, of one filter or several; equal ones count once.
        mode: Which throughput counts.
        noisy: Whether noisy measurements count, too.
    """
    unique = {tuple(row[name] for name in _IDENTITY): dict(row) for row in rows}
    places: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in unique.values():
        places.setdefault(tuple(row[name] for name in _PLACE), []).append(row)
    return [_pairing(found, mode, ("clean", NOISY) if noisy else ("clean",)) for found in places.values()]


_IDENTITY: Final = (
    *_PLACE,
    "series",
    "variant_id",
    "train_resolution",
    "test_resolution",
    "fine_tune_layers",
    "top1_ppm",
)


def _pairing(rows: Sequence[dict[str, Any]], mode: Mode, accepted: Collection[str]) -> Pairing:
    def told(*verdicts: str | None) -> tuple[dict[str, Any], ...]:
        return tuple(row for row in rows if row[f"{mode}_verdict"] in verdicts)

    unnamed = sum(row["test_resolution"] is None for row in told(*accepted))
    place = {name: rows[0][name] for name in _PLACE}
    return Pairing(
        place=None if place["device"] is None else place,
        published=len(rows),
        missing=told(None),
        contended=told(*UNUSABLE),
        noisy=() if NOISY in accepted else told(NOISY),
        unnamed=unnamed if mode == "inference" else 0,
    )
