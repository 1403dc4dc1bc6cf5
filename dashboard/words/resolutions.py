"""What a network's tests at several resolutions say, in words. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.words import wording

Row = Mapping[str, Any]

#: Expansion that the paper uses for a group size; a family's name tells any other.
_USUAL_EXPANSION: Final = {1: 6, 16: 4}
#: What may differ between tests of one network besides resolutions and seeds: column → how it is told.
_SETTINGS: Final = {
    "fine_tune_layers": "fine-tuned: {}",
    "precision": "{}",
    "recipe_digest": "recipe {:.8}",
    "fine_tune_digest": "fine-tuning {:.8}",
}


def family(network: Row) -> str:
    """Return what a network's series begins with, as in ``G16-LN+PN``."""
    group, expansion = network["group_size"], network["expansion"]
    told = "" if _USUAL_EXPANSION.get(group) == expansion else f"E{expansion}"
    return f"G{group}{told}-{network['norm'].upper()}"


def size(network: Row) -> str:
    """Return a network's size and width, as in ``b0 ×0.25, for small images``."""
    return wording.network(network) + (", for small images" if network["small_images"] else "")


def stride(network: Row) -> int:
    """Return by how many pixels a test resolution may differ for a network to see an image alike."""
    return 8 if network["small_images"] else 32


def trained_at(row: Row) -> str:
    """Return where a test's training was done, as in ``trained at 20 px (half)``."""
    words = wording.resolution(row)
    return f"trained at {row['train_resolution']} px" + (f" ({words.lower()})" if not words.endswith("px") else "")


def settings(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Tell tests apart by recipe, precision and fine-tuning: what differs → its tests, the most tests first."""
    differing = [name for name in _SETTINGS if len({row[name] for row in rows}) > 1]
    if len({(row["fine_tune_layers"], row["fine_tune_digest"]) for row in rows}) == len(
        {row["fine_tune_layers"] for row in rows}
    ):
        differing = [name for name in differing if name != "fine_tune_digest"]
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        label = ", ".join(_SETTINGS[name].format(row[name]) for name in differing)
        found.setdefault(label, []).append(row)
    return dict(sorted(found.items(), key=lambda one: -len(one[1])))


def findings(rows: Sequence[Row]) -> list[str]:
    """Say for each train resolution at which test resolution it is best, by how much, and what fine-tuning brings.

    Args:
        rows: Tests of one network in one setting.
    """
    return [_finding(row, rows) for row in rows if row["best"]]


def _finding(best: Row, rows: Sequence[Row]) -> str:
    tests = [row for row in rows if row["train_resolution"] == best["train_resolution"]]
    top1 = wording.top1(best["top1"], best["top1_std"], best["seeds"])
    trained = trained_at(best)
    said = f"**T{trained[1:]}**: {top1} at {best['test_resolution']} px"
    return f"{said}{_choice(best, len(tests))}{_over_training(best, tests)}{_fine_tuning(best)}."


def _choice(best: Row, tests: int) -> str:
    if tests == 1:
        return ", the only test resolution"
    if best["validation_top1"] is None:
        return f", the best of {tests} on the test images themselves, which flatters it"
    return f", the best of {tests} on the validation images"


def _over_training(best: Row, tests: Sequence[Row]) -> str:
    """Say what testing there brings over testing at the train resolution."""
    if best["test_resolution"] == best["train_resolution"]:
        return "; it is the train resolution itself" if len(tests) > 1 else ""
    same = [row for row in tests if row["test_resolution"] == row["train_resolution"]]
    if not same:
        return "; not tested at the train resolution"
    return f", {points(best['top1'] - same[0]['top1'])} points over {same[0]['test_resolution']} px"


def _fine_tuning(best: Row) -> str:
    if best["fine_tune_layers"] == "none":
        return "; not fine-tuned"
    spread = "" if best["gain_std"] is None else f" ± {best['gain_std']:.2f}"
    return f"; fine-tuning there brings {points(best['gain'])}{spread} points"


def points(difference: float) -> str:
    """Return a difference in percentage points with its sign: ``+0.85``, ``−0.20``."""
    return f"{difference:+.2f}".replace("-", "−")


def coverage(shown: Sequence[Row], rows: Sequence[Row]) -> str:
    """Say how many tests are shown of how many, and why the others are not."""
    total = wording.counted(len(rows), "test")
    others = len(rows) - len(shown)
    why = f"; left out: {others:,} with another recipe, precision or way of fine-tuning" if others else ""
    seeds = sum(row["seeds"] for row in shown)
    return f"{len(shown):,} of {total} of this network shown, from {wording.counted(seeds, 'evaluation')}{why}."
