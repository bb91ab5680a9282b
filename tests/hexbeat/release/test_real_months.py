"""Real police.uk months of Cleveland as a release: nothing is proved, most is shown, and the snapping is said."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from hexbeat.areas.area import load_area
from hexbeat.dashboard.public.published_counts import ReleaseTotals
from hexbeat.dashboard.public.sentences import describe_ward
from hexbeat.release.audit import audit_folder
from hexbeat.store.store import Store
from tests.support.input_files import ingest
from tests.support.releases import Publisher

pytestmark = [pytest.mark.shared, pytest.mark.slow]


def test_months_that_are_missing_have_no_number_until_they_are_loaded(shared: Path, tmp_path: Path) -> None:
    """May, June and July 2024 taken out: two quarters are not known, and are published once the months are there."""
    publisher = Publisher(tmp_path / "home", area=load_area("middlesbrough"))
    months = {
        month: shared / "events" / "police_uk" / f"2024-{month:02d}-cleveland-street.csv" for month in range(1, 13)
    }
    missing = [months.pop(month) for month in (5, 6, 7)]
    with Store.open(publisher.home) as store:
        ingest(store, *months.values(), source="police-uk-street", area=publisher.area)
    publisher.policy = replace(publisher.policy, first=date(2024, 1, 1))
    first = publisher.publish(tmp_path / "out", as_at="2026-11-23", now="2026-12-01").release
    layer = first.layer("street_dealing")
    assert [period.name for period in layer.periods] == ["2024-Q1", "2024-Q4"]
    assert [period.name for period in layer.not_known][:2] == ["2024-Q2", "2024-Q3"]
    assert {block.period for block in first.blocks} == {"2024-Q1", "2024-Q4"}
    published = ReleaseTotals(first)
    for period in layer.not_known:
        for ward in (None, *published.wards):
            sentences = describe_ward(published, layer, period, ward)
            assert sentences[0].endswith("is not known.")
            assert not re.findall(r"\d", re.sub(r"20\d\d", "", " ".join(sentences)))
    with Store.open(publisher.home) as store:
        ingest(store, *missing, source="police-uk-street", area=publisher.area)
    second = publisher.publish(tmp_path / "out", as_at="2027-01-02", now="2027-01-02").release
    assert [period.name for period in second.layer("street_dealing").periods] == [
        f"2024-Q{number}" for number in range(1, 5)
    ]
    assert {"2024-Q2", "2024-Q3"} <= {block.period for block in second.blocks}
    assert audit_folder(tmp_path / "out", before=[first]).findings == ()


@pytest.mark.parametrize(("name", "least_at_pieces"), [("middlesbrough", 0.25), ("cleveland", 0.15)])
def test_real_months_make_a_safe_release(shared: Path, tmp_path: Path, name: str, least_at_pieces: float) -> None:
    publisher = Publisher(tmp_path / "home", area=load_area(name))
    files = [shared / "events" / "police_uk" / f"2024-{month:02d}-cleveland-street.csv" for month in range(1, 13)]
    with Store.open(publisher.home) as store:
        ingest(store, *files, source="police-uk-street", area=publisher.area)
    published = publisher.publish(tmp_path / "out", as_at="2026-11-23", now="2026-12-01")
    assert audit_folder(tmp_path / "out").findings == ()
    blocks = published.release.blocks
    shown, hidden = sum(block.count for block in blocks), sum(published.hidden["street_dealing"].values())
    at_pieces = sum(block.count for block in blocks if block.level == "piece")
    assert hidden < 0.03 * (shown + hidden)
    assert at_pieces > least_at_pieces * (shown + hidden)
    assert {block.level for block in blocks} == {"piece", "group", "ward", "borough"}
    assert "not where they happened" in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")
