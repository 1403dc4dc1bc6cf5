"""How batches are cut up for IPUs, without an IPU."""

from __future__ import annotations

import json

import pytest

from workers.protocol import ipu
from workers.protocol.ipu import (
    ImpossibleLayoutError,
    IpuLayout,
    IpuSettings,
    fine_tuning_layout,
    inference_layout,
    settings_from_dict,
    settings_to_dict,
    training_layout,
)
from workers.protocol.jobs import MeasureJob, TrainJob, job_from_dict, job_to_dict
from workers.protocol.variant import Variant

#: The paper's machine, 16 IPUs: B0 in 2 stages and 8 replicas, larger ones in 4 and 4.
POD16 = IpuSettings(
    ipus_per_replica={"b0": 2, "b3": 4}, replicas={"b0": 8, "b3": 4}, inference_ipus_per_replica={"b0": 1, "b3": 2}
)
G16 = Variant("b0", 16, 4, "gn", 1.0, small_images=False)


def trained(settings: IpuSettings, size: str = "b0", batch: int = 768, norm: str = "gn") -> IpuLayout:
    return training_layout(settings, size, batch, precision="16.32", norm=norm)


def problem_of(settings: IpuSettings, size: str = "b0", batch: int = 768, norm: str = "gn") -> tuple[str, str]:
    with pytest.raises(ImpossibleLayoutError) as caught:
        trained(settings, size, batch, norm)
    return caught.value.key, str(caught.value)


def test_a_weight_update_takes_the_recipe_s_batch() -> None:
    for size, expected in (("b0", (2, 8, 12, 8)), ("b3", (4, 4, 6, 32))):
        layout = trained(POD16, size)
        assert (layout.ipus_per_replica, layout.replicas, layout.micro_batch, layout.accumulation) == expected
        assert layout.batch_size() == 768
        assert layout.images_per_call() == 768  # the learning rate changes at each update, so one update per call
        assert layout.ipus == 16


def test_a_named_micro_batch_is_kept_and_must_divide_a_replica_s_share() -> None:
    assert trained(IpuSettings(replicas=2, micro_batch=16), batch=128).accumulation == 4
    key, message = problem_of(IpuSettings(replicas=2, micro_batch=24), batch=128)
    assert key == "micro_batch"
    assert "64 images per replica of b0 (128 / 2) are no multiple of a micro-batch of 24" in message


def test_an_open_micro_batch_is_the_largest_usual_one_that_divides() -> None:
    assert trained(IpuSettings(), batch=128).micro_batch == 8
    assert trained(IpuSettings(), batch=96).micro_batch == 12
    assert trained(IpuSettings(), batch=13).micro_batch == 1


def test_a_pipeline_is_kept_full() -> None:
    assert trained(IpuSettings(ipus_per_replica=4), batch=56).accumulation == 7
    key, message = problem_of(IpuSettings(ipus_per_replica=4, micro_batch=8), batch=32)
    assert key == "micro_batch"
    assert "at least 7 micro-batches per weight update" in message
    assert problem_of(IpuSettings(ipus_per_replica=4), batch=6)[0] == "micro_batch"


def test_replicas_share_a_batch_evenly() -> None:
    key, message = problem_of(IpuSettings(replicas=8), batch=100)
    assert key == "replicas"
    assert "100 images cannot be shared by 8 replicas of b0" in message
    assert problem_of(IpuSettings(replicas=8), batch=4)[0] == "replicas"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (IpuSettings(ipus_per_replica=3), "ipus_per_replica"),
        (IpuSettings(replicas=3), "replicas"),
        (IpuSettings(replicas=128), "replicas"),
    ],
)
def test_ipus_come_in_powers_of_two_up_to_sixty_four(settings: IpuSettings, key: str) -> None:
    assert problem_of(settings)[0] == key


def test_a_size_that_a_mapping_lacks_is_named() -> None:
    key, message = problem_of(POD16, "b4")
    assert key == "ipus_per_replica"
    assert message == "ipus_per_replica names b0, b3, and not b4"


def test_batch_norm_sees_its_whole_batch_or_is_refused() -> None:
    assert trained(IpuSettings(), batch=128, norm="bn").micro_batch == 128
    assert "would be another network" in problem_of(IpuSettings(micro_batch=32), batch=128, norm="bn")[1]
    assert problem_of(IpuSettings(replicas=2), batch=128, norm="bn")[0] == "micro_batch"
    tuned = fine_tuning_layout(POD16, "b0", 128, precision="fp32", norm="bn")
    assert (tuned.replicas, tuned.micro_batch) == (1, 128)


def test_splits_are_one_fewer_than_stages() -> None:
    named = IpuSettings(ipus_per_replica=2, split={"b0": ("stages.3",)})
    assert trained(named).split == ("stages.3",)
    assert problem_of(IpuSettings(ipus_per_replica=4, split={"b0": ("stages.3",)}))[0] == "split"


