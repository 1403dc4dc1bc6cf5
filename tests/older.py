"""What the tests of ``workers`` need in order to run under Python 3.8 and torch 2.0, too."""

from itertools import zip_longest
from typing import Any, Iterable, Iterator, Tuple  # as Python 3.8 spells them

import pytest
import torch

#: Of a test about something that torch 2.0 cannot do yet.
needs_newer_torch = pytest.mark.skipif(torch.__version__.startswith("2.0."), reason="torch 2.0 cannot do this")
_MISSING = object()


def neighbours(sequence: Iterable[Any]) -> Iterator[Tuple[Any, Any]]:
    """Yield what ``itertools.pairwise`` does."""
    values = list(sequence)
    return zip(values[:-1], values[1:])  # noqa: B905, RUF007  # both ways are newer


def paired(*iterables: Iterable[Any]) -> Iterator[Tuple[Any, ...]]:
    """Yield what ``zip(…, strict=True)`` does.

    Raises:
        ValueError: One is longer than another.
    """
    for together in zip_longest(*iterables, fillvalue=_MISSING):
        if any(one is _MISSING for one in together):
            raise ValueError("these have different lengths")
        yield together
