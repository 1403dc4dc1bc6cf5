"""Whether a measurement can be trusted."""

from typing import NamedTuple, Optional, Sequence

import numpy as np

from workers.measuring.processors import ProcessorUse
from workers.measuring.statistics import block_rates, coefficient_of_variation
from workers.protocol.orders import CONTENDED, Round, Sample

CLEAN, NOISY = "clean", "noisy"

#: Blocks that differ by more than this are no steady state, a fraction.
NOISY_CV = 0.05
#: Difference between the first and the last blocks of a round from which on it was not steady, a fraction.
UNSTEADY = 0.03
#: Standard errors that such a difference has to exceed as well: fewer than 7 in 100 steady rounds do, however noisy.
_STANDARD_ERRORS = 2.5
#: Likewise of the reference, whose readings are shorter and so move more than blocks do.
REFERENCE_MOVED = 0.08
#: Processors that others may use: a quarter of one is what a machine's own services and an idle Ray node take; a
#: program that computes takes a whole one. On large machines, two per cent of all.
OTHERS_PROCESSORS, OTHERS_SHARE = 0.25, 0.02
#: Processors that may be stolen or waited for before the device's own pace is no longer what was measured.
LOST_PROCESSORS = 0.05


class Verdict(NamedTuple):
    """Judgement of a round or a measurement.

    Attributes:
        verdict: ``clean``, ``noisy`` or ``contended``.
        reason: In words; empty when clean.
    """

    verdict: str
    reason: str


def judge_round(samples: Sequence[Sample], reference: Sequence[float], disturbance: str) -> Verdict:
    """Judge a round; being contended says more than being noisy, so it is said first.

    Args:
        samples: The blocks.
        reference: Throughputs of the reference network before, between and after them, images per second.
        disturbance: From ``disturbance``.
    """
    if disturbance:
        return Verdict(CONTENDED, disturbance)
    rates = block_rates(samples)
    cv = coefficient_of_variation(rates)
    if cv > NOISY_CV:
        return Verdict(NOISY, _vary(cv))
    reason = unsteady(rates.tolist()) or unsteady(reference, "the machine", REFERENCE_MOVED)
    return Verdict(NOISY if reason else CLEAN, reason)


def judge_rounds(rounds: Sequence[Round], cv: float) -> Verdict:
    """Judge a measurement by its rounds so far.

    Contended, if most rounds were: disturbed rounds are repeated until as many went undisturbed as the job asks for, or
    until as many were disturbed. Noisy, if most of those that count were, or if their blocks disagree with each other
    and with the reference of their round: where the reference tells the same, the machine was faster in one round than
    in another for everybody, which the interval says. Not noisy for a single noisy round, since more rounds would then
    make a better number look worse.

    Args:
        rounds: At least one.
        cv: Coefficient of variation of the blocks that count, a fraction.
    """
    disturbed = [one for one in rounds if not one.undisturbed]
    if 2 * len(disturbed) > len(rounds):
        return Verdict(CONTENDED, _reason(disturbed, rounds))
    counted = [one for one in rounds if one.undisturbed]
    if min(cv, _relative_cv(counted, cv)) > NOISY_CV:
        return Verdict(NOISY, _vary(cv))
    noisy = [one for one in counted if one.verdict == NOISY]
    return Verdict(NOISY, _reason(noisy, counted)) if 2 * len(noisy) > len(counted) else Verdict(CLEAN, "")


def _relative_cv(rounds: Sequence[Round], cv: float) -> float:
    """Return the coefficient of variation of the blocks, each relative to its round's reference; ``cv`` without one."""
    rates = []
    for one in rounds:
        if one.reference_images_per_second is None:
            return cv
        rates.append(block_rates(one.samples) / one.reference_images_per_second)
    return coefficient_of_variation(np.concatenate(rates))


def unsteady(rates: Sequence[float], what: str = "the blocks", limit: float = UNSTEADY) -> str:
    """Say in words that something got faster or slower; nothing if it was steady.

    The medians of the halves are compared; a middle value belongs to neither. How far they differ by chance follows
    from the differences between neighbours, which a slow drift leaves small. With fewer than four values chance
    explains everything.

    Args:
        rates: Images per second, in order.
        what: Had these rates.
        limit: Change from which on it was not steady, a fraction.
    """
    half = len(rates) // 2
    if half < 2:
        return ""
    first, last = np.median(rates[:half]), np.median(rates[-half:])
    change = float(last / first) - 1.0
    by_chance = float(np.sqrt(np.mean(np.diff(rates) ** 2) / half) / first)
    if abs(change) <= max(limit, _STANDARD_ERRORS * by_chance):
        return ""
    return f"{what} got {abs(change):.1%} {'faster' if change > 0.0 else 'slower'} (more than {limit:.0%})"


def disturbance(
    use: ProcessorUse, processors: int, other_gpu_processes: Optional[int] = None, *, waiting_counts: bool = True
) -> str:
    """Say in words what else used the device; nothing if nothing did.

    Args:
        use: Of the processors during the blocks.
        processors: Of the machine.
        other_gpu_processes: Besides ours on the GPU; None for a CPU or if unknown.
        waiting_counts: Whether threads of this process that wait for a processor are a sign of others; they are not
            where it decodes images in more threads than it has processors.
    """
    if other_gpu_processes:
        return f"{other_gpu_processes} other process(es) computed on the GPU"
    if use.others is not None and use.others > max(OTHERS_PROCESSORS, OTHERS_SHARE * processors):
        return f"other processes used {use.others:.2f} of {processors} processors"
    if use.stolen is not None and use.stolen > LOST_PROCESSORS:
        return f"the hypervisor took {use.stolen:.2f} processors away"
    if waiting_counts and use.waited is not None and use.waited > LOST_PROCESSORS:
        return f"threads waited for a processor {use.waited:.0%} of the time"
    return ""


def _vary(cv: float) -> str:
    return f"the blocks vary by {cv:.1%} (more than {NOISY_CV:.0%})"


def _reason(such: Sequence[Round], rounds: Sequence[Round]) -> str:
    """Return the newest reason, and in how many rounds there was one."""
    reason = such[-1].verdict_reason
    return reason if len(rounds) == 1 else f"{len(such)} of {len(rounds)} rounds; the last: {reason}"
