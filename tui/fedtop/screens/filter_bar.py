"""The filter line: hidden until asked for; what is typed takes effect at once, Enter returns to the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.containers import Horizontal
from textual.widgets import Input, Label

from fedtop.messages import FilterChanged
from fedtop.sanitize import truncate
from fedtop.widgets.line_input import LineInput

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["FilterBar"]


class FilterBar(Horizontal):
    """Shown while it is typed into or a filter is in force."""

    DEFAULT_CSS = """
    FilterBar {
        dock: bottom;
        height: 1;
        width: 100%;
        margin-bottom: 1;
        background: $surface;
        display: none;
        Label { width: auto; padding: 0 1; color: $accent; text-style: bold; }
        #filter-covers { color: $dim; text-style: none; }
        Input, Input:focus { border: none; height: 1; padding: 0; width: 1fr; background: $surface; }
    }
    FilterBar.-open { display: block; }
    """

    def compose(self) -> ComposeResult:
        """A slash, the text, and what it works on."""
        yield Label("/", markup=False)
        field = LineInput(placeholder="text, or !text for rows without it", max_length=200)
        field.cursor_blink = False
        yield field
        yield Label("", id="filter-covers", markup=False)

    @property
    def field(self) -> Input:
        """The input."""
        return self.query_one(Input)

    def say(self, covers: str) -> None:
        """Says what the filter works on, as far as that leaves half the line for the text."""
        self.query_one("#filter-covers", Label).update(truncate(covers, max(0, self.screen.size.width // 2)))

    def set_text(self, text: str) -> None:
        """Shows the filter of another panel without announcing it."""
        with self.prevent(Input.Changed):
            self.field.value = text
        self.set_class(bool(text), "-open")

    def open(self) -> None:
        """Takes the keyboard."""
        self.add_class("-open")
        self.screen.set_focus(self.field)  # at once: the next letter is the text's

    def close(self) -> None:
        """Back to the table; the line stays while it filters something."""
        self.set_class(bool(self.field.value), "-open")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(FilterChanged(event.value))
