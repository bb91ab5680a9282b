"""Releases over time: what is published, what stays, and what a publisher is refused."""

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from geo.errors import AreaError, DataError, HexbeatError, PolicyError, UsageError
from hexbeat.areas.area import load_area
from hexbeat.operations.ledger.ledger import work_version
from hexbeat.release import publication as publishing
from hexbeat.release.audit import AuditReport, Disclosure, audit_folder
from hexbeat.release.format import Release
from hexbeat.release.policy import ReleasePolicy
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.releases import Publisher, made_quarters, with_layer
from tests.support.stores import documents_in

TERMS = "Published terms never change: two ways to count the same events would prove small numbers"


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with events and no release."""
    made = Publisher(tmp_path_factory.mktemp("loaded") / "home")
    made.load(made_quarters(made.area), now="2026-07-02")
    made.load(made_quarters(made.area, number=600, layer="overdoses"), now="2026-07-03", name="b.csv")
    return made.home


@pytest.fixture(scope="module")
def released(loaded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with such a home, and its first release in `out`."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copytree(loaded, folder / "home")
    Publisher(folder / "home").publish(folder / "out")
    return folder


@pytest.fixture
def fresh(loaded: Path, tmp_path: Path) -> Publisher:
    """A publisher before the first release."""
    shutil.copytree(loaded, tmp_path / "home")
    return Publisher(tmp_path / "home")


@pytest.fixture
def publisher(released: Path, tmp_path: Path) -> Publisher:
    """A publisher after the first release, which is in tmp_path / "out"."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return Publisher(tmp_path / "home")


@pytest.mark.slow
def test_a_release_holds_the_periods_that_are_due_and_passes_the_audit(fresh: Publisher, tmp_path: Path) -> None:
    published = fresh.publish(tmp_path / "out")
    release = Release.read(tmp_path / "out")
    needles, overdoses = release.layer("needle_litter"), release.layer("overdoses")
    assert [needles.periods[0].name, needles.periods[-1].name] == ["2023-Q1", "2026-Q2"]
    assert [period.name for period in overdoses.periods] == ["2023", "2024"]
    assert release.find_blocks("needle_litter", "2026-Q1")
    assert min(block.count for block in release.blocks if block.layer == "needle_litter") >= 5
    report = audit_folder(tmp_path / "out")
    assert report.findings == ()
    assert report == published.report
    shown = sum(block.count for block in release.blocks if block.layer == "needle_litter")
    assert shown + sum(published.hidden["needle_litter"].values()) == 3000


@pytest.mark.slow
@pytest.mark.usefixtures("real_trees")
def test_builds_of_the_same_store_are_byte_identical(released: Path, tmp_path: Path) -> None:
    twin = Publisher(tmp_path / "twin")
    twin.load(made_quarters(twin.area).sample(frac=1, random_state=3), now="2026-07-02")
    twin.load(made_quarters(twin.area, number=600, layer="overdoses"), now="2026-07-03", name="b.csv")
    twin.publish(tmp_path / "again")
    assert files_of(released / "out") == files_of(tmp_path / "again")


@pytest.mark.slow
def test_with_nothing_due_the_last_release_is_written_again(publisher: Publisher, tmp_path: Path) -> None:
    before = files_of(tmp_path / "out")
    publisher.load(made_quarters(publisher.area, number=40, seed=9), now="2026-11-25", name="late.csv")
    shutil.rmtree(tmp_path / "out")  # as after a loss of power, when the register is written and the folder is not
    with Store.open(publisher.home) as store:
        work = work_version(store, ANALYST)
    again = publisher.publish(tmp_path / "out", as_at="2026-12-30")
    assert not again.is_new
    assert files_of(tmp_path / "out") == before
    with Store.open(publisher.home) as store:
        assert work_version(store, ANALYST) == work


@pytest.mark.slow
def test_what_is_received_late_counts_when_it_is_received(publisher: Publisher, tmp_path: Path) -> None:
    first = Release.read(tmp_path / "out")
    late = made_quarters(publisher.area, number=300, seed=9).assign(source_id=[f"late-{k}" for k in range(300)])
    publisher.load(late, now="2026-11-25", name="late.csv")
    second = publisher.publish(tmp_path / "out", as_at="2027-04-01").release
    for period in first.layer("needle_litter").periods:
        assert first.find_blocks("needle_litter", period.name) == second.find_blocks("needle_litter", period.name)
    assert sum(block.count for block in second.find_blocks("needle_litter", "2026-Q4")) > 200
    assert second.find_blocks("needle_litter", "2026-Q3") == ()
    assert [entry["number"] for entry in second.facts["previous"]] == [1]


