from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import h3
import pytest

from hexbeat.areas.area import Area
from hexbeat.dashboard.state.choices import OWN_DATES, Choices
from hexbeat.dashboard.state.figures import count_layer, select_cell
from hexbeat.dashboard.state.freshness import find_layer_freshness
from hexbeat.dashboard.views.card import (
    Card,
    build_card_rows,
    build_cell_card,
    find_record_ids,
    list_chosen_months,
    render_card,
    render_card_charts,
)
from layers.catalogue import find_layer
from layers.columns import Columns
from layers.coverage import Coverage, CoverageEntry
from tests.support.events import Event, columns_of, local

LAST = date(2026, 11, 21)
NOVEMBER = Choices(period=OWN_DATES, dates=(date(2026, 11, 1), date(2026, 11, 22)))
CELL = h3.latlng_to_cell(54.576, -1.235, 9)
KNOWN = tuple(
    CoverageEntry(layer, "log", "", date(2020, 1, 1), date(2026, 11, 22)) for layer in ("needle_litter", "overdoses")
)
ELSEWHERE = {"lon": -1.21, "lat": 54.55}


def columns() -> Columns:
    old = Event(local("2020-01-01 12:00"), **ELSEWHERE)
    events = columns_of(
        [
            old,
            replace(old, layer="overdoses"),
            Event(local("2026-10-15 09:00")),
            Event(local("2026-11-02 22:10"), quantity=5),
            Event(local("2026-11-09 22:40")),
            Event(local("2026-11-10 00:00"), local("2026-11-11 00:00"), precision="day"),
            Event(local("2026-11-12 03:00"), layer="overdoses"),
            Event(local("2026-11-12 03:00"), **ELSEWHERE),
        ]
    )
    return replace(events, coverage=Coverage(KNOWN, events.ward_codes))


def card_of(area: Area, choices: Choices = NOVEMBER, cell: str = CELL) -> Card:
    events = columns()
    reaches = find_layer_freshness(events, time_zone=area.tz)
    figures = [
        count_layer(events, layer=layer, choices=choices, last=LAST, resolution=9, area=area, freshness=reaches[layer])
        for layer in choices.layers
    ]
    return build_cell_card(events, cell=cell, choices=choices, last=LAST, area=area, freshness=reaches, figures=figures)


def test_the_card_counts_every_layer_in_its_cell_now_and_before(area: Area) -> None:
    lines = {line.spec.name: (line.now, line.before, line.rank) for line in card_of(area).lines}
    assert lines == {
        "needle_litter": (3.0, 1.0, 1),
        "street_dealing": (None, None, None),
        "overdoses": (1.0, 0.0, None),
        "closed_properties": (None, None, None),
    }


def test_items_are_summed_where_items_are_chosen(area: Area) -> None:
    assert card_of(area, replace(NOVEMBER, measure="quantity")).lines[0].now == 7.0


def test_the_grid_places_events_by_local_weekday_and_hour_and_says_what_it_cannot(area: Area) -> None:
    rhythm = card_of(area).rhythm
    assert rhythm.grid.sum() == 2.0
    assert rhythm.grid[0, 22] == 2.0
    assert rhythm.unknown_hour == 1
    assert (
        "Too few records to say which shift is busiest: 2 have a time of day. 1 more has none."
    ) in render_card_charts(card_of(area))


def test_the_months_are_twelve_and_end_with_the_period(area: Area) -> None:
    months = card_of(area).months
    assert len(months) == 12
    assert months.index[-1] == "2026-11"
    assert months["2026-10"] == 1.0
    assert months["2026-11"] == 3.0
    assert months.sum() == 4.0


def test_the_card_downloads_as_a_table(area: Area) -> None:
    rows = build_card_rows(card_of(area))
    assert rows.iloc[0].to_dict() == {
        "layer": "needle_litter",
        "cell": CELL,
        "ward_name": card_of(area).ward_name,
        "place": "Grange Road, near Albert Road (Central)",
        "from": "2026-11-01",
        "to": "2026-11-21",
        "count": 3.0,
        "before": 1.0,
    }
    assert len(rows) == 4


