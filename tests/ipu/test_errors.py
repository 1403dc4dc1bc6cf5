"""What PopTorch raises, in words that say what to do, with the class of failure that decides about another attempt."""

import pytest

from workers.attempt import failed
from workers.errors import DeviceError
from workers.ipu.errors import translated

pytestmark = pytest.mark.usefixtures("standin")


def reported(kind, message, cls="Error", **attributes):
    """Raise an error as PopTorch does, its details being the class's, and return the report that comes of it."""
    import poptorch

    raised = type(cls, (getattr(poptorch, cls),), dict(attributes, type=kind, message=message, location="[0] compile"))
    with pytest.raises(Exception) as caught, translated():
        raise raised(f"In unknown.cpp:627: '{kind}': {message}\nError raised in:\n  [0] compile")
    return failed("job", 1, caught.value)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("poplar_graph_memory_allocation_error", "Tile memory is full"),
        ("popart_exception", "Out of memory on tile 1: 674752 bytes used but tiles only have 638976 bytes of memory"),
        ("poplar_exception", "Out of memory: Cannot fit all variable data onto one or more tiles."),
        ("poplar_exception", "Tile 0 receives more data than it has total memory in exchange 'cs19_98/Pre'"),
        ("poplar_link_error", "_poplar_start must be 0. Typically there is too much code to fit in code memory."),
    ],
)
def test_a_network_that_does_not_fit_says_what_to_change(kind, message):
    report = reported(kind, message)
    assert report.failure == "device_memory"
    assert "a smaller micro_batch, more ipus_per_replica, or a lower available_memory" in report.message
    assert message in report.message


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("IPU_RESET", "reset the IPUs (a new process does so"),
        ("LINK_RESET", "vipu reset partition"),
        ("PARTITION_RESET", "vipu reset partition"),
        ("FULL_RESET", "switch the IPU machine off and on"),
        ("NEW_RESET", "recover them (NEW_RESET)"),
    ],
)
def test_a_failure_that_can_be_recovered_from_says_how(action, words):
    report = reported(
        "poplar_recoverable_runtime_error", "a host sync failed", "RecoverableError", recovery_action=action
    )
    assert report.failure == "device_reset"
    assert words in report.message
    assert "a host sync failed" in report.message


def test_a_failure_of_unknown_cause_is_worth_another_process():
    assert reported("poplar_unknown_runtime_error", "something broke").failure == "device_reset"


def test_broken_ipus_are_out_of_service():
    report = reported("poplar_unrecoverable_runtime_error", "parity error", "UnrecoverableError")
    assert report.failure == "device_broken"
    assert "take the machine out of service: parity error" in report.message


@pytest.mark.parametrize("more", ["", "\nNo device found on the system with 16 IPUs: the configuration needs changing"])
def test_ipus_that_are_not_free_can_be_waited_for(more):
    report = reported("poptorch_cpp_error", f"Failed to acquire 16 IPU(s){more}")
    assert report.failure == "device"
    assert "wait: true waits until they are free" in report.message
    assert "\n" not in report.message
    assert more.strip() in report.message


def test_anything_else_keeps_its_words_and_its_kind_without_places_in_code_that_is_not_the_users():
    report = reported("popart_exception", "No implementation for op aten::fancy")
    assert report.failure == "error"
    assert report.message == "PopTorch refuses (popart_exception): No implementation for op aten::fancy"
    assert "CompilerImpl" not in report.message
    assert "[0] compile" in report.traceback


def test_errors_without_details_are_told_by_their_text():
    for nothing in ("", None):
        assert reported(nothing, nothing).message.startswith("PopTorch refuses (Error): In unknown.cpp:627")
    reset = reported(None, None, "RecoverableError", recovery_action=None)
    assert reset.message.startswith("the IPUs failed; to go on, reset them: In unknown.cpp")


def test_what_is_not_poptorchs_passes_unchanged():
    with pytest.raises(DeviceError, match=r"^ours$"), translated():
        raise DeviceError("ours")
    with pytest.raises(RuntimeError, match=r"^torch's$"), translated():
        raise RuntimeError("torch's")
