"""Who used the processors while something was measured, read from Linux's accounts."""

import os
import time
from typing import Dict, List, NamedTuple, Optional

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
#: Columns of a ``cpu`` line of /proc/stat (proc(5)).
_USER, _NICE, _SYSTEM, _IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = range(8)
#: Columns of /proc/<pid>/stat behind the program's name: the parent; times of the process and of children that ended.
_PARENT, _TIMES = 1, slice(11, 15)


class ProcessorTimes(NamedTuple):
    """Times up to one moment, seconds.

    Attributes:
        wall: Clock.
        own: Processor time of this process, all threads; and of processes that it started, if they are to count.
        busy: Processor time of everything on the machine, this process included; None where it is not told.
        stolen: Time that the hypervisor gave to other machines while this one wanted to run; None likewise.
        waited: Time that this process's threads were ready to run and had to wait for a processor; None likewise.
    """

    wall: float
    own: float
    busy: Optional[float]
    stolen: Optional[float]
    waited: Optional[float]


class ProcessorUse(NamedTuple):
    """What happened between two moments, in processors (1.0 is one processor all the time).

    Attributes:
        own: Used by this process.
        others: Used by other processes; None if unknown.
        stolen: Taken by the hypervisor; None if unknown.
        waited: Threads of this process that waited for a processor, on average; None if unknown.
    """

    own: float
    others: Optional[float]
    stolen: Optional[float]
    waited: Optional[float]


def processor_times(*, with_helpers: bool = False) -> ProcessorTimes:
    """Read the present times.

    Args:
        with_helpers: Whether processes that this one started, and those that they started, count as this one.
    """
    columns = _stat_seconds()
    return ProcessorTimes(
        wall=time.perf_counter(),
        own=time.process_time() + (_helpers_seconds() if with_helpers else 0.0),
        busy=None if columns is None else sum(columns[i] for i in (_USER, _NICE, _SYSTEM, _IRQ, _SOFTIRQ)),
        stolen=None if columns is None else columns[_STEAL],
        waited=_waited_seconds(),
    )


def use_between(before: ProcessorTimes, after: ProcessorTimes) -> ProcessorUse:
    """Return what was used between two readings."""
    wall = max(after.wall - before.wall, 1e-9)
    own = (after.own - before.own) / wall
    busy = _rate(before.busy, after.busy, wall)
    return ProcessorUse(
        own=own,
        # The machine's account counts in ticks of 10 ms, so that idle others may come out slightly below zero.
        others=None if busy is None else max(0.0, busy - own),
        stolen=_rate(before.stolen, after.stolen, wall),
        waited=_rate(before.waited, after.waited, wall),
    )


def load_average() -> Optional[List[float]]:
    """Return the load of the last 1, 5 and 15 minutes; None where it is not told."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except OSError:
        return None


def clock_megahertz() -> Optional[List[float]]:
    """Return each processor's clock; None where it is not told."""
    lines = _lines("/proc/cpuinfo")
    clocks = [round(float(line.split(":")[1]), 1) for line in lines if line.startswith("cpu MHz")]
    return clocks or None


def cpu_model() -> str:
    """Return the processor's name as its maker wrote it into it."""
    names = {line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")}
    return " + ".join(sorted(names)) or "unknown processor"


def conditions() -> Dict[str, object]:
    """Return what is worth noting of the processors at one moment."""
    return {"load_average": load_average(), "clock_megahertz": clock_megahertz()}


def _rate(before: Optional[float], after: Optional[float], wall: float) -> Optional[float]:
    return None if before is None or after is None else max(0.0, (after - before) / wall)


def _stat_seconds() -> Optional[List[float]]:
    for line in _lines("/proc/stat"):
        if line.startswith("cpu "):
            columns = [int(value) / _TICKS_PER_SECOND for value in line.split()[1:]]
            return columns if len(columns) > _STEAL else None
    return None


def _helpers_seconds() -> float:
    """Return the processor time of all processes that descend from this one, those included that have ended."""
    columns = {int(name): _process_columns(name) for name in os.listdir("/proc") if name.isdigit()}
    parents = {process: int(values[_PARENT]) for process, values in columns.items() if values}
    ended = os.times()
    seconds = ended.children_user + ended.children_system
    for process in parents:
        if _descends(process, os.getpid(), parents):
            seconds += sum(int(value) for value in columns[process][_TIMES]) / _TICKS_PER_SECOND
    return seconds


def _process_columns(process: str) -> List[str]:
    lines = _lines(f"/proc/{process}/stat")
    # The program's name comes in parentheses and may hold anything.
    return lines[-1].rpartition(")")[2].split() if lines else []


def _descends(process: int, ancestor: int, parents: Dict[int, int]) -> bool:
    while process in parents:
        process = parents[process]
        if process == ancestor:
            return True
    return False


def _waited_seconds() -> Optional[float]:
    """Sum the second number of each thread's schedstat: nanoseconds on a run queue."""
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return None
    waits = [_lines(f"/proc/self/task/{thread}/schedstat") for thread in threads]
    known = [int(lines[0].split()[1]) for lines in waits if lines]
    return sum(known) / 1e9 if known else None


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []
