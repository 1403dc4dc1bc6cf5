"""Tests of IPU slots, on a strict stand-in of PopTorch in ``tests/ipu/standin``.

How to use it::

    def test_something(standin, monkeypatch):
        poptorch = standin.poptorch                       # importable in this process ...
        monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "16")  # what there is to control: standin/poptorch/_control.py
        subprocess.run([sys.executable, "-m", "workers", ...])  # ... and in programs that inherit the environment
        standin.enable_script                             # for `source`: what an SDK's enable.sh is to real PopTorch
        standin.events()                                  # what happened in all processes: compile, run, attach ...

A program under torch 2.0.1 and Python 3.8 needs nothing but ``PYTHONPATH``.

What is stricter than PopTorch: the host's weights stay old until ``copyWeightsToHost()``, ``detachFromDevice()`` or
``destroy()``; a destroyed executor is not compiled again; operations after the final loss, trained parameters outside
the optimiser's groups and shares of memory for IPUs that are not there are errors.

What a model and a training must keep to, as in PopTorch 3.4 with torch 2.0.1:
    * Python runs once, while the model is compiled; whatever it computed from numbers is part of the program.
    * ``cross_entropy`` with label smoothing and classes as targets takes operations that IPUs lack (masked_select);
      with class probabilities as targets it does not, and neither does smoothing written out.
    * SGD with Nesterov momentum is refused (ValueError).
    * half and single precision in one operation compute in single precision.
    * ``poptorch.DataLoader(batch_size=None)`` needs ``drop_last=False``, and what an asynchronous one yields is
      overwritten when the next element is asked for.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import pytest

STANDIN = Path(__file__).parent / "standin"


class Standin(NamedTuple):
    """The stand-in, ready to be imported.

    Attributes:
        poptorch: The module.
        path: Directory that belongs on a Python path.
        enable_script: Puts it there, for a shell.
        log: File that ``events`` reads.
    """

    poptorch: Any
    path: Path
    enable_script: Path
    log: Path

    def events(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return what has happened so far, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [event for event in map(json.loads, lines) if kind is None or event["event"] == kind]


@pytest.fixture
def standin(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("POPTORCH_", "POPLAR_", "OMPI_COMM_WORLD_", "IPUOF_")):
            monkeypatch.delenv(name)
    inherited = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STANDIN), *([inherited] if inherited else [])]))
    monkeypatch.setenv("POPTORCH_STANDIN_ANY_TORCH", "1")
    monkeypatch.setenv("POPTORCH_STANDIN_LOG", str(tmp_path / "poptorch.jsonl"))
    monkeypatch.syspath_prepend(str(STANDIN))
    poptorch = importlib.import_module("poptorch")
    if poptorch._device._held:
        gc.collect()  # gives back the IPUs of tests before
    poptorch._control._runs = 0
    return Standin(poptorch, STANDIN, STANDIN / "enable.sh", tmp_path / "poptorch.jsonl")
