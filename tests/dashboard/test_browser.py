"""The dashboard as a person meets it: served by ``python -m dashboard``, seen in a real browser."""

from __future__ import annotations

import contextlib
import json
import socket
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from dashboard.figures.palette import LIGHT
from db.reader import open_reader
from db.store import open_store
from tests.dashboard.searched import seed_everything
from tests.dashboard.seeded import seed
from tests.dashboard.visit import CHART, PHONE, POINTS, RINGS, SECONDS, Visit
from tests.postgres import copied_database

pytestmark = pytest.mark.browser

#: Finished, and still running.
SWEEPS = ("fashion-families", "fashion-more-norms")
#: Pages on which a sweep is chosen → how the address says which.
OF_SWEEPS = {
    "": "watch",
    "training": "sweep",
    "inference": "sweep",
    "speed-up": "sweep",
    "resolution": "sweep",
    "results": "sweep",
}
OTHERS = ("published", "result", "compare", "sql", "search")
ON_A_PHONE = {"viewport": {"width": 400, "height": 800}, "is_mobile": True, "user_agent": PHONE}
#: How much of a stage's bar each part takes; evaluated on the list of its words.
LENGTHS = """words => { const bar = words.previousElementSibling;
return [...bar.children].map(part => part.offsetWidth / bar.offsetWidth) }"""
MARKS = f"{CHART} g.mark-symbol.role-mark path"
ROWS = "[data-testid=stDataFrame] canvas"
#: What shows that a page has drawn what it has to show; charts where there are any.
DRAWN = {**dict.fromkeys(("training", "inference", "speed-up", "resolution", "published"), MARKS), "search": "h1"}


