"""What a slot is told and what it answers: JSON lines between a slot's supervisor and its worker process.

    supervisor                                   worker process (python -m workers --serve)
                        ◀── Ready(environment) ──
    Order(job, attempt, directory) ──▶
                        ◀── Started ──
                        ◀── Progress … EpochDone … ──
                        ◀── Finished(result) | Diverged | Failed ──      (exactly one ends the attempt)
    Order(…) ──▶                                                         (the process is reused)
    end of input ──▶                                                     (the process exits)

The report that ends an attempt is first written to ``report.json`` in the attempt's directory and fsynced, so that a
result survives the death of everyone who should have received it.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Type, Union

from workers.protocol.jobs import Job, digest, job_from_dict, job_to_dict

#: Raised by one when an old worker and a new supervisor could misunderstand each other.
PROTOCOL_VERSION = 4

#: Name of the file in an attempt's directory that holds the report which ended the attempt.
REPORT_FILE = "report.json"

#: Name of the file in an attempt's directory that holds what was printed while it ran.
LOG_FILE = "log.txt"

#: Name of the file in a training attempt's directory that holds its final weights.
WEIGHTS_FILE = "weights.pt"

#: Name of the file in a training attempt's directory that names its newest resume point.
RESUME_FILE = "resume.json"

#: Why an attempt failed; the scheduler decides by it whether another attempt makes sense.
FAILURE_CLASSES: Tuple[str, ...] = (
    "error",  # an exception of ours or of a library: the same again would end the same
    "out_of_memory",  # of the device or the process
    "data",  # images missing or damaged
    "checkpoint",  # the training's checkpoint is missing or damaged
    "device",  # the device refuses what is asked, or is not there
    "device_memory",  # the network does not fit on the device: the same again would end the same
    "device_reset",  # the device failed and has to be reset; another process may find it in order
    "device_broken",  # the device failed for good: nothing else should be sent there
)


@dataclass(frozen=True)
class Environment:
    """Hardware and software of a slot, as far as throughput can depend on it.

    Attributes:
        slot_kind: ``cpu``, ``cuda`` or ``ipu``.
        device: Model name of the processor or accelerator.
        threads: Threads the worker computes with.
        software: Name → version of what executes the arithmetic (torch, onednn, cuda, cudnn, driver, capability…).
        details: What is worth keeping but changes no throughput by itself (host, Python, kernel, memory in bytes…).
    """

    slot_kind: str
    device: str
    threads: int
    software: Dict[str, str] = field(default_factory=dict)
    details: Dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Identity for throughput: equal keys may be compared, different ones make a measurement stale."""
        return digest([self.slot_kind, self.device, self.threads, self.software])


@dataclass(frozen=True)
class Order:
    """One attempt at a job.

    Attributes:
        job: What to do.
        attempt: Number of the attempt, from 1; the fencing token.
        directory: The attempt's own directory; the worker creates it and writes nowhere else.
        data_directory: Where named data sets lie.
        checkpoint: For ``evaluate``: file of the training's final weights.
        checkpoint_sha256: Its digest; a file that differs is refused.
        resume_from: For ``train``: directory of an earlier attempt whose last checkpoint may be continued, or None.
        so_far: For ``measure``: the rounds done before, to which this attempt adds one; None for the first.
        validate_after: For ``train``: epochs, from 1, after which the network is tested on the held-out images at the
            train resolution, where there are any. No result depends on it, so it is no part of the job.
    """

    job: Job
    attempt: int
    directory: str
    data_directory: str
    checkpoint: Optional[str] = None
    checkpoint_sha256: Optional[str] = None
    resume_from: Optional[str] = None
    so_far: Optional["MeasureResult"] = None
    validate_after: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Ready:
    """The process is up and can take an order."""

    environment: Environment
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True)
class Started:
    """The order was read and work has begun."""

    job: str
    attempt: int


@dataclass(frozen=True)
class Progress:
    """A sign of life with how far the attempt is.

    Attributes:
        job: Fingerprint.
        attempt: Its number.
        done: Fraction done, 0 to 1.
        text: Short words for a person, e.g. ``epoch 2/4 loss 0.81``.
    """

    job: str
    attempt: int
    done: float
    text: str


@dataclass(frozen=True)
class EpochDone:
    """One epoch of a training run.

    Attributes:
        job: Fingerprint.
        attempt: Its number.
        epoch: From 1.
        loss: Mean training loss over the epoch.
        learning_rate: At the epoch's end.
        images: Images seen in the epoch.
        seconds: Wall time of the epoch's steps, without testing.
        validation_images: Held-out images that were tested after it, at the train resolution and with the weights that
            would be kept if training ended here; None where they were not.
        validation_correct: Of these classified right; likewise.
    """

    job: str
    attempt: int
    epoch: int
    loss: float
    learning_rate: float
    images: int
    seconds: float
    validation_images: Optional[int] = None
    validation_correct: Optional[int] = None


