"""No secret stands in the tree; each locked package has a licence that we accept and no weakness that we know of."""

import datetime as dt
import importlib.metadata
import os
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from packaging.version import Version

from tests.support.advisories import ADVISORIES, format_advisories, merge_findings
from tests.support.paths import ROOT

LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
PIN: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", re.MULTILINE)

# As text that is put together, so that this file has none of them.
SECRETS: Final = {
    "a private key": "-----BEGIN (?:[A-Z]+ )*" + "PRIVATE KEY",
    "a key of AWS": "A(?:K|S)IA" + "[0-9A-Z]{16}",
    "a token of GitHub": r"(?:gh[pousr]_[A-Za-z0-9]{36}|github_" + "pat_[A-Za-z0-9_]{50,})",
    "a token of Slack": "xox[abprs]" + "-[0-9A-Za-z-]{20,}",
    "a key of Google": "AI" + "za[0-9A-Za-z_-]{35}",
    "a signed token": r"eyJ[A-Za-z0-9_-]{16,}" + r"\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "a token of PyPI": "pypi-" + "AgEIcHlwaS5vcmc[A-Za-z0-9_-]{20,}",
    "a password in an address": r"://[^\s/:@'\"{}<>]{1,60}:(?!(?:word|secret|password|PASSWORD)@)[^\s/:@'\"{}<>$]{1,80}@",
    "a secret with a name": r"(?i:password|passwd|secret|api_?key|access_?key|auth_?token)[\"']?\s*[:=]\s*[\"']"
    r"(?=[^\"']*[0-9])(?=[^\"']*[A-Za-z])[A-Za-z0-9+/_=.-]{24,}[\"']",
}
SKIPPED: Final = {"var", "node_modules", "__pycache__", "results"}
DATA: Final = (".lock", ".geojson", ".parquet", ".png", ".woff2", ".pyc")
MOST_BYTES: Final = 500_000

# Permissive, or copyleft by file only, for packages that we do not change.
ACCEPTED: Final = re.compile(
    r"MIT(-0|-CMU)?( License)?|Apache(-| Software License| License|,| Version)*( ?2\.0)?"
    r"|(0|[23]-Clause )?BSD(-[23]-Clause| [23]-Clause)?( License)?|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)"
    r"|PSF(L|-2\.0)?|Python Software Foundation License|ISC|ISC License \(ISCL\)|Zlib|CC0-1\.0|DFSG approved"
)
# Packages whose own data names no licence, or not in its field; each was looked up in its archive.
KNOWN: Final = {
    "aiosmtpd": "Apache-2.0", "axe-playwright-python": "MIT", "pypdfium2": "BSD-3-Clause", "streamlit-folium": "MIT",
    "xstatic-leaflet": "BSD-2-Clause", "altair": "BSD-3-Clause", "scipy": "BSD-3-Clause",
}  # fmt: skip


