"""Why a printed view may be empty: the store is, or its facts lie before or after the window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from fedstore import Reader, Window
    from fedtop.about import About
    from fedtop.plain.look import Look

__all__ = ["Notice", "notice_for"]


class Notice(NamedTuple):
    """Why a view may be empty: ``code`` for JSON, ``text`` for people."""

    code: Literal["empty", "before-window", "after-window"] | None
    newest_ms: int | None
    about: About
    refused: str = ""
    """Of an empty store: what was refused, in one line."""

    def unless(self, found: object) -> Notice:
        """What is left to say of a view that found something in its window."""
        return self._replace(code=None) if found and self.code != "empty" else self

    def text(self, look: Look) -> str | None:
        """The sentence above the view."""
        from fedtop.plain.notice import EMPTY, history_notice

        if self.code == "empty":
            return f"{self.refused}\n{EMPTY}" if self.refused else EMPTY
        if self.code is None or self.newest_ms is None:
            return None
        return history_notice(self.newest_ms, self.about, look, later=self.code == "after-window")


def notice_for(reader: Reader, window: Window, about: About) -> Notice:
    """What to say of a store that is empty, or of a view with nothing to show while newer or older facts exist.

    Whether a view shows something it knows itself: see ``Notice.unless``.
    """
    newest = about.newest_ms(reader)
    if newest is None and reader.newest_ms() is None:
        from fedtop.plain.notice import refused_line

        return Notice("empty", None, about, refused_line(reader))
    if about.is_past(newest, window):
        return Notice("before-window", newest, about)
    return Notice("after-window" if about.is_later(newest, window) else None, newest, about)
