"""The page "Naloxone": the share of overdoses near a place that holds it, and the next best places."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import folium
import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit_folium import st_folium

from geo.errors import HexbeatError
from hexbeat.analysis.count_files import find_demonstration_mark
from hexbeat.analysis.rhythm import SHIFT_HOURS
from hexbeat.areas.credits import format_credits
from hexbeat.dashboard.audit import audit_view
from hexbeat.dashboard.header import draw_header
from hexbeat.dashboard.map.basemap import build_base_map
from hexbeat.dashboard.map.hex_layer import CellStyle, HexLayer
from hexbeat.dashboard.pages.map.map_page import draw_empty_store
from hexbeat.dashboard.screen import check_export, draw_error
from hexbeat.dashboard.state.presets import SHIFT_TITLES
from hexbeat.dashboard.state.session import Installation, InstallationKey
from hexbeat.documents.maps.scales import build_count_scale
from hexbeat.documents.naloxone_document import render_naloxone_pdf
from hexbeat.operations.reference_places import KIND_NAMES, read_reference
from hexbeat.reports.naloxone_cover import CELLS, CoverDistance, NaloxoneCover, Search, find_naloxone_cover
from hexbeat.reports.naloxone_text import build_cover_csv, build_cover_geojson, build_cover_notes, describe_cover
from layers.access import may_make
from layers.catalogue import find_only_layer
from layers.filters import Filter
from layers.wording import escape_html, format_number, format_percent

__all__ = ["draw_cover_map", "show"]

HEIGHT: Final = 560
_HOLDER_STYLE: Final[dict[str, Any]] = {"color": "#1098ad", "weight": 2.5, "fill": False, "interactive": False}
_NEXT_STYLE: Final[dict[str, Any]] = {**_HOLDER_STYLE, "color": "#2f9e44", "weight": 3, "dash_array": "7 5"}
_EDGE_STYLE: Final[dict[str, Any]] = {
    **_HOLDER_STYLE,
    "color": "#ffffff",
    "weight": 6,
    "opacity": 0.85,
}  # seen on every colour
REACHES: Final = {
    "400 m": CoverDistance(400.0),
    "5 minutes on foot": CoverDistance(minutes=5),
    "10 minutes on foot": CoverDistance(minutes=10),
}
SPANS: Final = {"90 days": 90, "1 year": 365, "All": None}
ANY: Final = "any"
SHIFTS: Final = {ANY: "Any hour"} | SHIFT_TITLES
NO_HOLDERS: Final = (
    "To load them, go to the Data page with a list of the pharmacies, hostels and services that hold naloxone: a table "
    "with name, longitude and latitude (or easting and northing), and opening hours if you have them. The next places "
    "below do not need it."
)


@dataclass(frozen=True, slots=True)
class CoverRequest:
    """The choices of the page."""

    reach: CoverDistance
    days: int | None
    shift: str
    search: Search


def show(installation: Installation, pages: Sequence[StreamlitPage]) -> None:
    """Draw the page."""
    draw_header(installation, pages)
    if not len(installation.columns):
        draw_empty_store(installation, pages)
        return
    try:
        request = draw_choices(installation)
        since = None if request.days is None else installation.today - dt.timedelta(days=request.days)
        audit_view(installation, "naloxone", {"from": since, "shift": request.shift})
        draw_cover(
            installation,
            _find_cached_cover(installation, installation.key, installation.today, _hash_places(installation), request),
            request,
        )
    except HexbeatError as error:
        draw_error(error)


def draw_choices(installation: Installation) -> CoverRequest:
    """Draw the choices of distance, period, hours, and the number and candidates of next places; return them."""
    kinds = {CELLS: "anywhere (cells of 130 m)"} | {
        kind: names[1] for kind, names in KIND_NAMES.items() if kind in _list_kinds(installation) and kind != "naloxone"
    }
    with st.container(horizontal=True, key="hb_question", gap="medium", vertical_alignment="bottom"):
        reach = st.pills("Near is within", list(REACHES), key="naloxone_reach", default="400 m", required=True)
        span = st.pills("Since", list(SPANS), key="naloxone_span", default="1 year", required=True)
        shift = st.pills(
            "Hours", list(SHIFTS), key="naloxone_shift", default=ANY, required=True, format_func=SHIFTS.__getitem__
        )
        number = st.number_input("Next places", 0, 20, 3, 1, key="naloxone_number", width=110)
        among = CELLS
        if len(kinds) > 1:
            among = str(st.selectbox("Among", list(kinds), key="naloxone_among", format_func=kinds.__getitem__))
    return CoverRequest(REACHES[str(reach)], SPANS[str(span)], str(shift), Search(int(number), (among,)))


def draw_cover(installation: Installation, cover: NaloxoneCover, request: CoverRequest) -> None:
    """Draw the sentence, the map beside the next places, the holders and the files."""
    notes = "".join(f"<li>{escape_html(note)}</li>" for note in build_cover_notes(cover))
    st.html(f'<div aria-live="polite"><p class="hb-sentence">{escape_html(describe_cover(cover))}</p></div>')
    if not len(cover.holders):
        st.info(NO_HOLDERS)
    with st.container(horizontal=True, wrap=False, key="hb_analysis", gap="medium"):
        with st.container(key="hb_analysis_map", width="stretch"):
            draw_cover_map(installation, cover)
        with st.container(key="hb_analysis_words", width=440):
            st.html(render_next_places(cover) + f'<ul class="hb-notes">{notes}</ul>')
            draw_files(installation, cover, request)
    if len(cover.holders):
        st.html(render_holders(cover))


def render_next_places(cover: NaloxoneCover) -> str:
    """The next places and what each adds."""
    if cover.next_places.empty:
        text = "None were asked for, or none would add any."
        return f'<h2 class="hb-title">The next places</h2><p class="hb-notes">{text}</p>'
    rows = "".join(
        f'<tr><td class="hb-number">{row["rank"]}</td><th scope="row">{escape_html(row["name"])}</th>'
        f'<td class="hb-number">+{format_number(row["gain"])}</td>'
        f'<td class="hb-number">{format_percent(row["share_after"])}</td></tr>'
        for row in cover.next_places.to_dict("records")
    )
    return (
        '<h2 class="hb-title">The next places</h2><table class="hb-plain"><thead><tr>'
        '<th scope="col" class="hb-number">No.</th><th scope="col">Where</th>'
        '<th scope="col" class="hb-number">Gain</th>'
        f'<th scope="col" class="hb-number">Cover then</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def render_holders(cover: NaloxoneCover) -> str:
    """The places that hold naloxone, with the number of overdoses near each."""
    rows = "".join(
        f'<tr><th scope="row">{escape_html(row["name"])}</th><td>{escape_html(row["ward_name"])}</td>'
        f'<td class="hb-number">{format_number(row["near"])}</td>'
        f"<td>{escape_html(row['hours'] or 'not known')}{'' if row['open'] else ' (shut in these hours)'}</td></tr>"
        for row in cover.holders.sort_values(["near", "name"], ascending=[False, True]).to_dict("records")
    )
    return (
        '<h2 class="hb-title">Places that hold naloxone</h2><div class="hb-scroll" tabindex="0" role="region" '
        'aria-label="Places that hold naloxone"><table class="hb-plain hb-wrap"><thead><tr><th scope="col">Name</th>'
        '<th scope="col">Ward</th><th scope="col" class="hb-number">Overdoses near</th><th scope="col">Open</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def draw_files(installation: Installation, cover: NaloxoneCover, request: CoverRequest) -> None:
    """Draw the downloads. The policy is checked again when a file is made."""
    if not may_make(installation.viewer, "naloxone"):
        return
    mark = find_demonstration_mark(installation.columns)
    note = {"area": installation.area.title, "attribution": format_credits(installation.area)} | (
        {"demonstration": mark} if mark else {}
    )
    event_filter = _build_filter(installation.today, request)
    makers: dict[str, tuple[str, str, Callable[[], bytes]]] = {
        "pdf": (
            "One A4 page (PDF)",
            "application/pdf",
            lambda: render_naloxone_pdf(
                cover,
                installation.area,
                event_filter=event_filter,
                mark=mark,
                made_at=dt.datetime.now(installation.area.tz),
            ),
        ),
        "csv": ("Places (CSV)", "text/csv", lambda: build_cover_csv(cover, note=note)),
        "geojson": ("Places (GeoJSON)", "application/geo+json", lambda: build_cover_geojson(cover, note=note)),
    }
    with st.container(horizontal=True, gap="small"):
        for kind, (label, mime, make) in makers.items():
            st.download_button(
                label,
                data=check_export(installation, make, document="naloxone", form=kind),
                file_name=f"hexbeat-{installation.area.name}-naloxone-{installation.today}.{kind}",
                mime=mime,
                on_click="ignore",
                key=f"naloxone_{kind}",
            )


def _list_kinds(installation: Installation) -> set[str]:
    return set(read_reference(installation.store, installation.viewer)["kind"])


def _hash_places(installation: Installation) -> str:
    """A hash of the loaded places, so that the cache never shows results for other places."""
    return str(hash(tuple(read_reference(installation.store, installation.viewer).itertuples(index=False, name=None))))


@st.cache_resource(max_entries=16, show_spinner="Looking for the best places …")
def _find_cached_cover(
    _installation: Installation, key: InstallationKey, today: dt.date, places: str, request: CoverRequest
) -> NaloxoneCover:
    del key, places
    event_filter = _build_filter(today, request)
    return find_naloxone_cover(
        _installation.store,
        _installation.viewer,
        _installation.columns,
        _installation.area,
        event_filter,
        reach=request.reach,
        search=request.search,
    )


def _build_filter(today: dt.date, request: CoverRequest) -> Filter:
    """The filter for the overdoses of the request."""
    start = today - dt.timedelta(days=request.days) if request.days else None
    return Filter(layers=(find_only_layer("naloxone").name,), start=start, hours=SHIFT_HOURS.get(request.shift))


def draw_cover_map(installation: Installation, cover: NaloxoneCover) -> None:
    """Draw cells of overdoses with circles: full around places that hold naloxone, broken around next places."""
    cells, counts = cover.cells
    highest = max([1.0, *counts.tolist()])
    layer = HexLayer(
        cells,
        counts,
        CellStyle(
            scale=build_count_scale(highest, shared=bool((counts % 1).any())),
            title="Overdoses a cell",
            unit="Overdoses",
        ),
        layer_id="cells",
    )
    group = folium.FeatureGroup(name="cells")
    group.add_child(layer)
    for frame, style in ((cover.holders[cover.holders["open"]], _HOLDER_STYLE), (cover.next_places, _NEXT_STYLE)):
        for lat, lon in zip(frame["lat"].tolist(), frame["lon"].tolist(), strict=True):
            for line in (_EDGE_STYLE, style):
                group.add_child(folium.Circle((lat, lon), radius=cover.reach.straight_m, **line))
            group.add_child(folium.CircleMarker((lat, lon), radius=4, **{**style, "fill": True, "fill_opacity": 1.0}))
    st_folium(
        build_base_map(installation.area, view_key="naloxone"),
        key="naloxone_map",
        height=HEIGHT,
        use_container_width=True,
        feature_group_to_add=group,
        returned_objects=[],
    )
    st.html(
        '<p class="hb-small">Full circles: within reach of a place that holds naloxone and is open. Broken: the next '
        "places. The tables say the same.</p>"
    )
