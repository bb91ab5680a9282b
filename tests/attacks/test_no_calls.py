"""The partners' server calls nobody: not one packet leaves while all its pages are opened, and the watch sees one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from hexbeat.dashboard.pages.navigation import PAGES
from tests.support.paths import ROOT

ALONE: Final = ("unshare", "--net", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))


def find_reason() -> str | None:
    """Why this machine cannot watch; None if it can."""
    try:
        done = subprocess.run([*ALONE, "test", "-w", "/dev/net/tun"], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr or "there is no /dev/net/tun"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_packet_leaves_while_every_page_is_opened(tmp_path: Path) -> None:
    if reason := find_reason():
        pytest.skip(f"needs a network namespace and a tun device: {reason}")
    done = subprocess.run(
        [*ALONE, sys.executable, "-m", "tests.support.watched_network", str(tmp_path / "home")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    notes = json.loads(done.stdout)
    assert notes["visit"] == []
    assert {"192.0.2.53 53", "192.0.2.1 443"} <= set(notes["watch"])
    assert set(notes["drawn"]) == set(PAGES.values())
    assert min(notes["drawn"].values()) > 10
