"""A drawing for paper, shown on a screen: as a picture with its words, on white in the dark too."""

import base64

from layers.wording import escape_html

__all__ = ["render_picture"]

LOOK = "width:100%;max-width:38rem;background:#fff;border-radius:0.3rem;padding:0.4rem;box-sizing:border-box"


def render_picture(drawing: bytes, alt: str) -> str:
    """The SVG as an image, which runs nothing; `alt` says what it shows."""
    data = base64.b64encode(drawing).decode()
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{escape_html(alt)}" style="{LOOK}">'
