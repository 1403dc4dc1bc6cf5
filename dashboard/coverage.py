"""How many of the results a front chart shows, and why it does not show the others. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard import wording
from db.front_views import Mode, Scenario
from db.fronts import chosen_on_test_images

Row = Mapping[str, Any]

_OTHER_RESOLUTIONS: Final[dict[Scenario, str]] = {
    "best": "tested at another than the network's best test resolution",
    "native": "tested at another than the native resolution",
    "all": "",
}
#: What tells one configuration of ``results`` from another; seeds and sweeps are pooled.
_CONFIGURATION: Final = (
    "variant_id",
    "dataset_id",
    "train_resolution",
    "test_resolution",
    "recipe_digest",
    "fine_tune_digest",
    "precision",
)


def sentence(
    shown: Sequence[Row], measured: Sequence[Row], results: Sequence[Row], *, mode: Mode, scenario: Scenario
) -> str:
    """Say how many are shown of how many, and why the others are not.

    Args:
        shown: The points of the chart.
        measured: The points of every test resolution, of the same data set and place.
        results: Rows of ``results`` with the same filter; what was not measured well enough is found here.
        mode: Whose throughput is shown.
        scenario: Which test resolutions are shown.
    """
    here = _of_the_same_scope(results, shown)
    drawn = {_configuration(row) for row in measured}
    contended = {_configuration(row) for row in here if row[f"{mode}_verdict"] == "contended"} - drawn
    waiting = {_configuration(row) for row in here if row[f"{mode}_images_per_second"] is None} - drawn - contended
    reasons = [
        (len(measured) - len(shown), _OTHER_RESOLUTIONS[scenario]),
        (len(contended), "disturbed by other programs while measured (`orchestrator remeasure` repeats that)"),
        (len(waiting), "not measured yet"),
    ]
    left_out = [f"{number:,} {reason}" for number, reason in reasons if number > 0]
    total = wording.counted(len(measured) + len(contended) + len(waiting), "tested configuration")
    because = f"; left out: {wording.listed(left_out)}" if left_out else ""
    said = f"{len(shown):,} of {total} shown{because}. {_judged(shown, mode)} {choice(shown, scenario)}"
    return said.rstrip()


def _configuration(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CONFIGURATION)


def _of_the_same_scope(results: Sequence[Row], shown: Sequence[Row]) -> list[Row]:
    """Return our own results on the chart's data set, measured in its place or nowhere."""
    data_sets = {wording.data_set(row) for row in shown}
    places = {wording.place(row) for row in shown} | {wording.place({"source": "measured", "device": None})}
    return [
        row
        for row in results
        if row["source"] == "measured" and wording.data_set(row) in data_sets and wording.place(row) in places
    ]


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
