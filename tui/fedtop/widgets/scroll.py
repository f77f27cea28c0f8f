"""Text that may be longer than its place: the keyboard can scroll it where it is."""

from __future__ import annotations

from textual.containers import VerticalScroll

__all__ = ["TextScroll"]


class TextScroll(VerticalScroll):
    """Takes the keyboard only while there is more of it than is seen."""

    def allow_focus(self) -> bool:
        """Nothing to scroll, nothing to do for the keyboard."""
        return super().allow_focus() and self.max_scroll_y > 0
