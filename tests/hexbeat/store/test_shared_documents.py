"""Documents that all users of a store share: what one writes all read, nobody overwrites another, roles are asked."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo.errors import PolicyError, StoreError
from hexbeat.store.shared_documents import (
    DocumentKind,
    SharedDocuments,
    hash_bytes,
    read_shared_setting,
)
from hexbeat.store.store import Store
from layers.access import ANALYST, Role, Viewer
from tests.support.stores import documents_in

PLAN, SETTING, SOURCE = DocumentKind.PLAN, DocumentKind.SETTING, DocumentKind.SOURCE
NAMES = st.sampled_from(["a", "b", "area/0001/note.json", "area/0002/note.json"])
KINDS = st.sampled_from([PLAN, DocumentKind.RELEASE, DocumentKind.EVIDENCE, DocumentKind.SELECTION])


@pytest.fixture
def documents(store: Store) -> SharedDocuments:
    return store.documents(ANALYST)


def test_what_is_written_is_read_to_the_byte(documents: SharedDocuments) -> None:
    content = bytes(range(256)) * 1000
    documents.write(PLAN, "abc234", content)
    found = documents.read(PLAN, "abc234")
    assert found is not None
    assert (found.content, found.sha256, found.recorded_by) == (content, hash_bytes(content), "analyst")
    assert documents.read(PLAN, "other") is None
    assert documents.read(DocumentKind.EVIDENCE, "abc234") is None


def test_another_server_sees_it_at_once(store: Store, documents: SharedDocuments, tmp_path: Path) -> None:
    other = Store(store.engine, tmp_path / "other").documents(ANALYST)
    assert list(other.read_all(PLAN)) == []  # and it is in its cache
    documents.write(PLAN, "abc234", b"1")
    assert [found.content for found in other.read_all(PLAN).values()] == [b"1"]
    other.write(PLAN, "abc234", b"2")
    found = documents.read(PLAN, "abc234")
    assert found is not None
    assert found.content == b"2"
    assert other.remove(PLAN, "abc234")
    assert not documents.remove(PLAN, "abc234")


def test_nobody_overwrites_silently_what_somebody_else_changed(store: Store, documents: SharedDocuments) -> None:
    documents.write(PLAN, "abc234", b"first", after="")
    read = hash_bytes(b"first")
    other = Store(store.engine, store.home).documents(Viewer(Role.ANALYST, "kim"))
    other.write(PLAN, "abc234", b"second", after=read)
    with pytest.raises(StoreError) as caught:
        documents.write(PLAN, "abc234", b"third", after=read)
    newer = documents.read(PLAN, "abc234")
    assert newer is not None
    assert newer.content == b"second"
    assert str(caught.value) == (
        "Nobody replaces what somebody else has changed meanwhile; plan abc234 was changed "
        f"{newer.recorded_at:%d %b %Y at %H:%M} UTC by kim, and nothing of yours was written; look at it again, and "
        "then repeat your change"
    )
    other.remove(PLAN, "abc234")
    with pytest.raises(StoreError) as caught:
        documents.write(PLAN, "abc234", b"third", after=hash_bytes(b"second"))
    assert caught.value.fact == "plan abc234 was removed meanwhile, and nothing of yours was written"


def test_an_error_in_a_change_leaves_everything_as_it_was(documents: SharedDocuments) -> None:
    documents.write(SETTING, "plans.toml", b"roads = 1")
    before = documents.counter()

    def fail(content: bytes | None) -> bytes:
        raise ValueError(content)

    with pytest.raises(ValueError, match="roads = 1"):
        documents.update(SETTING, "plans.toml", fail)
    found = documents.read(SETTING, "plans.toml")
    assert found is not None
    assert (found.content, documents.counter()) == (b"roads = 1", before)


def test_several_are_added_together_or_not_at_all(documents: SharedDocuments) -> None:
    assert documents.add_all(DocumentKind.RELEASE, {"a/0001/note.json": b"1", "a/0001/release/x": b"2"})
    assert not documents.add_all(DocumentKind.RELEASE, {"a/0001/release/y": b"3", "a/0001/note.json": b"4"})
    assert documents.list_names(DocumentKind.RELEASE) == ["a/0001/note.json", "a/0001/release/x"]
    assert list(documents.read_all(DocumentKind.RELEASE, "b/")) == []


def test_earlier_settings_stay_on_record(store: Store, documents: SharedDocuments) -> None:
    for content in (b"a = 1", b"a = 2", b"a = 2", b"a = 3"):
        documents.write(SETTING, "plans.toml", content)
    query = "SELECT revision, content FROM shared_documents WHERE kind = 'setting' ORDER BY revision"
    with store.engine.connect() as connection:
        kept = [(row[0], bytes(row[1])) for row in connection.exec_driver_sql(query)]
    assert kept == [(1, b"a = 1"), (2, b"a = 2"), (3, b"a = 3")]


@pytest.mark.parametrize(
    ("kind", "verb"),
    [(kind, verb) for kind in DocumentKind for verb in ("see", "change")],
)
def test_a_viewer_without_a_role_sees_areas_alone_and_changes_nothing(tmp_path: Path, kind: str, verb: str) -> None:
    documents_in(tmp_path)
    nobody = SharedDocuments(documents_in(tmp_path).engine, Viewer("nobody"), None, {})  # type: ignore[arg-type]
    act = nobody.list_names if verb == "see" else nobody.remove
    arguments = (DocumentKind(kind),) if verb == "see" else (DocumentKind(kind), "x")
    if (kind, verb) == (DocumentKind.AREA, "see"):
        assert act(*arguments) == []  # type: ignore[operator]
        return
    with pytest.raises(PolicyError) as caught:
        act(*arguments)  # type: ignore[operator]
    assert str(caught.value) == (
        f"The access policy decides who may do what; it does not let nobody {verb} a shared {kind}; ask the analyst of "
        "the partnership"
    )


def test_a_settings_file_is_read_for_the_policy_itself(store: Store) -> None:
    assert read_shared_setting(store.engine, store.files_folder, "policy.toml") is None
    store.documents(ANALYST).write(SETTING, "policy.toml", "a = 'ü'".encode())
    assert read_shared_setting(store.engine, store.files_folder, "policy.toml") == "a = 'ü'"


def test_with_sqlite_a_file_that_a_person_edits_counts_at_once(tmp_path: Path) -> None:
    documents = documents_in(tmp_path)
    documents.write(SOURCE, "finds", b"title = 1")
    path = tmp_path / "sources" / "finds.toml"
    assert path.read_bytes() == b"title = 1"
    path.write_bytes(b"title = 2")
    found = documents.read(SOURCE, "finds")
    assert found is not None
    assert found.content == b"title = 2"
    path.unlink()
    assert documents.list_names(SOURCE) == []


@pytest.mark.slow
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["write", "remove", "add"]), KINDS, NAMES, st.binary(max_size=8)), max_size=12
    )
)
def test_any_order_of_changes_is_that_of_a_dictionary(
    tmp_path: Path, steps: list[tuple[str, DocumentKind, str, bytes]]
) -> None:
    home = tmp_path / hashlib.sha256(repr(steps).encode()).hexdigest()[:12]
    with Store.open(home) as store:
        documents, other = store.documents(ANALYST), Store(store.engine, home).documents(ANALYST)
        model: dict[tuple[DocumentKind, str], bytes] = {}
        for verb, kind, name, content in steps:
            if verb == "write":
                documents.write(kind, name, content)
                model[kind, name] = content
            elif verb == "remove":
                assert other.remove(kind, name) == (model.pop((kind, name), None) is not None)
            else:
                is_free = (kind, name) not in model
                assert other.add_all(kind, {name: content}) == is_free
                model.setdefault((kind, name), content)
            for reader in (documents, other):
                found = reader.read_all(kind)
                assert {key: one.content for key, one in found.items()} == {
                    key: value for (of, key), value in model.items() if of == kind
                }
