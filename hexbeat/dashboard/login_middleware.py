"""The door of the partners' side: nothing passes it without a sign-in that stands in the store.

One person on one machine comes by a link that works once; with an identity provider everybody comes by it, and there is
no link. Who is let in gets a random key as a cookie. Pages, files and WebSockets alike are refused without it; what a
person may then see is decided at every run (`hexbeat.dashboard.state.login`).
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from streamlit.auth_util import encode_provider_token

from geo.errors import DataError, HexbeatError, PolicyError, StoreError
from hexbeat.accounts import find_account
from hexbeat.dashboard.login_audit import REFUSED_LINK, Refusals, write_sign_in, write_sign_out
from hexbeat.dashboard.login_claims import USER_COOKIE, build_sign_in, harden_cookie, read_claims
from hexbeat.dashboard.login_links import Links, build_local_sign_in
from hexbeat.dashboard.login_log import shorten_log
from hexbeat.dashboard.login_pages import (
    render_error_page,
    render_link_page,
    render_provider_page,
    render_signed_out_page,
    render_unreachable_page,
)
from hexbeat.dashboard.login_rights import Rights, asks_for_data, find_rights, require_uploader
from hexbeat.dashboard.news import News
from hexbeat.dashboard.state.login import (
    format_cookie_name,
    format_subject,
    mark_served,
    open_shared_store,
    require_allowed,
)
from hexbeat.dashboard.web.asgi import App, Message, Receive, Send, find_header
from hexbeat.dashboard.web.server_settings import ServerSettings
from hexbeat.login_settings import CALLBACK, Provider, build_streamlit_secrets, read_provider, read_session_hours
from hexbeat.policy import read_policy
from hexbeat.settings import Settings
from hexbeat.store.sign_ins import PROVIDER, SignIn, find_sign_in
from hexbeat.store.store import Store

__all__ = ["Door", "RequireSignIn", "build_secrets", "middleware"]

HEALTH: Final = "/_stcore/health"
UPLOADS: Final = "/_stcore/upload_file/"
STATIC: Final = "/static/"  # Streamlit's own scripts and styles, the same in every installation
SIGN_IN: Final = "/sign-in"
SIGN_OUT: Final = "/sign-out"
LOGIN: Final = "/auth/login"  # Streamlit's, as the next
LOGOUT: Final = "/auth/logout"
RETURN_COOKIE: Final = "hexbeat_return"
RETURN_S: Final = 600
SAFE_PATH: Final = re.compile(r"/(?![/\\])[A-Za-z0-9/_.,:;+~?&=%()*'!@-]{0,1500}")  # within this server
Header = tuple[bytes, bytes]
PAGE_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    ),
)


@dataclass(frozen=True, slots=True)
class Door:
    """How this installation lets people in: by its provider, or by links where it has none."""

    settings: Settings
    provider: Provider | None
    hours: float
    public_url: str | None = None
    links: Links = field(default_factory=Links)

    @property
    def store(self) -> Store:
        """The store of this installation, opened once in this process."""
        return open_shared_store(self.settings)

    def find_cookie_name(self, scope: Message) -> str:
        """The cookie with the key."""
        return format_cookie_name(scope["server"][1], self.public_url)

    def read_key(self, scope: Message) -> str:
        """The key of a request; "" if it has none."""
        return read_cookies(scope).get(self.find_cookie_name(scope), "")


def middleware() -> list[Middleware]:
    """The middleware of the partners' side, as the environment sets it. It stands behind the checks of `security`."""
    shorten_log()
    public_url = ServerSettings.from_environment().public_url
    door = Door(Settings.from_environment(), read_provider(), read_session_hours(), public_url)
    return [Middleware(RequireSignIn, door=door), Middleware(News, settings=door.settings)]


def build_secrets() -> dict[str, Any] | None:
    """What Streamlit must know to sign people in by the provider; None without one. It is on no disk."""
    provider = read_provider()
    return build_streamlit_secrets(provider) if provider else None


