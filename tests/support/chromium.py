"""Find a Chromium for the browser tests, and install one where there is none: `python -m tests.support.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["find_chromium"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium: HEXBEAT_CHROMIUM, one on PATH, or Playwright's own; None if there is none."""
    named = os.environ.get("HEXBEAT_CHROMIUM")
    found = named or next((path for path in map(shutil.which, NAMES) if path), None)
    return found or playwright_chromium()


def playwright_chromium() -> str | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import, and seldom needed

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def install_chromium() -> None:
    """Debian's package when root on Debian, else Playwright's own download."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment)
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def main() -> int:
    if find_chromium() is None:
        print("No Chromium here yet: installing one for the browser tests ...", flush=True)  # noqa: T201 - a command
        install_chromium()
    path = find_chromium()
    print(f"Chromium: {path}" if path else "No Chromium could be installed; set HEXBEAT_CHROMIUM.")  # noqa: T201 - a command
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
