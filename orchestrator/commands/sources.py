"""Which accuracy goes with which throughput: options of ``front`` and ``speedup``, and what is said of a pairing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from orchestrator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from db.pairing import Pairing

_Command = TypeVar("_Command", bound="Callable[..., Any]")

_MEASURE = "orchestrator launch examples/measure-the-papers-networks.yaml"
_AGAIN = "on a quiet machine, orchestrator remeasure SWEEP --noisy, then launch"
_SOURCES = click.Choice(["measured", "published"])


@dataclass(frozen=True, slots=True)
class Sources:
    """Which results a front or a speed-up is made of.

    Attributes:
        combined: Published accuracy with throughput measured here; else both are of one source.
        condition: FILTER that chooses this source; empty where the user's own filters choose.
        publication: Of the published accuracies, if it was named.
    """

    combined: bool = False
    condition: str = ""
    publication: str | None = None

    def filtered(self, filter_text: str) -> str:
        """Return a FILTER with the condition added."""
        return f"{filter_text} {self.condition}".strip()


def source_options(command: _Command) -> _Command:
    """Give a command ``--accuracy``, ``--throughput`` and ``--publication``, for ``chosen_sources``."""
    for option in (
        click.option("--publication", metavar="NAME", help="Whose accuracies, if several are published here."),
        click.option(
            "--throughput", type=_SOURCES, help="With --accuracy published, measured is on your own hardware."
        ),
        click.option("--accuracy", type=_SOURCES, help="With --throughput; if left out, the filters choose."),
    ):
        command = option(command)
    return command


def chosen_sources(accuracy: str | None, throughput: str | None, publication: str | None) -> Sources:
    """Return what the options mean together.

    Raises:
        InputError: They mean nothing together.
    """
    if (accuracy is None) != (throughput is None):
        raise InputError(
            "--accuracy and --throughput go together",
            hint="published accuracies on throughput measured here: --accuracy published --throughput measured",
        )
    if (accuracy, throughput) == ("measured", "published"):
        raise InputError(
            "accuracy measured here and somebody else's throughput say nothing about any hardware",
            hint="the other way round they do: --accuracy published --throughput measured",
        )
    combined = (accuracy, throughput) == ("published", "measured")
    if publication is not None and not combined:
        raise InputError("--publication goes with --accuracy published --throughput measured")
    condition = "" if combined or accuracy is None else f"source={accuracy}"
    return Sources(combined, condition, publication)


# ---- what is said of a pairing ------------------------------------------------------------------------------------


def sources_told(publication: str, pairings: Sequence[Pairing]) -> str:
    """Say in words whose accuracy and whose throughput it is."""
    places = [pairing.place for pairing in pairings if pairing.place is not None]
    told = (
        f"{place['device']} ({place['slot_kind']}, {place['threads']} thread(s), {place['precision']})"
        for place in places
    )
    return f"accuracy: published ({publication}); throughput: measured here, on {' and on '.join(told) or 'nothing'}"


def note_pairings(pairings: Sequence[Pairing], mode: str) -> None:
    """Name the published rows that have no throughput, and what is assumed of the others."""
    for pairing in pairings:
        where = f" on {pairing.place['device']}" if pairing.place is not None and len(pairings) > 1 else ""
        left_out = (*pairing.missing, *pairing.contended, *pairing.noisy)
        if left_out:
            told = f"{len(left_out)} of {pairing.published} published rows have no clean {mode} measurement here"
            _note(f"{told}{where}, so they are left out: {_listed(left_out)}. {_remedy(pairing)}")
        if pairing.unnamed:
            told = f"{pairing.unnamed} of {pairing.published} published rows do not name their test resolution{where}"
            _note(f"{told}; the throughput is that at the native one, too high for what was tested at a larger one")


def _note(text: str) -> None:
    click.echo(f"note: {text}", err=True)


def _remedy(pairing: Pairing) -> str:
    said = []
    if pairing.missing:
        said.append(f"Measure with: {_MEASURE}")
    if pairing.contended:
        told = f"{len(pairing.contended)} of them only while something else used the processors"
        said.append(f"Measured, but {told}: {_AGAIN}")
    if pairing.noisy:
        told = f"{len(pairing.noisy)} of them with blocks that disagree (--noisy lets them compete)"
        said.append(f"Measured, but {told}: {_AGAIN}")
    return ". ".join(said)


def _listed(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows in short, e.g. ``G1-GN-Native b3 b4 b5; G16-GN-Half b5``."""
    sizes: dict[str, list[str]] = {}
    for row in rows:
        sizes.setdefault(row["series"], []).append(row["model_size"])
    return "; ".join(f"{series} {' '.join(sorted(set(found)))}" for series, found in sizes.items())
