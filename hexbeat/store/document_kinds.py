"""The kinds of shared documents: where a person edits them, and who may read and change them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from layers.access import Action, Viewer, require_any

__all__ = ["FILES", "MARK_FILE", "SETTING_FILES", "DocumentKind", "require_reader", "require_writer"]


class DocumentKind(StrEnum):
    """What a document is. The value is stored, so it never changes."""

    PLAN = "plan"
    SETTING = "setting"
    SOURCE = "source"
    SELECTION = "selection"
    EVIDENCE = "evidence"
    RELEASE = "release"
    AREA = "area"
    VIEW = "view"
    MAIL = "mail"  # which addresses have the briefing of a day
    PHONE = "phone"  # the secret from which the marks of phones come


FILES: Final = {DocumentKind.SETTING: "{}", DocumentKind.SOURCE: "sources/{}.toml"}  # what a person edits in the home
SETTING_FILES: Final = ("plans.toml", "release.toml", "policy.toml", "costs.toml")
MARK_FILE: Final = ".shared-files.json"  # in a home whose files were compared with the store
# Who may read and who may change a kind: whoever may do one of these. Areas are public maps: everybody may read them.
_READERS: Final[Mapping[DocumentKind, frozenset[Action]]] = {
    DocumentKind.PLAN: frozenset({Action.PLAN, Action.SEE_WORK}),
    DocumentKind.SETTING: frozenset({Action.PLAN, Action.SEE_WORK, Action.EXPORT}),
    DocumentKind.SOURCE: frozenset({Action.LOAD, Action.SEE_COUNTS}),
    DocumentKind.SELECTION: frozenset({Action.SEE_COUNTS}),
    DocumentKind.EVIDENCE: frozenset({Action.MAKE_EVIDENCE}),
    DocumentKind.RELEASE: frozenset({Action.EXPORT}),
    DocumentKind.VIEW: frozenset({Action.SEE_COUNTS}),
    DocumentKind.MAIL: frozenset({Action.SEE_COUNTS}),
    DocumentKind.PHONE: frozenset({Action.RECORD_WORK}),
}
_WRITERS: Final[Mapping[DocumentKind, frozenset[Action]]] = {
    DocumentKind.PLAN: frozenset({Action.PLAN}),
    DocumentKind.SETTING: frozenset({Action.PLAN}),
    DocumentKind.SOURCE: frozenset({Action.LOAD}),
    DocumentKind.SELECTION: frozenset({Action.SEE_COUNTS}),
    DocumentKind.EVIDENCE: frozenset({Action.MAKE_EVIDENCE}),
    DocumentKind.RELEASE: frozenset({Action.EXPORT}),
    DocumentKind.AREA: frozenset({Action.LOAD}),
    DocumentKind.VIEW: frozenset({Action.SEE_COUNTS}),
    DocumentKind.MAIL: frozenset({Action.SEE_COUNTS}),
    DocumentKind.PHONE: frozenset({Action.RECORD_WORK}),
}
# Whoever plans may change plans.toml; the others say what may be published, what may be seen, and what events cost.
_SETTING_WRITERS: Final[Mapping[str, frozenset[Action]]] = {
    "release.toml": frozenset({Action.RETAIN}),
    "policy.toml": frozenset({Action.SET_POLICY}),
    "costs.toml": frozenset({Action.RETAIN}),
}


def require_reader(viewer: Viewer, kind: DocumentKind) -> None:
    """PolicyError unless the viewer may read documents of this kind."""
    if kind != DocumentKind.AREA:
        require_any(viewer, _READERS[kind], f"see a shared {kind}")


def require_writer(viewer: Viewer, kind: DocumentKind, name: str = "") -> None:
    """PolicyError unless the viewer may change the document of this kind and name."""
    actions = _SETTING_WRITERS.get(name, _WRITERS[kind]) if kind == DocumentKind.SETTING else _WRITERS[kind]
    require_any(viewer, actions, f"change a shared {kind}")
