"""How far a stage of a sweep is, as a bar of parts with their words below. Pure.

Parts differ in their pattern as well as in their colour, and the words are text: for those who see no colours, and for
those who see no bar.
"""

from collections.abc import Sequence
from html import escape
from typing import Final

from dashboard.figures.palette import Palette
from dashboard.words.sweep_words import Part

_BAR: Final = "display:flex;height:16px;border-radius:4px;overflow:hidden"
#: However few jobs a part has, it is to be seen.
_PART: Final = "min-width:6px"
_WORDS: Final = (
    "display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:.35rem 0 0;padding:0;list-style:none;font-size:.875rem"
)
_SAMPLE: Final = "display:inline-block;width:18px;height:11px;margin-right:.4rem;border-radius:2px"


def progress_bar(parts: Sequence[Part], palette: Palette) -> str:
    """Return the bar and its words as HTML.

    Args:
        parts: Of the stage, in their order; at least one.
        palette: Of the reader's theme.
    """
    looks, frame = _looks(palette), f"box-shadow:inset 0 0 0 1px {palette.quiet}"
    bar = "".join(f'<div style="flex:{one.jobs:.6g} 1 0;{_PART};{looks[one.kind]}"></div>' for one in parts)
    words = "".join(
        f'<li><span aria-hidden="true" style="{_SAMPLE};{frame};{looks[one.kind]}"></span>{escape(one.words)}</li>'
        for one in parts
    )
    return f'<div aria-hidden="true" style="{_BAR};{frame}">{bar}</div><ul style="{_WORDS}">{words}</ul>'


def _looks(palette: Palette) -> dict[str, str]:
    """Return what each kind of part is filled with; what waits leaves its frame empty."""
    done, failed = palette.families[0], palette.failed
    return {
        "done": f"background:{done}",
        "begun": f"background:repeating-linear-gradient(90deg,{done} 0 2px,transparent 2px 6px)",
        "running": f"background:repeating-linear-gradient(45deg,{done} 0 5px,transparent 5px 9px)",
        "failed": f"background:repeating-linear-gradient(-45deg,{failed} 0 7px,{palette.ink} 7px 9px)",
        "without": f"background:{palette.quiet}",
        "waiting": "background:transparent",
    }
