"""Downloads Open311 GeoReport v2 requests from a URL that the user names: every page, into one file, or none."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from hexbeat.ingest.readers.documents import open_document
from hexbeat.ingest.readers.limits import LIMITS, Limits
from hexbeat.ingest.readers.opened_file import ReadOptions

if TYPE_CHECKING:
    import httpx
else:
    httpx = import_lazily("httpx")

__all__ = ["DownloadProgress", "is_url", "open_download", "strip_url"]

BLOCK_BYTES: Final = 65_536
MB: Final = 1_000_000
MOST_REDIRECTS: Final = 3
ID: Final = "service_request_id"
PAGE_LINKS: Final = {"next", "prev", "previous", "first", "last"}
NOT_FOUND: Final = (400, 404, 416)  # how servers say that there is no such page
EMPTY: Final = "has no requests"
DownloadProgress = Callable[[int, int], None]  # requests so far, and in all (a guess if the server does not say)


def is_url(name: object) -> bool:
    """Whether a name that the user gave is an address on the web."""
    return str(name).lower().startswith(("https://", "http://"))


def strip_url(url: str) -> str:
    """The address without its query and user, which may contain keys."""
    parts = _split(url)
    return f"{parts.hostname or ''}{parts.path}"


def _split(url: str, base: str = "") -> SplitResult:
    """The parts of an address, that a page may give beside its own (`base`); DataError if it is none."""
    try:
        return urlsplit(urljoin(base, url))
    except ValueError as error:
        raise DataError(
            "A download begins and goes on at addresses on the web",
            "one cannot be read as an address",
            "check the brackets in the address; if they are right, the server sends a broken link",
        ) from error


@contextmanager
def open_download(url: str, *, limits: Limits = LIMITS, progress: DownloadProgress | None = None) -> Iterator[Path]:
    """A temporary file with the requests of every page of the address, one a line as JSON, each of them once.

    The next page is that of the header Link (rel="next"), and where any page has links to other pages, the last is
    that without a next one. Where none has, `page` is counted up until X-Total-Count requests are read, or, where the
    server says neither, until a page has nothing new. DataError if a page fails, is cut off, leads to another host or
    back to itself or an earlier page, or if all of them are more than the limits: then nothing is handed over.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.json"
        try:
            with path.open("w", encoding="utf-8") as file:
                _Download(url, Path(folder) / "page.json", file, limits, progress).run()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise DataError(
                f"The server at {strip_url(url)} has to answer",
                f"it did not answer ({type(error).__name__})",
                "try it in a browser, or later",
            ) from error
        yield path


@dataclass(frozen=True, slots=True)
class _Page:
    """What a page brought: how many requests, how many that no page before had, and what its headers say.

    `has_links`: it names other pages, so that without a next one it is the last.
    """

    requests: int
    new: int
    next_url: str | None
    total: int | None
    has_links: bool = False


