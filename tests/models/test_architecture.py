import dataclasses
import math
import subprocess
import sys

import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from workers.models.efficientnet import build
from workers.protocol.architecture import (
    architecture,
    has_proxy_norm,
    macs,
    norm_groups,
    parameter_count,
    round_channels,
    stage_costs,
)
from workers.protocol.variant import NATIVE_RESOLUTION, NORMS, SIZES, ImpossibleVariantError, Variant

PAPER_SIZES = ("b0", "b1", "b2", "b3", "b4", "b5")
G1, G16 = (1, 6), (16, 4)


def imagenet(size="b0", pair=G1, norm="bn", **changes):
    return architecture(Variant(size, *pair, norm, **changes), channels=3, classes=1000)


@pytest.mark.parametrize("size", SIZES)
def test_depthwise_batch_norm_networks_have_exactly_the_parameters_of_torchvision(size):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"efficientnet_{size}")()
    assert parameter_count(imagenet(size)) == sum(parameter.numel() for parameter in theirs.parameters())


# Millions of parameters and billions of multiply-accumulates at the native size: arXiv 2106.03640 and timm's tables.
@pytest.mark.parametrize(
    ("size", "pair", "norm", "millions", "billions"),
    [
        ("b0", G1, "gn", 5.29, 0.386),
        ("b1", G1, "gn", 7.79, 0.687),
        ("b2", G1, "gn", 9.11, 0.994),
        ("b3", G1, "gn", 12.23, 1.827),
        ("b4", G1, "gn", 19.34, 4.394),
        ("b5", G1, "gn", 30.39, 10.27),
        ("b0", G16, "gn", 5.91, 0.635),
        ("b1", G16, "gn", 8.33, 1.112),
        ("b2", G16, "gn", 9.50, 1.522),
        ("b3", G16, "gn", 12.59, 2.731),
        ("b4", G16, "gn", 19.33, 6.183),
        ("b5", G16, "gn", 28.72, 13.50),
        ("b0", G16, "ln+pn", 5.94, 0.635),
        ("b1", G16, "ln+pn", 8.37, 1.112),
        ("b2", G16, "ln+pn", 9.54, 1.522),
        ("b3", G16, "ln+pn", 12.64, 2.731),
        ("b4", G16, "ln+pn", 19.40, 6.183),
        ("b5", G16, "ln+pn", 28.82, 13.50),
        ("b0", (8, 6), "bn", 6.56, 0.628),
        ("b0", (4, 6), "bn", 5.83, 0.489),
        ("b7", G1, "bn", 66.35, 37.75),
    ],
)
def test_costs_are_those_of_the_published_tables(size, pair, norm, millions, billions):
    network = imagenet(size, pair, norm)
    assert parameter_count(network) / 1e6 == pytest.approx(millions, abs=0.005)
    assert macs(network, NATIVE_RESOLUTION[size]) / 1e9 == pytest.approx(billions, rel=2e-3)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pair", [G1, G16])
@pytest.mark.parametrize("size", PAPER_SIZES)
def test_the_parameters_counted_are_those_of_the_network_built(size, pair, norm):
    variant = Variant(size, *pair, norm)
    with torch.device("meta"):
        model = build(variant, 3, 1000)
    assert parameter_count(model.architecture) == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("pair", [G1, G16])
@pytest.mark.parametrize("size", PAPER_SIZES)
def test_macs_are_half_the_floating_point_operations_that_torch_counts(size, pair):
    assert_macs_match_torch(Variant(size, *pair, "ln"), 3, 1000, NATIVE_RESOLUTION[size])


@pytest.mark.parametrize("resolution", [1, 7, 20, 33])
@pytest.mark.parametrize("small_images", [False, True])
def test_macs_are_exact_at_odd_and_tiny_resolutions(resolution, small_images):
    assert_macs_match_torch(Variant("b1", 8, 3, "gn+pn", width=0.3, small_images=small_images), 1, 10, resolution)


def assert_macs_match_torch(variant, channels, classes, resolution):
    with torch.device("meta"):
        model = build(variant, channels, classes).eval()
        image = torch.empty(1, channels, resolution, resolution)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(image)
    assert 2 * macs(model.architecture, resolution) == counter.get_total_flops()


def test_the_table_of_costs_follows_the_images_through_the_network():
    network = imagenet("b0", G16, "ln+pn")
    table = stage_costs(network, 224)
    assert [row.stage for row in table] == ["stem", *(f"stage {n}" for n in range(1, 8)), "head", "classifier"]
    assert [row.channels for row in table] == [32, 16, 24, 40, 80, 112, 192, 320, 1280, 1000]
    assert [row.layers for row in table] == [1, 1, 2, 2, 3, 3, 4, 1, 1, 1]
    assert [row.resolution for row in table] == [112, 112, 56, 28, 14, 14, 7, 7, 7, 1]
    assert sum(row.parameters for row in table) == parameter_count(network)
    assert sum(row.macs for row in table) == macs(network, 224)


def test_the_resolutions_of_the_table_are_those_of_the_network_built():
    model = build(Variant("b0", 16, 4, "gn", width=0.25, small_images=True), 1, 10).eval()
    sides = []
    for part in (model.stem, *model.stages):
        part.register_forward_hook(lambda _module, _inputs, output: sides.append(output.shape[-2:]))
    model(torch.randn(1, 1, 27, 27))
    table = stage_costs(model.architecture, 27)
    assert sides == [(row.resolution, row.resolution) for row in table[:8]]


