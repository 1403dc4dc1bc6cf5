"""What is said beside results: what is left out of a front, why there is none, and what flatters it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from db.fronts import chosen_on_test_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from db.front_views import Mode, Scenario
    from db.reader import Reader


def note_choice(points: Sequence[Mapping[str, Any]], scenario: Scenario) -> None:
    """Say for how many points the test images themselves chose the test resolution."""
    count = sum(chosen_on_test_images(point) for point in points)
    if scenario == "best" and count:
        click.echo(
            f"note: for {count} of {len(points)} points the best test resolution was chosen on the test images, which "
            "flatters them: no validation images were held out (see validation_images in the sweep file's dataset)",
            err=True,
        )


def note_left_out(
    reader: Reader, mode: Mode, scenario: Scenario, sweep: str | None, filters: Iterable[str], *, noisy: bool
) -> None:
    """Say how many tested configurations have a throughput that does not count, and what to do about it.

    Args:
        reader: Where the results are.
        mode: Which throughput counts.
        scenario: Which test resolutions count.
        sweep: Only results of the sweep of this very name.
        filters: FILTERs, each of which chooses points that compete with each other.
        noisy: Whether noisy measurements compete, too.
    """
    for text in dict.fromkeys(filters):
        part = reader.part(mode, scenario, sweep=sweep, filter_text=text, noisy=noisy)
        left_out = part.left_out(part.scopes(greyed=True))
        reasons = {
            "noisy (--noisy lets them compete; remeasure --noisy measures them again)": left_out.noisy,
            "contended (remeasure --noisy measures them again)": left_out.contended,
            "stale (remeasure --stale measures them again)": left_out.stale,
        }
        told = ", ".join(f"{number} {reason}" for reason, number in reasons.items() if number)
        if told:
            where = f" of [{text}]" if text else ""
            click.echo(f"note: tested configurations{where} left out for their {mode} measurement: {told}", err=True)


def only_measures(reader: Reader, sweep: str | None) -> str:
    """Say that a sweep, or every sweep, has measurements and nothing else; empty if it is not so."""
    chosen = reader.sweeps() if sweep is None else [reader.sweep(sweep)]
    counts = [reader.counts(one.sweep_id) for one in chosen]
    if not any(by_stage["measure"] for by_stage in counts) or any(by_stage["train"] for by_stage in counts):
        return ""
    names = ", ".join(one.name for one in chosen)
    return (
        f"nothing was trained, only measured ({names}): see the table measurements, or what published accuracies come "
        "to here with: orchestrator front --accuracy published --throughput measured --mode train"
    )


def why_empty(reader: Reader, mode: Mode, sweep: str | None, filter_text: str) -> str:
    """Say why there are no points, and what to do."""
    columns = [f"{mode}_images_per_second", f"{mode}_verdict"]
    rows = reader.view("results", filter_text=filter_text, sweep=sweep, columns=columns)
    verdicts = [row[f"{mode}_verdict"] for row in rows]
    noisy, contended, stale = (verdicts.count(one) for one in ("noisy", "contended", "stale"))
    if noisy:
        return (
            f"{noisy} of {len(rows)} results have a throughput whose blocks disagree (verdict noisy); --noisy lets "
            "them compete; to measure again, on a quiet machine: orchestrator remeasure SWEEP --noisy, then launch"
        )
    if stale:
        return (
            f"{stale} of {len(rows)} results have a throughput that was measured with software that is no longer there "
            f"(verdict stale), which no front takes: launch the sweep's file again"
        )
    if contended:
        return (
            f"{contended} of {len(rows)} results have a throughput that was measured while something else used the "
            f"processors (verdict contended), which no front takes; on a quiet machine: orchestrator remeasure SWEEP "
            f"--noisy, then launch"
        )
    if rows:
        return f"{len(rows)} results, but none has a {mode} throughput: see `measure` in the sweep file"
    return only_measures(reader, sweep) or "no results" + (
        f" match {filter_text!r}" if filter_text else ": orchestrator launch examples/quickstart.yaml"
    )
