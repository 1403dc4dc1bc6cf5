"""Measurements on IPUs: what a step is there, and that the numbers are those of whole calls of the device."""

import dataclasses
import multiprocessing
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from workers.errors import DeviceError, DeviceMemoryError, JobError
from workers.ipu.bench import IpuBench
from workers.ipu.engine import PoptorchEngine
from workers.ipu.search import best_micro_batch
from workers.ipu.workload import single_image_layout
from workers.measuring.measurement import measure
from workers.measuring.processors import processor_times
from workers.models.efficientnet import build
from workers.models.kernel_library import SWITCH, kernels
from workers.protocol.ipu import IpuLayout, IpuSettings
from workers.protocol.jobs import DataSet, Loading, MeasureJob
from workers.protocol.orders import Finished, report_from_json, report_to_json
from workers.protocol.variant import Variant
from workers.training.observer import SilentObserver

pytestmark = pytest.mark.usefixtures("standin", "_torchs_own_operations")

VARIANT = Variant("b0", group_size=16, expansion=4, norm="gn", width=0.25, small_images=True)
SHAPES = DataSet("shapes", classes=8, channels=1, image_side=48, train_images=96, test_images=64, validation_images=0)
INFERENCE = MeasureJob(
    VARIANT,
    channels=1,
    classes=8,
    mode="inference",
    resolution=16,
    environment_key="",
    blocks=3,
    block_seconds=0.05,
    warmup_seconds=0.0,
)
TRAINING = dataclasses.replace(INFERENCE, mode="train", optimizer="rmsprop", batch_size=32)
SETTINGS = IpuSettings(replicas=2, micro_batch=4, inference_micro_batch=4, device_iterations=3)


@pytest.fixture
def _torchs_own_operations(monkeypatch):
    monkeypatch.setenv(SWITCH, "off")
    kernels.cache_clear()
    torch.set_num_threads(1)
    yield
    kernels.cache_clear()


def bench(settings=SETTINGS):
    return IpuBench(PoptorchEngine(settings))


def measured(job, settings=SETTINGS, **options):
    return measure(job, bench(settings), SilentObserver(), **options)


def rates(samples):
    return [sample.images / sample.seconds for sample in samples]


def test_a_step_of_inference_is_a_call_of_all_replicas_with_all_iterations():
    result = measured(INFERENCE, attempt=4)
    [made] = result.rounds
    assert made.attempt == 4
    assert len(made.samples) == 3
    assert all(sample.seconds >= 0.05 and sample.images % (4 * 2 * 3) == 0 for sample in made.samples)
    assert result.images_per_second == pytest.approx(float(np.median(rates(made.samples))))
    assert result.batch_size == 4 * 2
    assert (result.memory_format, result.compiled, result.peak_memory_bytes) == ("contiguous", False, None)
    assert result.params == sum(one.numel() for one in build(VARIANT, 1, 8).parameters())
    assert result.conditions["ipu"] == {
        "micro_batch": 4,
        "device_iterations": 3,
        "accumulation": 1,
        "replicas": 2,
        "ipus_per_replica": 1,
        "images_per_call": 24,
        "data": "generated",
    }
    assert made.conditions["compile_seconds"] > 0.0
    assert made.reference_images_per_second > 0.0, "of the host"
    assert {one.reference_images_per_second for one in made.samples} == {None}, "it tells nothing of the IPUs"
    assert {"before", "after", "others_processors"} <= set(made.conditions)


def test_a_step_of_training_is_a_whole_weight_update_and_tells_the_learning_rate(standin):
    result = measured(TRAINING)
    [made] = result.rounds
    assert all(sample.images % 32 == 0 for sample in made.samples)
    assert result.batch_size == 32
    arithmetic = result.conditions["ipu"]
    assert (arithmetic["micro_batch"], arithmetic["accumulation"], arithmetic["replicas"]) == (4, 4, 2)
    assert result.latency is None
    rates_on_the_ipus = [one["learning_rates"] for one in standin.events("run")]
    assert len(rates_on_the_ipus) > 5
    assert rates_on_the_ipus[0] != rates_on_the_ipus[1], "told at every step, as in training"
    assert rates_on_the_ipus[2:] == rates_on_the_ipus[:-2]


