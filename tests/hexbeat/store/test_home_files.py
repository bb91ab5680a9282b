"""The files of a home and the store: an older home is taken over whole, several homes on one store agree."""

import json
import shutil
from pathlib import Path

import pytest

from geo.errors import StoreError
from hexbeat.areas.area import load_area
from hexbeat.ingest.sources import list_profiles, load_profile, parse_profile, save_profile
from hexbeat.operations.plans.plan import Place
from hexbeat.operations.plans.plan_settings import forget_start, read_plan_settings, remember_start
from hexbeat.operations.plans.plan_store import list_plans, load_plan, remove_plan, save_plan
from hexbeat.store.document_kinds import MARK_FILE
from hexbeat.store.home_files import ASIDE_FOLDER
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.paths import ROOT
from tests.support.plans import made_plan
from tests.support.stores import older_store

OLD_PLAN = ROOT / "tests" / "fixtures" / "plans" / "p7f3a2.json"
PROFILE = (ROOT / "hexbeat" / "ingest" / "sources" / "builtin" / "table.toml").read_text(encoding="utf-8")
AREA = ROOT / "data" / "boundaries" / "middlesbrough"
DIGEST = "ab" * 32
YARD = '[[starts]]\nname = "Yard"\nlon = -1.25\nlat = 54.56\n'
TAKEN = "The store now holds what was in files of the home folder: {}. The files moved to before-shared."


def make_old_home(home: Path) -> dict[str, bytes]:
    """The files that older versions kept in a home, one of each kind."""
    files = {
        "plans/p7f3a2.json": OLD_PLAN.read_bytes(),
        "winners/middlesbrough-overdoses.json": b'{"of": "x"}',
        f"evidence/{DIGEST}": b"2026-11-22T10:00:00+00:00",
        "published/middlesbrough/0001/note.json": b'{"first": {}}',
        "published/middlesbrough/0001/release/checksums.txt": b"00  release.json\n",
        "published/middlesbrough/0001/release/release.json": b"{}",
        "plans.toml": YARD.encode(),
        "sources/mine.toml": PROFILE.replace('name = "table"', 'name = "mine"').encode(),
    }
    for where, content in files.items():
        (home / where).parent.mkdir(parents=True, exist_ok=True)
        (home / where).write_bytes(content)
    return files


def copy_area(home: Path, name: str, title: str) -> Path:
    """An area of a home: the wards of Middlesbrough under another name."""
    folder = home / "boundaries" / name
    folder.mkdir(parents=True)
    facts = (AREA / "area.toml").read_text(encoding="utf-8").replace('"middlesbrough"', f'"{name}"')
    (folder / "area.toml").write_text(facts.replace('"Middlesbrough"', f'"{title}"'), encoding="utf-8")
    shutil.copy(AREA / "wards.geojson", folder)
    return folder


def test_an_older_home_is_taken_over_once_and_means_the_same(tmp_path: Path, store_url: str | None) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with older_store(home, store_url, "0006"):
        pass
    files = make_old_home(home)
    with Store.open(home, database_url=store_url) as store:
        documents = store.documents(ANALYST)
        assert store.notices[0] == TAKEN.format("4 items")
        assert [code for code, _, _ in list_plans(documents)] == ["p7f3a2"]
        assert load_plan(documents, "p7f3a2").area == "middlesbrough"
        assert read_plan_settings(documents).starts == (Place("Yard", -1.25, 54.56),)
        assert load_profile("mine", documents).name == "mine"
        release = documents.read_all(DocumentKind.RELEASE)
        assert {f"published/{name}": found.content for name, found in release.items()} == {
            where: content for where, content in files.items() if where.startswith("published/")
        }
        assert documents.list_names(DocumentKind.EVIDENCE) == [DIGEST]
        assert documents.list_names(DocumentKind.SELECTION) == ["middlesbrough-overdoses"]
        remove_plan(documents, "p7f3a2")
    once = [where for where in files if store_url or not where.endswith(".toml")]
    assert all((home / ASIDE_FOLDER / where).read_bytes() == files[where] for where in once)
    assert not any((home / where).exists() for where in once)
    with Store.open(home, database_url=store_url) as store:
        assert store.notices == ()
        assert list_plans(store.documents(ANALYST)) == []  # what was removed stays removed


