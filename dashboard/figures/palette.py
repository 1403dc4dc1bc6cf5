"""Colours and shapes that colour-blind people can tell apart, on light and on dark.

Source:
    Okabe and Ito, "Color Universal Design" (2008): eight colours; yellow is left out on white, black on dark.
"""

from dataclasses import dataclass
from typing import Final

_BLUE, _ORANGE, _GREEN, _PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
_VERMILLION, _SKY, _YELLOW, _BLACK = "#D55E00", "#56B4E9", "#F0E442", "#000000"

#: Eight shapes for seven colours: a pair of both repeats only after 56 lines.
SHAPES: Final = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme.

    Attributes:
        families: One after the other for the lines of a chart.
        ink: Of the front, and of what must stand out.
        failed: Of what went wrong.
        quiet: Of whiskers, and of points that are not to be trusted.
        baseline: Of a speed-up's baseline.
        candidate: Of its candidate.
    """

    families: tuple[str, ...]
    ink: str
    failed: str
    quiet: str
    baseline: str
    candidate: str

    def colours(self, count: int) -> list[str]:
        """Return a colour for each of some lines; they repeat after the last."""
        return [self.families[index % len(self.families)] for index in range(count)]


LIGHT: Final = Palette(
    families=(_BLUE, _ORANGE, _GREEN, _PURPLE, _VERMILLION, _SKY, _BLACK),
    ink="#1f2328",
    failed=_VERMILLION,
    quiet="#8c9299",
    baseline=_BLACK,
    candidate=_BLUE,
)
DARK: Final = Palette(
    families=(_SKY, _ORANGE, _GREEN, _PURPLE, _VERMILLION, _YELLOW, "#FFFFFF"),
    ink="#f0f3f6",
    failed=_VERMILLION,
    quiet="#868d95",
    baseline="#FFFFFF",
    candidate=_SKY,
)


def dashes(count: int) -> list[list[int]]:
    """Return the dash pattern of each of some lines: dashed where the colours repeat."""
    return [[1, 0] if index < len(LIGHT.families) else [5, 3] for index in range(count)]


def shapes(count: int) -> list[str]:
    """Return a marker's shape for each of some lines."""
    return [SHAPES[index % len(SHAPES)] for index in range(count)]
