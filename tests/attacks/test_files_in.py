"""Files and names that somebody made to do harm: backups, settings, plans, places."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import xlsxwriter

from geo.errors import DataError, PolicyError
from hexbeat.documents.evidence.evidence_apart import check_pack_apart
from hexbeat.documents.evidence.evidence_check import parse_content, read_pdf_content
from hexbeat.operations.plans.plan import Place, PlanScope
from hexbeat.operations.plans.plan_access import may_see_plan, require_plan
from hexbeat.operations.plans.plan_settings import read_plan_settings, remember_start
from hexbeat.store.backup import FORMAT, restore_backup
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST, Detail, Role, Viewer
from layers.policy import DEFAULT_POLICY
from tests.support.plans import make_small_plan
from tests.support.stores import documents_in

RULE: Final = "A backup has to be one that Hexbeat wrote, and whole"
ANOTHER: Final = "choose another backup"
HASH_OF_X: Final = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
FACTS: Final = {"format": FORMAT, "made": "2026-11-30T00:00:00+00:00", "schema": "x", "rows": {}}
TARGETS: Final = ("../evil", "/tmp/evil-of-hexbeat", "a/../../evil", "./../evil")  # noqa: S108 - never made


def pack(path: Path, facts: Any, members: list[tuple[tarfile.TarInfo, bytes]]) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        for member, content in [(tarfile.TarInfo("backup.json"), json.dumps(facts).encode()), *members]:
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return path


def refusal(path: Path, home: Path) -> str:
    with pytest.raises(DataError) as refused:
        restore_backup(path, home)
    return str(refused.value)


@pytest.mark.parametrize("name", TARGETS)
def test_a_backup_writes_nowhere_but_into_its_home(tmp_path: Path, name: str) -> None:
    file = pack(
        tmp_path / "b.tar.gz", {**FACTS, "files": {name: HASH_OF_X}}, [(tarfile.TarInfo(name), b"x")]
    )  # it names and hashes the file truly
    assert refusal(file, tmp_path / "home") == f"{RULE}; b.tar.gz holds what its list does not name; {ANOTHER}"
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar.gz"]
    assert not Path("/tmp/evil-of-hexbeat").exists()  # noqa: S108


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_a_backup_makes_no_links_and_no_devices(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("policy.toml")
    member.type, member.linkname = kind, "/etc/passwd"
    file = pack(tmp_path / "b.tar.gz", {**FACTS, "files": {"policy.toml": HASH_OF_X}}, [(member, b"")])
    assert refusal(file, tmp_path / "home") == f"{RULE}; b.tar.gz holds what its list does not name; {ANOTHER}"
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar.gz"]


@pytest.mark.parametrize(
    "facts",
    [
        {**FACTS, "files": 3}, {**FACTS, "files": {"a": 1}}, {**FACTS, "files": ["hexbeat.sqlite"]}, [], None,
        {**FACTS, "files": {}, "filler": " " * 17_000_000},
    ],
    ids=["files is a number", "a hash is a number", "files is a list", "a list", "nothing", "17 MB in 17 kB"],
)  # fmt: skip
def test_facts_that_are_none_are_another_kind_of_file(tmp_path: Path, facts: Any) -> None:
    file = pack(tmp_path / "b.tar.gz", facts, [])
    assert refusal(file, tmp_path / "home") == (
        f"{RULE}; b.tar.gz is another kind of file; choose a file that hexbeat backup wrote"
    )


def test_facts_nested_without_end_are_no_backup(tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    content = b'{"files":' + b"[" * 200_000
    with tarfile.open(file, "w:gz") as packed:
        member = tarfile.TarInfo("backup.json")
        member.size = len(content)
        packed.addfile(member, io.BytesIO(content))
    assert refusal(file, tmp_path / "home") == (
        f"{RULE}; b.tar.gz cannot be used (it breaks off or is damaged); "
        "nothing was changed; choose another backup, or make room"
    )


def test_no_shared_setting_is_another_file_of_the_home(tmp_path: Path) -> None:
    """The name of a setting reaches the settings files and nothing else, for reading and for writing."""
    home = tmp_path / "home"
    with Store.open(home) as store:
        (home / "secret.toml").write_text("key = 1", encoding="utf-8")
        documents = store.documents(Viewer(Role.POLICE))
        before = (home / "hexbeat.sqlite").stat().st_ino
        for name in ("hexbeat.sqlite", "secret.toml", "../home/secret.toml", ".shared-files.json"):
            assert documents.read(DocumentKind.SETTING, name) is None
        assert documents.read_all(DocumentKind.SETTING) == {}
        documents.write(DocumentKind.SETTING, "hexbeat.sqlite", b"gone")
        documents.write(DocumentKind.SETTING, "secret.toml", b"gone")
        assert (home / "hexbeat.sqlite").stat().st_ino == before
        assert (home / "secret.toml").read_text(encoding="utf-8") == "key = 1"
        assert documents.read(DocumentKind.SETTING, "plans.toml") is None
        documents.write(DocumentKind.SETTING, "plans.toml", b"open = ['x']\n")
        assert (home / "plans.toml").read_bytes() == b"open = ['x']\n"


def test_the_name_of_a_place_adds_no_setting(tmp_path: Path) -> None:
    documents = documents_in(tmp_path / "home")
    names = ['"\nroads = "https://evil.example.com/', "'''\n[evil]\n", "\\", "\u2028\x7f\x00", "]\n[[starts]]\n"]
    for name in names:
        remember_start(documents, Place(name, -1.23, 54.57))
    found = read_plan_settings(documents)
    assert len(found.starts) == len(names)
    assert replace(found, starts=()) == replace(read_plan_settings(documents_in(tmp_path / "other")), starts=())


def test_a_plan_is_for_those_who_see_its_layers_as_finely_as_its_stops() -> None:
    """Of street dealing the council sees cells of resolution 9, health sees wards; the stop is a cell of 10."""
    plan = make_small_plan()
    roles = {role: may_see_plan(Viewer(role), plan) for role in Role}
    assert roles == {
        Role.POLICE: True, Role.COUNCIL: False, Role.HEALTH: False, Role.ANALYST: True, Role.AUDITOR: False
    }  # fmt: skip
    with pytest.raises(PolicyError) as refused:
        require_plan(Viewer(Role.COUNCIL), plan)
    assert str(refused.value) == (
        "A plan is shown to those who see its layers as finely as it does; its stops show street_dealing more finely "
        "than your role may see; make a plan of your own, or ask the analyst of the partnership"
    )


def test_a_plan_is_not_for_those_who_do_not_see_the_small_numbers_in_its_reasons() -> None:
    details = Detail("points", fewest=5), Detail("cells", 10, fewest=5), Detail("cells", 10)
    hidden, too, shown = (
        Viewer(Role.COUNCIL, policy=replace(DEFAULT_POLICY, details=(
            *(entry for entry in DEFAULT_POLICY.details if entry[:2] != (Role.COUNCIL, "street_dealing")),
            (Role.COUNCIL, "street_dealing", detail),
        )))
        for detail in details
    )  # fmt: skip
    plan = make_small_plan()
    plan = replace(plan, tours=(replace(plan.tours[0], stops=()),))
    assert [may_see_plan(viewer, plan) for viewer in (hidden, too, shown)] == [False, False, True]
    with pytest.raises(PolicyError) as refused:
        require_plan(hidden, plan)
    assert str(refused.value) == (
        "A plan is shown to those who see the numbers in its reasons; numbers of reports of street dealing below 5 are "
        "not shown to your role; make a plan of your own for other layers, or ask the analyst of the partnership"
    )


def test_a_plan_for_a_layer_that_nobody_knows_is_for_who_sees_every_point() -> None:
    plan = replace(make_small_plan(), scope=PlanScope(("needle_litter", "a_layer_of_before"), (1.0, 1.0)))
    assert {role for role in Role if may_see_plan(Viewer(role), plan)} == {Role.ANALYST}
    assert may_see_plan(ANALYST, plan)


@pytest.mark.slow  # a process of its own starts
def test_a_pack_that_would_fill_the_memory_ends_a_process_and_no_server(tmp_path: Path) -> None:
    """Two cells at the ends of a sheet: 6 kB that become hundreds of GB when the workbook is opened."""
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "b")
    assert len(packed.getvalue()) < 10_000
    with pytest.raises(DataError) as refused:
        check_pack_apart("pack.xlsx", packed.getvalue(), home=tmp_path, documents=None)
    assert str(refused.value) == (
        "A pack is checked in at most 3,000 MB of memory and 60 s; pack.xlsx takes more; "
        "give the .pdf or .xlsx as it was written"
    )


def test_a_pack_without_end_is_looked_through_once() -> None:
    assert read_pdf_content(b"%PDF" + b"<</Type/EmbeddedFile" * 40_000) is None
    assert parse_content(b'{"a":' + b"[" * 200_000) is None
