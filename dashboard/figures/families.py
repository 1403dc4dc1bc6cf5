"""Which points are one family (a colour) and which lie on one line through sizes and widths. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from dashboard import wording

Row = Mapping[str, Any]

#: What a reader may group by: name on the page → how a family's name tells it.
PARTS: Final[dict[str, Callable[[Row], str]]] = {
    "Series": lambda row: str(row["series"]),
    "Group size": lambda row: f"G{row['group_size']}",
    "Expansion": lambda row: f"E{row['expansion']}",
    "Norm": lambda row: str(row["norm"]).upper(),
    "Train resolution": wording.resolution,
    "Test resolution": lambda row: (
        "best test px" if row["test_resolution"] is None else f"test {row['test_resolution']} px"
    ),
    "Size": lambda row: str(row["model_size"]),
    "Width": lambda row: "" if row["width"] is None else f"×{row['width']:g}",
    "Fine-tuned layers": lambda row: str(row["fine_tune_layers"] or "fine-tuned"),
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


def family(row: Row, parts: Sequence[str] = DEFAULT_PARTS) -> str:
    """Return the family of a point: what the chosen parts say of it, as in ``G16-LN+PN-Half``."""
    return "-".join(PARTS[part](row) for part in parts) or "all"


def line(row: Row, scenario: str) -> str:
    """Return which line a point lies on.

    Its points differ in size and width only; where every test resolution is shown, in the test resolution only.
    """
    key = [*(row[name] for name in _LINE), wording.resolution(row)]
    if scenario == "all":
        key += [row["model_size"], row["width"]]
    return "/".join(map(str, key))


def names(rows: Sequence[Row], parts: Sequence[str] = DEFAULT_PARTS) -> list[str]:
    """Return the families of some rows in an order that does not depend on their results."""
    found = {family(row, parts): (row["group_size"], str(row["norm"])) for row in rows}
    return sorted(found, key=lambda name: (found[name], name))
