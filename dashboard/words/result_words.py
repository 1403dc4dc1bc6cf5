"""What the pages about single results say: headings, and tables of names and values. Pure."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dashboard.words import wording
from db.records import EpochRecord, JobRow
from db.result_details import Measured

Row = Mapping[str, Any]
#: Name of a property → its value with its unit.
Facts = dict[str, str]

#: Digits of a fingerprint that are shown, and that every command takes.
DIGITS: Final = 8
_Z95: Final = 1.959964

FINE_TUNED: Final = {
    "none": "not fine-tuned",
    "head": "its head fine-tuned before the test",
    "last-block": "its last block and head fine-tuned before the test",
    "batch-norm-statistics": "its batch norm's statistics taken anew before the test",
}
#: What the accuracy on the way to a result is.
VALIDATION: Final = (
    "Top-1 of validation images: held-out training images, tested at the train resolution after some of the epochs, "
    "with the weights that would be kept if training ended there."
)
STAGES: Final = {"train": "Training", "evaluate": "Evaluation", "measure": "Measurement"}


def title(row: Row) -> str:
    """Return a result's family and network, e.g. ``G16-LN+PN-Half b0 ×0.25``."""
    return f"{row['series']} {wording.network(row)}"


def sentence(row: Row) -> str:
    """Say what was done for a result: resolutions, seed, data set, fine-tuning."""
    trained = f"Trained at {_pixels(row['train_resolution'], row)}"
    tested = f"tested at {_pixels(row['test_resolution'], row)}"
    tuned = FINE_TUNED.get(row["fine_tune_layers"], row["fine_tune_layers"])
    return f"{trained}, {tested}, seed {row['seed']}, on {wording.data_set(row)}; {tuned}."


def _pixels(pixels: int, row: Row) -> str:
    named = {row["half_resolution"]: " (half)", row["native_resolution"]: " (native)"}
    return f"{pixels} px{named.get(pixels, '')}"


def validation(epoch: EpochRecord) -> str:
    """Return the accuracy of the held-out images after an epoch, e.g. ``61.33 % (184 of 300 images)``."""
    if epoch.validation_top1 is None:
        return "–"
    return f"{epoch.validation_top1:.2f} % ({epoch.validation_correct:,} of {epoch.validation_images:,} images)"


