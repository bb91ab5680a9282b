"""A file's way through the Data page, in a real Chromium on a real server."""

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from hexbeat.areas.area import load_area
from tests.support.browser import Windows
from tests.support.events import filled
from tests.support.partners_side import Served, Visit, visit
from tests.support.servers import hexbeat_server

pytestmark = pytest.mark.browser


def test_a_file_with_bad_rows_is_checked_loaded_and_undone(windows: Windows, home: Path) -> None:
    """On a store of real records: they never join a demonstration."""
    rows = (
        "layer,source_id,lon,lat,occurred_from,quantity,category\n"
        "needle_litter,a1,-1.2345,54.5742,2026-03-20 14:05,3,<img src=x onerror=window.hacked=1>\n"
        "needle_litter,a2,-1.2355,54.5752,2026-03-19,1,=1+1\n"
        "needle_litter,a3,,,2026-03-19,1,${7*7}</script><script>window.hacked=1</script>\n"
        "needle_litter,a4,-1.2355,54.5752,`never`,1,[x](javascript:window.hacked=1)\n"
        "needle_litter,a5,-9.2355,54.5752,2026-03-19,1,:material/home: $x$\n"
    )
    filled(home)
    environment = {"HEXBEAT_HOME": str(home), "HEXBEAT_AREA": "middlesbrough", "HEXBEAT_DATABASE_URL": ""}
    with hexbeat_server(environment=environment) as url:
        guest = visit(windows, f"{url}/data")
        check_load_and_undo(guest, Served(url, home, load_area("middlesbrough", home=home)), rows)
        guest.leave()


def check_load_and_undo(guest: Visit, served: Served, rows: str) -> None:
    """Upload these rows, check and load them, download the rejects, and undo the load; nothing of them is run."""
    page, before = guest.page, len(served.columns())
    guest.upload(
        {"name": "found <img src=x onerror=window.hacked=1>.csv", "mimeType": "text/csv", "buffer": rows.encode()},
        uploader="upload",
    )
    page.get_by_role("button", name="Check the file").click()
    report = page.get_by_role("region", name="What would change")
    expect(report.locator("td.hb-number")).to_have_text(["5", "2", "0", "0", "0", "0", "3"])
    reasons = page.get_by_role("region", name="Skipped or rejected, and why")
    expect(reasons.locator("tbody tr")).to_have_text(
        ["a date that cannot be read1", "no coordinates, and no address that can be placed1", "outside the area1"]
    )
    first = page.get_by_role("region", name="The first rejected rows of each reason")
    expect(first).to_contain_text("category: ${7*7}</script><script>window.hacked=1</script>")
    expect(first).to_contain_text("category: [x](javascript:window.hacked=1)")
    assert len(served.columns()) == before

    page.get_by_text("Load it", exact=True).click()
    expect(page.get_by_text("Loaded.", exact=True)).to_be_visible()
    guest.settle()
    assert len(served.columns()) == before + 2
    assert list((served.home / "uploads").iterdir()) == []
    with page.expect_download() as coming:
        page.get_by_text("Download the rejects", exact=True).click()
    rejects = pd.read_csv(coming.value.path(), dtype=str)
    assert sorted(rejects["rejected_reason"]) == ["bad_date", "missing_location", "outside_area"]

    page.get_by_text("Undo the last load", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="2 new events go")).to_be_visible()
    page.get_by_text("Yes, undo it", exact=True).click()
    expect(page.get_by_text("The load was undone.", exact=True)).to_be_visible()
    assert len(served.columns()) == before
    assert page.evaluate("window.hacked") is None
