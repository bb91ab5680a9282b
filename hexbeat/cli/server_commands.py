"""demo and serve: demonstration events, and the dashboard."""

import importlib.util
import os
import re
import socket
import sys
import tomllib
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from geo.errors import DataError, PolicyError, UsageError
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import list_areas, load_area
from hexbeat.areas.gazetteer import GAZETTEER_FILE, read_gazetteer
from hexbeat.areas.streets import read_streets
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import AreaOption, Format, FormatOption, HomeOption, open_installation
from hexbeat.release.audit import require_audited
from hexbeat.release.format import Release
from hexbeat.settings import PROJECT_DIR, Settings
from hexbeat.store.live_columns import is_empty
from hexbeat.tiles import read_tile_service

if TYPE_CHECKING:
    from hexbeat import demonstration
    from hexbeat.dashboard import security
    from hexbeat.dashboard.public import public_security
else:
    demonstration = import_lazily("hexbeat.demonstration")
    security = import_lazily("hexbeat.dashboard.security")
    public_security = import_lazily("hexbeat.dashboard.public.public_security")

__all__ = ["build_public_environment", "demo", "serve"]

DEFAULT_PORT: Final = 8501
STORE_SETTINGS: Final = ("HEXBEAT_HOME", "HEXBEAT_DATABASE_URL", "HEXBEAT_AREA")


class Audience(StrEnum):
    """The people that a server serves."""

    PARTNERS = "partners"
    PUBLIC = "public"


def demo(
    *,
    events: Annotated[int, typer.Option(min=1, max=2_000_000, help="The number of demonstration events.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed and day give the same events.")] = 1,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Change nothing if the store holds events already.")
    ] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove every demonstration event for good.")] = False,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Fill an empty store with demonstration events, marked as such everywhere.

    Example: hexbeat demo --events 20000 --seed 1
    """
    with open_installation(home, area) as installation:
        if remove:
            report = demonstration.remove_demonstration(
                installation.store, installation.viewer, home=installation.settings.home
            )
        elif if_empty and not is_empty(installation.store, installation.viewer):
            print_message("The store holds events already: nothing was changed.")
            return
        else:
            today = datetime.now(installation.area.tz).date()
            report = demonstration.load_demonstration(
                installation.store,
                installation.viewer,
                installation.area,
                events=events,
                seed=seed,
                today=today,
                home=installation.settings.home,
            )
        print_answer(report, form=form, rows=[report], heading="Demonstration events")


def serve(
    *,
    audience: Annotated[Audience, typer.Option(help="The people who will use it.")] = Audience.PARTNERS,
    release: Annotated[Path | None, typer.Option(help="For the public: the folder of the release.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. The partners' side has no login, so it serves this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; default: 8501 or the next free one.")
    ] = None,
    home: HomeOption = None,
    area: AreaOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Serve the dashboard in the browser: to partners on this machine only, or to the public from a release.

    Example: hexbeat serve --port 8600
    """
    if (release is not None) != (audience is Audience.PUBLIC):
        raise UsageError(
            "Only the public side shows a release, and it needs one",
            f"--audience is {audience} and --release is {'given' if release else 'missing'}",
            "give --audience public and --release DIR together, or neither",
        )
    if audience is Audience.PARTNERS and not security.is_loopback(host):
        raise PolicyError(
            "The partners' side has no login, so it serves this machine only",
            f"other machines can reach {host}",
            "leave out --host, and connect through an SSH tunnel or an authenticating proxy on this machine",
        )
    read_tile_service()  # an error now, not on the first page
    free_port = port or find_free_port(host)
    if port and not is_free(host, port):
        raise UsageError(
            "A server needs a free port", f"port {port} of {host} is in use", "choose another port with --port"
        )
    environment = build_public_environment(release) if release else build_partners_environment(home, area)
    url = f"http://{format_url_host(host)}:{free_port}"
    print_answer({"url": url}, form=form, rows=[], heading="") if form is Format.JSON else print_message(
        f"Hexbeat is at {url} (press Ctrl+C to stop it)"
    )
    run_server = run_streamlit if audience is Audience.PARTNERS else run_public
    run_server(environment, host=host, port=free_port)


def build_partners_environment(home: Path | None, area: str | None) -> dict[str, str]:
    """The environment of the partners' server, after its store and area have been opened without an error."""
    with open_installation(home, area) as installation:
        settings = installation.settings
    variables = {
        "HEXBEAT_HOME": str(settings.home.resolve()),
        "HEXBEAT_AREA": settings.area,
        "HEXBEAT_AUDIENCE": "partners",
    }
    return {**os.environ, **variables}


