"""The way to a result and to a comparison, as a person goes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dashboard.detailed import FAMILIES, evaluation
from tests.dashboard.visit import CHART, PHONE

pytestmark = pytest.mark.browser

PLAIN, CHANGED = FAMILIES


@pytest.fixture(scope="module")
def address(serve, detailed_url):
    return serve(detailed_url)


def test_selected_results_open_side_by_side_and_from_there_each_alone(visit, address):
    seen = visit().go(f"{address}/results?filter=slot_kind%3Dcpu+seed%3D0", "Results")
    for row, offered in ((0, "Open result"), (2, "Compare these 2 results")):
        seen.row(row)
        seen.page.get_by_role("link", name=offered).wait_for()
        seen.settle()
    seen.page.get_by_role("link", name="Compare these 2 results").click()
    seen.page.get_by_role("heading", level=1, name="Compare").wait_for()
    seen.page.locator(f"{CHART} svg").nth(2).wait_for()
    seen.page.wait_for_url("**results=*")
    seen.settle()
    seen.page.get_by_role("link", name="Open A").click()
    seen.page.get_by_role("heading", level=1, name="G16-LN+PN-Half b0 ×0.5").wait_for()
    seen.page.locator(f"{CHART} svg").nth(2).wait_for()
    seen.page.wait_for_url(f"**result={evaluation(CHANGED).fingerprint}*")
    seen.settle()
    with seen.page.expect_download() as downloading:
        seen.page.get_by_role("button", name="Download as CSV (20 rows)").first.click()
    assert downloading.value.suggested_filename.startswith("samples-train-")
    rows = Path(downloading.value.path()).read_text(encoding="utf-8").splitlines()
    assert "images_per_second" in rows[0]
    assert len(rows) == 1 + 4 * 5
    again = visit().go(seen.page.url, "G16-LN+PN-Half b0 ×0.5")
    again.page.locator(f"{CHART} svg").first.wait_for()
    assert seen.complaints == again.complaints == []


def test_a_keyboard_alone_comes_from_the_table_to_a_result(visit, address):
    seen = visit().go(f"{address}/results?filter=slot_kind%3Dcpu+seed%3D0", "Results")
    cells = seen.page.locator("[data-testid=stDataFrame] canvas [role=gridcell]")
    cells.first.wait_for(state="attached")
    seen.page.locator("[data-testid=stDataFrame] canvas").first.focus()
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("Shift+Space")
    link = seen.page.get_by_role("link", name="Open result")
    link.wait_for()
    seen.settle()
    link.focus()
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url("**/result?result=*")


@pytest.mark.parametrize("window", [{"width": 400, "is_mobile": True, "user_agent": PHONE}, {"width": 900}])
@pytest.mark.parametrize("path", ["result?result={0}", "compare?results={0},{1}"])
def test_nothing_about_results_is_wider_than_a_phone_or_half_a_screen(path, window, visit, address):
    others = {name: value for name, value in window.items() if name != "width"}
    named = (evaluation(PLAIN).fingerprint, evaluation(CHANGED).fingerprint)
    seen = visit(viewport={"width": window["width"], "height": 800}, **others)
    seen.go(f"{address}/{path.format(*named)}")
    seen.within(seen.page.locator(f"{CHART} svg").nth(1), window["width"])
    assert seen.complaints == []
