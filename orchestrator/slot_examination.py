"""What ``orchestrator doctor`` says of slots: those that a sweep file asks for, or those that are used without one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.capacity import find_capacity, needs_of, resources_here
from orchestrator.checks import FILE, OK, SLOTS, Finding, kernel_finding, problem, slot_finding
from orchestrator.errors import ImpossibleHereError, InputError
from orchestrator.expansion import expand
from orchestrator.slots.ray_pool import RayPool
from orchestrator.slots.request import kinds_here, probe, slot_requests
from orchestrator.slots.worker_process import WorkerSettings, worker_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from orchestrator.slot_sections import IpuSlots, SlotsSection
    from orchestrator.slots.request import Probed, SlotRequest
    from orchestrator.sweep import Sweep

#: Longest wait for a program that tells its version, or that reads a data set, seconds.
_SECONDS = 300.0
#: Asked of the interpreter of IPU slots: what is installed, without importing it.
_VERSIONS = """
import platform
from importlib import metadata
found = {one.metadata["Name"]: one.version for one in metadata.distributions()}
names = ("torch", "poptorch", "numpy")
print(", ".join(["Python " + platform.python_version()] + [n + " " + found[n] for n in names if n in found]))
"""
#: torch comes first, as in a worker: its OpenMP is the one that kernels use.
_KERNELS = (
    "import torch; from workers.models.kernel_library import kernels as k; print(k().name, k().reason, sep=chr(10))"
)


def examine_slots(address: str | None, sweep: Sweep | None) -> Iterator[Finding]:
    """Look at the slots, and whether the sweep fits on them.

    Args:
        address: Of a Ray cluster; None is this machine.
        sweep: What is to be run; None if nothing yet.
    """
    section = None if sweep is None else sweep.spec.slots
    with tempfile.TemporaryDirectory() as home:
        if address is None:
            findings, keys = _this_machine(section, Path(home))
        else:
            findings, keys = _cluster(address, section, Path(home))
    yield from findings
    if sweep is not None:
        yield _expansion(sweep, keys)


def ask_worker_program(*arguments: str, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run an interpreter as a processor slot's worker is run."""
    settings = WorkerSettings(slot_kind="cpu", threads=1, home="")
    with tempfile.TemporaryDirectory() as empty:
        return subprocess.run(
            [python, *arguments],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            cwd=empty,
            env=worker_environment(settings),
            check=False,
        )


# ---- this machine ----------------------------------------------------------------------------------------------------


def _this_machine(section: SlotsSection | None, home: Path) -> tuple[list[Finding], Mapping[str, Sequence[str]]]:
    requests = slot_requests(section, kinds_here(), home)
    findings = [] if section is None or section.ipu is None else list(_ipu_files(section.ipu))
    probed = probe(requests)
    resources = resources_here(probed.environments)
    findings += [_slots_of(request, probed, resources) for request in requests]
    if "cpu" in probed.environments:
        findings.append(_kernels())
    findings.append(_local_ray({name: amount for name, amount in resources.items() if name == "IPU"}))
    return findings, {kind: [one.key for one in found] for kind, found in probed.environments.items()}


def _ipu_files(section: IpuSlots) -> Iterator[Finding]:
    """Look at what IPU slots need before they can be probed."""
    try:
        done = ask_worker_program("-c", _VERSIONS, python=section.python)
        words, wrong = done.stdout.strip(), done.stderr.strip().splitlines()[-1:]
    except (OSError, subprocess.TimeoutExpired) as error:
        words, wrong = "", [str(error)]
    if words:
        yield Finding("slots.ipu.python", OK, f"{section.python}: {words}")
    else:
        remedy = "name the interpreter of an environment that PopTorch's wheel is installed in"
        yield problem("slots.ipu.python", f"{section.python} does not run: {' '.join(wrong)}", remedy, SLOTS)
    for script in section.enable:
        if os.access(script, os.R_OK) and not Path(script).is_dir():
            yield Finding("slots.ipu.enable", OK, script)
        else:
            remedy = "name the enable.sh of poplar and popart, in the directory of the Poplar SDK"
            yield problem("slots.ipu.enable", f"{script} is not there, or cannot be read", remedy, SLOTS)


def _slots_of(request: SlotRequest, probed: Probed, resources: Mapping[str, float]) -> Finding:
    what = f"{request.kind} slots"
    if request.kind in probed.problems:
        return problem(what, probed.problems[request.kind], "see `slots` in docs/sweep-file.md", SLOTS)
    environment = probed.environments[request.kind][0]
    count = request.count_on(resources)
    if count == 0:
        found = f"{environment.device}: no slot of {needs_of(request)} fits on this machine"
        return problem(what, found, "ask for fewer threads, or for fewer IPUs per slot", SLOTS)
    return slot_finding(what, count, environment)


def _kernels() -> Finding:
    done = ask_worker_program("-c", _KERNELS)
    name, _, reason = done.stdout.partition("\n")
    return kernel_finding(name or "eager", reason.strip() or done.stderr.strip())


def _local_ray(resources: Mapping[str, float]) -> Finding:
    try:
        RayPool(None, resources).close()
    except ImpossibleHereError as error:
        return problem("Ray", error.message, error.hint, SLOTS)
    return Finding("Ray", OK, "a local one starts and ends")


# ---- a cluster -------------------------------------------------------------------------------------------------------


def _cluster(
    address: str, section: SlotsSection | None, home: Path
) -> tuple[list[Finding], Mapping[str, Sequence[str]]]:
    try:
        capacity = find_capacity(address, section, home)
    except ImpossibleHereError as error:
        return [problem("Ray", error.message, error.hint, SLOTS)], {}
    capacity.close()
    findings = [Finding("Ray", OK, f"the cluster at {address} answers")]
    findings += [
        slot_finding(f"{kind} slots", capacity.slots[kind], environment)
        for kind, found in capacity.environments.items()
        for environment in found
    ]
    remedy = "see `slots` in docs/sweep-file.md; on IPU machines: ray start --resources '{\"IPU\": 16}'"
    findings += [problem(f"{kind} slots", text, remedy, SLOTS) for kind, text in capacity.problems.items()]
    return findings, capacity.environment_keys


# ---- the sweep -------------------------------------------------------------------------------------------------------


def _expansion(sweep: Sweep, keys: Mapping[str, Sequence[str]]) -> Finding:
    try:
        expansion = expand(sweep, keys, allow_many=True)
    except InputError as error:
        return problem("sweep file", error.message, exit_code=FILE)
    stages = ("training", "evaluation", "measurement")
    counts = ", ".join(f"{len(getattr(expansion, f'{stage}s'))} {stage}(s)" for stage in stages)
    return Finding("sweep file", OK, f"{sweep.document.source}: {counts}")
