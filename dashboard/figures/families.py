"""Which points are one family (a colour), and which lie on one line through sizes and widths. Pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.words import wording

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Something by which a reader may group.

    Attributes:
        column: Of ``db.group_fronts.GROUPS``: what is the same in a group.
        word: Returns how a family's name tells it.
    """

    column: str
    word: Callable[[Row], str]


#: What a reader may group by, by its name on the page.
PARTS: Final[dict[str, Part]] = {
    "Series": Part("series", lambda row: str(row["series"])),
    "Group size": Part("group_size", lambda row: f"G{row['group_size']}"),
    "Expansion": Part("expansion", lambda row: f"E{row['expansion']}"),
    "Norm": Part("norm", lambda row: str(row["norm"]).upper()),
    "Train resolution": Part("train_resolution", wording.resolution),
    "Test resolution": Part(
        "test_resolution",
        lambda row: "best test px" if row["test_resolution"] is None else f"test {row['test_resolution']} px",
    ),
    "Size": Part("model_size", lambda row: str(row["model_size"])),
    "Width": Part("width", lambda row: "" if row["width"] is None else f"×{row['width']:g}"),
    "Fine-tuned layers": Part("fine_tune_layers", lambda row: str(row["fine_tune_layers"] or "fine-tuned")),
}
DEFAULT_PARTS: Final = ("Series",)

#: With the train resolution in words, everything in which the points of one line agree.
_LINE: Final = (
    "source",
    "series",
    "group_size",
    "expansion",
    "norm",
    "small_images",
    "recipe_digest",
    "fine_tune_digest",
    "precision",
)
_DIGEST_BYTES: Final = 5


def family(row: Row, parts: Sequence[str] = DEFAULT_PARTS) -> str:
    """Return the family of a point: what the chosen parts say of it, as in ``G16-LN+PN-Half``."""
    return "-".join(PARTS[part].word(row) for part in parts) or "all"


def line(row: Row, scenario: str) -> str:
    """Return a short name of the line that a point lies on.

    Its points differ in size and width only; where every test resolution is shown, in the test resolution only.
    """
    key = [*(row[name] for name in _LINE), wording.resolution(row)]
    if scenario == "all":
        key += [row["model_size"], row["width"]]
    return _digest(key)


def identity(row: Row) -> str:
    """Return a short name of a point, the same for as long as its data set and place are looked at."""
    return _digest(
        [*(row[name] for name in _LINE), row["train_resolution"], wording.network(row), row["test_resolution"]]
    )


def _digest(key: Sequence[Any]) -> str:
    return hashlib.blake2s("/".join(map(str, key)).encode(), digest_size=_DIGEST_BYTES).hexdigest()


def names(rows: Sequence[Row], parts: Sequence[str] = DEFAULT_PARTS) -> list[str]:
    """Return the families of some rows in an order that does not depend on their results."""
    found = {family(row, parts): (row["group_size"], str(row["norm"])) for row in rows}
    return sorted(found, key=lambda name: (found[name], name))