def accuracy_interval(correct: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval (percent) of an accuracy, from the number of test images alone.

    Source:
        Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).
    """
    share, z2 = correct / images, _Z95**2
    middle = (share + z2 / (2 * images)) / (1 + z2 / images)
    margin = _Z95 / (1 + z2 / images) * math.sqrt(share * (1 - share) / images + z2 / (4 * images**2))
    return 100 * (middle - margin), 100 * (middle + margin)


def difference(first: Row, other: Row) -> tuple[float, float, float]:
    """Return by how many percentage points another accuracy is higher, and the 95 % interval of that.

    It is that of two tests on images of their own; where both see the same ones, it is on the safe side.

    Source:
        Newcombe, "Interval estimation for the difference between independent proportions" (1998), method 10.
    """
    (mean, low, high), (other_mean, other_low, other_high) = (
        (100 * row["correct"] / row["images"], *accuracy_interval(row["correct"], row["images"]))
        for row in (first, other)
    )
    found = other_mean - mean
    return (
        found,
        found - math.hypot(other_mean - other_low, high - mean),
        found + math.hypot(other_high - other_mean, mean - low),
    )


def counts(row: Row) -> str:
    """Say of how many test images an accuracy is, and how much that alone leaves open."""
    low, high = accuracy_interval(row["correct"], row["images"])
    before = f"{row['correct_before_fine_tune']:,} with the weights as trained"
    said = f"{row['correct']:,} of {row['images']:,} test images right ({before})"
    open_ = f"the 95 % interval of a test of so many images is {low:.2f} to {high:.2f} %"
    held_out = (
        f"Of {row['validation_images']:,} held-out training images, which may choose the test resolution, "
        f"{row['validation_correct']:,} right."
        if row["validation_images"]
        else "No validation images were held out."
    )
    return f"{said}; {open_}. {held_out}"


def throughput(measured: Measured) -> Facts:
    """Return what a measurement says, with units, and what one needs to doubt it."""
    row = measured.row
    disturbed = sum(one["verdict"] == "contended" for one in measured.rounds)
    number = "all of them" if disturbed == len(measured.rounds) > 1 else disturbed
    rounds = wording.counted(len(measured.rounds), "round") + (f", {number} disturbed" if disturbed else "")
    rates = measured.timed.rates
    blocks = sum(len(of_round) for of_round in rates)
    alone = ", within one round: it says nothing about another process" if len(rates) == 1 else ""
    facts = {
        "Throughput": wording.rate(row["images_per_second"]),
        "95 % interval": f"{wording.rate(row['low'])} to {wording.rate(row['high'])}{alone}",
        "Spread of blocks": spread(row),
        "Verdict": verdict(row),
        "From": f"{rounds}; {wording.counted(blocks, 'timed block')} count" + ("" if blocks != 1 else "s"),
        "Batch size": batch_size(row),
        **layout(row),
        "Memory format": str(row["memory_format"]).replace("_", " "),
        "Compiled": "yes" if row["compiled"] else "no",
        **_with_loading(row),
        **_latency(row),
        "Peak memory": memory(row["peak_memory_bytes"]),
        "Forward pass": wording.amount(row["macs"], "MACs"),
        "Measured on": wording.place({**row, "source": "measured"}),
        "Finished (UTC)": time(row["measured_at"]),
    }
    return facts if row["complete"] else {**facts, "From": f"{facts['From']}; further rounds are to come"}


def spread(row: Row) -> str:
    """Return how far the blocks of a measurement lie apart."""
    told = f"vary by {100 * row['cv']:.1f} %"
    return told if row["iqr"] is None else f"{told}, middle half {wording.rate(row['iqr'])} wide"


def verdict(row: Row) -> str:
    """Return the verdict on a measurement with its reason."""
    if row["shown_verdict"] == "stale":
        return "stale: measured with software that is no longer there"
    return f"{row['verdict']}: {row['verdict_reason']}" if row["verdict_reason"] else str(row["verdict"])


def batch_size(row: Row) -> str:
    """Return the batch size of a measurement, and whether somebody asked for it."""
    asked = row["batch_size_requested"]
    used = f"{row['batch_size']} images"
    if asked is None:
        return f"{used}, the fastest of those tried"
    return f"{used}, as asked for" if asked == row["batch_size"] else f"{used}; {asked} were asked for"


def layout(row: Row) -> Facts:
    """Return how a network was laid out on IPUs; nothing for other devices."""
    if row["micro_batch"] is None:
        return {}
    copies = wording.counted(row["replicas"], "replica")
    parts = f"{row['micro_batch']} per micro-batch × {row['accumulation']} accumulated × {copies}"
    call = row["batch_size"] * row["device_iterations"]
    stages = f"{copies} of {wording.counted(row['ipus_per_replica'], 'IPU')}"
    return {"Batch made of": parts, "IPUs": f"{stages}; one call takes {wording.counted(call, 'image')}"}


def _with_loading(row: Row) -> Facts:
    """Return the throughput with images loaded, and of loading alone; nothing where it was not measured."""
    whole, loading = row["end_to_end_images_per_second"], row["loading_images_per_second"]
    facts = {}
    if whole is not None:
        share = 100 * whole / row["images_per_second"]
        interval = f"{wording.rate(row['end_to_end_low'])} to {wording.rate(row['end_to_end_high'])}"
        facts["With loading"] = f"{wording.rate(whole)}, {share:.0f} % of the network alone"
        facts["95 % interval of that"] = interval
    if loading is not None:
        facts["Loading alone"] = f"{wording.rate(loading)}, {loading / row['images_per_second']:.1f}× the network"
    return facts


def latencies(drawn: int, timed: int) -> str:
    """Say what a chart of the latencies of single images shows, and of how many.

    Args:
        drawn: How many images are drawn.
        timed: How many were timed.
    """
    words = (
        "A tick is one image alone, each after the one before it; the axis is logarithmic. Dashed: half, 90 % and 99 % "
        "of the images of all rounds that count are quicker."
    )
    if drawn == timed:
        return f"{words} {wording.counted(timed, 'image')}."
    return (
        f"{words} {drawn:,} of {timed:,} images are drawn, in each round evenly spread from the quickest to the "
        "slowest; the file has all of them."
    )


def _latency(row: Row) -> Facts:
    names = {"p50": "median", "p90": "p90", "p99": "p99"}
    told = [
        f"{words} {wording.milliseconds(row[f'latency_{name}_milliseconds'])}"
        for name, words in names.items()
        if row[f"latency_{name}_milliseconds"] is not None
    ]
    return {"Latency of one image": ", ".join(told)} if told else {}


def memory(size: int | None) -> str:
    """Return an amount of memory, e.g. ``412 MB``; a dash when it is not known."""
    if size is None:
        return "–"
    unit, name = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{size / unit:.3g} {name}"


def time(moment: dt.datetime | None) -> str:
    """Return a time as tables show it, e.g. ``2026-01-31 12:00:00``; a dash where there is none."""
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def training(row: Row) -> Facts:
    """Return what a training run came to."""
    return {
        "Epochs": f"{row['epochs']}",
        "Loss of the last epoch": f"{row['train_loss']:.4g}",
        "Images seen": f"{row['images_seen']:,}",
        "Time in training steps": wording.duration(row["seconds"]),
        "Parameters": wording.amount(row["params"], "").strip(),
        "Forward pass": f"{wording.amount(row['train_macs'], 'MACs')} per image",
        "Weights": str(row["checkpoint"]),
        "Size of the weights": memory(row["checkpoint_bytes"]),
        "SHA-256 of the weights": str(row["checkpoint_sha256"]),
        "Digest of the images": str(row["dataset_digest"]),
    }


_STATES: Final = {
    "queued": "waits for its turn",
    "running": "runs now",
    "blocked": "is blocked: no slot here could run it",
    "failed": "failed",
    "quarantined": "is quarantined: its worker died too often",
    "diverged": "diverged: its loss became NaN",
    "cancelled": "was cancelled",
}


def state(job: JobRow, tried: Sequence[Row]) -> str:
    """Say what became of a job that has no result.

    Args:
        job: The job.
        tried: Attempts at it, the last one last; may be empty.
    """
    last = tried[-1]["message"].partition("\n")[0] if tried and job.state != "running" else ""
    reasons = list(dict.fromkeys(one for one in (job.reason, job.progress_text, last) if one))
    because = f" ({'; '.join(reasons)})" if reasons else ""
    return f"This {STAGES[job.stage].lower()} {_STATES[job.state]}{because}."


def attempts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the attempts at some jobs as a table shows them."""
    return [
        {
            "stage": STAGES[row["stage"]].lower(),
            "job": row["fingerprint"][:DIGITS],
            "attempt": row["attempt"],
            "outcome": row["outcome"] or "running",
            "message": row["message"],
            "slot": f"{row['slot']} on {row['node']}",
            "started": row["started_at"],
            "took": _took(row),
            "directory": row["directory"],
        }
        for row in rows
    ]


