"""From timed blocks to a throughput with its uncertainty."""

from typing import NamedTuple, Sequence

import numpy as np

from workers.protocol.orders import Sample

_RESAMPLES = 2000


class Summary(NamedTuple):
    """Throughput of several blocks.

    Attributes:
        images_per_second: Median over the blocks.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        cv: Standard deviation of the blocks over their mean, a fraction; 0 for a single block.
    """

    images_per_second: float
    low: float
    high: float
    cv: float


def summarise(samples: Sequence[Sample], seed: int) -> Summary:
    """Summarise timed blocks.

    The median, because disturbances only ever slow a block down; its interval by resampling the blocks, because
    nothing is known of their distribution.

    Args:
        samples: At least one block.
        seed: Of the resampling, so that the same blocks always give the same interval.

    Source:
        Hoefler and Belli, "Scientific Benchmarking of Parallel Computing Systems", SC15, rules 5-8.
    """
    rates = np.array([sample.images / sample.seconds for sample in samples])
    resampled = np.random.default_rng(seed).choice(rates, (_RESAMPLES, len(rates)))
    low, high = np.percentile(np.median(resampled, axis=1), [2.5, 97.5])
    cv = float(np.std(rates, ddof=1) / np.mean(rates)) if len(rates) > 1 else 0.0
    return Summary(float(np.median(rates)), float(low), float(high), cv)
