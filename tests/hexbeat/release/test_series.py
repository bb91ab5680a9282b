"""A series over the years: an event counts once, whatever happens to its file; new wards go on with a new period."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo.errors import PolicyError, UsageError
from hexbeat.areas.area import load_area
from hexbeat.release import publication as publishing
from hexbeat.release.audit import audit_folder, audit_release
from hexbeat.release.format import Release
from hexbeat.release.register import Register
from hexbeat.store.shared_documents import DocumentKind
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import event_id
from tests.support.releases import Publisher
from tests.support.small_town import CODES, Town, frame_of, make_area
from tests.support.stores import documents_in

NEW = {CODES[0]: "E05999001", CODES[1]: "E05999001", CODES[2]: "E05999002"}  # two wards become one
TERMS = "Published terms never change: two ways to count the same events would prove small numbers"


class Town3(Publisher):
    """A publisher of three wards, with needle finds of some days at the first spots of the town."""

    def __init__(self, home: Path, name: str = "old", codes: dict[str, str] | None = None) -> None:
        stands = (home / "boundaries" / name).is_dir()
        super().__init__(home, area=load_area(name, home=home) if stands else make_area(home, name, codes))
        self.policy = replace(self.policy, first=date(2025, 1, 1))
        self.town = Town.of(self.area, self.policy)

    def finds(self, number: int, start: str, prefix: str, **columns: object) -> pd.DataFrame:
        """So many needle finds at one spot within two months from a day."""
        frame = frame_of(
            self.town, [5] * number, layer="needle_litter", start=date.fromisoformat(start), days=60,
            rng=np.random.default_rng(4), prefix=prefix,
        )  # fmt: skip
        return frame.assign(**columns)

    def build(self, out: Path, day: str, **how: object) -> Release:
        return self.publish(out, as_at=day, now=f"{day}", **how).release


def numbers(release: Release, layer: str = "needle_litter") -> dict[str, int]:
    """Events shown in each period that has any."""
    found: dict[str, int] = {}
    for block in release.blocks:
        if block.layer == layer:
            found[block.period] = found.get(block.period, 0) + block.count
    return found


@pytest.fixture(scope="module")
def first_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home of a town and its first release."""
    folder = tmp_path_factory.mktemp("first")
    made = Town3(folder / "home")
    made.load(made.finds(20, "2025-01-10", "q1"), now="2025-04-02", name="q1.csv")
    assert numbers(made.build(folder / "first", "2025-07-01")) == {"2025-Q1": 20}
    return folder


@pytest.fixture
def town(first_release: Path, tmp_path: Path) -> Town3:
    """A town with 20 finds of the first quarter of 2025, published on 1 July in `first`."""
    shutil.copytree(first_release, tmp_path, dirs_exist_ok=True)
    return Town3(tmp_path / "home")


def test_a_load_undone_and_repeated_counts_once(town: Town3, tmp_path: Path) -> None:
    with Store.open(town.home) as store:
        store.undo_last(ANALYST)
    more = pd.concat([town.finds(20, "2025-01-10", "q1"), town.finds(7, "2025-02-01", "late")])
    town.load(more, now="2025-07-20", name="q1.csv")
    assert numbers(town.build(tmp_path / "second", "2026-01-01")) == {"2025-Q1": 20, "2025-Q3": 7}


def test_an_erased_event_stays_counted_and_does_not_count_again(town: Town3, tmp_path: Path) -> None:
    with Store.open(town.home) as store:
        assert store.erase(ANALYST, "table", "q1-needle_litter-3").complete
        store.erase_source(ANALYST, "table")
    again = town.finds(20, "2025-01-10", "q1")
    town.load(pd.concat([again, town.finds(6, "2025-07-02", "q3")]), now="2025-08-01", name="all.csv")
    assert numbers(town.build(tmp_path / "second", "2026-01-01")) == {"2025-Q1": 20, "2025-Q3": 6}


