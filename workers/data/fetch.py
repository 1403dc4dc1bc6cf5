"""Fetching the named data sets, without root rights.

Fashion-MNIST comes from its authors' server by torchvision, or, where that cannot be reached, out of Debian's
package ``dataset-fashion-mnist``: downloaded and unpacked, not installed.
"""

import contextlib
import glob
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from typing import Iterator, List, Union

from workers.data.cifar import cifar_reader, load_cifar
from workers.data.fashion_mnist import CONTENT_MD5, DIRECTORY, load_fashion_mnist
from workers.errors import DataError
from workers.protocol.datasets import NAMED

_PACKAGE = "dataset-fashion-mnist"
_PACKAGE_DIRECTORY = os.path.join("usr", "share", "datasets", "fashion-mnist")
#: Seconds until a server that does not answer counts as unreachable.
_CONNECT_SECONDS = 10
_APT_SECONDS = 300


def fetch(name: str, directory: "Union[str, os.PathLike[str]]") -> None:
    """Fetch a named data set, or return at once where it is present and whole.

    Args:
        name: Of the data set.
        directory: The data directory; created where missing.

    Raises:
        DataError: It cannot be had; the message has every reason.
    """
    directory = os.fspath(directory)
    if name == "shapes":
        return
    if name not in NAMED:
        raise DataError("{!r} cannot be fetched: expected one of {}".format(name, ", ".join(NAMED)))
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise DataError(f"{name}: the data directory {directory} cannot be made: {error.strerror}") from error
    if name == "fashion-mnist":
        _fetch_fashion_mnist(directory)
    else:
        _fetch_cifar(name, directory)


def check(name: str, directory: "Union[str, os.PathLike[str]]") -> None:
    """Make sure that a named data set is present and whole, without fetching anything.

    Raises:
        DataError: It is not; the message says what is missing or damaged.
    """
    if name == "fashion-mnist":
        load_fashion_mnist(os.fspath(directory))
    elif name != "shapes":
        load_cifar(name, os.fspath(directory))


def _fetch_fashion_mnist(directory: str) -> None:
    if _whole(directory):
        return
    reasons: List[str] = []
    for source, attempt in (("its own server", _download_fashion_mnist), ("Debian's package", _unpack_from_debian)):
        try:
            attempt(directory)
            load_fashion_mnist(directory)
        except DataError as error:  # two sources
            reasons.append(f"  from {source}: {error}")
        else:
            return
    raise DataError(
        "fashion-mnist could be had from nowhere:\n" + "\n".join(reasons) + f"\nCopy its four files to "
        f"{os.path.join(directory, DIRECTORY)}, or use the drawn set instead: dataset: {{name: shapes}}"
    )


def _whole(directory: str) -> bool:
    try:
        load_fashion_mnist(directory)
    except DataError:
        return False
    return True


def _download_fashion_mnist(directory: str) -> None:
    try:
        from torchvision.datasets import FashionMNIST
    except ImportError as error:
        raise DataError(f"torchvision is not installed: {error}") from error
    for name in CONTENT_MD5:  # torchvision takes any file of the right name for the right one
        _remove(os.path.join(directory, DIRECTORY, name))
    with _impatient():
        try:
            FashionMNIST(directory, download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(f"{FashionMNIST.mirrors[0]}: {_one_line(error)}") from error


def _fetch_cifar(name: str, directory: str) -> None:
    kind = cifar_reader(name)
    with _impatient():
        try:
            kind(directory, download=True)
        except (OSError, RuntimeError) as error:
            message = f"{name} cannot be fetched from {kind.url}: {_one_line(error)}"
            raise DataError(f"{message}\nThe drawn set needs no network: dataset: {{name: shapes}}") from error
    load_cifar(name, directory)


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """Give up soon on servers that do not answer, and keep what libraries print off the standard output."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_CONNECT_SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _unpack_from_debian(directory: str) -> None:
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DataError(f"this system has no {tool}")
    with tempfile.TemporaryDirectory(prefix="fashion-mnist-") as scratch:
        apt = ["apt-get", "-q", *_private_apt_options(scratch)]
        _run([*apt, "update"], scratch)
        _run([*apt, "download", _PACKAGE], scratch)
        packages = glob.glob(os.path.join(scratch, f"{_PACKAGE}_*.deb"))
        if not packages:
            raise DataError(f"apt-get fetched no package {_PACKAGE}")
        _run(["dpkg-deb", "-x", packages[0], scratch], scratch)
        _take_files(os.path.join(scratch, _PACKAGE_DIRECTORY), os.path.join(directory, DIRECTORY))


def _private_apt_options(scratch: str) -> List[str]:
    """Options that make apt-get work in a directory of ours, so that it needs no root rights and changes nothing."""
    for needed in (("lists", "partial"), ("archives", "partial")):
        os.makedirs(os.path.join(scratch, *needed))
    options = {
        "Dir::State::Lists": os.path.join(scratch, "lists"),
        "Dir::Cache": scratch,
        "Dir::Cache::Archives": os.path.join(scratch, "archives"),
        "APT::Sandbox::User": "",
        "APT::Update::Post-Invoke-Success": "",
        "Acquire::http::Timeout": str(_CONNECT_SECONDS),
        "Acquire::https::Timeout": str(_CONNECT_SECONDS),
        "Acquire::Retries": "0",
        "Acquire::Languages": "none",
    }
    return [argument for key, value in options.items() for argument in ("-o", f"{key}={value}")]


def _run(command: List[str], directory: str) -> None:
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=_APT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DataError(f"{command[0]}: {_one_line(error)}") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise DataError("{} {}: {}".format(command[0], command[-1], lines[-1] if lines else "failed"))


def _take_files(source: str, target: str) -> None:
    """Move the four files into place, each whole or not at all."""
    try:
        os.makedirs(target, exist_ok=True)
        for name in CONTENT_MD5:
            part = os.path.join(target, f"{name}.gz.part")
            shutil.copyfile(os.path.join(source, f"{name}.gz"), part)
            os.replace(part, os.path.join(target, f"{name}.gz"))
            _remove(os.path.join(target, name))  # an uncompressed file would be read in its stead
    except OSError as error:
        raise DataError(f"the package's files cannot be put into {target}: {error}") from error


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
