"""naloxone: the share of overdoses near a place that holds it, and where the next places would help most."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from geo.errors import UsageError
from hexbeat.areas.area import Area
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.filter_options import (
    DaysOption,
    FilterRequest,
    FromOption,
    HoursOption,
    ToOption,
    WardOption,
    build_filter,
    build_json_rows,
    build_provenance,
    find_demonstration_mark,
    read_area_columns,
    to_json_value,
)
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from hexbeat.cli.output_files import write_file
from hexbeat.documents.naloxone_document import render_naloxone_pdf
from hexbeat.reports.naloxone_cover import CELLS, CoverDistance, NaloxoneCover, Search, find_naloxone_cover
from hexbeat.reports.naloxone_text import build_cover_csv, build_cover_geojson, build_cover_notes, describe_cover
from layers.access import require_document
from layers.catalogue import find_only_layer
from layers.filters import Filter

__all__ = ["naloxone"]

ENDINGS: Final = (".pdf", ".csv", ".geojson")


def naloxone(
    *,
    places: Annotated[int, typer.Option("--places", metavar="N", min=0, help="Find the next best N places.")] = 3,
    metres: Annotated[float, typer.Option(metavar="M", help="Near means within M metres.")] = 400.0,
    minutes: Annotated[
        float | None, typer.Option(metavar="MIN", help="Near means within MIN minutes on foot, instead of metres.")
    ] = None,
    among: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", help="Choose from cells, or from loaded places of a kind (named_place, …); may be repeated."
        ),
    ] = None,
    from_: FromOption = None,
    to: ToOption = None,
    ward: WardOption = None,
    hours: HoursOption = None,
    days: DaysOption = None,
    seconds: Annotated[float, typer.Option(metavar="S", help="Stop proving the best after S seconds.")] = 20.0,
    out: Annotated[
        str | None, typer.Option("--out", metavar="FILE", help="Write a .pdf, .csv or .geojson file.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show the share of overdoses near a place that holds naloxone, and which next places would add most.

    Example: hexbeat naloxone --places 5 --minutes 5 --hours 22-04
    """
    if out:
        require_writable(Path(out))
    with open_installation(home, area) as installation:
        require_document(installation.viewer, "naloxone")
        layer = find_only_layer("naloxone").name
        request = FilterRequest(layer=[layer], from_=from_, to=to, ward=ward, hours=hours, days=days)
        event_filter = build_filter(installation, request)
        columns = read_area_columns(installation)
        cover = find_naloxone_cover(
            installation.store,
            installation.viewer,
            columns,
            installation.area,
            event_filter,
            reach=CoverDistance(metres, minutes),
            search=Search(places, tuple(among or [CELLS]), seconds),
        )
        note = build_provenance(installation, mark=find_demonstration_mark(columns))
        if out:
            write_cover(cover, Path(out), note, event_filter=event_filter, area=installation.area)
    print_cover(cover, note, out, form=form)


def print_cover(cover: NaloxoneCover, note: dict[str, str], out: str | None, *, form: Format) -> None:
    """Print the sentence, the places that hold naloxone, and the next places."""
    payload: dict[str, Any] = {
        "sentence": describe_cover(cover),
        "total": to_json_value(cover.total),
        "covered": to_json_value(cover.covered),
        "share": to_json_value(cover.share),
        "straight_m": round(cover.reach.straight_m, 1),
        "proven": cover.cover.proven,
        "gap": round(cover.cover.gap, 6),
        "notes": list(build_cover_notes(cover)),
        "holders": build_json_rows(cover.holders.drop(columns="hours_known")),
        "next": build_json_rows(cover.next_places),
    }
    payload |= ({"out": out} if out else {}) | (
        {"demonstration": note["demonstration"]} if "demonstration" in note else {}
    )
    if form is Format.TABLE:
        for sentence in payload["notes"]:
            print_message(sentence)
    order = ("rank", "name", "lat", "lon", "gain", "share_after")
    print_answer(
        payload, form=form, rows=[format_row(row) for row in payload["next"]], heading=payload["sentence"], order=order
    )
    if not len(cover.holders):
        print_message("To load them: hexbeat places load FILE --kind naloxone")
    if "demonstration" in note:
        print_message(f"DEMONSTRATION: {note['demonstration']}.")


def format_row(row: dict[str, Any]) -> dict[str, Any]:
    """A row for a table: degrees with five decimals, shares in per cent."""
    return row | {"lat": f"{row['lat']:.5f}", "lon": f"{row['lon']:.5f}", "share_after": f"{row['share_after']:.1%}"}


def require_writable(out: Path) -> None:
    """UsageError unless the file has a known ending and its folder exists."""
    if out.suffix.lower() not in ENDINGS or not out.absolute().parent.is_dir():
        raise UsageError(
            "Naloxone cover is a .pdf, .csv or .geojson file in a folder that exists",
            f"--out is {out.name!r} in {out.parent}",
            "give --out another name or folder",
        )


def write_cover(cover: NaloxoneCover, out: Path, note: dict[str, str], *, event_filter: Filter, area: Area) -> None:
    """Write the holders and the next places to a file, whole or not at all."""
    writers = {
        ".pdf": lambda: render_naloxone_pdf(
            cover, area, event_filter=event_filter, mark=note.get("demonstration"), made_at=datetime.now(area.tz)
        ),
        ".csv": lambda: build_cover_csv(cover, note=note),
        ".geojson": lambda: build_cover_geojson(cover, note=note),
    }
    write_file(out, writers[out.suffix.lower()]())
