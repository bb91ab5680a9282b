"""Source profiles: built-in ones, and those that users of a store added, which take precedence.

With SQLite the added ones are the files in `HOME/sources`; with PostgreSQL all servers share them through the store.
Without documents (None) there are only the built-in ones.
"""

import difflib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from geo.errors import DataError, UsageError
from hexbeat.ingest.sources.profile import SourceProfile, parse_profile
from hexbeat.store.document_kinds import DocumentKind
from layers.catalogue import LAYER_NAMES
from layers.wording import format_sentence

if TYPE_CHECKING:
    from hexbeat.store.home_layout import HomeProfiles
    from hexbeat.store.shared_documents import SharedDocuments

__all__ = [
    "UnusableProfile",
    "build_source_name",
    "builtin_profiles",
    "find_free_path",
    "list_profiles",
    "list_unusable_profiles",
    "load_profile",
    "save_profile",
    "sources_folder",
]

BUILTIN: Final = Path(__file__).parent / "builtin"
LARGEST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class UnusableProfile:
    """A user's own profile that cannot be read, and why. A built-in one of its name does not stand in for it."""

    name: str
    error: DataError

    @property
    def reason(self) -> str:
        """Why it cannot be used, as a sentence."""
        return format_sentence(self.error.fact)


def sources_folder(home: Path) -> Path:
    """The folder of a user's own profiles."""
    return home / "sources"


def build_source_name(file: str) -> str:
    """A name for a source of a file, such as needle-finds after "Needle finds.csv"."""
    return re.sub(r"[^a-z0-9]+", "-", file.rsplit(".", 1)[0].lower())[:40].strip("-") or "new-source"


def find_free_path(folder: Path, file: str) -> Path:
    """Where the profile of a source for a file can be written: after its name, and where no other is."""
    stem = build_source_name(file)
    names = (stem, *(f"{stem}-{number}" for number in range(2, 10_000)))
    return next(path for path in (folder / f"{name}.toml" for name in names) if not path.exists())


def builtin_profiles() -> tuple[SourceProfile, ...]:
    """The profiles that come with the project, by name."""
    return _read_builtin_profiles(tuple(LAYER_NAMES))


@cache
def _read_builtin_profiles(_layers: tuple[str, ...]) -> tuple[SourceProfile, ...]:
    """Read once for each set of layers, because some profiles use the layers' words."""
    return tuple(_read_builtin(path) for path in sorted(BUILTIN.glob("*.toml")))


def list_profiles(documents: "SharedDocuments | HomeProfiles | None") -> list[SourceProfile]:
    """All profiles that can be used, by name; a user's own replaces a built-in one of the same name.

    One that cannot be read never blocks the others: `list_unusable_profiles` says why.
    """
    own_profiles = _read_own(documents)
    profiles = {profile.name: profile for profile in builtin_profiles()} | own_profiles
    return [profile for _, profile in sorted(profiles.items()) if isinstance(profile, SourceProfile)]


def list_unusable_profiles(documents: "SharedDocuments | HomeProfiles | None") -> list[UnusableProfile]:
    """A user's own profiles that cannot be read, by name."""
    return [
        UnusableProfile(name, error) for name, error in _read_own(documents).items() if isinstance(error, DataError)
    ]


def _read_own(documents: "SharedDocuments | HomeProfiles | None") -> dict[str, SourceProfile | DataError]:
    """The profiles that users added by name, or the error of each that cannot be read."""
    profiles: dict[str, SourceProfile | DataError] = {}
    for name in _list_own_names(documents):
        try:
            profiles[name] = _read_shared(documents, name)
        except DataError as error:
            profiles[name] = error
    return profiles


def load_profile(name: str, documents: "SharedDocuments | HomeProfiles | None") -> SourceProfile:
    """The profile of that name; UsageError (with similar names) if there is none, DataError if it cannot be read."""
    names = set(_list_own_names(documents))
    if name in names:
        return _read_shared(documents, name)
    built_in = {profile.name: profile for profile in builtin_profiles()}
    if name in built_in:
        return built_in[name]
    all_names = sorted({*names, *built_in})
    similar = difflib.get_close_matches(name, all_names, n=1)
    raise UsageError(
        "A source has to be the name of a profile",
        f"there is no profile named {name!r}",
        f"did you mean {similar[0]!r}?" if similar else f"choose from {', '.join(all_names)}",
    )


def save_profile(profile: SourceProfile, documents: "SharedDocuments", *, is_new: bool = False) -> None:
    """Add a profile for all who use the store; an existing one of that name is replaced, unless this one is new.

    DataError if the profile has impossible values (its TOML is read back before it is written). StoreError if it is to
    be new, and somebody else has added one of its name.
    """
    source = profile.toml()
    parse_profile(source, name=profile.name)
    if not profile.name.replace("-", "").isalnum():
        raise DataError(
            "A profile's name has letters, digits and hyphens",
            f"{profile.name!r} has other characters",
            "choose another name",
        )
    documents.write(DocumentKind.SOURCE, profile.name, source.encode(), after="" if is_new else None)


def _list_own_names(documents: "SharedDocuments | HomeProfiles | None") -> list[str]:
    """The names of the profiles that users added, sorted. DataError if their folder may not be read."""
    try:
        return documents.list_names(DocumentKind.SOURCE) if documents else []
    except OSError as error:
        raise DataError(
            "You need permission to read the folder of source profiles",
            f"{error.filename} cannot be read: {error.strerror}",
            "set HEXBEAT_HOME to another folder, or ask the owner of this one",
        ) from error


def _read_shared(documents: "SharedDocuments | HomeProfiles | None", name: str) -> SourceProfile:
    try:
        document = documents.read(DocumentKind.SOURCE, name) if documents else None
    except OSError as error:
        raise _build_unreadable(name, error) from error
    return _parse(b"" if document is None else document.content, name)


def _read_builtin(path: Path) -> SourceProfile:
    return _parse(path.read_bytes(), path.stem)


def _parse(content: bytes, name: str) -> SourceProfile:
    if len(content) > LARGEST_BYTES:
        raise DataError("A source profile is a short TOML file", f"{name}.toml has more than 1 MB", "shorten it")
    try:
        source = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _build_unreadable(name, error) from error
    return parse_profile(source, name=name)


def _build_unreadable(name: str, error: Exception) -> DataError:
    return DataError(
        "A source profile has to be a TOML file in UTF-8",
        f"{name}.toml cannot be read ({type(error).__name__})",
        "save it as UTF-8, and check that you may read it",
    )
