import copy
import itertools

import pytest
import torch
from torch import nn

from tests.models.networks import G1, G16, small
from tests.older import paired
from workers.models import fused
from workers.models.efficientnet import build, parameter_groups
from workers.models.kernel_library import Kernels
from workers.models.proxy_norm import ProxyNormSiLU
from workers.protocol.variant import NORMS, ImpossibleVariantError, Variant

BATCH_INDEPENDENT = [norm for norm in NORMS if norm != "bn"]


def test_the_classifier_starts_glorot_uniform():
    classifier = build(Variant("b0", *G1, "ln"), 3, 100).classifier
    bound = (6 / (1280 + 100)) ** 0.5
    assert classifier.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert classifier.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
    assert classifier.bias.abs().max().item() == 0.0


@pytest.mark.parametrize("pair", [G1, G16])
@pytest.mark.parametrize("norm", NORMS)
def test_every_parameter_of_every_variant_learns(norm, pair):
    model = small(norm, pair)
    nn.functional.cross_entropy(model(torch.randn(4, 1, 20, 20)), torch.arange(4)).backward()
    still = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert still == []


@pytest.mark.parametrize("norm", BATCH_INDEPENDENT)
def test_an_image_gets_the_same_logits_alone_and_in_a_batch(norm):
    model = small(norm).eval()
    images = torch.randn(4, 1, 20, 20)
    with torch.inference_mode():
        together = model(images)
        alone = torch.cat([model(image.unsqueeze(0)) for image in images])
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_batch_norm_couples_the_images_of_a_training_batch():
    model = small("bn", dropout=0.0)
    images = torch.randn(4, 1, 20, 20)
    assert not torch.allclose(model(images)[:2], model(images[:2]), atol=1e-3)


