"""Measurements: consistent numbers, round after round, of the step that training uses."""

import dataclasses
import itertools
import multiprocessing
import os
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.older import neighbours
from workers.errors import DataError
from workers.measuring.graphics import gpu_conditions, other_gpu_processes
from workers.measuring.measurement import measure
from workers.measuring.processors import cpu_model
from workers.measuring.reference import ReferenceNetwork
from workers.measuring.search import best_batch_size, fastest_way
from workers.measuring.timing import Pace, time_block, time_each, warm_up
from workers.measuring.workload import Way, Workload
from workers.models.efficientnet import build
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.jobs import DataSet, Loading
from workers.protocol.orders import Finished, report_from_json, report_to_json
from workers.training.observer import SilentObserver

EAGER = Way("contiguous", compiled=False)


def busy_for(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def rates(samples):
    return [sample.images / sample.seconds for sample in samples]


def in_mode(job, mode, **fields):
    return dataclasses.replace(job, mode=mode, optimizer="rmsprop" if mode == "train" else None, **fields)


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_a_round_agrees_with_its_own_samples(measure_job, cpu, mode):
    job = in_mode(measure_job, mode)
    result = measure(job, cpu, SilentObserver(), attempt=4)
    [made] = result.rounds
    assert made.attempt == 4
    assert len(made.samples) == 4
    assert all(sample.seconds >= 0.05 and sample.images % 16 == 0 for sample in made.samples)
    assert result.images_per_second == pytest.approx(float(np.median(rates(made.samples))))
    assert result.low <= result.images_per_second <= result.high
    assert result.warmup_steps >= 3
    assert (result.batch_size, result.memory_format, result.compiled) == (16, "channels_last", False)
    assert result.params == sum(one.numel() for one in build(job.variant, 1, 8).parameters())
    assert 1e7 < result.peak_memory_bytes < 1e11
    assert made.reference_images_per_second > 0.0
    assert {"before", "after", "others_processors", "own_processors"} <= set(made.conditions)
    assert made.conditions["before"]["available_memory_bytes"] > 1e6


def test_each_block_is_told_what_the_reference_did_before_and_after_it(measure_job, cpu, monkeypatch):
    readings = iter([10.0, 20.0, 40.0, 80.0, 160.0])
    monkeypatch.setattr(ReferenceNetwork, "images_per_second", lambda _: next(readings))
    [made] = measure(measure_job, cpu, SilentObserver()).rounds
    assert [one.reference_images_per_second for one in made.samples] == [15.0, 30.0, 60.0, 120.0]
    assert made.reference_images_per_second == 62.0


def test_each_round_is_added_to_those_before_under_their_setting(measure_job, cpu):
    job = dataclasses.replace(measure_job, batch_size=None, memory_format=None, rounds=2)
    first = measure(dataclasses.replace(job, batch_size=32, memory_format="contiguous"), cpu, SilentObserver())
    second = measure(job, cpu, SilentObserver(), attempt=2, so_far=first)
    assert [one.attempt for one in second.rounds] == [1, 2]
    assert second.rounds[0] == first.rounds[0]
    assert (second.batch_size, second.memory_format) == (32, "contiguous")
    assert all(sample.images % 32 == 0 for one in second.rounds for sample in one.samples)
    assert second.warmup_steps == first.warmup_steps
    assert second.conditions == first.conditions


def test_a_measurement_survives_the_way_to_its_reader(measure_job, cpu):
    report = Finished("job", 1, measure(measure_job, cpu, SilentObserver()))
    assert report_from_json(report_to_json(report)) == report


def test_what_the_job_leaves_open_is_searched_and_what_was_tried_is_kept(measure_job, cpu):
    job = dataclasses.replace(measure_job, batch_size=None, memory_format=None, resolution=20)
    result = measure(job, cpu, SilentObserver())
    tried = result.conditions["tried"]
    assert {probe["layout"] for probe in tried} == {"channels_last", "contiguous"}
    assert result.memory_format == tried[0]["layout"]
    sizes = sorted(probe["batch_size"] for probe in tried[2:])
    assert sizes[0] == 16
    assert all(larger == 2 * smaller for smaller, larger in neighbours(sizes))
    assert result.batch_size in sizes


@pytest.mark.alone
def test_single_images_take_less_time_each_than_batches_and_only_inference_counts_them(measure_job, cpu):
    job = dataclasses.replace(measure_job, batch_size=64, resolution=32)
    result = measure(job, cpu, SilentObserver())
    [made] = result.rounds
    assert 20 <= len(made.latencies) == result.latency.count <= 500
    assert all(one == round(one, 3) for one in made.latencies)
    assert result.latency.p50 == pytest.approx(np.median(made.latencies))
    assert result.latency.p50 <= result.latency.p90 <= result.latency.p99
    assert 1e3 / result.images_per_second < result.latency.p50 < 1e3 * 12 / result.images_per_second
    assert measure(in_mode(measure_job, "train"), cpu, SilentObserver()).latency is None


@pytest.mark.alone
@pytest.mark.parametrize("mode", ["train", "inference"])
def test_images_are_loaded_and_prepared_where_the_job_says_how(measure_job, cpu, shapes, mode):
    loading = Loading(shapes, "crop-flip", "none", 0.2, 0.5) if mode == "train" else Loading(shapes)
    result = measure(in_mode(measure_job, mode, resolution=32, loading=loading), cpu, SilentObserver())
    [made] = result.rounds
    assert len(made.end_to_end) == len(made.loading) == 4
    assert min(block.seconds for block in made.end_to_end) >= 0.05
    assert min(block.seconds for block in made.loading) >= 0.3 * 0.05
    assert result.end_to_end.images_per_second == pytest.approx(np.median(rates(made.end_to_end)))
    assert result.loading.images_per_second == pytest.approx(np.median(rates(made.loading)))
    assert result.loading.images_per_second > 3 * result.end_to_end.images_per_second
    assert result.end_to_end.images_per_second < 1.5 * result.images_per_second
    assert "images_repeated" not in made.conditions
    assert {"before", "others_processors"} <= set(made.conditions["while_loading"])


@pytest.fixture
def photographs(tmp_path):
    """Large enough that decoding them takes far longer than a small network."""
    random = np.random.default_rng(0)
    for split, name in itertools.product(("train", "val"), ("cat", "dog")):
        directory = tmp_path / "photographs" / split / name
        directory.mkdir(parents=True)
        for number in range(8):
            noise = random.integers(0, 256, (1000, 1000, 3), np.uint8)
            Image.fromarray(noise).save(directory / f"{number}.jpeg")
    return DataSet("image-folder", classes=2, channels=3, image_side=0, root="photographs", validation_images=0)


@pytest.mark.alone
def test_slow_loading_shows_in_the_whole_and_not_in_the_network_alone(measure_job, cpu, photographs, tmp_path):
    loading = Loading(photographs, "crop-flip")
    job = in_mode(measure_job, "train", channels=3, classes=2, batch_size=8, blocks=3, loading=loading)
    result = measure(job, cpu, SilentObserver(), data_directory=str(tmp_path))
    assert result.loading.images_per_second < 0.7 * result.images_per_second
    assert result.end_to_end.images_per_second < 1.2 * result.loading.images_per_second
    assert result.end_to_end.images_per_second > 0.4 * result.loading.images_per_second


@pytest.mark.alone
def test_images_loaded_for_one_measurement_are_not_the_next_ones_memory(measure_job, cpu):
    loading = Loading(DataSet("shapes", classes=8, channels=1, image_side=48, validation_images=0))
    before = measure(measure_job, cpu, SilentObserver()).peak_memory_bytes
    measure(dataclasses.replace(measure_job, loading=loading), cpu, SilentObserver())
    after = measure(measure_job, cpu, SilentObserver()).peak_memory_bytes
    assert after - before < 20e6  # the images are 46 MB


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_a_batch_larger_than_the_data_set_has_images_more_than_once(measure_job, cpu, shapes, mode):
    few = dataclasses.replace(shapes, train_images=8, test_images=8)
    result = measure(in_mode(measure_job, mode, loading=Loading(few)), cpu, SilentObserver())
    [made] = result.rounds
    assert made.conditions["images_repeated"] == "a batch of 16 has some of the 8 images more than once"
    assert all(sample.images % 16 == 0 for sample in made.end_to_end)


def test_images_that_are_not_there_are_a_fault_of_the_data(measure_job, cpu, shapes, tmp_path):
    clothes = dataclasses.replace(shapes, name="fashion-mnist", classes=10, image_side=28)
    job = dataclasses.replace(measure_job, loading=Loading(clothes))
    with pytest.raises(DataError, match="fetch fashion-mnist"):
        measure(job, cpu, SilentObserver(), data_directory=str(tmp_path))


def test_training_is_measured_with_the_optimizers_own_update(measure_job, cpu):
    changed = []
    for optimizer in ("rmsprop", "adamw", "sgd"):
        job = dataclasses.replace(measure_job, mode="train", optimizer=optimizer)
        step = Workload(job, cpu, Way("channels_last", compiled=False)).on_resident_batch(16)
        first = step()
        changed.append(float(first))
        for _ in range(3):
            assert bool(torch.isfinite(step()))
    assert len(set(changed)) == 1  # the same weights and images, whatever the optimiser


def test_inference_makes_no_graph_and_sees_the_batch(measure_job, cpu):
    logits = Workload(measure_job, cpu, EAGER).on_resident_batch(16)()
    assert logits.shape == (16, 8)
    assert logits.is_inference()


def test_inference_takes_the_statistics_of_proxies_for_constants(measure_job, cpu, monkeypatch):
    proxied = dataclasses.replace(measure_job, variant=dataclasses.replace(measure_job.variant, norm="ln+pn"))
    step = Workload(proxied, cpu, EAGER).on_resident_batch(16)
    expected = step()

    def looked(*_):
        raise AssertionError

    monkeypatch.setattr(ProxyNormSiLU, "_compute_statistics", looked)
    monkeypatch.setattr(ProxyNormSiLU, "_can_keep", looked)
    assert torch.equal(step(), expected)


def test_an_unknown_mode_is_refused(measure_job, cpu):
    with pytest.raises(ValueError, match="unknown mode 'test'"):
        Workload(dataclasses.replace(measure_job, mode="test"), cpu, EAGER)


def test_a_block_lasts_as_long_as_asked_even_if_the_pace_was_wrong(cpu):
    for pace in (Pace(5e-4, 3), Pace(0.002, 3), Pace(1.0, 3)):
        sample = time_block(lambda: time.sleep(0.002), cpu, 0.05, pace, batch_size=10)
        assert sample.seconds >= 0.05
        assert sample.images / sample.seconds <= 10 / 0.002


@pytest.mark.alone
def test_warming_up_takes_three_steps_or_the_seconds_whichever_is_more(cpu):
    steps = []
    pace = warm_up(lambda: steps.append(1), cpu, 0.0)
    assert pace.steps == len(steps) == 3
    started = time.perf_counter()
    pace = warm_up(lambda: time.sleep(0.01), cpu, 0.1)
    assert time.perf_counter() - started >= 0.1
    assert pace.steps > 3
    assert 0.01 <= pace.seconds_per_step < 0.05  # the fastest of them: one may be held up


@pytest.mark.alone
def test_single_steps_are_timed_for_a_while_but_neither_too_few_nor_too_many(cpu):
    assert len(time_each(lambda: time.sleep(0.01), cpu, 0.0, least=5, most=9)) == 5
    assert len(time_each(lambda: None, cpu, 1.0, least=5, most=9)) == 9
    durations = time_each(lambda: time.sleep(0.01), cpu, 0.1, least=1, most=99)
    assert 2 < len(durations) <= 10
    assert min(durations) >= 0.01


@pytest.mark.alone
def test_the_reference_tells_a_slower_machine(cpu):
    network = ReferenceNetwork(cpu)
    usual = max(network.images_per_second() for _ in range(4))  # others only ever slow it down
    step = network._step
    network._step = lambda: (step(), step())
    assert 0.3 < max(network.images_per_second() for _ in range(4)) / usual < 0.75


@pytest.fixture
def fake_device(monkeypatch):
    """Make steps that take, by a clock of the test's own, what a device with one best batch size takes."""
    now = [0.0]
    monkeypatch.setattr("workers.measuring.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def device(best_batch, layout_factor=None):
        factors = layout_factor or {}

        def make(batch_size, way):
            rate = 200 * min(batch_size, best_batch) * factors.get(way, 1.0)

            def step():
                now[0] += batch_size / rate

            return step

        return make

    return device


def test_the_search_stops_where_doubling_gains_nothing(cpu, fake_device):
    probes = best_batch_size(fake_device(best_batch=64), cpu, EAGER)
    assert sorted(probe.batch_size for probe in probes) == [16, 32, 64, 128, 256], "two sizes without gain, then enough"
    assert probes[0].images_per_second == pytest.approx(200 * 64)
    assert probes[0].batch_size >= 64


def test_the_search_stops_where_memory_ends_and_takes_what_fitted(cpu, fake_device):
    def make(batch_size, way):
        if batch_size > 32:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return fake_device(best_batch=4096)(batch_size, way)

    assert best_batch_size(make, cpu, EAGER)[0].batch_size == 32


def test_not_even_the_smallest_batch_fitting_is_an_error(cpu):
    def make(batch_size, way):
        raise MemoryError(f"{batch_size} {way}")

    with pytest.raises(MemoryError):
        best_batch_size(make, cpu, EAGER)


def test_the_fastest_way_comes_first(cpu, fake_device):
    compiled, other = Way("contiguous", compiled=True), Way("channels_last", compiled=False)
    make = fake_device(best_batch=16, layout_factor={EAGER: 0.5, other: 0.8})
    assert [probe.way for probe in fastest_way(make, cpu, 16, [EAGER, compiled, other])] == [compiled, other, EAGER]


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of its own code
def test_a_network_is_compiled_before_anything_is_timed(measure_job, cpu):
    result = measure(dataclasses.replace(measure_job, compile=True, warmup_seconds=0.0), cpu, SilentObserver())
    [made] = result.rounds
    assert result.compiled
    assert made.conditions["compile_seconds"] > 5 * max(sample.seconds for sample in made.samples)
    assert result.warmup_steps == 3
    assert result.latency.p50 < 100.0


def compiler_that_fails(_, **__):
    def fail(*_):
        raise RuntimeError("no compiler\nis here")

    return fail


def test_where_compiling_fails_the_network_runs_as_it_is_unless_compiling_was_asked_for(measure_job, cpu, monkeypatch):
    monkeypatch.setattr(torch, "compile", compiler_that_fails)
    result = measure(dataclasses.replace(measure_job, compile=None), cpu, SilentObserver())
    assert not result.compiled
    assert result.conditions["compile_failed"] == "RuntimeError: no compiler"
    with pytest.raises(RuntimeError, match="no compiler"):
        measure(dataclasses.replace(measure_job, compile=True), cpu, SilentObserver())


def test_whether_to_compile_is_the_last_thing_to_be_tried(measure_job, cpu, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network, **_: network)
    job = dataclasses.replace(measure_job, compile=None, memory_format=None)
    result = measure(job, cpu, SilentObserver())
    tried = [(probe["layout"], probe["compiled"]) for probe in result.conditions["tried"]]
    formats = {"channels_last", "contiguous"}
    assert {layout for layout, compiled in tried[:2] if not compiled} == formats
    assert {layout for layout, compiled in tried[2:] if compiled} == formats
    assert (result.memory_format, result.compiled) == tried[2]


@pytest.mark.alone
@pytest.mark.slow
def test_a_program_that_computes_beside_a_measurement_is_noticed(measure_job, cpu):
    hogs = [multiprocessing.get_context("spawn").Process(target=busy_for, args=(60,)) for _ in range(2)]
    for hog in hogs:
        hog.start()
    try:
        time.sleep(1.0)
        job = dataclasses.replace(measure_job, blocks=3, block_seconds=0.5)
        result = measure(job, cpu, SilentObserver())
    finally:
        for hog in hogs:
            hog.terminate()
            hog.join()
    [made] = result.rounds
    assert made.verdict == result.verdict == "contended"
    assert made.conditions["others_processors"] > 0.5


def test_without_a_gpu_nothing_is_told_of_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_conditions() == {}
    assert other_gpu_processes() is None


def test_what_nvidia_smi_says_is_taken_for_this_slots_gpu(monkeypatch, tmp_path):
    script = tmp_path / "nvidia-smi"
    script.write_text(
        '#!/bin/sh\necho "$@" >> ' + f"{tmp_path}/asked\n"
        'case "$*" in *compute-apps*) printf "11\\n12\\n";; *) echo "41, 1980, 2619, 120.5, 812, 0x0, 570.1";; esac\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert gpu_conditions()["temperature.gpu"] == "41"
    assert gpu_conditions()["driver_version"] == "570.1"
    assert other_gpu_processes() == 1
    assert "--id=3" in (tmp_path / "asked").read_text()


def test_the_processor_has_a_name():
    assert cpu_model()
