"""What an import says when nothing is new, without opening a file or loading what reads one.

Scripts and schedulers call `fedtop import` again and again; nearly always all files are as their marks say, and no time
has completed anything. Only then there is an answer here; everything else is the importer's.
"""

from __future__ import annotations

import os

from fedstore.engine import glimpse
from fedstore.errors import StoreError
from fedstore.ingest.formats import formats_id
from fedstore.ingest.marks import known_marks, label, place_of
from fedstore.ingest.watching import Watch
from fedstore.settings.paths import writable_store_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.ingest.marks import Known

__all__ = ["Standing", "standing", "writable_store_file"]

_WAIT_S = 0.5


class Standing:
    """Files that are as their marks say: `files` (path as it is shown, mark), and how many are of no known format."""

    def __init__(self, files: list[tuple[str, Known]], skipped: int) -> None:
        self.files = files
        self.skipped = skipped


def standing(address: str, paths: Sequence[str], now_ms: int) -> Standing | None:
    """What is known of the files at or below some paths; None when one of them, or the time, may have something new.

    Also when something is the matter: with a path, with the store, with a folder that cannot be read.
    """
    if not all(map(os.path.exists, paths)):
        return None
    store = glimpse(address, _WAIT_S)
    try:
        known = known_marks(store, formats_id())
    except StoreError:
        return None
    finally:
        store.close()
    watch = Watch(paths)
    files, skipped = [], 0
    for path, seen in watch.all():
        mark = known.get(place_of(path))
        if mark is None or mark.seen != seen or (mark.due_ms is not None and mark.due_ms <= now_ms):
            return None
        if mark.format:
            files.append((label(path), mark))
        elif path in paths:
            return None
        else:
            skipped += 1
    return None if watch.errors else Standing(files, skipped)
