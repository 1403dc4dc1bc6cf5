"""``describe``: a network's costs from the command line."""

import json

import pytest
from click.testing import CliRunner

from orchestrator.cli import cli
from orchestrator.description import describe_variant
from orchestrator.errors import InputError
from workers.protocol.variant import Variant


def described(*arguments: str) -> dict:
    done = CliRunner().invoke(cli, ["describe", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


# Millions of parameters as listed for the paper's networks: G1 and G16 with GN, G16 with LN+PN.
PAPER = {
    "b0": (5.29, 5.91, 5.94),
    "b1": (7.79, 8.33, 8.37),
    "b2": (9.11, 9.50, 9.54),
    "b3": (12.23, 12.59, 12.64),
    "b4": (19.34, 19.33, 19.40),
    "b5": (30.39, 28.72, 28.82),
}


@pytest.mark.parametrize("size", PAPER)
def test_parameters_are_those_of_the_papers_networks(size):
    settings = (["norm=gn"], ["norm=gn", "group_size=16"], ["norm=ln+pn", "group_size=16"])
    found = tuple(round(describe_variant(size, one).params / 1e6, 2) for one in settings)
    assert found == PAPER[size]


def test_the_json_has_what_scripts_rely_on():
    found = described("b0", "group_size=16", "norm=ln+pn", "resolution=160")
    assert (found["params"], found["macs"]) == (5_938_484, 324_642_304)
    assert (found["size"], found["group_size"], found["expansion"], found["norm"]) == ("b0", 16, 4, "ln+pn")
    assert (found["resolution"], found["channels"], found["classes"], found["width"]) == (160, 3, 1000, 1.0)
    names = ["stem", *(f"stage {n}" for n in range(1, 8)), "head", "classifier"]
    assert [stage["stage"] for stage in found["stages"]] == names


@pytest.mark.parametrize("key", ["params", "macs", "activations"])
def test_the_stages_add_up(key):
    found = described("b2", "group_size=16", "norm=gn", "resolution=half")
    assert found["resolution"] == 196
    assert sum(stage["parameters" if key == "params" else key] for stage in found["stages"]) == found[key]


def test_resolutions_and_expansions_have_words():
    assert [describe_variant("b5", [f"resolution={word}"]).resolution for word in ("native", "half")] == [456, 328]
    assert describe_variant("b0", ["group_size=8", "expansion=5"]).variant == Variant("b0", 8, 5, "bn")
    small = describe_variant("b0", ["small_images=true", "resolution=28", "channels=1", "classes=10", "width=0.25"])
    assert small.variant == Variant("b0", 1, 6, "bn", 0.25, small_images=True)


def test_the_table_has_the_totals_and_every_stage():
    done = CliRunner().invoke(cli, ["describe", "b0", "resolution=160"])
    assert done.exit_code == 0
    assert "b0 G1 e6 bn at 160 pixels: 5,288,548 parameters" in done.output
    assert "classifier" in done.output


REFUSALS = {
    ("B0",): "size: 'B0' is not one of b0, b1, b2, b3, b4, b5, b6, b7 - did you mean 'b0'?",
    ("b6", "group_size=16"): "b6 G16 e4 bn cannot be built: stage 1: 56 channels make 3 groups of 16, and 56 is not",
    ("b0", "group_size=0"): "group_size: 0 is not a whole number of channels from 1 to 4096",
    ("b0", "group_size=8"): "expansion: auto knows group sizes 1, 16 only: name that of 8, e.g. expansion=4",
    ("b0", "group_size=1_6"): "group_size: 1_6 is a number to some readers only: write 16",
    ("b0", "group_size=" + "9" * 5000): "group_size: 999",
    ("b0", "expansion=0"): "expansion: 0 is not a whole number from 1 to 64 or auto",
    ("b0", "norm=lnpn"): "norm: 'lnpn' is not one of bn, gn, ln, gn+pn, ln+pn - did you mean 'ln+pn'?",
    ("b0", "width=nan"): "width: 'nan' is not a number above 0 and at most 10",
    ("b0", "width=0"): "width: 0 is not a number above 0 and at most 10",
    ("b0", "small_images=yes"): "small_images: 'yes' is not true or false: write true",
    ("b0", "small_images=true"): "resolution: small_images networks have no native or half one of their own: give",
    ("b0", "resolution=7"): "resolution: 7 is not a whole number of pixels from 8 to 2048 or one of native, half",
    ("b0", "resolution=halve"): "resolution: 'halve' is not a whole number of pixels from 8 to 2048 or one of native,",
    ("b0", "channels=0"): "channels: 0 is not a whole number from 1",
    ("b0", "grop_size=16"): "'grop_size' is not a setting - did you mean 'group_size'?",
    ("b0", "x=16"): "'x' is not a setting: expected one of group_size, expansion",
    ("b0", "norm"): "'norm' is not KEY=VALUE",
    ("b0", "norm="): "'norm=' is not KEY=VALUE",
}


@pytest.mark.parametrize(("arguments", "message"), REFUSALS.items(), ids=lambda value: str(value)[:40])
def test_what_cannot_be_described_is_refused_in_one_line(arguments, message):
    with pytest.raises(InputError) as caught:
        describe_variant(arguments[0], arguments[1:])
    assert str(caught.value).startswith(message)
    assert caught.value.exit_code == 2
