"""A sweep file to start from: the one that the documentation shows."""

from pathlib import Path

import pytest

from orchestrator.errors import InputError
from orchestrator.expansion import expand
from orchestrator.sweep import Sweep, check_sweep
from orchestrator.sweep_file import parse_document, with_overrides

SWEEP = """\
name: fashion-g16-half
dataset: {name: fashion-mnist, train_images: 12000}
model: {size: b0, width: [0.25, 0.5], small_images: true}
grid:
  group_size: [1, 16]
  expansion: auto
  norm: [gn, ln+pn]
  train_resolution: [20, 28]
  seed: [0, 1]
zip: []
exclude: ["norm == 'gn' and group_size == 16 and train_resolution == 20"]
test_resolution: [20, 24, 28, 32]
recipe: {epochs: 4, batch_size: 128, optimizer: rmsprop, mixup: 0.1, label_smoothing: 0.1, weight_average: 0.97}
fine_tune: {epochs: 1, layers: head}
measure: {modes: [train, inference], batch_size: auto}
slots: {cpu: {threads: 1}}
"""

#: One training at one resolution, tested there; everything else by default.
SMALL = """\
name: small
dataset: {name: fashion-mnist}
model: {size: b0, width: 0.25, small_images: true}
grid: {group_size: 1, norm: gn, train_resolution: native}
"""


def sweep_of(text: str, *overrides: str, directory: Path = Path()) -> Sweep:
    """Read a sweep from text as if it were a file called sweep.yaml."""
    return check_sweep(with_overrides(parse_document(text.encode(), "sweep.yaml"), overrides), directory)


def refusal(text: str, *overrides: str) -> str:
    """Return the message with which a file is refused, at the latest when its jobs are listed."""
    with pytest.raises(InputError) as caught:
        expand(sweep_of(text, *overrides), {"cpu": ["environment"]})
    message = str(caught.value)
    assert "Traceback" not in message
    assert caught.value.exit_code == 2
    return message
