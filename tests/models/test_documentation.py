import re
from pathlib import Path

import pytest

from workers.protocol.architecture import architecture, macs, parameter_count
from workers.protocol.variant import NATIVE_RESOLUTION, SIZES, ImpossibleVariantError, Variant, half_resolution

DOCUMENT = Path(__file__).parents[2] / "docs" / "networks-and-recipe.md"


def rows():
    """The table of networks: size → the other cells."""
    lines = re.findall(r"^\| (B\d) \| (.*) \|$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {size.lower(): cells.split(" | ") for size, cells in lines}


def costs(size, group_size, expansion, norm):
    network = architecture(Variant(size, group_size, expansion, norm), 3, 1000)
    return f"{parameter_count(network) / 1e6:.2f}", f"{macs(network, NATIVE_RESOLUTION[size]) / 1e9:.3f}"


@pytest.mark.parametrize("size", SIZES)
def test_the_documented_table_of_networks_is_what_is_built(size):
    cells = rows()[size]
    resolutions = NATIVE_RESOLUTION[size], half_resolution(Variant(size, 1, 6, "gn"), 0)
    assert cells[:5] == [str(value) for value in (*SIZES[size], *resolutions)]
    assert tuple(cells[5:7]) == costs(size, 1, 6, "bn")
    if cells[7] == "refused":
        with pytest.raises(ImpossibleVariantError):
            costs(size, 16, 4, "gn")
    else:
        assert (*cells[7:9], cells[9]) == (*costs(size, 16, 4, "gn"), costs(size, 16, 4, "ln+pn")[0])