def test_a_cell_without_events_has_a_card_of_noughts(area: Area) -> None:
    empty = card_of(area, cell=h3.latlng_to_cell(54.52, -1.2, 9))
    assert [line.now for line in empty.lines] == [0.0, None, 0.0, None]


def test_a_layer_that_is_not_known_has_no_number_on_the_card_nor_in_its_file(area: Area) -> None:
    page = render_card(card_of(area))
    assert (
        f'<th scope="row">{find_layer("street_dealing").title}</th><td class="hb-number">not known</td>'
        "<td>Nothing has been loaded</td>"
    ) in page
    assert build_card_rows(card_of(area))["count"].isna().tolist() == [False, True, False, True]


def test_a_card_of_days_that_are_not_known_has_no_grid_of_noughts(area: Area) -> None:
    card = card_of(area, Choices(period=OWN_DATES, dates=(date(2026, 12, 1), date(2026, 12, 8))))
    page = render_card(card) + render_card_charts(card)
    assert "hb-grid" not in page
    assert '<td class="hb-number">0</td>' not in page
    assert "<td>1 to 7 Dec 2026 are not known</td>" in page


def test_a_card_over_a_gap_says_which_days_its_numbers_are_of(area: Area) -> None:
    gap = CoverageEntry("needle_litter", "", "", date(2026, 11, 3), date(2026, 11, 10), kind="cleared")
    events = replace(columns(), coverage=Coverage((*KNOWN, gap), columns().ward_codes))
    freshness = find_layer_freshness(events, time_zone=area.tz)
    figures = count_layer(
        events, layer="needle_litter", choices=NOVEMBER, last=LAST, resolution=9, area=area,
        freshness=freshness["needle_litter"],
    )  # fmt: skip
    card = build_cell_card(
        events, cell=CELL, choices=NOVEMBER, last=LAST, area=area, freshness=freshness, figures=[figures]
    )
    line = card.lines[0]
    assert (line.now, line.before, line.missing) == (3.0, None, "3 to 9 Nov 2026 are not known")
    assert "On record: 3 to 9 Nov 2026 are not known</td>" in render_card(card)
    assert card.month_states[-1] == "partly known"


def test_the_records_are_those_that_were_counted_newest_first(area: Area) -> None:
    events = columns()
    ids = find_record_ids(events, cell=CELL, choices=NOVEMBER, last=LAST, area=area, layers=("needle_litter",))
    assert ids == [6, 5, 4]


@pytest.mark.parametrize("resolution", [8, 9, 10, 11])
def test_events_of_a_cell_are_found_at_every_resolution(resolution: int) -> None:
    assert len(select_cell(columns(), h3.latlng_to_cell(54.576, -1.235, resolution))) == 5


def test_cells_of_other_resolutions_hold_nothing() -> None:
    assert len(select_cell(columns(), h3.latlng_to_cell(54.576, -1.235, 5))) == 0


def test_a_period_touches_its_months() -> None:
    assert list_chosen_months(date(2026, 10, 25), date(2026, 11, 1)) == ["2026-10"]
    assert list_chosen_months(date(2025, 12, 31), date(2026, 2, 2)) == ["2025-12", "2026-01", "2026-02"]


def test_texts_of_a_card_are_text(area: Area) -> None:
    hostile = replace(card_of(area), place="</script><img src=x onerror=alert(1)>${7*7}`x`")
    seen = TagsAndText()
    seen.feed(render_card(hostile, ["<b>a</b>"], ["<i>c</i>"]) + render_card_charts(hostile))
    assert seen.tags <= {
        "div", "h2", "span", "table", "caption", "tbody", "thead", "tr", "th", "td", "p", "i", "br",
        "details", "summary",
    }  # fmt: skip
    assert "</script><img src=x onerror=alert(1)>${7*7}`x`" in seen.text


class TagsAndText(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_verdict_is_one_sentence_and_the_rest_is_folded(area: Area) -> None:
    page = render_card(card_of(area), ["A hotspot: 9 finds."], ["By chance rarely.", "No trend."])
    assert page.endswith(
        '<p class="hb-verdict">A hotspot: 9 finds.</p><details class="hb-sure"><summary>How sure is this?</summary>'
        '<p class="hb-why">By chance rarely.</p><p class="hb-why">No trend.</p></details></div>'
    )
