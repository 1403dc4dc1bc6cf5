"""Measurements: consistent numbers, an honest verdict, and the step that training uses."""

import dataclasses
import itertools
import multiprocessing
import os
import time
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
import torch

from workers.measuring.graphics import gpu_conditions, other_gpu_processes
from workers.measuring.measurement import measure
from workers.measuring.processors import ProcessorUse, cpu_model, processor_times, use_between
from workers.measuring.search import best_batch_size, faster_layout
from workers.measuring.statistics import summarise
from workers.measuring.timing import Pace, time_block, warm_up
from workers.measuring.verdict import judge
from workers.measuring.workload import build_workload
from workers.models.efficientnet import build
from workers.protocol.orders import Finished, Sample, report_from_json, report_to_json
from workers.training.observer import SilentObserver

QUIET = ProcessorUse(own=1.0, others=0.05, stolen=0.0, waited=0.0)


def busy_for(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


@pytest.mark.parametrize("mode", ["train", "inference"])
def test_a_measurement_agrees_with_its_own_samples(measure_job, cpu, mode):
    job = dataclasses.replace(measure_job, mode=mode, optimizer="rmsprop" if mode == "train" else None)
    result = measure(job, cpu, SilentObserver())
    rates = [sample.images / sample.seconds for sample in result.samples]
    assert len(rates) == 4
    assert result.images_per_second == pytest.approx(float(np.median(rates)))
    assert min(rates) <= result.low <= result.images_per_second <= result.high <= max(rates)
    assert result.cv == pytest.approx(float(np.std(rates, ddof=1) / np.mean(rates)))
    assert all(sample.seconds >= 0.05 and sample.images % 16 == 0 for sample in result.samples)
    assert result.warmup_steps >= 3
    assert (result.batch_size, result.memory_format) == (16, "channels_last")
    assert result.params == sum(one.numel() for one in build(job.variant, 1, 8).parameters())
    assert 1e7 < result.peak_memory_bytes < 1e11
    assert {"before", "after", "others_processors", "own_processors"} <= set(result.conditions)


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
    assert all(larger == 2 * smaller for smaller, larger in itertools.pairwise(sizes))
    assert result.batch_size in sizes


def test_training_is_measured_with_the_optimizers_own_update(measure_job, cpu):
    changed = []
    for optimizer in ("rmsprop", "adamw", "sgd"):
        job = dataclasses.replace(measure_job, mode="train", optimizer=optimizer)
        step = build_workload(job, cpu, 16, "channels_last")
        first = step()
        changed.append(float(first))
        for _ in range(3):
            assert bool(torch.isfinite(step()))
    assert len(set(changed)) == 1  # the same weights and images, whatever the optimiser


def test_inference_makes_no_graph_and_sees_the_batch(measure_job, cpu):
    logits = build_workload(measure_job, cpu, 16, "contiguous")()
    assert logits.shape == (16, 8)
    assert logits.is_inference()


def test_an_unknown_mode_is_refused(measure_job, cpu):
    with pytest.raises(ValueError, match="unknown mode 'test'"):
        build_workload(dataclasses.replace(measure_job, mode="test"), cpu, 16, "contiguous")


def test_a_block_lasts_as_long_as_asked_even_if_the_pace_was_wrong(cpu):
    for pace in (Pace(5e-4, 3), Pace(0.002, 3), Pace(1.0, 3)):
        sample = time_block(lambda: time.sleep(0.002), cpu, 0.05, pace, batch_size=10)
        assert sample.seconds >= 0.05
        assert sample.images / sample.seconds <= 10 / 0.002


def test_warming_up_takes_three_steps_or_the_seconds_whichever_is_more(cpu):
    steps = []
    pace = warm_up(lambda: steps.append(1), cpu, 0.0)
    assert pace.steps == len(steps) == 3
    started = time.perf_counter()
    pace = warm_up(lambda: time.sleep(0.01), cpu, 0.1)
    assert time.perf_counter() - started >= 0.1
    assert pace.steps > 3
    assert 0.01 <= pace.seconds_per_step < 0.05


@pytest.fixture
def fake_device(monkeypatch):
    """Make steps that take, by a clock of the test's own, what a device with one best batch size takes."""
    now = [0.0]
    monkeypatch.setattr("workers.measuring.timing.time", SimpleNamespace(perf_counter=lambda: now[0]))

    def device(best_batch, layout_factor=None):
        factors = layout_factor or {}

        def make(batch_size, layout):
            rate = 200 * min(batch_size, best_batch) * factors.get(layout, 1.0)

            def step():
                now[0] += batch_size / rate

            return step

        return make

    return device


def test_the_search_stops_where_doubling_gains_nothing(cpu, fake_device):
    probes = best_batch_size(fake_device(best_batch=64), cpu, "contiguous")
    assert sorted(probe.batch_size for probe in probes) == [16, 32, 64, 128, 256], "two sizes without gain, then enough"
    assert probes[0].images_per_second == pytest.approx(200 * 64)
    assert probes[0].batch_size >= 64


def test_the_search_stops_where_memory_ends_and_takes_what_fitted(cpu, fake_device):
    def make(batch_size, layout):
        if batch_size > 32:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return fake_device(best_batch=4096)(batch_size, layout)

    assert best_batch_size(make, cpu, "contiguous")[0].batch_size == 32


def test_not_even_the_smallest_batch_fitting_is_an_error(cpu):
    def make(batch_size, layout):
        raise MemoryError(f"{batch_size} {layout}")

    with pytest.raises(MemoryError):
        best_batch_size(make, cpu, "contiguous")


def test_the_faster_layout_comes_first(cpu, fake_device):
    make = fake_device(best_batch=16, layout_factor={"contiguous": 0.5})
    assert [probe.layout for probe in faster_layout(make, cpu, 16, ["contiguous", "channels_last"])] == [
        "channels_last",
        "contiguous",
    ]


def test_the_summary_is_the_median_with_an_interval_that_covers_it():
    samples = [Sample(images, 1.0) for images in (100, 90, 110, 105, 95, 20)]
    summary = summarise(samples, seed=1)
    assert summary.images_per_second == 97.5
    assert summary.low <= 97.5 <= summary.high
    assert summary == summarise(samples, seed=1)
    assert summarise(samples[:1], seed=1) == (100.0, 100.0, 100.0, 0.0)


def test_the_interval_covers_the_true_median_about_as_often_as_it_says():
    random = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        samples = [Sample(int(images), 1.0) for images in random.lognormal(7, 0.05, 15)]
        summary = summarise(samples, seed=trial)
        hits += summary.low <= np.exp(7) <= summary.high
    assert hits / 200 > 0.88


@pytest.mark.parametrize(
    ("cv", "use", "others", "expected", "reason"),
    [
        (0.01, QUIET, None, "clean", ""),
        (0.06, QUIET, 0, "noisy", "the blocks vary by 6.0%"),
        (0.01, QUIET._replace(others=0.3), None, "contended", "other processes used 0.30 of 2 processors"),
        (0.50, QUIET._replace(others=0.3), None, "contended", "other processes used"),
        (0.01, QUIET._replace(stolen=0.1), None, "contended", "the hypervisor took 0.10"),
        (0.01, QUIET._replace(waited=0.2), None, "contended", "threads waited for a processor 20%"),
        (0.01, QUIET, 2, "contended", "2 other process(es) computed on the GPU"),
        (0.01, ProcessorUse(1.0, None, None, None), None, "clean", ""),
    ],
)
def test_the_verdict_names_what_disturbed(cv, use, others, expected, reason):
    verdict = judge(cv, use, 2, others)
    assert verdict.verdict == expected
    assert reason in verdict.reason
    assert bool(verdict.reason) == (expected != "clean")


def test_a_large_machine_may_do_something_else_meanwhile():
    assert judge(0.01, QUIET._replace(others=1.0), 64).verdict == "clean"
    assert judge(0.01, QUIET._replace(others=2.0), 64).verdict == "contended"


def test_processor_times_agree_with_psutil():
    before, peer_before = processor_times(), psutil.cpu_times()
    busy_for(0.5)
    after, peer_after = processor_times(), psutil.cpu_times()
    peer_busy = sum(
        getattr(peer_after, name) - getattr(peer_before, name) for name in ("user", "nice", "system", "irq", "softirq")
    )
    assert after.busy - before.busy == pytest.approx(peer_busy, abs=0.05)
    use = use_between(before, after)
    assert 0.5 < use.own <= 1.1
    assert use.others >= 0.0


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
    assert result.verdict == "contended"
    assert result.conditions["others_processors"] > 0.5


def test_without_a_gpu_nothing_is_told_of_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_conditions() == {}
    assert other_gpu_processes() is None


def test_what_nvidia_smi_says_is_taken_for_this_slots_gpu(monkeypatch, tmp_path):
    script = tmp_path / "nvidia-smi"
    script.write_text(
        '#!/bin/sh\necho "$@" >> ' + f"{tmp_path}/asked\n"
        'case "$*" in *compute-apps*) printf "11\\n12\\n";; *) echo "41, 1980, 2619, 120.5, 0x0, 570.1";; esac\n'
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
