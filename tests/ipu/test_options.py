"""What a layout says reaches PopTorch's options."""

import dataclasses

import pytest

from tests.ipu.runs import VARIANT
from tests.older import paired
from workers.engine import OptimizerSettings
from workers.ipu.optimizers import build_ipu_optimizer
from workers.ipu.options import make_options
from workers.models.efficientnet import build, parameter_groups
from workers.protocol.ipu import IpuLayout, IpuSettings

pytestmark = pytest.mark.usefixtures("standin")

LAYOUT = IpuLayout(
    ipus_per_replica=2,
    replicas=4,
    micro_batch=3,
    accumulation=8,
    partials="half",
    available_memory=(0.2, 0.3),
    stochastic_rounding=True,
    loss_scaling=128.0,
)


def options_of(layout=LAYOUT, *, training=True, settings=None):
    return make_options(layout, training=training, settings=settings or IpuSettings(), seed=11)


def test_a_training_layout_reaches_the_options():
    import poptorch

    options = options_of()
    said = options.toDict()
    assert said["replication_factor"] == 4
    assert said["gradient_accumulation"] == 8
    assert said["device_iterations"] == 1
    assert options.output_mode == poptorch.OutputMode.Sum
    assert options.random_seed == 11


def test_a_layout_for_testing_accumulates_nothing_and_returns_every_answer():
    import poptorch

    layout = dataclasses.replace(LAYOUT, accumulation=1, device_iterations=5)
    options = options_of(layout, training=False)
    said = options.toDict()
    assert (said["gradient_accumulation"], said["device_iterations"]) == (1, 5)
    assert options.output_mode == poptorch.OutputMode.All


@pytest.mark.parametrize(
    ("changes", "settings"),
    [
        ({"partials": "float"}, {}),
        ({"available_memory": ()}, {}),
        ({"stochastic_rounding": False}, {}),
        ({"data": "synthetic"}, {}),
        ({}, {"executable_cache": "kept"}),
    ],
)
def test_each_setting_changes_the_options(tmp_path, changes, settings):
    settings = {key: str(tmp_path / value) for key, value in settings.items()}
    changed = options_of(dataclasses.replace(LAYOUT, **changes), settings=IpuSettings(**settings))
    assert changed.toDict() != options_of().toDict()


def test_the_optimizer_has_the_recipes_numbers_and_groups():
    import poptorch

    network = build(VARIANT, 1, 8)
    settings = OptimizerSettings("rmsprop", momentum=0.8, weight_decay=0.01, rms_decay=0.95)
    optimizer = build_ipu_optimizer(network, settings, loss_scaling=128.0)
    assert isinstance(optimizer, poptorch.optim.RMSprop)
    assert optimizer.loss_scaling == 128.0
    assert optimizer.use_tf_variant is True
    for group, expected in paired(optimizer.param_groups, parameter_groups(network, 0.01)):
        assert (group["alpha"], group["momentum"], group["eps"]) == (0.95, 0.8, 1e-3)
        assert group["weight_decay"] == expected["weight_decay"]
        assert [id(one) for one in group["params"]] == [id(one) for one in expected["params"]]
