"""A council's own map tiles under the cells: XYZ, WMTS or WMS, named by the settings of this installation.

| setting | meaning |
|---|---|
| `HEXBEAT_TILES` | the address, with {z} {x} {y}, or {TileMatrix} {TileRow} {TileCol}, or of a WMS with `layers=` |
| `HEXBEAT_TILES_ATTRIBUTION` | whose map it is, as the map shows it |
| `HEXBEAT_TILES_KEY` | what stands for {key} in the address |
| `HEXBEAT_TILES_STREETS` | `instead` (the tiles alone) or `under` (the area's own streets are drawn over them) |
| `HEXBEAT_TILES_PUBLIC` | `yes`: the public map has them too |

Every browser asks the service itself: the service learns its address and the part of the map that it shows, and any key
is in every page. So there is no tile service unless the settings name one.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from geo.errors import UsageError

__all__ = ["TileService", "format_image_sources", "parse_tile_service", "read_tile_service"]

ADDRESS: Final = "HEXBEAT_TILES"
ATTRIBUTION: Final = "HEXBEAT_TILES_ATTRIBUTION"
KEY: Final = "HEXBEAT_TILES_KEY"
STREETS: Final = "HEXBEAT_TILES_STREETS"
PUBLIC: Final = "HEXBEAT_TILES_PUBLIC"

_EXAMPLES: Final = "https://tiles.example.gov.uk/{z}/{x}/{y}.png"
_FIELD: Final = re.compile(r"\{[^{}]*\}")
_KEY_FIELD: Final = "{key}"
_XYZ: Final = frozenset({"{z}", "{x}", "{y}"})
_TMS: Final = frozenset({"{z}", "{x}", "{-y}"})  # rows counted from the south
_WMTS: Final = {"{TileMatrix}": "{z}", "{TileRow}": "{y}", "{TileCol}": "{x}"}
_ALLOWED: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&()*+,;=%{}-]{1,1000}")
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_THIS_MACHINE: Final = ("127.0.0.1", "localhost")
_LONGEST_ATTRIBUTION: Final = 300
# What a request of a WMS says of itself; the browser fills in the rest (request, size, place).
_WMS_USUAL: Final = {"layers": "", "styles": "", "format": "image/png", "version": "1.3.0"}
_WMS_OWN: Final = frozenset({"service", "request", "bbox", "width", "height", "crs", "srs", "transparent"})


@dataclass(frozen=True, slots=True)
class TileService:
    """Tiles of the Web Mercator projection (EPSG:3857), as the browser asks for them.

    address: Leaflet's template, with its key. wms: the parameters of a WMS, None for tiles that have addresses of their
    own. origin: the server as a security policy names it. under: the area's own streets are drawn over the tiles.
    public: the public map has them too.
    """

    address: str
    attribution: str
    origin: str
    wms: tuple[tuple[str, str], ...] | None = None
    under: bool = False
    public: bool = False

    @property
    def script_options(self) -> dict[str, Any]:
        """What the map's script needs (assets/tiles.js)."""
        return {"address": self.address, "wms": dict(self.wms) if self.wms is not None else None}


def read_tile_service(*, public: bool = False) -> TileService | None:
    """The tile service of this installation's environment; None if there is none, or none for the public map."""
    service = parse_tile_service(os.environ)
    return service if service and (service.public or not public) else None


def format_image_sources(*, public: bool) -> str:
    """The value of img-src in a Content-Security-Policy: this server, pictures within a page, and the tile service."""
    service = read_tile_service(public=public)
    return " ".join(["'self'", "data:", *([service.origin] if service else [])])


def parse_tile_service(settings: Mapping[str, str]) -> TileService | None:
    """The tile service that settings name; None if HEXBEAT_TILES is not set. UsageError if they make no sense.

    No error shows the address or the key, because either may be a secret.
    """
    text = settings.get(ADDRESS, "").strip()
    if not text:
        _require_nothing_else(settings)
        return None
    origin = _parse_origin(text)
    keyed = _fill_in_key(text, settings.get(KEY, "").strip())
    attribution = _parse_attribution(settings.get(ATTRIBUTION, ""))
    fields = set(_FIELD.findall(keyed))
    under = _parse_choice(settings, STREETS, {"": False, "instead": False, "under": True})
    public = _parse_choice(settings, PUBLIC, {"": False, "no": False, "yes": True})
    if not fields:
        address, wms = _split_wms(keyed)
        return TileService(address, attribution, origin, wms, under, public)
    return TileService(_format_template(keyed, fields), attribution, origin, None, under, public)


