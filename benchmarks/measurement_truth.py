"""Are measured throughputs true?

    timer-*         our images per second, against torch.utils.benchmark's timing of the same step, written out by hand
    hog             a program that computes beside a measurement has to be seen
    twice           one network measured twice: the ratio of the two results
    slower-0, -5    one network measured twice, and once more slowed down by 5 %: how often is a difference found?

Every round is made by a process of its own, and within it the three measurements take turns, as in a sweep; that which
the two others are compared with lies between them. They are compared as ``orchestrator speedup`` compares: at one pace
of the machine, as the reference between the blocks tells it. A difference is found where the 95 % interval of the
ratio, that of a speed-up, excludes 1. By chance that is so in one of twenty pairs that do not differ.

The result does not depend on the machine being fast, only on it being left alone: nothing else may run meanwhile. How
small a difference can be found depends on the rounds: by what single ones differ is printed as ``scatter``, at one pace
and at whatever pace the machine had.

Run: ``python -m benchmarks.measurement_truth [--quick]``; about 40 minutes, or one.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import torch
from torch.nn import functional

from benchmarks.pairs import quick
from db.bootstrap import Blocks, Point
from db.pace import at_one_pace
from db.speedup import speedup
from workers.device import open_device
from workers.measuring.measurement import measure
from workers.measuring.statistics import student_t
from workers.measuring.workload import Workload
from workers.models.efficientnet import build
from workers.protocol.jobs import MeasureJob
from workers.protocol.variant import Variant
from workers.training.observer import SilentObserver
from workers.training.optimizers import build_optimizer, set_learning_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from workers.protocol.orders import MeasureResult, Round

#: How far ours may be from the peer's, and two results of one network from each other, fractions.
_SAME_AS_TIMER, _SAME_AGAIN = 0.03, 0.02
_PLANTED = 0.05
#: Of twenty pairs: differences found where there is none (more than three are found once in sixty times), and where
#: there is one.
_FALSE_ALARMS, _FOUND = 3, 16
#: What it takes to judge by. Ten rounds tell 5 % apart where the ratio of two scatters by 5 % from round to round.
_TIMER_ROUNDS, _PAIRS, _ROUNDS = 12, 20, 10
_BATCH = 32

_Result = TypeVar("_Result")


class Ratio(NamedTuple):
    """How many times as fast, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the interval excludes 1."""
        return not self.low <= 1.0 <= self.high

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


class Pair(NamedTuple):
    """Two measurements that took turns."""

    first: MeasureResult
    second: MeasureResult

    @property
    def points(self) -> list[list[Point]]:
        """Both, with the rounds that nothing disturbed in either; with all if there are none."""
        rounds = list(zip(self.first.rounds, self.second.rounds, strict=True))
        counted = [pair for pair in rounds if all(one.undisturbed for one in pair)] or rounds
        return [[_point(side)] for side in zip(*counted, strict=True)]

    @property
    def ratio(self) -> Ratio:
        """Of the second to the first, at one pace of the machine."""
        [found] = speedup(*self.points).points
        return Ratio(found.speedup, found.low or 0.0, found.high or math.inf)

    def scatter(self, *, levelled: bool) -> float:
        """Return the variance of the logarithm of single rounds' ratios, at one pace of the machine or as measured."""
        points = at_one_pace(self.points).families if levelled else self.points
        first, second = ([statistics.median(of_round) for of_round in side.blocks.rates] for [side] in points)
        return statistics.variance(math.log(other / one) for one, other in zip(first, second, strict=True))

    @property
    def clean(self) -> bool:
        """Whether both may be believed."""
        return self.first.verdict == self.second.verdict == "clean"


def main() -> None:
    """Measure and print."""
    short = quick(__doc__ or "")
    rounds, pairs = (2, 1) if short else (_ROUNDS, _PAIRS)
    print(f"torch {torch.__version__}, one thread, {rounds} rounds of a measurement, {pairs} pairs", flush=True)
    passed = [
        against_timer(mode, 2 if short else _TIMER_ROUNDS) for mode in (["train"] if short else ["train", "inference"])
    ]
    passed.append(beside_a_hog())
    same, slowed_down = zip(*[measured_pairs(rounds) for _ in range(pairs)], strict=True)
    passed += [measured_twice(same), found("slower-0", same, range(_FALSE_ALARMS + 1))]
    passed.append(found("slower-5", slowed_down, range(_FOUND, pairs + 1)))
    print(f"scatter {scatter((*same, *slowed_down)):.1%} from round to round, of the ratio of two measurements")
    print(f"scatter {scatter((*same, *slowed_down), levelled=False):.1%} without regard to the machine's pace")
    print("PASS" if all(passed) else "FAIL")


