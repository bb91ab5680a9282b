"""Small controls: a day, and what Streamlit does not have: copy a link, open and close the filters on a phone.

Their texts arrive as data and become text nodes; nothing is parsed as HTML.
"""

from datetime import date
from typing import Final

import streamlit as st

__all__ = [
    "draw_announcement",
    "draw_close_filters_button",
    "draw_copy_link_button",
    "draw_day",
    "draw_open_filters_button",
]

FIRST_DAY: Final = date(1990, 1, 1)
BUTTON_CSS: Final = """
button { all: unset; box-sizing: border-box; cursor: pointer; font: .9rem var(--st-font); color: var(--st-text-color);
  border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, .4rem); min-height: 2.4rem;
  padding: .3rem .8rem; display: inline-flex; align-items: center; gap: .5rem; max-width: 100%; }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
button.wide { width: 100%; justify-content: space-between; }
button.strong { background: var(--st-primary-color); color: var(--st-background-color); justify-content: center;
  width: 100%; font-weight: 600; }
.line { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
input { width: 100%; font: .85rem var(--st-font); margin-top: .3rem; }
[role=status] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
"""
COPY_JS: Final = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector("button");
  const said = parentElement.querySelector("[role=status]");
  const field = parentElement.querySelector("input");
  const link = `${location.origin}${location.pathname}${data.query ? "?" + data.query : ""}`;
  button.textContent = data.label;
  button.dataset.link = link;
  field.hidden = true;
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(link);
      said.textContent = button.textContent = "Link copied";
      setTimeout(() => { button.textContent = data.label; said.textContent = ""; }, 2000);
    } catch {
      field.hidden = false;
      field.value = link;
      field.select();
      said.textContent = "Copy the link from the field";
    }
  };
}
"""
SHEET_JS: Final = """
export default function ({ parentElement, data }) {
  const root = document.documentElement;
  const button = parentElement.querySelector("button");
  const sheet = () => document.querySelector(".st-key-hb_filters");
  const show = () => {
    const open = root.dataset.hbFilters === "open";
    button.setAttribute("aria-expanded", String(open));
  };
  const turn = (open) => {
    if (open) root.dataset.hbFilters = "open"; else delete root.dataset.hbFilters;
    root.dispatchEvent(new Event("hb-filters"));
    if (open) sheet()?.querySelector("button, input")?.focus();
  };
  parentElement.querySelector(".line").textContent = data.label;
  button.onclick = () => turn(!data.closes);
  const onKey = (event) => { if (event.key === "Escape" && root.dataset.hbFilters === "open") turn(false); };
  const onTurn = () => {
    const was = button.getAttribute("aria-expanded") === "true";
    show();
    if (!data.closes && was && root.dataset.hbFilters !== "open") button.focus();
  };
  if (data.closes) button.removeAttribute("aria-expanded"); else show();
  root.addEventListener("hb-filters", onTurn);
  if (!data.closes) document.addEventListener("keydown", onKey);
  return () => {
    root.removeEventListener("hb-filters", onTurn);
    document.removeEventListener("keydown", onKey);
  };
}
"""
# The element stays while its words change: a live region that is made again may not be spoken.
SPEAK_JS: Final = """
export default function ({ parentElement, data }) {
  const region = parentElement.querySelector("[role=status]");
  if (region.textContent !== data.words) region.textContent = data.words;
}
"""
_speak = st.components.v2.component(
    "hexbeat_announcement", html='<div role="status" aria-live="polite"></div>', css=BUTTON_CSS, js=SPEAK_JS
)
_copy = st.components.v2.component(
    "hexbeat_copy_link",
    html='<button type="button">Copy link</button><input hidden readonly aria-label="Link"><span role="status"></span>',
    css=BUTTON_CSS,
    js=COPY_JS,
)
_open = st.components.v2.component(
    "hexbeat_open_filters",
    html='<button type="button" class="wide"><span class="line"></span><span>Filters</span></button>',
    css=BUTTON_CSS,
    js=SHEET_JS,
)
_close = st.components.v2.component(
    "hexbeat_close_filters",
    html='<button type="button" class="strong"><span class="line">Show the map</span></button>',
    css=BUTTON_CSS,
    js=SHEET_JS,
)


def draw_announcement(words: str, *, key: str) -> None:
    """Say these words to who does not see the page, whenever they change. They are not shown."""
    with st.container(key="hb_announcement"):
        _speak(key=key, data={"words": words})


def draw_copy_link_button(query: str, *, key: str, label: str = "Copy link") -> None:
    """Draw a button that copies the page's address with this query string. If that is refused, it shows a field."""
    _copy(key=key, data={"query": query, "label": label})


def draw_open_filters_button(summary: str) -> None:
    """Draw, on a phone, the filters as one line that opens them."""
    _open(key="hb_open_filters", data={"label": summary, "closes": False})


def draw_close_filters_button() -> None:
    """Draw, on a phone, the button that goes back from the filters to the map."""
    _close(key="hb_close_filters", data={"label": "Show the map", "closes": True})


def draw_day(label: str, today: date, *, key: str) -> date | None:
    """Draw an input for a day up to today; None while it is empty."""
    day = st.date_input(label, value=None, min_value=FIRST_DAY, max_value=today, format="DD/MM/YYYY", key=key)
    return day if isinstance(day, date) else None
