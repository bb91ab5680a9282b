"""The gate, its limits and its streams without a server: what passes, what is answered, and when it ends."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from hexbeat.dashboard import security
from hexbeat.dashboard.public import public_security
from hexbeat.dashboard.web.asgi import add_headers, find_header
from hexbeat.dashboard.web.gate import NO_PAGE, Gate, build_closed_page
from hexbeat.dashboard.web.headers import build_security_headers
from hexbeat.dashboard.web.limits import LimitedBody, LimitError, Sessions
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.dashboard.web.stream import Stream
from tests.support.threads import run_steps

MB = 1024 * 1024
LOCAL = {"host": "localhost:8501", "origin": "http://localhost:8501"}
UPLOAD = "/_stcore/upload_file/a-session/a-file"
SETTINGS = ServerSettings(sessions=2, sessions_per_address=1)
GATES: dict[str, Callable[[Any, ServerSettings], Gate]] = {
    "partners": lambda app, settings: Gate(app, rules=security.build_rules(settings), settings=settings),
    "public": lambda app, settings: Gate(app, rules=public_security.build_rules(settings), settings=settings),
}


@dataclass
class Client:
    """What a client sends, message by message, and what it gets."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))


def ask(
    side: str,
    path: str = "/",
    *,
    method: str = "GET",
    kind: str = "http",
    settings: ServerSettings = SETTINGS,
    body: Iterable[bytes] = (b"",),
    headers: dict[str, str] = LOCAL,
    extensions: tuple[str, ...] = ("websocket.http.response",),
) -> Client:
    """Put one request to a side's gate; the app reads all of it and says "passed"."""
    parts = list(body)
    client = Client([{"type": "http.request", "body": part, "more_body": part is not parts[-1]} for part in parts])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while scope["type"] == "http":
            client.read.append(await receive())
            if not client.read[-1]["more_body"]:
                break
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"set-cookie", b"a=b; Path=/")]})
            await send({"type": "http.response.body", "body": b"passed"})
        else:
            await send({"type": "passed"})

    scope = {
        "type": kind, "path": path, "method": method, "server": ("127.0.0.1", 8501), "client": ("10.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {name: {} for name in extensions},
    }  # fmt: skip
    run_steps(GATES[side](app, settings)(scope, client.receive, client.send))
    return client


def answer_of(client: Client) -> tuple[int, str]:
    return client.sent[0]["status"], client.sent[1]["body"].decode()


def headers_of(client: Client) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in client.sent[0]["headers"]}


@pytest.mark.parametrize("side", GATES)
def test_the_start_of_the_server_passes(side: str) -> None:
    assert ask(side, kind="lifespan").sent == [{"type": "passed"}]


@pytest.mark.parametrize("side", GATES)
def test_a_server_without_words_for_a_refused_socket_closes_it(side: str) -> None:
    foreign = {**LOCAL, "origin": "https://evil.example.com"}
    refused = ask(side, "/_stcore/stream", kind="websocket", headers=foreign, extensions=())
    assert refused.sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize("side", GATES)
def test_only_the_stream_is_a_socket(side: str) -> None:
    assert ask(side, "/", kind="websocket").sent == [{"type": "websocket.close", "code": 1008}]
    assert ask(side, "/_stcore/stream", kind="websocket").sent == [{"type": "passed"}]
    assert answer_of(ask(side, "/_stcore/stream")) == (404, "There is no such page.\n")


@pytest.mark.parametrize("side", GATES)
def test_who_mistypes_an_address_in_a_browser_finds_the_way_home(side: str) -> None:
    status, text = answer_of(ask(side, "/_stcore/stream", headers={**LOCAL, "accept": "text/html,*/*;q=0.8"}))
    assert (status, text) == (404, NO_PAGE)
    assert '<a href="/">Go to the first page</a>' in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"])
