"""Compiling and loading what is in ``kernels/``: once per machine, compiler and source, into the user's cache.

The library is plain C, so one build serves every version of Python and torch. Where it cannot be had, because there is
no compiler or nothing can be written, networks run on torch's own operations: the same results, slower. Throughput
depends on which, so that it is part of a worker's environment (``Kernels.name``).
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from functools import lru_cache
from typing import List, NamedTuple, Optional, Tuple

#: Set to ``off`` to run on torch's own operations.
SWITCH = "FRONTSWEEP_KERNELS"
_SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels")
#: NaN and infinity stay what they are: a network that diverges has to be seen to.
_FLAGS = ["-std=c++17", "-O3", "-march=native", "-fPIC", "-fopenmp", "-fno-math-errno", "-fno-trapping-math"]
_COMPILERS = ("g++", "c++")
_SECONDS_TO_COMPILE = 120

_LONG, _INT, _REAL, _POINTER = ctypes.c_long, ctypes.c_int, ctypes.c_double, ctypes.c_void_p
_IMAGES = [*[_LONG] * 4, _INT]
_SIGNATURES = {
    "norm_forward": [
        *_IMAGES,
        _LONG,
        *[_INT] * 3,
        _REAL,
        *[_POINTER] * 6,
        _LONG,
        _REAL,
        *[_POINTER] * 7,
        _REAL,
        *[_POINTER] * 2,
    ],
    "norm_backward": [*_IMAGES, _LONG, *[_INT] * 2, *[_POINTER] * 19],
    "gate_backward": [*_IMAGES, *[_POINTER] * 5],
    "depthwise_weights": [*[_LONG] * 10, *[_POINTER] * 3],
}


class Kernels(NamedTuple):
    """The library, or why there is none.

    Attributes:
        library: Its functions take ``_float`` or ``_double`` at the end of their names.
        name: What a worker's environment says: ``fused-`` and the version, or ``eager``.
        reason: Why there is no library; empty if there is one.
    """

    library: Optional[ctypes.CDLL]
    name: str
    reason: str


@lru_cache(maxsize=1)
def kernels() -> Kernels:
    """Return the library, compiled now if it never was on this machine; takes some seconds then."""
    if os.environ.get(SWITCH, "").lower() in {"off", "0", "no"}:
        return Kernels(None, "eager", f"{SWITCH} switches them off")
    try:
        path, version = _built()
        library = _load(path)
    except (OSError, subprocess.SubprocessError, AttributeError) as error:
        return Kernels(None, "eager", str(error))
    return Kernels(library, f"fused-{version[:8]}", "")


def _source() -> bytes:
    parts = []
    for name in sorted(os.listdir(_SOURCES)):
        with open(os.path.join(_SOURCES, name), "rb") as file:
            parts.append(file.read())
    return b"\0".join(parts)


def _built() -> Tuple[str, str]:
    """Return path and version of the library that belongs to source, flags, compiler and processor."""
    compiler = next((path for path in map(shutil.which, _COMPILERS) if path), None)
    if compiler is None:
        raise OSError("no C++ compiler ({}) is on the path".format(" or ".join(_COMPILERS)))
    version = subprocess.run([compiler, "--version"], check=True, capture_output=True, timeout=_SECONDS_TO_COMPILE)
    parts = [_source(), " ".join(_FLAGS).encode(), version.stdout, _processor()]
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    directory = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "frontsweep")
    path = os.path.join(directory, f"kernels-{key}.so")
    if not os.path.exists(path):
        os.makedirs(directory, mode=0o700, exist_ok=True)
        _compile(compiler, path)
    return path, key


def _compile(compiler: str, path: str) -> None:
    """Compile beside the target and move into its place, so that whoever looks finds a whole library or none."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as directory:
        compiled, linked = os.path.join(directory, "kernels.o"), os.path.join(directory, "kernels.so")
        _run([compiler, *_FLAGS, "-c", os.path.join(_SOURCES, "kernels.cpp"), "-o", compiled])
        # Linked without OpenMP's runtime: torch has loaded one for all to see, and two would fight for the processors.
        _run([compiler, "-shared", compiled, "-o", linked])
        os.replace(linked, path)


def _run(command: List[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS_TO_COMPILE)
    if done.returncode:
        raise OSError("{} failed: {}".format(" ".join(command), done.stderr.strip()[:500]))


def _processor() -> bytes:
    """Return what ``-march=native`` depends on: homes are shared between machines."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            lines = file.read().splitlines()
    except OSError:
        return platform.processor().encode()
    told = (b"vendor_id", b"cpu family", b"model", b"flags", b"Features", b"CPU part")
    return platform.machine().encode() + b"\n".join(sorted({line for line in lines if line.startswith(told)}))


def _load(path: str) -> ctypes.CDLL:
    library = ctypes.CDLL(path)
    for name, arguments in _SIGNATURES.items():
        for suffix in ("float", "double"):
            function = getattr(library, f"{name}_{suffix}")
            function.argtypes = arguments
            function.restype = None
    return library
