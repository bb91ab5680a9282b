"""What every room's proofs share: the real records beside the checkout, and no network but this machine."""

import argparse
import gc
import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import socket_allow_hosts
from xdist.scheduler import LoadFileScheduling

from tests.support import servers
from tests.support.compilation import compile_house
from tests.support.paths import ROOT
from tests.support.preloaded import CAN_FORK

# Python keeps what it compiles, also where that is switched off: the tests start a hundred processes, and each would
# compile the program anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def hands_out_tests() -> bool:
    """Whether this process runs no test itself, but has others do it (`pytest -n 2`)."""
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("-n", "--numprocesses", default="0")
    return "PYTEST_XDIST_WORKER" not in os.environ and options.parse_known_args()[0].numprocesses != "0"


# The fixtures that stand elsewhere. They import most of the program, and who only hands tests out needs none of them.
pytest_plugins = (
    []
    if hands_out_tests()
    else [
        "tests.support.postgres_servers",
        "tests.support.stores",
        "tests.support.browser",
        "tests.support.cli",
        "tests.support.load_processes",
        "tests.support.partners_side",
        "tests.support.readers",
        "tests.support.releases",
    ]
)

# Derandomised, so that a red run is red again; deadlines are absolute times and machines are noisy. The same examples
# come in every run: to look for new ones there is `pytest --hypothesis-profile thorough`.
settings.register_profile("hexbeat", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("hexbeat"), max_examples=1_000, derandomize=False)
settings.load_profile("hexbeat")

SHARED = ROOT.parent / "shared"


def pytest_configure(config: pytest.Config) -> None:
    """Before several processes read all tests, one compiles them: on a fresh clone each would do so by itself."""
    servers.is_forking = CAN_FORK
    if (getattr(config.option, "numprocesses", None) or 0) > 1:
        compile_house(config)


class FewServers(LoadFileScheduling):
    """Tests of a file run in one process; so do all that share the served dashboard, and all others with a browser."""

    def _split_scope(self, nodeid: str) -> str:
        return find_group(nodeid.partition("::")[0])


@cache
def find_group(file: str) -> str:
    """The tests that run in one process with those of this file: what they share is then started once."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if re.search(r"tests\.support\.partners_side import .*\b(Open|Served)\b", text):
        return "served dashboard"
    return "browser" if "mark.browser" in text else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Our own for `--dist loadfile`, else what was asked for."""
    return FewServers(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """What is there once all tests are read stays to the end: Python need not look through it for garbage again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Nothing in a test may reach beyond this machine."""
    del item
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real records, where there is one."""
    if not (SHARED / "events").is_dir():
        pytest.skip("needs the real records in ../shared, which a user's clone does not have")
    return SHARED