def test_half_precision_brings_its_own_settings_unless_they_are_named() -> None:
    by_precision = {
        precision: training_layout(IpuSettings(), "b0", 128, precision=precision, norm="gn")
        for precision in ("fp32", "16.32", "16.16")
    }
    found = {name: (one.partials, one.stochastic_rounding, one.loss_scaling) for name, one in by_precision.items()}
    assert found == {
        "fp32": ("float", False, 1.0),
        "16.32": ("float", False, 128.0),
        "16.16": ("half", True, 128.0),
    }
    named = IpuSettings(partials="float", stochastic_rounding=False, loss_scaling=1024.0, available_memory=0.2)
    layout = training_layout(named, "b0", 128, precision="16.16", norm="gn")
    assert (layout.partials, layout.stochastic_rounding, layout.loss_scaling) == ("float", False, 1024.0)
    assert layout.available_memory == (0.2,)


def test_inference_fills_the_slot_and_leaves_its_micro_batch_open() -> None:
    layout = inference_layout(POD16, "b3", precision="16.32")
    assert (layout.ipus_per_replica, layout.replicas, layout.micro_batch, layout.accumulation) == (2, 8, None, 1)
    with pytest.raises(ValueError, match="not settled"):
        layout.images_per_call()
    assert layout.images_per_call(4) == 4 * 8 * 16
    assert layout.with_micro_batch(4).images_per_call() == 4 * 8 * 16
    assert layout.with_micro_batch(4).batch_size() == 4 * 8


def test_a_batch_of_inference_is_shared_by_the_replicas() -> None:
    assert inference_layout(POD16, "b0", precision="fp32", batch_size=64).micro_batch == 4
    with pytest.raises(ImpossibleLayoutError, match="cannot be shared by 16 replicas"):
        inference_layout(POD16, "b0", precision="fp32", batch_size=24)


def test_a_pipeline_of_inference_needs_as_many_iterations() -> None:
    settings = IpuSettings(replicas=4, inference_ipus_per_replica=4, device_iterations=2)
    with pytest.raises(ImpossibleLayoutError, match="at least 4 device iterations") as caught:
        inference_layout(settings, "b0", precision="fp32")
    assert caught.value.key == "device_iterations"
    with pytest.raises(ImpossibleLayoutError, match="do not divide the slot's 4"):
        inference_layout(IpuSettings(replicas=4, inference_ipus_per_replica=8), "b0", precision="fp32")


def test_a_test_takes_few_images_per_call_and_real_ones() -> None:
    layout = ipu.testing_layout(IpuSettings(data="synthetic", replicas=4), "b3", precision="fp32")
    assert (layout.micro_batch, layout.device_iterations, layout.data) == (6, 1, "generated")
    pipelined = ipu.testing_layout(POD16, "b3", precision="fp32")
    assert pipelined.device_iterations == pipelined.ipus_per_replica == 2


def test_fine_tuning_takes_as_many_replicas_as_share_its_batch() -> None:
    layout = fine_tuning_layout(POD16, "b3", 24, precision="fp32", norm="ln+pn")
    assert (layout.ipus_per_replica, layout.replicas, layout.batch_size()) == (1, 8, 24)


def test_a_slot_has_the_ipus_that_its_sizes_take() -> None:
    assert POD16.slot_ipus() == 16
    assert IpuSettings(ipus_per_replica=2, replicas={"b0": 2, "b1": 4}).slot_ipus() == 8
    assert IpuSettings().slot_ipus() == 1


def test_settings_and_layouts_survive_json() -> None:
    settings = IpuSettings(replicas={"b0": 2}, split={"b0": ("stages.3",)}, wait=True)
    assert settings_from_dict(json.loads(json.dumps(settings_to_dict(settings)))) == settings
    layout = training_layout(
        IpuSettings(available_memory=0.3, ipus_per_replica=2), "b0", 768, precision="16.16", norm="gn"
    )
    job = MeasureJob(G16, 3, 1000, "train", 224, "key", precision="16.16", ipu=layout)
    again = job_from_dict(json.loads(json.dumps(job_to_dict(job))))
    assert again == job
    assert again.fingerprint == job.fingerprint
    assert {job: 1}[again] == 1  # type: ignore[index]  # a layout of lists could not be a key


def test_a_layout_is_part_of_what_is_measured_and_its_absence_is_not() -> None:
    plain = MeasureJob(G16, 3, 1000, "train", 224, "key")
    assert plain.fingerprint != MeasureJob(G16, 3, 1000, "train", 224, "key", ipu=IpuLayout(micro_batch=4)).fingerprint
    older = {name: value for name, value in job_to_dict(plain).items() if name != "ipu"}
    assert job_from_dict(older).fingerprint == plain.fingerprint
    assert "ipu" not in {one.name for one in TrainJob.__dataclass_fields__.values()}