def _require_nothing_else(settings: Mapping[str, str]) -> None:
    setting = next((name for name in (ATTRIBUTION, KEY, STREETS, PUBLIC) if settings.get(name, "").strip()), None)
    if setting:
        raise UsageError(
            "The settings of tiles go with the address of a tile service",
            f"{setting} is set and {ADDRESS} is not",
            f"set {ADDRESS}, for example to {_EXAMPLES}, or remove {setting}",
        )


def _parse_origin(text: str) -> str:
    """The server of the address as "https://tiles.example.gov.uk:8443"; https, but for a server of this machine."""
    hint = f"write it as in {_EXAMPLES}"
    rule = f"{ADDRESS} is the https address of a tile service, without spaces or a password"
    if not _ALLOWED.fullmatch(text):
        raise UsageError(rule, "it does not begin with https://, or has characters that no address has", hint)
    parts = urlsplit(text)
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(rule, "its port is no number from 1 to 65535", hint) from error
    if parts.username is not None or not _HOST.fullmatch(host):
        raise UsageError(rule, "the name of its server has other characters, a field in braces or a password", hint)
    if parts.scheme != "https" and host not in _THIS_MACHINE:
        raise UsageError(
            "A tile service is asked over https, unless it runs on this machine",
            f"{ADDRESS} begins with http:// and names another machine",
            "use its https address",
        )
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def _fill_in_key(text: str, key: str) -> str:
    if (_KEY_FIELD in text) != bool(key):
        no_key, no_field = f"{ADDRESS} has {{key}} and {KEY} is not set", f"{KEY} is set and {ADDRESS} has no {{key}}"
        raise UsageError(
            f"The key of a tile service stands in {KEY}, and {{key}} in the address says where it goes",
            no_field if key else no_key,
            f"write {ADDRESS} as in {_EXAMPLES}?key={{key}}, and set {KEY}",
        )
    return text.replace(_KEY_FIELD, quote(key, safe=""))


def _parse_attribution(text: str) -> str:
    attribution = " ".join(text.split())
    if not attribution or len(attribution) > _LONGEST_ATTRIBUTION:
        raise UsageError(
            f"A map says whose tiles it shows, in at most {_LONGEST_ATTRIBUTION} characters",
            f"{ATTRIBUTION} has {len(attribution)}" if attribution else f"{ATTRIBUTION} is not set",
            "copy the sentence that the service asks for, for example '© Crown copyright and database rights 2026'",
        )
    return attribution


def _parse_choice(settings: Mapping[str, str], name: str, choices: Mapping[str, bool]) -> bool:
    value = settings.get(name, "").strip().lower()
    if value not in choices:
        options = " or ".join(choice for choice in choices if choice)
        raise UsageError(f"{name} is {options}", f"it is {value[:40]!r}", "set it to one of them, or remove it")
    return choices[value]


def _format_template(text: str, fields: set[str]) -> str:
    """A template of addresses in Leaflet's fields."""
    if fields == set(_WMTS):
        for wmts_field, tile_field in _WMTS.items():
            text = text.replace(wmts_field, tile_field)
        return text
    if fields not in (_XYZ, _TMS):
        raise UsageError(
            f"{ADDRESS} has {{z}}, {{x}} and {{y}}, or {{TileMatrix}}, {{TileRow}} and {{TileCol}}, and no other field",
            f"it has {', '.join(sorted(fields))}",
            "fill in the other fields, such as {s}, {Style} or {TileMatrixSet}, with what the service offers for "
            "EPSG:3857",
        )
    return text


def _split_wms(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The address of a WMS with what else it needs, such as a map file or a key; and the parameters of its requests."""
    parts = urlsplit(text)
    pairs = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
    values = {name.lower(): value for name, value in pairs}
    if not values.get("layers"):
        raise UsageError(
            f"{ADDRESS} has the fields of a tile's address, or names the layers of a WMS",
            "it has neither",
            f"write it as in {_EXAMPLES}, or as in https://maps.example.gov.uk/wms?layers=streets",
        )
    parameters = {name: values.get(name) or usual for name, usual in _WMS_USUAL.items()}
    others = [(name, value) for name, value in pairs if name.lower() not in _WMS_USUAL.keys() | _WMS_OWN]
    address = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(others), ""))
    return address, tuple(parameters.items())
