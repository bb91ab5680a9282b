"""Whether a page is wider than its window, and which of its elements stick out: so that a failure explains itself."""

import time
from typing import Any, Final

from playwright.sync_api import Page

__all__ = ["OVERFLOW", "overflow_report", "wait_until_it_fits"]

PATIENCE_S: Final = 60  # a safety net, not a promise
OVERFLOW: Final = (
    "Math.max(...[document.documentElement, document.body, document.querySelector('[data-testid=stMain]')]"
    ".filter((part) => part).map((part) => part.scrollWidth - part.clientWidth))"
)
# An element counts where nothing between it and the page's own scrolling parts cuts it off. The widest come first.
STICKING_OUT: Final = r"""() => {
  const own = [document.documentElement, document.body, document.querySelector('[data-testid=stMain]')];
  const cut = (element) => {
    let position = getComputedStyle(element).position;
    for (let up = element.parentElement; up && !own.includes(up); up = up.parentElement) {
      const style = getComputedStyle(up);
      const holds = position !== 'absolute' || style.position !== 'static' || style.transform !== 'none';
      if (holds && style.overflowX !== 'visible') return true;
      if (holds) position = style.position;
    }
    return position === 'fixed';
  };
  const name = (element) => element.tagName.toLowerCase()
    + (element.dataset.testid ? `[${element.dataset.testid}]` : '')
    + [...element.classList].filter((one) => /^(hb-|st-key-|stD|dvn)/.test(one)).map((one) => `.${one}`).join('');
  const way = (element) => { const names = [];
    for (let up = element; up && !own.includes(up) && names.length < 6; up = up.parentElement) names.push(name(up));
    return names.join(' < '); };
  const found = [...document.body.querySelectorAll('*')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width && box.right > document.documentElement.clientWidth + 0.5 && !cut(element); });
  return found.map((element) => { const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    return {right: Math.round(box.right), left: Math.round(box.left), width: style.width, position: style.position,
      given: (element.getAttribute('style') || '').replace(/--[^;]*;\s*/g, '').slice(0, 160),
      words: element.textContent.trim().slice(0, 40), way: way(element)}; })
    .sort((one, other) => other.right - one.right).slice(0, 8);
}"""
STATE: Final = """() => ({window: innerWidth, parts: [document.documentElement, document.body,
    document.querySelector('[data-testid=stMain]')].filter((part) => part)
    .map((part) => `${part.tagName.toLowerCase()} ${part.scrollWidth} in ${part.clientWidth}`),
  dressed: [...document.querySelectorAll('style')].some((sheet) => sheet.textContent.includes('--hb-ink')),
  script: document.querySelector('[data-testid=stApp]')?.dataset.testScriptState})"""


def overflow_report(page: Page) -> str:
    """The parts that scroll sideways, whether our style sheet is there, and the widest elements that stick out."""
    state: dict[str, Any] = page.evaluate(STATE)
    found: list[dict[str, Any]] = page.evaluate(STICKING_OUT)
    return "\n".join([f"the page is wider than its window: {state}", *(str(one) for one in found)])


def wait_until_it_fits(page: Page, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until nothing sticks out of the page sideways; else fail, naming what does."""
    end = time.monotonic() + patience_s
    while page.evaluate(OVERFLOW) != 0:
        assert time.monotonic() < end, overflow_report(page)
        page.wait_for_timeout(50)
