"""The door of the partners' side, with a real identity provider: in, role changed, out, expired, forged, replayed."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from joserfc.jwk import RSAKey
from playwright.sync_api import Page, expect

from hexbeat.store.audit_trail import list_entries
from hexbeat.store.schema import sign_ins as table
from hexbeat.store.sign_ins import end_sign_ins, list_sign_ins
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.browser import Windows
from tests.support.identity_provider import (
    CLIENT_ID,
    IdentityProvider,
    Stranger,
    encode_part,
    identity_provider,
    read_sentences,
    read_token,
    write_token,
)
from tests.support.servers import ask, find_links, free_port, hexbeat_server, open_socket, outputs, sign_ins

pytestmark = pytest.mark.slow  # real servers start

PERSON: Final = "warden-7"
DATA: Final = ("/", "/plan", "/media/x.csv", "/_stcore/host-config", "/component/x/y.html")


@dataclass(frozen=True)
class House:
    """A server, its provider, and a second door to its store."""

    url: str
    home: Path
    provider: IdentityProvider

    def write_policy(self, text: str) -> None:
        (self.home / "policy.toml").write_text(text, encoding="utf-8")

    def store(self) -> Store:
        return Store.open(self.home)

    def list_written(self) -> list[tuple[str, ...]]:
        """The entries of people who come and go, the oldest first."""
        with self.store() as store:
            entries = list(reversed(list_entries(store.engine, ANALYST)))
        return [(it.subject, it.role, it.action, it.what, it.outcome) for it in entries if it.action.startswith("sign")]

    def signed_in(self) -> list[str]:
        with self.store() as store:
            return [sign_in.subject for sign_in in list_sign_ins(store, ANALYST, now=0)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("login")
    home, port = folder / "home", free_port()
    home.mkdir()
    with ExitStack() as stack:
        provider = stack.enter_context(identity_provider())
        settings = provider.settings(f"http://127.0.0.1:{port}", folder)
        places = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
        url = stack.enter_context(hexbeat_server(environment={**settings, **places}, port=port))
        yield House(url, home, provider)


@pytest.fixture(autouse=True)
def begin_anew(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody is signed in, the provider is honest, and wardens are of the council."""
    if "house" in request.fixturenames:
        house: House = request.getfixturevalue("house")
        house.provider.forge = lambda token: token
        house.provider.set_person(PERSON, email="warden@example.org", groups=["wardens"])
        house.write_policy('[groups]\nwardens = "council"\npolice = "police"\nall = "analyst"\n')
        with house.store() as store:
            end_sign_ins(store, ANALYST)
    yield
    while Stranger.opened:
        Stranger.opened.pop().close()


def test_without_a_sign_in_nothing_is_handed_out(house: House) -> None:
    for path in DATA:
        answer = ask(house.url, path)
        assert answer.status == 401
        assert read_sentences(answer.body)[0] == "Sign in to Hexbeat"
    assert open_socket(house.url, {"Origin": house.url}).status == 401
    assert find_links(house.url) == []  # where there is a provider, there is no link


def test_who_signs_in_comes_back_to_the_page_they_asked_for(house: House) -> None:
    stranger = Stranger(house.url)
    page = stranger.client.get(f"{house.url}/plan?wards=E05009857").text
    (address,) = re.findall(r'href="(/sign-in[^"]*)"', page)
    answer = stranger.sign_in(PERSON, begin_at=address)
    assert (answer.status_code, answer.headers["location"]) == (302, "/plan?wards=E05009857")
    assert house.signed_in() == [PERSON]
    cookies = answer.headers.get_list("set-cookie")
    ours = next(cookie for cookie in cookies if cookie.startswith("hexbeat_session"))
    assert re.fullmatch(r"hexbeat_session_\d+=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=3[56]\d\d", ours)
    headers = {"Cookie": f"{ours.partition(';')[0]}", "Origin": house.url}
    assert open_socket(house.url, headers).status == 101
    assert [ask(house.url, path, headers).status for path in ("/", "/media/x.csv")] == [200, 404]


@pytest.mark.parametrize(
    "to", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "javascript:1"]
)
def test_nobody_is_sent_to_another_site_after_signing_in(house: House, to: str) -> None:
    answer = Stranger(house.url).sign_in(PERSON, begin_at=f"/sign-in?to={to}")
    assert answer.headers["location"] == "/"


def resign(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[str], str]:
    """A forger who has the provider's own key, so that only what a token says can betray it."""
    return lambda token: write_token(change(read_token(token)), IdentityProvider.find_key())


