"""What ``orchestrator doctor`` says: findings, each with what to do about it. Pure: facts come in as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workers.protocol.orders import Environment

OK, NOTE, PROBLEM = "ok", "note", "problem"
#: Exit codes of the command, the most important first: the file, the database, the slots, anything else.
FILE, DATABASE, SLOTS, OTHER = 2, 4, 3, 1

#: Less free space than this is a problem, bytes: a checkpoint of a large network has about 100 MB, and there are many.
LEAST_FREE_BYTES = 2 * 10**9


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Was looked at.
        state: ``ok``, ``note`` (works, but not as well as it could) or ``problem``.
        found: In words.
        remedy: What to do; empty where nothing is.
        exit_code: Of the command, if this is a problem.
    """

    what: str
    state: str
    found: str
    remedy: str = ""
    exit_code: int = OTHER

    def to_json(self) -> dict[str, Any]:
        """Return JSON types; the exit code where there is a problem."""
        return {key: value for key, value in asdict(self).items() if key != "exit_code" or self.state == PROBLEM}


def problem(what: str, found: str, remedy: str = "", exit_code: int = OTHER) -> Finding:
    """Return a finding that something cannot be used."""
    return Finding(what, PROBLEM, found, remedy, exit_code)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code of the command: 0 without problems, else that of the most important one."""
    codes = {one.exit_code for one in findings if one.state == PROBLEM}
    return next((code for code in (FILE, DATABASE, SLOTS, OTHER) if code in codes), 0)


def package_finding(requirements: Sequence[str], installed: Mapping[str, str]) -> Finding:
    """Compare the packages that the program asks for with those that are installed.

    Args:
        requirements: As a distribution's metadata has them.
        installed: Canonical name → version.
    """
    wrong, versions = [], []
    for text in requirements:
        try:
            wanted = Requirement(text)
        except InvalidRequirement:  # of another tool's making
            continue
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        version = installed.get(canonicalize_name(wanted.name))
        if version is None:
            wrong.append(f"{wanted.name} is missing")
        elif not wanted.specifier.contains(version, prereleases=True):
            wrong.append(f"{wanted.name} {version} is not {wanted.specifier}")
        else:
            versions.append(f"{wanted.name} {version}")
    if wrong:
        return problem("packages", "; ".join(wrong), "install the program again, with its requirements")
    return Finding("packages", OK, ", ".join(versions))


def space_finding(what: str, directory: str, *, writable: bool, free_bytes: int) -> Finding:
    """Judge a directory that is written to.

    Args:
        what: Of the program lies there.
        directory: Its path.
        writable: Whether it, or what it would be made in, can be written to.
        free_bytes: Left on its disk.
    """
    free = f"{free_bytes / 1e9:.1f} GB free"
    if not writable:
        return problem(what, f"{directory} cannot be written to", "choose another directory, or its rights")
    if free_bytes < LEAST_FREE_BYTES:
        return problem(what, f"{directory}: {free}", "make room, or choose a directory on another disk")
    return Finding(what, OK, f"{directory}: {free}")


def slot_finding(what: str, count: int, environment: Environment) -> Finding:
    """Describe slots that are here.

    Args:
        what: Their kind.
        count: How many.
        environment: What a worker found.
    """
    versions = ", ".join(f"{name} {version}" for name, version in sorted(environment.software.items()))
    ipus = environment.details.get("ipus")
    more = "" if ipus is None else f"; one program can have {ipus} IPUs here"
    return Finding(what, OK, f"{count} × {environment.device}, {environment.threads} thread(s){more} ({versions})")


def kernel_finding(name: str, reason: str) -> Finding:
    """Judge the kernels that networks run on in processor slots.

    Args:
        name: As environments have it: ``eager``, or the name of the library.
        reason: Why there is no library.
    """
    if name != "eager":
        return Finding("kernels", OK, f"{name}, compiled for this machine")
    remedy = (
        "unset FRONTSWEEP_KERNELS" if "FRONTSWEEP_KERNELS" in reason else "install a C++17 compiler with OpenMP (g++)"
    )
    return Finding("kernels", NOTE, f"networks run on torch's own operations, which is slower: {reason}", remedy)
