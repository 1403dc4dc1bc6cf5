"""The settings of a job as a person reads them: names, values with their units, what is left open. Pure."""

from collections.abc import Mapping
from typing import Any, Final

Row = Mapping[str, Any]
#: Name of a setting → its value with its unit.
Facts = dict[str, str]

#: Group of a job's settings in words → name in the job.
_GROUPS: Final = {
    "Network": "variant",
    "Data set": "dataset",
    "Training recipe": "recipe",
    "Fine-tuning": "fine_tune",
    "Images of the part with loading": "loading",
    "Layout on IPUs": "ipu",
}
#: Setting → what no value means.
_OPEN: Final = {
    "learning_rate": "the usual one",
    "weight_decay": "the optimizer's usual one",
    "dropout": "the size's own",
    "mixup": "the paper's",
    "cutmix": "the paper's",
    "rms_decay": "the paper's",
    "train_images": "all",
    "test_images": "all",
    "validation_images": "the usual share",
    "batch_size": "the fastest",
    "memory_format": "the faster one",
    "compile": "the faster way",
    "micro_batch": "the fastest",
    "split": "into stages of like cost",
    "available_memory": "PopTorch's own",
}
_UNITS: Final = {
    "resolution": "px",
    "test_resolution": "px",
    "image_side": "px",
    "batch_size": "images",
    "micro_batch": "images",
    "group_size": "channels",
    "block_seconds": "s",
    "warmup_seconds": "s",
}
_NAMES: Final = {
    "ema": "EMA",
    "rms_decay": "RMS decay",
    "cutmix": "CutMix",
    "resolution": "train resolution",
    "ipus_per_replica": "IPUs per replica",
}
#: Where the images of a measurement on IPUs come from.
_IMAGES: Final = {"generated": "images from the host", "synthetic": "images made up on the device"}
#: Parts of a job that are no settings, or that are told elsewhere.
_NO_SETTINGS: Final = {"stage", "environment_key", "ipu"}


def configuration(config: Row) -> dict[str, Facts]:
    """Return the settings of a job by groups; those of its training with those of an evaluation."""
    flat = {**config.get("training", {}), **{name: value for name, value in config.items() if name != "training"}}
    if isinstance(flat.get("loading"), Mapping):  # of these images, the data set has a table of its own
        loading = dict(flat["loading"])
        flat |= {"dataset": loading.pop("dataset", None), "loading": loading}
    groups = {
        words: {label(name): setting(name, value) for name, value in flat.pop(part).items()}
        for words, part in _GROUPS.items()
        if isinstance(flat.get(part), Mapping)
    }
    measures = config.get("stage") == "measure"  # at a resolution that nothing is trained at
    rest = {
        "Resolution" if name == "resolution" and measures else label(name): setting(name, value)
        for name, value in flat.items()
        if name not in _NO_SETTINGS and not isinstance(value, Mapping)
    }
    return {**groups, **({"Job": rest} if rest else {})}


def label(name: str) -> str:
    """Return a setting's name as a person reads it."""
    said = _NAMES.get(name) or name.replace("_seconds", "").replace("_", " ")
    return said[:1].upper() + said[1:]


def setting(name: str, value: Any) -> str:
    """Return the value of a setting with its unit, or what it means that there is none."""
    if value is None or value == []:
        return _OPEN.get(name, "–" if value is None else "none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(f"{one}" for one in value)
    if name == "data":
        return _IMAGES.get(value, str(value))
    counts_images = name.endswith("_images")
    told = f"{value:g}" if isinstance(value, float) else f"{value:,}" if counts_images else str(value)
    unit = _UNITS.get(name, "")
    return f"{told} {unit.removesuffix('s') if told == '1' and len(unit) > 1 else unit}".strip()
