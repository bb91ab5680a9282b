"""The list beside the map: the cells that matter most in a view, with bars; a click shows one on the map.

A small component of our own rather than a column of buttons: its words go into the page as text nodes, where the labels
of Streamlit's buttons are read as Markdown.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from dashboard.state import is_cell
from dashboard.views import LayerView, ListGroup

__all__ = ["build_ranking_groups", "draw_ranking"]

RANKING_KEY: Final = "ranking"
MOST_ALONE: Final = 10
MOST_BESIDE: Final = 4  # of each layer, where several stand side by side
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
      button.append(make("span", "rank", String(row.rank)), make("span", "place", row.ward),
        make("span", "code", row.code), make("span", "number", row.number));
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
button { all: unset; box-sizing: border-box; display: grid; grid-template-columns: 1.6rem 1fr auto 3.2rem;
  gap: .1rem .4rem; align-items: baseline; width: 100%; padding: .38rem .5rem; border-radius: .4rem; cursor: pointer;
  font: .9rem var(--st-font); color: var(--st-text-color); min-height: 24px; position: relative; }
button:hover { background: var(--st-secondary-background-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px; }
button.chosen { background: var(--st-secondary-background-color); font-weight: 600; }
.rank, .code { color: color-mix(in srgb, var(--st-text-color) 75%, var(--st-background-color)); font-size: .8rem; }
.place { overflow-wrap: anywhere; }
.code { font-family: var(--st-code-font, monospace); }
.number { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.detail { grid-column: 2 / 5; font-size: .8rem; line-height: 1.35;
  color: color-mix(in srgb, var(--st-text-color) 76%, var(--st-background-color)); }
.bar { grid-column: 2 / 5; height: 4px; border-radius: 2px; background: var(--st-primary-color); min-width: 2px; }
"""
_ranking = st.components.v2.component("hexbeat_ranking", html='<div class="hb-ranking"></div>', css=CSS, js=JS)


def build_ranking_groups(views: Sequence[LayerView]) -> list[dict[str, Any]]:
    """The lists of all layers as plain words and numbers; `share` is the bar's length, 0 to 1."""
    most = MOST_ALONE if len(views) == 1 else MOST_BESIDE
    return [
        {
            "title": _format_title(view, group, beside=len(views) > 1),
            "rows": [row.as_row() for row in group.rows[:most]],
        }
        for view in views
        for group in view.groups
    ]


def _format_title(view: LayerView, group: ListGroup, *, beside: bool) -> str:
    """The heading of a group: beside other layers it names its own."""
    name = view.figures.spec.title
    return f"{name}: {group.title.lower()}" if beside and group.title != name else group.title


def draw_ranking(
    views: Sequence[LayerView], *, view: str, chosen: str | None, on_pick: Callable[[str | None], None]
) -> None:
    """Draw the list; `on_pick` is called with the cell that is clicked.

    Each view has a list of its own: one that took over another's place was seen to keep its rows on a busy machine.
    """
    key = f"{RANKING_KEY}_{view}"
    groups = build_ranking_groups(views)
    known = (views[0].heading, views[0].figures.spec.title)  # what the heading of the list says already
    titled = len(groups) > 1 or not all(any(name.startswith(group["title"]) for name in known) for group in groups)
    with st.container(key=RANKING_KEY):
        _ranking(
            key=key,
            data={"groups": groups, "titled": titled, "chosen": chosen},
            on_picked_change=lambda: on_pick(_find_picked(key)),
        )


def _find_picked(key: str) -> str | None:
    """The cell that was clicked in the list in this run, None if none was. What a browser sends is not trusted."""
    state = st.session_state.get(key)
    picked = state.get("picked") if state else None
    return picked if isinstance(picked, str) and is_cell(picked) else None
