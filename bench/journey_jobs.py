"""The jobs of the house, as a person does each: where it begins, what is pressed, and what shows that it is done.

A job begins at an address, as a bookmark or a link has it, and ends when its answer is on the screen. A page that
changes keeps its line here true.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.browser_walks import PHONE, Walk, run_hexbeat

PLACE: Final = "54.574, -1.235"
NO_NEEDLES: Final = "police.uk has no needle finds"
NO_FRESH: Final = "the records end in 2024, and an alert of then is none of today"


@dataclass(frozen=True)
class Job:
    """A job: where it begins, and how it is done.

    `prepare` runs before, on the home, and answers the address; `again` runs between the visits. Neither is counted.
    `not_real`: why it cannot be done on police.uk's records alone; "" where it can.
    """

    address: str
    do: Callable[[Walk], None]
    size: dict[str, int] | None = None
    prepare: Callable[[Path], str] | None = None
    again: Callable[[Path], object] | None = None
    not_real: str = ""


def read_sentence(walk: Walk) -> None:
    """Read the sentence of the screen, whose map is drawn."""
    walk.see(walk.page.locator(".hb-sentence"))
    walk.see(walk.page.frame_locator("iframe[title*='st_folium']").locator(".leaflet-container"))
    walk.rest()


def plan_patrol(walk: Walk) -> None:
    """Make a plan for the next shift and issue it."""
    walk.press(walk.button("Make the plan"), walk.page.locator(".hb-stops"))
    walk.press(walk.button("Issue the plan"), walk.page.get_by_text(re.compile("^Issued on ")))


def plan_sweep(walk: Walk) -> None:
    """Make a plan for one crew from its own start, and take its file."""
    walk.see(walk.button("Make the plan"))
    walk.rest()
    if not walk.page.get_by_label("Start and finish", exact=True).first.input_value():  # else chosen at a visit before
        walk.fill("Start and finish", PLACE)
    walk.press(walk.button("Make the plan"), walk.page.locator(".hb-stops"))
    walk.rest()
    walk.download("GPX of Crew 1")


def record_stop(walk: Walk) -> None:
    """Tap once on the phone."""
    walk.see(walk.button("Done"))
    before = walk.page.locator(".hb-done-progress b").inner_text()
    walk.press(walk.button("Done"), walk.page.locator(".hb-done-progress b").filter(has_not_text=before))


def take_return(walk: Walk) -> None:
    """Take the return of the quarter as a workbook."""
    walk.download("Excel")


def ask_of_hotspot(walk: Walk) -> None:
    """Open the first hotspot of the list, to see whether it is real; or read that no place stands out."""
    first = walk.page.locator(".hb-ranking button")
    walk.see(first.or_(walk.page.locator(".hb-empty")))
    walk.rest()
    if first.count():
        walk.press(first, walk.page.locator(".hb-card"))


def make_evidence(walk: Walk) -> None:
    """A pack for a case, at a postcode."""
    walk.fill("Place", "TS1 2PA")
    for label, text in (("Case", "CL-14"), ("Made by", "A. Analyst")):
        walk.steps += 1
        walk.page.get_by_label(label, exact=True).fill(text)
    walk.press(walk.button("Make the pack"), walk.page.get_by_text(re.compile("within 100 metres of the place")))


def take_briefing(walk: Walk) -> None:
    """Read the briefing and print it."""
    walk.see(walk.page.locator(".hb-sentence"))
    walk.rest()
    walk.download(re.compile("PDF"))


def answer_alert(walk: Walk) -> None:
    """See the alerts over the map, and acknowledge the first for everybody."""
    alerts = walk.page.locator(".hb-alerts li")
    walk.press(walk.page.get_by_text("All alerts: what, where, since when"), alerts)
    note = walk.page.get_by_label("Note for everybody (no names of people)")
    walk.rest()
    if not note.is_visible():  # answered at the visit before
        walk.press(walk.page.get_by_text("Answer again"), note)
    words = f"Told to the panel at {dt.datetime.now().astimezone():%H:%M:%S}"
    walk.steps += 1
    note.fill(words)
    walk.press(walk.button("Record the answer"), alerts.filter(has_text=words))


def ask_as_councillor(walk: Walk) -> None:
    """Find my kid's park on the public page."""
    walk.steps += 1
    box = walk.page.get_by_role("searchbox").first
    box.fill("albert park")
    box.press("Enter")
    walk.see(walk.page.locator("#hp-picked").filter(has_text=re.compile("^Around ")))


def load_file(walk: Walk) -> None:
    """Check a file of needle finds, and load it where real records may stand."""
    rows = "layer,source_id,lon,lat,occurred_from\nneedle_litter,j1,-1.2345,54.5742,2026-03-20 14:05\n"
    walk.steps += 1
    file = {"name": "finds.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    walk.page.locator("input[type=file]").first.set_input_files(file)
    walk.press(walk.button("Check the file"), walk.page.get_by_role("region", name="What would change"))
    walk.rest()
    if walk.button("Load it").count():  # a demonstration's store takes no real records
        walk.press(walk.button("Load it"), walk.page.get_by_role("region", name="What was loaded"))


def prepare_plan(home: Path) -> str:
    """Issue a patrol for the hours around now; the address of its first team."""
    now = dt.datetime.now().astimezone()
    begin, end = ((now + dt.timedelta(hours=hours)).hour for hours in (-1, 5))
    plan = json.loads(run_hexbeat(
        "plan", "patrol", "--home", str(home), "--day", f"{now - dt.timedelta(hours=1):%Y-%m-%d}", "--hours",
        f"{begin}-{end}", "--teams", "1", "--start", PLACE, "--issue", "--format", "json",
    ))  # fmt: skip
    return f"/done?plan={plan['plan_id']}&team=Team%201"


def withdraw_plans(home: Path) -> None:
    """Withdraw what the visit before issued: the same choices give the same plan."""
    for row in json.loads(run_hexbeat("plan", "list", "--home", str(home), "--format", "json"))["rows"]:
        run_hexbeat("plan", "withdraw", row["plan"], "--home", str(home))


JOBS: Final = {
    "first screen": Job("/", read_sentence),
    "patrol": Job("/plan", plan_patrol, again=withdraw_plans),
    "sweep": Job("/plan?kind=sweep", plan_sweep, not_real=NO_NEEDLES),
    "record a stop": Job("", record_stop, PHONE, prepare_plan),
    "return": Job("/done", take_return),
    "is this hotspot real?": Job("/?view=hotspots", ask_of_hotspot),
    "evidence pack": Job("/evidence", make_evidence),
    "briefing": Job("/briefing", take_briefing),
    "forecast": Job("/?view=expected", read_sentence),
    "alerts": Job("/?layers=overdoses", answer_alert, not_real=NO_FRESH),
    "load a file": Job("/data", load_file),
    "councillor": Job("", ask_as_councillor, PHONE),
}
