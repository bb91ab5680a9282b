"""The files of source profiles: built-in ones, and a user's own in `HOME/sources`, which take precedence."""

import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from geo.errors import DataError, UsageError
from hexbeat.ingest.sources.profile import SourceProfile, parse_profile
from layers.catalogue import LAYER_NAMES
from layers.wording import format_sentence

__all__ = [
    "UnusableProfile",
    "builtin_profiles",
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


def builtin_profiles() -> tuple[SourceProfile, ...]:
    """The profiles that come with the project, by name."""
    return _read_builtin_profiles(tuple(LAYER_NAMES))


@cache
def _read_builtin_profiles(_layers: tuple[str, ...]) -> tuple[SourceProfile, ...]:
    """Read once for each set of layers, because some profiles use the layers' words."""
    return tuple(_read(path) for path in sorted(BUILTIN.glob("*.toml")))


def list_profiles(home: Path) -> list[SourceProfile]:
    """All profiles that can be used, by name; a user's own replaces a built-in one of the same name.

    One that cannot be read never blocks the others: `list_unusable_profiles` says why.
    """
    own_profiles = _read_own(home)
    profiles = {profile.name: profile for profile in builtin_profiles()} | own_profiles
    return [profile for _, profile in sorted(profiles.items()) if isinstance(profile, SourceProfile)]


def list_unusable_profiles(home: Path) -> list[UnusableProfile]:
    """A user's own profiles that cannot be read, by name."""
    return [UnusableProfile(name, error) for name, error in _read_own(home).items() if isinstance(error, DataError)]


def _read_own(home: Path) -> dict[str, SourceProfile | DataError]:
    """A user's own profiles by name, or the error of each that cannot be read."""
    profiles: dict[str, SourceProfile | DataError] = {}
    for path in _list_own_files(home):
        try:
            profiles[path.stem] = _read(path)
        except DataError as error:
            profiles[path.stem] = error
    return profiles


def load_profile(name: str, home: Path) -> SourceProfile:
    """The profile of that name; UsageError (with similar names) if there is none, DataError if it cannot be read."""
    names = {path.stem for path in _list_own_files(home)}
    if name in names:
        return _read(sources_folder(home) / f"{name}.toml")
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


def save_profile(profile: SourceProfile, home: Path) -> Path:
    """Write a profile to the user's own ones and return its path; an existing one of that name is replaced.

    DataError if the profile has impossible values (its TOML is read back before it is written).
    """
    source = profile.toml()
    parse_profile(source, name=profile.name)
    if not profile.name.replace("-", "").isalnum():
        raise DataError(
            "A profile's name has letters, digits and hyphens",
            f"{profile.name!r} has other characters",
            "choose another name",
        )
    folder = sources_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{profile.name}.toml"
    partial = path.with_suffix(".toml.part")
    partial.write_text(source, encoding="utf-8")
    partial.replace(path)
    return path


def _list_own_files(home: Path) -> list[Path]:
    """The files of a user's own profiles, sorted; none if there is no folder. DataError if it may not be read."""
    folder = sources_folder(home)
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(
            "You need permission to read the folder of source profiles",
            f"{folder} cannot be read: {error.strerror}",
            "set HEXBEAT_HOME to another folder, or ask the owner of this one",
        ) from error


def _read(path: Path) -> SourceProfile:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError("A source profile is a short TOML file", f"{path.name} has more than 1 MB", "shorten it")
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "A source profile has to be a TOML file in UTF-8",
            f"{path.name} cannot be read ({type(error).__name__})",
            "save it as UTF-8, and check that you may read it",
        ) from error
    return parse_profile(source, name=path.stem)