@dataclass(slots=True)
class _Download:
    """The pages of one address. `file` takes the requests, `page` is the place of one page."""

    url: str
    page: Path
    file: IO[str]
    limits: Limits
    progress: DownloadProgress | None
    seen: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)  # the addresses of the pages so far
    received_bytes: int = 0
    until: float = 0.0

    def run(self) -> None:
        """Read page after page until there is none."""
        self.until = time.monotonic() + self.limits.download_s
        url, total, is_promised, has_links = self.url, None, True, False
        with httpx.Client(timeout=30, follow_redirects=False) as client:
            for number in range(self.limits.download_pages + 1):
                if number == self.limits.download_pages:
                    raise self._build_limit_error(f"more than {number:,} pages")
                page = self._read_page(client, url, is_first=number == 0, is_promised=is_promised)
                total = page.total if total is None else total
                if self.progress is not None:
                    self.progress(len(self.seen), max(total or 2 * len(self.seen), len(self.seen)))
                has_links |= page.has_links
                is_last = has_links or (total is not None and len(self.seen) >= total)
                if not page.new or (page.next_url is None and is_last):
                    break
                is_promised = page.next_url is not None or total is not None
                url = page.next_url or _count_page_up(url)
        if total is not None and len(self.seen) < total:
            raise DataError(
                f"The server at {strip_url(self.url)} has to send every page",
                f"it has {total:,} requests and sent {len(self.seen):,}",
                "try it again later",
            )

    def _read_page(self, client: "httpx.Client", url: str, *, is_first: bool, is_promised: bool) -> _Page:
        """Download a page and add its requests; a page that the server did not promise may be missing or empty."""
        with self._open_answer(client, url) as answer:
            if answer.status_code in NOT_FOUND and not is_promised:
                return _Page(0, 0, None, None)
            answer.raise_for_status()
            self._write_page(answer)
            links, total = answer.links, answer.headers.get("x-total-count", "")
            base = str(answer.url)
        self.asked |= {url, base}
        following = links.get("next", {}).get("url")
        next_url = _split(following, base).geturl() if following else None
        if next_url is not None:
            self._require_same_host(next_url, "its next page is")
            self._require_other_page(next_url)
        try:
            requests, new = self._add_requests()
        except DataError as error:
            if is_first or EMPTY not in error.fact:
                raise DataError(
                    error.rule, error.fact.replace(self.page.name, strip_url(self.url)), error.hint
                ) from error
            requests, new = 0, 0
        count = int(total) if total.isdecimal() and total.isascii() else None
        return _Page(requests, new, next_url, count, not PAGE_LINKS.isdisjoint(links))

    def _add_requests(self) -> tuple[int, int]:
        """The requests of the page, and how many of them are new; those are added to the file."""
        requests, unreadable, seen_before = 0, 0, len(self.seen)
        with open_document(self.page, ReadOptions(records="open311"), kind="requests", limits=self.limits) as opened:
            for chunk in opened.chunks(opened.columns):
                unreadable += len(chunk.unreadable)
                for record in chunk.frame.to_dict("records"):
                    requests += 1
                    line = json.dumps({name: text for name, text in record.items() if text})
                    key = str(record.get(ID) or line)
                    if key not in self.seen:
                        self.seen.add(key)
                        self.file.write(f"{line}\n")
        for _ in range(unreadable if len(self.seen) > seen_before else 0):  # a page that came again counts once
            self.seen.add(f"unreadable {len(self.seen)}")
            self.file.write("null\n")  # so that the load rejects it
        return requests + unreadable, len(self.seen) - seen_before

    @contextmanager
    def _open_answer(self, client: "httpx.Client", url: str) -> "Iterator[httpx.Response]":
        """The answer of an address, after redirects that stay where the user sent us."""
        for _ in range(MOST_REDIRECTS + 1):
            with client.stream("GET", url) as answer:
                if not answer.is_redirect:
                    yield answer
                    return
                url = _split(answer.headers["location"], url).geturl()
                self._require_same_host(url, "it sends on to")
        raise DataError(
            f"The server at {strip_url(self.url)} has to answer",
            f"it sends on more than {MOST_REDIRECTS} times",
            "try it in a browser, and give the address that it ends at",
        )

    def _require_same_host(self, url: str, verb: str) -> None:
        """DataError unless an address is on the host of the first one, over https; or on this machine, if that was."""
        origin, target = urlsplit(self.url), urlsplit(url)
        is_local = _is_loopback(origin.hostname) and _is_loopback(target.hostname)
        is_same = origin.hostname == target.hostname and target.scheme == "https"
        is_same |= origin.hostname == target.hostname and origin.scheme == target.scheme == "http"
        if target.scheme in {"http", "https"} and (is_same or is_local):
            return
        raise DataError(
            f"The pages of an address are on {origin.hostname}, over https",
            f"{verb} {target.scheme}://{target.hostname or ''}",
            "give that address, if you trust it",
        )

    def _require_other_page(self, url: str) -> None:
        """DataError if a next page is one that was read: the pages after it would never come."""
        if url in self.asked:
            raise DataError(
                f"Each page of {strip_url(self.url)} has to lead to one that was not read",
                "a page names itself or an earlier page as the next",
                "ask for a shorter period that fits on one page (start_date and end_date in the address), or tell its "
                "operator",
            )

    def _write_page(self, answer: "httpx.Response") -> None:
        with self.page.open("wb") as file:
            for block in answer.iter_bytes(BLOCK_BYTES):
                self.received_bytes += len(block)
                if self.received_bytes > self.limits.document_bytes:
                    raise self._build_limit_error(f"more than {self.limits.document_bytes / MB:,.0f} MB")
                if time.monotonic() > self.until:
                    raise self._build_limit_error(f"for more than {self.limits.download_s:,.0f} s")
                file.write(block)

    def _build_limit_error(self, fact: str) -> DataError:
        return DataError(
            f"A download has at most {self.limits.download_pages:,} pages and "
            f"{self.limits.document_bytes // MB} MB, and takes at most {self.limits.download_s:,.0f} s",
            f"{strip_url(self.url)} sends {fact}",
            "ask for a shorter period (start_date and end_date in the address)",
        )


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _count_page_up(url: str) -> str:
    """The address with the next number of its page; without one it was the first."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    page = query.get("page", "1")
    query["page"] = str(int(page) + 1) if page.isdecimal() and page.isascii() else "2"
    return urlunsplit(parts._replace(query=urlencode(query)))
