"""The quick lane of `fedtop import`: when nothing is new, that is said within a few tens of milliseconds.

Only plain paths are taken, and a store. For anything else, and as soon as one file may have something new,
`try_import` returns None before it has written anything, and the whole command line does the work.
"""

from __future__ import annotations

import os
import time

from fedstore import FedstoreError
from fedstore.ingest.unchanged import standing, writable_store_file
from fedtop.import_words import BOOSTS, file_line, total_line
from fedtop.quick import only_places_are_set
from fedtop.saying import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.ingest.unchanged import Standing

__all__ = ["parse", "try_import"]


def try_import(arguments: list[str]) -> int | None:
    """Say that these paths hold nothing new: the exit code, or None for another lane."""
    found = parse(arguments)
    if found is None or not only_places_are_set():
        return None
    named, paths = found
    try:
        store = writable_store_file(named)
    except FedstoreError:
        return None
    known = None if store is None else standing(store, paths, time.time_ns() // 1_000_000)
    text = None if known is None else _told(known)
    return None if text is None else say(text)


def parse(arguments: list[str]) -> tuple[str | None, list[str]] | None:
    """The store asked for and the paths, or None when the arguments are not of the simple form."""
    store: str | None = None
    paths = []
    rest = iter(arguments)
    for word in rest:
        if word == "--store" and store is None:
            store = next(rest, "")
            if not store or store.startswith("-"):
                return None
            continue
        path = word.rstrip("/") or word
        if not word or word.startswith(("-", "~")) or os.path.normpath(path) != path:
            return None
        paths.append(path)
    return (store, paths) if paths else None


def _told(known: Standing) -> str | None:
    """The very text of the whole command line; None where it takes more to write it."""
    import json

    lines = []
    facts = rejected = 0
    boosts = False
    for path, mark in known.files:
        facts += mark.facts
        rejected += mark.rejected
        said = json.loads(mark.said) if mark.said else {}
        note = said.get("note", "")
        boosts = boosts or bool(said.get("boosts"))
        if mark.rejected or note or mark.unfinished:
            if not (f"{path}{note}".isascii() and f"{path}{note}".isprintable()) or "  " in f"{path}{note}":
                return None
            lines.append(file_line(path, mark.format, 0, mark.facts, mark.rejected, note, unfinished=mark.unfinished))
    if not facts:
        return None
    lines.append(total_line(len(known.files), 0, facts, rejected, known.skipped))
    return "".join(f"{line}\n" for line in (*lines, *([BOOSTS] if boosts else [])))
