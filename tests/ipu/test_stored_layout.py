"""The batch arithmetic of a measurement on IPUs, on its way into the store."""

import pytest

from orchestrator.results import measurement_record
from workers.protocol.ipu import IpuLayout
from workers.protocol.jobs import MeasureJob
from workers.protocol.orders import MeasureResult, Round, Sample
from workers.protocol.variant import Variant

G16 = Variant("b0", 16, 4, "gn", 0.25, small_images=True)
RESULT = MeasureResult(
    rounds=[Round(attempt=1, samples=[Sample(960, 1.0)], verdict="clean", verdict_reason="")],
    complete=True,
    images_per_second=960.0,
    low=950.0,
    high=970.0,
    cv=0.01,
    iqr=5.0,
    batch_size=96,
    memory_format="contiguous",
    compiled=False,
    warmup_steps=3,
    macs=1,
    params=1,
    peak_memory_bytes=None,
    verdict="clean",
    verdict_reason="",
)


@pytest.mark.parametrize(
    ("layout", "micro_batch"),
    [
        (IpuLayout(ipus_per_replica=2, replicas=4, micro_batch=6, accumulation=4), 6),
        (IpuLayout(replicas=16, device_iterations=8), 6),  # the best one was searched, and 96 / 16 is it
    ],
)
def test_the_factors_of_the_batch_are_stored(layout: IpuLayout, micro_batch: int) -> None:
    job = MeasureJob(G16, 1, 10, "train", 24, "key", optimizer="rmsprop", ipu=layout)
    record = measurement_record(job, RESULT, "key")
    stored = record.micro_batch, record.accumulation, record.replicas, record.ipus_per_replica, record.device_iterations
    assert stored == (
        micro_batch,
        layout.accumulation,
        layout.replicas,
        layout.ipus_per_replica,
        layout.device_iterations,
    )


def test_nothing_is_stored_of_ipus_where_there_are_none() -> None:
    record = measurement_record(MeasureJob(G16, 1, 10, "inference", 24, "key"), RESULT, "key")
    assert record.micro_batch is record.replicas is record.device_iterations is None