@pytest.mark.slow
def test_searches_by_officers_are_named_where_they_count(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=0), now="2026-07-02", source="police-uk-stop-search")
    release = publisher.publish(tmp_path / "out").release
    assert [layer.name for layer in release.layers if layer.officers] == ["street_dealing"]
    (note,) = [source["note"] for source in release.facts["sources"] if source["name"] == "police-uk"]
    assert note.endswith("Searches by officers have their day, other events only their month.")
    assert Release.read(tmp_path / "out").layers == release.layers
    later = publisher.publish(tmp_path / "out", as_at="2027-01-01").release
    assert later.facts["sources"] == release.facts["sources"]


@pytest.mark.slow
def test_officers_records_of_a_table_change_no_byte(tmp_path: Path) -> None:
    """How many of them there are is in no block, so nothing that is published may depend on it."""
    written = []
    for number in (0, 4, 5, 50):
        publisher = Publisher(tmp_path / f"home{number}")
        quarters = made_quarters(publisher.area)
        quarters["reported_by"] = ["officer"] * number + ["public"] * (len(quarters) - number)
        publisher.load(quarters, now="2026-07-02")
        publisher.publish(tmp_path / f"out{number}")
        written.append({path.name: path.read_bytes() for path in sorted((tmp_path / f"out{number}").iterdir())})
    assert all(files == written[0] for files in written)


@pytest.mark.slow
def test_an_event_moved_to_another_quarter_by_a_correction_counts_once(publisher: Publisher, tmp_path: Path) -> None:
    moved = made_quarters(publisher.area)
    moved["occurred_from"] = moved["occurred_to"] = 1_785_000_000  # July 2026
    publisher.load(moved, now="2026-11-25")
    second = publisher.publish(tmp_path / "out", as_at="2027-01-01")
    assert second.is_new
    assert second.release.find_blocks("needle_litter", "2026-Q3") == ()


@pytest.mark.slow
def test_known_periods_without_events_give_a_release_without_numbers(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path / "home")
    publisher.load(made_quarters(publisher.area, number=0), now="2026-07-02")
    assert publisher.publish(tmp_path / "out").release.blocks == ()
    assert Release.read(tmp_path / "out").blocks == ()


def other_layers(policy: ReleasePolicy) -> ReleasePolicy:
    return replace(policy, layers=policy.layers[1:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "fact", "hint"),
    [
        (
            lambda policy: with_layer(policy, "needle_litter", k=6),
            "the threshold k of needle_litter was 5, and now it is 6",
            "put 5 back into the policy",
        ),
        (
            lambda policy: with_layer(policy, "needle_litter", months=6),
            "the period length in months of needle_litter was 3, and now it is 6",
            "put 3 back into the policy",
        ),
        (
            lambda policy: with_layer(policy, "overdoses", minimum_places=2),
            "the minimum of places of overdoses was 3, and now it is 2",
            "put 3 back into the policy",
        ),
        (
            lambda policy: with_layer(policy, "overdoses", half_full=True),
            "the bound half_full of overdoses was false, and now it is true",
            "put false back into the policy",
        ),
        (
            lambda policy: with_layer(policy, "street_dealing", places="borough"),
            "the set of places of street_dealing was fine, and now it is whole",
            "put fine back into the policy",
        ),
        (
            lambda policy: replace(policy, floor=0.5),
            "needle_litter has other places than before: the wards, the list of places or the floor changed",
            "restore the area's files; for new wards make a new area: --area NEW --continues OLD",
        ),
        (
            lambda policy: replace(policy, first=dt.date(2025, 1, 1)),
            "the first day of closed_properties was 2023-01-01, and now it is 2025-01-01",
            'put first = "2023-01-01" into the policy, or leave it out',
        ),
        (
            other_layers,
            "needle_litter was published before, and now it is left out",
            "put needle_litter back into the policy",
        ),
    ],
)
def test_terms_stay_as_they_were_published(
    publisher: Publisher,
    tmp_path: Path,
    change: Callable[[ReleasePolicy], ReleasePolicy],
    fact: str,
    hint: str,
) -> None:
    before = files_of(tmp_path / "out")
    publisher.policy = change(publisher.policy)
    for day in ("2026-11-23", "2027-04-01"):  # nothing due, and something
        assert refused(publisher, tmp_path / "out", PolicyError, as_at=day) == f"{TERMS}; {fact}; {hint}"
    assert files_of(tmp_path / "out") == before
    register = documents_in(tmp_path / "home").list_names(DocumentKind.RELEASE)
    assert {name.split("/")[1] for name in register} == {"0001"}


