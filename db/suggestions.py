"""Names that someone may have meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ``did you mean 'norm'?`` for the closest known name, else the list of all."""
    known = sorted(set(names))
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are: {', '.join(known)}" if known else "there are none yet"
