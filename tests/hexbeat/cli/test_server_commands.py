"""demo and serve."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from hexbeat.cli import server_commands
from hexbeat.cli.server_commands import build_partners_environment, build_public_environment
from hexbeat.dashboard.public.block_drawing import lay_out_release
from hexbeat.dashboard.public.page import build_map, build_names_script, build_streets_script
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.store import kept_table, prepared_files, snapshots
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run
from tests.support.paths import ROOT
from tests.support.releases import example_release, write_example
from tests.support.servers import AS_ROOT, wait_until_healthy

SECRETS: Final = (
    "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "SSH_AUTH_SOCK", "LD_PRELOAD", "STREAMLIT_SERVER_ADDRESS", "NOTES",
)  # fmt: skip


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


def test_a_large_demo_is_prepared_for_readers(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (kept_table, prepared_files, snapshots):
        monkeypatch.setattr(module, "FEWEST_EVENTS", 100)
    outcome = run("demo", "--events", 100, "--format", "json")
    assert outcome.code == 0
    assert outcome.err == "Preparing 100 events for quick reading (Ctrl+C leaves it to the first reader) …\n"
    files = (tmp_path / "home" / snapshots.FOLDER).iterdir()
    assert sorted(path.suffix for path in files) == [".columns", ".results"]


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
    outcome = run("serve", *AS_ROOT, "--host", host)
    assert outcome.code == 4
    assert outcome.err == (
        "Without a login, the partners' side serves this machine only.\n"
        f"  Other machines can reach {host}.\n"
        "  Leave out --host, HEXBEAT_HOSTS and HEXBEAT_PUBLIC_URL and connect through an SSH tunnel, or set up a "
        "provider to log in by.\n"
    )


def test_serve_refuses_other_names_without_a_login(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEXBEAT_PUBLIC_URL", "https://hexbeat.example.gov.uk")
    outcome = run("serve", *AS_ROOT)
    assert outcome.code == 4
    assert outcome.err.splitlines()[:2] == [
        "Without a login, the partners' side serves this machine only.",
        "  It would answer to hexbeat.example.gov.uk.",
    ]


@pytest.mark.parametrize("options", [(), ("--audience", "public", "--release", "somewhere")])
def test_serve_does_not_run_as_root(run: Run, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    outcome = run("serve", *options)
    assert outcome.code == 4
    assert outcome.err == (
        "A server does not run as root, because whoever breaks into it could then do everything.\n"
        "  This user is root.\n"
        "  Start it as an ordinary user, or add --as-root, as in a container for a trial.\n"
    )


def test_make_run_says_so_where_it_runs_as_root() -> None:
    for user, words in (("0", "hexbeat serve --as-root"), ("1000", "hexbeat serve ")):
        plan = subprocess.run(
            ["make", "--no-print-directory", "-n", "-o", ".venv/.installed", "run", f"USER_ID={user}"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        lines = plan.stdout.splitlines()
        assert lines[-1].rstrip().endswith(words.rstrip())
        assert lines[-2].startswith(f'test -z "{"--as-root" if user == "0" else ""}" || echo \'You are root, ')


def test_the_partners_server_inherits_what_it_needs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "HEXBEAT_HOSTS": "a.example", "HEXBEAT_DATABASE_URL": "", "STREAMLIT_SERVER_COOKIE_SECRET": "x",
        "PGSSLMODE": "x", "TZ": "Europe/London", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8",
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for name in SECRETS:
        monkeypatch.setenv(name, "secret")
    environment = build_partners_environment(tmp_path / "home", "middlesbrough")
    assert {name: environment.get(name) for name in told} == told
    assert environment["HEXBEAT_AUDIENCE"] == "partners"
    assert not set(SECRETS) & set(environment)


def test_the_partners_server_is_told_the_role_that_was_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setattr(server_commands, "replace_process", lambda _, environment: told.append(environment))
    assert run("serve", *AS_ROOT, "--role", "health").code == 0
    assert [environment.get("HEXBEAT_ROLE") for environment in told] == ["health"]
    with Store.open(Path(told[0]["HEXBEAT_HOME"])) as store:  # nobody has looked at anything yet
        assert [(it.action, it.what) for it in list_entries(store.engine, ANALYST)] == [("start_server", "serve")]
    outcome = run("serve", *AS_ROOT, "--role", "nurse")
    assert outcome.code == 2
    assert outcome.err == (
        "A role is one that the access policy knows.\n"
        "  There is no role 'nurse'.\n"
        "  Choose from police, council, health, analyst, auditor.\n"
    )
    assert len(told) == 1


def test_a_role_is_refused_where_it_would_change_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = run("serve", *AS_ROOT, "--role", "health", "--audience", "public", "--release", "somewhere")
    assert outcome.code == 2
    assert outcome.err == "The public side knows no roles.\n  --role is given.\n  Leave it out.\n"
    for name, value in (
        ("ISSUER", "https://id.example"), ("REDIRECT", "https://a.example/oauth2callback"), ("CLIENT_ID", "hexbeat"),
        ("CLIENT_SECRET", "x" * 40),
    ):  # fmt: skip
        monkeypatch.setenv(f"HEXBEAT_OIDC_{name}", value)
    cookie_secret = tmp_path / "cookie-secret"
    cookie_secret.write_text("y" * 64)
    cookie_secret.chmod(0o600)
    monkeypatch.setenv("HEXBEAT_COOKIE_SECRET_FILE", str(cookie_secret))
    outcome = run("serve", *AS_ROOT, "--role", "health")
    assert outcome.code == 2
    assert outcome.err == (
        "Where people sign in at a provider, their groups give their role.\n"
        "  --role is given.\n"
        "  Leave it out, or unset the variables HEXBEAT_OIDC_… for a trial.\n"
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
    outcome = run("serve", *AS_ROOT, "--audience", "public", "--release", tmp_path / "nowhere")
    assert outcome.code == 3
    assert outcome.err.startswith("A release has to be a folder that `hexbeat release build` wrote, unchanged.\n")


@pytest.mark.parametrize("command", [("serve", *AS_ROOT, "--audience", "public", "--release"), ("release", "site")])
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
    for name in ("HEXBEAT_HOME", "HEXBEAT_DATABASE_URL", "HEXBEAT_AREA", *SECRETS):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("HEXBEAT_NEEDLE_CONTACT", "Call us")
    environment = build_public_environment(write_example(tmp_path / "release"))
    assert "secret" not in environment.values()
    assert environment["HEXBEAT_AUDIENCE"] == "public"
    assert environment["HEXBEAT_NEEDLE_CONTACT"] == "Call us"
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
        outcome = run("serve", *AS_ROOT, "--port", port)
    assert outcome.code == 2
    assert outcome.err == (
        "A server needs a free port.\n"
        f"  Port {port} of 127.0.0.1 is in use.\n"
        "  Choose another port with --port.\n"
    )  # fmt: skip


@pytest.mark.slow
def test_serve_prints_its_address_and_answers_there(tmp_path: Path) -> None:
    environment = {**os.environ, "HEXBEAT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "hexbeat", "serve", *AS_ROOT, "--format", "json"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            wait_until_healthy(server, url)
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate()
