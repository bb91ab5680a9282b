"""Mail: the settings of policy.toml's [mail], and sending by SMTP with STARTTLS.

The password stands in a file of its own, which nobody else may read. No address, text or password is part of an error.
"""

import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from geo.errors import DataError
from geo.lazy_modules import import_lazily
from layers.roles import Role

if TYPE_CHECKING:
    import datetime as dt
    import smtplib
    import ssl
else:
    smtplib = import_lazily("smtplib")
    ssl = import_lazily("ssl")

__all__ = [
    "MailSettings",
    "build_message",
    "list_roles",
    "parse_mail_settings",
    "read_password",
    "requires_tls",
    "send_message",
]

_KNOWN: Final = ("server", "port", "sender", "user", "password_file", "tls", "addresses")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_SERVER: Final = re.compile(r"[A-Za-z0-9.:-]{1,255}")
_RULE: Final = "policy.toml says in [mail] how a briefing is sent, and to whom"
_HINT: Final = "see 'A briefing every morning' in docs/running.md"
_SEND_RULE: Final = "A briefing is sent by the mail server that policy.toml names"
_TIMEOUT_S: Final = 60.0
_MOST_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The server, the sender, and each address with the role whose briefing it gets.

    `user` is "" where the server wants no password; else `password_file` is the name of the file that holds it, in the
    home folder unless it is a whole path. `tls`: STARTTLS even where the server is this machine.
    """

    server: str
    port: int
    sender: str
    addresses: tuple[tuple[str, Role], ...]
    user: str = ""
    password_file: str = ""
    tls: bool = False


def parse_mail_settings(table: Any) -> MailSettings:
    """The settings of the table [mail]; DataError for anything that is not known, missing or of another kind."""
    if not isinstance(table, Mapping):
        raise _refuse("[mail] is not a table")
    if unknown := next((name for name in table if name not in _KNOWN), None):
        raise DataError(_RULE, f"it has {unknown!r}", f"choose from {', '.join(_KNOWN)}")
    texts = {name: table.get(name, "") for name in ("server", "sender", "user", "password_file")}
    if wrong := next((name for name, value in texts.items() if not isinstance(value, str)), None):
        raise _refuse(f"{wrong} is not a text")
    port, tls = table.get("port", 587), table.get("tls", False)
    if not _SERVER.fullmatch(texts["server"]):
        raise _refuse("server is not the name of a machine")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= _MOST_PORT:
        raise _refuse("port is not a number from 1 to 65535")
    if not isinstance(tls, bool):
        raise _refuse("tls is not true or false")
    if not _ADDRESS.fullmatch(texts["sender"]):
        raise _refuse("sender is not an address of mail")
    if bool(texts["user"]) != bool(texts["password_file"]):
        raise _refuse("user and password_file need each other")
    return MailSettings(port=port, tls=tls, addresses=_parse_addresses(table.get("addresses")), **texts)


def _parse_addresses(table: Any) -> tuple[tuple[str, Role], ...]:
    """Each address with its role; an error names its number, not the address."""
    if not isinstance(table, Mapping) or not table:
        raise _refuse("[mail.addresses] names no address")
    for number, (address, role) in enumerate(table.items(), start=1):
        if not _ADDRESS.fullmatch(address):
            raise _refuse(f"number {number} of [mail.addresses] is not an address of mail")
        if role not in list(Role):
            raise _refuse(f"number {number} of [mail.addresses] has a role that Hexbeat does not know")
    return _join_equal_addresses(table)


def _join_equal_addresses(table: Mapping[str, str]) -> tuple[tuple[str, Role], ...]:
    """Each address once, whatever its capitals; DataError if it has two roles."""
    addresses: dict[str, tuple[str, Role]] = {}
    for number, (address, role) in enumerate(table.items(), start=1):
        if addresses.setdefault(address.lower(), (address, Role(role)))[1] != role:
            raise _refuse(f"number {number} of [mail.addresses] stands there already, with another role")
    return tuple(addresses.values())


def requires_tls(settings: MailSettings) -> bool:
    """Whether the connection has to be encrypted: always, unless the server is this machine and `tls` is off."""
    return settings.tls or settings.server not in _LOOPBACK


def read_password(settings: MailSettings, home: Path) -> str:
    """The password of the user; "" where the server wants none. DataError if others may read its file, or nobody."""
    if not settings.user:
        return ""
    path = home / settings.password_file
    try:
        mode = path.stat().st_mode
        password = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _refuse_password(f"it cannot be read ({type(error).__name__})") from error
    if stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO):
        raise _refuse_password(f"others may read it (mode {stat.S_IMODE(mode):04o})")
    if not password:
        raise _refuse_password("it is empty")
    return password


def build_message(
    settings: MailSettings, address: str, *, subject: str, text: str, pdf: bytes, name: str, made_at: "dt.datetime"
) -> EmailMessage:
    """A message to one address with a PDF of this name. `subject` and `text` may hold no personal data."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.sender, address, subject
    message["Date"] = format_datetime(made_at)
    message["Message-ID"] = make_msgid(domain=settings.sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that no absence note answers
    message.set_content(text)
    message.add_attachment(pdf, maintype="application", subtype="pdf", filename=name)
    return message


def send_message(settings: MailSettings, message: EmailMessage, *, password: str) -> None:
    """Send one message. DataError if the server cannot be reached, offers no STARTTLS, or refuses."""
    try:
        with smtplib.SMTP(settings.server, settings.port, timeout=_TIMEOUT_S) as server:
            if requires_tls(settings):
                _start_tls(server)
            if settings.user:
                server.login(settings.user, password)
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise _fail("it does not take the user and the password", "correct user and password_file") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise _fail("it does not take one of the addresses", "look at [mail.addresses] in policy.toml") from error
    except ssl.SSLError as error:
        fact = f"its certificate or its TLS cannot be trusted ({type(error).__name__})"
        raise _fail(fact, "ask who keeps the server; nothing was sent") from error
    except (OSError, smtplib.SMTPException) as error:
        fact = f"it could not be reached, or did not take the message ({type(error).__name__})"
        raise _fail(fact, "look at server and port in policy.toml, or try again later") from error


def _start_tls(server: "smtplib.SMTP") -> None:
    """Encrypt the connection, and check who the server is."""
    server.ehlo_or_helo_if_needed()
    if not server.has_extn("starttls"):
        raise _fail("it offers no STARTTLS", "nothing was sent: name a server that encrypts, or one on this machine")
    server.starttls(context=ssl.create_default_context())


def list_roles(settings: MailSettings) -> Sequence[Role]:
    """The roles of the addresses, each once, in their order."""
    return list(dict.fromkeys(role for _, role in settings.addresses))


def _refuse(fact: str) -> DataError:
    return DataError(_RULE, fact, _HINT)


def _refuse_password(fact: str) -> DataError:
    return DataError(
        "The password of the mail server stands in a file that only you may read",
        fact,
        "put the password alone into the password_file of policy.toml, and chmod 600 it",
    )


def _fail(fact: str, hint: str) -> DataError:
    return DataError(_SEND_RULE, fact, hint)
