"""The stream of one session: which messages pass, how many, and when nobody is there any more.

Streamlit sends every browser the path of its script, its versions and an id of its machine, and answers questions about
its source folder. None of that passes. Whoever was away longer than the limit is shown that the page is closed.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from hexbeat.dashboard.web.asgi import Message, Receive, Send

__all__ = ["CLOSED_PATH", "Stream"]

CLOSED_PATH: Final = "/closed"
# What leaves only where the side has files that a browser sends, or asks for by their button.
FILE_ANSWERS: Final = frozenset({"file_urls_response", "backend_operation_response"})
NOT_DONE: Final = "It could not be done. Try again."
MOST_MESSAGES: Final = 200  # from one browser in WINDOW_S; a slider that is dragged sends some tens
WINDOW_S: Final = 10.0
POLICY: Final = 1008
GOING_AWAY: Final = 1001


class Stream:
    """One WebSocket: `receive` and `send` for Streamlit, around those of the server."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        incoming: frozenset[str],
        uploads: bool,
        idle_s: float,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._receive, self._send = receive, send
        self._incoming = incoming
        self._removed = frozenset({"git_info_changed"}) | (frozenset() if uploads else FILE_ANSWERS)
        self._idle_s = idle_s
        self._clock = clock or asyncio.get_running_loop().time
        self._active_at = self._clock()
        self._arrivals: deque[float] = deque(maxlen=MOST_MESSAGES)
        self._is_closed = False

    async def receive(self) -> Message:
        """The next message that Streamlit may see; a disconnection once this side has closed."""
        while not self._is_closed:
            try:
                remaining_s = max(0.0, self._active_at + self._idle_s - self._clock())
                message = await asyncio.wait_for(self._receive(), remaining_s)
            except TimeoutError:
                await self._close_idle()
                break
            if message["type"] != "websocket.receive":
                return message
            if self._is_flood():
                await self._close(POLICY)
                break
            if self._is_allowed(message.get("bytes")):
                return message
        return {"type": "websocket.disconnect", "code": GOING_AWAY}

    async def send(self, message: Message) -> None:
        """Pass a message of Streamlit's on, without what it discloses about this machine."""
        if self._is_closed:
            return
        content = message.get("bytes")
        if message["type"] == "websocket.send" and content:
            redacted = self._redact(content)
            if redacted is None:
                return
            message = {**message, "bytes": redacted}
        await self._send(message)

    def _is_flood(self) -> bool:
        now = self._clock()
        self._arrivals.append(now)
        return len(self._arrivals) == MOST_MESSAGES and now - self._arrivals[0] < WINDOW_S

    def _is_allowed(self, content: bytes | None) -> bool:
        try:
            message = BackMsg.FromString(content or b"")
        except Exception:  # noqa: BLE001 - whatever it was, it was no message
            return False
        kind = _name_kind(message)
        if kind not in self._incoming:
            return False
        if kind != "app_heartbeat" and not (kind == "rerun_script" and message.rerun_script.is_auto_rerun):
            self._active_at = self._clock()
        return True

    def _redact(self, content: bytes) -> bytes | None:
        message = ForwardMsg.FromString(content)
        kind = message.WhichOneof("type")
        if kind in self._removed:
            return None
        if kind == "backend_operation_response" and message.backend_operation_response.error_msg:
            message.backend_operation_response.error_msg = NOT_DONE  # an error's own text can hold a path
            return bytes(message.SerializeToString())
        if kind != "new_session":
            return content
        session = message.new_session
        session.main_script_path = ""
        for ids in (session.initialize.user_info, session.initialize.environment_info):
            ids.Clear()
            ids.SetInParent()  # the page needs these fields, but they may be empty
        return bytes(message.SerializeToString())

    async def _close_idle(self) -> None:
        """Show the browser that the page is closed: if only the connection ended, it would connect again."""
        redirect = ForwardMsg()
        redirect.auth_redirect.url = CLOSED_PATH
        await self._send({"type": "websocket.send", "bytes": redirect.SerializeToString()})
        await self._close(GOING_AWAY)

    async def _close(self, code: int) -> None:
        self._is_closed = True
        await self._send({"type": "websocket.close", "code": code})


def _name_kind(message: BackMsg) -> str | None:
    """The kind of a browser's message; an operation is named after a full stop."""
    kind = message.WhichOneof("type")
    if kind != "backend_operation_request":
        return kind
    request = message.backend_operation_request
    return ".".join([kind, *(field.name for field, _ in request.ListFields() if field.message_type)])
