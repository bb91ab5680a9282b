"""The example of nginx, run on this machine with a certificate that nobody trusts."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.support.paths import ROOT

__all__ = ["DEPLOY", "NAME", "certificate", "check", "need", "nginx_before", "trust_all", "write_nginx_conf"]

DEPLOY: Final = ROOT / "deploy"
NAME: Final = "hexbeat.example.gov.uk"


def need(program: str) -> str:
    """The path of a program; without it the test is skipped."""
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def check(*command: str, **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/bin", **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate that nobody trusts, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key, chain = str(folder / "key.pem"), str(folder / "fullchain.pem")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    check(need("openssl"), *new, "-subj", f"/CN={NAME}", "-keyout", key, "-out", chain)
    return folder


def write_nginx_conf(folder: Path, certificate: Path, ports: dict[str, int]) -> Path:
    """The example with the ports and the folders of this test, and nothing else changed."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for old, port in ports.items():
        assert old in text
        text = text.replace(old, re.sub(r"\d+$", str(port), old))
    for old, new in {
        "/etc/ssl/hexbeat": str(certificate),
        "/run/nginx.pid": str(folder / "pid"),
        "/var/log/nginx/hexbeat.log": str(folder / "access.log"),
        "events {": f"error_log {folder}/error.log;\nevents {{",
        "http {": "http {\n" + "".join(
            f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }.items():  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    return folder / "nginx.conf"


@contextmanager
def nginx_before(conf: Path) -> Iterator[None]:
    """It goes into the background once it listens."""
    command = (need("nginx"), "-e", str(conf.parent / "error.log"), "-c", str(conf))
    check(*command)
    try:
        yield
    finally:
        check(*command, "-s", "stop")


def trust_all() -> ssl.SSLContext:
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - our own certificate, made above
    context.check_hostname = False
    return context
