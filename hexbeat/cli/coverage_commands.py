"""coverage: list, set and clear the days for which the records of a source are complete."""

from typing import Annotated, Any

import typer

from geo.errors import UsageError
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, Installation, open_installation
from hexbeat.ingest.sources import list_profiles
from hexbeat.store.coverage_log import correct_coverage, list_sources, read_coverage, require_source
from layers.coverage import CoverageEntry, CoverageKind, Span
from layers.filters import resolve_wards
from layers.periods import parse_day
from layers.wording import format_span

__all__ = ["coverage", "parse_covers"]

_COLUMNS = ("layer", "source", "scope", "from", "to", "wards")
Layer = Annotated[str, typer.Option("--layer", metavar="L", help="The layer.")]
First = Annotated[str, typer.Option("--from", metavar="DAY", help="First day.")]
End = Annotated[str, typer.Option("--to", metavar="DAY", help="First day that no longer counts.")]
Scope = Annotated[str, typer.Option(metavar="NAME", help="The source's part, such as a police force.")]
InWards = Annotated[list[str] | None, typer.Option("--ward", metavar="W", help="Only these wards, by code or name.")]

coverage = typer.Typer(help="List the days for which records are complete, or set and clear such days.")


def parse_covers(text: str) -> Span:
    """Days as 2026-07-01:2026-10-01, of which the last is the first that no longer counts; UsageError otherwise."""
    first, colon, end = text.partition(":")
    if not colon:
        raise UsageError(
            "Days are written as FROM:TO, such as 2026-07-01:2026-10-01", f"{text!r} has no colon", "write both days"
        )
    return parse_day(first), parse_day(end)


@coverage.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    *,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """List the days for which records are complete, or set and clear such days.

    Outside these days a count is not known, and never 0.

    Example: hexbeat coverage
    """
    if context.invoked_subcommand is None:
        with open_installation(home, area) as installation:
            _print_coverage(installation, form)


@coverage.command("set")
def set_days(  # a command's options are its arguments
    *,
    layer: Layer,
    source: Annotated[str, typer.Option(metavar="NAME", help="The source whose records are complete.")],
    start: First,
    end: End,
    scope: Scope = "",
    ward: InWards = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say that the records of a source are complete for these days.

    Example: hexbeat coverage set --layer needle_litter --source table --from 2026-01-01 --to 2026-04-01
    """
    _correct("set", layer, source, scope, start, end, ward, home=home, area=area, form=form)


@coverage.command("clear")
def clear_days(  # a command's options are its arguments
    *,
    layer: Layer,
    start: First,
    end: End,
    source: Annotated[str, typer.Option(metavar="NAME", help="Only this source; default: all.")] = "",
    scope: Scope = "",
    ward: InWards = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Say that the records of these days are not complete, for example because a log was not kept.

    Example: hexbeat coverage clear --layer needle_litter --from 2026-03-01 --to 2026-04-01
    """
    _correct("cleared", layer, source, scope, start, end, ward, home=home, area=area, form=form)


def _correct(
    kind: CoverageKind,
    layer: str,
    source: str,
    scope: str,
    start: str,
    end: str,
    ward: list[str] | None,
    **where: Any,
) -> None:
    span = parse_day(start), parse_day(end)
    with open_installation(where["home"], where["area"]) as installation:
        wards = resolve_wards(installation.area.wards, ward) if ward else tuple(installation.area.wards.codes)
        entry = CoverageEntry(layer, source, scope, *span, kind=kind, wards=wards)
        _require_source(installation, source)
        entry = correct_coverage(
            installation.store.engine, installation.viewer, entry, time_zone=installation.area.time_zone
        )
        _print_coverage(installation, where["form"])
    print_message(f"{'Complete' if kind == 'set' else 'Not complete'}: {format_span(entry.start, entry.end)}.")
    if entry.end != span[1]:
        print_message("Days to come are not known, so the last whole day before now is the last that counts.")


def _require_source(installation: Installation, source: str) -> None:
    """UsageError for a source that neither a profile nor the store has; "" stands for all of them."""
    if source:
        profiles = {profile.name for profile in list_profiles(installation.documents)}
        known = profiles | set(list_sources(installation.store.engine, installation.viewer))
        require_source(source, sorted(known))


def _print_coverage(installation: Installation, form: Format) -> None:
    codes = tuple(installation.area.wards.codes)
    spans = read_coverage(installation.store.engine, installation.viewer, ward_codes=codes).list_spans()
    names = installation.area.wards.names
    rows: list[dict[str, Any]] = []
    table: list[dict[str, Any]] = []
    for span in spans:
        row: dict[str, Any] = {"layer": span.layer, "source": span.source, "scope": span.scope}
        row |= {"from": span.start.isoformat(), "to": span.end.isoformat()}
        if span.wards != codes:
            row["wards"] = list(span.wards)
        rows.append(row)
        table.append(row | {"wards": _describe_wards(span.wards, dict(zip(codes, names, strict=True)))})
    print_answer({"coverage": rows}, form=form, rows=table, order=_COLUMNS, heading="Days that are known")
    if rows:
        print_message('"to" is the first day that no longer counts.')


def _describe_wards(wards: tuple[str, ...], names: dict[str, str]) -> str:
    """As in "all", "Central" and "3 of 20"."""
    if len(wards) == len(names):
        return "all"
    return names[wards[0]] if len(wards) == 1 else f"{len(wards)} of {len(names)}"
