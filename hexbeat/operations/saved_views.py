"""Saved views, what Hexbeat opens with, where a person's plans start, and when somebody was last here.

A saved view is a page with its filter under a name, for oneself or for the partnership: the words of a link, and no
record. Views are shared documents, the same on every server of a store. What people save for themselves, nobody else is
shown; it lies under a digest of their name.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from geo.errors import PolicyError, UsageError
from hexbeat.store.shared_documents import DocumentKind, SharedDocuments
from layers.access import Action, Role, Viewer, may
from layers.policy import PAGES
from layers.timestamps import to_seconds

__all__ = [
    "LONGEST_NAME",
    "MOST_VIEWS",
    "VISIT_S",
    "SavedView",
    "Visit",
    "choose_home",
    "find_home",
    "list_own_starts",
    "list_views",
    "may_remove",
    "note_start",
    "note_visit",
    "put_steps_away",
    "remove_view",
    "save_view",
]

LONGEST_NAME: Final = 60
MOST_VIEWS: Final = 50  # of one person, and of the partnership
LONGEST_QUERY: Final = 2_000
VISIT_S: Final = 4 * 3600
_SHARED: Final = "partnership"


@dataclass(frozen=True, slots=True)
class SavedView:
    """A page by its address, and its choices in the words of links. `made_by`: who saved it, for all to see."""

    name: str
    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    is_shared: bool = False
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that began at `at` (seconds since 1970, UTC), with the number of the newest record that was there.

    `before_at` and `before_row` are those of the visit before; None for a first one. `knows_steps`: the person has put
    the first steps away.
    """

    at: int
    last_row: int
    before_at: int | None = None
    before_row: int | None = None
    knows_steps: bool = False


def list_views(documents: SharedDocuments) -> list[SavedView]:
    """The viewer's own views and those of the partnership, each by name. PolicyError for who may see no counts."""
    own, shared = (
        [_parse_view(document.content) for document in documents.read_all(DocumentKind.VIEW, f"view/{owner}/").values()]
        for owner in (_hash_name(documents.viewer), _SHARED)
    )
    views = [view for view in (*own, *shared) if view]
    return sorted(views, key=lambda view: (view.is_shared, view.name.casefold()))


def save_view(documents: SharedDocuments, view: SavedView) -> SavedView:
    """Keep a view under its name, in the place of one of the same name that the viewer may remove.

    UsageError for no name, one that is too long, a page or choices that no link has, or too many views. PolicyError if
    another person's shared view has it.
    """
    name = " ".join(unicodedata.normalize("NFC", view.name).split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"A view needs a name of at most {LONGEST_NAME} letters",
            f"this one has {len(name)}",
            "write for example Needles, city centre, last 28 days",
        )
    _require_choices(view)
    own_view = SavedView(name, view.page, dict(view.query), view.is_shared, documents.viewer.subject)
    before = [other for other in list_views(documents) if other.is_shared == own_view.is_shared]
    same = next((other for other in before if other.name.casefold() == name.casefold()), None)
    if same is not None and not may_remove(documents.viewer, same):
        raise _refuse(same)
    if same is None and len(before) >= MOST_VIEWS:
        raise UsageError(f"{MOST_VIEWS} views can be kept", "there are as many already", "remove one that nobody needs")
    documents.write(DocumentKind.VIEW, _build_name(documents.viewer, own_view), _format(asdict(own_view)))
    return own_view


def may_remove(viewer: Viewer, view: SavedView) -> bool:
    """Whether a view of the store is the viewer's own, or they saved or look after it for the partnership."""
    return not view.is_shared or view.made_by == viewer.subject or may(viewer, Action.SET_POLICY)


def remove_view(documents: SharedDocuments, view: SavedView) -> None:
    """Take a view away; nothing if it is gone. PolicyError for another person's.

    Who saved it, the store says: `view` gives the name alone.
    """
    name = _build_name(documents.viewer, view)
    document = documents.read(DocumentKind.VIEW, name)
    if document is None:
        return
    stored_view = _parse_view(document.content) or replace(view, made_by="")
    if not may_remove(documents.viewer, stored_view):
        raise _refuse(stored_view)
    documents.remove(DocumentKind.VIEW, name)


def choose_home(documents: SharedDocuments, view: SavedView | None, *, role: Role | None = None) -> None:
    """Let Hexbeat open with a view (None: with the map): for the viewer, or for all of a role who chose nothing.

    PolicyError for a role, unless the viewer looks after what all share. UsageError for choices that no link has.
    """
    if role is not None and not may(documents.viewer, Action.SET_POLICY):
        raise PolicyError(
            "What a role opens with is for all of its people",
            f"your role, {documents.viewer.role}, does not decide that",
            "ask the analyst of the partnership",
        )
    if view is not None:
        _require_choices(view)
    name = f"home/role/{role}" if role else f"home/{_hash_name(documents.viewer)}"
    documents.update(DocumentKind.VIEW, name, lambda _: None if view is None else _format(asdict(view)))


