"""Make the list of known weaknesses (tests/fixtures/advisories.toml) from what pip-audit found. It asks nobody itself.

`pip-audit --format json ... > found.json`, then `python -m tests.support.advisories found.json`. A package in which it
found weaknesses gets an entry: the first later release with all of them mended, and a number. Entries of before stay,
unless a later release is needed now. Descriptions are not taken over.
"""

import datetime as dt
import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.paths import ROOT

__all__ = ["ADVISORIES", "format_advisories", "merge_findings"]

ADVISORIES: Final = ROOT / "tests" / "fixtures" / "advisories.toml"
_HEAD: Final = """\
# Releases with published weaknesses of packages that Hexbeat locks, or that came with what it locks. A locked release
# below `fixed` fails `make test`. Refresh: docs/changing.md, "Dependencies". A package that is not locked costs nothing.
"""  # noqa: E501 - as the file has it
_NEVER: Final = "9999"  # where no release is known that has it mended: every one fails, until the package is left out

Entry = Mapping[str, str]


def main() -> None:
    """Write the list anew, with what the file of pip-audit adds to it."""
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    below = merge_findings(tomllib.loads(ADVISORIES.read_text(encoding="utf-8"))["below"], found)
    ADVISORIES.write_text(format_advisories(below, dt.datetime.now(dt.UTC).date()), encoding="utf-8")


def merge_findings(below: Mapping[str, Entry], found: Mapping[str, Any]) -> dict[str, Entry]:
    """The entries by package, with those that pip-audit found (its JSON); ValueError if it could not look one up."""
    merged = dict(below)
    for package in found["dependencies"]:
        name = canonicalize_name(package["name"])
        if "skip_reason" in package:
            raise ValueError(f"{name} was not looked up: {package['skip_reason']}")
        for weakness in package["vulns"]:
            entry = _build_entry(package["version"], weakness)
            if name not in merged or Version(merged[name]["fixed"]) < Version(entry["fixed"]):
                merged[name] = entry
    return merged


def _build_entry(version: str, weakness: Mapping[str, Any]) -> Entry:
    later = sorted(Version(fixed) for fixed in weakness["fix_versions"] if Version(fixed) > Version(version))
    numbers = sorted(name for name in (weakness["id"], *weakness["aliases"]) if name.startswith("CVE-"))
    return {"fixed": str(later[0]) if later else _NEVER, "id": (numbers or [weakness["id"]])[0]}


def format_advisories(below: Mapping[str, Entry], checked: dt.date) -> str:
    """The text of the list, in the order of the packages."""
    lines = [
        f'{name} = {{ fixed = "{entry["fixed"]}", id = "{entry["id"]}" }}' for name, entry in sorted(below.items())
    ]
    return "\n".join([f"{_HEAD}checked = {checked}", "", "[below]", *lines, ""])


if __name__ == "__main__":
    main()
