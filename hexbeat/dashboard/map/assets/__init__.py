"""The map's scripts and styles: ours from this folder, Leaflet from its package.

The live map loads them from a folder of this process that Streamlit serves beside its components. File names carry a
hash of the content, so a browser caches them and never mixes a new version with an old one. The saved page contains
them. Nothing is fetched from other servers.
"""

import atexit
import hashlib
import json
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import streamlit.components.v1 as components
from xstatic.pkg import leaflet

__all__ = ["format_script_json", "read_asset", "read_live_script", "read_scripts", "read_styles", "serve_text"]

# In the order in which they need each other.
SCRIPTS: Final = (
    *("lattice", "theme", "view", "wards", "wardnames", "controls", "hexcanvas", "streetnames", "streets"),
    *("tiles", "hexlayer", "keyboard", "legend", "frames"),
)
STYLES: Final = ("hexbeat",)
ASSETS: Final = Path(__file__).parent
LEAFLET: Final = Path(leaflet.BASE_DIR)


@cache
def read_asset(name: str) -> str:
    """A file of this folder as text."""
    return (ASSETS / name).read_text(encoding="utf-8")


@cache
def read_scripts() -> str:
    """Leaflet and our scripts as one text; each file keeps its own strict mode and names."""
    leaflet_script = (LEAFLET / "leaflet.js").read_text(encoding="utf-8")
    # The source map is not served, so browsers should not ask for it.
    leaflet_script = re.sub(r"^//# sourceMappingURL=.*$", "", leaflet_script, flags=re.MULTILINE)
    own_scripts = [read_asset(f"{name}.js") for name in SCRIPTS]
    return ";\n".join([leaflet_script, *own_scripts])


@cache
def read_live_script() -> str:
    """Scripts and styles in one: names are measured as the map opens, when a separate style sheet might be late."""
    sheet = f"Object.assign(document.createElement('style'), {{textContent: {format_script_json(read_styles())}}})"
    return f"document.head.append({sheet});\n{read_scripts()}"


@cache
def read_styles() -> str:
    """Leaflet's styles and ours as one."""
    own_styles = [read_asset(f"{name}.css") for name in STYLES]
    return "\n".join([(LEAFLET / "leaflet.css").read_text(encoding="utf-8"), *own_styles])


def format_script_json(value: Any) -> str:
    """JSON that is only data in a script, in a page, and in folium's templates.

    "<", ">" and "&" cannot end a script element, U+2028 and other characters beyond ASCII are escapes, and an opening
    brace that Jinja would take for its own ("{{", "{%", "{#") cannot come from a string.
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return re.sub(r"\{(?=[{%#])", r"\\u007b", text)


def serve_text(stem: str, suffix: str, content: str) -> str:
    """Serve a text as "<stem>-<hash><suffix>" and return its address, relative to the page of a Streamlit component.

    Call it within a run of a Streamlit script: Streamlit learns of the folder there.
    """
    name = f"{stem}-{hashlib.sha256(content.encode()).hexdigest()[:16]}{suffix}"
    path = make_served_folder() / name
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(content)
        Path(file.name).replace(path)  # at once, so that no other session serves half of it
    component = components.declare_component("files", path=path.parent)
    return f"../{component.name}/{name}"


@cache
def make_served_folder() -> Path:
    """This process's own folder of files to serve, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="hexbeat-map-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