@pytest.fixture(scope="module")
def sessions(chromium):
    """Browser sessions that these tests share, by their options: the dashboard's program is fetched once for each."""
    contexts = {}

    def session(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in contexts:
            contexts[key] = chromium.new_context(**options)
        return contexts[key]

    yield session
    for context in contexts.values():
        context.close()


@pytest.fixture
def visit(sessions):
    """Open pages of their own in sessions that others had before; nothing is kept there but files."""
    pages = []

    def visited(**options):
        seen = Visit(sessions(**{"viewport": {"width": 1280, "height": 900}, **options}))
        pages.append(seen.page)
        return seen

    yield visited
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def address(serve, seeded_url):
    return serve(seeded_url)


@pytest.fixture(scope="module")
def everything_on_postgres(postgres_server):
    """URL of a Postgres database with sweeps, searches and published results."""
    with copied_database(postgres_server, "empty_schema") as url:
        seed_everything(url)
        yield url


@pytest.fixture(scope="module", params=["seeded_url", "everything_on_postgres"], ids=["sqlite", "postgres"])
def full(request):
    """URL of a database with much in it."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def empty(request, tmp_path_factory):
    """URL of a database in which nothing is stored yet."""
    if request.param == "postgres":
        with copied_database(request.getfixturevalue("postgres_server"), "empty_schema") as url:
            yield url
        return
    url = f"sqlite:///{tmp_path_factory.mktemp('empty')}/results.db"
    open_store(url).close()
    yield url


def require_no_error(seen):
    """Nothing on a page, nor in the browser's console, tells of an error."""
    assert seen.page.locator("[data-testid=stException], [data-testid=stAlertContentError]").count() == 0, seen.page.url
    assert seen.complaints == [], seen.page.url


def require_headings_in_order(seen):
    """A page has one heading of the first level, and skips none below it."""
    found = seen.page.locator("h1, h2, h3, h4, h5, h6").evaluate_all("all => all.map(one => Number(one.tagName[1]))")
    assert (found[:1], found.count(1)) == ([1], 1), seen.page.url
    assert all(after <= before + 1 for before, after in pairwise(found)), (seen.page.url, found)


def test_every_page_opens_on_finished_and_on_running_work_without_a_complaint(visit, serve, full):
    seen = visit()
    finished, running = SWEEPS
    for path, choice in OF_SWEEPS.items():
        seen.go(f"{serve(full)}/{path}?{choice}={finished}")
        seen.page.locator(DRAWN.get(path, ROWS)).first.wait_for(state="attached")
        require_no_error(seen)
        require_headings_in_order(seen)
        seen.go(f"{serve(full)}/{path}?{choice}={running}")
        require_no_error(seen)
        require_headings_in_order(seen)
    for path in OTHERS:
        seen.go(f"{serve(full)}/{path}")
        seen.page.locator(DRAWN.get(path, ROWS)).first.wait_for(state="attached")
        require_no_error(seen)
        require_headings_in_order(seen)


def test_every_page_opens_on_an_empty_database_and_says_what_comes_first(visit, serve, empty):
    seen = visit(**ON_A_PHONE)  # where choices are folded up, and what is said must not be
    for path in (*OF_SWEEPS, *OTHERS):
        seen.page.goto(f"{serve(empty)}/{path}")
        seen.page.get_by_text("orchestrator ").first.wait_for()
        require_no_error(seen.settle())
        require_headings_in_order(seen)


def test_a_filter_changes_the_chart_and_its_link_opens_the_same_chart(visit, serve, full):
    seen = visit().go(f"{serve(full)}/training?grey=false&sweep={SWEEPS[0]}")
    with contextlib.closing(open_reader(full)) as reader:
        everything = reader.points("train", "best", sweep=SWEEPS[0], filter_text="slot_kind=cpu")
        some = reader.points("train", "best", sweep=SWEEPS[0], filter_text="slot_kind=cpu group_size=16 width<1")
    assert 0 < len(some) < len(everything)
    seen.count(POINTS, len(everything))
    seen.page.get_by_label("Filter", exact=True).fill("group_size=16 width<1")
    seen.page.keyboard.press("Enter")
    seen.count(POINTS, len(some))
    seen.page.wait_for_url("**filter=group_size**")
    again = visit().go(seen.page.url)
    again.count(POINTS, len(some))
    expect(again.page.get_by_label("Filter", exact=True)).to_have_value("group_size=16 width<1")
    require_no_error(seen)
    require_no_error(again)


def test_the_sql_page_answers_and_refuses_a_write_on_postgres_too(visit, serve, everything_on_postgres):
    seen = visit().go(f"{serve(everything_on_postgres)}/sql", "SQL")
    seen.page.get_by_text("answered in").wait_for()
    editor = seen.page.get_by_label("Statement")
    for statement, told in (
        ("SELECT COUNT(*) AS number FROM results", "1 row shown"),
        ("DROP TABLE jobs", "DROP is not allowed"),
        ("WITH gone AS (DELETE FROM jobs RETURNING 1) SELECT * FROM gone", "DELETE"),
    ):
        editor.fill(statement)
        editor.press("Control+Enter")
        seen.page.get_by_text(told).first.wait_for()
        seen.settle()
    assert seen.complaints == []


def test_a_choice_from_a_list_is_in_the_link(visit, address, reader):
    seen = visit().go(f"{address}/inference?grey=false&tested=Every+test+resolution")
    every = reader.points("inference", "all", filter_text="slot_kind=cpu")
    seen.count(POINTS, len(every))
    seen.page.get_by_label("Device").first.click()
    seen.page.get_by_role("option", name="NVIDIA H200").click()
    seen.page.wait_for_url("**device=NVIDIA**")
    rows = reader.points("inference", "all", filter_text="slot_kind=cuda")
    seen.count(POINTS, len(rows))
    again = visit().go(seen.page.url)
    again.count(POINTS, len(rows))


def test_pointing_at_a_point_in_theory_marks_it_where_it_was_measured(visit, address):
    seen = visit().go(f"{address}/training")
    told = seen.point_at(seen.page.locator(RINGS[0]).nth(3))
    expect(told).to_contain_text("images/s")
    expect(told).to_contain_text("M MACs")
    seen.rings(1, 1)


def test_a_click_selects_a_point_and_its_link_opens_its_result(visit, serve, full):
    seen = visit().go(f"{serve(full)}/training?sweep={SWEEPS[0]}")
    points = seen.page.locator(POINTS)
    points.nth(2).click(force=True)
    opened = seen.page.get_by_role("link", name="Open seed 0")
    opened.wait_for()
    seen.settle()
    points.nth(5).click(force=True, modifiers=["Shift"])
    seen.page.get_by_role("link", name="Compare 2 points").wait_for()
    seen.settle()
    seen.page.mouse.move(0, 0)
    seen.rings(2, 2)
    seen.page.wait_for_url("**points=*%2C*")
    again = visit().go(seen.page.url)
    again.page.get_by_role("link", name="Compare 2 points").wait_for()
    again.rings(2, 2)
    points.nth(2).click(force=True)
    seen.page.get_by_role("link", name="Compare 2 seeds").wait_for()
    seen.settle()
    opened.click()
    seen.page.wait_for_url("**/result?result=*")
    seen.page.get_by_role("heading", level=1).wait_for()
    assert seen.complaints == again.complaints == []


def test_a_row_of_the_table_selects_its_point(visit, address):
    seen = visit(viewport={"width": 1280, "height": 1800}).go(f"{address}/training")
    seen.row(0)
    seen.page.get_by_role("link", name="Open seed 0").wait_for()
    seen.page.wait_for_url("**points=*")


@pytest.mark.parametrize("kind", ["PNG", "SVG"])
def test_a_figure_is_downloaded_on_white_with_every_point(visit, address, reader, kind):
    seen = visit(color_scheme="dark").go(f"{address}/training?grey=false")
    with seen.page.expect_download() as downloading:
        seen.page.get_by_role("button", name=f"Figure as {kind}").click()
    assert downloading.value.suggested_filename == f"train-front.{kind.lower()}"
    content = Path(downloading.value.path()).read_bytes()
    if kind == "PNG":
        assert content.startswith(b"\x89PNG")
        return
    rows = reader.points("train", "best", filter_text="slot_kind=cpu")
    assert b'fill="#ffffff"' in content
    assert LIGHT.families[0].encode() in content
    assert content.count(b"Training throughput, images/s") > 0
    assert all(f"{row['top1_mean']:.2f} %".encode() in content for row in rows)


def test_a_family_that_was_chosen_for_the_speedup_is_in_the_link(visit, address):
    link = f"{address}/speed-up?baseline=group_size%3D1+norm%3Dgn&candidate=group_size%3D16+norm%3Dln%2Bpn"
    seen = visit().go(link)
    headline = seen.page.get_by_role("heading", level=2)
    headline.filter(has_text="The candidate is").wait_for()
    for label, text in (("Baseline", "group_size=1 norm=gn"), ("Candidate", "group_size=16 norm=ln+pn")):
        expect(seen.page.get_by_role("combobox", name=label)).to_have_value(text)
    assert seen.complaints == []


def test_colours_follow_a_dark_theme(visit, address):
    for scheme, ink in (("light", "#1f2328"), ("dark", "#f0f3f6")):
        seen = visit(color_scheme=scheme).go(f"{address}/training")
        expect(seen.page.locator(RINGS[1]).first).to_have_attribute("stroke", ink)


def test_nothing_is_wider_than_a_phone(visit, address):
    seen = visit(**ON_A_PHONE).go(f"{address}/training")
    seen.within(seen.page.locator(f"{CHART} svg"), 400)


def test_a_sweep_page_shows_progress_by_itself_and_disturbs_nobody(visit, serve, tmp_path):
    url = f"sqlite:///{tmp_path}/running.db"
    seed(url, finished=False, published=False)
    seen = visit().go(serve(url), "fashion-more-norms")
    bars = seen.page.locator("[data-testid=stHtml] ul")
    bars.filter(has_text="4 done").wait_for()
    assert bars.first.evaluate(LENGTHS) == pytest.approx([4 / 12, 2 / 12, 2 / 12, 1 / 12, 3 / 12], abs=0.02)
    seen.page.evaluate("window.untouched = true")
    store = open_store(url)
    running = [job for job in store.jobs_of(1) if job.state == "running"]
    for job in running:
        assert store.end_attempt(job.fingerprint, job.attempt, outcome="failed", next_state="failed", message="gone")
    store.close()
    bars.filter(has_text="4 failed").wait_for()
    assert seen.page.evaluate("window.untouched") is True
    assert seen.complaints == []


@pytest.mark.parametrize(
    ("host", "origin", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("localhost", "localhost", True),
        ("evil.example", "evil.example", False),
        ("127.0.0.1", "evil.example", False),
    ],
)
def test_other_web_sites_cannot_reach_the_dashboard_through_the_browser(host, origin, allowed, address):
    port = urlsplit(address).port
    request = (
        f"GET /_stcore/stream HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{origin}:{port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(64)
    assert answer.startswith(b"HTTP/1.1 101") == allowed
