"""Fetching data sets: at once when present, and one clear message when they can be had from nowhere."""

import subprocess
import sys
import time

import pytest
import torchvision

from workers.data.__main__ import main
from workers.data.fashion_mnist import CONTENT_MD5
from workers.data.fetch import fetch
from workers.errors import DataError

_NOBODY_LISTENS = "http://127.0.0.1:9/"


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Neither the authors' server nor Debian's tools."""
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [_NOBODY_LISTENS])
    monkeypatch.setattr(torchvision.datasets.CIFAR10, "url", _NOBODY_LISTENS)
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    return tools


def test_a_present_set_is_left_as_it_is(data_directory, nowhere):
    del nowhere
    files = {path: path.stat().st_mtime_ns for path in data_directory.rglob("*.gz")}
    started = time.process_time()
    fetch("fashion-mnist", data_directory)
    assert time.process_time() - started < 5
    assert files == {path: path.stat().st_mtime_ns for path in data_directory.rglob("*.gz")}


@pytest.mark.usefixtures("nowhere")
def test_a_set_that_can_be_had_from_nowhere_is_refused_with_every_reason_and_the_way_out(tmp_path, capsys):
    assert main(["fetch", "fashion-mnist", "--to", str(tmp_path / "data")]) == 2
    message = capsys.readouterr().err
    assert "from its own server: " + _NOBODY_LISTENS in message
    assert "from Debian's package: this system has no apt-get" in message
    assert "dataset: {name: shapes}" in message
    assert "Traceback" not in message


def test_what_apt_says_is_passed_on_and_its_state_is_a_directory_of_ours(nowhere, tmp_path):
    for name, script in (
        ("apt-get", 'echo "$@" > ' + f"{tmp_path}/said\necho 'E: no such host' >&2\nexit 100"),
        ("dpkg-deb", "exit 1"),
    ):
        (nowhere / name).write_text(f"#!/bin/sh\n{script}\n")
        (nowhere / name).chmod(0o755)
    with pytest.raises(DataError, match="apt-get update: E: no such host"):
        fetch("fashion-mnist", tmp_path / "data")
    said = (tmp_path / "said").read_text()
    assert "Dir::State::Lists=/" in said
    assert "/var/lib/apt" not in said


def test_a_package_with_other_content_is_refused(nowhere, tmp_path):
    (nowhere / "apt-get").write_text("#!/bin/sh\n: > dataset-fashion-mnist_1_all.deb\n")
    unpack = 'd="$3/usr/share/datasets/fashion-mnist"; /bin/mkdir -p "$d"\n'
    unpack += "".join(f': > "$d/{name}.gz"\n' for name in CONTENT_MD5)
    (nowhere / "dpkg-deb").write_text(f"#!/bin/sh\n{unpack}")
    for tool in nowhere.iterdir():
        tool.chmod(0o755)
    with pytest.raises(DataError, match=r"from Debian's package: fashion-mnist: .* is damaged"):
        fetch("fashion-mnist", tmp_path / "data")


@pytest.mark.usefixtures("nowhere")
def test_cifar_without_network_says_so(tmp_path):
    with pytest.raises(DataError, match=r"cifar10 cannot be fetched from http://127\.0\.0\.1:9/"):
        fetch("cifar10", tmp_path)


def test_the_drawn_set_needs_no_fetching_and_unknown_ones_are_refused(tmp_path):
    fetch("shapes", tmp_path / "data")
    assert not (tmp_path / "data").exists()
    command = [sys.executable, "-m", "workers.data", "fetch", "mnist"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "fashion-mnist" in done.stderr