def list_files() -> Iterator[Path]:
    """The files of the tree that people write, without environments, caches and maps."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED and (name[0] != "." or name == ".streamlit")]
        for path in (Path(folder) / name for name in names if not name.endswith(DATA)):
            if path.is_file() and path.stat().st_size < MOST_BYTES:
                yield path


@cache
def build_patterns() -> dict[str, re.Pattern[str]]:
    return {what: re.compile(text) for what, text in SECRETS.items()}


def find_secrets(text: str) -> list[str]:
    return [what for what, pattern in build_patterns().items() if pattern.search(text)]


@pytest.mark.slow
def test_no_secret_stands_in_the_tree() -> None:
    found = {}
    for path in list_files():
        data = path.read_bytes()
        if b"\x00" not in data[:8000] and (secrets := find_secrets(data.decode("utf-8", "replace"))):
            found[str(path.relative_to(ROOT))] = secrets
    assert found == {}


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
        ("a key of AWS", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a token of GitHub", "ghp_" + "a1" * 18),
        ("a token of Slack", "xoxb-" + "1234567890-abcdefghij"),
        ("a key of Google", "AIza" + "b" * 35),
        ("a signed token", "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20),
        ("a token of PyPI", "pypi-AgEIcHlwaS5vcmc" + "a" * 30),
        ("a password in an address", "postgresql+pg8000://hexbeat:" + "hunter2@db/hexbeat"),
        ("a secret with a name", "client_secret = '" + "a1" * 14 + "'"),
    ],
)
def test_each_kind_of_secret_is_found(what: str, text: str) -> None:
    assert find_secrets(f"before {text} after") == [what]


@pytest.mark.parametrize(
    "text",
    ["postgresql://hexbeat:password@db/hexbeat", "https://{user}:{word}@host", "secret = 'short1'", "a://b/c:d@e"],
)
def test_what_is_an_example_is_no_secret(text: str) -> None:
    assert find_secrets(text) == []


def read_pins() -> dict[str, str]:
    pins: dict[str, str] = {}
    for lock in LOCKS:
        pins |= {name.lower(): version for name, version in PIN.findall((ROOT / lock).read_text(encoding="utf-8"))}
    return pins


def find_licence(name: str) -> str | None:
    """The licence that a package names, in the order in which packages name it; None if it is not installed here."""
    try:
        data = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    classifiers = [
        text.rpartition(" :: ")[2] for text in data.get_all("Classifier") or () if text.startswith("License")
    ]
    return KNOWN.get(name) or data.get("License-Expression") or " AND ".join(classifiers) or data.get("License") or ""


def is_accepted(licence: str) -> bool:
    """Whether each part of a licence is; of alternatives, one."""
    ways = licence.split(" OR ")
    return any(all(ACCEPTED.fullmatch(part.strip()) for part in way.split(" AND ")) for way in ways)


def test_every_locked_package_has_a_licence_that_we_accept() -> None:
    licences = {name: find_licence(name) for name in read_pins()}
    assert len(licences) > 80
    assert {name for name, licence in licences.items() if licence is not None and not is_accepted(licence)} == set()
    assert sum(licence is None for licence in licences.values()) < 10, "the environment is not that of the locks"


@pytest.mark.parametrize("licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-only", "Proprietary", ""])
def test_other_licences_are_not_accepted(licence: str) -> None:
    assert not is_accepted(licence)
    assert is_accepted("MIT OR GPL-3.0-only")


def find_weak(pins: dict[str, str]) -> dict[str, str]:
    """The pins with a weakness that the list knows, each with its number."""
    below = tomllib.loads(ADVISORIES.read_text(encoding="utf-8"))["below"]
    return {
        name: entry["id"]
        for name, entry in below.items()
        if name in pins and Version(pins[name]) < Version(entry["fixed"])
    }


def test_no_locked_package_has_a_weakness_that_the_list_knows() -> None:
    assert find_weak(read_pins()) == {}
    assert find_weak({"jinja2": "3.1.5", "requests": "2.34.2"}) == {"jinja2": "CVE-2025-27516"}


def test_what_pip_audit_found_is_added_to_the_list() -> None:
    text = ADVISORIES.read_text(encoding="utf-8")
    listed = tomllib.loads(text)
    assert format_advisories(listed["below"], listed["checked"]) == text  # so a new list differs in what is new
    found = {
        "dependencies": [
            {"name": "Jinja2", "version": "3.1.6", "vulns": []},
            {"name": "H11", "version": "0.16.0", "vulns": [find_weakness("GHSA-1", ["0.15.0", "0.17.1", "0.18"])]},
            {"name": "lxml", "version": "4.0", "vulns": [find_weakness("PYSEC-1", ["4.0.1"], "CVE-2020-1")]},
            {"name": "new_one", "version": "1.0", "vulns": [find_weakness("PYSEC-2", [], "CVE-2026-2", "GHSA-2")]},
        ]
    }
    changed = {"h11": {"fixed": "0.17.1", "id": "GHSA-1"}, "new-one": {"fixed": "9999", "id": "CVE-2026-2"}}
    assert merge_findings(listed["below"], found) == listed["below"] | changed
    assert "checked = 2027-01-02\n" in format_advisories(changed, dt.date(2027, 1, 2))
    with pytest.raises(ValueError, match=r"^lxml was not looked up: no such release$"):
        merge_findings({}, {"dependencies": [{"name": "lxml", "skip_reason": "no such release"}]})


def find_weakness(number: str, fixed: list[str], *aliases: str) -> dict[str, object]:
    """A weakness as pip-audit writes it."""
    return {"id": number, "fix_versions": fixed, "aliases": list(aliases), "description": "not taken over"}
