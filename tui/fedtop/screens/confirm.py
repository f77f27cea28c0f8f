"""The question before the store is changed: says exactly what will happen, and stands on Cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button

from fedtop.sanitize import clean
from fedtop.views.text_lines import TextLines

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedtop.views.question import Question

__all__ = ["ConfirmScreen"]


class ConfirmScreen(ModalScreen[bool]):
    """Answers True for the verb (`y`), False for anything else: Esc, `n`, and Enter as long as Cancel has the focus."""

    AUTO_FOCUS = "#confirm-no"
    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("escape,n,q", "answer(False)", "cancel", id="confirm.no", tooltip="Change nothing"),
        Binding("left,right,h,l", "other", "other button", id="confirm.other", tooltip="The other button"),
        Binding("down,j", "scroll(1)", "down", id="confirm.down", show=False, tooltip="Scroll what will happen"),
        Binding("up,k", "scroll(-1)", "up", id="confirm.up", show=False, tooltip="Scroll what will happen"),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self._answered = False

    def compose(self) -> ComposeResult:
        """The lines (scrolling where they do not fit), the warning, the buttons."""
        asked = self.question
        box = VerticalScroll(id="confirm")
        box.can_focus = False
        box.border_title = Content(clean(asked.title, 80))
        with box:
            with VerticalScroll(id="confirm-lines", can_focus=False):
                yield TextLines(id="confirm-what")
            yield TextLines(id="confirm-caution")
            with Horizontal(id="confirm-buttons"):
                yield Button("Cancel  n", id="confirm-no", compact=True)
                yield Button(Content(f"{asked.verb}  y"), id="confirm-yes", compact=True)

    def on_mount(self) -> None:
        """Fills in what was asked."""
        asked = self.question
        self.query_one("#confirm-what", TextLines).set_lines(asked.lines)
        warning = self.query_one("#confirm-caution", TextLines)
        warning.display = bool(asked.caution)
        warning.set_lines([Text(clean(asked.caution, 300), "bold $warn")])

    def action_answer(self, yes: bool) -> None:
        """Closes with an answer; the first one counts, whatever was typed ahead."""
        if not self._answered:
            self._answered = True
            self.dismiss(yes)

    def action_other(self) -> None:
        """From one button to the other."""
        yes, no = self.query_one("#confirm-yes", Button), self.query_one("#confirm-no", Button)
        self.set_focus(no if yes.has_focus else yes)

    def action_scroll(self, lines: int) -> None:
        """Scrolls what will happen."""
        self.query_one("#confirm-lines", VerticalScroll).scroll_relative(y=lines, animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_answer(event.button.id == "confirm-yes")