def against_timer(mode: str, rounds: int) -> bool:
    """Compare our number with the peer's, each round in a process that makes both."""
    ratios = [in_fresh_process(_beside_timer, mode, number % 2 == 0) for number in range(rounds)]
    ratio = ratio_of(ratios)
    print(f"ratio timer-{mode} {ratio}")
    words = f"{abs(ratio.value - 1.0):.1%} apart"
    passed = abs(ratio.value - 1.0) <= _SAME_AS_TIMER
    limits = f"within {_SAME_AS_TIMER:.0%}"
    return _judged(f"timer-{mode}", words, rounds >= _TIMER_ROUNDS, passed=passed, limits=limits)


def beside_a_hog() -> bool:
    """Measure while another program computes."""
    hog = multiprocessing.get_context("spawn").Process(target=_compute, daemon=True)
    hog.start()
    try:
        time.sleep(1.0)
        [result] = in_fresh_process(_round, [example_job("train", 1)], [None], [0.0], 1)
    finally:
        hog.terminate()
        hog.join()
    passed = bool(result.verdict != "clean")
    print(f"hog {result.verdict}: {result.verdict_reason} {_word(passed)}: not clean", flush=True)
    return passed


def measured_pairs(rounds: int) -> tuple[Pair, Pair]:
    """Measure one network twice and once slowed down, taking turns; return the pairs that do not and that do differ."""
    jobs, shares = [example_job("train", rounds)] * 3, [0.0, 0.0, _PLANTED]
    results = in_fresh_process(_round, jobs, [None] * 3, shares, 1)
    while not all(one.complete for one in results):
        results = in_fresh_process(_round, jobs, results, shares, len(results[0].rounds) + 1)
    again, first, slower = results
    pairs = Pair(first, again), Pair(first, slower)
    verdicts = ", ".join(one.verdict for one in (first, again, slower))
    print(f"  again {pairs[0].ratio}, slowed down by {_PLANTED:.0%} {pairs[1].ratio}: {verdicts}", flush=True)
    return pairs


def measured_twice(pairs: Sequence[Pair]) -> bool:
    """Judge how far two measurements of the same network are apart, where both are clean."""
    apart = sorted(abs(math.log(pair.ratio.value)) for pair in pairs if pair.clean)
    if not apart:
        return _judged("twice", "no pair is clean", len(pairs) >= _PAIRS, passed=False, limits="nine in ten")
    near = sum(one <= _SAME_AGAIN for one in apart)
    words = f"{near} of {len(apart)} clean pairs within {_SAME_AGAIN:.0%}, worst {apart[-1]:.2%} apart"
    return _judged("twice", words, len(pairs) >= _PAIRS, passed=near >= 0.9 * len(apart), limits="nine in ten")


def found(name: str, pairs: Sequence[Pair], expected: range) -> bool:
    """Count the pairs in which a difference is found."""
    count = sum(pair.ratio.differs for pair in pairs)
    middle = pairs[0].ratio if len(pairs) == 1 else ratio_of([pair.ratio.value for pair in pairs])
    print(f"ratio {name} {middle}")
    limits = f"{expected.start} to {expected.stop - 1}"
    return _judged(
        name, f"found in {count} of {len(pairs)}", len(pairs) >= _PAIRS, passed=count in expected, limits=limits
    )


def scatter(pairs: Sequence[Pair], *, levelled: bool = True) -> float:
    """Return by what share of it the ratio of a single round usually differs from its pair's mean.

    Args:
        pairs: Of at least two rounds.
        levelled: At one pace of the machine; else at whatever pace it had.
    """
    return math.sqrt(statistics.mean(pair.scatter(levelled=levelled) for pair in pairs))


def ratio_of(ratios: Sequence[float]) -> Ratio:
    """Return the geometric mean of the rounds' ratios with its interval (Student's t of the logarithms)."""
    logarithms = [math.log(one) for one in ratios]
    middle = statistics.mean(logarithms)
    if len(logarithms) == 1:
        return Ratio(math.exp(middle), 0.0, math.inf)
    margin = student_t(len(ratios) - 1) * statistics.stdev(logarithms) / math.sqrt(len(ratios))
    return Ratio(math.exp(middle), math.exp(middle - margin), math.exp(middle + margin))


