"""Sources: profiles that say what a file's columns mean, where they are stored, and proposals for new ones."""

from hexbeat.ingest.sources.column_plan import ColumnRoles, assign_columns
from hexbeat.ingest.sources.profile import (
    Choice,
    Condition,
    Key,
    Location,
    Snapshot,
    SourceProfile,
    Times,
    parse_profile,
)
from hexbeat.ingest.sources.profile_files import (
    UnusableProfile,
    builtin_profiles,
    find_free_path,
    list_profiles,
    list_unusable_profiles,
    load_profile,
    save_profile,
    sources_folder,
)

__all__ = [
    "Choice",
    "ColumnRoles",
    "Condition",
    "Key",
    "Location",
    "Snapshot",
    "SourceProfile",
    "Times",
    "UnusableProfile",
    "assign_columns",
    "builtin_profiles",
    "find_free_path",
    "list_profiles",
    "list_unusable_profiles",
    "load_profile",
    "parse_profile",
    "save_profile",
    "sources_folder",
]