def test_single_images_take_a_program_of_their_own_and_poptorch_says_how_long(standin):
    result = measured(INFERENCE)
    [made] = result.rounds
    assert 20 <= len(made.latencies) == result.latency.count <= 500
    assert all(one == round(one, 3) > 0.0 for one in made.latencies)
    assert made.conditions["latency_compile_seconds"] > 0.0
    assert len(standin.events("compile")) == 2
    assert single_image_layout(IpuLayout(4, 4, 8, 1, 16)) == IpuLayout(4, 1, 1, 1, 4)


def test_the_micro_batch_is_searched_until_the_network_does_not_fit(monkeypatch):
    monkeypatch.setenv("POPTORCH_STANDIN_OOM_ABOVE", "4")
    result = measured(INFERENCE, dataclasses.replace(SETTINGS, inference_micro_batch=None))
    tried = result.conditions["tried"]
    fitted = [one for one in tried if one["images_per_second"]]
    assert {one["micro_batch"] for one in fitted} <= {1, 2, 4}
    assert fitted[0]["images_per_second"] == max(one["images_per_second"] for one in fitted)
    assert fitted[0]["micro_batch"] == result.conditions["ipu"]["micro_batch"] == result.batch_size // 2
    assert all(one["images_per_call"] == 6 * one["micro_batch"] and one["compile_seconds"] > 0.0 for one in fitted)
    if len(tried) > len(fitted):
        assert tried[-1]["micro_batch"] == 8
        assert "does not fit on the IPUs" in tried[-1]["refused"]


class Invented:
    """A network whose speed is invented: that of the best micro-batch grows no further."""

    def __init__(self, micro_batch, now, best, fits):
        self.layout = IpuLayout(micro_batch=micro_batch, replicas=2, device_iterations=4)
        self.images_per_step = self.layout.images_per_call()
        self.host_bytes = 0
        self._fits = micro_batch <= fits
        self._now = now
        self._rate = 100.0 * min(micro_batch, best)
        self.open = True

    def compile(self):
        if not self._fits:
            raise DeviceMemoryError("too large")
        return {"compile_seconds": 60.0}

    def step(self):
        assert self.open
        self._now[0] += self.images_per_step / self._rate

    def close(self):
        self.open = False


