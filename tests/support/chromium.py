"""Find a Chromium for the browser tests, and install one where there is none: `python -m tests.support.chromium`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["find_chromium"]

# The same browser without windows: a page takes four fifths of the time in it.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium: HEXBEAT_CHROMIUM, one on PATH (first one without windows), or Playwright's own.

    None if there is none.
    """
    named = os.environ.get("HEXBEAT_CHROMIUM")
    found = named or next((path for path in map(shutil.which, NAMES) if path), None)
    return found or playwright_chromium()


def playwright_chromium() -> str | None:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import, and seldom needed

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def can_install_packages() -> bool:
    """Whether this is root on Debian."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_package(name: str) -> bool:
    """Install a package of Debian's and a font; whether it could be."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name, "fonts-dejavu-core"]
    updated = subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment).returncode == 0
    done = subprocess.run(command, check=False, env=environment, stdout=subprocess.DEVNULL)
    return updated and done.returncode == 0


def install_chromium() -> None:
    """Debian's package when root on Debian, else Playwright's own download where there is no Chromium at all."""
    if can_install_packages():
        _ = install_package(SHELL) or find_chromium() or install_package("chromium")
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


def can_install_shell() -> bool:
    """Whether the browser without windows is not here yet, is wanted, and can be installed."""
    if "HEXBEAT_CHROMIUM" in os.environ or shutil.which(SHELL) or not can_install_packages():
        return False
    known = subprocess.run(
        ["apt-cache", "show", SHELL], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return known.returncode == 0


def main() -> int:
    if find_chromium() is None or can_install_shell():
        print("Installing a Chromium for the browser tests ...", flush=True)  # noqa: T201 - a command
        install_chromium()
    path = find_chromium()
    print(f"Chromium: {path}" if path else "No Chromium could be installed; set HEXBEAT_CHROMIUM.")  # noqa: T201 - a command
    return 0 if path else 1


if __name__ == "__main__":
    sys.exit(main())
