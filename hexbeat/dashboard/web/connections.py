"""Connections that end by themselves: slow headers, slow readers, and too many of one address (slow clients)."""

import asyncio
import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = ["TimedConnection", "TimedStream", "build_connection_class"]

HEADER_WITHIN_S: Final = 10.0  # from the first byte, or the connection, to the end of a request's header
TAKEN_WITHIN_S: Final = 30.0  # what is in the buffer, about 64 kB
MOST_CONNECTIONS: Final = 1_000
MOST_PER_ADDRESS: Final = 300


class _Timer:
    """One alarm that can be set and put off."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def set(self, loop: asyncio.AbstractEventLoop, seconds: float, ring: Callable[[], object]) -> None:
        if self._handle is None:
            self._handle = loop.call_later(seconds, ring)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None


class _TimedReader(asyncio.Protocol):
    """What both kinds of connection share: one is cut off if its reader is slow. It stands before uvicorn's class."""

    loop: asyncio.AbstractEventLoop
    transport: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reader_timer = _Timer()

    def pause_writing(self) -> None:
        """The browser is behind."""
        super().pause_writing()
        self._reader_timer.set(self.loop, TAKEN_WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It is not, any more."""
        super().resume_writing()
        self._reader_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        self._reader_timer.cancel()


class TimedConnection(_TimedReader, H11Protocol):
    """A connection of HTTP that is cut off if its header or its reader is slow, or if there are too many."""

    proxies: ClassVar[Sequence[str]] = ()  # networks whose connections are those of many people

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._header_timer = _Timer()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Begin to wait for a header."""
        super().connection_made(transport)
        if self._is_too_many():
            transport.abort()
        else:
            self._header_timer.set(self.loop, HEADER_WITHIN_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a header; once it is whole, no longer."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self._header_timer.set(self.loop, HEADER_WITHIN_S, self.transport.abort)
        else:
            self._header_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        super().connection_lost(exc)
        self._header_timer.cancel()

    def _is_too_many(self) -> bool:
        if len(self.connections) > MOST_CONNECTIONS:
            return True
        address = self.client[0] if self.client else ""
        if any(_is_in(address, network) for network in self.proxies):
            return False
        clients = [getattr(other, "client", None) for other in self.connections]
        return sum(1 for client in clients if client and client[0] == address) > MOST_PER_ADDRESS


class TimedStream(_TimedReader, WebSocketsSansIOProtocol):
    """A WebSocket that is cut off if its reader is slow."""


def build_connection_class(proxies: Sequence[str]) -> type[TimedConnection]:
    """The class of connections of a server behind these proxies."""
    return type("Connection", (TimedConnection,), {"proxies": tuple(proxies)})


def _is_in(address: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network)
    except ValueError:
        return False
