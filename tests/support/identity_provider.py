"""A real OpenID Connect provider on this machine, whose tokens a test may forge on their way; and its visitors."""

import base64
import html
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import flask
import httpx
import oidc_provider_mock
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from joserfc.jws import JWSRegistry
from werkzeug.serving import make_server

from hexbeat.login_settings import CALLBACK

__all__ = [
    "CLIENT_ID",
    "IdentityProvider",
    "Stranger",
    "encode_part",
    "identity_provider",
    "read_sentences",
    "read_token",
    "write_token",
]

CLIENT_ID: Final = "hexbeat-tests"
Forge = Callable[[str], str]
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Any]


@dataclass
class IdentityProvider:
    """The provider at `issuer`. `forge` changes each identity token that it hands out."""

    issuer: str = ""
    forge: Forge = field(default=lambda token: token)

    @staticmethod
    def find_key() -> RSAKey:
        """The key with which the provider that runs now signs."""
        return RSAKey.import_key(_keys[-1])

    def set_person(self, subject: str, **claims: object) -> None:
        """Make a person known, or change what is said of them."""
        httpx.put(f"{self.issuer}/users/{subject}", json=claims).raise_for_status()

    def settings(self, url: str, folder: Path) -> dict[str, str]:
        """The environment of a server at that address that signs people in here."""
        secret = folder / "cookie-secret"
        secret.write_text("0123456789abcdef0123456789abcdef", encoding="utf-8")
        secret.chmod(0o600)
        return {
            "HEXBEAT_OIDC_ISSUER": self.issuer,
            "HEXBEAT_OIDC_CLIENT_ID": CLIENT_ID,
            "HEXBEAT_OIDC_CLIENT_SECRET": "a secret of the tests",
            "HEXBEAT_OIDC_REDIRECT": url + CALLBACK,
            "HEXBEAT_COOKIE_SECRET_FILE": str(secret),
        }


_keys: Final[list[dict[str, Any]]] = []


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """Serve a provider on a free port while the block runs."""
    provider = IdentityProvider()
    app = oidc_provider_mock.app()
    _keys.append(_find_private_key(app))
    server = make_server("127.0.0.1", 0, _forging(app, provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _find_private_key(app: Flask) -> dict[str, Any]:
    """The provider makes its key anew for each application, and keeps it to its requests."""
    with app.test_request_context("/"):
        app.preprocess_request()
        key: dict[str, Any] = flask.g.oidc_provider_mock_storage.jwk.as_dict(is_private=True)
        return key


def _forging(app: WsgiApp, provider: IdentityProvider) -> WsgiApp:
    """The provider's own application, whose answers with a token pass through `forge`."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] != "/oauth2/token":
            return app(environ, start_response)
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        body = b"".join(app(environ, lambda status, headers, *_: begun.append((status, list(headers)))))
        status, headers = begun[0]
        answer = json.loads(body)
        if "id_token" in answer:
            body = json.dumps({**answer, "id_token": provider.forge(answer["id_token"])}).encode()
        kept = [pair for pair in headers if pair[0].lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(body)))])
        return io.BytesIO(body)

    return serve


def encode_part(part: Mapping[str, Any]) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def read_token(token: str) -> dict[str, Any]:
    """The claims of a token, unchecked."""
    text = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return claims


def write_token(claims: Mapping[str, Any], key: RSAKey, *, algorithm: str = "RS256") -> str:
    """A token signed with a key; for HS256 with the text of its public part, which everybody knows."""
    secret = OctKey.import_key(key.as_pem(private=False)) if algorithm == "HS256" else key
    return jwt.encode({"alg": algorithm}, dict(claims), secret, registry=JWSRegistry(algorithms=[algorithm]))


class Stranger:
    """A client without a browser that goes through the sign-in step by step, and keeps its cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(timeout=60)

    def ask_provider(self, subject: str, *, begin_at: str = "/login") -> str:
        """Begin at the server, and say at the provider to be this person; the address to which it sends them back."""
        begun = self.client.get(self.url + html.unescape(begin_at))
        asked = self.client.get(urljoin(self.url, begun.headers["location"]))
        answered = self.client.post(asked.headers["location"], data={"sub": subject})
        return str(answered.headers["location"])

    def sign_in(self, subject: str, *, begin_at: str = "/login") -> httpx.Response:
        """The server's answer to what the provider says of this person."""
        return self.client.get(self.ask_provider(subject, begin_at=begin_at))

    def status(self, path: str = "/") -> int:
        """How the server answers this client now."""
        return self.client.get(self.url + path).status_code

    @property
    def key(self) -> str | None:
        """The key of the sign-in, if the server gave one."""
        return self.client.cookies.get(f"hexbeat_session_{urlsplit(self.url).port}")


def read_sentences(page: str) -> list[str]:
    """The heading and the paragraphs of a page that stands before the dashboard."""
    return [html.unescape(re.sub(r"<[^>]+>", "", part)) for part in re.findall(r"<(?:h1|p)>(.*?)</(?:h1|p)>", page)]
