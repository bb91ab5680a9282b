"""A file on the Data page: what is understood, what is offered, and what a person has to decide."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hexbeat.ingest.sources import list_profiles, load_profile
from hexbeat.store.records import read_live_records
from hexbeat.store.store import Store
from layers.access import ANALYST
from layers.event import DEMONSTRATION
from tests.support.events import event_frame, load
from tests.support.partners_side import one_page
from tests.support.stores import documents_in
from tests.support.workbook_files import write_workbook

SHARPS = "layer,lat,lon,date,No. of sharps,Weather\nneedles,54.57,-1.235,01/10/2026,10+,wet\n"


def month(number: int) -> str:
    """A crew's sheet of a month, whose numbers begin with 1."""
    rows = [f"needles,{key},{54.57 + number / 1000},-1.235,{key:02d}/{number:02d}/2026,{key}" for key in (1, 2, 3, 4)]
    return "\n".join(["layer,id,lat,lon,date,quantity", *rows]) + "\n"


def upload(app: AppTest, text: str, name: str = "finds.csv") -> AppTest:
    app.file_uploader[0].upload(name, text.encode(), "text/csv").run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    button.click().run()
    assert not app.exception
    return app


def read_page(app: AppTest) -> str:
    return "\n".join(str(part.value) for part in (*app.get("html"), *app.text))


def count_events(home: Path) -> int:
    with Store.open(home) as store:
        return len(read_live_records(store, ANALYST))


@pytest.fixture
def page(home: Path) -> AppTest:
    with Store.open(home):
        pass
    return one_page("data")


@pytest.mark.slow
def test_what_is_understood_and_not_read_is_said_and_a_column_is_used_by_one_click(page: AppTest, home: Path) -> None:
    text = read_page(upload(page, SHARPS))
    assert "<li>The place: lat and lon</li>" in text.replace("lon and lat", "lat and lon")
    assert "<li>No column is an identifier: place, date and content tell the rows apart</li>" in text
    assert "<li>No. of sharps and Weather</li>" in text
    assert (
        "No. of sharps looks like a number of needles. Use it? The source \u201ctable\u201d does not read it." in text
    )
    text = read_page(press(page, "Use this column"))
    assert load_profile("finds", documents_in(home)).quantity == ("No. of sharps",)
    assert "<li>How many: No. of sharps</li>" in text
    assert "looks like a number of" not in text
    text = read_page(press(page, "Check the file"))
    assert "1 of 1 row can be loaded." in text
    assert "1 row counts as the least number that the quantity says (10+ as 10)." in text
    press(page, "Load it")
    assert count_events(home) == 1


@pytest.mark.slow
def test_numbers_that_begin_again_need_a_decision(page: AppTest, home: Path) -> None:
    press(press(upload(page, month(9), "september.csv"), "Check the file"), "Load it")
    text = read_page(press(upload(page, month(10), "october.csv"), "Check the file"))
    assert "This file needs your decision before it is loaded." in text
    assert "october.csv: 4 of 4 known identifiers come with another day and another place." in text
    assert "Load it" not in [button.label for button in page.button]
    press(page, "The numbers begin again: use them with the date")
    assert "october" in [profile.name for profile in list_profiles(documents_in(home))]
    press(press(page, "Check the file"), "Load it")
    assert count_events(home) == 8


@pytest.mark.slow
def test_corrections_replace_events_after_a_second_word(page: AppTest, home: Path) -> None:
    press(press(upload(page, month(9)), "Check the file"), "Load it")
    press(upload(page, month(10)), "Check the file")
    press(page, "The file corrects them: replace the events")
    assert count_events(home) == 4
    assert "The events were replaced." in read_page(press(page, "Yes, replace them"))
    with Store.open(home) as store:
        assert read_live_records(store, ANALYST)["lat"].round(3).tolist() == [54.58] * 4


@pytest.mark.slow
def test_a_demonstration_is_removed_before_real_records_come(home: Path) -> None:
    with Store.open(home) as store:
        load(store, event_frame(["d"], source=DEMONSTRATION))
    page = one_page("data")
    text = read_page(press(upload(page, month(9)), "Check the file"))
    assert "This store holds demonstration events. Remove them first: the button is above." in text
    assert "Load it" not in [button.label for button in page.button]
    press(press(page, "Remove the demonstration events"), "Yes, remove them")
    press(page, "Load it")
    assert count_events(home) == 4


@pytest.mark.slow
def test_a_source_that_cannot_be_used_is_named_and_blocks_nothing(home: Path) -> None:
    (home / "sources").mkdir(parents=True)
    (home / "sources" / "torn.toml").write_text('name = "torn"\n', encoding="utf-8")
    text = read_page(upload(one_page("data"), month(9)))
    assert "The source \u201ctorn\u201d cannot be used. torn.toml has no title and no layer. All others work." in text
    assert "fits the source \u201ctable\u201d." in text


@pytest.mark.slow
def test_a_source_that_does_not_fit_is_said_before_the_check(page: AppTest) -> None:
    upload(page, month(9))
    (sources,) = [box for box in page.selectbox if box.label == "Source"]
    sources.set_value("police-uk-street").run()
    assert not page.exception
    assert "needs columns for the place (Longitude and Latitude)" in read_page(page)


def test_a_source_without_place_or_date_cannot_be_saved(page: AppTest) -> None:
    text = read_page(upload(page, "TYPE,SEEN,X,Y\nNeedle,in summer,490320.3,5458606.9\n", "thefts.csv"))
    assert "fits no source that is known. Say what its columns mean." in text
    assert "<li>No column looks like a place</li><li>No column looks like a date</li>" in text
    assert "Choose which columns tell a place and a date. Then you can save the source." in text
    assert "Save as a source" not in [button.label for button in page.button]


@pytest.mark.slow
def test_a_sheet_and_an_encoding_can_be_chosen(page: AppTest, home: Path, tmp_path: Path) -> None:
    heading = ["layer", "id", "lat", "lon", "date", "quantity"]
    sheets = {
        name: [heading, ["needles", f"{name}1", 54.57, -1.235, f"2026-0{number}-05", 1]]
        for number, name in enumerate(("Jan", "Feb"), start=1)
    }
    path = write_workbook(tmp_path / "months.xlsx", sheets)
    page.file_uploader[0].upload("months.xlsx", path.read_bytes(), "application/octet-stream").run()
    press(page, "Check the file")
    assert "2 of 2 rows can be loaded." in read_page(page)
    page.text_input(key="upload_sheet").set_value("Feb").run()
    press(page, "Check the file")
    assert "1 of 1 row can be loaded." in read_page(page)
    press(page, "Load it")
    with Store.open(home) as store:
        assert read_live_records(store, ANALYST)["source_id"].tolist() == ["Feb1"]


@pytest.mark.slow
def test_letters_that_look_wrong_are_read_as_the_person_says(page: AppTest, home: Path) -> None:
    text = "layer,id,lat,lon,date,category\nneedles,1,54.57,-1.235,2026-01-05,caf\u00e9\n"
    page.file_uploader[0].upload("finds.csv", text.encode("cp850"), "text/csv").run()
    page.selectbox(key="upload_encoding").select("cp850").run()
    press(page, "Check the file")
    press(page, "Load it")
    with Store.open(home) as store:
        assert read_live_records(store, ANALYST)["category"].tolist() == ["caf\u00e9"]
