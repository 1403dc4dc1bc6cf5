"""A page of the dashboard in a real browser."""

from __future__ import annotations

from urllib.parse import urlsplit

CHART = "[data-testid=stVegaLiteChart]"
#: In each panel, one mark for every point, to be seen where somebody points at it or has selected it.
RINGS = tuple(
    f"{CHART} g:nth-last-child(1 of .mark-symbol.role-mark[class*=concat_{one}_layer]) path" for one in (0, 1)
)
POINTS = RINGS[1]
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36"


class Visit:
    """A page in a fresh browser session, with everything that it complained of or asked of others."""

    def __init__(self, context):
        self.page = context.new_page()
        self.page.set_default_timeout(30_000)
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
        return self

    def count(self, selector: str, expected: int):
        self.page.wait_for_function(
            "([selector, count]) => document.querySelectorAll(selector).length === count", arg=[selector, expected]
        )

    def rings(self):
        """Return how many rings are to be seen in each panel."""
        seen = "marks => marks.filter(mark => mark.getAttribute('opacity') === '1').length"
        return [self.page.locator(panel).evaluate_all(seen) for panel in RINGS]