def test_an_area_within_an_area_is_refused(publisher: Publisher, tmp_path: Path) -> None:
    publisher.area = load_area("cleveland")
    assert refused(publisher, tmp_path / "new", PolicyError) == (
        f"{TERMS}; 20 wards of cleveland were published as part of middlesbrough; use --area middlesbrough, or use "
        "--continues middlesbrough to begin with the next period"
    )
    assert not (tmp_path / "new").exists()


def refused(publisher: Publisher, out: Path, kind: type[HexbeatError], **when: str) -> str:
    with pytest.raises(kind) as caught:
        publisher.publish(out, **when)
    return str(caught.value)


def test_days_to_come_and_days_gone_by_are_refused(publisher: Publisher, tmp_path: Path) -> None:
    rule = "The day of a release is today, or a past day not before the last release"
    future = refused(publisher, tmp_path / "out", UsageError, as_at="2026-11-24", now="2026-11-23")
    assert future == f"{rule}; 2026-11-24 is in the future; leave --as-at out"
    past = refused(publisher, tmp_path / "out", UsageError, as_at="2026-11-21", now="2026-11-23")
    assert past == f"{rule}; the day of the last release is 2026-11-22; choose that day or a later day"


@pytest.mark.slow
def test_a_folder_with_something_else_is_left_alone(publisher: Publisher, tmp_path: Path) -> None:
    rule = "A release needs a new folder, or the folder of an earlier release of the same register"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("three years of work", encoding="utf-8")
    assert refused(publisher, tmp_path / "mine", UsageError) == (
        f"{rule}; mine holds something else; choose another folder"
    )
    stranger = Publisher(tmp_path / "other")
    stranger.load(made_quarters(stranger.area, number=0), now="2026-07-02")
    stranger.publish(tmp_path / "stranger")
    assert refused(publisher, tmp_path / "stranger", UsageError) == (
        f"{rule}; stranger holds a release that is not in the register; choose another folder; if the register "
        "is lost, restore the store from a copy first"
    )


def test_without_a_list_of_places_nothing_is_released(publisher: Publisher, tmp_path: Path) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    publisher.area = replace(publisher.area, folder=folder)
    assert refused(publisher, tmp_path / "new", AreaError) == (
        "A release needs the list of places in Middlesbrough where events can happen; there is no list yet; "
        "make it: hexbeat boundaries places FILE --area middlesbrough"
    )
    assert not (tmp_path / "new").exists()


def test_a_register_that_was_touched_stops_everything(publisher: Publisher, tmp_path: Path) -> None:
    documents_in(tmp_path / "home").update(
        DocumentKind.RELEASE,
        "middlesbrough/0001/note.json",
        lambda note: (note or b"").replace(b'"checksum": "', b'"checksum": "0'),
    )
    assert refused(publisher, tmp_path / "out", DataError) == (
        "The register has to hold every published release, unchanged; of middlesbrough number 1 was "
        "changed; restore the store from a copy; nothing can be published without it"
    )


def test_nothing_is_written_when_the_audit_finds_anything(
    fresh: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = AuditReport((Disclosure("needle_litter", "2026-Q2", "Central A1", "made up"),), 1, 1, 1, 1, (), 0, 0, 0)
    monkeypatch.setattr(publishing, "audit_release", lambda *_, **__: report)
    assert refused(fresh, tmp_path / "out", PolicyError) == (
        "A release is written only if the audit finds nothing; "
        "the audit found 1 problem: needle_litter 2026-Q2 Central A1: made up; "
        "nothing was written; report this as a fault of Hexbeat"
    )
    assert not (tmp_path / "out").exists()
    assert documents_in(tmp_path / "home").list_names(DocumentKind.RELEASE) == []
