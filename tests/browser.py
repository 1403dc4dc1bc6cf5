"""Find or install the browser that the dashboard's tests drive: ``python -m tests.browser``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

#: Names under which systems install it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def browser() -> str | None:
    """Return the path of a Chromium on this machine, or None."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for name in NAMES if (path := shutil.which(name))]
    return found[0] if found else _of_playwright()


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install() -> bool:
    """Try the ways there are; return whether one worked."""
    ways = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        ways.insert(0, ["sh", "-c", "apt-get update -q && apt-get install -q -y --no-install-recommends chromium"])
    for way in ways:
        done = subprocess.run(way, check=False, capture_output=True, text=True)
        if done.returncode == 0 and browser():
            return True
        sys.stderr.write((done.stdout + done.stderr)[-1000:])
    return False


def main() -> int:
    """Make sure there is a browser; exit code 1 if there is none to be had."""
    if browser() or install():
        sys.stdout.write(f"browser for the tests: {browser()}\n")
        return 0
    sys.stderr.write("No Chromium found or installed. Install it (Debian: chromium), or set CHROMIUM to its path.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