class RequireSignIn:
    """ASGI middleware that passes requests and WebSockets of people who are signed in, and signs people in and out."""

    def __init__(self, app: App, *, door: Door) -> None:
        self.app = app
        self.door = door
        self._refusals = Refusals()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one request or connection. At the start of the server the first link is printed."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._announce_start(send))
            return
        try:
            await self._handle(scope, receive, send)
        except HexbeatError as error:
            await send_page(scope, send, find_status(error), render_error_page(error))

    def _announce_start(self, send: Send) -> Send:
        async def send_and_announce(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                mark_served()
                if self.door.provider is None:
                    self.door.links.begin()
            await send(message)

        return send_and_announce

    async def _handle(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] == "http":
            if path == HEALTH or path.startswith(STATIC):
                await self.app(scope, receive, send)
                return
            if path == SIGN_OUT:
                await self._sign_out(scope, send)
                return
            if self.door.provider and path in {SIGN_IN, LOGIN, LOGOUT, CALLBACK}:
                await self._pass_provider(self.door.provider, scope, receive, send)
                return
        if await self._is_signed_in(scope):
            if scope["type"] == "http" and path == "/" and b"key=" in scope["query_string"]:
                await redirect(scope, send, "/")  # a link that was taken before, in a browser that is in
                return
            if path.startswith(UPLOADS):
                await run_in_threadpool(require_uploader, self.door.settings, self.door.read_key(scope))
            await self.app(scope, self._watch(scope, receive) if scope["type"] == "websocket" else receive, send)
        else:
            await self._refuse(scope, send)

    def _watch(self, scope: Message, receive: Receive) -> Receive:
        """A `receive` for a window that stays open: what asks for rows or files is passed over once rights changed.

        Streamlit answers these without a run of the page, so that nobody else would look: not after signing out, nor
        after a change of the policy or of a person's roles. A run looks itself, and says why it refuses; what the page
        then has goes by the rights of that run.
        """
        rights: Rights | None = None

        async def receive_watched() -> Message:
            nonlocal rights
            while True:
                message = await receive()
                current = await run_in_threadpool(find_rights, self.door.settings, self.door.read_key(scope))
                if not asks_for_data(message):
                    rights = current
                    return message
                if current is not None and current == rights:
                    return message

        return receive_watched

    async def _is_signed_in(self, scope: Message) -> bool:
        return await run_in_threadpool(lambda: self._find_sign_in(scope) is not None)

    def _find_sign_in(self, scope: Message) -> SignIn | None:
        return find_sign_in(self.door.store, self.door.read_key(scope), now=int(time.time()))

    async def _refuse(self, scope: Message, send: Send) -> None:
        """Ask for a sign-in; in the link's own request, let its bearer in."""
        if self.door.provider:
            await send_page(
                scope, send, HTTPStatus.UNAUTHORIZED, render_provider_page(f"{SIGN_IN}?to={quote(find_target(scope))}")
            )
            return
        key = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        is_link = scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/"
        if is_link and key:
            if self.door.links.exchange(key):
                sign_in = await run_in_threadpool(self._build_local_sign_in)
                cookie = await self._begin(scope, sign_in, same_site="Strict")
                await redirect(scope, send, "/", [cookie])
                return
            await run_in_threadpool(self._refusals.write, self.door.store, "link", REFUSED_LINK)
        await send_page(scope, send, HTTPStatus.UNAUTHORIZED, render_link_page(scope["server"][1]))

    async def _begin(self, scope: Message, sign_in: SignIn, *, same_site: str) -> Header:
        """Store a sign-in, with its entry in the audit trail; the header that gives its key to the browser."""
        key = await run_in_threadpool(write_sign_in, self.door.store, sign_in)
        age = sign_in.ends_at - sign_in.began_at
        return self._build_cookie(scope, self.door.find_cookie_name(scope), key, age=age, same_site=same_site)

    def _build_local_sign_in(self) -> SignIn:
        """The sign-in of who came by the link. One that the policy refuses is in the audit trail."""
        try:
            return build_local_sign_in(self.door.store, now=int(time.time()), hours=self.door.hours)
        except (PolicyError, DataError) as error:
            self._refusals.write(self.door.store, "link", error, subject=find_account())
            raise

    def _build_cookie(self, scope: Message, name: str, value: str, *, age: int, same_site: str) -> Header:
        is_secure = scope.get("scheme") in {"https", "wss"} or bool(self.door.provider and self.door.provider.is_secure)
        text = f"{name}={value}; Path=/; HttpOnly; SameSite={same_site}; Max-Age={age}{'; Secure' if is_secure else ''}"
        return b"set-cookie", text.encode("latin-1")

    async def _sign_out(self, scope: Message, send: Send) -> None:
        """End the sign-in of this browser, in all of its windows. Another site cannot ask for it."""
        if find_header(scope, b"sec-fetch-site") not in {"same-origin", "none", None}:
            await redirect(scope, send, "/")
            return
        if sign_in := await run_in_threadpool(self._find_sign_in, scope):
            await run_in_threadpool(write_sign_out, self.door.store, sign_in, self.door.read_key(scope))
        gone = self._build_cookie(scope, self.door.find_cookie_name(scope), "", age=0, same_site="Lax")
        if self.door.provider:
            await redirect(scope, send, LOGOUT, [gone])  # Streamlit forgets its own cookies, and tells the provider
        else:
            await send_page(scope, send, HTTPStatus.OK, render_signed_out_page(), [gone])

    async def _pass_provider(self, provider: Provider, scope: Message, receive: Receive, send: Send) -> None:
        """Begin with the provider, or pass on to Streamlit's routes, and turn their result into a sign-in."""
        if scope["path"] == SIGN_IN:
            address = parse_qs(scope["query_string"].decode("latin-1")).get("to", ["/"])[0]
            target = address if SAFE_PATH.fullmatch(address) else "/"
            cookie = self._build_cookie(scope, RETURN_COOKIE, quote(target), age=RETURN_S, same_site="Lax")
            await redirect(scope, send, f"{LOGIN}?provider={quote(encode_provider_token('default'))}", [cookie])
        elif scope["path"] == CALLBACK and scope["query_string"]:
            await self.app(scope, receive, self._finish_sign_in(provider, scope, send))
        else:
            hardened = harden_cookies(send, provider, seconds=RETURN_S)
            await self.app(scope, receive, replace_failure(scope, hardened))

    def _finish_sign_in(self, provider: Provider, scope: Message, send: Send) -> Send:
        """A `send` that gives a key to whom Streamlit signed in, and says so to whom it did not."""
        replaced = False

        async def send_finished(message: Message) -> None:
            nonlocal replaced
            if message["type"] != "http.response.start":
                if not replaced:
                    await send(message)
                return
            headers = list(message.get("headers", []))
            try:
                headers = await self._build_headers(provider, scope, headers)
            except HexbeatError as error:
                replaced = True
                forgotten = [self._build_cookie(scope, USER_COOKIE, "", age=0, same_site="Lax")]
                await send_page(scope, send, find_status(error), render_error_page(error), forgotten)
            else:
                await send({**message, "headers": headers})

        return send_finished

    async def _build_headers(self, provider: Provider, scope: Message, headers: list[Header]) -> list[Header]:
        sign_in = await run_in_threadpool(self._accept, read_claims(headers, provider), provider)
        target = unquote(read_cookies(scope).get(RETURN_COOKIE, "/"))
        seconds = sign_in.ends_at - sign_in.began_at
        hardened = [harden_cookie(pair, is_secure=provider.is_secure, seconds=seconds) for pair in headers]
        others = [pair for pair in hardened if pair[0].lower() not in {b"location", b"content-length"}]
        location = (b"location", (target if SAFE_PATH.fullmatch(target) else "/").encode("latin-1"))
        # Strict would not come with the request that follows, because another site, the provider, began it.
        return [*others, location, (b"content-length", b"0"), await self._begin(scope, sign_in, same_site="Lax")]

    def _accept(self, claims: Mapping[str, Any] | None, provider: Provider) -> SignIn:
        """The sign-in of these claims, if its person may come in. One that is refused is in the audit trail."""
        subject = ""
        try:
            sign_in = build_sign_in(require_claims(claims), provider, now=int(time.time()), hours=self.door.hours)
            subject = format_subject(sign_in)
            require_allowed(sign_in, read_policy(self.door.store))
        except (PolicyError, DataError) as error:
            self._refusals.write(self.door.store, PROVIDER, error, subject=subject)
            raise
        return sign_in


def require_claims(claims: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The claims; PolicyError if the answer of the provider held none."""
    if claims is None:
        raise PolicyError(
            "Signing in needs a valid answer of the identity provider",
            "this answer is not valid, was used before, or belongs to another browser",
            "sign in again",
        )
    return claims


def find_status(error: HexbeatError) -> HTTPStatus:
    """503 where the store does not answer, else 403."""
    return HTTPStatus.SERVICE_UNAVAILABLE if isinstance(error, StoreError) else HTTPStatus.FORBIDDEN


def harden_cookies(send: Send, provider: Provider, *, seconds: int) -> Send:
    """A `send` whose cookies live for at most so many seconds, and behind TLS go by TLS alone."""

    async def send_hardened(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", [])
            hardened = [harden_cookie(pair, is_secure=provider.is_secure, seconds=seconds) for pair in headers]
            message = {**message, "headers": hardened}
        await send(message)

    return send_hardened


def replace_failure(scope: Message, send: Send) -> Send:
    """A `send` that says in our words that the provider cannot be reached, where Streamlit answers with an error."""
    replaced = False

    async def send_replaced(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
            replaced = True
            await send_page(scope, send, HTTPStatus.SERVICE_UNAVAILABLE, render_unreachable_page())
        elif not replaced:
            await send(message)

    return send_replaced


def read_cookies(scope: Message) -> dict[str, str]:
    """The cookies of a request by name, as browsers send them: an odd one of another program spoils no other."""
    return cookie_parser((find_header(scope, b"cookie") or "").replace(", ", "; "))


def find_target(scope: Message) -> str:
    """The page that was asked for, to come back to it."""
    query = scope["query_string"].decode("latin-1")
    target = f"{quote(scope['path'])}?{query}" if query else quote(scope["path"])
    return target if SAFE_PATH.fullmatch(target) else "/"


async def redirect(scope: Message, send: Send, to: str, cookies: list[Header] | None = None) -> None:
    """Send the browser to an address of this server."""
    await send_page(scope, send, HTTPStatus.SEE_OTHER, "", [(b"location", to.encode("latin-1")), *(cookies or [])])


async def send_page(
    scope: Message, send: Send, status: HTTPStatus, page: str, headers: list[Header] | None = None
) -> None:
    """Answer with a page. A WebSocket that cannot be answered is closed."""
    kind = "http.response"
    if scope["type"] == "websocket":
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        kind = "websocket.http.response"
    body = page.encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": f"{kind}.start", "status": status.value, "headers": [*PAGE_HEADERS, length, *(headers or [])]})
    await send({"type": f"{kind}.body", "body": body if scope.get("method") != "HEAD" else b""})