@pytest.mark.parametrize("side", GATES)
def test_pages_are_read_only(side: str, method: str) -> None:
    for path in ("/", "/_stcore/health", "/static/x.js", "/media/x.csv", "/closed"):
        assert answer_of(ask(side, path, method=method)) == (404, "There is no such page.\n")


def test_partners_send_files_and_forms_and_the_public_sends_nothing() -> None:
    for method, path in (("PUT", UPLOAD), ("DELETE", UPLOAD), ("POST", "/sign-in"), ("GET", "/oauth2callback")):
        assert answer_of(ask("partners", path, method=method)) == (200, "passed")
        assert answer_of(ask("public", path, method=method)) == (404, "There is no such page.\n")


@pytest.mark.parametrize(
    ("path", "method", "largest"),
    [(UPLOAD, "PUT", 256 * MB + 65_536), ("/sign-in", "POST", 65_536), ("/", "GET", 65_536)],
)
def test_a_body_has_a_size(path: str, method: str, largest: int) -> None:
    words = (
        f"A request may send a limited number of bytes.\nThis one sends more than {largest:,}.\n"
        "Send a smaller file, or load it with `hexbeat ingest` on the server.\n"
    )
    for length in (str(largest + 1), "9" * 5_000, "1e9", "-1"):
        announced = ask("partners", path, method=method, headers={**LOCAL, "content-length": length})
        assert answer_of(announced) == (413, words)
        assert announced.read == []
        assert headers_of(announced)["connection"] == "close"
    fits = ask("partners", path, method=method, headers={**LOCAL, "content-length": str(largest)})
    assert answer_of(fits) == (200, "passed")


def test_a_body_that_announced_nothing_is_cut_off_at_its_size() -> None:
    sent = ask("partners", "/sign-in", method="POST", body=[b"x" * 65_536, b"y", b"z"])
    assert answer_of(sent)[0] == 413
    assert len(sent.read) == 1
    assert answer_of(ask("partners", "/sign-in", method="POST", body=[b"x" * 65_535, b"y"]))[0] == 200


def test_a_body_that_is_slow_is_cut_off() -> None:
    async def read_slowly() -> LimitError:
        now = 0.0
        client = Client([{"type": "http.request", "body": b"x" * 100_000, "more_body": True}])
        body = LimitedBody(client.receive, largest=MB, clock=lambda: now)
        await body.receive()
        now = 32.0  # half a minute, and two seconds for what came
        with pytest.raises(LimitError) as caught:
            await body.receive()
        return caught.value

    error = run_steps(read_slowly())
    assert error.status == 408
    assert str(error) == (
        "A request has to arrive without long pauses; only 100,000 bytes came in time; "
        "try again, on a faster connection"
    )


def test_sessions_are_counted_by_address_and_in_all() -> None:
    sessions = Sessions(most=2, most_per_address=1)
    rule, hint = (
        "The server keeps a limited number of pages open",
        "close a tab, or try again later; whoever runs the server sets",
    )
    with sessions.hold("a"):
        with pytest.raises(LimitError) as same, sessions.hold("a"):
            pass
        with sessions.hold("b"), pytest.raises(LimitError) as third, sessions.hold("c"):
            pass
        with sessions.hold("b"):
            pass
    assert same.value.status == 503
    assert str(same.value) == f"{rule}; 1 come from your address; {hint} HEXBEAT_SESSIONS_PER_ADDRESS"
    assert str(third.value) == f"{rule}; 2 are open; {hint} HEXBEAT_SESSIONS"


@pytest.mark.parametrize("side", GATES)
def test_tls_is_remembered_and_keeps_cookies_where_there_is_tls(side: str) -> None:
    over_tls = ServerSettings(hosts=("a.example",), public_url="https://a.example")
    plain, safe = (headers_of(ask(side, settings=settings)) for settings in (SETTINGS, over_tls))
    assert "strict-transport-security" not in plain
    assert safe["strict-transport-security"] == "max-age=31536000"
    cookies = {"partners": ("a=b; Path=/", "a=b; Path=/; Secure"), "public": (None, None)}
    assert (plain.get("set-cookie"), safe.get("set-cookie")) == cookies[side]


