"""Files to download that outlast the runs of other people's pages."""

import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, Final

from streamlit.runtime import runtime
from streamlit.runtime.media_file_manager import MediaFileManager

__all__ = ["KEPT_S", "LastingFiles", "keep_downloads"]

KEPT_S: Final = 60.0
"""How long a finished file stays at least, for a browser that fetches it over a slow line."""
_NEXT_RUN_S: Final = 5.0  # how long the next run of the page may take to draw the same button again
_POLL_S: Final = 0.05
_MOST_BUTTONS: Final = 20_000
_MOST_BYTES: Final = 64_000_000  # of files since the last round: with more, the next round does not wait

Button = tuple[str, str]  # the session and the element


class LastingFiles(MediaFileManager):
    """Streamlit's files to download, so that the end of a run takes none away from somebody who has just asked for it.

    Streamlit throws away, at the end of every run of every session, the files that no page points to. Two such ends
    delete a file between the click and the browser's request, and one deletes the way to make a file while its page
    is drawn again: with many people on one server, clicks were lost. Here finished files go once a minute (two
    rounds are needed, so that each stays for `KEPT_S` at least, unless they become too many to keep). A click on a
    button that was drawn again meanwhile makes the file of the button as it is now. Nothing that makes a file is kept
    longer than before.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._buttons: OrderedDict[str, Button] = OrderedDict()
        self._newest: dict[Button, str] = {}
        self._next_removal = 0.0
        self._new_bytes = 0

    def add(self, path_or_data: bytes | str, *arguments: Any, **options: Any) -> str:
        """Keep a file, and answer its address."""
        address = super().add(path_or_data, *arguments, **options)
        self._count_bytes(address)
        return address

    def add_deferred(
        self,
        data_callable: Callable[[], Any],
        mimetype: str | None,
        coordinates: str,
        file_name: str | None = None,
        *,
        element_id: str = "",
    ) -> str:
        """Register what makes the file of a button, and answer its identifier."""
        file_id = super().add_deferred(data_callable, mimetype, coordinates, file_name, element_id=element_id)
        with self._lock:
            entry = self._deferred_callables.get(file_id)
            if entry is None or not element_id:
                return file_id
            button = entry["session_id"], element_id
            self._buttons[file_id] = button
            self._newest[button] = file_id
            while len(self._buttons) > _MOST_BUTTONS:
                oldest, its_button = self._buttons.popitem(last=False)
                if self._newest.get(its_button) == oldest:
                    del self._newest[its_button]
        return file_id

    def execute_deferred(self, file_id: str) -> str:
        """Make the file of a button and answer its address.

        Where the page was drawn again after the click, it is the file of the same button of the same session as it is
        drawn now. `MediaFileStorageError` if there is no such button, or if the file cannot be made.
        """
        address = super().execute_deferred(self._find_current(file_id))
        self._count_bytes(address)
        return address

    def _count_bytes(self, address: str) -> None:
        file = self.read_file(PurePosixPath(address).stem) if self.can_read_files else None
        with self._lock:
            self._new_bytes += len(file.content) if file else 0

    def remove_orphaned_files(self) -> None:
        """Remove files that no page points to and that had their time, and what makes such files at once."""
        with self._lock:
            if time.monotonic() < self._next_removal and self._new_bytes < _MOST_BYTES:
                self._remove_orphaned_deferred_callables()
                return
            self._next_removal, self._new_bytes = time.monotonic() + KEPT_S, 0
        super().remove_orphaned_files()

    def _find_current(self, file_id: str) -> str:
        """The identifier itself if it still holds, else the newest of its button, once it is there."""
        end = time.monotonic() + _NEXT_RUN_S
        while True:
            with self._lock:
                button = self._buttons.get(file_id)
                if file_id in self._deferred_callables or button is None:
                    return file_id
                newest = self._newest.get(button)
                if newest in self._deferred_callables:
                    return newest
            if time.monotonic() > end:
                return file_id
            time.sleep(_POLL_S)


def keep_downloads() -> None:
    """Have Streamlit's server keep its files to download as `LastingFiles`."""
    runtime.MediaFileManager = LastingFiles  # type: ignore[attr-defined]  # it has no setting for this
