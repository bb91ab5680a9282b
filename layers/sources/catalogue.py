"""Which source profiles there are: a user's own in `HOME/sources`, then the built-in ones."""

import difflib
from functools import cache
from pathlib import Path
from typing import Final

from geo.errors import DataError, UsageError
from layers.sources.profile import SourceProfile, parse_profile

__all__ = ["builtin_profiles", "list_profiles", "load_profile", "save_profile", "sources_folder"]

BUILTIN: Final = Path(__file__).parent / "builtin"
LARGEST_BYTES: Final = 1_000_000


def sources_folder(home: Path) -> Path:
    """Where a user's own profiles are."""
    return home / "sources"


@cache
def builtin_profiles() -> tuple[SourceProfile, ...]:
    """The profiles that come with the project, by name."""
    return tuple(_read(path) for path in sorted(BUILTIN.glob("*.toml")))


def list_profiles(home: Path) -> list[SourceProfile]:
    """All profiles by name; a user's own stands in for a built-in one of the same name.

    DataError if a user's own profile cannot be read.
    """
    own = {path.stem: _read(path) for path in _own_files(home)}
    found = {profile.name: profile for profile in builtin_profiles()} | own
    return [found[name] for name in sorted(found)]


def load_profile(name: str, home: Path) -> SourceProfile:
    """The profile of that name; UsageError (with near names) if there is none, DataError if it cannot be read."""
    names = {path.stem for path in _own_files(home)}
    if name in names:
        return _read(sources_folder(home) / f"{name}.toml")
    built_in = {profile.name: profile for profile in builtin_profiles()}
    if name in built_in:
        return built_in[name]
    every = sorted({*names, *built_in})
    near = difflib.get_close_matches(name, every, n=1)
    raise UsageError(
        "A source is one of the profiles",
        f"there is none named {name!r}",
        f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(every)}",
    )


def save_profile(profile: SourceProfile, home: Path) -> Path:
    """Write a profile to the user's own ones and return its path; an existing one of that name is replaced.

    DataError if the profile says what cannot be (its TOML is read back before it is written).
    """
    source = profile.toml()
    parse_profile(source, name=profile.name)
    if not profile.name.replace("-", "").isalnum():
        raise DataError(
            "A profile's name has letters, digits and hyphens", f"{profile.name!r} has others", "choose another name"
        )
    folder = sources_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{profile.name}.toml"
    partial = path.with_suffix(".toml.part")
    partial.write_text(source, encoding="utf-8")
    partial.replace(path)
    return path


def _own_files(home: Path) -> list[Path]:
    """A user's own profiles, sorted; none if there is no folder. DataError if it may not be looked into."""
    folder = sources_folder(home)
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise DataError(
            "Source profiles are in a folder that this user may look into",
            f"{folder} cannot be looked into: {error.strerror}",
            "choose another folder with --home or HEXBEAT_HOME, or ask its owner",
        ) from error


def _read(path: Path) -> SourceProfile:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise DataError("A source profile is a short TOML file", f"{path.name} is over 1 MB", "shorten it")
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "A source profile is a TOML file in UTF-8",
            f"{path.name} cannot be read ({type(error).__name__})",
            "save it as UTF-8 and check who may read it",
        ) from error
    return parse_profile(source, name=path.stem)
