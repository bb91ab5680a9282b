"""A real mail server on this machine, which keeps what it is sent."""

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support.servers import free_port

__all__ = ["Mailbox", "mail_server", "write_certificate"]


class Mailbox:
    """The messages that the server took, with whom each was for; it refuses addresses that begin with "nobody"."""

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], EmailMessage]] = []
        self.encrypted: list[bool] = []
        self.port = 0

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 there is nobody here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append((list(envelope.rcpt_tos), message))
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


@contextmanager
def mail_server(*, certificate: Path | None = None, password: str = "") -> Iterator[Mailbox]:
    """A server on a free port. With a certificate it offers STARTTLS, with a password it wants it, from "hexbeat"."""
    mailbox = Mailbox()
    mailbox.port = free_port()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        options["tls_context"] = context
    if password:

        def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _kind: str, login: Any) -> AuthResult:
            assert isinstance(login, LoginPassword)
            return AuthResult(success=(login.login, login.password) == (b"hexbeat", password.encode()), handled=False)

        options |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": certificate is not None,
        }
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def write_certificate(folder: Path) -> Path:
    """A certificate of localhost with its key, in one file, which only who is told to trusts."""
    path = folder / "mail.pem"
    command = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    )
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    subprocess.run([*command, *subject, "-keyout", folder / "key", "-out", path], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "key").read_bytes())
    return path