def test_old_events_removed_by_age_and_loaded_again_do_not_count_again(town: Town3, tmp_path: Path) -> None:
    with Store.open(town.home) as store:
        assert store.retain(ANALYST, 1, is_clock_sure=True).events == 20  # these records end long before today
    town.load(town.finds(20, "2025-01-10", "q1"), now="2025-08-01", name="all.csv")
    assert numbers(town.build(tmp_path / "second", "2026-01-01")) == {"2025-Q1": 20}


@pytest.mark.slow
def test_an_event_moved_to_another_layer_or_quarter_counts_once(town: Town3, tmp_path: Path) -> None:
    town.load(town.finds(20, "2025-01-10", "q1", layer="street_dealing"), now="2025-07-10", name="q1.csv")
    second = town.build(tmp_path / "second", "2026-01-01")
    assert (numbers(second), numbers(second, "street_dealing")) == ({"2025-Q1": 20}, {})
    town.load(town.finds(20, "2025-01-10", "q1", layer="closed_properties"), now="2026-01-10", name="q1.csv")
    town.load(town.finds(20, "2025-10-10", "q1"), now="2026-01-11", name="q1.csv")
    third = town.build(tmp_path / "third", "2027-01-01")
    assert numbers(third) == {"2025-Q1": 20}
    assert not numbers(third, "closed_properties")


def test_the_register_holds_no_name_of_an_event(town: Town3, tmp_path: Path) -> None:
    with Store.open(town.home) as store:
        names = [event_id(source, key) for source, key in rows(store)]
    assert len(names) == 20
    documents = documents_in(tmp_path / "home").read_all(DocumentKind.RELEASE)
    assert "old/0001/note.json" in documents
    for document in documents.values():
        text = document.content.decode("utf-8")
        assert not [name for name in names if name in text or name[:10] in text]


def rows(store: Store) -> list[tuple[str, str]]:
    with store.engine.connect() as connection:
        return [(source, key) for source, key in connection.exec_driver_sql("select source, source_id from events")]


def renewed(town: Town3) -> Town3:
    """The same home under new wards, with new codes for the same ground."""
    return Town3(town.home, "new", NEW)


@pytest.mark.slow
def test_new_wards_go_on_with_the_next_period(town: Town3, tmp_path: Path) -> None:
    new = renewed(town)
    new.load(new.finds(8, "2025-04-10", "q2"), now="2025-06-10", name="q2.csv")
    new.load(new.finds(11, "2025-01-20", "late"), now="2025-07-20", name="late.csv")  # found in Q1, received in Q3
    new.load(new.finds(20, "2025-01-10", "q1"), now="2025-08-01", name="q1.csv")  # old finds, under their new ward
    first = new.build(tmp_path / "new", "2026-01-01", continues="old")
    assert numbers(first) == {"2025-Q2": 8, "2025-Q3": 11}
    assert [period.name for period in first.layer("needle_litter").periods] == ["2025-Q2", "2025-Q3"]
    assert [(entry["area"], entry["number"]) for entry in first.facts["previous"]] == [("old", 1)]
    assert {place.ward_code for place in first.leaves("fine")} == set(NEW.values())
    second = new.build(tmp_path / "new", "2026-04-01")
    assert [entry["area"] for entry in second.facts["previous"]] == ["old", "new"]
    old = Release.read(tmp_path / "first")
    assert audit_folder(tmp_path / "new", before=[old, first]).findings == ()


def test_events_loaded_under_the_old_wards_count_under_the_new(town: Town3, tmp_path: Path) -> None:
    town.load(town.finds(8, "2025-04-10", "q2"), now="2025-06-10", name="q2.csv")
    assert numbers(renewed(town).build(tmp_path / "new", "2025-10-01", continues="old")) == {"2025-Q2": 8}


