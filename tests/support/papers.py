"""What a PDF says of itself and to those who do not see it."""

import io
from dataclasses import dataclass
from typing import Any

import pypdf
import pypdfium2

__all__ = ["A4", "Paper", "grey_levels", "read_paper"]

A4 = (595.3, 841.9)  # points


@dataclass(frozen=True)
class Paper:
    """A PDF as read: its words page by page, its facts, and the words that stand for pictures."""

    pages: tuple[str, ...]
    title: str
    author: str | None
    language: str
    marked: bool
    claims_ua: bool
    alts: tuple[str, ...]
    roles: tuple[str, ...]
    sizes: tuple[tuple[float, ...], ...]

    @property
    def words(self) -> str:
        """All words, with one space between."""
        return " ".join(" ".join(self.pages).split())


def read_paper(file: bytes) -> Paper:
    reader = pypdf.PdfReader(io.BytesIO(file))
    root: Any = reader.trailer["/Root"]
    alts: list[str] = []
    roles: list[str] = []
    walk(root["/StructTreeRoot"], alts, roles)
    about: Any = reader.metadata
    return Paper(
        pages=tuple(page.extract_text() for page in reader.pages),
        title=about.title,
        author=about.author,
        language=root["/Lang"],
        marked=bool(root["/MarkInfo"]["/Marked"]),
        claims_ua=b"pdfuaid:part" in root["/Metadata"].get_object().get_data(),
        alts=tuple(alts),
        roles=tuple(roles),
        sizes=tuple(
            (round(float(page.mediabox.width), 1), round(float(page.mediabox.height), 1)) for page in reader.pages
        ),
    )


def walk(node: Any, alts: list[str], roles: list[str]) -> None:
    """The tree of tags: every role, and every text for a picture."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for part in node:
            walk(part, alts, roles)
    elif isinstance(node, dict):
        if "/S" in node:
            roles.append(str(node["/S"]).removeprefix("/"))
        if "/Alt" in node:
            alts.append(str(node["/Alt"]))
        if "/K" in node:
            walk(node["/K"], alts, roles)


def grey_levels(file: bytes, *, page: int = 0) -> set[int]:
    """The shades of grey (0 to 255) that fill at least a thousandth of a page printed without colour."""
    document = pypdfium2.PdfDocument(file)
    try:
        counts = document[page].render(scale=1.5).to_pil().convert("L").histogram()
    finally:
        document.close()
    return {level for level, number in enumerate(counts) if number >= sum(counts) / 1000}
