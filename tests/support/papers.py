"""What a PDF says of itself and to those who do not see it."""

import io
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pypdf
import pypdfium2

__all__ = ["A4", "Paper", "grey_levels", "read_paper"]

A4 = (595.3, 841.9)  # points


@dataclass(frozen=True)
class Paper:
    """A PDF, of which each part is read when it is asked for."""

    file: bytes

    @cached_property
    def pages(self) -> tuple[str, ...]:
        """The words of each page, as PDFium reads them: it takes a fiftieth of pypdf's time."""
        document = pypdfium2.PdfDocument(self.file)
        try:
            return tuple(page.get_textpage().get_text_range() for page in document)
        finally:
            document.close()

    @property
    def words(self) -> str:
        """All words, with one space between."""
        return " ".join(" ".join(self.pages).split())

    @cached_property
    def reader(self) -> pypdf.PdfReader:
        """The same as pypdf has it."""
        return pypdf.PdfReader(io.BytesIO(self.file))

    @property
    def root(self) -> Any:
        """The catalogue of the file."""
        return self.reader.trailer["/Root"]

    @property
    def title(self) -> str | None:
        """What the file says it is called."""
        return self.reader.metadata and self.reader.metadata.title

    @property
    def author(self) -> str | None:
        """Who the file says wrote it."""
        return self.reader.metadata and self.reader.metadata.author

    @property
    def language(self) -> str:
        """Its language, as "en-GB"."""
        return str(self.root["/Lang"])

    @property
    def marked(self) -> bool:
        """Whether it is tagged."""
        return bool(self.root["/MarkInfo"]["/Marked"])

    @property
    def claims_ua(self) -> bool:
        """Whether it says that it keeps PDF/UA."""
        return b"pdfuaid:part" in self.root["/Metadata"].get_object().get_data()

    @cached_property
    def tags(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The role of every tag, and every text that stands for a picture."""
        alts: list[str] = []
        roles: list[str] = []
        walk(self.root["/StructTreeRoot"], alts, roles)
        return tuple(roles), tuple(alts)

    @property
    def roles(self) -> tuple[str, ...]:
        """The role of every tag."""
        return self.tags[0]

    @property
    def alts(self) -> tuple[str, ...]:
        """The texts that stand for pictures."""
        return self.tags[1]

    @property
    def sizes(self) -> tuple[tuple[float, float], ...]:
        """The width and the height of each page, in points."""
        boxes = [page.mediabox for page in self.reader.pages]
        return tuple((round(float(box.width), 1), round(float(box.height), 1)) for box in boxes)


def read_paper(file: bytes) -> Paper:
    """The PDF, to be asked."""
    return Paper(file)


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
