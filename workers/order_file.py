"""One job in a file, to be done without supervisor, Ray or database."""

import json
import os
from typing import Any, Optional

from workers.protocol.jobs import job_from_dict
from workers.protocol.orders import Order, order_from_json


def read_order(path: str, data_directory: str, checkpoint: Optional[str]) -> Order:
    """Read an order, or make one of a job alone.

    A job alone is attempt 1 in a directory beside its file.

    Args:
        path: JSON: an order or a job.
        data_directory: For a job alone: where named data sets lie.
        checkpoint: For an evaluation alone: the trained weights.

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
        return order_from_json(text)
    return Order(
        job=job_from_dict(data),
        attempt=1,
        directory=os.path.splitext(os.path.abspath(path))[0] + ".attempt-1",
        data_directory=data_directory,
        checkpoint=checkpoint,
    )
