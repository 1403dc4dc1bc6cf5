"""Seeds of the random streams of a job, one per purpose, so that none disturbs another."""

import hashlib

import numpy as np


def derive_seed(seed: int, purpose: str, epoch: int = 0) -> int:
    """Return the seed of one stream, 0 to 2**63 - 1.

    A stream of its own per purpose and epoch means that turning mixup on changes no crop, and that a run continued
    at epoch 3 draws what an unbroken run draws in epoch 3, with no generator state to keep.

    Args:
        seed: The training run's.
        purpose: What the numbers are for, e.g. ``order``.
        epoch: From 1; 0 for what happens once.
    """
    text = f"{seed}/{purpose}/{epoch}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0) -> np.random.Generator:
    """Return the random stream of one purpose; see ``derive_seed``."""
    return np.random.default_rng(derive_seed(seed, purpose, epoch))