def test_lower_expansion_writes_a_quarter_fewer_activations():
    depthwise = sum(row.activations for row in stage_costs(imagenet("b0", G1), 224))
    grouped = sum(row.activations for row in stage_costs(imagenet("b0", G16), 224))
    assert depthwise / 1e6 == pytest.approx(6.75, abs=0.01)
    assert grouped / depthwise == pytest.approx(0.74, abs=0.01)


def test_small_images_keep_their_side_through_stem_and_stage_2():
    table = stage_costs(imagenet(small_images=True), 32)
    assert [row.resolution for row in table] == [32, 32, 32, 16, 8, 8, 4, 4, 4, 1]
    assert parameter_count(imagenet(small_images=True)) == parameter_count(imagenet())


def test_groups_that_do_not_fit_in_stage_1_are_fewer_and_larger_as_in_the_paper():
    def first_stage(size):
        return [(block.spatial.in_channels, block.spatial.groups) for block in imagenet(size, G16).stages[0]]

    assert first_stage("b0") == [(32, 2)]
    assert first_stage("b3") == [(40, 2), (24, 1)]
    assert first_stage("b4") == [(48, 3), (24, 1)]
    assert first_stage("b5") == [(48, 3), (24, 1), (24, 1)]


@pytest.mark.parametrize("size", PAPER_SIZES)
def test_after_stage_1_every_group_of_the_paper_has_16_channels(size):
    spatial = [block.spatial for stage in imagenet(size, G16).stages[1:] for block in stage]
    assert {layer.in_channels // layer.groups for layer in spatial} == {16}


def test_b6_in_groups_of_16_is_refused_with_the_layer_and_the_remedy():
    with pytest.raises(ImpossibleVariantError) as refusal:
        imagenet("b6", G16)
    assert str(refusal.value).startswith("stage 1: 56 channels make 3 groups of 16, and 56 is not divisible by 3; ")
    assert "group_size of 1, 2, 4 or 8" in str(refusal.value)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("group_size", [1, 2, 4, 8])
def test_the_group_sizes_that_the_refusal_recommends_fit_every_size(size, group_size):
    groups = [block.spatial for block in imagenet(size, (group_size, 5)).blocks]
    assert {layer.in_channels // layer.groups for layer in groups} == {group_size}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": "b9"}, "unknown size 'b9': expected one of b0, b1"),
        ({"norm": "in"}, "unknown norm 'in': expected one of bn, gn"),
        ({"group_size": 0}, "group_size is 0"),
        ({"expansion": 0}, "expansion is 0"),
        ({"width": 0.0}, "width is 0.0"),
        ({"width": -1.0}, "width is -1.0"),
        ({"width": math.nan}, "width is nan"),
        ({"width": math.inf}, "width is inf"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name(changes, message):
    variant = dataclasses.replace(Variant("b0", 1, 6, "bn"), **changes)
    with pytest.raises(ImpossibleVariantError, match=message):
        architecture(variant, 3, 1000)


@pytest.mark.parametrize(("channels", "classes", "message"), [(0, 10, "channels is 0"), (1, 0, "classes is 0")])
def test_images_without_channels_and_data_without_classes_are_refused(channels, classes, message):
    with pytest.raises(ImpossibleVariantError, match=message):
        architecture(Variant("b0", 1, 6, "bn"), channels, classes)


def test_a_resolution_below_one_pixel_is_refused():
    with pytest.raises(ValueError, match="resolution 0"):
        macs(imagenet(), 0)


@given(channels=st.integers(8, 1300), width=st.floats(0.01, 10))
def test_rounded_channels_are_multiples_of_8_and_at_most_a_tenth_too_few(channels, width):
    rounded = round_channels(channels, width)
    assert rounded % 8 == 0
    assert rounded >= max(8, 0.9 * channels * width)
    assert rounded < channels * width + 8


@given(
    size=st.sampled_from(sorted(SIZES)),
    width=st.floats(0.05, 3),
    group_size=st.integers(1, 64),
    expansion=st.integers(1, 8),
    norm=st.sampled_from([norm for norm in NORMS if norm != "bn"]),
)
def test_every_architecture_accepted_has_whole_groups_for_convolutions_and_norms(
    size, width, group_size, expansion, norm
):
    try:
        network = architecture(Variant(size, group_size, expansion, norm, width=width), 3, 10)
    except ImpossibleVariantError:
        return
    layers = [network.stem, network.head]
    layers += [layer for block in network.blocks for layer in (*block.activated, block.project)]
    for layer in layers:
        assert layer.in_channels % layer.groups == 0
        assert layer.out_channels % layer.groups == 0
        assert layer.out_channels % norm_groups(norm) == 0


def test_norms_are_told_apart_by_groups_and_proxy():
    assert [norm_groups(norm) for norm in ("gn", "ln", "gn+pn", "ln+pn")] == [4, 1, 4, 1]
    assert [norm for norm in NORMS if has_proxy_norm(norm)] == ["gn+pn", "ln+pn"]


def test_the_arithmetic_works_where_neither_torch_nor_numpy_can_be_imported():
    program = (
        "import sys; sys.modules.update(torch=None, numpy=None)\n"
        "from workers.protocol.architecture import architecture, parameter_count\n"
        "from workers.protocol.variant import Variant\n"
        "print(parameter_count(architecture(Variant('b0', 1, 6, 'bn'), 3, 1000)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "5288548"