STRANGE_KEY: Final = RSAKey.generate_key(2048)
FORGERIES: Final[dict[str, Callable[[str], str]]] = {
    "signed by another key": lambda token: write_token(read_token(token), STRANGE_KEY),
    "signature of another token": lambda token: ".".join([*token.split(".")[:2], "A" * 342]),
    "without a signature": lambda token: f"{encode_part({'alg': 'none', 'typ': 'JWT'})}.{token.split('.')[1]}.",
    "signed with the public key": lambda token: write_token(
        read_token(token), IdentityProvider.find_key(), algorithm="HS256"
    ),
    "of another issuer": resign(lambda claims: {**claims, "iss": "https://evil.example.com"}),
    "for another application": resign(lambda claims: {**claims, "aud": "another"}),
    "for another request": resign(lambda claims: {**claims, "nonce": "another"}),
    "long expired": resign(lambda claims: {**claims, "exp": 1_700_000_000, "iat": 1_600_000_000}),
    "of nobody": resign(lambda claims: {name: value for name, value in claims.items() if name != "sub"}),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_signs_nobody_in(house: House, forgery: str) -> None:
    house.provider.forge = FORGERIES[forgery]
    stranger = Stranger(house.url)
    answer = stranger.sign_in(PERSON)
    assert answer.status_code == 403
    assert read_sentences(answer.text)[:2] == [
        "Signing in needs a valid answer of the identity provider",
        "This answer is not valid, was used before, or belongs to another browser.",
    ]
    assert (stranger.key, stranger.status(), house.signed_in()) == (None, 401, [])


def test_the_forger_who_changes_nothing_gets_in(house: House) -> None:
    """So that the test before proves what it says."""
    house.provider.forge = resign(lambda claims: claims)
    assert Stranger(house.url).sign_in(PERSON).status_code == 302


def test_an_answer_of_the_provider_works_once_and_in_one_browser(house: House) -> None:
    stranger, thief = Stranger(house.url), Stranger(house.url)
    answer = stranger.ask_provider(PERSON)
    before = dict(stranger.client.cookies)  # what a thief of the browser's cookies has at that moment
    assert thief.client.get(answer).status_code == 403  # a state of another browser
    assert stranger.client.get(answer).status_code == 302
    assert stranger.client.get(answer).status_code == 403  # the state is used up
    thief.client.cookies.update(before)
    assert thief.client.get(answer).status_code == 403  # and so is the code
    assert (thief.key, thief.status()) == (None, 401)


def test_a_forged_cookie_is_nobody(house: House) -> None:
    stranger = Stranger(house.url)
    stranger.sign_in(PERSON)
    key = str(stranger.key)
    for forged in ("", "x", key[:-1], key + "A", key[::-1], "A" * 5000, "%00", '"', f"{key}; {key}x"):
        headers = {"Cookie": f"hexbeat_session_{house.url.rpartition(':')[2]}={forged}", "Origin": house.url}
        known = forged.startswith(key + ";")
        assert ask(house.url, "/", headers).status == (200 if known else 401)
    theirs = {name: value for name, value in stranger.client.cookies.items() if name.startswith("_streamlit")}
    assert len(theirs) >= 2  # Streamlit's own cookies are good, and open nothing
    text = "; ".join(f"{name}={value}" for name, value in theirs.items())
    assert ask(house.url, "/", {"Cookie": text}).status == 401
    assert open_socket(house.url, {"Cookie": text, "Origin": house.url}).status == 401


def test_signing_out_ends_every_copy_of_the_cookie_and_another_site_cannot_do_it(house: House) -> None:
    stranger, before = Stranger(house.url), len(house.list_written())
    stranger.sign_in(PERSON)
    copied = {"Cookie": f"hexbeat_session_{house.url.rpartition(':')[2]}={stranger.key}"}
    stranger.client.get(f"{house.url}/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
    assert ask(house.url, "/", copied).status == 200
    answer = stranger.client.get(f"{house.url}/sign-out", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/auth/logout")
    assert ask(house.url, "/", copied).status == 401
    farewell = stranger.client.get(f"{house.url}/auth/logout").headers["location"]
    assert farewell.startswith(f"{house.provider.issuer}/oauth2/end_session?client_id={CLIENT_ID}&")
    who = f"warden@example.org ({PERSON})", "council"
    assert house.list_written()[before:] == [
        (*who, "sign_in", "provider", "done"),
        (*who, "sign_out", "provider", "done"),
    ]


def test_a_person_who_is_not_on_the_list_is_told_so_and_not_signed_in(house: House) -> None:
    house.write_policy('[groups]\nwardens = "council"\n[people]\nallowed = ["somebody-else"]\n')
    answer = Stranger(house.url).sign_in(PERSON)
    assert answer.status_code == 403
    who = f"warden@example.org ({PERSON})", "none"
    assert house.list_written()[-1:] == [(*who, "sign_in", "provider", "refused")]
    assert read_sentences(answer.text) == [
        "Only the people on the list of this installation may use it",
        "You are signed in as warden@example.org, who is not on it.",
        "Ask whoever runs Hexbeat to add you, or sign in with another account.",
        "Sign in with another account",
    ]
    assert house.signed_in() == []


def sign_in_by_hand(page: Page, person: str) -> None:
    """From the door to the open page, with the provider's own form."""
    page.get_by_role("link", name="Sign in").click()
    page.locator("input[name=sub]").fill(person)
    page.get_by_role("button", name="Authorize").first.click()


@pytest.mark.browser
def test_a_person_comes_in_changes_role_expires_and_goes_in_the_browser(house: House, windows: Windows) -> None:
    page = windows.take(house.url)
    page.goto(house.url)
    expect(page.get_by_role("heading", name="Sign in to Hexbeat")).to_be_visible()
    house.provider.set_person(PERSON, email="warden@example.org", groups=["all", "police"])
    sign_in_by_hand(page, PERSON)
    # Of two roles the one that sees least comes first. What a role shows is the policy's business.
    refusal = page.get_by_role("alert")
    header = page.locator(".hb-facts")
    expect(header.or_(refusal).first).to_be_visible()
    house.write_policy('[groups]\nall = "analyst"\n')
    page.reload()
    expect(header).to_contain_text("role analyst")
    expect(header.locator(".hb-person")).to_have_text("warden@example.org Sign out")
    # A role that is taken away is gone at the next click, in a window that stays open.
    house.write_policy('[groups]\nsomebody = "analyst"\n')
    page.get_by_role("link", name="Data", exact=True).click()
    expect(refusal).to_contain_text("You are signed in as warden@example.org, and none of your groups has a role here.")
    expect(page.get_by_role("link", name="Sign out")).to_be_visible()
    expect(header).to_be_hidden()
    house.write_policy('[groups]\nall = "analyst"\n')
    page.reload()
    expect(header).to_contain_text("role analyst")
    # The sign-in ends while the window is open.
    with house.store() as store, store.engine.begin() as connection:
        connection.execute(sa.update(table).values(ends_at=table.c.began_at + 1, began_at=table.c.began_at - 1))
    page.get_by_role("link", name="Map", exact=True).click()
    expect(refusal).to_contain_text("You are signed out, or your sign-in has ended.")
    page.get_by_role("link", name="Sign in again").click()
    sign_in_by_hand(page, PERSON)
    expect(header).to_contain_text("role analyst")
    page.get_by_role("link", name="Sign out").click()
    page.get_by_role("button").first.click()  # the provider asks once more
    expect(page.get_by_role("heading", name="Sign in to Hexbeat")).to_be_visible()
    assert house.signed_in() == []
    windows.leave(page)


@pytest.mark.browser
def test_the_link_works_once_and_leaves_no_key_behind(windows: Windows, tmp_path: Path) -> None:
    environment = {"HEXBEAT_HOME": str(tmp_path / "home"), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment) as url:
        used, fresh = find_links(url)  # the support has taken the first, and a second was printed
        sign_ins.pop(url)
        for path in (*DATA, used, "/?key=", "/?key=x", fresh.replace("/?", "/plan?")):
            assert ask(url, path).status == 401
        assert open_socket(url, {"Origin": url}).status == 401
        assert read_sentences(ask(url, used).body) == [
            "Sign in to Hexbeat",
            "Hexbeat opens by a link that works once.",
            f"The window in which Hexbeat was started shows it: {url}/?key=…",
            "Take the last one there. If you see none, stop Hexbeat in that window and start it again.",
            "If you have just taken the link, open Hexbeat.",
        ]
        page = windows.take(url)
        page.goto(url + fresh)
        expect(page.locator(".hb-facts")).to_contain_text("role analyst")
        assert page.url == f"{url}/"
        assert page.evaluate("navigation.entries().filter((entry) => entry.url.includes('key=')).length") == 0
        assert page.evaluate("document.cookie").find("hexbeat_session") == -1
        (cookie,) = [one for one in page.context.cookies() if one["name"].startswith("hexbeat_session")]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
        page.goto(url + fresh)  # once more, in the browser that is in
        assert page.url == f"{url}/"
        expect(page.locator(".hb-facts")).to_contain_text("role analyst")
        assert len(find_links(url)) == len(set(find_links(url))) == 3  # each printed once, and in no log
        page.get_by_role("link", name="Sign out").click()
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        page.goto(url)
        expect(page.get_by_role("heading", name="Sign in to Hexbeat")).to_be_visible()
        windows.leave(page)


def test_a_provider_that_is_away_is_said_in_our_words(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    provider = IdentityProvider(issuer=f"http://127.0.0.1:{free_port()}")  # nobody listens there
    settings = provider.settings(f"http://127.0.0.1:{port}", tmp_path)
    places = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment={**settings, **places}, port=port) as url:
        stranger = Stranger(url)
        begun = stranger.client.get(f"{url}/sign-in")
        answer = stranger.client.get(url + begun.headers["location"])
        log = outputs[url].read_text(encoding="utf-8")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert read_sentences(answer.text) == [
        "The identity provider cannot be reached",
        "Hexbeat asked it where to sign you in, and got no answer that it can use. Your account is not the reason.",
        "Try again in a few minutes. If it stays so, tell those who run Hexbeat: its log says more.",
        "Back to Hexbeat",
    ]
    assert 'href="/"' in answer.text
    lines = [line for line in log.splitlines() if "Signing in by the identity provider failed" in line]
    assert [line.endswith("(ConnectError). Check HEXBEAT_OIDC_ISSUER and the network.") for line in lines] == [True]
    assert not re.search("Traceback|DeprecationWarning|httpx2", log)