def test_new_wards_are_refused_unless_they_go_on(town: Town3, tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        renewed(town).build(tmp_path / "new", "2026-01-01")
    assert str(caught.value) == (
        f"{TERMS}; 2 wards of new were published as part of old; use --area old, or use --continues old to begin "
        "with the next period"
    )


def test_a_series_that_goes_on_elsewhere_is_closed(town: Town3, tmp_path: Path) -> None:
    new = renewed(town)
    new.build(tmp_path / "new", "2025-10-01", continues="old")
    with pytest.raises(PolicyError) as caught:
        town.build(tmp_path / "first", "2026-01-01")
    assert str(caught.value) == f"{TERMS}; the series of old continues as new; use --area new"
    with pytest.raises(PolicyError) as caught:
        new.build(tmp_path / "new", "2026-01-01", continues="elsewhere")
    assert str(caught.value) == f"{TERMS}; this series continues old, not elsewhere; leave --continues out"


def test_nothing_can_go_on_from_nothing(town: Town3, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        renewed(town).build(tmp_path / "new", "2026-01-01", continues="nowhere")
    assert str(caught.value) == (
        "A series can continue only a published series; nothing was published for nowhere; choose an area of "
        "which something was published"
    )


def test_the_audit_finds_a_day_published_for_two_areas(town: Town3, tmp_path: Path) -> None:
    new = Town3(tmp_path / "other", "new", NEW)
    new.load(new.finds(20, "2025-01-10", "q1"), now="2025-04-02", name="q1.csv")
    second = new.build(tmp_path / "new", "2025-07-01")
    found = audit_release(second, before=[Release.read(tmp_path / "first")]).findings
    assert [(one.layer, one.period, one.reason) for one in found] == [
        (layer, "2025-Q1", "an earlier release of another area includes days of this period")
        for layer in ("needle_litter", "street_dealing")
    ]
    del town


@pytest.mark.slow
def test_a_file_that_comes_again_with_other_keys_adds_nothing(town: Town3, tmp_path: Path) -> None:
    """A source without an ID is keyed by its rows' digest: a status that changes makes it a new event."""
    with Store.open(town.home) as store:
        store.undo_last(ANALYST)
    again = town.finds(20, "2025-01-10", "other-keys")
    town.load(pd.concat([again, town.finds(6, "2025-01-10", "late")]), now="2025-07-20", name="q1.csv")
    assert numbers(town.build(tmp_path / "second", "2026-01-01")) == {"2025-Q1": 20, "2025-Q3": 6}
    with Store.open(town.home) as store:
        store.erase_source(ANALYST, "table")
    town.load(pd.concat([again, town.finds(6, "2025-01-10", "x")]), now="2026-02-20", name="q1.csv")
    assert numbers(town.build(tmp_path / "third", "2026-07-01")) == {"2025-Q1": 20, "2025-Q3": 6}


def test_events_under_new_keys_in_other_pieces_add_nothing(town: Town3, tmp_path: Path) -> None:
    """Points that a source moves and names anew: more in one piece, but no more in all."""
    with Store.open(town.home) as store:
        store.undo_last(ANALYST)
    moved = frame_of(town.town, [60] * 20, layer="needle_litter", start=date(2025, 1, 10), days=60,
                     rng=np.random.default_rng(4), prefix="moved")  # fmt: skip
    town.load(moved, now="2025-07-20", name="q1.csv")
    assert numbers(town.build(tmp_path / "second", "2026-01-01")) == {"2025-Q1": 20}


@pytest.mark.parametrize("gone", ["", "0002"])
def test_a_register_that_is_lost_or_older_than_the_releases_stops_everything(
    town: Town3, tmp_path: Path, gone: str
) -> None:
    town.build(tmp_path / "second", "2025-10-01")
    register = documents_in(town.home)
    for name in register.list_names(DocumentKind.RELEASE):
        if name.startswith(f"old/{gone}"):
            register.remove(DocumentKind.RELEASE, name)
    with pytest.raises(PolicyError) as caught:
        town.build(tmp_path / "third", "2026-01-01")
    assert str(caught.value) == (
        "The register has to hold every release that was made from this store; the store knows number "
        f"{1 if not gone else 2} of old, which the register lacks; restore the store from a copy; "
        "nothing can be published without it"
    )
    assert not (tmp_path / "third").exists()


def test_a_copy_of_the_store_alone_knows_the_series(town: Town3, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    shutil.copy(town.home / "hexbeat.sqlite", tmp_path / "two")
    with pytest.raises(PolicyError) as caught:
        Town3(tmp_path / "two", "other", NEW).build(tmp_path / "out2", "2025-10-01")
    assert "were published as part of old" in str(caught.value)


def test_a_build_that_was_stopped_between_register_and_folder_is_finished(
    town: Town3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "record_head", stop)
        with pytest.raises(KeyboardInterrupt):
            town.build(tmp_path / "second", "2025-10-01")
    assert not (tmp_path / "second").exists()
    assert town.build(tmp_path / "second", "2025-10-01").facts["number"] == 2
    assert [old.number for old in Register(documents_in(town.home), "old").all()] == [1, 2]


@pytest.mark.slow
def test_of_two_builds_at_once_one_is_refused(town: Town3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile = Register(documents_in(town.home), "old")
    was = meanwhile.all()
    town.build(tmp_path / "second", "2025-10-01")
    monkeypatch.setattr(Register, "all", lambda _: was)
    monkeypatch.setattr(publishing, "require_whole_register", lambda *_: None)
    with pytest.raises(PolicyError) as caught:
        town.build(tmp_path / "third", "2025-10-01")
    assert str(caught.value) == (
        "Each release number is published once; somebody else has published number 2 meanwhile; run the command again"
    )
    assert not (tmp_path / "third").exists()


def test_the_folder_of_a_release_holds_nothing_else_and_lies_outside_the_home(town: Town3, tmp_path: Path) -> None:
    rule = "A release needs a new folder, or the folder of an earlier release of the same register"
    (tmp_path / "first" / "thesis.txt").write_text("three years of work", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        town.build(tmp_path / "first", "2025-10-01")
    assert str(caught.value) == f"{rule}; first holds something else; choose another folder"
    with pytest.raises(UsageError) as caught:
        town.build(town.home / "release", "2025-10-01")
    assert str(caught.value) == f"{rule}; release is inside the home folder; choose a folder outside it"


def test_made_up_and_real_events_are_never_in_one_series(town: Town3, tmp_path: Path) -> None:
    made_up = town.finds(9, "2025-04-10", "demo", source="demonstration")
    town.load(made_up, now="2025-07-10", name="demonstration", source="demonstration")
    with pytest.raises(PolicyError) as caught:
        town.build(tmp_path / "second", "2025-10-01")
    assert str(caught.value) == (
        "A series of releases has either demonstration events or real events; the store holds both, or the series "
        "began with the demonstration; remove the demonstration, or use another home folder and store if the "
        "series began with it"
    )


@pytest.mark.slow
def test_what_was_once_said_of_a_source_stays_said(town: Town3, tmp_path: Path) -> None:
    drugs = town.finds(9, "2025-04-10", "drugs", source="police-uk-street", layer="street_dealing")
    town.load(drugs, now="2025-07-10", name="street.csv", source="police-uk-street")
    assert [one["name"] for one in town.build(tmp_path / "out", "2025-10-01").facts["sources"]] == ["police-uk"]
    with Store.open(town.home) as store:
        store.undo_last(ANALYST)
    assert [one["name"] for one in town.build(tmp_path / "out", "2026-01-01").facts["sources"]] == ["police-uk"]


def test_a_burst_of_public_reports_that_makes_a_number_is_told_to_the_publisher(town: Town3, tmp_path: Path) -> None:
    day = 1_744_200_000  # 9 Apr 2025
    planted = town.finds(4, "2025-04-09", "plant", reported_by="public", occurred_from=day, occurred_to=day)
    own = town.finds(2, "2025-05-01", "own", reported_by="officer")
    town.load(pd.concat([planted, own]), now="2025-07-10", name="q2.csv")
    published = town.publish(tmp_path / "second", as_at="2025-10-01", now="2025-10-01", dry_run=True)
    assert [(burst.period, burst.day, burst.reports) for burst in published.bursts] == [
        ("2025-Q2", date(2025, 4, 9), 4)
    ]
    assert not (tmp_path / "second").exists()
    assert len(Register(documents_in(town.home), "old").all()) == 1
