"""The program that runs on a slot.

python -m workers --serve               orders on stdin, reports on stdout, until the input ends
python -m workers --probe               one line: the environment
python -m workers job.json > reports    one job, alone; a measurement with all its rounds

On IPUs, with an interpreter that has PopTorch and with the Poplar SDK enabled:

python -m workers job.json --slot-kind ipu --ipu '{"replicas": 4, "micro_batch": 8}'
"""

import argparse
import os
import sys
from typing import List, Optional, Sequence, TextIO, Tuple

from workers.ipu_settings import read_ipu_settings, settings_help
from workers.order_file import read_request
from workers.private_stdout import private_stdout
from workers.protocol.ipu import IpuSettings
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import Finished, Order, Ready
from workers.rounds import measure_rounds

DONE, NOT_DONE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_IPU_HELP = f"""\
--ipu takes a JSON object of the settings that a sweep file has under slots.ipu, each with its default if left out:
  {settings_help()}
A value per size is an object such as {{"b0": 2, "b3": 4}}. Example, 4 IPUs with a copy of the network each:
  python -m workers job.json --slot-kind ipu --ipu '{{"replicas": 4, "micro_batch": 8}}'
"""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the program; return its exit code: 0 done, 1 failed or diverged, 2 not a job or not settings."""
    given = _parse(arguments)
    try:
        ipu = _ipu_settings(given)
    except ValueError as error:
        sys.stderr.write(f"--ipu: {error}\n")
        return BAD_INPUT
    if given.file is None:
        return _work(given, ipu, None, private_stdout())
    try:
        request = read_request(given.file, os.path.abspath(given.data), given.checkpoint, given.validate_after)
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.stderr.write(f"{given.file}: not a job: {error}\n")
        return BAD_INPUT
    if request.whole_job and isinstance(request.order.job, MeasureJob):
        return measure_rounds(given.file, request.order, _options(given), private_stdout())
    return _work(given, ipu, request.order, private_stdout())


def _ipu_settings(given: argparse.Namespace) -> Optional[IpuSettings]:
    if given.ipu is None:
        return None
    if given.slot_kind != "ipu":
        raise ValueError(f"this is a slot of kind {given.slot_kind}; say --slot-kind ipu")
    return read_ipu_settings(given.ipu)


def _options(given: argparse.Namespace) -> List[str]:
    """Return what the processes of single rounds are told of the command line."""
    threads = [] if given.threads is None else ["--threads", str(given.threads)]
    ipu = [] if given.ipu is None else ["--ipu", given.ipu]
    return ["--slot-kind", given.slot_kind, *threads, *ipu]


def _work(given: argparse.Namespace, ipu: Optional[IpuSettings], order: Optional[Order], reports: TextIO) -> int:
    """Do what was asked, now that the reports have their stream and libraries may print what they like."""
    import torch

    from workers.attempt import run_attempt
    from workers.errors import DeviceError
    from workers.reporting import ReportStream
    from workers.serve import serve
    from workers.slot import open_slot

    if given.threads is not None:
        torch.set_num_threads(given.threads)
    stream = ReportStream(reports)
    try:
        slot = open_slot(given.slot_kind, ipu)
    except DeviceError as error:
        sys.stderr.write(f"{error}\n")
        return NOT_DONE
    if given.probe:
        stream.send(Ready(slot.environment))
        return DONE
    if order is None:
        serve(slot, stream)
    report = run_attempt(order, slot, stream)
    if isinstance(report, Finished):
        return DONE
    sys.stderr.write(f"{order.job.label}: {report.message}\n")
    return NOT_DONE


def _parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m workers",
        description="Do jobs on one slot.",
        epilog=_IPU_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", metavar="job.json", help="an order, or a job alone")
    what.add_argument("--serve", action="store_true", help="take orders from the standard input")
    what.add_argument("--probe", action="store_true", help="print the environment and exit")
    parser.add_argument(
        "--slot-kind", choices=("cpu", "cuda", "ipu"), default="cpu", help="what to compute on (default: cpu)"
    )
    parser.add_argument("--ipu", metavar="JSON", help="for slots of IPUs: how they are used, see below")
    parser.add_argument("--threads", type=_positive, help="threads to compute with (default: OMP_NUM_THREADS)")
    parser.add_argument("--data", default="data", help="for a job alone: data directory (default: data)")
    parser.add_argument("--checkpoint", help="for an evaluation alone: the trained weights")
    parser.add_argument(
        "--validate-after",
        type=_epochs,
        default=(),
        metavar="EPOCHS",
        help="for a training alone: test the held-out images after these epochs, e.g. 1,2,4",
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a number of threads")
    return value


def _epochs(text: str) -> Tuple[int, ...]:
    numbers = text.split(",")
    if not all(one.isdecimal() and int(one) >= 1 for one in numbers):
        raise argparse.ArgumentTypeError(f"expected epochs, counted from 1, such as 1,2,4: got {text!r}")
    return tuple(int(one) for one in numbers)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