@pytest.mark.parametrize("side", GATES)
def test_a_download_may_do_nothing_in_a_browser(side: str) -> None:
    headers = headers_of(ask(side, "/media/x.html"))
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert headers["cache-control"] == "no-store"  # a shared computer keeps no copy


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/component/hexbeat.dashboard.map.assets.files/map-e0b97b46e392ba70.js", 200, True),
        ("/component/hexbeat.dashboard.map.assets.files/map-e0b97b46e392ba70.js", 404, False),
        ("/component/streamlit_folium.st_folium/static/js/main.521860b0.js", 200, True),
        ("/component/streamlit_folium.st_folium/index.html", 200, False),
        ("/component/hexbeat.dashboard.map.assets.files/map.js", 200, False),
        ("/", 200, False),
    ],
)  # fmt: skip
def test_what_has_its_hash_in_its_name_is_kept_by_browsers(path: str, status: int, *, expected: bool) -> None:
    client = Client()
    dressed = add_headers(client.send, build_security_headers(path))
    run_steps(dressed({"type": "http.response.start", "status": status, "headers": [(b"cache-control", b"public")]}))
    kept = dict(client.sent[0]["headers"]).get(b"cache-control")
    assert (kept == b"private, max-age=31536000, immutable") is expected


def test_the_public_side_has_the_names_it_is_given() -> None:
    named = ServerSettings(hosts=("www.council.example",))
    assert answer_of(ask("public", settings=named, headers={"host": "evil.example.com"})) == (
        403,
        "This page answers to its own names only.\nThis request is for evil.example.com.\nOpen www.council.example.\n",
    )
    assert answer_of(ask("public", settings=named, headers={"host": "www.council.example"}))[0] == 200
    assert answer_of(ask("public", headers={"host": "any.example"}))[0] == 200


@pytest.mark.parametrize("name", ["host", "origin"])
def test_a_header_that_comes_twice_is_none_of_ours(name: str) -> None:
    twice = {**LOCAL, name: f"{LOCAL[name]}, {LOCAL[name]}"}
    refused = ask("partners", "/_stcore/stream", kind="websocket", headers=twice)
    assert answer_of(refused)[0] == 403
    pairs = [(name.encode(), LOCAL[name].encode())] * 2
    assert find_header({"headers": pairs}, name.encode()) == twice[name]


def test_a_header_that_is_empty_is_missing() -> None:
    assert find_header({"headers": [(b"origin", b"")]}, b"origin") is None
    assert find_header({"headers": []}, b"origin") is None


def test_added_headers_take_the_place_of_others() -> None:
    client = Client()
    dressed = add_headers(client.send, [(b"a", b"ours")], remove=[b"b"], secure_cookies=True)
    theirs = [(b"A", b"theirs"), (b"B", b"x"), (b"c", b"y"), (b"Set-Cookie", b"k=v; secure")]
    run_steps(dressed({"type": "http.response.start", "headers": theirs}))
    assert client.sent == [
        {"type": "http.response.start", "headers": [(b"c", b"y"), (b"Set-Cookie", b"k=v; secure"), (b"a", b"ours")]}
    ]


def read_stream(messages: list[bytes], *, idle_s: float = 3600.0, tick_s: float = 0.0) -> tuple[list[Any], Client]:
    """All that Streamlit gets of these messages, the clock going on with each, and what the browser gets."""
    client = Client([{"type": "websocket.receive", "bytes": message} for message in messages])
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += tick_s
        return now

    async def read() -> list[Any]:
        stream = Stream(
            client.receive, client.send, incoming=security.INCOMING, uploads=True, idle_s=idle_s, clock=clock
        )
        heard: list[Any] = []
        while client.messages and [message["type"] for message in heard[-1:]] != ["websocket.disconnect"]:
            heard.append(await stream.receive())
        await stream.send({"type": "websocket.send", "bytes": b""})
        return heard

    return run_steps(read()), client