@pytest.fixture
def invented(monkeypatch):
    now, built = [0.0], []
    monkeypatch.setattr("workers.measuring.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def search(best, fits=10**6, **attributes):
        def make(micro_batch):
            assert not any(one.open for one in built), "the IPUs are taken"
            built.append(Invented(micro_batch, now, best, fits))
            vars(built[-1]).update(attributes)
            return built[-1]

        return best_micro_batch(make, SilentObserver())

    return search


def test_the_search_stops_where_doubling_gained_nothing_twice(invented):
    probes = invented(best=8)
    assert sorted(one.micro_batch for one in probes) == [1, 2, 4, 8, 16, 32]
    assert probes[0].images_per_second == pytest.approx(800.0)
    assert probes[0].micro_batch >= 8
    assert (probes[0].batch_size, probes[0].images_per_call) == (2 * probes[0].micro_batch, 8 * probes[0].micro_batch)
    assert probes[0].compile_seconds == 60.0


def test_the_search_stops_where_memory_ends_and_keeps_what_was_said(invented):
    probes = invented(best=64, fits=4)
    assert [(one.micro_batch, one.refused) for one in probes] == [(4, ""), (2, ""), (1, ""), (8, "too large")]
    assert probes[-1].images_per_second is None


def test_not_even_one_image_fitting_is_the_networks_fault(invented):
    with pytest.raises(DeviceMemoryError, match="too large"):
        invented(best=1, fits=0)


def test_the_search_stops_before_a_calls_images_fill_the_host(invented):
    assert [one.micro_batch for one in invented(best=64, host_bytes=1 << 60)] == [1]


def test_later_rounds_keep_the_layout(monkeypatch):
    monkeypatch.setenv("POPTORCH_STANDIN_OOM_ABOVE", "2")
    settings = dataclasses.replace(SETTINGS, inference_micro_batch=None)
    first = measured(dataclasses.replace(INFERENCE, rounds=2), settings)
    second = measured(dataclasses.replace(INFERENCE, rounds=2), settings, attempt=2, so_far=first)
    assert [one.attempt for one in second.rounds] == [1, 2]
    assert second.conditions == first.conditions
    assert second.batch_size == first.batch_size
    assert all(sample.images % (3 * first.batch_size) == 0 for one in second.rounds for sample in one.samples)
    assert second.complete


def test_a_layout_in_the_job_comes_before_the_slots_settings():
    layout = IpuLayout(replicas=2, micro_batch=8, device_iterations=2)
    assert measured(dataclasses.replace(INFERENCE, ipu=layout)).batch_size == 16
    with pytest.raises(DeviceError, match="laid out on 4 IPUs, and this slot has 2"):
        measured(dataclasses.replace(INFERENCE, ipu=dataclasses.replace(layout, replicas=4)))


def test_a_batch_that_cannot_be_cut_up_names_the_setting():
    with pytest.raises(JobError, match=r"slots\.ipu\.micro_batch: 15 images per replica of b0"):
        measured(dataclasses.replace(TRAINING, batch_size=30))


def test_made_up_images_have_no_latency_and_none_that_are_loaded():
    job = dataclasses.replace(INFERENCE, loading=Loading(SHAPES))
    result = measured(job, dataclasses.replace(SETTINGS, data="synthetic"))
    [made] = result.rounds
    assert result.latency is result.end_to_end is result.loading is None
    assert "makes its images up" in made.conditions["latency"]
    assert "makes its images up" in made.conditions["while_loading"]
    assert result.conditions["ipu"]["data"] == "synthetic"


@pytest.mark.parametrize("job", [TRAINING, INFERENCE])
def test_images_are_loaded_by_another_process_which_ends_and_the_result_survives_the_way_to_its_reader(job):
    augmented = Loading(SHAPES, "crop-flip", "none", 0.2, 0.5) if job.mode == "train" else Loading(SHAPES)
    result = measured(dataclasses.replace(job, loading=augmented))
    [made] = result.rounds
    assert len(made.end_to_end) == len(made.loading) == 3
    assert result.end_to_end.images_per_second == pytest.approx(np.median(rates(made.end_to_end)))
    assert result.loading.images_per_second == pytest.approx(np.median(rates(made.loading)))
    assert {"before", "others_processors"} <= set(made.conditions["while_loading"])
    assert multiprocessing.active_children() == []
    report = Finished("job", 1, result)
    assert report_from_json(report_to_json(report)) == report


@pytest.mark.parametrize(("job", "precision"), [(TRAINING, "16.16"), (TRAINING, "16.32"), (INFERENCE, "16.16")])
def test_every_number_format_of_ipus_is_measured(job, precision):
    assert measured(dataclasses.replace(job, precision=precision)).images_per_second > 0.0


def test_a_number_format_that_ipus_do_not_have_is_refused():
    with pytest.raises(DeviceError, match="IPUs do not compute in bf16"):
        measured(dataclasses.replace(INFERENCE, precision="bf16"))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="unknown mode 'test'"):
        measured(dataclasses.replace(INFERENCE, mode="test"))


def test_the_ipus_are_free_after_a_measurement_and_after_one_that_failed(monkeypatch):
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "2")
    measured(INFERENCE)
    monkeypatch.setenv("POPTORCH_STANDIN_OOM_ABOVE", "2")
    with pytest.raises(DeviceMemoryError, match="smaller micro_batch"):
        measured(TRAINING)
    monkeypatch.delenv("POPTORCH_STANDIN_OOM_ABOVE")
    measured(TRAINING)


def test_a_network_leaves_the_ipus_though_somebody_still_refers_to_it(monkeypatch):
    monkeypatch.setenv("POPTORCH_STANDIN_IPUS", "2")
    where = bench()
    setting = where.choose_setting(INFERENCE, SilentObserver())
    with where.network(INFERENCE, setting) as kept:
        kept.start()
        kept.step()
    assert measured(TRAINING).images_per_second > 0.0
    assert kept.images_per_step == 24


def test_what_helpers_compute_is_not_others_work():
    script = "import time; end = time.perf_counter() + 60\nwhile time.perf_counter() < end: pass"
    before, with_helpers = processor_times(), processor_times(with_helpers=True)
    helper = subprocess.Popen([sys.executable, "-c", script])
    running = processor_times(with_helpers=True)
    while running.own - with_helpers.own < 0.5:
        time.sleep(0.2)
        running = processor_times(with_helpers=True)
    assert processor_times().own - before.own < 0.3
    helper.kill()
    helper.wait()
    assert processor_times(with_helpers=True).own >= running.own, "those that have ended count, too"
