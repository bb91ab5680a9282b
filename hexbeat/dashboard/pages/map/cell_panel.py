"""The panel beside the map: the list of the cells with the most, or the card of the chosen cell."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from geo.emerging_hotspots import Pattern
from hexbeat.analysis.change_map import ChangeMap
from hexbeat.analysis.count_files import build_counts_csv, find_demonstration_mark
from hexbeat.analysis.emerging_map import EmergingMap
from hexbeat.analysis.hotspot_explanation import explain_cell
from hexbeat.analysis.hotspot_map import COLD, HOT, HotspotMap
from hexbeat.dashboard.header import find_page
from hexbeat.dashboard.screen import check_export
from hexbeat.dashboard.state.choices import Choices, choose_first_layer, format_query, is_cell
from hexbeat.dashboard.state.findings import find_changes, find_findings, load_forecast
from hexbeat.dashboard.state.session import Installation, find_chosen_freshness
from hexbeat.dashboard.state.stand_ins import is_cell_awaited
from hexbeat.dashboard.views.card import Card, build_card_rows, build_cell_card, render_card, render_card_charts
from hexbeat.dashboard.views.change_view import describe_cell_change
from hexbeat.dashboard.views.controls import draw_copy_link_button
from hexbeat.dashboard.views.expected_view import describe_cell_forecast
from hexbeat.dashboard.views.hotspots_view import describe_group
from hexbeat.dashboard.views.layer_view import LayerView, ListGroup
from layers.access import Action, may, may_export
from layers.catalogue import find_layer
from layers.wording import escape_html, format_span

__all__ = [
    "build_ranking_groups",
    "describe_cell",
    "describe_change",
    "describe_pattern",
    "draw_cell_panel",
    "draw_ranking",
    "format_plan_query",
    "split_verdicts",
]

RANKING_KEY: Final = "ranking"
MOST_ROWS: Final = 10
MOST_ROWS_BESIDE: Final = 4  # of each layer, if there are several side by side
JS: Final = """
export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".hb-ranking");
  const held = root.contains(root.getRootNode().activeElement) ? root.getRootNode().activeElement.dataset.cell : null;
  root.replaceChildren();
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  for (const group of data.groups) {
    const block = make("section", "");
    if (data.titled) block.append(make("h3", "", group.title));
    const list = make("ol", "");
    for (const row of group.rows) {
      const item = make("li", "");
      const button = make("button", row.cell === data.chosen ? "chosen" : "");
      button.type = "button";
      button.dataset.cell = row.cell;
      button.setAttribute("aria-pressed", String(row.cell === data.chosen));
      const bar = make("i", "bar");
      bar.style.width = `${row.share * 100}%`;
      const place = make("span", "place", row.place);
      if (row.ward) place.append(" ", make("span", "ward", row.ward));
      button.append(make("span", "rank", String(row.rank)), place, make("span", "number", row.number));
      if (row.detail) button.append(make("span", "detail", row.detail));
      button.append(bar);
      button.onclick = () => setTriggerValue("picked", row.cell);
      item.append(button);
      list.append(item);
    }
    block.append(list);
    root.append(block);
  }
  if (held) [...root.querySelectorAll("button")].find((button) => button.dataset.cell === held)?.focus();
}
"""
CSS: Final = """
.hb-ranking { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); gap: 0 1.5rem; }
h3 { font: 600 .85rem var(--st-font); margin: .6rem 0 .2rem; color: var(--st-text-color); }
ol { list-style: none; margin: 0; padding: 0; }
button { all: unset; box-sizing: border-box; display: grid;
  grid-template-columns: 1.6rem minmax(0, 1fr) minmax(2.4rem, auto);
  gap: .1rem .4rem; align-items: baseline; width: 100%; padding: .38rem .5rem; border-radius: .4rem; cursor: pointer;
  font: .9rem var(--st-font); color: var(--st-text-color); min-height: 24px; position: relative; }
