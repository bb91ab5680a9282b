"""The base map of a folium map: a call to our own script in the browser, which draws it."""

from typing import Any, Final

from branca.element import MacroElement
from folium.template import Template

from hexbeat.dashboard.map.assets import format_script_json

__all__ = ["AREA_BASEMAP", "RELEASE_BASEMAP", "BasemapScript"]

AREA_BASEMAP: Final = "Hexbeat.base"  # assets/controls.js
RELEASE_BASEMAP: Final = "Hexbeat.publicMap"  # public/assets/blockmap.js


class BasemapScript(MacroElement):
    """Lets the browser draw the base map on its parent: `call` is the name of our function, `data` its argument."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "{{ this.call }}({{ this._parent.get_name() }}, {{ this.data_script }});"
        "{% endmacro %}"
    )

    def __init__(self, call: str, data: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca types some of its functions only
        self._name = "BasemapScript"
        self.call = call
        self.data_script = format_script_json(data)
