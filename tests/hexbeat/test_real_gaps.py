"""The twelve months of 2024 with three taken out: nothing says a number, a change or "none" for these three."""

import json
from pathlib import Path

import pytest

import hexbeat
from hexbeat.areas.area import load_area
from hexbeat.ingest.ingest import ingest_files
from hexbeat.store.store import Store
from layers.access import ANALYST
from tests.support.cli import Run
from tests.support.papers import read_paper
from tests.support.partners_side import one_page

pytestmark = [pytest.mark.shared, pytest.mark.slow]
KINDS = {"street": "police-uk-street", "stop-and-search": "police-uk-stop-search"}
GAP = ("--from", "2024-05-01", "--to", "2024-08-01")
DEALING = ("--layer", "street_dealing")
NOT_KNOWN = "May to Jul 2024 are not known"


@pytest.fixture(scope="module")
def gap_home(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with nine months of both kinds of files."""
    home, area = tmp_path_factory.mktemp("gaps") / "home", load_area("middlesbrough")
    with Store.open(home) as store:
        for kind, source in KINDS.items():
            files = sorted((shared / "events" / "police_uk").glob(f"*-{kind}.csv"))
            known = [file for file in files if file.name[5:7] not in {"05", "06", "07"}]
            assert (len(files), len(known)) == (12, 9)
            ingest_files(store, ANALYST, known, source=source, area=area, home=home)
    return home


def ask(run: Run, home: Path, *arguments: object) -> tuple[str, dict[str, object]]:
    """What a person reads of a command, and its JSON."""
    table = run(*arguments, "--home", home)
    assert table.code == 0, table.err
    return table.out + table.err, dict(run(*arguments, "--home", home, "--format", "json").json)


def test_counts_of_the_months_are_not_known(run: Run, gap_home: Path) -> None:
    words, answer = ask(run, gap_home, "counts", *DEALING, *GAP)
    assert answer["missing"] == NOT_KNOWN
    assert f"{NOT_KNOWN}. That is not the same as none." in words
    assert "Events: not known, 0 shared" in words
    assert "none\n" not in words
    whole = ask(run, gap_home, "counts", *DEALING, "--by", "month")[1]
    assert [row["month"] for row in whole["rows"] if "2024-05" <= row["month"] <= "2024-07"] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("period", [("2024-05-01", "2024-08-01"), ("2024-08-01", "2024-11-01")])
def test_no_change_is_told_from_or_to_them(run: Run, gap_home: Path, period: tuple[str, str]) -> None:
    words, answer = ask(run, gap_home, "change", *DEALING, "--from", period[0], "--to", period[1], "--by", "all")
    assert "not known" in words
    assert answer["missing"] == "There is no comparison, because no day from 1 May to 31 Jul 2024 is known."
    assert not {"rise", "fall"} & {str(row.get("change")) for row in answer["rows"]}  # type: ignore[attr-defined]


def test_no_hotspot_and_no_alert_is_of_them(run: Run, gap_home: Path) -> None:
    words, answer = ask(run, gap_home, "hotspots", *DEALING, *GAP)
    assert (answer["total"], answer["hot"], answer["cold"]) == (None, None, None)
    assert "not known" in words
    alerts = run("alerts", *DEALING, "--day", "2024-07-15", "--days", "60", "--home", gap_home, "--format", "json")
    assert [alert for alert in alerts.json["alerts"] if "2024-05" <= str(alert["day"])[:7] <= "2024-07"] == []


def test_no_alert_of_days_that_are_not_known_is_not_none(run: Run, gap_home: Path) -> None:
    words, answer = ask(run, gap_home, "alerts", *DEALING, "--day", "2024-06-20")
    assert answer["not_known"] == ["street_dealing"]
    assert "Alerts on 20 Jun 2024: not known" in words
    assert (
        "Street dealing: what is known before 20 Jun 2024 is from police-uk-stop-search to 30 Apr "
        "2024 and police-uk-street to 30 Apr 2024." in answer["notes"]  # type: ignore[operator]
    )
    words, answer = ask(run, gap_home, "alerts", *DEALING, "--day", "2024-04-20")
    assert answer["not_known"] == []
    assert "Alerts on 20 Apr 2024: not known" not in words
    assert "are by ward until 210 days before are known." in words
    words, answer = ask(run, gap_home, "alerts", "--day", "2024-04-16")
    assert answer["not_known"] == ["needle_litter", "overdoses"]
    assert "Alerts on 16 Apr 2024: none; of needle finds and overdoses not known" in words
    assert "Needle finds: no source covers 16 Apr 2024 or a day before it." in answer["notes"]  # type: ignore[operator]
    assert (
        "Alerts in the 7 days to 16 Apr 2024" in ask(run, gap_home, "alerts", "--day", "2024-04-16", "--days", "7")[0]
    )


def test_files_and_frames_say_what_is_missing(run: Run, gap_home: Path, tmp_path: Path) -> None:
    out = tmp_path / "wards.geojson"
    period = ("--from", "2024-04-01", "--to", "2024-06-01")
    assert run("counts", *DEALING, *period, "--by", "ward", "--out", out, "--home", gap_home).code == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["metadata"]["missing"] == "May 2024 is not known"
    assert {feature["properties"]["days_not_known"] for feature in written["features"]} == {"May 2024 is not known"}
    with hexbeat.open(home=gap_home) as town:
        frame = town.wards("street_dealing", start="2024-05-01", end="2024-08-01")
        assert (len(frame), frame.attrs["missing"]) == (0, NOT_KNOWN)
        assert town.wards("street_dealing", start="2024-04-01", end="2024-05-01").attrs["missing"] is None


def test_naloxone_says_that_overdoses_are_not_known(run: Run, gap_home: Path) -> None:
    outcome = run("naloxone", "--from", "2024-05-01", "--to", "2024-08-01", "--home", gap_home)
    assert outcome.code == 3
    assert "None is on record in this period, of which May to Jul 2024 are not known." in outcome.err


def test_old_records_are_told_as_old(run: Run, gap_home: Path) -> None:
    words, answer = ask(run, gap_home, "alerts", *DEALING)
    assert answer["alerts"] == []
    assert "Records end" in words
    assert "There are no alerts of now." in words


def test_a_back_test_leaves_their_weeks_out(run: Run, gap_home: Path) -> None:
    words, _ = ask(run, gap_home, "backtest", *DEALING)
    assert "not known" in words or "left out" in words


def test_a_release_publishes_no_quarter_that_holds_one_of_them(run: Run, gap_home: Path, tmp_path: Path) -> None:
    done = run(
        "release",
        "build",
        "--out",
        tmp_path / "release",
        "--first",
        "2024-01-01",
        "--home",
        gap_home,
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "release" / "release.json").read_text(encoding="utf-8"))
    (dealing,) = [layer for layer in facts["layers"] if layer["name"] == "street_dealing"]
    assert [period["name"] for period in dealing["periods"]] == ["2024-Q1", "2024-Q4"]
    assert [period["name"] for period in dealing["not_known"]][:2] == ["2024-Q2", "2024-Q3"]
    blocks = (tmp_path / "release" / "blocks.csv").read_text(encoding="utf-8")
    assert "2024-Q2" not in blocks
    assert "2024-Q3" not in blocks


def test_an_evidence_pack_has_no_nought_of_them(run: Run, gap_home: Path, tmp_path: Path) -> None:
    place = ("--place", "54.5742,-1.2350", "--radius", "300", "--for", "X", "--by", "Y")
    asked = ("evidence", *place, "--out", tmp_path / "e.pdf")
    words, answer = ask(run, gap_home, *asked, "--from", "2024-04-01", "--to", "2024-12-01")
    assert "needle finds not known" in words
    months = {row["month"]: row for row in answer["content"]["months"]}  # type: ignore[index]
    assert list(months) == [f"2024-{month:02}" for month in range(4, 12)]
    assert {row["needle_litter"] for row in months.values()} == {None}
    assert [month[5:] for month, row in months.items() if row["street_dealing"] is None] == ["05", "06", "07"]
    paper = read_paper((tmp_path / "e.pdf").read_bytes()).words
    assert "May 2024 not known not known not known" in " ".join(paper.split())
    words, answer = ask(run, gap_home, *asked, *GAP)
    assert "Records: not known" in words
    assert "none" not in words.replace("That is not the same as none.", "")


def test_a_briefing_of_them_says_what_is_not_known(run: Run, gap_home: Path, tmp_path: Path) -> None:
    """Of dealing alone, and of 10 days ago: nothing is known of closures and of alerts of now."""
    asked = ("briefing", "--for", "shift", "--hours", "22-06", "--day", "2025-01-10", "--out", tmp_path / "b.pdf")
    words, answer = ask(run, gap_home, *asked)
    assert "Street dealing: records to Dec 2024 (known to the month)." in words
    assert answer["unknown_alerts"] == [
        "needle_litter",
        "street_dealing",
        "overdoses",
    ]  # and of dealing, since it ends 10 days before
    paper = " ".join(read_paper((tmp_path / "b.pdf").read_bytes()).words.split())
    assert "Closures that end within 14 days Not known. Closures new in the last 14 days Not known." in paper
    assert "Alerts of now of needle finds, reports of street dealing and overdoses are not known." in paper
    assert "records to Dec 2024 (known to the month)" in paper
    assert "1 Dec 2024" not in paper.replace("31 Dec 2024", "")


@pytest.mark.parametrize("page", ["map", "briefing", "data"])
def test_pages_say_what_is_not_known(gap_home: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    monkeypatch.setenv("HEXBEAT_HOME", str(gap_home))
    monkeypatch.setenv("HEXBEAT_AREA", "middlesbrough")
    query = {"layers": "street_dealing", "from": "2024-05-01", "to": "2024-07-31"} if page == "map" else {}
    app = one_page(page, **query)
    text = " ".join(str(element.value) for element in [*app.markdown, *app.text]) + "".join(
        str(getattr(element.proto, "body", "")) for element in app.get("html")
    )
    assert "not known" in text or "Records end" in text
    assert "No reports of street dealing" not in text
