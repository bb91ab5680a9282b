"""The command line, as a table of contents. A command's modules are imported when it is called."""

import gc
import sys
from functools import cache
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Any, Final

import typer
from typer.core import TyperGroup

from geo.errors import HexbeatError, UsageError
from hexbeat.cli.answers import print_error, print_message
from hexbeat.cli.installation import takes_role

__all__ = ["COMMANDS", "load_command", "main", "make_app"]

# Fewer looks for garbage than Python's own 700: rows of a store are a million small objects, and none is garbage.
_COLLECTS_AFTER: Final = (50_000, 20, 50)
# The module of each command, and the first sentence of its help, in the order of the help.
COMMANDS: Final = MappingProxyType(
    {
        "demo": ("server_commands", "Fill an empty store with demonstration events, marked as such everywhere."),
        "serve": (
            "server_commands",
            "Serve the dashboard in the browser: to partners on this machine only, or to the public from a release.",
        ),
        "sessions": (
            "session_commands",
            "List who is signed in to the dashboard, or sign people out everywhere.",
        ),
        "ingest": ("store_commands", "Load files of one source: all of them, or none if one cannot be read."),
        "coverage": (
            "coverage_commands",
            "List the days for which records are complete, or set and clear such days.",
        ),
        "rejects": (
            "store_commands",
            "List the rows that could not be used, with their file, line, reason and the columns that were read.",
        ),
        "history": ("store_commands", "Show every version of one event, oldest first."),
        "erase": (
            "store_commands",
            "Remove every version of one event for good, or of one visit with --source ledger.",
        ),
        "retain": (
            "store_commands",
            "Remove for good the events that ended, and the visits that were made, more than N years ago.",
        ),
        "undo": ("store_commands", "Undo the last load: remove its events and restore those that it replaced."),
        "export": (
            "store_commands",
            "Write the live events to a file: GeoParquet, GeoPackage or CSV; or to a folder of GeoParquet files.",
        ),
        "backup": (
            "backup_commands",
            "Write the store and the other files of its home to one file, while others use them.",
        ),
        "restore": ("backup_commands", "Make the home again from a backup, all of it or nothing; stop Hexbeat first."),
        "counts": ("count_commands", "Count events by place, time, layer, category or reporter."),
        "hotspots": ("hotspot_commands", "Find the hot and cold cells of one layer, with exact p-values."),
        "alerts": ("alert_commands", "List places where more happens than usual, and since when."),
        "answer": (
            "alert_commands",
            "Say of an alert that it was seen, or what became of it, with a note for everybody.",
        ),
        "change": ("change_commands", "Compare a period with another one, with exact intervals and tests."),
        "near-repeats": (
            "change_commands",
            "Find out for how long and how far the risk stays raised after an event (Knox test).",
        ),
        "backtest": (
            "change_commands",
            "Test which way of choosing places would have caught most of the next week's events.",
        ),
        "return": (
            "ledger_commands",
            "Compare planned and delivered minutes and visits, and count the needles that sweeps collected.",
        ),
        "briefing": ("briefing_commands", "Write one A4 page that says what matters, where and why."),
        "evidence": ("evidence_commands", "Gather the incidents recorded near a place, for a closure case."),
        "evaluate": (
            "evaluation_commands",
            "Find out whether a closure, a programme or a service worked, compared with similar places.",
        ),
        "naloxone": (
            "naloxone_commands",
            "Show the share of overdoses near a place that holds naloxone, and which next places would add most.",
        ),
        "sources": ("source_commands", "List the source profiles, or propose one for a new file."),
        "shared": (
            "shared_commands",
            "List, show, put or remove the settings and profiles that all users of the store share.",
        ),
        "boundaries": ("area_commands", "Build an area from a published file of wards, and check the areas."),
        "gazetteer": (
            "gazetteer_commands",
            "Build the list of streets, postcodes and named places of an area.",
        ),
        "find": (
            "gazetteer_commands",
            "Find streets, postcodes, wards, schools, stations, cells and coordinates by what people type.",
        ),
        "streets": ("streets_commands", "Build the streets that an area's maps show under the cells."),
        "places": (
            "place_commands",
            "Load and list reference places: naloxone, play areas, schools, stations, depots, named places.",
        ),
        "plan": ("plan_commands", "Plan a patrol or a needle sweep; list, show, write, issue or remove plans."),
        "done": ("ledger_commands", "Record the work that was done; import, list or undo it."),
        "release": ("release_commands", "Build, audit and show the public release, or write it as a web page."),
        "policy": ("policy_commands", "Check the access policy, and explain who may see and do what."),
        "audit": ("audit_commands", "List the audit trail, check that it is whole, or remove what is too old."),
    }
)

_STYLE: Final[dict[str, Any]] = {
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


class _LazyCommands(TyperGroup):
    """All commands by name and first sentence. Only the command that is called is imported."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, command, remaining = super().resolve_command(ctx, args)
        return name, load_command(name) if name else command, remaining


@cache
def make_app() -> Any:
    """The command line with all its commands, as Typer runs it; made once."""
    app = typer.Typer(
        cls=_LazyCommands,
        no_args_is_help=True,
        help="Hexbeat: needle litter, street dealing, overdoses and closed properties on one map.",
        **_STYLE,
    )
    for name, (_, summary) in COMMANDS.items():
        app.command(name, help=summary)(_do_nothing)
    return typer.main.get_group(app)


@cache
def load_command(name: str) -> Any:
    """The command of that name as Typer runs it, with its own options and help; made once."""
    module = _import_module(f"hexbeat.cli.{COMMANDS[name][0]}")
    command = getattr(module, "return_" if name == "return" else name.replace("-", "_"))  # return is Python's word
    app = typer.Typer(**_STYLE)
    if isinstance(command, typer.Typer):
        for part in command.registered_commands:
            part.callback = takes_role(part.callback) if part.callback else None
        app.add_typer(command, name=name)
    else:
        app.callback()(_do_nothing)  # so that one command alone is still called by its name
        app.command(name)(takes_role(command))
    return typer.main.get_group(app).commands[name]


def _import_module(name: str) -> ModuleType:
    """Import a module of commands with garbage collection off: imported modules stay until the process ends anyway.

    Collecting took a fifth of the time of `hexbeat counts`.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _do_nothing() -> None:
    """Placeholder for a command in the list of all commands, and for the group around each. It is never run."""


def main() -> None:
    """Run the command line. Exit codes: 0 done, 2 wrong usage, 3 input unusable and nothing changed, 4 refused."""
    gc.set_threshold(*_COLLECTS_AFTER)
    try:
        code = make_app()(prog_name="hexbeat", standalone_mode=False)
    except typer.TyperException as error:
        print_usage_error(error)
        sys.exit(UsageError.exit_code)
    except HexbeatError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except typer.Abort:  # nobody answered a question
        print_message("Stopped.")
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def print_usage_error(error: typer.TyperException) -> None:
    """Print a usage error in three parts, as all errors. Print the help if a command was called without arguments."""
    context, fact = getattr(error, "ctx", None), error.format_message()
    if context and fact == context.get_help():
        typer.echo(fact, err=True)
        return
    path, fact = context.command_path if context else "hexbeat", fact.strip().rstrip(".")
    fact = f"{fact[:1].lower()}{fact[1:]}"
    print_error(UsageError("Write each command as its help shows", fact, f"see {path} --help"))


if __name__ == "__main__":
    main()
