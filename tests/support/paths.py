"""Where the project is, for tests that read its files or start its programs."""

from pathlib import Path
from typing import Final

__all__ = ["ROOT"]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
