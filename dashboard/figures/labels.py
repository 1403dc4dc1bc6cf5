"""Which labels have room beside their points. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

#: Of a letter, and of a line of text, in pixels.
_LETTER, _LINE = 6.5, 11.0
#: What a point takes around its middle, in pixels.
_MARK: Final = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a label stands, in pixels from its point; down and right are positive.

    Attributes:
        align: Which end of the label is at ``dx``: its ``left`` or its ``right`` one.
        dx: To the right.
        dy: Down, to the baseline.
    """

    align: Literal["left", "right"]
    dx: float
    dy: float


def with_room(texts: Sequence[str], at: Sequence[tuple[float, float]], place: Place) -> list[bool]:
    """Tell of each label whether no point lies under it; no text is no label.

    Args:
        texts: One for each point.
        at: Where the points are, in pixels from the left and from above.
        place: Of each label.
    """
    return [bool(text) and not _covers(text, point, at, place) for text, point in zip(texts, at, strict=True)]


def _covers(text: str, point: tuple[float, float], others: Sequence[tuple[float, float]], place: Place) -> bool:
    width = _LETTER * len(text)
    left = point[0] + place.dx - (width if place.align == "right" else 0.0)
    bottom = point[1] + place.dy
    return any(
        left - _MARK < x < left + width + _MARK and bottom - _LINE - _MARK < y < bottom + _MARK
        for x, y in others
        if (x, y) != point
    )
