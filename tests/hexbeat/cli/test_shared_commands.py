"""`hexbeat shared`: the settings and profiles that all users of a store share are listed, shown, put and removed."""

import re
from pathlib import Path

import pytest

from geo.errors import PolicyError
from hexbeat.accounts import find_account
from hexbeat.operations.plans.plan_settings import read_plan_settings
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.document_kinds import require_writer
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from tests.support.cli import Run
from tests.support.stores import documents_in


def test_a_file_is_put_listed_shown_and_removed(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    documents_in(home)
    file = tmp_path / "plans.toml"
    file.write_text("standard_hours = 3\n", encoding="utf-8")
    assert run("shared", "put", file, "--home", home).code == 0
    assert read_plan_settings(documents_in(home)).standard_hours == 3
    rows = run("shared", "--home", home, "--format", "json").json["rows"]
    assert [(row["kind"], row["name"]) for row in rows] == [("setting", "plans.toml")]
    assert run("shared", "show", "plans.toml", "--home", home).out == "standard_hours = 3\n"
    assert run("shared", "remove", "plans.toml", "--yes", "--home", home).code == 0
    gone = run("shared", "show", "plans.toml", "--home", home)
    assert gone.code == 2
    assert gone.err.splitlines()[:2] == [
        "A shared file is named as `hexbeat shared` lists it.",
        "  There is no plans.toml.",
    ]


def test_what_is_no_shared_file_or_cannot_be_used_is_refused(run: Run, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "plans.toml"
    documents_in(home)
    file.write_text("standard_hours = 0\n", encoding="utf-8")
    assert run("shared", "put", file, "--home", home).code == 3
    named = run("shared", "show", "policy.json", "--home", home)
    assert named.err == (
        "Shared files are plans.toml, release.toml, policy.toml, costs.toml, and source profiles such as finds.toml.\n"
        "  You gave 'policy.json'.\n  See `hexbeat shared`.\n"
    )
    assert documents_in(home).counter() == 0


LOCKED_OUT = (
    "Who changes the access policy can still change it afterwards.\n  This one would not let your account.\n"
    "  Keep your account in [local], with a role that may set_policy.\n"
)
BROKEN = (
    "policy.toml says in known words who may see what.\n  The file has 'rolls', which is not a table that Hexbeat "
    "knows.\n  Did you mean 'roles'?\n"
)


@pytest.fixture
def homes(run: Run, tmp_path: Path, store_url: str | None, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Two homes of one PostgreSQL store; with SQLite the same home twice."""
    assert run
    folders = [tmp_path / "home", tmp_path / ("other" if store_url else "home")]
    if store_url:
        monkeypatch.setenv("HEXBEAT_DATABASE_URL", store_url)
    for folder in folders:
        with Store.open(folder, database_url=store_url):
            pass
    return folders


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_policy_is_put_by_who_may_and_holds_for_every_home(
    run: Run, homes: list[Path], tmp_path: Path, store_url: str | None
) -> None:
    one, other = homes
    file = tmp_path / "policy.toml"
    assert run("shared", "put", write(file, "[rolls]\n"), "--home", one).err == BROKEN
    assert run("shared", "put", write(file, '[local]\n"*" = "police"\n'), "--home", one).err == LOCKED_OUT
    keeper = f'[local]\n"{find_account()}" = "analyst"\n'
    stricter = f'{keeper}[roles.police.layers]\nneedle_litter = "wards"\n'
    assert run("shared", "put", write(file, stricter), "--home", one).err == "Shared: policy.toml.\n"
    checked = run("policy", "check", "--role", "police", "--home", other, "--format", "json").json
    assert (checked["file"], checked["roles"][0]["layers"]["needle_litter"]) == ("policy.toml", "wards")
    refused = run("shared", "put", write(file, keeper), "--yes", "--home", other, "--role", "council")
    assert (refused.code, refused.err.splitlines()[1]) == (4, "  It does not let council change a shared setting.")
    assert run("shared", "remove", "policy.toml", "--yes", "--home", other).code == 0
    assert run("policy", "check", "--home", one, "--format", "json").json["file"] is None
    with Store.open(one, database_url=store_url) as store:
        entries = [it for it in reversed(list_entries(store.engine, ANALYST)) if it.action == "set_policy"]
    assert [(it.what, it.role, it.outcome) for it in entries] == [
        ("shared put", "analyst", "failed"),
        ("shared put", "analyst", "refused"),
        ("shared put", "analyst", "done"),
        ("shared put", "council", "refused"),
        ("shared remove", "analyst", "done"),
    ]


@pytest.mark.postgres
def test_a_broken_shared_policy_refuses_everybody_until_its_keeper_puts_another(
    run: Run, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEXBEAT_DATABASE_URL", database_url)
    one, other = tmp_path / "home", tmp_path / "other"
    one.mkdir()
    keeper = f'[local]\n"{find_account()}" = "analyst"\n'
    write(one / "policy.toml", keeper)  # of an older home: it is taken over
    assert run("policy", "check", "--home", other, "--format", "json").json["file"] is None
    assert run("policy", "check", "--home", one, "--format", "json").json["file"] == "policy.toml"
    assert run("policy", "check", "--home", other, "--format", "json").json["local"] == {find_account(): "analyst"}
    with Store.open(one, database_url=database_url) as store:
        store.documents(ANALYST).write(DocumentKind.SETTING, "policy.toml", b"[rolls]\n")
    for words in (["counts"], ["shared"], ["sources"], ["policy", "check"], ["find", "linthorpe"]):
        refused = run(*words, "--home", other)
        assert (refused.code, refused.err) == (3, BROKEN), words
    file = write(tmp_path / "policy.toml", keeper)
    assert run("shared", "put", file, "--yes", "--home", other).err == "Shared: policy.toml.\n"
    assert run("policy", "check", "--home", one).code == 0
    write(other / "policy.toml", "[local]\n")
    differs = run("policy", "check", "--home", other)
    assert differs.code == 0
    assert differs.err.splitlines()[0] == (
        "The home folder has another policy.toml than the store. The store's counts for everybody: compare them, then "
        "remove the file, or share it with `hexbeat shared put`."
    )


@pytest.mark.parametrize("role", list(Role))
def test_only_the_analyst_changes_unit_costs_and_reads_the_policy(run: Run, tmp_path: Path, role: Role) -> None:
    home = tmp_path / "home"
    documents_in(home)
    policy = '[mail]\nserver = "localhost"\nsender = "a@example.org"\n[mail.addresses]\n"b@example.org" = "police"\n'
    write(home / "policy.toml", policy)
    costs = write(tmp_path / "costs.toml", "")
    put = run("shared", "put", costs, "--yes", "--home", home, "--role", role)
    shown = run("shared", "show", "policy.toml", "--home", home, "--role", role)
    listed = run("shared", "--home", home, "--role", role)
    removed = run("shared", "remove", "costs.toml", "--yes", "--home", home, "--role", role)
    assert "example.org" not in listed.out
    if role is Role.ANALYST:
        assert (put.code, removed.code, shown.code, shown.out) == (0, 0, 0, policy)
        return
    assert (put.code, shown.code, shown.out, (home / "costs.toml").exists()) == (4, 4, "", False)
    assert shown.err == (
        f"The access policy decides who may do what.\n  It does not let {role} set policy.\n"
        "  Ask the analyst of the partnership.\n"
    )


def test_who_plans_changes_no_unit_costs(tmp_path: Path) -> None:
    documents = documents_in(tmp_path / "home")
    for role in (Role.POLICE, Role.COUNCIL):
        with pytest.raises(PolicyError) as caught:
            require_writer(Viewer(role), DocumentKind.SETTING, "costs.toml")
        assert caught.value.fact == f"it does not let {role} change a shared setting"
    documents.write(DocumentKind.SETTING, "costs.toml", b"")


def test_the_policy_is_explained_within_a_window_of_80_characters(run: Run, tmp_path: Path) -> None:
    """Also where nobody's window cuts it: 400 characters in a line were not to be read."""
    checked = run("policy", "check", "--home", tmp_path)
    assert max(map(len, checked.out.splitlines())) <= 80
    words = set(re.findall(r"\w+", checked.out))
    assert words >= {"auditor", "alert_form", "see_rejects", "set_policy", "undo", "naloxone", "none"}
