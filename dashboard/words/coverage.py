"""How many of the results a page shows, and why it does not show the others. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.figures import families
from dashboard.figures.front_points import Drawn
from dashboard.words import wording
from db.front_part import LeftOut
from db.front_views import Mode, Scenario
from db.fronts import chosen_on_test_images

Row = Mapping[str, Any]

#: Rows of results that are shown at most, and up to which they are counted and offered as a file.
SHOWN, COUNTED = 1_000, 10_000
#: How they are put in order. With a third column, SQLite no longer follows the index of the first.
NEWEST_FIRST: Final = ("-finished_at", "series")
#: Points beside the front that are drawn at most; more than a person can tell apart, and few enough for a browser.
DRAWN: Final = 2_000
#: Likewise of those that do not compete.
GREYED: Final = 500
_OTHER_RESOLUTIONS: Final[dict[Scenario, str]] = {
    "best": "tested at another than the network's best test resolution",
    "native": "tested at another than the native resolution",
    "all": "",
}


def sentence(
    drawn: Sequence[Row],
    points: int,
    tested: int,
    left_out: LeftOut,
    *,
    mode: Mode,
    scenario: Scenario,
    greyed: tuple[int, int] = (0, 0),
) -> str:
    """Say how many points are shown of how many, and why the others are not.

    Args:
        drawn: The points of the chart that compete: all of the front, the nearest others, and what leads its group.
        points: How many points of the scenario compete in the chart's place.
        tested: How many there are of every test resolution.
        left_out: What was tested and has no throughput that counts.
        mode: Whose throughput is shown.
        scenario: Which test resolutions are shown.
        greyed: How many points are drawn that do not compete, and how many there are.
    """
    reasons = [
        (points - len(drawn), "further from the front"),
        (tested - points, _OTHER_RESOLUTIONS[scenario]),
        (left_out.noisy, "noisy (`orchestrator remeasure --noisy` measures again)"),
        (left_out.contended, "disturbed by other programs while measured (`orchestrator remeasure --noisy`, likewise)"),
        (left_out.stale, "measured with software that is no longer there (`orchestrator remeasure --stale`)"),
        (left_out.waiting, "not measured yet"),
    ]
    told = [f"{number:,} {reason}" for number, reason in reasons if number > 0]
    number = tested + left_out.noisy + left_out.contended + left_out.stale + left_out.waiting
    total = wording.counted(number, "tested configuration")
    because = f"; left out: {wording.listed(told)}" if told else ""
    parts = [
        f"{len(drawn):,} of {total} shown{because}.",
        _selection(points - len(drawn)),
        _judged(drawn, mode),
        _aside(*greyed),
        choice(drawn, scenario),
    ]
    return " ".join(part for part in parts if part)


def _aside(drawn: int, there: int) -> str:
    if not drawn:
        return ""
    if drawn < there:
        return f"{drawn:,} of {there:,} points that do not compete are drawn in grey: the most accurate."
    return f"{wording.counted(drawn, 'point')} in grey {'does' if drawn == 1 else 'do'} not compete."


def in_part(fronts: Mapping[str, tuple[int, int]]) -> str:
    """Say of which fronts not all points are drawn; empty where all are.

    Args:
        fronts: Words for the points of a front → how many are drawn, and how many there are.
    """
    told = [f"{drawn:,} of {there:,} {words}" for words, (drawn, there) in fronts.items() if drawn < there]
    return f"Drawn in part, the most accurate first: {wording.listed(told)}." if told else ""


def whiskers(*, crowded: bool) -> str:
    """Say which points have whiskers where not all have them."""
    return "So many points have whiskers on the front alone." if crowded else ""


def theory_and_practice(drawn: Drawn) -> str:
    """Say whether those who count multiply-accumulates would have found the front; empty where nobody counted.

    Args:
        drawn: With every point of both fronts.
    """
    front = {families.identity(row) for row in drawn.competing if row["on_front"]}
    found = front & {families.identity(row) for row in drawn.theory}
    if not front or not drawn.theory:
        return ""
    networks = f"{wording.counted(len(front), 'point')} {'is' if len(front) == 1 else 'are'} on the measured front"
    if found == front:
        return f"**{networks}**, and by multiply-accumulates alone one would have found the same."
    number = f"{len(found):,} of them" if found else "none of them"
    if len(drawn.theory) >= DRAWN:  # it may go on
        number = f"at least {len(found):,} of them"
    return f"**{networks}; by multiply-accumulates alone one would have found {number}.**"


def _selection(further: int) -> str:
    """Say by which rule points were chosen; empty where all are drawn."""
    if further <= 0:
        return ""
    return (
        "Drawn are all points of the front, what leads by multiply-accumulates, or its colour where these fronts are "
        "drawn, and, of the others, those whose accuracy is least below the best of what is as fast or faster; the "
        "file has them all. What follows counts what is drawn."
    )


def choice(shown: Sequence[Row], scenario: Scenario) -> str:
    """Say for how many points the test images themselves chose the test resolution; empty if for none."""
    number = sum(chosen_on_test_images(row) for row in shown) if scenario == "best" else 0
    if not number:
        return ""
    return (
        f"For {wording.counted(number, 'point')} the best test resolution was chosen on the test images, which "
        "flatters them: no validation images were held out."
    )


def _judged(shown: Sequence[Row], mode: Mode) -> str:
    on_front = sum(bool(row["on_front"]) for row in shown)
    noisy = sum(row[f"{mode}_verdict"] == "noisy" for row in shown)
    return f"{on_front:,} on the front" + (f", {noisy:,} noisy." if noisy else ".")


def of_results(rows: int, matching: int, total: int) -> str:
    """Say how many rows are shown of how many, and why not the others.

    Args:
        rows: How many are shown.
        matching: How many the sweep and the filter let through; ``COUNTED`` stands for as many or more.
        total: How many there are; likewise.
    """
    if rows == matching:
        why = "" if matching == total else "; the sweep and the filter leave out the others"
        return f"{rows:,} of {_counted(total)} shown{why}. The file has every column."
    first = f"The newest {rows:,} of {_counted(matching)} shown"
    if matching < COUNTED:
        return f"{first}: narrow the filter, or download all of them. The file has every column."
    return f"{first}: narrow the filter. `orchestrator results --format csv` writes all of them, with every column."


def _counted(rows: int) -> str:
    return f"{rows:,} or more rows" if rows >= COUNTED else wording.counted(rows, "row")
