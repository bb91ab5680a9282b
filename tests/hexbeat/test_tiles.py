"""The settings of a council's own tiles: what is taken, and what is refused with which words."""

import re

import pytest

from geo.errors import UsageError
from hexbeat.tiles import TileService, format_image_sources, parse_tile_service, read_tile_service

CREDIT = "© Crown copyright 2026"
XYZ = "https://tiles.example.gov.uk/{z}/{x}/{y}.png"


def parse(address: str, **others: str) -> TileService:
    named = {f"HEXBEAT_TILES_{name.upper()}": value for name, value in others.items()}
    service = parse_tile_service({"HEXBEAT_TILES": address, "HEXBEAT_TILES_ATTRIBUTION": CREDIT, **named})
    assert service
    return service


def test_there_are_no_tiles_unless_the_settings_name_some() -> None:
    assert parse_tile_service({}) is None
    assert parse_tile_service({"HEXBEAT_TILES": " ", "HEXBEAT_TILES_KEY": ""}) is None


@pytest.mark.parametrize(
    ("address", "template", "origin"),
    [
        (XYZ, XYZ, "https://tiles.example.gov.uk"),
        ("https://t.example.org:8443/{z}/{x}/{-y}.png", "https://t.example.org:8443/{z}/{x}/{-y}.png", "https://t.example.org:8443"),
        ("http://127.0.0.1:9000/{z}/{x}/{y}", "http://127.0.0.1:9000/{z}/{x}/{y}", "http://127.0.0.1:9000"),
        (
            "https://w.example.org/light/EPSG:3857/{TileMatrix}/{TileRow}/{TileCol}.png",
            "https://w.example.org/light/EPSG:3857/{z}/{y}/{x}.png",
            "https://w.example.org",
        ),
        (
            "https://w.example.org/wmts?request=GetTile&tilematrix=EPSG:3857:{TileMatrix}&tilerow={TileRow}&tilecol={TileCol}",
            "https://w.example.org/wmts?request=GetTile&tilematrix=EPSG:3857:{z}&tilerow={y}&tilecol={x}",
            "https://w.example.org",
        ),
    ],
    ids=["XYZ", "TMS", "this machine", "WMTS with paths", "WMTS with parameters"],
)  # fmt: skip
def test_addresses_of_tiles_are_taken_as_leaflet_needs_them(address: str, template: str, origin: str) -> None:
    assert parse(address) == TileService(template, CREDIT, origin)


def test_a_wms_keeps_what_its_address_needs_and_leaves_the_rest_to_the_browser() -> None:
    service = parse(
        "https://maps.example.gov.uk/wms?map=/srv/base.map&SERVICE=WMS&REQUEST=GetMap&LAYERS=roads,labels&key={key}"
        "&version=1.1.1&BBOX=1,2,3,4",
        key="s3 cret/",
        streets="under",
        public="Yes",
    )
    assert service.address == "https://maps.example.gov.uk/wms?map=%2Fsrv%2Fbase.map&key=s3+cret%2F"
    assert service.script_options["wms"] == {
        "layers": "roads,labels", "styles": "", "format": "image/png", "version": "1.1.1",
    }  # fmt: skip
    assert (service.under, service.public) == (True, True)


def test_a_key_is_put_in_as_an_address_needs_it() -> None:
    assert parse(f"{XYZ}?key={{key}}", key="a&b=c").address == f"{XYZ}?key=a%26b%3Dc"


