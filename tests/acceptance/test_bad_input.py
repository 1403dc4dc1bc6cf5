"""A mistake in the sweep file: one message with file, line and key; exit code 2; nothing written."""

from __future__ import annotations

import pytest

from tests.acceptance.place import SWEEP

MISTAKES = {
    "a typo in a key": ("norm: gn", "nrom: gn", 6, "norm"),
    "a wrong type": ("epochs: 2", "epochs: two", 9, "epochs"),
    "a network that cannot be built": ("size: b0, width: 0.25", "size: b6, width: 1.0", 5, "group_size"),
    "an empty axis": ("norm: gn", "norm: []", 6, "norm"),
    "not YAML": ("grid:", "grid: [", 6, "begins on line 4"),
    "an unknown data set": ("fashion-mnist", "fashion-mnsit", 2, "did you mean"),
}


@pytest.mark.parametrize("command", ["launch", "plan"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_clear_message_and_writes_nothing(place, mistake, command):
    right, wrong, line, word = MISTAKES[mistake]
    assert right in SWEEP
    place.write(SWEEP.replace(right, wrong))
    output = place.ask(command, "sweep.yaml", expect=2)
    assert f"sweep.yaml:{line}:" in output
    assert word in output
    assert [path.name for path in place.directory.iterdir()] == ["sweep.yaml"]


def test_a_file_that_is_not_there(place):
    assert "no such file" in place.run("launch", "nowhere.yaml", expect=2)


def test_a_slot_that_is_not_here_is_said_at_once(place):
    place.write(SWEEP.replace("slots: {cpu: {threads: 1, count: 2}}", "slots: {cuda: {}}"))
    assert "cuda" in place.ask("launch", "sweep.yaml", expect=3)
    assert [path.name for path in place.directory.iterdir()] == ["sweep.yaml"]


def test_images_that_cannot_be_had_are_said_before_anything_is_written(place):
    place.write(SWEEP.replace("fashion-mnist", "cifar10"))
    (place.directory / "no-directory").write_text("a file", encoding="utf-8")
    output = place.ask("launch", "sweep.yaml", "--data", "no-directory", expect=2)
    assert "cifar10" in output
    assert not (place.directory / "orchestrator.db").exists()