button:hover { background: var(--st-secondary-background-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
button.chosen { background: var(--st-secondary-background-color); font-weight: 600; }
.rank, .ward { color: color-mix(in srgb, var(--st-text-color) 75%, var(--st-background-color)); font-size: .8rem;
  font-weight: 400; }
.ward { display: inline-block; }
.place { overflow-wrap: anywhere; line-height: 1.3; }
.number { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.detail { grid-column: 2 / 4; font-size: .8rem; line-height: 1.35;
  color: color-mix(in srgb, var(--st-text-color) 76%, var(--st-background-color)); }
.bar { grid-column: 2 / 4; height: 4px; border-radius: 2px; background: var(--st-primary-color); min-width: 2px; }
@media print { ol { columns: 2; } li { break-inside: avoid; } }
@media print { .hb-ranking { --st-text-color: #1b2027; --st-background-color: #ffffff; --st-primary-color: #5b2a86; } }
@media (forced-colors: active) { .bar { background: CanvasText; } button.chosen { outline: 2px solid Highlight; } }
"""
_ranking = st.components.v2.component("hexbeat_ranking", html='<div class="hb-ranking"></div>', css=CSS, js=JS)
AWAITED: Final = "Whether this place stands out is still being worked out, and then said here."
PLAN_ADDRESS: Final = "plan"  # the Plan page, which reads kind, layers and wards from its address


def draw_cell_panel(
    installation: Installation,
    choices: Choices,
    views: Sequence[LayerView],
    *,
    last: date,
    resolution: int,
    on_choose: Callable[[str | None], None],
    pages: Sequence[StreamlitPage],
) -> None:
    """Draw the card of the chosen cell; without one, the list of the cells with the most."""
    if choices.cell:
        st.button("Back to the list", key="close_card", type="tertiary", on_click=on_choose, args=(None,))
        card = build_card(installation, choices, views, last=last)
        verdicts, reasons = split_verdicts(describe_cell(installation, choices, last=last, resolution=resolution))
        st.html(render_card(card, verdicts, reasons))
        draw_card_links(installation, card, choices, last=last, pages=pages)
        if charts := render_card_charts(card):
            st.html(charts)
    else:
        draw_list(views, choices, on_choose=on_choose)


def draw_list(views: Sequence[LayerView], choices: Choices, *, on_choose: Callable[[str | None], None]) -> None:
    """Draw the list of this view; if it is empty, why, and what to do."""
    if not any(view.figures.has_number for view in views):
        is_loaded = any(view.figures.freshness.events or view.figures.freshness.first for view in views)
        advice = (
            "The records do not cover this period. Choose another period or other wards."
            if is_loaded
            else "Nothing is loaded of this layer. Load a file on the Data page, or choose another layer."
        )
        st.html(f'<div class="hb-empty"><h2>Not known</h2><p>{advice}</p></div>')
        return
    says_why = any(view.figures.fewest > 1 for view in views)
    if (
        not any(view.has_rows for view in views)
        and not says_why
        and not (choices.view in ("change", "expected") and views[0].nothing)
    ):
        st.html(
            '<div class="hb-empty"><h2>Nothing matches</h2><p>No event fits these filters. Take a longer period, more '
            "wards or all hours; <b>Reset</b> brings back everything.</p></div>"
        )
        return
    if not any(group.rows for view in views for group in view.groups):
        st.html(f'<div class="hb-empty"><p>{escape_html(views[0].nothing)}</p></div>')
        return
    st.html(f"<h2>{escape_html(views[0].heading)}</h2>")
    draw_ranking(views, view=choices.view, chosen=choices.cell, on_pick=on_choose)


def build_card(installation: Installation, choices: Choices, views: Sequence[LayerView], *, last: date) -> Card:
    """The card of the chosen cell."""
    return build_cell_card(
        installation.columns,
        cell=choices.cell or "",
        choices=choices,
        last=last,
        area=installation.area,
        freshness=find_chosen_freshness(installation, choices),
        figures=[view.figures for view in views],
    )


def format_plan_query(choices: Choices, ward_code: str) -> dict[str, str]:
    """The address of a plan for one ward; kind and layer are those of the map if it shows a single layer."""
    spec = find_layer(choices.layers[0]) if len(choices.layers) == 1 else None
    if spec and spec.swept:
        return {"kind": "sweep", "wards": ward_code}
    if spec and spec.patrolled:
        return {"kind": "patrol", "layers": spec.name, "wards": ward_code}
    return {"wards": ward_code}


def draw_card_links(  # the ways on from one card
    installation: Installation,
    card: Card,
    choices: Choices,
    *,
    last: date,
    pages: Sequence[StreamlitPage],
) -> None:
    """Draw the buttons of the card: plan a visit, download the numbers, copy the link."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="hb_card_links"):
        plan_page = find_page(pages, PLAN_ADDRESS)
        if plan_page and may(installation.viewer, Action.PLAN):
            st.page_link(plan_page, label="Plan a visit", query_params=format_plan_query(choices, card.ward_code))
        if may_export(installation.viewer, "counts", [line.spec.name for line in card.lines]):
            mark = find_demonstration_mark(installation.columns)
            note = {"demonstration": mark} if mark else {}
            st.download_button(
                "Download",
                data=check_export(
                    installation,
                    lambda: build_counts_csv(build_card_rows(card), note=note),
                    layers=[line.spec.name for line in card.lines],
                    form="csv",
                    what="map/cell",
                ),
                file_name=f"hexbeat-{installation.area.name}-{card.cell}.csv",
                mime="text/csv",
                on_click="ignore",
            )
        draw_copy_link_button(
            urlencode(
                format_query(choices, fixed=choices.bounds(last), layer=choose_first_layer(installation.columns))
            ),
            key="copy_card",
            label="Copy link",
        )


def build_ranking_groups(views: Sequence[LayerView]) -> list[dict[str, Any]]:
    """The lists of all layers as data for the script; `share` is the bar's length, 0 to 1."""
    most = MOST_ROWS if len(views) == 1 else MOST_ROWS_BESIDE
    return [
        {
            "title": _format_title(view, group, beside=len(views) > 1),
            "rows": [row.as_row() for row in group.rows[:most]],
        }
        for view in views
        for group in view.groups
    ]


def _format_title(view: LayerView, group: ListGroup, *, beside: bool) -> str:
    """The heading of a group, with the name of its layer if there are several."""
    name = view.figures.spec.title
    return f"{name}: {group.title.lower()}" if beside and group.title != name else group.title


def draw_ranking(
    views: Sequence[LayerView], *, view: str, chosen: str | None, on_pick: Callable[[str | None], None]
) -> None:
    """Draw the list; `on_pick` is called with the cell that is clicked.

    Each view has its own list, because a shared one kept the rows of the view before on a busy machine.
    """
    key = f"{RANKING_KEY}_{view}"
    groups = build_ranking_groups(views)
    known = (views[0].heading, views[0].figures.spec.title)  # the page already shows these
    has_titles = len(groups) > 1 or not all(any(name.startswith(group["title"]) for name in known) for group in groups)
    with st.container(key=RANKING_KEY):
        _ranking(
            key=key,
            data={"groups": groups, "titled": has_titles, "chosen": chosen},
            on_picked_change=lambda: on_pick(_find_picked(key)),
        )


def _find_picked(key: str) -> str | None:
    """The cell that was clicked in the list in this run; None if none was. The browser's data are not trusted."""
    state = st.session_state.get(key)
    cell = state.get("picked") if state else None
    return cell if isinstance(cell, str) and is_cell(cell) else None


def split_verdicts(texts: Sequence[Sequence[str]]) -> tuple[list[str], list[str]]:
    """Of what is said of each layer, the first sentence of the first text, which is the verdict; and all the rest."""
    verdicts, reasons = list[str](), list[str]()
    for first, *others in (layer_texts for layer_texts in texts if layer_texts):
        verdict, stop, rest = first.partition(". ")
        verdicts.append(f"{verdict}." if stop else verdict)
        reasons += [text for text in (rest, *others) if text]
    return verdicts, reasons


def describe_cell(installation: Installation, choices: Choices, *, last: date, resolution: int) -> list[list[str]]:
    """Texts on the chosen cell, for each chosen layer; none for a cell outside the area."""
    cell, texts = choices.cell or "", list[list[str]]()
    freshness = find_chosen_freshness(installation, choices)
    for layer in choices.layers:
        if not freshness[layer].find_known_in(choices.bounds(last)) or installation.columns.find_fewest((layer,)) > 1:
            continue
        name = f"{find_layer(layer).title}: " if len(choices.layers) > 1 else ""
        if is_cell_awaited(installation, choices, layer=layer, last=last, resolution=resolution):
            texts.append([f"{name}{AWAITED}"])
            continue
        findings = find_findings(installation, choices, layer=layer, last=last, resolution=resolution)
        change_map = find_changes(installation, choices, layer=layer, last=last, resolution=resolution)
        if cell not in findings.hotspots.rows["cell"].to_numpy():
            continue
        forecast = (
            load_forecast(installation, choices, layer=layer, resolution=resolution)
            if choices.view == "expected"
            else None
        )
        lines = [
            describe_cell_forecast(forecast, cell) if forecast else "",
            explain_cell(findings.hotspots, cell),
            describe_group(findings, cell),
            describe_pattern(findings.emerging, cell, verdict=find_verdict(findings.hotspots, cell)),
            describe_change(change_map, cell),
        ]
        texts.append([name + line for line in lines if line])
    return texts


def find_verdict(hotspot_map: HotspotMap, cell: str) -> str:
    """What the whole period says of a cell: HOT, COLD or ""."""
    rows = hotspot_map.rows
    return str(rows.loc[rows["cell"] == cell, "hotspot"].iloc[0])


def describe_pattern(emerging_map: EmergingMap, cell: str, *, verdict: str) -> str:
    """What weeks (or months) of their own say of a cell, beside the `verdict` of the whole period; "" without bins.

    As in "The whole period does not single it out, but single weeks do: new. A hotspot in the last period, and never
    before."
    """
    if emerging_map.bins is None:
        return ""
    row = emerging_map.rows[emerging_map.rows["cell"] == cell].iloc[0]
    unit = {"week": "weeks", "month": "months", "four weeks": "spans of four weeks"}[emerging_map.bins.unit]
    pattern = str(row["pattern"])
    if pattern == Pattern.TOO_FEW:
        lead = "but single" if verdict else "and single"
        return f"That is of the whole period, {lead} {unit} have too few events to say."
    if pattern == Pattern.NONE:
        lead = "It stands out over the whole period, but its" if verdict else "Its"
        return f"{lead} {len(emerging_map.bins.periods)} {unit} show no significant trend."
    side = COLD if pattern.endswith(COLD) else HOT
    if verdict == side:
        lead = f"The whole period says so, and so do single {unit}"
    elif verdict:
        lead = f"The whole period says this, but single {unit} say otherwise"
    else:
        lead = f"The whole period does not single it out, but single {unit} do"
    return f"{lead}: {pattern}. {row['definition']}"


def describe_change(change_map: ChangeMap, cell: str) -> str:
    """The change of a cell; "" if there is nothing to compare with."""
    if not change_map.is_compared or change_map.other is None:
        return ""
    row = change_map.cells[change_map.cells["cell"] == cell].iloc[0]
    return f"Against {format_span(*change_map.other)}: {describe_cell_change(row.to_dict())}."