def build_public_environment(release: Path) -> dict[str, str]:
    """The environment of the public's server, after its release has been read and audited. It names no store."""
    published = Release.read(release)
    require_audited(published)
    public_security.parse_frame_ancestors(os.environ.get("HEXBEAT_FRAME_ANCESTORS"))
    inherited = {name: value for name, value in os.environ.items() if name not in STORE_SETTINGS}
    told = {"HEXBEAT_AUDIENCE": "public", "HEXBEAT_RELEASE": str(release.resolve())}
    return {**inherited, **told, **find_streets(published), **find_names(published)}


def find_streets(published: Release) -> dict[str, str]:
    """Where the streets of a release's area are, and what a map says of them; nothing if this machine has none."""
    name, home = str(published.facts["area"]["name"]), Settings.from_environment().home
    if name not in list_areas(home):
        return {}
    area = load_area(name, home=home)
    streets = read_streets(area)
    credit = ". ".join(streets.credits) if streets else ""
    return {"HEXBEAT_STREETS": str(area.folder), "HEXBEAT_STREETS_CREDIT": credit} if streets else {}


def find_names(published: Release) -> dict[str, str]:
    """Where the gazetteer of a release's area is, and what a page says of it; nothing if this machine has none."""
    name, home = str(published.facts["area"]["name"]), Settings.from_environment().home
    area = load_area(name, home=home) if name in list_areas(home) else None
    gazetteer = read_gazetteer(area) if area else None
    if area is None or gazetteer is None:
        return {}
    credit = ". ".join(gazetteer.attributions)
    return {"HEXBEAT_NAMES": str(area.folder / GAZETTEER_FILE), "HEXBEAT_NAMES_CREDIT": credit}


def is_free(host: str, port: int) -> bool:
    """True if nothing listens on that port yet."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free_port(host: str) -> int:
    """The first free port from 8501 on; UsageError if a hundred in a row are taken."""
    for port in range(DEFAULT_PORT, DEFAULT_PORT + 100):
        if is_free(host, port):
            return port
    raise UsageError(
        "A server needs a free port",
        f"ports {DEFAULT_PORT} to {DEFAULT_PORT + 99} of {host} are in use",
        "choose a port with --port",
    )


def run_streamlit(environment: dict[str, str], *, host: str, port: int) -> None:
    """Replace this process by the partners' server, which is Streamlit's. Signals and the exit code are its own.

    It imports the app of streamlit_app.py, with its security.
    """
    options = [word for name, value in read_streamlit_settings() for word in (f"--{name}", value)]
    options += ["--server.address", host, "--server.port", str(port), "--browser.serverAddress", format_url_host(host)]
    replace_process(["streamlit", "run", find_page_script(), *options], environment)


def run_public(environment: dict[str, str], *, host: str, port: int) -> None:
    """Replace this process by the public's server: Streamlit behind our security, with settings as variables."""
    settings = {format_setting_name(name): value for name, value in read_streamlit_settings()}
    address = {"STREAMLIT_SERVER_ADDRESS": host, "STREAMLIT_SERVER_PORT": str(port)}
    replace_process(
        ["hexbeat.dashboard.public.server", find_page_script(), host, str(port)], {**environment, **settings, **address}
    )


def format_url_host(host: str) -> str:
    """An address for a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def replace_process(module: list[str], environment: dict[str, str]) -> None:
    """Replace this process by a module with its arguments."""
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-m", *module], environment)  # noqa: S606 - our own interpreter


def find_page_script() -> str:
    """The path of streamlit_app.py; DataError if it is not installed."""
    script = importlib.util.find_spec("streamlit_app")
    if script is None or script.origin is None:
        raise DataError("Hexbeat needs its streamlit_app.py", "it is not installed", "install Hexbeat again")
    return script.origin


def read_streamlit_settings() -> list[tuple[str, str]]:
    """The project's Streamlit settings as names and values, so that they hold in any working directory."""
    in_checkout = PROJECT_DIR / ".streamlit" / "config.toml"
    packaged = Path(__file__).resolve().parent.parent / "dashboard" / "_streamlit_config.toml"
    settings = tomllib.loads((in_checkout if in_checkout.is_file() else packaged).read_text(encoding="utf-8"))
    return flatten_settings(settings)


def format_setting_name(option: str) -> str:
    """The variable of a Streamlit option: STREAMLIT_BROWSER_SERVER_PORT for "browser.serverPort"."""
    return f"STREAMLIT_{re.sub(r'(?=[A-Z])', '_', option.replace('.', '_')).upper()}"


def flatten_settings(table: dict[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names with values as Streamlit's command line takes them."""
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        dotted = f"{prefix}{name}"
        if isinstance(value, dict):
            pairs += flatten_settings(value, f"{dotted}.")
        elif isinstance(value, bool):
            pairs.append((dotted, str(value).lower()))
        elif isinstance(value, list):
            continue  # Streamlit's command line cannot take lists
        else:
            pairs.append((dotted, str(value)))
    return pairs
