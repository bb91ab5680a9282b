"""demo and serve: demonstration events, and the dashboard."""

import importlib.util
import os
import socket
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from geo.errors import DataError, PolicyError, UsageError
from geo.lazy_modules import import_lazily
from hexbeat.areas.area import list_areas, load_area
from hexbeat.areas.streets import read_streets
from hexbeat.cli.answers import print_answer, print_message
from hexbeat.cli.installation import (
    AreaOption,
    Format,
    FormatOption,
    HomeOption,
    find_asked_role,
    find_public_home,
    open_installation,
    prepare_reading,
)
from hexbeat.environment import select_environment
from hexbeat.policy import ROLE_VARIABLE
from hexbeat.release.format import Release
from hexbeat.store.live_columns import is_empty
from hexbeat.tiles import read_tile_service

if TYPE_CHECKING:
    from hexbeat import demonstration, login_settings
    from hexbeat.areas import gazetteer
    from hexbeat.dashboard import security
    from hexbeat.dashboard.public import public_security
    from hexbeat.dashboard.web import server_settings
    from hexbeat.release import audit
else:
    audit = import_lazily("hexbeat.release.audit")
    demonstration = import_lazily("hexbeat.demonstration")
    gazetteer = import_lazily("hexbeat.areas.gazetteer")
    login_settings = import_lazily("hexbeat.login_settings")
    security = import_lazily("hexbeat.dashboard.security")
    public_security = import_lazily("hexbeat.dashboard.public.public_security")
    server_settings = import_lazily("hexbeat.dashboard.web.server_settings")

__all__ = ["build_public_environment", "demo", "serve"]

DEFAULT_PORT: Final = 8501
SERVER_MODULE: Final = "hexbeat.dashboard.web.server"
ROOT: Final = 0  # the id of the user who may do everything
# What each side gets beyond what every process needs. The public's server must not know of a store.
SERVER: Final = "HEXBEAT_(HOSTS|PUBLIC_URL|PROXIES|IDLE_MINUTES|SESSIONS|SESSIONS_PER_ADDRESS)"
PUBLIC: Final = rf"{SERVER}|HEXBEAT_(NEEDLE_CONTACT|NEEDLE_FORM|FRAME_ANCESTORS|TILES(_[A-Z]+)?)"
PARTNERS: Final = r"HEXBEAT_[A-Z_]+|STREAMLIT_SERVER_COOKIE_SECRET|PG[A-Z]+"


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
        if not remove:
            prepare_reading(installation, changed=events)


def serve(
    *,
    audience: Annotated[Audience, typer.Option(help="The people who will use it.")] = Audience.PARTNERS,
    release: Annotated[Path | None, typer.Option(help="For the public: the folder of the release.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on. Without a login, partners are served on this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port; default: 8501 or the next free one.")
    ] = None,
    as_root: Annotated[
        bool, typer.Option("--as-root", help="Serve even as root, who may do everything on this machine.")
    ] = False,
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
    require_ordinary_user(as_root=as_root)
    require_local_role(audience)
    settings = server_settings.ServerSettings.from_environment()
    if audience is Audience.PARTNERS:
        security.require_login(host, settings)
    read_tile_service()  # an error now, not on the first page
    free_port = port or find_free_port(host)
    if port and not is_free(host, port):
        raise UsageError(
            "A server needs a free port", f"port {port} of {host} is in use", "choose another port with --port"
        )
    environment = build_public_environment(release) if release else build_partners_environment(home, area)
    url = settings.public_url or f"http://{format_url_host(host)}:{free_port}"
    if form is Format.JSON:
        print_answer({"url": url}, form=form, rows=[], heading="")
    elif audience is Audience.PUBLIC or login_settings.read_provider():
        print_message(f"Hexbeat is at {url} (press Ctrl+C to stop it)")
    else:  # the server prints the link that signs in, once it listens
        print_message("Hexbeat is starting …")
    replace_process([SERVER_MODULE, find_page_script(), audience.value, host, str(free_port)], environment)


def require_ordinary_user(*, as_root: bool) -> None:
    """PolicyError if the server would run as root, unless that is wanted."""
    if not as_root and hasattr(os, "geteuid") and os.geteuid() == ROOT:
        raise PolicyError(
            "A server does not run as root, because whoever breaks into it could then do everything",
            "this user is root",
            "start it as an ordinary user, or add --as-root, as in a container for a trial",
        )


def require_local_role(audience: Audience) -> None:
    """UsageError for `--role` where no local account signs in, so that it would change nothing."""
    if find_asked_role() and audience is Audience.PUBLIC:
        raise UsageError("The public side knows no roles", "--role is given", "leave it out")
    if find_asked_role() and login_settings.read_provider():
        raise UsageError(
            "Where people sign in at a provider, their groups give their role",
            "--role is given",
            "leave it out, or unset the variables HEXBEAT_OIDC_… for a trial",
        )


def build_partners_environment(home: Path | None, area: str | None) -> dict[str, str]:
    """The environment of the partners' server, after its store and area have been opened without an error."""
    with open_installation(home, area) as installation:
        settings = installation.settings
    login_settings.read_provider()
    login_settings.read_session_hours()
    variables = {
        "HEXBEAT_HOME": str(settings.home.resolve()),
        "HEXBEAT_AREA": settings.area,
        "HEXBEAT_AUDIENCE": "partners",
    }
    if role := find_asked_role():
        variables[ROLE_VARIABLE] = role
    return {**select_environment(allow=PARTNERS), **variables}


def build_public_environment(release: Path) -> dict[str, str]:
    """The environment of the public's server, after its release has been read and audited. It names no store."""
    published = Release.read(release)
    audit.require_audited(published)
    public_security.parse_frame_ancestors(os.environ.get("HEXBEAT_FRAME_ANCESTORS"))
    release_settings = {"HEXBEAT_AUDIENCE": "public", "HEXBEAT_RELEASE": str(release.resolve())}
    home = find_public_home()
    return {
        **select_environment(allow=PUBLIC),
        **release_settings,
        **find_streets(published, home),
        **find_names(published, home),
    }


def find_streets(published: Release, home: Path) -> dict[str, str]:
    """Where the streets of a release's area are, and what a map says of them; nothing if this machine has none."""
    name = str(published.facts["area"]["name"])
    if name not in list_areas(home):
        return {}
    area = load_area(name, home=home)
    streets = read_streets(area)
    credit = ". ".join(streets.credits) if streets else ""
    return {"HEXBEAT_STREETS": str(area.folder), "HEXBEAT_STREETS_CREDIT": credit} if streets else {}


def find_names(published: Release, home: Path) -> dict[str, str]:
    """Where the gazetteer of a release's area is, and what a page says of it; nothing if this machine has none."""
    name = str(published.facts["area"]["name"])
    area = load_area(name, home=home) if name in list_areas(home) else None
    named = gazetteer.read_gazetteer(area) if area else None
    if area is None or named is None:
        return {}
    credit = ". ".join(named.attributions)
    return {"HEXBEAT_NAMES": str(area.folder / gazetteer.GAZETTEER_FILE), "HEXBEAT_NAMES_CREDIT": credit}


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
