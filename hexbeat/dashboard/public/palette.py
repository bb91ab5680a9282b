"""The public side's colours, light and dark, as CSS variables. The scale is that of the partners' map."""

from typing import Final

from hexbeat.dashboard.public.block_drawing import list_steps
from hexbeat.documents.maps.scales import build_count_scale

__all__ = ["COLOURS", "build_map_palette", "build_static_palette", "build_streamlit_palette"]

_FIVE_CLASSES: Final = 31  # the largest count for which the partners' scale has five classes
_SCALE: Final = build_count_scale(_FIVE_CLASSES)

# Name to (light, dark).
COLOURS: Final[dict[str, tuple[str, str]]] = {
    "ink": ("#1b2027", "#e8ebef"),
    "paper": ("#ffffff", "#12161b"),
    "quiet": ("#4d5a66", "#b6c1cb"),
    "line": ("#75818d", "#8793a0"),
    "soft": ("#f2f3f6", "#1e242c"),
    "accent": ("#5b2a86", "#c6a4ee"),
    "on-accent": ("#ffffff", "#12161b"),
    "ground": ("#fbfcfc", "#1b2027"),
    "edge": ("#55606c", "#8b97a4"),
    "hatch": ("#66727e", "#93a0ad"),
    "ward": ("#1c2329", "#f1f4f6"),
    **{f"c{step}": (_SCALE.light[step], _SCALE.dark[step]) for step in range(len(list_steps(1)))},
}


def build_static_palette() -> str:
    """The palette of the static page, light or dark as the reader's system prefers."""
    light, dark = ("".join(f"--hp-{name}:{pair[theme]};" for name, pair in COLOURS.items()) for theme in (0, 1))
    return f":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def build_streamlit_palette() -> str:
    """The palette of the Streamlit page, which sets color-scheme with its theme."""
    pairs = "".join(f"--hp-{name}:light-dark({light},{dark});" for name, (light, dark) in COLOURS.items())
    return f'[data-testid="stApp"]{{{pairs}}}\n'


def build_map_palette() -> str:
    """The palette of the served map, whose own script finds out whether its page is light or dark."""
    light, dark = ("".join(f"--hp-{name}:{pair[theme]};" for name, pair in COLOURS.items()) for theme in (0, 1))
    return f":root{{{light}}}\n:root.hexbeat-dark{{{dark}}}\n"
