"""Who the viewer is: every refusal, whole, and what a window that stays open is told."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import streamlit as st
from streamlit.runtime.context import StreamlitHeaders

from geo.errors import HexbeatError
from hexbeat.dashboard.header import write_role_choice
from hexbeat.dashboard.login_audit import PAUSE_S, REFUSED_LINK, Refusals
from hexbeat.dashboard.screen import check_export
from hexbeat.dashboard.state import login as logins
from hexbeat.dashboard.state.login import (
    ROLE_KEY,
    build_login,
    find_local_login,
    find_login,
    find_viewer,
    format_cookie_name,
    open_shared_store,
    require_login,
)
from hexbeat.dashboard.state.session import open_installation
from hexbeat.policy import find_local_viewer
from hexbeat.settings import Settings
from hexbeat.store.audit_trail import list_entries
from hexbeat.store.sign_ins import LINK, PROVIDER, SignIn, begin_sign_in, end_sign_in
from layers.access import ANALYST, Role, Viewer

SIGNED_OUT: Final = (
    "Only people who are signed in see the partners' records; you are signed out, or your sign-in has ended; "
    "sign in again"
)
NO_ROLE: Final = (
    "Only people with a role see the partners' records; you are signed in as a.person@example.org, and none of your "
    "groups has a role here; ask whoever runs Hexbeat to give one of your groups a role, or sign in with another "
    "account"
)
NOT_LISTED: Final = (
    "Only the people on the list of this installation may use it; you are signed in as a.person@example.org, who is "
    "not on it; ask whoever runs Hexbeat to add you, or sign in with another account"
)
Begin = Callable[..., str]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.delenv("HEXBEAT_DATABASE_URL", raising=False)
    settings = Settings.from_environment(home=tmp_path / "home", area="middlesbrough")
    yield settings
    open_shared_store(settings).dispose()


@pytest.fixture
def begin(settings: Settings) -> Begin:
    def begin_for(*groups: str, method: str = PROVIDER, began_at: int | None = None, lasts_s: int = 1_000) -> str:
        began_at = int(time.time()) if began_at is None else began_at
        sign_in = SignIn("id-1", "a.person@example.org", method, groups, began_at, began_at + lasts_s)
        return begin_sign_in(open_shared_store(settings), sign_in)

    return begin_for


def write_policy(settings: Settings, text: str) -> None:
    settings.home.mkdir(exist_ok=True)
    (settings.home / "policy.toml").write_text(text, encoding="utf-8")


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(HexbeatError) as refused:
        act()
    return str(refused.value)


def test_a_person_has_the_roles_of_their_groups_and_begins_with_the_least(settings: Settings, begin: Begin) -> None:
    write_policy(settings, '[groups]\nward = "council"\nbeat = "police"\ntown = "police"\n')
    login = build_login(settings, begin("beat", "ward", "town", "unknown"), chosen=None)
    assert login.roles == (Role.COUNCIL, Role.POLICE)
    assert login.viewer == Viewer(Role.COUNCIL, "a.person@example.org (id-1)")
    assert build_login(settings, login.key, chosen=Role.POLICE).viewer.role is Role.POLICE
    assert build_login(settings, login.key, chosen=Role.ANALYST).viewer.role is Role.COUNCIL  # not theirs to choose
    assert login.key not in repr(login)


def test_without_a_role_there_is_no_data(settings: Settings, begin: Begin) -> None:
    assert refusal(lambda: build_login(settings, begin("beat"), chosen=None)) == NO_ROLE  # no policy at all
    write_policy(settings, '[groups]\nbeat = "police"\n')
    assert refusal(lambda: build_login(settings, begin("other"), chosen=Role.POLICE)) == NO_ROLE
    assert refusal(lambda: build_login(settings, begin(), chosen=None)) == NO_ROLE


def test_a_list_of_people_keeps_all_others_out(settings: Settings, begin: Begin) -> None:
    write_policy(settings, '[groups]\nbeat = "police"\n[people]\nallowed = ["id-2", "a.person@example.org"]\n')
    assert refusal(lambda: build_login(settings, begin("beat"), chosen=None)) == NOT_LISTED  # a name is no identifier
    write_policy(settings, '[groups]\nbeat = "police"\n[people]\nallowed = ["id-1"]\n')
    assert build_login(settings, begin("beat"), chosen=None).viewer.role is Role.POLICE
    write_policy(settings, '[groups]\nbeat = "police"\n[people]\nallowed = []\n')
    assert refusal(lambda: build_login(settings, begin("beat"), chosen=None)) == NOT_LISTED


def test_a_sign_in_that_ended_or_is_unknown_is_nobody(settings: Settings, begin: Begin) -> None:
    now = int(time.time())
    past, future = begin(began_at=now - 2_000, method=LINK), begin(began_at=now + 900, method=LINK)
    ended = begin(method=LINK)
    end_sign_in(open_shared_store(settings), ended)
    for key in ("", "x", "x" * 5_000, "\udcff", past, future, ended):
        assert refusal(lambda key=key: build_login(settings, key, chosen=None)) == SIGNED_OUT


def test_who_came_by_the_link_is_the_local_account(settings: Settings, begin: Begin) -> None:
    write_policy(settings, "[people]\nallowed = []\n")  # that list is of the provider's people
    login = build_login(settings, begin(method=LINK), chosen=None)
    assert (login.viewer.role, login.roles) == (Role.ANALYST, (Role.ANALYST,))


def test_a_window_that_stays_open_is_looked_at_again(settings: Settings, begin: Begin) -> None:
    write_policy(settings, '[groups]\nbeat = "police"\nward = "council"\n')
    login = build_login(settings, begin("beat", "ward"), chosen=Role.POLICE)
    assert require_login(settings, login) == login.viewer
    write_policy(settings, '[groups]\nbeat = "health"\nward = "council"\n')
    assert refusal(lambda: require_login(settings, login)) == (
        "What you see depends on your role; your role has changed since this page was made; open the page again"
    )
    write_policy(settings, '[groups]\nother = "police"\n')
    assert refusal(lambda: require_login(settings, login)) == NO_ROLE
    end_sign_in(open_shared_store(settings), login.key)
    assert refusal(lambda: require_login(settings, login)) == SIGNED_OUT


def test_a_file_is_not_made_for_who_signed_out_meanwhile(settings: Settings, begin: Begin) -> None:
    login = build_login(settings, begin(method=LINK), chosen=None)
    installation = open_installation(settings, login=login)
    make = check_export(installation, lambda: b"file", form="csv")
    assert make() == b"file"
    end_sign_in(open_shared_store(settings), login.key)
    assert refusal(make) == SIGNED_OUT
    assert refusal(lambda: installation.store.batches(installation.viewer)) == SIGNED_OUT


def test_a_script_without_a_server_is_the_local_accounts(settings: Settings) -> None:
    local = find_local_login(settings.home)
    assert find_login(settings) == local
    assert find_viewer(settings) == require_login(settings, local) == find_local_viewer(settings.home)


def test_nobody_is_taken_for_the_local_account_where_a_server_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "is_served", lambda: True)
    assert refusal(lambda: find_login(settings)) == SIGNED_OUT
    assert refusal(lambda: require_login(settings, find_local_login(settings.home))) == SIGNED_OUT


def test_a_server_without_a_door_lets_nobody_in(
    settings: Settings, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(st.context), "headers", property(lambda _: StreamlitHeaders([("Host", "127.0.0.1")])))
    assert refusal(lambda: find_viewer(settings)) == SIGNED_OUT
    cookies = {format_cookie_name(int(st.get_option("server.port"))): begin(method=LINK)}
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: cookies))
    assert find_viewer(settings).role is Role.ANALYST
    assert replace(find_login(settings), key="") == find_local_login(settings.home)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ('[people]\nallowed = "id-1"', "[people]: allowed is not a list of texts"),
        ("[people]\nallowed = [1]", "[people]: allowed is not a list of texts"),
        ("[people]", "[people]: allowed is not a list of texts"),
        ("people = 1", "[people] is not a table"),
    ],
)
def test_a_list_that_cannot_be_read_lets_nobody_in(settings: Settings, begin: Begin, text: str, fact: str) -> None:
    write_policy(settings, text)
    assert refusal(lambda: build_login(settings, begin("beat"), chosen=None)) == (
        f"policy.toml says in known words who may see what; {fact}; "
        "see 'Who may see what' in docs/running.md; until it is put right, nobody sees anything"
    )


def test_processes_behind_one_proxy_share_a_cookie_and_two_ports_of_a_machine_do_not() -> None:
    public = "https://hexbeat.example.gov.uk"
    assert {format_cookie_name(port, public) for port in (8501, 8502)} == {"hexbeat_session_443"}
    assert format_cookie_name(8501, f"{public}:8443") == "hexbeat_session_8443"
    assert [format_cookie_name(port) for port in (8501, 8502)] == ["hexbeat_session_8501", "hexbeat_session_8502"]


def test_who_knocks_unknown_is_written_once_a_minute_and_who_is_known_each_time(settings: Settings) -> None:
    time_s = 1_000.0
    refusals, store = Refusals(clock=lambda: time_s), open_shared_store(settings)
    for subject in ("", "", "jo", "jo", ""):
        refusals.write(store, "link", REFUSED_LINK, subject=subject)
    time_s += PAUSE_S
    refusals.write(store, "link", REFUSED_LINK)
    entries = list(reversed(list_entries(store.engine, ANALYST)))
    assert [it.subject for it in entries] == ["unknown", "jo", "jo", "unknown"]
    assert {(it.role, it.action, it.what, it.outcome, it.reason) for it in entries} == {
        ("none", "sign_in", "link", "refused", "its key is not the one that is good now")
    }


def test_another_role_is_written_when_it_is_chosen(
    settings: Settings, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_policy(settings, '[groups]\nbeat = "police"\nward = "council"\n')
    installation = open_installation(settings, login=build_login(settings, begin("beat", "ward"), chosen=None))
    monkeypatch.setattr(st, "session_state", {ROLE_KEY: Role.POLICE})
    write_role_choice(installation)
    (entry,) = list_entries(installation.store.engine, ANALYST)
    assert (entry.subject, entry.role, entry.action, entry.what) == (
        "a.person@example.org (id-1)", "council", "choose_role", "role police",
    )  # fmt: skip
