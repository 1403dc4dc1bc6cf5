"""Latencies from the times at which micro-batches came and went."""

from typing import Any, Callable, Dict, List, Optional, Tuple

from poptorch._graph import flatten

Counters = Dict[str, List[List[float]]]


def counters(program: Optional[Any]) -> Counters:
    """Return times in seconds by event, tensor and step; empty before the first run and with synthetic data."""
    if program is None or program.synthetic or not program.times.asked:
        return {"input": [[]], "input_complete": [[]], "output": [[]], "output_complete": [[]]}
    times, kept = program.times, program.kept()
    tensors_in = len(program.graph.inputs) or 1
    tensors_out = len(flatten(program.graph.outputs)) if program.graph.outputs is not None else 0
    return {
        "input": [list(times.asked) for _ in range(tensors_in)],
        "input_complete": [list(times.there) for _ in range(tensors_in)],
        "output": [[times.ready[index] for index in kept] for _ in range(tensors_out)] or [[]],
        "output_complete": [[times.sent[index] for index in kept] for _ in range(tensors_out)] or [[]],
    }


def between(
    counted: Counters, first: str, reduce: Callable[[List[float]], float], last: str
) -> Tuple[float, float, float]:
    """Return the shortest, longest and mean seconds between two events."""
    starts = [reduce(list(step)) for step in zip(*counted[first])]
    ends = [max(step) for step in zip(*counted[last])]
    if not ends:
        return (0.0, 0.0, 0.0)
    assert len(starts) % len(ends) == 0, "Internal PopTorch error: mismatching number of timestamps"
    factor = len(starts) // len(ends)
    durations = [end - min(starts[i * factor : (i + 1) * factor]) for i, end in enumerate(ends)]
    return (min(durations), max(durations), sum(durations) / len(durations))
