"""Sources: profiles that say what a file's columns mean, and where they are kept."""

from layers.sources.catalogue import builtin_profiles, list_profiles, load_profile, save_profile, sources_folder
from layers.sources.profile import (
    Choice,
    Condition,
    Key,
    Location,
    Snapshot,
    SourceProfile,
    Times,
    parse_profile,
)

__all__ = [
    "Choice",
    "Condition",
    "Key",
    "Location",
    "Snapshot",
    "SourceProfile",
    "Times",
    "builtin_profiles",
    "list_profiles",
    "load_profile",
    "parse_profile",
    "save_profile",
    "sources_folder",
]