def test_a_home_that_cannot_be_read_whole_is_not_taken_over(
    tmp_path: Path, store_url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    files = make_old_home(home)
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "note.json":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        with pytest.raises(StoreError) as caught:
            Store.open(home, database_url=store_url)
    assert str(caught.value) == (
        "The files of an older home are taken into the store together, or none of them; note.json cannot be read "
        "(Permission denied); check that you may read all files in the home folder; nothing was changed"
    )
    assert all((home / where).read_bytes() == content for where, content in files.items())
    with Store.open(home, database_url=store_url) as store:
        assert store.notices[0] == TAKEN.format("4 items")


def test_a_copy_of_a_sqlite_store_alone_is_whole(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    with Store.open(home) as store:
        remember_start(store.documents(ANALYST), Place("Yard", -1.25, 54.56))
    make_old_home(home)
    copy_area(home, "riverside", "Riverside")
    with Store.open(home):
        pass
    copy.mkdir()
    shutil.copy(home / "hexbeat.sqlite", copy)
    with Store.open(copy) as store:
        documents = store.documents(ANALYST)
        assert read_plan_settings(documents).starts[0].name == "Yard"
        assert [code for code, _, _ in list_plans(documents)] == ["p7f3a2"]
        assert load_profile("mine", documents).name == "mine"
        assert load_area("riverside", home=copy).title == "Riverside"
    for where in ("plans.toml", "sources/mine.toml", "boundaries/riverside/wards.geojson"):
        assert (copy / where).read_bytes() == (home / where).read_bytes()


def test_with_sqlite_what_a_person_edits_or_removes_counts(tmp_path: Path) -> None:
    make_old_home(tmp_path)
    with Store.open(tmp_path) as store:
        assert len(json.loads((tmp_path / MARK_FILE).read_text(encoding="utf-8"))) == 2
        before = store.documents(ANALYST).counter()
    with Store.open(tmp_path) as store:
        assert store.documents(ANALYST).counter() == before  # nothing changed, nothing is written
    (tmp_path / "plans.toml").write_text("standard_hours = 7\n", encoding="utf-8")
    (tmp_path / "sources" / "mine.toml").unlink()
    with Store.open(tmp_path) as store:
        documents = store.documents(ANALYST)
        assert read_plan_settings(documents).standard_hours == 7
        assert "mine" not in [profile.name for profile in list_profiles(documents)]
        with store.engine.connect() as connection:
            query = "SELECT name FROM shared_documents WHERE superseded_at IS NULL AND kind IN ('setting', 'source')"
            assert [row[0] for row in connection.exec_driver_sql(query)] == ["plans.toml"]
    assert not (tmp_path / "sources" / "mine.toml").exists()


@pytest.mark.postgres
def test_what_one_home_makes_another_home_on_the_same_server_sees(tmp_path: Path, database_url: str) -> None:
    one_home, other_home = tmp_path / "one", tmp_path / "other"
    copy_area(one_home, "riverside", "Riverside")
    with (
        Store.open(one_home, database_url=database_url) as one_store,
        Store.open(other_home, database_url=database_url) as other_store,
    ):
        one, other = one_store.documents(ANALYST), other_store.documents(ANALYST)
        plan = made_plan()
        save_plan(one, plan)
        assert load_plan(other, plan.plan_id) == plan
        remember_start(one, Place("Yard", -1.25, 54.56))
        remember_start(other, Place("Station", -1.24, 54.57))
        assert [place.name for place in read_plan_settings(one).starts] == ["Station", "Yard"]
        forget_start(other, "Yard")
        assert [place.name for place in read_plan_settings(one).starts] == ["Station"]
        save_profile(parse_profile(PROFILE.replace('"table"', '"mine"'), name="mine"), one, is_new=True)
        assert load_profile("mine", other).name == "mine"
        with pytest.raises(StoreError) as caught:
            save_profile(parse_profile(PROFILE.replace('"table"', '"mine"'), name="mine"), other, is_new=True)
        assert caught.value.rule == "Nobody replaces what somebody else has changed meanwhile"
        assert load_area("riverside", home=other_home).title == "Riverside"
        shutil.rmtree(one_home / ASIDE_FOLDER)
        one_store.share_area(ANALYST, copy_area(tmp_path / "built", "riverside", "The Riverside"))
        assert load_area("riverside", home=other_home).title == "Riverside"
        other_store.refresh_areas()
        assert load_area("riverside", home=other_home).title == "The Riverside"
        assert load_area("riverside", home=one_home).title == "The Riverside"
    assert other_home.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(other_home)  # it holds caches alone
    with Store.open(other_home, database_url=database_url):
        assert load_area("riverside", home=other_home).title == "The Riverside"


@pytest.mark.postgres
def test_a_file_of_one_home_that_differs_from_the_shared_one_does_not_count_and_is_said(
    tmp_path: Path, database_url: str
) -> None:
    one_home, other_home = tmp_path / "one", tmp_path / "other"
    make_old_home(one_home)
    make_old_home(other_home)
    (other_home / "plans.toml").write_text("standard_hours = 7\n", encoding="utf-8")
    (other_home / "published" / "middlesbrough" / "0001" / "note.json").write_text("{}", encoding="utf-8")
    with Store.open(one_home, database_url=database_url) as store:
        assert store.notices == (TAKEN.format("4 items"), TAKEN.format("2 items"))
    with Store.open(other_home, database_url=database_url) as store:
        assert store.notices == (
            (
                "The home folder has another register of releases of middlesbrough than the store. The store's counts, "
                "and published/middlesbrough was left as it is."
            ),
            (
                "The home folder has another plans.toml than the store. The store's counts for everybody: compare "
                "them, then remove the file, or share it with `hexbeat shared put`."
            ),
        )
        assert read_plan_settings(store.documents(ANALYST)).starts[0].name == "Yard"
    assert (other_home / "plans.toml").is_file()
    assert (other_home / "published" / "middlesbrough" / "0001" / "release" / "release.json").is_file()
    assert not (other_home / "plans").exists()
