"""What a folium map stands on: a call to our own browser side, which draws the ground of the map."""

from typing import Any, Final

from branca.element import MacroElement
from folium.template import Template

from hexbeat.dashboard.map.assets import format_script_json

__all__ = ["AREA_GROUND", "RELEASE_GROUND", "BasemapScript"]

AREA_GROUND: Final = "Hexbeat.base"  # assets/controls.js
RELEASE_GROUND: Final = "Hexbeat.publicMap"  # public/assets/blockmap.js


class BasemapScript(MacroElement):
    """Has the browser draw the ground on its parent, the map: `call` is a function of ours, `data` is JSON."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this.call }}({{ this._parent.get_name() }}, {{ this.data_script }});"
        "{% endmacro %}"
    )

    def __init__(self, call: str, data: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca types some of its functions only
        self._name = "Ground"
        self.call = call
        self.data_script = format_script_json(data)
