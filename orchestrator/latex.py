"""Rows as a LaTeX table, for papers: a ``tabular`` with the rules of the package ``booktabs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "%": r"\%",
        "_": r"\_",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "[": "{[}",  # at the beginning of a row it would be an option of the line break before it
        "*": "{*}",  # likewise
        "±": r"$\pm$",
        "×": r"$\times$",
        "→": r"$\to$",
        "−": "$-$",
        "–": "--",
        "—": "---",
        "…": r"\ldots{}",
        "\n": " ",
        "\r": " ",
        "\t": " ",
    }
)


def escaped(text: str) -> str:
    """Return text as LaTeX prints it, whatever characters it has."""
    return text.translate(_ESCAPES)


def tabular(heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[bool], note: str = "") -> str:
    r"""Return a table that ``\input`` takes.

    Args:
        heads: Of the columns, with their units; plain text.
        rows: Cells in plain text.
        numbers: Which columns hold numbers: they are set right-aligned, with a minus sign for a hyphen.
        note: What the columns do not say, e.g. what all rows have in common; becomes a comment.
    """
    comments = [r"% needs \usepackage{booktabs}", *(f"% {line}" for line in note.splitlines())]
    body = [
        _line([_number(cell) if is_number else escaped(cell) for cell, is_number in _pairs(row, numbers)])
        for row in rows
    ]
    lines = [
        *comments,
        rf"\begin{{tabular}}{{{''.join('r' if one else 'l' for one in numbers)}}}",
        r"\toprule",
        _line([escaped(head) for head in heads]),
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _pairs(row: Sequence[str], numbers: Sequence[bool]) -> list[tuple[str, bool]]:
    return list(zip(row, numbers, strict=True))


def _number(cell: str) -> str:
    return f"$-${escaped(cell[1:])}" if cell.startswith("-") else escaped(cell)