WRITE = "write it as in https://tiles.example.gov.uk/{z}/{x}/{y}.png"
ADDRESS = ("HEXBEAT_TILES is the https address of a tile service, without spaces or a password", WRITE)
FIELDS = (
    "HEXBEAT_TILES has {z}, {x} and {y}, or {TileMatrix}, {TileRow} and {TileCol}, and no other field",
    "fill in the other fields, such as {s}, {Style} or {TileMatrixSet}, with what the service offers for EPSG:3857",
)
KEY = (
    "The key of a tile service stands in HEXBEAT_TILES_KEY, and {key} in the address says where it goes",
    "write HEXBEAT_TILES as in https://tiles.example.gov.uk/{z}/{x}/{y}.png?key={key}, and set HEXBEAT_TILES_KEY",
)
CREDITED = (
    "A map says whose tiles it shows, in at most 300 characters",
    "copy the sentence that the service asks for, for example '© Crown copyright and database rights 2026'",
)
HTTPS = ("A tile service is asked over https, unless it runs on this machine", "use its https address")
WMS = (
    "HEXBEAT_TILES has the fields of a tile's address, or names the layers of a WMS",
    f"{WRITE}, or as in https://maps.example.gov.uk/wms?layers=streets",
)
LONE = (
    "The settings of tiles go with the address of a tile service",
    "set HEXBEAT_TILES, for example to https://tiles.example.gov.uk/{z}/{x}/{y}.png, or remove HEXBEAT_TILES_KEY",
)
STREETS = ("HEXBEAT_TILES_STREETS is instead or under", "set it to one of them, or remove it")
PUBLIC = ("HEXBEAT_TILES_PUBLIC is no or yes", "set it to one of them, or remove it")
NO_ADDRESS = "it does not begin with https://, or has characters that no address has"
NO_HOST = "the name of its server has other characters, a field in braces or a password"


@pytest.mark.parametrize(
    ("address", "others", "fact", "around"),
    [
        ("tiles.example.gov.uk/{z}", {}, NO_ADDRESS, ADDRESS),
        (f"{XYZ}; script-src *", {}, NO_ADDRESS, ADDRESS),
        ("https://me:secret@a.example/{z}/{x}/{y}.png", {}, NO_HOST, ADDRESS),
        ("https://{s}.a.example/{z}/{x}/{y}.png", {}, NO_HOST, ADDRESS),
        ("https://*/{z}/{x}/{y}.png", {}, NO_HOST, ADDRESS),
        ("https://a.example:99999/{z}/{x}/{y}.png", {}, "its port is no number from 1 to 65535", ADDRESS),
        ("http://a.example/{z}/{x}/{y}", {}, "HEXBEAT_TILES begins with http:// and names another machine", HTTPS),
        ("https://a.example/{z}/{x}.png", {}, "it has {x}, {z}", FIELDS),
        ("https://a.example/{r}/{z}/{x}/{y}.png", {}, "it has {r}, {x}, {y}, {z}", FIELDS),
        ("https://a.example/wms?map=x", {}, "it has neither", WMS),
        (XYZ, {"KEY": "k"}, "HEXBEAT_TILES_KEY is set and HEXBEAT_TILES has no {key}", KEY),
        (f"{XYZ}?k={{key}}", {}, "HEXBEAT_TILES has {key} and HEXBEAT_TILES_KEY is not set", KEY),
        (XYZ, {"ATTRIBUTION": ""}, "HEXBEAT_TILES_ATTRIBUTION is not set", CREDITED),
        (XYZ, {"ATTRIBUTION": "x" * 301}, "HEXBEAT_TILES_ATTRIBUTION has 301", CREDITED),
        (XYZ, {"STREETS": "over"}, "it is 'over'", STREETS),
        (XYZ, {"PUBLIC": "1"}, "it is '1'", PUBLIC),
        ("", {"KEY": "k", "ATTRIBUTION": ""}, "HEXBEAT_TILES_KEY is set and HEXBEAT_TILES is not", LONE),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    address: str, others: dict[str, str], fact: str, around: tuple[str, str]
) -> None:
    named = {f"HEXBEAT_TILES_{name}": value for name, value in {"ATTRIBUTION": CREDIT, **others}.items()}
    with pytest.raises(UsageError, match=f"^{re.escape(f'{around[0]}; {fact}; {around[1]}')}$"):
        parse_tile_service({"HEXBEAT_TILES": address, **named})


def test_the_security_policy_names_the_service_and_the_public_one_only_if_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert [format_image_sources(public=public) for public in (False, True)] == ["'self' data:"] * 2
    monkeypatch.setenv("HEXBEAT_TILES", XYZ)
    monkeypatch.setenv("HEXBEAT_TILES_ATTRIBUTION", CREDIT)
    assert format_image_sources(public=False) == "'self' data: https://tiles.example.gov.uk"
    assert format_image_sources(public=True) == "'self' data:"
    assert read_tile_service(public=True) is None
    monkeypatch.setenv("HEXBEAT_TILES_PUBLIC", "yes")
    assert format_image_sources(public=True) == "'self' data: https://tiles.example.gov.uk"
