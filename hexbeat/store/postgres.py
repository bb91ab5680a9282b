"""The address of a PostgreSQL store: its parameters as libpq has them, TLS among them, and the engine.

TLS follows libpq (PostgreSQL documentation, "SSL Support"), with three differences: `allow` means `prefer`, because the
driver cannot try without TLS first; without `sslrootcert`, `verify-ca` and `verify-full` trust the certificates of the
system; and TLS is 1.2 or newer.
"""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from geo.errors import StoreError
from geo.lazy_modules import import_lazily
from hexbeat.store import database_errors

if TYPE_CHECKING:
    import ssl

    from pg8000 import dbapi as pg8000
else:
    ssl = import_lazily("ssl")
    pg8000 = import_lazily("pg8000.dbapi")

__all__ = ["PARAMETERS", "SSL_MODES", "build_ssl_context", "make_postgres_engine"]

_RULE: Final = "HEXBEAT_DATABASE_URL has to be a PostgreSQL address"
PARAMETERS: Final = (
    "application_name", "connect_timeout", "dbname", "host", "options", "password", "port", "sslcert", "sslkey",
    "sslmode", "sslpassword", "sslrootcert", "user",
)  # fmt: skip
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_HIGHEST: Final = 65_535  # port
_SYSTEM: Final = "system"  # sslrootcert=system: the certificates that the system trusts, and the name too


def make_postgres_engine(database_url: str) -> Engine:
    """An engine for the address; StoreError if it is none, or has a parameter that Hexbeat does not know."""
    url, parameters = _split_address(database_url)
    host = parameters.get("host") or url.host
    arguments: dict[str, Any] = {
        "application_name": parameters.get("application_name", "hexbeat"),
        "startup_params": {"lock_timeout": str(int(1000 * database_errors.BUSY_S))},
    }
    if "options" in parameters:
        arguments["startup_params"]["options"] = parameters["options"]
    port = _parse_number("port", parameters.get("port") or str(url.port or 5432))
    url = url.set(
        drivername="postgresql+pg8000",
        username=parameters.get("user") or url.username,
        password=parameters.get("password") or url.password,
        database=parameters.get("dbname") or url.database,
        query={},
    )
    if host and host.startswith("/"):
        arguments["unix_sock"] = f"{host}/.s.PGSQL.{port}"
        arguments["ssl_context"] = False  # as libpq: a socket of this machine has no TLS
        build_ssl_context(parameters)  # but a wrong word is wrong here too
    else:
        url = url.set(host=host or "localhost", port=port)
        arguments["ssl_context"] = build_ssl_context(parameters)
    engine = sa.create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True)
    if "unix_sock" not in arguments:
        timeout = parameters.get("connect_timeout")
        _connect_by_own_socket(engine, None if timeout is None else _parse_number("connect_timeout", timeout))
    return engine


def _split_address(database_url: str) -> tuple[URL, dict[str, str]]:
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError) as error:
        raise StoreError(
            _RULE, "it cannot be read as an address", "write it as postgresql://user@host/database"
        ) from error
    if url.drivername.split("+")[0] not in {"postgresql", "postgres"}:
        hint = "write it as postgresql://user@host/database, or leave it out for SQLite"
        raise StoreError(_RULE, f"it begins with {url.drivername}://", hint)
    unknown = sorted(set(url.query) - set(PARAMETERS))
    if unknown:
        raise StoreError(
            _RULE, f"it has the parameter {unknown[0]!r}, which Hexbeat does not know", f"use {', '.join(PARAMETERS)}"
        )
    parameters = {}
    for name, value in url.query.items():
        if not isinstance(value, str):
            raise StoreError(_RULE, f"it has the parameter {name!r} twice", "write each parameter once")
        parameters[name] = value
    return url, parameters


def _parse_number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= _HIGHEST):
        raise StoreError(_RULE, f"its parameter {name!r} is {text!r}", "write a whole number from 1 to 65535")
    return int(text)


def build_ssl_context(parameters: Mapping[str, str]) -> "ssl.SSLContext | bool | None":
    """What the driver takes: False for no TLS, None for TLS if the server has it, or a context that demands it.

    `sslmode`: disable; allow and prefer (the default); require (TLS, the certificate unchecked unless `sslrootcert` is
    given); verify-ca (a certificate of an authority that is trusted); verify-full (and of the host's name).
    `sslrootcert`: a file of certificates, or "system". `sslcert`, `sslkey`, `sslpassword`: the user's own certificate.
    StoreError if a word is wrong or a file cannot be used.
    """
    root = parameters.get("sslrootcert")
    mode = parameters.get("sslmode", "verify-full" if root == _SYSTEM else "prefer")
    if mode not in SSL_MODES:
        raise StoreError(_RULE, f"its parameter 'sslmode' is {mode!r}", f"use one of {', '.join(SSL_MODES)}")
    if root == _SYSTEM and mode != "verify-full":
        raise StoreError(
            _RULE, f"it has sslrootcert=system with sslmode={mode}", "use sslmode=verify-full, or name a file"
        )
    if mode == "disable":
        return False
    if mode in {"allow", "prefer"} and "sslcert" not in parameters:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    is_checked = mode.startswith("verify") or root is not None
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if is_checked else ssl.CERT_NONE
    if is_checked:
        _trust(context, root)
    _load_own_certificate(context, parameters)
    return context


def _trust(context: "ssl.SSLContext", root: str | None) -> None:
    if root in {None, _SYSTEM}:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=root)
    except OSError as error:  # an ssl.SSLError is one
        raise _build_file_error("sslrootcert", root or "", error) from error


def _load_own_certificate(context: "ssl.SSLContext", parameters: Mapping[str, str]) -> None:
    certificate, key = parameters.get("sslcert"), parameters.get("sslkey")
    if certificate is None:
        return
    try:
        context.load_cert_chain(certificate, key, password=lambda: parameters.get("sslpassword", ""))
    except (OSError, ValueError) as error:
        missing = key if key and Path(certificate).is_file() and not Path(key).is_file() else certificate
        raise _build_file_error("sslcert", missing, error) from error


def _build_file_error(name: str, path: str, error: Exception) -> StoreError:
    reason = "it holds no certificate that can be used" if Path(path).is_file() else "there is no such file"
    if isinstance(error, PermissionError):
        reason = "it cannot be read"
    return StoreError("TLS needs the files that HEXBEAT_DATABASE_URL names", f"{name}: {path}: {reason}",
                      "name a file in the PEM format that this user can read")  # fmt: skip


def _connect_by_own_socket(engine: Engine, timeout_s: int | None) -> None:
    """Connect by sockets that are closed if TLS fails; connecting may take so long, and a statement as it needs."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: object, words: list[Any], arguments: dict[str, Any]) -> Any:
        host, port = arguments["host"], arguments["port"]
        try:
            connected = socket.create_connection((host, port), timeout=timeout_s)
        except OSError as error:
            raise pg8000.InterfaceError(
                f"Can't create a connection to host {host} and port {port} (timeout is {timeout_s} and source_address "
                "is None)."
            ) from error
        try:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connected.settimeout(None)
            return pg8000.Connection(*words, **arguments, sock=connected)
        except BaseException:
            connected.close()
            raise
