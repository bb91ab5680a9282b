"""axe-core in a page: its script is put in once, and what does not depend on colours is looked at once."""

import json
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

__all__ = ["COLOUR_RULES", "find_violations"]

# The usual rules of axe whose answer another colour scheme can change.
COLOUR_RULES: Final = ("color-contrast", "link-in-text-block")
_SCRIPT: Final = Axe().axe_script


def find_violations(
    page: Page, *, rules: tuple[str, ...] | None = None, tags: tuple[str, ...] | None = None
) -> list[dict[str, Any]]:
    """What axe finds on the page as it stands: all its usual rules, these only, or those with one of these tags."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(_SCRIPT)
    # Frames are looked at by themselves, or not: without its script in them axe would only wait for their answer.
    options: dict[str, Any] = {"resultTypes": ["violations"], "iframes": False}
    if rules is not None:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    if tags is not None:
        options["runOnly"] = {"type": "tag", "values": list(tags)}
    found: list[dict[str, Any]] = page.evaluate(f"axe.run({json.dumps(options)}).then((results) => results.violations)")
    return found
