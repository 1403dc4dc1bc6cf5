"""From the rounds of a measurement to its result."""

from typing import List, Optional, Sequence

from workers.measuring.setting import Setting
from workers.measuring.statistics import latency, spread, throughput
from workers.measuring.verdict import judge_rounds
from workers.protocol.architecture import architecture, macs, parameter_count
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult, Round, Sample, Throughput


def pool(
    job: MeasureJob,
    rounds: List[Round],
    setting: Setting,
    *,
    warmup_steps: int,
    peak_memory_bytes: Optional[int],
) -> MeasureResult:
    """Return the result over all rounds so far.

    Args:
        job: What is measured.
        rounds: In order, at least one.
        setting: Under which all were made.
        warmup_steps: See ``MeasureResult``.
        peak_memory_bytes: Likewise.
    """
    counted = [one for one in rounds if one.undisturbed] or rounds
    seed = int(job.fingerprint, 16) % 2**32
    blocks = [one.samples for one in counted]
    spread_of_blocks = spread(blocks)
    verdict = judge_rounds(rounds, spread_of_blocks.cv)
    network = architecture(job.variant, job.channels, job.classes)
    passes = [one.latencies for one in counted]
    return MeasureResult(
        rounds=rounds,
        complete=is_complete(job.rounds, rounds),
        **vars(throughput(blocks, seed)),
        **spread_of_blocks._asdict(),
        batch_size=setting.batch_size,
        memory_format=setting.way.layout,
        compiled=setting.way.compiled,
        warmup_steps=warmup_steps,
        macs=macs(network, job.resolution),
        params=parameter_count(network),
        peak_memory_bytes=peak_memory_bytes,
        verdict=verdict.verdict,
        verdict_reason=verdict.reason,
        latency=latency(passes) if any(passes) else None,
        end_to_end=_throughput([one.end_to_end for one in counted], seed),
        loading=_throughput([one.loading for one in counted], seed),
        conditions=setting.conditions,
    )


def is_complete(wanted: int, rounds: Sequence[Round]) -> bool:
    """Tell whether no further round is wanted: as many as wanted went undisturbed, or as many were disturbed.

    That makes ``2·wanted - 1`` rounds at most.
    """
    undisturbed = sum(one.undisturbed for one in rounds)
    return max(undisturbed, len(rounds) - undisturbed) >= wanted


def _throughput(blocks: List[List[Sample]], seed: int) -> Optional[Throughput]:
    return throughput(blocks, seed) if all(blocks) else None
