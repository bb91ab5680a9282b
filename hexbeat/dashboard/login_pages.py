"""The pages that stand before the partners' side: how to sign in, signed out, and why a sign-in failed.

They are whole pages without a script, so that nothing of the dashboard runs for people who are not signed in.
"""

from collections.abc import Sequence
from typing import Final

from geo.errors import HexbeatError
from layers.wording import escape_html, format_sentence

__all__ = [
    "render_error_page",
    "render_link_page",
    "render_provider_page",
    "render_signed_out_page",
    "render_unreachable_page",
]

STYLE: Final = (
    # The colours of .streamlit/config.toml, light and dark.
    ":root{color-scheme:light dark;--ink:light-dark(#1b2027,#e8ebef);--paper:light-dark(#fff,#12161b);"
    "--line:light-dark(#cfd4da,#3b444f);--accent:light-dark(#5b2a86,#c6a4ee)}"
    "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:34rem;margin:clamp(1.5rem,12vh,7rem) auto;padding:0 1.25rem;"
    "color:var(--ink);background:var(--paper)}"
    "p.name{font-weight:700;color:var(--accent);margin:0;padding-bottom:.4rem;border-bottom:3px solid var(--accent)}"
    "h1{font-size:1.75rem;line-height:1.2;text-wrap:balance}"
    "a.go{display:inline-block;padding:.6rem 1.1rem;border-radius:.4rem;font-weight:600;text-decoration:none;"
    "color:var(--paper);background:var(--accent);border:2px solid var(--accent)}"
    "a{color:inherit}a:focus-visible{outline:3px solid;outline-offset:3px}"
    "code{display:block;font-size:1rem;padding:.5rem .7rem;border:1px solid var(--line);border-radius:.4rem;"
    "overflow-wrap:anywhere}"
)
OPEN: Final = '<a class="go" href="/">Open Hexbeat</a>'


def render_link_page(port: int) -> str:
    """How to get in where the server prints links that work once."""
    return _render(
        "Sign in to Hexbeat",
        [
            "Hexbeat opens by a link that works once.",
            f"The window in which Hexbeat was started shows it: <code>http://127.0.0.1:{port}/?key=…</code>",
            "Take the last one there. If you see none, stop Hexbeat in that window and start it again.",
            'If you have just taken the link, <a href="/">open Hexbeat</a>.',
        ],
    )


def render_provider_page(address: str) -> str:
    """A link to the provider; `address` is where it begins."""
    return _render(
        "Sign in to Hexbeat",
        [
            "Hexbeat is for the partners of this area. Sign in with the account that you use at work.",
            f'<a class="go" href="{escape_html(address)}">Sign in</a>',
        ],
    )


def render_signed_out_page() -> str:
    """What somebody sees after signing out."""
    return _render("You are signed out", ["You are signed out in every window of this browser.", OPEN])


def render_unreachable_page() -> str:
    """What somebody sees whom Hexbeat cannot send to the provider."""
    return _render(
        "The identity provider cannot be reached",
        [
            "Hexbeat asked it where to sign you in, and got no answer that it can use. Your account is not the reason.",
            "Try again in a few minutes. If it stays so, tell those who run Hexbeat: its log says more.",
            '<a class="go" href="/">Back to Hexbeat</a>',
        ],
    )


def render_error_page(error: HexbeatError) -> str:
    """Why somebody is not let in, in three parts."""
    parts = [escape_html(format_sentence(part)) for part in (error.fact, error.hint)]
    return _render(escape_html(error.rule), [*parts, '<a class="go" href="/sign-out">Sign in with another account</a>'])


def _render(title: str, paragraphs: Sequence[str]) -> str:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return (
        '<!doctype html><html lang="en-GB"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title} · Hexbeat</title><style>{STYLE}</style></head>"
        f'<body><main><p class="name">Hexbeat</p><h1>{title}</h1>{body}</main></body></html>'
    )
