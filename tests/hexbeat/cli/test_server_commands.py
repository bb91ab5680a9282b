"""demo and serve."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from hexbeat.cli.server_commands import build_public_environment
from hexbeat.dashboard.public.block_drawing import lay_out_release
from hexbeat.dashboard.public.page import build_map, build_names_script, build_streets_script
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from tests.support.cli import Run
from tests.support.releases import example_release, write_example


def test_demo_fills_an_empty_store_and_says_what_it_did(run: Run) -> None:
    outcome = run("demo", "--events", 300, "--seed", 7, "--format", "json")
    assert outcome.code == 0
    counted = run("counts", "--by", "layer", "--format", "json").json
    assert {row["layer"] for row in counted["rows"]} == {
        "needle_litter",
        "street_dealing",
        "overdoses",
        "closed_properties",
    }
    assert counted["total"] == 300


def test_demo_leaves_a_store_that_holds_events_alone(run: Run) -> None:
    run("demo", "--events", 100)
    again = run("demo", "--events", 100)
    assert again.code == 3
    assert run("counts", "--by", "layer", "--format", "json").json["total"] == 100
    kind = run("demo", "--if-empty")
    assert kind.code == 0
    assert kind.err == "The store holds events already: nothing was changed.\n"


def test_demo_events_can_be_removed(run: Run) -> None:
    run("demo", "--events", 100)
    assert run("demo", "--remove").code == 0
    assert run("counts", "--by", "layer", "--format", "json").json["total"] == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])  # noqa: S104 - refused is the point
def test_serve_refuses_addresses_that_others_can_reach(run: Run, host: str) -> None:
    outcome = run("serve", "--host", host)
    assert outcome.code == 4
    assert outcome.err == (
        "The partners' side has no login, so it serves this machine only.\n"
        f"  Other machines can reach {host}.\n"
        "  Leave out --host, and connect through an SSH tunnel or an authenticating proxy on this machine.\n"
    )


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (("--audience", "public"), "--audience is public and --release is missing"),
        (("--release", "somewhere"), "--audience is partners and --release is given"),
    ],
)
def test_the_public_side_and_a_release_go_together(run: Run, options: tuple[str, ...], fact: str) -> None:
    outcome = run("serve", *options)
    assert outcome.code == 2
    assert outcome.err == (
        "Only the public side shows a release, and it needs one.\n"
        f"  {fact}.\n"
        "  Give --audience public and --release DIR together, or neither.\n"
    )


def test_the_public_side_needs_a_whole_release(run: Run, tmp_path: Path) -> None:
    outcome = run("serve", "--audience", "public", "--release", tmp_path / "nowhere")
    assert outcome.code == 3
    assert outcome.err.startswith("A release has to be a folder that `hexbeat release build` wrote, unchanged.\n")


@pytest.mark.parametrize("command", [("serve", "--audience", "public", "--release"), ("release", "site")])
def test_the_public_is_shown_what_the_audit_passes_alone(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    unsafe = example_release(published={"2026-Q1": (("fine.piece.0", 7), ("fine.ward.E05000001", 8))})
    write_example(tmp_path / "release", unsafe)
    to = ("--out", tmp_path / "site") if "site" in command else ()
    outcome = run(*command, tmp_path / "release", *to)
    assert outcome.code == 4
    assert outcome.err == (
        "The public only sees a release if its audit finds nothing.\n"
        "  The audit finds 1 problem, the first: needle_litter 2026-Q1 Abbey: its number is above 4, the most that "
        "may be shown of "
        "its members.\n"
        "  See `hexbeat release audit DIR`, and build the release again.\n"
    )
    assert not (tmp_path / "site").exists()


def test_the_public_server_is_told_of_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEXBEAT_HOME", "HEXBEAT_DATABASE_URL", "HEXBEAT_AREA"):
        monkeypatch.setenv(name, "secret")
    environment = build_public_environment(write_example(tmp_path / "release"))
    assert "secret" not in environment.values()
    assert environment["HEXBEAT_AUDIENCE"] == "public"
    assert environment["HEXBEAT_RELEASE"] == str((tmp_path / "release").resolve())


def test_the_public_server_is_told_of_the_streets_of_its_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = example_release(area={**example_release().facts["area"], "name": "middlesbrough"})
    told = build_public_environment(write_example(tmp_path / "release", release))
    assert told["HEXBEAT_STREETS_CREDIT"] == "Streets partly shown. © OpenStreetMap contributors"
    monkeypatch.setenv("HEXBEAT_STREETS", told["HEXBEAT_STREETS"])
    published = ReleaseTotals(release)
    addresses = [address for _, address in build_map(published, lay_out_release(published)).default_js]
    assert re.fullmatch(r".*/streets-[0-9a-f]{16}\.js", addresses[-1])
    script = build_streets_script("middlesbrough 1", told["HEXBEAT_STREETS"])
    assert script.startswith('Hexbeat.addStreets("middlesbrough 1",{"data":{"origin":')
    other = build_public_environment(write_example(tmp_path / "other"))
    assert not {name for name in other if name.startswith("HEXBEAT_STREETS_")}


def test_the_public_server_is_told_of_the_names_of_its_area(tmp_path: Path) -> None:
    release = example_release(area={**example_release().facts["area"], "name": "middlesbrough"})
    told = build_public_environment(write_example(tmp_path / "release", release))
    assert Path(told["HEXBEAT_NAMES"]).name == "gazetteer.csv"
    assert "Schools from Get Information about Schools" in told["HEXBEAT_NAMES_CREDIT"]
    published = ReleaseTotals(release)
    script = build_names_script(published, lay_out_release(published), told["HEXBEAT_NAMES"])
    assert script.startswith('Hexbeat.addNames("middlesbrough 1",{"sets":')
    other = build_public_environment(write_example(tmp_path / "other"))
    assert not {name for name in other if name.startswith("HEXBEAT_NAMES")}


def test_serve_refuses_a_port_in_use(run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = run("serve", "--port", port)
    assert outcome.code == 2
    assert outcome.err == (
        "A server needs a free port.\n"
        f"  Port {port} of 127.0.0.1 is in use.\n"
        "  Choose another port with --port.\n"
    )  # fmt: skip


@pytest.mark.slow
def test_serve_prints_its_address_and_answers_there(tmp_path: Path) -> None:
    environment = {**os.environ, "HEXBEAT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "hexbeat", "serve", "--format", "json"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            for line in server.stdout:  # Streamlit says so when it listens
                if "URL" in line:
                    break
            with urllib.request.urlopen(f"{url}/_stcore/health") as health:  # noqa: S310 - our own loopback address
                assert health.read() == b"ok"
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate()
