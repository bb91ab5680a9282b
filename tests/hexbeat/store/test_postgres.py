"""The address of a PostgreSQL store: its parameters, and TLS with a real server that has an authority of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo.errors import StoreError
from hexbeat.store.store import Store
from tests.support.postgres_servers import Server, make_tls_server

RULE = "HEXBEAT_DATABASE_URL has to be a PostgreSQL address"
KNOWN = (
    "application_name, connect_timeout, dbname, host, options, password, port, sslcert, sslkey, sslmode, sslpassword, "
    "sslrootcert, user"
)
MODES = "disable, allow, prefer, require, verify-ca, verify-full"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmod=require", f"it has the parameter 'sslmod', which Hexbeat does not know; use {KNOWN}"),
        ("sslmode=always", f"its parameter 'sslmode' is 'always'; use one of {MODES}"),
        ("sslmode=require&sslmode=disable", "it has the parameter 'sslmode' twice; write each parameter once"),
        ("port=many", "its parameter 'port' is 'many'; write a whole number from 1 to 65535"),
        ("connect_timeout=0", "its parameter 'connect_timeout' is '0'; write a whole number from 1 to 65535"),
        (
            "sslmode=require&sslrootcert=system",
            "it has sslrootcert=system with sslmode=require; use sslmode=verify-full, or name a file",
        ),
    ],
)
def test_a_parameter_that_is_wrong_is_named(tmp_path: Path, query: str, said: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=f"postgresql://user:word@127.0.0.1/name?{query}")
    assert str(caught.value) == f"{RULE}; {said}"


def test_a_file_of_certificates_that_is_missing_or_holds_none_is_named(tmp_path: Path) -> None:
    notes = tmp_path / "notes.pem"
    notes.write_text("no certificate")
    for name, reason in ((tmp_path / "none.pem", "there is no such file"),
                         (notes, "it holds no certificate that can be used")):  # fmt: skip
        for parameter, mode in (("sslrootcert", "verify-ca"), ("sslcert", "require")):
            with pytest.raises(StoreError) as caught:
                Store.open(tmp_path, database_url=f"postgresql://user@127.0.0.1/x?sslmode={mode}&{parameter}={name}")
            assert str(caught.value) == (
                f"TLS needs the files that HEXBEAT_DATABASE_URL names; {parameter}: {name}: {reason}; name a file in "
                "the PEM format that this user can read"
            )


@pytest.fixture(scope="module")
def tls_server() -> Iterator[Server]:
    yield from make_tls_server()


def run_openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of an authority that has signed nothing."""
    folder = tmp_path_factory.mktemp("authority")
    subject = ("-subj", "/CN=Another authority", "-days", "3650", "-keyout", "key.pem", "-out", "other.pem")
    run_openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", *subject)
    return folder / "other.pem"


def find_encryption(url: str, home: Path) -> Any:
    """Whether the server says that this connection is encrypted."""
    with Store.open(home, database_url=url) as store, store.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").scalar_one()


@pytest.mark.postgres
@pytest.mark.slow
def test_each_mode_demands_what_it_says(tls_server: Server, tmp_path: Path) -> None:
    root = tls_server.folder / "root.pem"
    for query, encrypted in {
        "sslmode=disable": False,
        "": True,  # prefer: taken where it is offered
        "sslmode=require": True,
        f"sslmode=verify-ca&sslrootcert={root}": True,
        f"sslmode=verify-full&sslrootcert={root}": True,
        "sslmode=require&connect_timeout=20&application_name=records&options=-c%20statement_timeout%3D60000": True,
    }.items():
        url = f"postgresql://hexbeat@localhost:{tls_server.port}/postgres?{query}"
        assert find_encryption(url, tmp_path) is encrypted, query
    # The certificate names localhost alone. Only verify-full asks for the name.
    by_number = f"postgresql://hexbeat@127.0.0.1:{tls_server.port}/postgres?sslrootcert={root}"
    assert find_encryption(f"{by_number}&sslmode=verify-ca", tmp_path) is True
    with pytest.raises(StoreError) as caught:
        Store.open(tmp_path, database_url=f"{by_number}&sslmode=verify-full")
    assert str(caught.value) == (
        "The database has to prove that it is the one that is meant; 127.0.0.1: IP address mismatch, certificate is "
        "not valid for '127.0.0.1'; nothing was sent; check the host in HEXBEAT_DATABASE_URL, sslrootcert, and the "
        "server's certificate"
    )


@pytest.mark.postgres
@pytest.mark.slow
def test_a_certificate_of_another_authority_is_refused(
    tls_server: Server, tmp_path: Path, other_authority: Path
) -> None:
    for query in ("sslmode=verify-full", f"sslmode=verify-ca&sslrootcert={other_authority}",
                  f"sslmode=require&sslrootcert={other_authority}"):  # fmt: skip
        with pytest.raises(StoreError) as caught:
            Store.open(tmp_path, database_url=f"postgresql://hexbeat@localhost:{tls_server.port}/postgres?{query}")
        assert str(caught.value) == (
            "The database has to prove that it is the one that is meant; localhost: unable to get local issuer "
            "certificate; nothing was sent; check the host in HEXBEAT_DATABASE_URL, sslrootcert, and the server's "
            "certificate"
        )


@pytest.mark.postgres
@pytest.mark.slow
def test_a_server_without_tls_is_refused_where_tls_is_demanded(tls_server: Server, tmp_path: Path) -> None:
    tls_server.execute("ALTER SYSTEM SET ssl = off")
    tls_server.execute("SELECT pg_reload_conf()")
    try:
        with pytest.raises(StoreError) as caught:
            Store.open(
                tmp_path, database_url=f"postgresql://hexbeat@localhost:{tls_server.port}/postgres?sslmode=require"
            )
    finally:
        tls_server.execute("ALTER SYSTEM RESET ssl")
        tls_server.execute("SELECT pg_reload_conf()")
    assert str(caught.value) == (
        "The connection has to be encrypted, as sslmode in HEXBEAT_DATABASE_URL says; localhost offers no TLS; turn "
        "TLS on in the server; nothing was sent"
    )