def find_home(documents: SharedDocuments) -> SavedView | None:
    """What Hexbeat opens with for the viewer: their own choice, or that for their role; None for the map."""
    for name in (f"home/{_hash_name(documents.viewer)}", f"home/role/{documents.viewer.role}"):
        document = documents.read(DocumentKind.VIEW, name)
        view = _parse_view(document.content) if document else None
        if view:
            return view
    return None


def note_visit(documents: SharedDocuments, *, last_row: int) -> Visit:
    """Note that the viewer is here, with the newest record that they see, and answer their visit.

    Whoever comes again within VISIT_S goes on with the same visit, so that a reload forgets nothing.
    """
    name, now = _name_visit(documents), to_seconds(None)
    before = _read_visit(documents)
    if before is not None and now - before.at < VISIT_S:
        return before
    visit = Visit(now, last_row)
    if before is not None:
        visit = Visit(now, last_row, before.at, before.last_row, before.knows_steps)
    documents.write(DocumentKind.VIEW, name, _format(asdict(visit)))
    return visit


def note_start(documents: SharedDocuments, kind: str, name: str) -> None:
    """Note that the viewer's plans of a kind (patrol, sweep) started at the place of this name, the last first."""
    own = _read_starts(documents)
    names = [name, *(other for other in own.get(kind, []) if other != name)]
    if names != own.get(kind):
        documents.write(DocumentKind.VIEW, _name_starts(documents), _format(own | {kind: names[:MOST_VIEWS]}))


def list_own_starts(documents: SharedDocuments, kind: str) -> list[str]:
    """The names of the places where the viewer's plans of a kind started, the last first."""
    return _read_starts(documents).get(kind, [])


def _name_starts(documents: SharedDocuments) -> str:
    return f"starts/{_hash_name(documents.viewer)}"


def _read_starts(documents: SharedDocuments) -> dict[str, list[str]]:
    document = documents.read(DocumentKind.VIEW, _name_starts(documents))
    try:
        facts = json.loads(document.content) if document else {}
        return {str(kind): [str(name) for name in names] for kind, names in facts.items()}
    except (ValueError, TypeError, AttributeError):
        return {}  # damaged: as if they never planned


def put_steps_away(documents: SharedDocuments) -> None:
    """Note that the viewer knows the first steps."""
    visit = _read_visit(documents) or Visit(to_seconds(None), 0)
    documents.write(DocumentKind.VIEW, _name_visit(documents), _format(asdict(replace(visit, knows_steps=True))))


def _name_visit(documents: SharedDocuments) -> str:
    return f"visit/{_hash_name(documents.viewer)}"


def _read_visit(documents: SharedDocuments) -> Visit | None:
    document = documents.read(DocumentKind.VIEW, _name_visit(documents))
    try:
        return Visit(**json.loads(document.content)) if document else None
    except (ValueError, TypeError):
        return None  # damaged: as if they never were here


def _require_choices(view: SavedView) -> None:
    """UsageError for a page that Hexbeat does not have, for choices that no link can hold, and for too many."""
    hint = "open the page, choose, and save the view there"
    if view.page not in PAGES:
        raise UsageError("A view is of a page of Hexbeat", "it has no page of this name", hint)
    if not all(text.isprintable() for pair in view.query.items() for text in pair):
        raise UsageError("A view holds words that a link can hold", "these choices have other characters", hint)
    if len(json.dumps(dict(view.query))) > LONGEST_QUERY:
        raise UsageError("A view holds the choices of one page", "these are too many", "choose fewer wards")


def _refuse(view: SavedView) -> PolicyError:
    return PolicyError(
        "A view of the partnership is changed by who saved it, or by the analyst",
        f"somebody else saved {view.name}",
        "save yours under another name",
    )


def _hash_name(viewer: Viewer) -> str:
    """A digest of the viewer's name, so that the names of documents name nobody."""
    return hashlib.sha256(viewer.subject.encode()).hexdigest()[:24]


def _build_name(viewer: Viewer, view: SavedView) -> str:
    owner = _SHARED if view.is_shared else _hash_name(viewer)
    return f"view/{owner}/{hashlib.sha256(view.name.casefold().encode()).hexdigest()[:24]}"


def _format(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()


def _parse_view(content: bytes) -> SavedView | None:
    """A view as it was saved; None for one that is damaged."""
    try:
        facts = json.loads(content)
        query = {str(key): str(value) for key, value in facts["query"].items()}
        return SavedView(str(facts["name"]), str(facts["page"]), query, bool(facts["is_shared"]), str(facts["made_by"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
