"""Who may look at the dashboard: a login with a real OpenID Connect provider, on this machine."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from importlib.util import find_spec
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from dashboard import login
from tests.dashboard.running import served
from tests.dashboard.visit import SECONDS
from tests.ports import unused_port

SECRETS = """
[auth]
redirect_uri = "https://dash.example.org/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "dashboard"
client_secret = "secret"
server_metadata_url = "https://login.example.org/.well-known/openid-configuration"
"""


def write_secrets(directory, text):
    (directory / ".streamlit").mkdir()
    (directory / ".streamlit" / "secrets.toml").write_text(text, encoding="utf-8")


def heard(page):
    """Return the list of all that a page's server sends from now on."""
    received = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(str(data))))
    return received


@pytest.mark.browser
@pytest.mark.parametrize(
    ("secrets", "words"), [(SECRETS, "people who are logged in"), (SECRETS + "=", "cannot be read, so nobody can tell")]
)
def test_where_people_have_to_log_in_no_page_shows_anything_before(secrets, words, tmp_path, visit, seeded_url):
    write_secrets(tmp_path, secrets)
    port, page = unused_port(), visit().page
    with served(tmp_path, port, ORCHESTRATOR_DB=seeded_url, ORCHESTRATOR_DASHBOARD_HOST="dash.example.org"):
        received = heard(page)
        for path in ("", "results", "sql"):
            page.goto(f"http://127.0.0.1:{port}/{path}")
            page.get_by_text(words).wait_for()
    assert received
    assert not [message for message in received if "fashion" in message]


@contextlib.contextmanager
def provider(*users):
    """Run an OpenID Connect provider that knows some people, and return the address of what it says of itself."""
    port = unused_port()
    options = [f"--user-claims={json.dumps({'sub': one['email'], **one})}" for one in users]
    program = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), *options], stderr=subprocess.DEVNULL
    )
    metadata = f"http://127.0.0.1:{port}/.well-known/openid-configuration"
    try:
        until_answered(metadata)
        yield metadata
    finally:
        program.terminate()
        program.wait(timeout=SECONDS)


def until_answered(address):
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        try:
            with urlopen(address, timeout=5):  # noqa: S310  # our own http address
                return
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {address}")


def log_in(page, name):
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name=name).click()


@pytest.mark.browser
@pytest.mark.skipif(not find_spec("oidc_provider_mock"), reason="no oidc-provider-mock")
def test_a_reader_logs_in_sees_results_logs_out_and_nobody_else_sees_any(tmp_path, visit, seeded_url):
    port = unused_port()
    address = f"http://127.0.0.1:{port}"
    ada, bob = ({"email": f"{name}@example.org", "email_verified": True} for name in ("ada", "bob"))
    with provider(ada, bob) as metadata:
        given = SECRETS.replace("https://dash.example.org", address)
        given = given.replace("https://login.example.org/.well-known/openid-configuration", metadata)
        write_secrets(tmp_path, given + '[dashboard]\nreaders = ["ada@example.org"]\n')
        with served(tmp_path, port, ORCHESTRATOR_DB=seeded_url):
            pages = [visit().page, visit().page]
            for page in pages:
                page.route("https://**", lambda route: route.abort())  # the provider's style sheet
            page, other = pages
            page.goto(f"{address}/results")
            log_in(page, "ada@example.org")
            page.get_by_role("link", name="Results").click()
            with page.expect_download() as downloading:
                page.get_by_role("button", name="Download as CSV (").click()
            page.get_by_role("link", name="Account").click()
            page.get_by_text("Logged in as ada@example.org.").wait_for()

            received = heard(other)
            other.goto(f"{address}/results")
            log_in(other, "bob@example.org")
            other.get_by_text("You are logged in as bob@example.org, who may not see these results").wait_for()

            page.get_by_role("button", name="Log out").click()
            page.get_by_role("button", name="End session").click()
            page.get_by_role("heading", level=1, name="Log in").wait_for()
            page.goto(f"{address}/results")
            page.get_by_role("heading", level=1, name="Log in").wait_for()
            assert is_gone(downloading.value.url)
    assert received
    assert not [message for message in received if "fashion" in message]


def is_gone(address):
    """Wait until a file is no longer served: its session ends a while after its reader has left."""
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        try:
            urlopen(address, timeout=5).close()  # noqa: S310  # our own http address
        except HTTPError as error:
            return error.code == 404
        time.sleep(0.2)
    return False


ADA = {"is_logged_in": True, "email": "Ada@Example.org", "email_verified": True}


@pytest.mark.parametrize("readers", [None, ["ada@example.org"], ["@example.org"], ["ADA@example.org", "bob@else.org"]])
def test_a_reader_is_let_in_by_address_or_domain_and_everybody_where_none_is_named(readers):
    assert login.is_reader(ADA, readers)


@pytest.mark.parametrize("readers", [[], ["bob@example.org"], ["@ample.org"], ["example.org"], "ada@example.org", {}])
def test_who_is_not_named_is_no_reader_and_nobody_is_where_readers_are_no_list(readers):
    assert not login.is_reader(ADA, readers)


@pytest.mark.parametrize("said", [{"email_verified": False}, {"email_verified": "no"}, {"email": None}, {"email": ""}])
def test_an_address_that_nobody_has_checked_lets_nobody_in(said):
    assert not login.is_reader({**ADA, **said}, ["ada@example.org", "@example.org", "", "none"])
