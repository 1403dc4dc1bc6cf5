"""One job in a file, to be done without supervisor, Ray or database."""

import json
import os
from typing import Any, NamedTuple, Optional, Tuple

from workers.protocol.jobs import job_from_dict
from workers.protocol.orders import Order, order_from_json


class Request(NamedTuple):
    """What a file asks for.

    Attributes:
        order: One attempt.
        whole_job: Whether the file held a job alone, so that as many attempts are wanted as the job takes.
    """

    order: Order
    whole_job: bool


def read_request(
    path: str, data_directory: str, checkpoint: Optional[str], validate_after: Tuple[int, ...] = ()
) -> Request:
    """Read an order, or make one of a job alone.

    A job alone is attempt 1 in a directory beside its file.

    Args:
        path: JSON: an order or a job.
        data_directory: For a job alone: where named data sets lie.
        checkpoint: For an evaluation alone: the trained weights.
        validate_after: For a training alone: epochs after which held-out images are tested.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds neither.
        TypeError: Likewise.
        KeyError: Likewise.
    """
    with open(path, encoding="utf-8") as file:
        text = file.read()
    data: Any = json.loads(text)
    if not isinstance(data, dict):
        raise ValueError("expected a JSON object")
    if "job" in data:
        return Request(order_from_json(text), whole_job=False)
    order = Order(
        job=job_from_dict(data),
        attempt=1,
        directory=attempt_directory(path, 1),
        data_directory=data_directory,
        checkpoint=checkpoint,
        validate_after=validate_after,
    )
    return Request(order, whole_job=True)


def attempt_directory(path: str, attempt: int) -> str:
    """Return the directory, beside a job's file, of an attempt at it."""
    return os.path.splitext(os.path.abspath(path))[0] + f".attempt-{attempt}"
