"""A page of the dashboard in a real browser."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from playwright.sync_api import TimeoutError as NotInTimeError
from playwright.sync_api import expect

#: How long something may take that is waited for; long, since it says nothing about speed.
SECONDS = 120
expect.set_options(timeout=1000 * SECONDS)
CHART = "[data-testid=stVegaLiteChart]"
#: In each panel, one mark for every point, to be seen where somebody points at it or has selected it.
RINGS = tuple(
    f"{CHART} g:nth-last-child(1 of .mark-symbol.role-mark[class*=concat_{one}_layer]) path" for one in (0, 1)
)
POINTS = RINGS[1]
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36"


class Visit:
    """A page in a fresh browser session, with everything that it complained of or asked of others.

    Whatever a page does, it does some time after it was asked to: what it shows is waited for, never just read.
    """

    def __init__(self, context):
        self.page = context.new_page()
        self.page.set_default_timeout(1000 * SECONDS)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)
        self.page.on("request", self._asked)

    def _heard(self, message):
        # Under /page/, Streamlit's own script first looks for its server there, then at the root.
        is_probe = "404" in message.text and "_stcore" in (message.location or {}).get("url", "")
        if message.type == "error" and not is_probe:
            self.complaints.append(message.text)

    def _asked(self, request):
        if request.url.startswith("http") and urlsplit(request.url).hostname != "127.0.0.1":
            self.complaints.append(f"asked for {request.url}")

    def go(self, address: str, heading: str = ""):
        self.page.goto(address)
        self.page.get_by_role("heading", level=1, name=heading).wait_for()
        return self.settle()

    def settle(self):
        """Wait until the page's program has run to its end and all of it is here."""
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(state="attached")
        return self

    def count(self, selector: str, expected: int):
        self.page.wait_for_function(
            "([selector, count]) => document.querySelectorAll(selector).length === count", arg=[selector, expected]
        )

    def rings(self, *expected: int, panels=RINGS):
        """Wait until so many rings are to be seen in each panel."""
        self.page.wait_for_function(
            "([panels, expected]) => panels.every((panel, number) => [...document.querySelectorAll(panel)]"
            ".filter(mark => mark.getAttribute('opacity') === '1').length === expected[number])",
            arg=[panels, expected],
        )

    def point_at(self, mark):
        """Move the pointer onto a mark until something is told of it: a chart that is drawn anew forgets the pointer.

        Returns:
            What is told.
        """
        told = self.page.locator("#vg-tooltip-element.visible")
        give_up = time.monotonic() + SECONDS
        while True:
            mark.hover(force=True)
            try:
                told.wait_for(timeout=3000)
            except NotInTimeError:
                if time.monotonic() > give_up:
                    raise
                self.page.mouse.move(0, 0)
            else:
                return told

    def row(self, number: int, *, column: int = 16, table: int = 0):
        """Click into a row of a table; without a column, on its checkbox. Rows are 35 pixels high."""
        grid = self.page.locator("[data-testid=stDataFrame]").nth(table)
        grid.scroll_into_view_if_needed()
        grid.locator("canvas [role=gridcell]").first.wait_for(state="attached")
        grid.locator(".dvn-scroller").click(position={"x": column, "y": 52 + 35 * number})

    def within(self, chart, width: int):
        """Wait until a chart, and all of the page, are no wider than a screen."""
        chart.wait_for()
        self.page.wait_for_function(
            "([chart, width]) => { const box = chart.getBoundingClientRect(); return box.left >= 0 && "
            "box.right <= width && document.documentElement.scrollWidth <= width; }",
            arg=[chart.element_handle(), width],
        )
