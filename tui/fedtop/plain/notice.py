"""What stands above a view when there is nothing to see: an empty store, or a window without a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.sanitize import clean

if TYPE_CHECKING:
    from fedstore import Reader
    from fedtop.about import About
    from fedtop.plain.look import Look

__all__ = ["EMPTY", "history_notice", "refused_line"]

EMPTY = (
    "This store is empty. To get data in:\n"
    "  fedtop record --agent kimi --task implementation --success true --duration 25\n"
    "  fedtop import PATH             (routing logs, metrics.json, transcripts)\n"
    "  python: from fedstore import Recorder; Recorder().task('kimi', 'implementation', True)\n"
    "or look around first: fedtop demo"
)


def refused_line(reader: Reader) -> str:
    """What was refused and where to read of it, in one line; empty where nothing was."""
    found = reader.refusals()
    return "" if found is None else f"{clean(found.text, 200)} (`fedtop doctor` tells more)"


def history_notice(newest_ms: int, about: About, look: Look, *, later: bool = False) -> str:
    """The sentence that offers the window ending at the newest of the facts that a view is about."""
    where = "after" if later else "before"
    return (
        f"The newest {about.words} is from {look.when(newest_ms)}, {where} this window:"
        f" add --at newest for the window that ends there."
    )
