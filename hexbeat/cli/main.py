"""Door for machines: the command line, as a table of contents. What a command needs is imported when it is called."""

import gc
import sys
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, Final

import typer
from typer.core import TyperGroup

from geo.errors import HexbeatError, UsageError
from hexbeat.cli.answers import print_error, print_message

__all__ = ["COMMANDS", "load_command", "main", "make_app"]

# Where each command lives, and the first sentence of its help; in the order in which the help lists them.
COMMANDS: Final = MappingProxyType(
    {
        "demo": ("server_commands", "Fill an empty store with demonstration events, marked as such everywhere."),
        "serve": (
            "server_commands",
            (
                "Serve the dashboard in the browser: the partners' side on this machine only, "
                "or the public one from a release."
            ),
        ),
        "ingest": ("store_commands", "Load files of one source; all of them or, if one cannot be read, none."),
        "rejects": (
            "store_commands",
            "List the rows that could not be used: file, line, reason, and the columns that were read.",
        ),
        "history": ("store_commands", "Show every version of one event, oldest first."),
        "erase": (
            "store_commands",
            'Remove every version of one event for good; with the source "ledger", of one visit.',
        ),
        "retain": (
            "store_commands",
            "Remove for good every event that ended, and every visit that was made, more than N years ago.",
        ),
        "undo": ("store_commands", "Undo the last load: take its events out and put back what it replaced."),
        "export": ("store_commands", "Write the live events to a file: GeoParquet, GeoPackage or CSV."),
        "counts": ("count_commands", "Count events by place, time, layer, category or reporter."),
        "hotspots": (
            "hotspot_commands",
            "Hot and cold cells of one layer, with exact p-values: every cell of the wards, empty ones too.",
        ),
        "alerts": ("hotspot_commands", "Days with more events than usual, in the area or a ward; for a daily job."),
        "change": (
            "change_commands",
            'What changed against an earlier period, with exact intervals, tests, and "too few to tell".',
        ),
        "near-repeats": (
            "change_commands",
            "For how long and how far the risk stays raised after an event (Knox test).",
        ),
        "backtest": (
            "change_commands",
            (
                "Which way of choosing places would have caught most of the next week's events, "
                "and what the dashboard uses."
            ),
        ),
        "return": (
            "ledger_commands",
            (
                "Planned against delivered minutes, visits, and needles collected by sweeps: "
                "the return that funders ask for."
            ),
        ),
        "briefing": (
            "briefing_commands",
            "What matters, where and why, on one A4 page; for a councillor from the public release alone.",
        ),
        "evidence": (
            "evidence_commands",
            "Incidents recorded near a place, for a closure case, as PDF and spreadsheet with a hash.",
        ),
        "evaluate": (
            "evaluation_commands",
            "Did it work: a closure, a programme or a service against like places, by a rule stated before looking.",
        ),
        "naloxone": (
            "naloxone_commands",
            "The share of overdoses near a place that holds naloxone, and the next best places with their gain.",
        ),
        "sources": ("source_commands", "Source profiles: what there is, and a proposal for a new file."),
        "boundaries": ("area_commands", "Wards: build an area from a published file, and check what is there."),
        "places": (
            "place_commands",
            "Reference places: naloxone, play areas, schools, stations, depots, named places.",
        ),
        "plan": ("plan_commands", "Plans: patrol, sweep; list, show, write as a file, remove."),
        "done": ("ledger_commands", "What was done of the plans: record, import, list, undo."),
        "release": ("release_commands", "The public release: build, audit, show, write it as a page."),
    }
)

_STYLE: Final[dict[str, Any]] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _LazyCommands(TyperGroup):
    """All commands by name and first sentence; the one that is called is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name else command, rest


def make_app() -> typer.Typer:
    """The command line with all its commands."""
    app = typer.Typer(
        cls=_LazyCommands,
        no_args_is_help=True,
        help="Hexbeat: needle litter, street dealing, overdoses and closed properties on one map.",
        **_STYLE,
    )
    for name, (_, summary) in COMMANDS.items():
        app.command(name, help=summary)(_stand_in)
    return app


def load_command(name: str) -> Any:
    """The command of that name as Typer runs it, with its own options and help."""
    module = _import_module(f"hexbeat.cli.{COMMANDS[name][0]}")
    command = getattr(module, "return_" if name == "return" else name.replace("-", "_"))  # return is Python's word
    app = typer.Typer(**_STYLE)
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.callback()(_stand_in)  # so that one command alone is still called by its name
        app.command(name)(command)
    return typer.main.get_group(app).commands[name]


def _import_module(name: str) -> ModuleType:
    """A module of commands, without a search for garbage in what imports leave: it stays to the end of the process.

    Those searches took a fifth of the time of `hexbeat counts`.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _stand_in() -> None:
    """Stands for a command in the list of all, and for the group that each is a part of; it is never seen."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 2 wrong usage, 3 input unusable and nothing changed, 4 refused."""
    try:
        code = make_app()(prog_name="hexbeat", standalone_mode=False)
    except typer.TyperException as error:
        print_usage_error(error)
        sys.exit(UsageError.exit_code)
    except HexbeatError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except typer.Abort:  # a question that nobody answered
        print_message("Stopped.")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def print_usage_error(error: typer.TyperException) -> None:
    """Say what is wrong with a call in the form of all errors; the help, where a command was called without words."""
    context, fact = getattr(error, "ctx", None), error.format_message()
    if context and fact == context.get_help():
        typer.echo(fact, err=True)
        return
    path, fact = context.command_path if context else "hexbeat", fact.strip().rstrip(".")
    print_error(UsageError(f"{path} takes what its help lists", f"{fact[:1].lower()}{fact[1:]}", f"see {path} --help"))


if __name__ == "__main__":
    main()
