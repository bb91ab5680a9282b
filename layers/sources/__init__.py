"""Sources: profiles that say what a file's columns mean, where they are kept, and proposals for new ones."""

from layers.sources.catalogue import builtin_profiles, list_profiles, load_profile, save_profile, sources_folder
from layers.sources.guesses import PARTS, ColumnGuess
from layers.sources.plan import ColumnRoles, assign_columns
from layers.sources.profile import Choice, Condition, Key, Location, Snapshot, SourceProfile, Times, parse_profile
from layers.sources.suggest import Suggestion, make_profile, suggest_profile

__all__ = [
    "PARTS",
    "Choice",
    "ColumnGuess",
    "ColumnRoles",
    "Condition",
    "Key",
    "Location",
    "Snapshot",
    "SourceProfile",
    "Suggestion",
    "Times",
    "assign_columns",
    "builtin_profiles",
    "list_profiles",
    "load_profile",
    "make_profile",
    "parse_profile",
    "save_profile",
    "sources_folder",
    "suggest_profile",
]
