"""Stages of a pipeline begin where their costs are balanced, or where the settings say."""

import itertools

import pytest
import torch

from tests.ipu.runs import VARIANT
from tests.older import neighbours
from workers.errors import JobError
from workers.ipu.pipeline import balanced_cuts, begin_stages, unit_costs
from workers.models.efficientnet import build
from workers.protocol.architecture import macs, stage_starts
from workers.protocol.variant import Variant


def network(size="b0", **fields):
    return build(Variant(size, group_size=16, expansion=4, norm="gn", **fields), 3, 1000)


def test_the_costs_are_the_networks_multiply_accumulates_but_for_squeeze_excite():
    one = network()
    costs = unit_costs(one)
    assert sum(costs.values()) == pytest.approx(macs(one.architecture, 224), rel=0.005)
    assert list(costs)[:3] == ["stem", "stages.0.0", "stages.1.0"]
    assert list(costs)[-3:] == ["stages.6.0", "head", "classifier"]
    assert len(costs) == 16 + 3


@pytest.mark.parametrize("size", ["b0", "b1", "b4", "b7"])
def test_the_starts_that_a_sweep_file_may_name_are_modules_in_the_order_in_which_they_run(size):
    one = network(size, width=0.1)
    known = list(dict(one.named_modules()))
    starts = stage_starts(size)
    assert [name for name in known if name in starts] == list(starts)
    assert [name for name in starts if name in unit_costs(one)] == list(unit_costs(one))[1:]


@pytest.mark.parametrize("stages", [1, 2, 3, 4])
def test_no_other_cut_has_a_cheaper_dearest_stage(stages):
    generator = torch.Generator().manual_seed(stages)
    for _ in range(20):
        costs = {str(unit): int(cost) for unit, cost in enumerate(torch.randint(1, 50, (8,), generator=generator))}
        cuts = [int(name) for name in balanced_cuts(costs, stages)]
        assert dearest(costs, cuts) == min(
            dearest(costs, others) for others in itertools.combinations(range(1, len(costs)), stages - 1)
        )


def dearest(costs, cuts):
    values = list(costs.values())
    edges = [0, *cuts, len(values)]
    assert sorted(set(edges)) == edges
    return max(sum(values[start:end]) for start, end in neighbours(edges))


@pytest.mark.parametrize("stages", [2, 4])
def test_the_stages_of_a_network_cost_about_the_same(stages):
    costs = unit_costs(network("b4"))
    cuts = [list(costs).index(name) for name in balanced_cuts(costs, stages)]
    assert dearest(costs, cuts) < 1.15 * sum(costs.values()) / stages


def test_more_stages_than_parts_are_refused():
    _, tuned = network().split("head")
    assert len(unit_costs(tuned)) == 2
    with pytest.raises(JobError, match="4 IPUs per replica are more than the network's 2 parts"):
        balanced_cuts(unit_costs(tuned), 4)


def test_parts_of_a_network_can_be_cut_as_well():
    frozen, _ = network().split("last-block")
    costs = unit_costs(frozen)
    assert list(costs)[:3] == ["0", "1.0", "2.0"]
    assert len(balanced_cuts(costs, 2)) == 1


@pytest.mark.usefixtures("standin")
def test_a_block_begins_at_each_stage_and_runs_on_an_ipu_of_its_own(monkeypatch):
    import poptorch

    begun = []

    def begin(module, user_id=None, ipu_id=None):
        begun.append((module, user_id, ipu_id))
        return real(module, user_id, ipu_id)

    real = poptorch.BeginBlock
    monkeypatch.setattr(poptorch, "BeginBlock", begin)
    one = build(VARIANT, 1, 8)
    starts = begin_stages(one, 4)
    modules = dict(one.named_modules())
    assert begun == [(one.stem, "stage-0", 0)] + [
        (modules[name], f"stage-{number}", number) for number, name in enumerate(starts, start=1)
    ]
    assert starts == balanced_cuts(unit_costs(one), 4)


@pytest.mark.usefixtures("standin")
def test_a_named_split_is_followed_and_a_wrong_one_is_refused_with_a_right_name():
    assert begin_stages(build(VARIANT, 1, 8), 2, ("stages.3.0.spatial",)) == ("stages.3.0.spatial",)
    with pytest.raises(JobError, match=r"split: there is no module blocks\.3; there is e\.g\. stages\.0\.0"):
        begin_stages(build(VARIANT, 1, 8), 2, ("blocks.3",))


@pytest.mark.usefixtures("standin")
def test_one_stage_marks_nothing():
    one = build(VARIANT, 1, 8)
    assert begin_stages(one, 1) == ()
    assert all(not module._forward_pre_hooks for module in one.modules())
