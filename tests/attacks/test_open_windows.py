"""A browser window against the door: after signing out, with a cookie that somebody planted, with a guessed address."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import memory_media_file_storage
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from hexbeat.dashboard.login_links import Links
from hexbeat.dashboard.login_middleware import Door, RequireSignIn
from hexbeat.dashboard.state.login import format_cookie_name, open_shared_store
from hexbeat.dashboard.web.server import hide_contents_of_files
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import LINK, PROVIDER, SignIn, begin_sign_in, end_sign_in, find_sign_in
from tests.support.threads import run_steps

PORT: Final = 8501
Message = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.delenv("HEXBEAT_DATABASE_URL", raising=False)
    settings = Settings.from_environment(home=tmp_path / "home", area="middlesbrough")
    yield settings
    open_shared_store(settings).dispose()


def sign_in(settings: Settings) -> str:
    now = int(time.time())
    return begin_sign_in(open_shared_store(settings), SignIn("jo", "jo", LINK, (), now, now + 3_600))


def build_scope(kind: str, key: str, *, query: str = "") -> Message:
    cookie = f"{format_cookie_name(PORT)}={key}".encode()
    return {
        "type": kind, "path": "/_stcore/stream" if kind == "websocket" else "/", "method": "GET",
        "query_string": query.encode(), "headers": [(b"cookie", cookie)], "server": ("127.0.0.1", PORT),
    }  # fmt: skip


def build_requests() -> dict[str, bytes]:
    """What a browser asks of a page: to run again, to make a file, for the next rows of a table."""
    rerun, file, rows = BackMsg(), BackMsg(), BackMsg()
    rerun.rerun_script.SetInParent()
    file.backend_operation_request.deferred_file.file_id = "a"
    rows.backend_operation_request.dataframe_chunk.source_id = "b"
    messages = {"run": rerun, "file": file, "rows": rows}
    return {name: bytes(message.SerializeToString()) for name, message in messages.items()}


def test_a_window_that_stays_open_gets_no_rows_and_no_file_after_signing_out(settings: Settings) -> None:
    key = sign_in(settings)
    heard = listen(settings, key, end=lambda: end_sign_in(open_shared_store(settings), key))
    assert heard == ["run", "file", "rows", "run"]  # the last run says that the person is signed out


@pytest.mark.parametrize("policy", ['[groups]\nown = "council"\n', "[groups]\n", '[groups]\nown = "police"\n'])
def test_rows_and_files_of_a_page_go_by_the_rights_of_its_run(settings: Settings, policy: str) -> None:
    """The page has what it had when it was drawn; after a change of rights it must be drawn again first."""
    before = '[groups]\nown = "police"\n'
    key = sign_in_by_provider(settings, before)
    after = ["file", "rows"] if policy == before else []
    heard = listen(settings, key, end=lambda: write_policy(settings, policy))
    assert heard == ["run", "file", "rows", *after, "run"]


def write_policy(settings: Settings, text: str) -> None:
    settings.home.mkdir(exist_ok=True)
    (settings.home / "policy.toml").write_text(text, encoding="utf-8")


def sign_in_by_provider(settings: Settings, policy: str) -> str:
    write_policy(settings, policy)
    now = int(time.time())
    person = SignIn("id-1", "jo@example.org", PROVIDER, ("own",), now, now + 3_600)
    return begin_sign_in(open_shared_store(settings), person)


def listen(settings: Settings, key: str, *, end: Callable[[], None]) -> list[str]:
    """What Streamlit hears of a window that asks for each thing, then for each again after `end`."""
    asked, heard = build_requests(), list[str]()
    waiting = [*asked.values(), asked["file"], asked["rows"], asked["run"]]

    async def receive() -> Message:
        return {"type": "websocket.receive", "bytes": waiting.pop(0)} if waiting else {"type": "websocket.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    async def streamlit(_scope: Any, receive: Any, _send: Any) -> None:
        while (message := await receive())["type"] != "websocket.disconnect":
            heard.append(next(name for name, content in asked.items() if content == message["bytes"]))
            if len(heard) == len(asked):
                end()

    run_steps(RequireSignIn(streamlit, door=Door(settings, None, 10))(build_scope("websocket", key), receive, send))
    return heard


def test_a_link_begins_a_new_sign_in_whatever_key_the_browser_has(settings: Settings) -> None:
    """A planted cookie does not become a sign-in (session fixation)."""
    printed: list[str] = []
    links = Links(lambda key, **_: printed.append(key))
    links.begin()
    planted, answers = "A" * 43, list[Message]()

    async def send(message: Any) -> None:
        answers.append(message)

    async def nobody(*_: Any) -> None:
        raise AssertionError

    door = RequireSignIn(nobody, door=Door(settings, None, 10, links=links))
    run_steps(door(build_scope("http", planted, query=f"key={printed[0]}"), nobody, send))
    headers = dict(answers[0]["headers"])
    given = headers[b"set-cookie"].decode().partition(";")[0].partition("=")[2]
    assert (answers[0]["status"], headers[b"location"], given != planted) == (303, b"/", True)
    store, now = open_shared_store(settings), int(time.time())
    assert find_sign_in(store, given, now=now) is not None
    assert find_sign_in(store, planted, now=now) is None


def test_nobody_works_out_the_address_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    streamlits = memory_media_file_storage._calculate_file_id  # noqa: SLF001 - it has no other name
    monkeypatch.setattr(memory_media_file_storage, "_calculate_file_id", streamlits)
    storage = MemoryMediaFileStorage("/media")

    def name(content: bytes, kind: str = "text/csv", file_name: str | None = "cells.csv") -> str:
        return storage.load_and_get_id(content, kind, MediaFileKind.DOWNLOADABLE, file_name)

    guessed = name(b"cell,count\n8a,3\n")  # what anybody with Streamlit can work out
    long = [b"0" * 600_000 + middle + b"0" * 1_400_000 for middle in (b"3", b"4")]  # they differ in one byte
    assert name(long[0]) == name(long[1])  # Streamlit alone takes one for the other
    hide_contents_of_files()
    hidden = name(b"cell,count\n8a,3\n")
    assert hidden != guessed
    assert hidden == name(b"cell,count\n8a,3\n")  # the same button has the same address at the next run
    assert hidden not in {hashlib.sha256(b"cell,count\n8a,3\n").hexdigest(), name(b"cell,count\n8a,4\n")}
    assert len({name(long[0]), name(long[1]), name(long[0], file_name=None), name(long[0], "text/html")}) == 4
    hide_contents_of_files()
    assert name(b"cell,count\n8a,3\n") != hidden  # another process, another key


@pytest.mark.parametrize(("role", "status"), [("health", 403), ("auditor", 403), ("council", 200), (None, 403)])
def test_who_may_do_nothing_with_files_sends_none(settings: Settings, role: str | None, status: int) -> None:
    """The server would keep the file in memory, whoever sends it."""
    key = sign_in_by_provider(settings, f'[groups]\nown = "{role}"\n' if role else "")
    answers, read = list[Message](), list[Any]()

    async def send(message: Any) -> None:
        answers.append(message)

    async def streamlit(_scope: Any, receive: Any, send: Any) -> None:
        read.append(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Message:
        raise AssertionError

    scope = {**build_scope("http", key), "method": "PUT", "path": "/_stcore/upload_file/a/b"}
    run_steps(RequireSignIn(streamlit, door=Door(settings, None, 10))(scope, receive, send))
    assert (answers[0]["status"], len(read)) == (status, int(status == 200))