def example_job(mode: str, rounds: int) -> MeasureJob:
    """Return the measurement of a network of which a step takes some hundredths of a second on one core."""
    return MeasureJob(
        Variant("b0", group_size=16, expansion=4, norm="gn", width=0.25),
        channels=3,
        classes=10,
        mode=mode,
        resolution=64,
        environment_key="",
        batch_size=_BATCH,
        memory_format="channels_last",
        optimizer="rmsprop" if mode == "train" else None,
        blocks=5,
        block_seconds=0.3,
        warmup_seconds=0.3,
        rounds=rounds,
    )


def in_fresh_process(work: Callable[..., _Result], *arguments: object) -> _Result:
    """Call a function in a process that has done nothing before."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _round(
    jobs: Sequence[MeasureJob], so_far: Sequence[MeasureResult | None], shares: Sequence[float], number: int
) -> list[MeasureResult]:
    """Make one round of each measurement; the order changes from round to round."""
    torch.set_num_threads(1)
    device = open_device("cpu")
    results: dict[int, MeasureResult] = {}
    order = range(len(jobs)) if number % 2 else reversed(range(len(jobs)))
    for one in order:
        with _slowed_down(shares[one]):
            results[one] = measure(jobs[one], device, SilentObserver(), attempt=number, so_far=so_far[one])
    return [results[one] for one in range(len(jobs))]


@contextlib.contextmanager
def _slowed_down(share: float) -> Iterator[None]:
    """Have every step be followed by idle computing, so that it does ``1 - share`` times the images per second."""
    step = Workload.step

    def slower(workload: Workload, images: Tensor, targets: Tensor) -> Tensor:
        started = time.perf_counter()
        result = step(workload, images, targets)
        ends = started + (time.perf_counter() - started) / (1.0 - share)
        while time.perf_counter() < ends:
            pass
        return result

    if share == 0.0:
        yield
        return
    Workload.step = slower
    try:
        yield
    finally:
        Workload.step = step


def _point(rounds: Sequence[Round]) -> Point:
    rates = tuple(tuple(block.images / block.seconds for block in one.samples) for one in rounds)
    paces = tuple(tuple(block.reference_images_per_second or 0.0 for block in one.samples) for one in rounds)
    return Point(0.0, statistics.median(itertools.chain(*rates)), Blocks(rates, paces))


def _beside_timer(mode: str, ours_first: bool) -> float:
    """Return our images per second over the timer's."""
    from torch.utils.benchmark import Timer  # takes a second, which every other process can do without

    torch.set_num_threads(1)
    device = open_device("cpu")
    timer = Timer("step()", globals={"step": _step_by_hand(mode)}, num_threads=1)
    timer.timeit(5)
    rates: dict[bool, float] = {}
    for ours in (ours_first, not ours_first):
        if ours:
            rates[ours] = measure(example_job(mode, 1), device, SilentObserver()).images_per_second
        else:
            # Its mean: the median over single steps leaves out what ours counts, the slow ones.
            rates[ours] = _BATCH / timer.blocked_autorange(min_run_time=1.5).mean
    return rates[True] / rates[False]


def _step_by_hand(mode: str) -> Callable[[], object]:
    """Return the step as one would write it without this project's measuring."""
    job = example_job(mode, 1)
    torch.manual_seed(0)
    model = build(job.variant, job.channels, job.classes)
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(_BATCH, job.channels, job.resolution, job.resolution)
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(job.classes, (_BATCH,))
    optimizer = build_optimizer(model, "rmsprop")
    set_learning_rate(optimizer, 1e-6)

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model(images), labels, label_smoothing=0.1)
        torch.autograd.backward(loss)
        optimizer.step()

    @torch.inference_mode()
    def infer() -> None:
        model(images)

    model.train(mode == "train")
    return train if mode == "train" else infer


def _compute() -> None:
    while True:
        pass


def _judged(name: str, words: str, enough: bool, *, passed: bool, limits: str) -> bool:
    if not enough:
        print(f"{name} {words}: too few to judge by", flush=True)
        return True
    print(f"{name} {words} {_word(passed)}: {limits}", flush=True)
    return passed


def _word(passed: bool) -> str:
    return "PASS" if passed else "FAIL"


if __name__ == "__main__":
    main()