def _took(row: Row) -> str:
    ended = row["ended_at"]
    return "" if ended is None else wording.duration((ended - row["started_at"]).total_seconds())


def environments(rows: Sequence[Row], uses: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    """Return environments as a table shows them.

    Args:
        rows: Of ``environments``.
        uses: Key of an environment → what was done in it.
    """
    return [
        {
            "used for": wording.listed(dict.fromkeys(uses[row["environment_key"]])),
            "device": f"{row['device']}, {wording.counted(row['threads'], 'thread')}",
            "software": software(row["software"]),
            "first seen (UTC)": time(row["first_seen_at"]),
            "still there": "yes" if row["superseded_at"] is None else f"no, superseded {time(row['superseded_at'])}",
        }
        for row in rows
    ]


def software(versions: Mapping[str, Any]) -> str:
    """Return names and versions of software in a line."""
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) or "–"


def commands(jobs: Mapping[str, str]) -> str:
    """Return the commands that tell more about some jobs.

    Args:
        jobs: What a job is in words → its fingerprint.
    """
    lines = []
    for words, fingerprint in jobs.items():
        short = fingerprint[:DIGITS]
        lines += [f"# {words}: what became of every attempt, and what the last one's worker wrote"]
        lines += [f"orchestrator explain {short}", f"orchestrator logs {short}"]
    return "\n".join(lines)


def alone(job: JobRow, place: Row | None) -> str:
    """Return the command that does a job once more, alone, from its JSON file.

    Args:
        job: The job.
        place: Row of ``environments``: where it was done last; None if nowhere yet.
    """
    options = ["--checkpoint weights.pt"] if job.stage == "evaluate" else []
    if place is not None:
        on_cpu = place["slot_kind"] == "cpu"
        options.append(f"--threads {place['threads']}" if on_cpu else f"--slot-kind {place['slot_kind']}")
    return " ".join(
        ["python -m workers", file_name(job), *options, f"> {job.stage}-{job.fingerprint[:DIGITS]}.reports"]
    )


def file_name(job: JobRow) -> str:
    """Return the name of the file that holds a job as JSON."""
    return f"{job.stage}-{job.fingerprint[:DIGITS]}.json"
