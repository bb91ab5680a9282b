"""Before and after on two Folium maps of one scale, with what is treated, next door and compared with outlined."""

from collections.abc import Sequence
from typing import Any, Final

import folium
import numpy as np
import shapely
import streamlit as st
from streamlit_folium import st_folium

from dashboard.basemap import build_base_map
from dashboard.documents.effect_document import build_picture_scale
from dashboard.hexlayer import HexLayer
from dashboard.session import Installation
from dashboard.words import escape_html
from layers.catalogue import find_layer
from layers.effect.asking import Evaluation
from layers.effect.picture import build_picture
from layers.effect.rows import build_evaluation_shapes

__all__ = ["draw_before_after"]

HEIGHT: Final = 400
_MOST_LINES: Final = 400  # outlines on a map; of many places only the treated ones
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "treated": {"color": "#1098ad", "weight": 3, "fill": False},
    "ring": {"color": "#1098ad", "weight": 2, "dash_array": "6 5", "fill": False},
    "control": {"color": "#868e96", "weight": 1.5, "dash_array": "2 4", "fill": False},
}


def draw_before_after(here: Installation, found: Evaluation) -> None:
    """Two maps side by side (one below the other on a phone), which move together."""
    picture = build_picture(found.effect, found.ground)
    scale = build_picture_scale(picture)
    shapes = _shapes(found)
    unit = " and ".join(find_layer(name).title for name in found.effect.protocol.rule.layers)
    for name, words, values, column in zip(
        ("Before", "After"), picture.words, (picture.before, picture.after), st.columns(2, gap="small"), strict=True
    ):
        with column:
            st.html(f'<h2 class="hb-map-title">{name} <small>{escape_html(words)}</small></h2>')
            layer = HexLayer(
                picture.cells, np.asarray(values), scale=scale, title="A cell", unit=unit, layer_id="cells",
                fit=picture.extent,
            )  # fmt: skip
            group = folium.FeatureGroup(name="cells")
            group.add_child(layer)
            for line in _lines(shapes):
                group.add_child(line)
            key = f"outcome_{name.lower()}_{found.effect.protocol.hash[:12]}"
            st_folium(
                build_base_map(here.area, view_key=f"outcome_{found.effect.protocol.hash[:12]}"),
                key=key,
                height=HEIGHT,
                use_container_width=True,
                feature_group_to_add=group,
                returned_objects=[],
            )
    st.html(
        '<p class="hb-small">Both maps have one scale. Full line: treated. Broken line: next door. Dotted: the places '
        "compared with. The table below says the same in numbers.</p>"
    )


def _shapes(found: Evaluation) -> list[dict[str, Any]]:
    """The outlines that are drawn; where all would be too many, what is treated alone."""
    lines = sum(1 + bool(one.planned.ring) + len(one.planned.near.controls) for one in found.effect.outcomes)
    if lines <= _MOST_LINES:
        return build_evaluation_shapes(found.effect, found.ground)
    shapes = build_evaluation_shapes(found.effect, found.ground, controls=False)
    return [one for one in shapes if one["role"] == "treated"][:_MOST_LINES]


def _lines(shapes: Sequence[dict[str, Any]]) -> list[folium.PolyLine]:
    """Outlines that hold no text, and so run nothing."""
    found = []
    for one in shapes:
        for part in shapely.get_parts(one["geometry"]):
            points = [(lat, lon) for lon, lat in shapely.get_coordinates(part.exterior).round(6).tolist()]
            look = {"interactive": False, "smooth_factor": 0, **_LOOKS[one["role"]]}
            found.append(folium.PolyLine(points, **look))  # type: ignore[no-untyped-call]  # folium types some only
    return found
