"""The pages "Did it work" and "Naloxone" without a browser: what they say before and after looking."""

from pathlib import Path

import h3
import pytest
from streamlit.testing.v1 import AppTest

from tests.support.demonstrations import filled_store
from tests.support.partners_side import one_page


@pytest.fixture(autouse=True)
def of_the_demonstration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests only read."""
    del home
    monkeypatch.setenv("HEXBEAT_HOME", str(filled_store()))


def html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.mark.slow
def test_the_rule_is_shown_first_and_the_answer_only_when_asked_for() -> None:
    app = one_page("outcome")
    assert "Did it work?" in html(app)
    assert app.info[0].value == "Choose a closure from the list, or choose all closures in a period."
    box = app.selectbox(key="outcome_closure")
    box.select_index(200).run()
    before = html(app)
    assert "Matched controls: the 20 most similar of " in before
    assert "expected" not in before.split("SHA-256")[1]
    app.button(key="outcome_look").click().run()
    assert not app.exception
    after = html(app)
    assert "This is a comparison, not a proof of cause" in after
    assert "where" in after
    assert after.count("<tr>") == 4
    # Another question is another rule: it has to be asked for again.
    app.number_input(key="outcome_radius").set_value(200).run()
    assert "This is a comparison" not in html(app)


@pytest.mark.slow
def test_cells_are_one_place_by_the_words_of_the_map_or_by_their_codes() -> None:
    app = one_page("outcome")
    app.session_state["outcome_way"] = "Cells"
    app.run()
    assert app.info[0].value == "Choose one or more cells. They count as one place."
    box = app.multiselect(key="outcome_cells")
    assert len(box.options) == len(set(box.options)) > 400
    first = next(name for name in box.options if name.endswith("(Central)"))
    box.select(first).run()
    assert "Treated: in the chosen cell." in html(app)
    box = app.multiselect(key="outcome_cells")
    box.set_value([box.value[0], ", ".join(h3.grid_ring(box.value[0], 1)[:2])]).run()
    assert not app.exception
    assert "Treated: in the 3 chosen cells." in html(app)
    box = app.multiselect(key="outcome_cells")
    box.set_value(["nowhere"]).run()
    assert "A cell is named by its H3 number in hexadecimal digits" in html(app)


@pytest.mark.slow
def test_weights_that_make_no_sense_are_told() -> None:
    app = one_page("outcome")
    app.selectbox(key="outcome_closure").select_index(200).run()
    app.text_input(key="outcome_weights").set_value("overdoses=lots").run()
    assert "A weight is a layer, or a layer and a category, and a number above 0" in html(app)


@pytest.mark.slow
def test_naloxone_says_how_to_load_places_and_shows_the_next_ones() -> None:
    app = one_page("naloxone")
    assert app.info[0].value.startswith("To load them, go to the Data page with a list of the pharmacies")
    assert "No naloxone places are loaded yet, so cover is not known" in html(app)
    assert "The next places are proved best together" in html(app)
    files = [button.label for button in app.get("download_button")]
    assert files == ["One A4 page (PDF)", "Places (CSV)", "Places (GeoJSON)"]
