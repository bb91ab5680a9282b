"""Limits of requests and sessions: bytes and time of a body, sessions of an address and in all."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from geo.errors import HexbeatError, PolicyError
from hexbeat.dashboard.web.asgi import Message, Receive

__all__ = ["LimitError", "LimitedBody", "Sessions"]

BODY_WITHIN_S: Final = 30.0  # and a second more for each SLOWEST_BYTES that have come
SLOWEST_BYTES: Final = 50_000


class LimitError(Exception):
    """A request is too large or too slow: the status of the answer, and the three parts that it says."""

    def __init__(self, status: int, error: HexbeatError) -> None:
        super().__init__(str(error))
        self.status, self.error = status, error


class LimitedBody:
    """The body of one request: at most `largest` bytes, and no slower than SLOWEST_BYTES a second.

    `check` raises LimitError where the request says at once that it is too large; so does `receive`, when it is.
    """

    def __init__(self, receive: Receive, *, largest: int, clock: Callable[[], float] | None = None) -> None:
        self._receive, self._largest = receive, largest
        self._clock = clock or asyncio.get_running_loop().time
        self._began = self._clock()
        self._size = 0
        self._is_complete = False

    def check(self, content_length: str | None) -> None:
        """LimitError if the request announces more than it may send. Digits alone are a length."""
        if content_length and (not content_length.isdecimal() or int(content_length[:20]) > self._largest):
            raise self._build_size_error()

    async def receive(self) -> Message:
        """The next part of the body."""
        if self._is_complete:
            return await self._receive()  # it waits until the browser goes away
        end = self._began + BODY_WITHIN_S + self._size / SLOWEST_BYTES
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, end - self._clock()))
        except TimeoutError as error:
            raise LimitError(
                408,
                PolicyError(
                    "A request has to arrive without long pauses",
                    f"only {self._size:,} bytes came in time",
                    "try again, on a faster connection",
                ),
            ) from error
        self._size += len(message.get("body", b""))
        self._is_complete = message["type"] != "http.request" or not message.get("more_body", False)
        if self._size > self._largest:
            raise self._build_size_error()
        return message

    def _build_size_error(self) -> LimitError:
        return LimitError(
            413,
            PolicyError(
                "A request may send a limited number of bytes",
                f"this one sends more than {self._largest:,}",
                "send a smaller file, or load it with `hexbeat ingest` on the server",
            ),
        )


class Sessions:
    """The sessions that are open, in all and by the address of the browser."""

    def __init__(self, *, most: int, most_per_address: int) -> None:
        self._most, self._most_per_address = most, most_per_address
        self._open: Counter[str] = Counter()

    @contextmanager
    def hold(self, address: str) -> Iterator[None]:
        """Count a session of this address while the block runs; LimitError, with status 503, if there are too many."""
        if self._open.total() >= self._most:
            raise self._build_error(f"{self._most} are open", "HEXBEAT_SESSIONS")
        if self._open[address] >= self._most_per_address:
            raise self._build_error(f"{self._most_per_address} come from your address", "HEXBEAT_SESSIONS_PER_ADDRESS")
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            self._open += Counter()  # forgets addresses without a session

    @staticmethod
    def _build_error(fact: str, name: str) -> LimitError:
        hint = f"close a tab, or try again later; whoever runs the server sets {name}"
        return LimitError(503, PolicyError("The server keeps a limited number of pages open", fact, hint))