def rerun(*, by_itself: bool = False) -> bytes:
    message = BackMsg()
    message.rerun_script.is_auto_rerun = by_itself
    return bytes(message.SerializeToString())


def test_other_messages_are_passed_over() -> None:
    upload = BackMsg()
    upload.file_urls_request.file_names.append("x")
    odd = [
        BackMsg(load_git_info=True).SerializeToString(), BackMsg(clear_cache=True).SerializeToString(),
        BackMsg(debug_shutdown_runtime=True).SerializeToString(), b"", b"\xff" * 1000,
    ]  # fmt: skip
    install, make = BackMsg(), BackMsg()
    install.backend_operation_request.install_skills.SetInParent()
    make.backend_operation_request.deferred_file.file_id = "x"
    odd.append(install.SerializeToString())
    wanted = [rerun(), upload.SerializeToString(), make.SerializeToString()]
    heard, client = read_stream([part for message in wanted for part in (*odd, message)])
    assert [message["bytes"] for message in heard] == wanted
    assert client.sent == [{"type": "websocket.send", "bytes": b""}]


def test_a_flood_of_messages_ends_the_session() -> None:
    heard, client = read_stream([rerun()] * 201, tick_s=0.01)
    assert heard[-1] == {"type": "websocket.disconnect", "code": 1001}
    assert len(heard) == 200
    assert client.sent == [{"type": "websocket.close", "code": 1008}]
    assert len(read_stream([rerun()] * 1000, tick_s=1.0, idle_s=1e9)[0]) == 1000


def test_whoever_was_away_is_shown_that_the_page_is_closed() -> None:
    """A page that only refreshes itself is not used."""
    heartbeat = BackMsg(app_heartbeat=True).SerializeToString()
    heard, client = read_stream([rerun(), *[rerun(by_itself=True), heartbeat] * 100], tick_s=1.0, idle_s=60)
    assert heard[-1] == {"type": "websocket.disconnect", "code": 1001}
    assert len(heard) < 60
    redirect = ForwardMsg.FromString(client.sent[0]["bytes"])
    assert redirect.auth_redirect.url == "/closed"
    assert client.sent[1:] == [{"type": "websocket.close", "code": 1001}]
    assert "<h1>This page is closed</h1><p>Nobody used it for 60 minutes." in build_closed_page(60)
    assert "<p>Nobody used it for a minute." in build_closed_page(0.5)


def test_paths_versions_and_ids_of_the_machine_do_not_leave() -> None:
    message = ForwardMsg()
    message.new_session.main_script_path = "/srv/secret/app.py"
    message.new_session.initialize.user_info.installation_id = "secret"
    message.new_session.initialize.environment_info.python_version = "secret"
    message.new_session.initialize.session_id = "kept"
    gone = ForwardMsg()
    gone.git_info_changed.repository = "secret"
    answers = ForwardMsg()
    answers.file_urls_response.response_id = "x"
    failed = ForwardMsg()
    failed.backend_operation_response.error_msg = "No such file: /srv/secret"

    def passed(content: ForwardMsg, *, uploads: bool) -> list[Any]:
        client = Client()

        async def send() -> None:
            stream = Stream(client.receive, client.send, incoming=frozenset(), uploads=uploads, idle_s=60)
            await stream.send({"type": "websocket.send", "bytes": content.SerializeToString()})

        run_steps(send())
        return [ForwardMsg.FromString(sent["bytes"]) for sent in client.sent]

    (session,) = passed(message, uploads=True)
    assert "secret" not in str(session)
    assert session.new_session.initialize.session_id == "kept"
    assert session.new_session.initialize.HasField("user_info")
    assert passed(gone, uploads=True) == []
    (told,) = passed(failed, uploads=True)
    assert told.backend_operation_response.error_msg == "It could not be done. Try again."
    for message in (answers, failed):
        assert [len(passed(message, uploads=uploads)) for uploads in (True, False)] == [1, 0]
