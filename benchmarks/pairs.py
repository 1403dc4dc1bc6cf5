"""Timing two ways of doing the same thing, in turns, so that whatever slows the machine slows both."""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

#: Long enough that the clock and a switch of tasks do not show.
_BLOCK_SECONDS = 0.1
_RESAMPLES = 2000


def quick(description: str) -> bool:
    """Read the command line that every benchmark has, and tell whether ``--quick`` was given."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, well under a minute")
    return bool(parser.parse_args().quick)


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> None:
    """Print how many times as fast ours is, with a 95 % interval over the rounds.

    Args:
        name: What is compared; one word.
        ours: One run of our way.
        theirs: One run of the peer's.
        rounds: How often each has its turn; the order changes from round to round.
    """
    seconds = in_turns({"ours": ours, "theirs": theirs}, rounds)
    print_ratio(name, seconds["ours"], seconds["theirs"])


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time several pieces of work in rounds, in which each has its turn.

    Args:
        works: Name → one run.
        rounds: How many; every other one goes backwards.

    Returns:
        Name → seconds of one run, round by round.
    """
    repeats = {name: _repeats(work) for name, work in works.items()}
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        for name in list(works)[:: 1 if number % 2 == 0 else -1]:
            seconds[name].append(_seconds(works[name], repeats[name]))
    return seconds


def print_ratio(name: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Print how many times as fast ours is: the median of the rounds' ratios, with its 95 % interval.

    Args:
        name: What is compared; one word.
        ours: Seconds of one run, round by round.
        theirs: The peer's, of the same rounds.
    """
    ratios = [their / our for our, their in zip(ours, theirs, strict=True)]
    low, high = _interval(ratios)
    print(f"ratio {name} {statistics.median(ratios):.3g} [{low:.3g}, {high:.3g}]", flush=True)


def _repeats(work: Callable[[], object]) -> int:
    """Return how often a piece of work fits into a block; runs it, which also warms it up."""
    work()
    once = _seconds(work, 1)
    return max(1, round(_BLOCK_SECONDS / once))


def _seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the mean duration of one run."""
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - started) / repeats


def _interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Return the bootstrap interval of the median."""
    draw = random.Random(0)  # noqa: S311  # a bootstrap, no secret
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(_RESAMPLES))
    return medians[round(0.025 * _RESAMPLES)], medians[round(0.975 * _RESAMPLES) - 1]