@dataclass(frozen=True)
class TrainResult:
    """What a training run leaves behind.

    Attributes:
        checkpoint: File name of the final weights, relative to the attempt's directory.
        checkpoint_sha256: Its digest.
        checkpoint_bytes: Its size.
        params: Number of trained parameters.
        train_macs: Multiply-accumulates of one image's forward pass at the train resolution.
        epochs: Passes done.
        train_loss: Mean loss over the last epoch.
        images_seen: Over all epochs.
        seconds: Wall time of the training steps, without loading data sets and building.
        dataset_digest: SHA-256 over the images and labels that were used.
    """

    checkpoint: str
    checkpoint_sha256: str
    checkpoint_bytes: int
    params: int
    train_macs: int
    epochs: int
    train_loss: float
    images_seen: int
    seconds: float
    dataset_digest: str


@dataclass(frozen=True)
class EvaluateResult:
    """Accuracy as counts of test images.

    Attributes:
        images: Test images.
        correct: Of these classified right, after fine-tuning.
        correct_before_fine_tune: Likewise with the weights as trained.
        loss: Mean cross-entropy over the test images, after fine-tuning.
        test_macs: Multiply-accumulates of one image's forward pass at the test resolution.
        seconds: Wall time of fine-tuning and testing.
        dataset_digest: SHA-256 over the images and labels that were used.
        validation_images: Held-out images of the training split, tested like the test images; 0 if none are held out.
        validation_correct: Of these classified right, after fine-tuning.
    """

    images: int
    correct: int
    correct_before_fine_tune: int
    loss: float
    test_macs: int
    seconds: float
    dataset_digest: str
    validation_images: int = 0
    validation_correct: int = 0


@dataclass(frozen=True)
class Sample:
    """One timed block.

    Attributes:
        images: Images processed in it.
        seconds: Its duration; the device was idle at both ends.
        reference_images_per_second: Throughput of a small fixed network on the same device, timed right before and
            right after the block (the mean of both): how fast the device was at that time. None where nothing tells.
    """

    images: int
    seconds: float
    reference_images_per_second: Optional[float] = None


#: Verdict of a round, or of a measurement, that something else disturbed.
CONTENDED = "contended"


@dataclass(frozen=True)
class Round:
    """What one worker process measured in one go.

    Attributes:
        attempt: That did it.
        samples: The timed blocks in order.
        verdict: ``clean``, ``noisy`` (no steady state) or ``contended`` (something else used the processors).
        verdict_reason: Why, in words; empty when clean.
        reference_images_per_second: Throughput of a small fixed network, timed before, between and after the blocks
            (the mean of all): how fast the machine was at that time.
        end_to_end: Blocks in which images were loaded and prepared as well; empty unless the job says how.
        loading: Blocks in which images were loaded and prepared and nothing else; likewise.
        latencies: Of single images, milliseconds, one after the other; for mode ``inference``.
        conditions: What was read before and after (load, busy share of other processes, temperature…).
    """

    attempt: int
    samples: List[Sample]
    verdict: str
    verdict_reason: str
    reference_images_per_second: Optional[float] = None
    end_to_end: List[Sample] = field(default_factory=list)
    loading: List[Sample] = field(default_factory=list)
    latencies: List[float] = field(default_factory=list)
    conditions: Dict[str, Any] = field(default_factory=dict)

    @property
    def undisturbed(self) -> bool:
        """Whether nothing else used the processors."""
        return self.verdict != CONTENDED


@dataclass(frozen=True)
class Latency:
    """Time of one image's forward pass, milliseconds: percentiles over ``count`` passes."""

    p50: float
    p90: float
    p99: float
    count: int


@dataclass(frozen=True)
class Throughput:
    """Images per second: the median over blocks with its 95 % bootstrap interval."""

    images_per_second: float
    low: float
    high: float


@dataclass(frozen=True)
class MeasureResult:
    """Throughput with everything needed to judge it, over all rounds so far.

    What is computed from blocks is computed from those of the rounds that nothing disturbed; from all where every
    round was.

    Attributes:
        rounds: In order.
        complete: Whether no further round is wanted: as many as the job asks for went undisturbed, or so many were
            disturbed that it is not worth while.
        images_per_second: Median over the blocks.
        low: Lower end of the 95 % bootstrap interval of that median, images per second.
        high: Upper end.
        cv: Coefficient of variation of the blocks (standard deviation over mean), a fraction.
        iqr: Interquartile range of the blocks, images per second.
        batch_size: Images per step that was used.
        memory_format: The one that was used.
        compiled: Whether the network was compiled.
        warmup_steps: Steps before the first block of the first round.
        macs: Multiply-accumulates of one image's forward pass.
        params: Number of trained parameters.
        peak_memory_bytes: Of the device, or of the process where the device is the CPU; None if unknown.
        verdict: ``clean``, ``noisy`` (blocks disagree) or ``contended`` (something else used the processors).
        verdict_reason: Why, in words; empty when clean.
        latency: Of single images; None for mode ``train``.
        end_to_end: Throughput with images loaded and prepared as well; None unless the job says how.
        loading: Throughput of loading and preparing alone; likewise.
        conditions: What was tried to settle batch size, memory format and compilation.
    """

    rounds: List[Round]
    complete: bool
    images_per_second: float
    low: float
    high: float
    cv: float
    iqr: float
    batch_size: int
    memory_format: str
    compiled: bool
    warmup_steps: int
    macs: int
    params: int
    peak_memory_bytes: Optional[int]
    verdict: str
    verdict_reason: str
    latency: Optional[Latency] = None
    end_to_end: Optional[Throughput] = None
    loading: Optional[Throughput] = None
    conditions: Dict[str, Any] = field(default_factory=dict)


