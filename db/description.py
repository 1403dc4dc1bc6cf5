"""What stands in the views and tables: the schema as people read it, with meanings and units.

docs/views.md says the same, word for word; a test compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Double, Integer
from sqlalchemy.types import TypeEngine

from db.column_types import JsonText, UtcDateTime
from db.derived_tables import derived
from db.tables import metadata
from db.views import VIEWS


@dataclass(frozen=True, slots=True)
class ColumnDescription:
    """A column of a view or table.

    Attributes:
        name: As it is asked for.
        type: ``integer``, ``real``, ``boolean``, ``time``, ``JSON`` or ``text``.
        meaning: What it says, with its unit; empty where the name says it.
    """

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Description:
    """A view or table.

    Attributes:
        name: As it is asked for.
        is_view: Views are the part meant for people, and stable.
        rows: What one row stands for.
        columns: In their order.
    """

    name: str
    is_view: bool
    rows: str
    columns: tuple[ColumnDescription, ...]


def schema() -> dict[str, Description]:
    """Return everything that can be queried by name: the views first, then the tables."""
    views = {name: Description(name, True, _ROWS[name], _columns(view)) for name, view in VIEWS.items()}
    tables = {
        name: Description(name, False, _ROWS[name], _columns(table))
        for name, table in sorted({**metadata.tables, **derived.tables}.items())
    }
    return {**views, **tables}


def _columns(relation: Any) -> tuple[ColumnDescription, ...]:
    meanings = _MEANINGS.get(relation.name, {})
    return tuple(ColumnDescription(one.name, _type(one.type), meanings.get(one.name, "")) for one in relation.c)


def _type(kind: TypeEngine[Any]) -> str:
    return next((name for classes, name in _TYPES if isinstance(kind, classes)), "text")


_TYPES: Final[tuple[tuple[Any, str], ...]] = (
    (UtcDateTime, "time"),
    (JsonText, "JSON"),
    (Boolean, "boolean"),
    ((Integer, BigInteger), "integer"),
    (Double, "real"),
)
#: What one row of a view or table stands for.
_ROWS: Final[Mapping[str, str]] = {
    "results": "a network that was trained once and tested at one resolution, for each sweep and device",
    "variant_results": "a configuration on a device, its seeds pooled",
    "training_front": "a configuration that none on its device beats in both top-1 and training throughput",
    "inference_front": "a configuration that none on its device beats in both top-1 and inference throughput",
    "sweeps": "a sweep: its file's text, its state, who runs it, who paused it",
    "sweep_jobs": "a job that a sweep's present file asks for, in the file's order",
    "jobs": "a job: how far it is, and where",
    "attempts": "a try at a job: how it ended, where, and the directory of its files",
    "trainings": "a finished training run",
    "epochs": "an epoch of an attempt",
    "evaluations": "a finished evaluation: accuracy as counts of images",
    "measurements": "a measurement of throughput, over all its rounds",
    "measurement_rounds": "a round of a measurement",
    "samples": "a timed block of a measurement",
    "searches": "a sweep whose trainings Optuna proposes: what it looks for, and how",
    "search_trials": "a proposal of a search: one point of its axes, and what came of it",
    "search_trial_jobs": "a job that a trial needs",
    "environments": "hardware and software of slots",
    "sightings": "an environment on a machine, and when it was last seen there",
    "variants": "an architecture",
    "datasets": "a data set as asked for",
    "drivers": "a process that ran sweeps",
    "publications": "an imported file of published results",
    "published_results": "a line of such a file",
    "result_points": "a row of variant_results, of all results or of one sweep's; computed from the other tables",
    "point_scopes": "source, data set, precision and device within which points compete; computed",
    "sweep_places": "a sweep and an environment in which it has measured; computed",
}
#: Column of ``results`` → what it says, with its unit.
_RESULTS: Final[Mapping[str, str]] = {
    "sweep": "name of the sweep; NULL for published results",
    "source": "`measured` or `published`",
    "series": (
        "the family, as the paper names it: group size, norm, and `Native`, `Half` or the train resolution "
        "(`G16-LN+PN-Half`); `E…` after the group size where the expansion is not the paper's for it"
    ),
    "model_size": "`b0` … `b7`",
    "group_size": "channels per group of the spatial convolution; 1 is depthwise",
    "expansion": "width of a block's inside over its input",
    "norm": "`bn`, `gn`, `ln`, `gn+pn` or `ln+pn`",
    "width": "extra factor on the size's width; 1 is the published network",
    "small_images": "stride 1 in the stem and in stage 2",
    "dataset": "name of the data set",
    "train_images": "training images used; NULL means all",
    "test_images": "test images asked for; NULL means all",
    "train_resolution": "pixels",
    "test_resolution": "pixels; NULL where a publication gives the best without naming it",
    "native_resolution": "pixels that the network was designed for",
    "half_resolution": "pixels with about half the native area",
    "seed": "of the training run",
    "top1": "percent, after fine-tuning",
    "top1_before_fine_tune": "percent, with the weights as trained, at the test resolution",
    "top1_ppm": "correct images per million, rounded down",
    "validation_top1": "percent of the validation images, after fine-tuning; NULL where none were held out",
    "images": "test images",
    "correct": "of these right, after fine-tuning",
    "correct_before_fine_tune": "of these right, with the weights as trained",
    "validation_images": (
        "training images that were held out, never trained on, and tested like the test images; 0 if none; NULL for "
        "published results"
    ),
    "validation_correct": "of these right, after fine-tuning",
    "params": "trained parameters",
    "train_macs": "multiply-accumulates per image at the train resolution",
    "test_macs": "multiply-accumulates per image at the test resolution",
    "train_images_per_second": "training throughput at the train resolution, median over blocks",
    "train_throughput_cv": "its coefficient of variation, a fraction",
    "train_verdict": (
        "`clean`, `noisy` (blocks disagree), `contended` (something else used the processors) or `stale`; of several "
        "measurements the newest clean one is shown, else the newest noisy one"
    ),
    "inference_images_per_second": "inference throughput at the test resolution, median over blocks",
    "inference_throughput_cv": "its coefficient of variation, a fraction",
    "inference_verdict": "as `train_verdict`",
    "slot_kind": "where it was measured: `cpu`, `cuda` or `ipu`",
    "device": "model name of the processor or accelerator",
    "threads": "threads that the worker computed with",
    "precision": "number format of the arithmetic: `fp32`, `bf16`, `fp16`; on IPUs `16.16` and `16.32`",
    "fine_tune_layers": (
        "`none`, `head`, `last-block` or `batch-norm-statistics`; NULL where a publication does not say"
    ),
    "recipe_digest": "identity of the training recipe",
    "fine_tune_digest": "identity of the fine-tuning",
    "training_run": "fingerprint of the training job",
    "evaluation": "fingerprint of the evaluation job",
    "train_measurement_id": "the row of `measurements` behind the training throughput",
    "inference_measurement_id": "the row of `measurements` behind the inference throughput",
    "environment_key": "the row of `environments`: hardware and software",
    "variant_id": "the row of `variants`",
    "dataset_id": "the row of `datasets`; NULL for published results",
    "finished_at": "when the evaluation ended",
}
#: Of ``variant_results``, where it says something else.
_POINTS: Final[Mapping[str, str]] = {
    "source": "`measured` or `published`",
    "validation_images": "as in `results`, of one training run",
    "train_resolution": "pixels",
    "test_resolution": "pixels",
    "native_resolution": "pixels",
    "half_resolution": "pixels",
    "seeds": "training runs that were pooled; NULL for published results",
    "top1_mean": "percent: all right answers over all test images",
    "top1_std": "sample standard deviation of top-1 over the seeds, percentage points; NULL for one seed",
    "top1_ppm": "`correct_sum` per million `images_sum`, rounded down; what fronts compare",
    "top1_before_fine_tune_mean": "percent, with the weights as trained",
    "validation_top1_mean": "percent: all right answers over all validation images; NULL where none were held out",
    "validation_ppm": (
        "`validation_correct_sum` per million `validation_images_sum`, rounded down; what the scenario `best` compares"
    ),
    "images_sum": "test images over all seeds",
    "correct_sum": "of these right, after fine-tuning",
    "validation_images_sum": "validation images over all seeds; seeds share the same ones",
    "validation_correct_sum": "of these right, after fine-tuning",
    "params": "trained parameters",
    "train_macs": "multiply-accumulates per image at the train resolution",
    "test_macs": "multiply-accumulates per image at the test resolution",
    "train_images_per_second": "images per second of one stored measurement",
    "train_throughput_cv": "its coefficient of variation, a fraction",
    "train_verdict": "`clean`, `noisy` or `contended`",
    "inference_images_per_second": "images per second of one stored measurement",
    "inference_throughput_cv": "its coefficient of variation, a fraction",
    "inference_verdict": "`clean`, `noisy` or `contended`",
    "finished_at": "when the last of the evaluations ended",
}
#: Of the table ``measurements``.
_MEASUREMENTS: Final[Mapping[str, str]] = {
    "mode": "`train` or `inference`",
    "resolution": "pixels",
    "images_per_second": "median over the timed blocks of undisturbed rounds",
    "low": "images per second: lower end of the median's 95 % interval",
    "high": "images per second: upper end of the median's 95 % interval",
    "cv": "standard deviation of these blocks over their mean, a fraction",
    "iqr": "their interquartile range, images per second",
    "batch_size_requested": "images per step, as asked for; NULL: the best one",
    "batch_size": "images per step (per weight update on IPUs), as used",
    "micro_batch": "on IPUs: images that one replica computes at a time; NULL elsewhere",
    "accumulation": "on IPUs: micro-batches of a replica per weight update",
    "replicas": "on IPUs: copies of the network",
    "ipus_per_replica": "on IPUs: stages of its pipeline",
    "device_iterations": "on IPUs: batches per call of the device",
    "memory_format": "as used",
    "compiled": "as used",
    "macs": "multiply-accumulates of one image's forward pass",
    "params": "trained parameters",
    "end_to_end_images_per_second": "with images loaded and prepared as well; NULL where not measured",
    "end_to_end_low": "images per second: lower end of its 95 % interval",
    "end_to_end_high": "images per second: upper end of its 95 % interval",
    "loading_images_per_second": "of loading and preparing alone",
    "latency_p50_milliseconds": "of single images, in inference: half are quicker",
    "latency_p90_milliseconds": "of single images, in inference: 90 % are quicker",
    "latency_p99_milliseconds": "of single images, in inference: 99 % are quicker",
    "peak_memory_bytes": "of the device, or of the process where the device is the CPU",
    "verdict": "`clean`, `noisy` or `contended`",
    "verdict_reason": "why not `clean`",
    "conditions": "what was tried to settle batch size, memory format and compilation",
    "complete": "whether all its rounds are done",
}
_SWEEPS: Final[Mapping[str, str]] = {
    "state": "`running`, `paused`, `stopped`, `finished` or `failed`",
    "driver_id": "the process that runs it; NULL when nobody does",
    "paused_seconds": "how long the earlier pauses of its present launch were, together",
    "paused_at": "when its present pause was asked for; NULL unless it is paused",
    "paused_by": "who asked for it, as user@host",
    "pause_interrupts": "whether running jobs are interrupted; else they go on to their end",
}
_JOBS: Final[Mapping[str, str]] = {
    "fingerprint": "identity of the job: 32 hexadecimal digits",
    "stage": "`train`, `evaluate` or `measure`",
    "state": "`queued`, `running`, `blocked`, `done`, `diverged`, `failed`, `quarantined` or `cancelled`",
    "depends_on": "the training job whose weights an evaluation tests",
    "attempt": "number of the last attempt, 0 before the first",
    "crashes": "attempts whose process died, since the job was last requeued by hand",
    "losses": "attempts lost with their driver, since then",
    "progress": "fraction done of the running attempt",
    "changed_at": "last change of this row",
}
_ATTEMPTS: Final[Mapping[str, str]] = {
    "attempt": "its number, from 1",
    "slot": "unit of capacity that ran it",
    "node": "machine that ran it",
    "outcome": "how it ended; NULL while it runs",
    "failure": "class of the failure, such as `out_of_memory`",
    "directory": "of its files",
}
_EPOCHS: Final[Mapping[str, str]] = {
    "loss": "mean over the epoch",
    "learning_rate": "at its end",
    "images": "seen in it",
    "seconds": "of wall time, without testing",
    "validation_images": "held-out images that were tested after it, at the train resolution; NULL where they were not",
    "validation_correct": "of these right, with the weights that would be kept if training ended there",
}
_SEARCHES: Final[Mapping[str, str]] = {
    "settings": "axes, objectives, floors, sampler and budget",
    "importances": "objective → axis → share of the objective's variation, 0 to 1",
    "ended": "why nothing more is proposed; empty while it may be",
}
_TRIALS: Final[Mapping[str, str]] = {
    "number": "from 0, in the order of proposing",
    "params": "searched axis → value",
    "origin": (
        "`sampler`; `stored`: all its results were there already; `companion`: another test of a training that was "
        "paid for"
    ),
    "state": (
        "`open`, `complete`, `infeasible` (a floor is not met), `skipped` (its throughput keeps it from the front), "
        "`pruned` or `failed`"
    ),
    "objective_values": "one per objective, percent or images per second; null where not known",
    "violations": "per floor, the fraction of it that is missing; above 0 it is violated",
    "curve": "epoch → top-1 of the validation images then, percent; only where trials are pruned",
    "attributes": "what the sampler keeps with it",
    "reason": "why it is not complete",
}
_SAMPLES: Final[Mapping[str, str]] = {
    "ordinal": "its place among the blocks, in time",
    "images": "through the network in the block",
    "seconds": "that the block took",
    "round": "the round it belongs to, from 1",
    "reference_images_per_second": "throughput of the reference network right before and after it",
}
_FRONT: Final = {
    "scenario": "`native`, `best` or `all`: at which test resolutions a network competes",
    "images_per_second": "the throughput that counts here",
}
_OF_POINTS: Final = {**_RESULTS, **_POINTS}
#: View or table → column → what it says.
_MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "results": _RESULTS,
    "variant_results": _OF_POINTS,
    "result_points": _OF_POINTS,
    "training_front": {**_FRONT, **_OF_POINTS},
    "inference_front": {**_FRONT, **_OF_POINTS},
    "measurements": _MEASUREMENTS,
    "sweeps": _SWEEPS,
    "jobs": _JOBS,
    "attempts": _ATTEMPTS,
    "epochs": _EPOCHS,
    "samples": _SAMPLES,
    "searches": _SEARCHES,
    "search_trials": _TRIALS,
    "search_trial_jobs": {"reused": "whether it was done or asked for before the trial"},
}
