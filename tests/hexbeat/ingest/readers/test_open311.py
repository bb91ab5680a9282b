"""Open311: every shape of list, and every page of an address, or nothing."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from geo.errors import DataError
from hexbeat.ingest.readers import LIMITS, Limits, ReadOptions, open_download, open_file

REQUEST = {"service_request_id": "1", "service_name": "Needles", "requested_datetime": "2026-01-01T10:00:00Z"}
RULE = "Open311 requests have to be a GeoReport v2 list, as JSON or XML"
Answer = tuple[int, dict[str, str], bytes]
Server = Callable[[Callable[[str], Answer]], str]


def read(path: Path) -> list[dict[str, str]]:
    with open_file(path, ReadOptions(records="open311")) as opened:
        return [row for chunk in opened.chunks(opened.columns) for row in chunk.frame.to_dict("records")]


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        [REQUEST],
        {"errors": [], "service_requests": [REQUEST]},
        {"services": [{"service_code": "needles"}], "requests": [REQUEST]},
        {"service_requests": {"request": [REQUEST]}},
        {"answer": {"pages": [{"service_requests": [REQUEST]}]}},
        [[REQUEST]],
        [{"request": REQUEST}],
        {"request": REQUEST},
    ],
)
def test_requests_are_found_wherever_they_are(tmp_path: Path, document: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    assert read(path) == [REQUEST]


def test_several_lists_are_read_together(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    second = REQUEST | {"service_request_id": "2"}
    path.write_text(json.dumps({"open": [REQUEST], "closed": [second]}))
    assert read(path) == [REQUEST, second]


def test_a_service_without_name_is_called_by_its_code(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([REQUEST | {"service_name": None, "service_code": "needles"}, REQUEST]))
    assert [row["service_name"] for row in read(path)] == ["needles", "Needles"]


def test_xml_with_namespaces(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text(
        '<r:answer xmlns:r="urn:x"><r:service_requests><r:request><r:service_request_id>1</r:service_request_id>'
        "<r:service_code>needles</r:service_code><r:media><r:url>u</r:url></r:media></r:request></r:service_requests>"
        "</r:answer>"
    )
    row = {"service_request_id": "1", "service_code": "needles", "media": "u", "service_name": "needles"}
    assert read(path) == [row]


@pytest.mark.parametrize(
    ("document", "fact", "hint"),
    [
        ("[]", "a.json has no requests", "ask for a longer period, or for other services"),
        ('{"errors": [], "service_requests": []}', "a.json has no requests",
         "ask for a longer period, or for other services"),
        ('[{"code": 404, "description": "none"}]', "a.json is a message of the server that something went wrong",
         "open the address in a browser to read it"),
        ('{"error": {"code": 404}}', "a.json is a message of the server that something went wrong",
         "open the address in a browser to read it"),
        ('[{"service_code": "needles", "service_name": "Needles"}]', "a.json is the list of services, not of requests",
         "use the address that ends in requests"),
        ('{"a": 1}', "a.json is JSON, but not a list of requests", "use the address that ends in requests"),
        ('[{"service_request_id"', "a.json is not valid JSON (JSONDecodeError)", "download it again"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_requests(tmp_path: Path, document: str, fact: str, hint: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(document)
    assert refusal(path) == f"{RULE}; {fact}; {hint}"


@pytest.mark.parametrize("root", ["errors", "services"])
def test_xml_that_is_no_list_of_requests(tmp_path: Path, root: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(f"<{root}><error><code>404</code></error></{root}>")
    assert "message of the server" in refusal(path)


def test_an_item_that_is_no_request_is_an_unreadable_row(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([REQUEST, None, "x"]))
    with open_file(path, ReadOptions(records="open311")) as opened:
        chunk = next(opened.chunks(opened.columns))
    assert chunk.lines.tolist() == [1]
    assert [(row.line, row.problem) for row in chunk.unreadable] == [
        (2, "it is no complete JSON object"),
        (3, "it is no complete JSON object"),
    ]


def test_a_download_keeps_what_is_no_request_for_the_rejects(serve: Server) -> None:
    url = serve(lambda _: (200, {"X-Total-Count": "2"}, json.dumps([REQUEST, None]).encode()))
    with open_download(url) as path, open_file(path, ReadOptions(records="open311")) as opened:
        chunk = next(opened.chunks(opened.columns))
    assert (chunk.lines.tolist(), [row.line for row in chunk.unreadable]) == ([1], [2])


def test_texts_that_no_store_keeps_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([REQUEST | {"description": "a\ud800b\x00"}]))
    assert read(path)[0]["description"] == "a\ufffdb\ufffd"


@pytest.fixture
def serve() -> Iterator[Server]:
    """Starts a server on this machine that answers each path with a status, headers and a body."""
    servers = []

    def start(answer: Callable[[str], Answer]) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = answer(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/requests.json"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def get_page(path: str) -> int:
    return int(parse_qs(urlsplit(path).query).get("page", ["1"])[0])


def build_body(page: int, *, total: int = 120, size: int = 50) -> bytes:
    rows = [REQUEST | {"service_request_id": str(number)} for number in range(1, total + 1)]
    return json.dumps(rows[(page - 1) * size : page * size]).encode()


def download(url: str, *, limits: Limits = LIMITS) -> list[str]:
    with open_download(url, limits=limits) as path:
        return [row["service_request_id"] for row in read(path)]


def download_refusal(url: str, *, limits: Limits = LIMITS) -> str:
    with pytest.raises(DataError) as caught:
        download(url, limits=limits)
    return str(caught.value)


EVERY = [str(number) for number in range(1, 121)]


def link(path: str) -> dict[str, str]:
    return {"Link": f'</requests.json?key=k&page={get_page(path) + 1}>; rel="next"'}


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        lambda path: (200, link(path) if get_page(path) < 3 else {}, build_body(get_page(path))),
        lambda path: (200, link(path), build_body(get_page(path))),  # promises a page that is empty
        lambda path: (200, {"X-Total-Count": "120"}, build_body(get_page(path))),
        lambda path: (200, {"X-Total-Count": "120"} | link(path), build_body(get_page(path))),
        lambda path: (200, {}, build_body(get_page(path))),
        lambda path: (200 if get_page(path) < 4 else 404, {}, build_body(get_page(path))),
        lambda _: (200, {}, build_body(1, size=120)),  # does not know pages: every page is the same
        lambda path: (200, {}, build_body(get_page(path), size=40)),
    ],
)
def test_every_page_is_read_once(serve: Server, answer: Callable[[str], Answer]) -> None:
    assert download(serve(answer)) == EVERY


@pytest.mark.slow
def test_a_chain_of_links_decides_alone_where_the_pages_end(serve: Server) -> None:
    asked = []

    def answer(path: str) -> Answer:
        asked.append(get_page(path))
        return 200, link(path) if get_page(path) < 2 else {}, build_body(get_page(path))

    assert download(serve(answer)) == EVERY[:100]
    assert asked == [1, 2]
    asked.clear()
    first = serve(lambda path: (200, {"Link": '</requests.json?page=1>; rel="first"'}, build_body(get_page(path))))
    assert download(first) == EVERY[:50]


def test_a_chain_that_ends_before_the_total_is_refused(serve: Server) -> None:
    def answer(path: str) -> Answer:
        return 200, {"X-Total-Count": "120"} | (link(path) if get_page(path) < 2 else {}), build_body(get_page(path))

    assert download_refusal(serve(answer)) == (
        "The server at 127.0.0.1/requests.json has to send every page; it has 120 requests and sent 100; "
        "try it again later"
    )


@pytest.mark.parametrize("back", [1, 2])
def test_a_next_page_that_was_read_is_refused(serve: Server, back: int) -> None:
    def answer(path: str) -> Answer:
        page = get_page(path)
        following = back if page == 2 else 2
        return 200, {"Link": f'</requests.json?page={following}>; rel="next"'}, build_body(page)

    assert download_refusal(f"{serve(answer)}?page=1") == (
        "Each page of 127.0.0.1/requests.json has to lead to one that was not read; a page names itself or an earlier "
        "page as the next; ask for a shorter period that fits on one page (start_date and end_date in the address), or "
        "tell its operator"
    )


def test_a_page_number_in_the_address_is_where_it_begins(serve: Server) -> None:
    asked = []

    def answer(path: str) -> Answer:
        asked.append(path)
        return 200, {}, build_body(get_page(path))

    assert download(f"{serve(answer)}?key=k&page=2") == EVERY[50:]
    assert asked == [f"/requests.json?key=k&page={page}" for page in (2, 3, 4)]


def test_progress_counts_requests(serve: Server) -> None:
    url, steps = serve(lambda path: (200, {"X-Total-Count": "120"}, build_body(get_page(path)))), []
    with open_download(url, progress=lambda done, total: steps.append((done, total))):
        pass
    assert steps == [(50, 120), (100, 120), (120, 120)]


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ((500, {}, b""), ("The server at {} has to answer; it did not answer (HTTPStatusError); try it in a browser, "
         "or later")),
        ((404, {}, b""), ("The server at {} has to answer; it did not answer (HTTPStatusError); try it in a browser, "
         "or later")),
        ((200, {"Content-Length": "9999"}, b"[{}"), ("The server at {} has to answer; it did not answer "
         "(RemoteProtocolError); try it in a browser, or later")),
        ((200, {}, build_body(3)[:-30]), RULE + "; {} is not valid JSON (JSONDecodeError); download it again"),
        ((200, {}, b"[]"), ("The server at {} has to send every page; it has 120 requests and sent 100; "
         "try it again later")),
        ((200, {}, b'{"errors": [{"code": 500}]}'), RULE + "; {} is a message of the server that something went "
         "wrong; open the address in a browser to read it"),
    ],
)  # fmt: skip
def test_a_later_page_that_fails_gives_nothing(serve: Server, last: Answer, message: str) -> None:
    def answer(path: str) -> Answer:
        return last if get_page(path) == 3 else (200, {"X-Total-Count": "120"}, build_body(get_page(path)))

    url = serve(answer)
    assert download_refusal(url) == message.format("127.0.0.1/requests.json")


def test_pages_and_bytes_have_limits(serve: Server) -> None:
    def answer(path: str) -> Answer:
        row = REQUEST | {"service_request_id": str(get_page(path))}
        return 200, link(path), json.dumps([row]).encode()

    url = serve(answer)
    rule = "A download has at most {} pages and {} MB, and takes at most 600 s; 127.0.0.1/requests.json sends more than"
    hint = "ask for a shorter period (start_date and end_date in the address)"
    assert download_refusal(url, limits=Limits(download_pages=2)) == f"{rule.format(2, 100)} 2 pages; {hint}"
    small = download_refusal(url, limits=Limits(document_bytes=200))
    assert small == f"{rule.format(500, 0)} 0 MB; {hint}"


@pytest.mark.parametrize("target", ["http://example.org/requests.json", "https://example.org/", "file:///etc/passwd"])
@pytest.mark.parametrize("way", ["redirect", "page"])
def test_no_page_leads_to_another_host(serve: Server, target: str, way: str) -> None:
    there = {"Location": target} if way == "redirect" else {"Link": f'<{target}>; rel="next"'}
    url = serve(lambda _: (302 if way == "redirect" else 200, there, build_body(1)))
    verb, host = "it sends on to" if way == "redirect" else "its next page is", urlsplit(target).hostname or ""
    assert download_refusal(url) == (
        f"The pages of an address are on 127.0.0.1, over https; {verb} {urlsplit(target).scheme}://{host}; "
        "give that address, if you trust it"
    )


@pytest.mark.parametrize("way", ["redirect", "page", "person"])
def test_an_address_that_cannot_be_read_is_refused(serve: Server, way: str) -> None:
    there = {"Location": "https://["} if way == "redirect" else {"Link": '<https://[>; rel="next"'}
    url = serve(lambda _: (302 if way == "redirect" else 200, there, build_body(1)))
    assert download_refusal("http://[" if way == "person" else url) == (
        "A download begins and goes on at addresses on the web; one cannot be read as an address; "
        "check the brackets in the address; if they are right, the server sends a broken link"
    )


def test_a_redirect_on_this_machine_is_followed_but_not_for_ever(serve: Server) -> None:
    def answer(path: str) -> Answer:
        return (200, {}, build_body(1, size=120)) if "there" in path else (302, {"Location": "/there.json"}, b"")

    assert download(serve(answer)) == EVERY
    endless = serve(lambda _: (302, {"Location": "/again.json"}, b""))
    assert download_refusal(endless) == (
        "The server at 127.0.0.1/requests.json has to answer; it sends on more than 3 times; "
        "try it in a browser, and give the address that it ends at"
    )
