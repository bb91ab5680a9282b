"""Real police.uk months of Cleveland as a release: nothing is proved, most is shown, and the snapping is said."""

from pathlib import Path

import pytest

from hexbeat.areas.area import load_area
from hexbeat.release.audit import audit_folder
from hexbeat.store.store import Store
from tests.support.input_files import ingest
from tests.support.releases import Publisher

pytestmark = [pytest.mark.shared, pytest.mark.slow]


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
