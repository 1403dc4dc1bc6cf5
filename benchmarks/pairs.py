"""Timing two ways of doing the same thing, in turns, so that whatever slows the machine slows both."""

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence

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
    repeats = {one: _repeats(one) for one in (ours, theirs)}
    ratios = []
    for number in range(rounds):
        order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
        seconds = {one: _seconds(one, repeats[one]) for one in order}
        ratios.append(seconds[theirs] / seconds[ours])
    low, high = _interval(ratios)
    print(f"ratio {name} {statistics.median(ratios):.2f} [{low:.2f}, {high:.2f}]", flush=True)


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