Result = Union[TrainResult, EvaluateResult, MeasureResult]


@dataclass(frozen=True)
class Finished:
    """The attempt succeeded."""

    job: str
    attempt: int
    result: Result


@dataclass(frozen=True)
class Diverged:
    """The loss became NaN or infinite: a final answer, not a failure of the program."""

    job: str
    attempt: int
    message: str


@dataclass(frozen=True)
class Failed:
    """The attempt failed.

    Attributes:
        job: Fingerprint.
        attempt: Its number.
        failure: One of ``FAILURE_CLASSES``.
        message: One line for a person.
        traceback: For the developer, may be empty.
    """

    job: str
    attempt: int
    failure: str
    message: str
    traceback: str = ""


Report = Union[Ready, Started, Progress, EpochDone, Finished, Diverged, Failed]
#: Reports that end an attempt.
FINAL_REPORTS = (Finished, Diverged, Failed)

_REPORTS: Dict[str, Type[Any]] = {
    kind.__name__: kind for kind in (Ready, Started, Progress, EpochDone, Finished, Diverged, Failed)
}
_RESULTS: Dict[str, Type[Any]] = {
    "train": TrainResult,
    "evaluate": EvaluateResult,
    "measure": MeasureResult,
}


def order_to_json(order: Order) -> str:
    """Return the order as one line of JSON."""
    so_far = None if order.so_far is None else dataclasses.asdict(order.so_far)
    return json.dumps(dict(vars(order), job=job_to_dict(order.job), so_far=so_far), allow_nan=False)


def order_from_json(line: str) -> Order:
    """Read an order.

    Raises:
        ValueError: Not JSON, or not an order.
    """
    data = json.loads(line)
    if not isinstance(data, dict) or not isinstance(data.get("job"), dict):
        raise ValueError("an order is a JSON object with the keys job, attempt, directory and data_directory")
    try:
        so_far = data.get("so_far")
        known = {
            "job": job_from_dict(data["job"]),
            "so_far": so_far and _measure_result(so_far),
            "validate_after": tuple(data.get("validate_after", ())),
        }
        return Order(**dict(data, **known))
    except (KeyError, TypeError) as error:
        raise ValueError(f"order: {error}") from error


def report_to_json(report: Report) -> str:
    """Return the report as one line of JSON."""
    data = dataclasses.asdict(report)
    if isinstance(report, Finished):
        stage = next(name for name, kind in _RESULTS.items() if isinstance(report.result, kind))
        data["result"]["stage"] = stage
    return json.dumps(dict(data, type=type(report).__name__), allow_nan=False)


def report_from_json(line: str) -> Report:
    """Read a report.

    Raises:
        ValueError: Not JSON, or not a report.
    """
    data = json.loads(line)
    if not isinstance(data, dict) or data.get("type") not in _REPORTS:
        raise ValueError(f"not a report: {line:.200}")
    kind = _REPORTS[data.pop("type")]
    try:
        if kind is Ready:
            data["environment"] = Environment(**data["environment"])
        if kind is Finished:
            data["result"] = _result_from_dict(data["result"])
        report: Report = kind(**data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{kind.__name__}: {error}") from error
    return report


def _result_from_dict(data: Mapping[str, Any]) -> Result:
    values = dict(data)
    stage = values.pop("stage")
    if stage == "measure":
        return _measure_result(values)
    result: Result = _RESULTS[stage](**values)
    return result


def _measure_result(data: Mapping[str, Any]) -> MeasureResult:
    nested = {"latency": Latency, "end_to_end": Throughput, "loading": Throughput}
    records = {name: kind(**data[name]) for name, kind in nested.items() if data.get(name) is not None}
    return MeasureResult(**dict(data, rounds=[_round(one) for one in data["rounds"]], **records))


def _round(data: Mapping[str, Any]) -> Round:
    blocks = {name: [Sample(**one) for one in data.get(name, ())] for name in ("samples", "end_to_end", "loading")}
    return Round(**dict(data, **blocks))
