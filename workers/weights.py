"""The file of a trained network's weights, made by training and read by evaluation."""

import dataclasses
import io
import os
import pickle
from typing import Any, Dict, NamedTuple, Optional

import torch
from torch import Tensor

from workers.durable_file import file_sha256, write_durably
from workers.errors import CheckpointError
from workers.protocol.variant import Variant

_FORMAT = 1


class WrittenWeights(NamedTuple):
    """A file that was written.

    Attributes:
        sha256: Of the file, hexadecimal.
        size_bytes: Of the file.
    """

    sha256: str
    size_bytes: int


def save_weights(path: str, variant: Variant, weights: Dict[str, Tensor]) -> WrittenWeights:
    """Write weights durably; equal weights make equal files, byte for byte.

    Raises:
        OSError: The disk is full or the directory cannot be written.
    """
    # Copies in one layout on the CPU, so that neither the device nor the memory format shows in the file.
    plain = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    buffer = io.BytesIO()
    torch.save({"format": _FORMAT, "variant": dataclasses.asdict(variant), "weights": plain}, buffer)
    return WrittenWeights(write_durably(path, buffer.getvalue()), buffer.tell())


def load_weights(path: str, variant: Variant, sha256: Optional[str]) -> Dict[str, Tensor]:
    """Read weights on the CPU.

    Args:
        path: The file.
        variant: The network they must belong to.
        sha256: Digest that the file must have; None where nobody has noted one.

    Raises:
        CheckpointError: The file is missing, damaged, of another network, or not the one that was noted.
    """
    content = read_verified(path, sha256)
    if content.get("format") != _FORMAT:
        raise CheckpointError(f"{path} is not a weights file of format {_FORMAT}")
    if content.get("variant") != dataclasses.asdict(variant):
        raise CheckpointError(f"{path} holds the weights of another network: {content.get('variant')}")
    weights: Dict[str, Tensor] = content["weights"]
    return weights


def read_verified(path: str, sha256: Optional[str]) -> Dict[str, Any]:
    """Read a file that ``torch.save`` wrote, after comparing its digest; nothing but tensors and plain data loads.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    if not os.path.isfile(path):
        raise CheckpointError(f"there is no checkpoint {path}: train again")
    if sha256 is not None and file_sha256(path) != sha256:
        raise CheckpointError(f"{path} is not the file that was written (its SHA-256 differs): train again")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} holds no checkpoint")
    return content
