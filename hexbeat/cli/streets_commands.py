"""streets build: the streets under an area's maps."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from geo.errors import UsageError
from hexbeat.areas.area import Publisher, load_area
from hexbeat.areas.streets import STREETS_FILE, build_streets
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, FormatOption, HomeOption, find_home, share_area

__all__ = ["streets"]

streets = typer.Typer(no_args_is_help=True, help="Build the streets that an area's maps show under the cells.")


@streets.callback()
def group() -> None:
    """Keep `build` a command of its own, also while it is the only one."""


@streets.command()
def build(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="An .osm.pbf, OS Open Roads, OS Open Zoomstack, or lines as a vector file."
        ),
    ],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area.")],
    origin: Annotated[str | None, typer.Option(help="Who published the file.")] = None,
    licence: Annotated[str | None, typer.Option(help="The licence of the file.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Text to show wherever the streets are shown.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="The file does not hold all streets.")] = False,
    where: Annotated[str | None, typer.Option(metavar="SQL", help="Take only rows of a vector file like this.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the streets of the area.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Build the streets of an area from a published file: OpenStreetMap, Ordnance Survey, or lines of your own.

    A file may be of a whole country; what lies in the area and a kilometre around it is kept. Give several for an area
    that lies in several extracts.

    Example: hexbeat streets build durham-latest.osm.pbf --area middlesbrough
    """
    named_area = load_area(area, home=find_home(home))
    if not replace and (named_area.folder / STREETS_FILE).is_file():
        raise UsageError(
            "The streets of an area are replaced only with --replace",
            f"{named_area.title} has streets already",
            "add --replace",
        )
    publisher = make_publisher(origin, licence, attribution)
    report = build_streets(files[0], named_area, more=files[1:], publisher=publisher, partial=partial, where=where)
    share_area(home, area)
    row = asdict(report)
    print_answer(row, form=form, rows=[row])
    if not report.complete:
        near = "" if report.near_places is None else f": {report.near_places:.0%} of the known places lie on one"
        print_message(f"Maps will say that the streets are partly shown{near}.")


def make_publisher(origin: str | None, licence: str | None, attribution: str | None) -> Publisher | None:
    """What the options say of the publisher, None if they say nothing; UsageError for a part of it."""
    if origin is None and licence is None and attribution is None:
        return None
    if not (origin and licence and attribution):
        raise UsageError(
            "Who published the streets takes all of --origin, --licence and --attribution",
            "one of them is missing",
            "give all three; files of OpenStreetMap and Ordnance Survey need none",
        )
    return Publisher(origin, licence, attribution)
