"""What stands above a view when there is nothing to see: an empty store, or a window after the newest fact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop import format as fmt

if TYPE_CHECKING:
    from fedstore import Window
    from fedtop.plain.look import Look

__all__ = ["EMPTY", "history_notice", "is_past", "notice_code"]

EMPTY = (
    "This store is empty. To get data in:\n"
    "  fedtop record --agent kimi --task implementation --success true --duration 25\n"
    "  fedtop import PATH             (routing logs, metrics.json, transcripts)\n"
    "  python: from fedstore import Recorder; Recorder().task('kimi', 'implementation', True)\n"
    "or look around first: fedtop demo"
)


def is_past(newest_ms: int | None, window: Window) -> bool:
    """Whether every fact lies before the window."""
    return newest_ms is not None and newest_ms < window.start_ms


def history_notice(newest_ms: int | None, window: Window, look: Look) -> str | None:
    """The sentence that offers the window ending at the newest fact; None when the window reaches the facts."""
    if newest_ms is None:
        return EMPTY
    if not is_past(newest_ms, window):
        return None
    when = fmt.date_time(newest_ms, look.tz, window.end_ms, look.glyphs)
    return f"The newest fact is from {when}, before this window: add --at newest for the window that ends there."


def notice_code(newest_ms: int | None, window: Window) -> str | None:
    """The same for JSON: "empty", "before-window" or None."""
    if newest_ms is None:
        return "empty"
    return "before-window" if is_past(newest_ms, window) else None
