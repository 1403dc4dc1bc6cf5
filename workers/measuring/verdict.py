"""Whether a measurement can be trusted."""

from typing import NamedTuple, Optional

from workers.measuring.processors import ProcessorUse

#: Blocks that differ by more than this are no steady state, a fraction.
NOISY_CV = 0.05
#: Processors that others may use: a quarter of one is what a machine's own services and an idle Ray node take; a
#: program that computes takes a whole one. On large machines, two per cent of all.
OTHERS_PROCESSORS, OTHERS_SHARE = 0.25, 0.02
#: Processors that may be stolen or waited for before the device's own pace is no longer what was measured.
LOST_PROCESSORS = 0.05


class Verdict(NamedTuple):
    """Judgement of a measurement.

    Attributes:
        verdict: ``clean``, ``noisy`` or ``contended``.
        reason: In words; empty when clean.
    """

    verdict: str
    reason: str


def judge(cv: float, use: ProcessorUse, processors: int, other_gpu_processes: Optional[int] = None) -> Verdict:
    """Judge a measurement; being contended says more than being noisy, so it is said first.

    Args:
        cv: Coefficient of variation of the blocks, a fraction.
        use: Of the processors during the blocks.
        processors: Of the machine.
        other_gpu_processes: Besides ours on the GPU; None for a CPU or if unknown.
    """
    reason = _contention(use, processors, other_gpu_processes)
    if reason:
        return Verdict("contended", reason)
    if cv > NOISY_CV:
        return Verdict("noisy", f"the blocks vary by {cv:.1%} (more than {NOISY_CV:.0%})")
    return Verdict("clean", "")


def _contention(use: ProcessorUse, processors: int, other_gpu_processes: Optional[int]) -> str:
    if other_gpu_processes:
        return f"{other_gpu_processes} other process(es) computed on the GPU"
    if use.others is not None and use.others > max(OTHERS_PROCESSORS, OTHERS_SHARE * processors):
        return f"other processes used {use.others:.2f} of {processors} processors"
    if use.stolen is not None and use.stolen > LOST_PROCESSORS:
        return f"the hypervisor took {use.stolen:.2f} processors away"
    if use.waited is not None and use.waited > LOST_PROCESSORS:
        return f"threads waited for a processor {use.waited:.0%} of the time"
    return ""