@pytest.mark.parametrize("norm", BATCH_INDEPENDENT)
def test_training_and_evaluation_agree_without_batch_norm_and_dropout(norm):
    model = small(norm, dropout=0.0)
    images = torch.randn(2, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(model(images), model.eval()(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_both_memory_formats_give_the_same_logits_and_gradients(norm):
    images, results = torch.randn(4, 1, 20, 20), []
    model = small(norm, dropout=0.0)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        model = model.to(memory_format=memory_format)
        model.zero_grad()
        logits = model(images.contiguous(memory_format=memory_format))
        nn.functional.cross_entropy(logits, torch.arange(4)).backward()
        results.append((logits.detach(), model.stem.conv.weight.grad.clone()))
    for contiguous, channels_last in paired(*results):
        torch.testing.assert_close(channels_last, contiguous, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("pair", [G1, G16])
@pytest.mark.parametrize("norm", NORMS)
def test_fused_kernels_and_torch_s_operations_make_the_same_network(norm, pair, memory_format, monkeypatch):
    model = small(norm, pair, dropout=0.0).to(memory_format=memory_format)
    images = torch.randn(4, 1, 20, 20).contiguous(memory_format=memory_format)
    results = []
    for kernels in (fused.kernels, lambda: Kernels(None, "eager", "a test's")):
        monkeypatch.setattr(fused, "kernels", kernels)
        twin = copy.deepcopy(model)
        trained = twin(images)
        nn.functional.cross_entropy(trained, torch.arange(4)).backward()
        with torch.inference_mode():
            tested = twin.eval()(images)
        gradients = torch.cat([parameter.grad.flatten() for parameter in twin.parameters()])
        results.append((trained.detach(), tested, gradients, *twin.state_dict().values()))
    for mine, theirs in paired(*results):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-5 * theirs.abs().max().item())


@pytest.mark.parametrize("norm", NORMS)
def test_training_under_bf16_autocast_stays_close_to_fp32(norm):
    model, images = small(norm, dropout=0.0), torch.randn(8, 1, 20, 20)
    with torch.no_grad():
        reference = model(images)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(images)
    assert logits.dtype == torch.bfloat16
    assert (logits.float() - reference).norm() < 0.1 * reference.norm()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("layers", ["head", "last-block"])
def test_the_two_parts_of_a_split_make_the_whole(layers, norm):
    model = small(norm).eval()
    frozen, tuned = model.split(layers)
    images = torch.randn(2, 1, 24, 24)
    with torch.inference_mode():
        torch.testing.assert_close(tuned(frozen(images)), model(images), rtol=0, atol=0)
    parts = [id(parameter) for part in (frozen, tuned) for parameter in part.parameters()]
    assert sorted(parts) == sorted(id(parameter) for parameter in model.parameters())


def test_the_tuned_parts_are_the_head_and_the_last_stage():
    model = small()
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    parts = {}
    for layers in ("head", "last-block"):
        tuned = model.split(layers)[1]
        parts[layers] = {names[id(parameter)].split(".")[0] for parameter in tuned.parameters()}
        trained = {names[id(parameter)] for parameter in tuned.parameters()}
        assert any(name.startswith("stages.6.") for name in trained) == (layers == "last-block")
        assert not any(name.startswith("stages.5.") for name in trained)
    assert parts == {"head": {"head", "classifier"}, "last-block": {"head", "classifier", "stages"}}


def test_tuning_a_part_of_a_split_changes_the_network_itself():
    model = small()
    _, tuned = model.split("head")
    before = model.classifier.weight.detach().clone()
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(1.0)
    assert torch.equal(model.classifier.weight, before + 1.0)


def test_a_split_elsewhere_is_refused():
    with pytest.raises(ValueError, match="'none' is neither head nor last-block"):
        small().split("none")


def decayed_names(model, part=None):
    decayed, exempt = parameter_groups(part or model, 1e-5)
    assert decayed["weight_decay"] == 1e-5
    assert exempt["weight_decay"] == 0.0
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [{names[id(parameter)] for parameter in group["params"]} for group in (decayed, exempt)]


@pytest.mark.parametrize("norm", NORMS)
def test_weight_decay_spares_exactly_the_scales_and_shifts_of_norms(norm):
    model = small(norm)
    decayed, exempt = decayed_names(model)
    assert decayed | exempt == {name for name, _ in model.named_parameters()}
    assert exempt == {name for name in decayed | exempt if name.endswith((".norm.weight", ".norm.bias"))}
    assert "stages.1.0.squeeze_excite.squeeze.bias" in decayed
    assert "classifier.bias" in decayed
    assert ("stem.norm.proxy_scale" in decayed) == norm.endswith("+pn")


def test_parameter_groups_of_a_part_hold_that_part_alone_and_skip_what_is_frozen():
    model = small("ln")
    _, tuned = model.split("head")
    model.classifier.requires_grad_(False)
    decayed, exempt = decayed_names(model, tuned)
    assert (decayed, exempt) == ({"head.conv.weight"}, {"head.norm.weight", "head.norm.bias"})


def test_an_optimiser_takes_the_parameter_groups():
    model = small()
    optimizer = torch.optim.SGD(parameter_groups(model, 1e-5), lr=0.1)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-5, 0.0]


def test_drop_rates_grow_linearly_with_the_block():
    model = build(Variant("b0", *G1, "ln", width=0.25), 1, 10, stochastic_depth=0.2)
    rates = [block.stochastic_depth.rate for block in itertools.chain(*model.stages)]
    assert rates == pytest.approx([0.2 * index / 16 for index in range(16)])


def test_training_with_stochastic_depth_passes_some_images_around_a_residual_block():
    block = build(Variant("b0", *G1, "ln", width=0.25), 1, 10, stochastic_depth=0.9).stages[5][3]
    x = torch.randn(32, 48, 4, 4)
    around = (block(x) == x).flatten(1).all(dim=1).sum().item()
    assert 8 < around < 32
    assert not (block.eval()(x) == x).flatten(1).all(dim=1).any()


def test_dropout_is_the_size_s_own_unless_given():
    assert small().dropout.p == 0.2
    assert small(dropout=0.0).dropout.p == 0.0
    assert build(Variant("b4", *G1, "ln", width=0.1), 1, 10).dropout.p == 0.4


def test_proxy_norm_is_in_stem_expansion_spatial_convolution_and_head_only():
    layers = [name for name, module in small().named_modules() if isinstance(module, ProxyNormSiLU)]
    assert layers[0] == "stem.norm"
    assert layers[-1] == "head.norm"
    assert {name.split(".", 3)[3] for name in layers[1:-1]} == {"expand.norm", "spatial.norm"}
    assert len(layers) == 2 + 16 + 15  # the block of stage 1 has no expansion


def test_the_head_leaves_the_scale_of_the_proxy_norm_to_the_classifier():
    model, x = small(), torch.randn(2, 80, 3, 3)
    centred, _, scale = model.head.delayed(x)
    assert scale is not None
    torch.testing.assert_close(model.head(x), centred.mean((2, 3)))


def test_names_of_parameters_stay_what_checkpoints_expect():
    names = set(small().state_dict())
    assert {
        "stem.conv.weight",
        "stem.norm.weight",
        "stem.norm.proxy_mean",
        "stages.0.0.spatial.conv.weight",
        "stages.1.1.expand.norm.proxy_scale",
        "stages.6.0.squeeze_excite.excite.bias",
        "stages.6.0.project.norm.weight",
        "head.conv.weight",
        "classifier.weight",
    } <= names
    assert not any("quantiles" in name for name in names)
    assert "stages.6.0.project.norm.bias" not in names


@pytest.mark.parametrize("norm", NORMS)
def test_weights_survive_a_checkpoint(norm, tmp_path):
    model, other = small(norm).eval(), small(norm).eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    images = torch.randn(1, 1, 20, 20)
    assert torch.equal(model(images), other(images))


def test_the_same_seed_builds_the_same_network():
    def weights(seed):
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(build(Variant("b0", *G1, "ln", width=0.25), 1, 10).parameters())

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_network_that_cannot_be_built_is_refused():
    with pytest.raises(ImpossibleVariantError, match="stage 1"):
        build(Variant("b6", *G16, "gn"), 3, 1000)


@pytest.mark.parametrize("norm", ["bn", "gn", "ln+pn"])
def test_a_tiny_network_learns_a_batch_by_heart(norm):
    model = build(Variant("b0", *G16, norm, width=0.1, small_images=True), 1, 4, dropout=0.0)
    images, labels = torch.randn(16, 1, 16, 16), torch.arange(16) % 4
    optimizer = torch.optim.AdamW(parameter_groups(model, 1e-5), lr=3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
