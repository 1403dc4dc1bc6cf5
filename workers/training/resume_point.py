"""Where an interrupted training run goes on: its state after a whole epoch, on disk.

The state lies in a file of its own name per epoch; ``resume.json`` names the newest with its digest and is
replaced last. A crash at any moment leaves the previous point or the new one.
"""

import io
import json
import os
import sys
from typing import Any, Dict, NamedTuple, Optional

import torch

from workers.durable_file import write_durably
from workers.errors import CheckpointError
from workers.protocol.orders import RESUME_FILE
from workers.weights import read_verified

#: Whose points name no engine: releases before there was a second one.
_ENGINE = "torch"


class ResumePoint(NamedTuple):
    """State of a run after an epoch.

    Attributes:
        epoch: Epochs done.
        state: Tensors and plain data; ``Training.state`` makes it.
    """

    epoch: int
    state: Dict[str, Any]


def save_resume_point(directory: str, fingerprint: str, point: ResumePoint, *, engine: str = _ENGINE) -> None:
    """Write a point durably and remove the one before it.

    Args:
        directory: The attempt's.
        fingerprint: Of the job.
        point: What to write.
        engine: Which engine made it; another one cannot go on there.

    Raises:
        OSError: The disk is full or the directory cannot be written; the previous point stands.
    """
    buffer = io.BytesIO()
    torch.save(point.state, buffer)
    name = f"resume-{point.epoch:05d}.pt"
    sha256 = write_durably(os.path.join(directory, name), buffer.getvalue())
    manifest = {"fingerprint": fingerprint, "engine": engine, "epoch": point.epoch, "file": name, "sha256": sha256}
    write_durably(os.path.join(directory, RESUME_FILE), json.dumps(manifest).encode())
    _remove_points(directory, keep=name)


def load_resume_point(directory: str, fingerprint: str, *, engine: str = _ENGINE) -> Optional[ResumePoint]:
    """Read the newest point of an attempt.

    A point that cannot be used costs time, never the job: the run then starts from the beginning, with the same
    result, and the reason is logged.

    Returns:
        None where there is none, or it is damaged, of another job or of another engine.
    """
    try:
        return _read_point(directory, fingerprint, engine)
    except FileNotFoundError:
        return None
    except (CheckpointError, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"resume point in {directory} not used: {error}\n")
        return None


def _read_point(directory: str, fingerprint: str, engine: str) -> ResumePoint:
    with open(os.path.join(directory, RESUME_FILE), encoding="utf-8") as file:
        manifest = json.load(file)
    if manifest["fingerprint"] != fingerprint:
        raise CheckpointError("it belongs to another job")
    made_by = manifest.get("engine", _ENGINE)
    if made_by != engine:
        raise CheckpointError(f"the run began with {made_by}, and this slot computes with {engine}")
    path = os.path.join(directory, os.path.basename(manifest["file"]))
    return ResumePoint(int(manifest["epoch"]), read_verified(path, manifest["sha256"]))


def remove_resume_points(directory: str) -> None:
    """Remove what a finished run no longer needs."""
    _remove_points(directory, keep=None)
    if os.path.exists(os.path.join(directory, RESUME_FILE)):
        os.remove(os.path.join(directory, RESUME_FILE))


def _remove_points(directory: str, keep: Optional[str]) -> None:
    for name in os.listdir(directory):
        if name.startswith("resume-") and name != keep:
            os.remove(os.path.join(directory, name))
