"""boundaries build, places and check: the wards of an area, and where in them events can happen."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from geo.errors import AreaError, UsageError
from hexbeat.areas.area import find_area_folders, load_area
from hexbeat.areas.boundaries import DEFAULT_ZONE, build_area, check_area
from hexbeat.areas.places_mask import MASK_FILE, build_places_mask
from hexbeat.areas.ward_codes import find_shared_codes
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import Format, FormatOption, HomeOption, find_home, share_area
from hexbeat.settings import PROJECT_DIR, Settings

__all__ = ["boundaries"]

boundaries = typer.Typer(
    no_args_is_help=True, help="Build an area from a published file of wards, and check the areas."
)


@boundaries.command()
def build(
    file: Annotated[Path, typer.Argument(metavar="IN", help="GeoJSON, TopoJSON, GeoPackage, Shapefile …, any CRS.")],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area: lower case, digits, hyphens.")],
    code: Annotated[str, typer.Option(metavar="FIELD", help="Column with the ward codes.")],
    name: Annotated[str, typer.Option(metavar="FIELD", help="Column with the ward names.")],
    authority_code: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Column with the authority codes.")
    ] = None,
    authority_name: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Column with the authority names.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Take only this authority or ward of the file. Repeat it for several."),
    ] = None,
    time_zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Time zone of the area's days and hours, by its IANA name.")
    ] = DEFAULT_ZONE,
    title: Annotated[str | None, typer.Option(help="What people call the area.")] = None,
    vintage: Annotated[str | None, typer.Option(help="The year of the wards.")] = None,
    origin: Annotated[str | None, typer.Option(help="Who published the file.")] = None,
    licence: Annotated[str | None, typer.Option(help="The licence of the file.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Text to show wherever the wards are shown.")] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", "--mend", help="Repair invalid rings, slivers and small overlaps, and list the repairs."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the area of that name.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of areas; default: data/boundaries.")] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Build an area from a published file of wards, or say why the wards are no valid coverage.

    The area goes to data/boundaries of the checkout. With --home, or in an installed package, it goes to boundaries
    in the home folder.

    Example: hexbeat boundaries build wards.gpkg --area hartlepool --code WD25CD --name WD25NM --only E06000001
    """
    folder = out or find_areas_folder(home)
    if not replace and (folder / area / "area.toml").is_file():
        raise UsageError(
            "An area is replaced only with --replace",
            f"there is an area {area!r} already",
            "add --replace, or choose another name",
        )
    report = build_area(
        file, name=area, code_field=code, name_field=name, out_dir=folder, allow_repair=repair,
        lad_code_field=authority_code, lad_name_field=authority_name, title=title, vintage=vintage, source=origin,
        licence=licence, attribution=attribution, only=only or (), time_zone=time_zone,
        home=find_home(home),
    )  # fmt: skip
    if out is None:
        share_area(home, area)
    row = report.as_dict()
    print_answer(row, form=form, rows=[{name: value for name, value in row.items() if not isinstance(value, list)}])
    for line in (*report.repairs, *report.warnings):
        print_message(line)


@boundaries.command()
def places(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Points or lines: a CSV in degrees, or a vector file.")],
    *,
    area: Annotated[str, typer.Option(metavar="NAME", help="Name of the area.")],
    origin: Annotated[str, typer.Option(help="Who published the file.")],
    licence: Annotated[str, typer.Option(help="The licence of the file.")],
    attribution: Annotated[str, typer.Option(help="Text to show wherever the places are used.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Replace the list of the area.")] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the pieces of an area where events can happen, from addresses, roads or other points or lines.

    A release needs this list and uses it for good. Make it before the first release, and never from the events.

    Example: hexbeat boundaries places uprn.csv --area middlesbrough --origin "Ordnance Survey" --licence "OGL v3.0"
    """
    named_area = load_area(area, home=find_home(home))
    if not replace and (named_area.folder / MASK_FILE).is_file():
        raise UsageError(
            "A list of places is replaced only with --replace",
            f"{named_area.title} has a list already",
            "add --replace; after a release, that begins a new series",
        )
    report = asdict(build_places_mask(file, named_area, source=origin, licence=licence, attribution=attribution))
    share_area(home, area)
    print_answer(report, form=form, rows=[report])


@boundaries.command()
def check(*, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """Check every area: valid coverage, codes of its own, names and provenance.

    Example: hexbeat boundaries check
    """
    home_folder = find_home(home)
    areas = {
        name: check_area(folder) or find_shared_codes(name, home=home_folder)
        for name, folder in find_area_folders(home_folder).items()
    }
    rows = [{"area": name, "problems": "; ".join(problems) or "none"} for name, problems in areas.items()]
    print_answer({"areas": areas}, form=form, rows=rows)
    if any(areas.values()):
        broken = ", ".join(name for name, problems in areas.items() if problems)
        raise AreaError(
            "The wards of an area have to be a valid coverage, and area.toml has to name their source",
            f"there are problems in {broken}",
            "build the area again with hexbeat boundaries build",
        )


def find_areas_folder(home: Path | None) -> Path:
    """The boundaries folder of --home if given; else data/boundaries of the checkout, or of the home folder."""
    shipped = PROJECT_DIR / "data" / "boundaries"
    in_home = Settings.from_environment(home=home).home / "boundaries"
    return in_home if home or not shipped.is_dir() else shipped
