"""What all screens share: header, notices, one panel on top, filter line, footer.

`MainScreen` has the tabs, `DetailScreen` one drill-down. The App hands each screen what the poller read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import getters, on
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from fedtop.messages import Demanded, FilterChanged, Snapshot
from fedtop.screens.filter_bar import FilterBar
from fedtop.screens.footer import KeyFooter
from fedtop.tabs import TABS
from fedtop.views.panel import Host
from fedtop.views.text_lines import TextLines
from fedtop.widgets.header import HeaderData, HeaderLine

if TYPE_CHECKING:
    from rich.text import Text
    from textual.app import ComposeResult

    from fedtop.state import ViewState
    from fedtop.views.panel import AnyPanel

__all__ = ["BaseScreen", "Notice"]

HEADER_TABS = tuple((tab.id, tab.label) for tab in TABS)


class Notice(TextLines):
    """Says below the header what stands between the user and the data; hidden when empty."""

    DEFAULT_CSS = """
    Notice { max-height: 3; background: $boost; display: none; }
    Notice.-shown { display: block; }
    """

    def set_text(self, text: Text) -> None:
        """Shows another text; an empty one hides it."""
        self.set_class(bool(text.plain), "-shown")
        self.set_lines([text] if text.plain else [])


class BaseScreen(Screen[None]):
    """See the module. Subclasses compose their body and say which panel is on top."""

    ALLOW_IN_MAXIMIZED_VIEW = "HeaderLine, KeyFooter, FilterBar, Notice"
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "app.focus_next", "Next part", id="view.next", show=False, tooltip="The next part of the view"),
        Binding(
            "shift+tab", "app.focus_previous", "Previous part", id="view.previous", show=False,
            tooltip="The part before",
        ),
    ]  # fmt: skip

    host = getters.app(Host)
    """The App."""

    _early: Snapshot | None = None

    def compose(self) -> ComposeResult:
        """The frame around `compose_body`."""
        yield HeaderLine(HeaderData(HEADER_TABS, self.host.view.tab))
        yield Notice(id="notice")
        yield from self.compose_body()
        yield KeyFooter()
        yield FilterBar()

    def compose_body(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    @property
    def panel(self) -> AnyPanel | None:
        """The panel on top, once it is there."""
        raise NotImplementedError

    def check_consume_key(self, key: str, character: str | None) -> bool:  # noqa: ARG002
        """A key of the view on top is never the frame's, not even where it does nothing."""
        panel = self.panel
        return panel is not None and self.host.is_taken(key, panel)

    def on_screen_resume(self) -> None:
        """On top again: fresh data."""
        self.post_message(Demanded())

    def set_header(self, data: HeaderData) -> None:
        """Shows the state of the data."""
        self.query_one(HeaderLine).set_data(data)

    def set_notice(self, text: Text) -> None:
        """Shows or hides the notice."""
        self.query_one(Notice).set_text(text)

    def show_snapshot(self, snapshot: Snapshot, view: ViewState) -> None:
        """Hands the data to the panel on top."""
        panel = self.panel
        if panel is None or not panel.is_mounted:
            self._early = snapshot
            return
        first = not panel.shown
        panel.shown = True
        if first:
            panel.restore_sorts(view)
            panel.apply_filter(view.filter_of(panel.panel_id))
        if panel.polls:
            panel.show(snapshot.data, view)
        if first:
            panel.take_focus()
        elif self.focused is None:  # it had nothing to work in; what was hidden is there after the next layout
            self.call_after_refresh(self._focus_on, panel)

    def _focus_on(self, panel: AnyPanel) -> None:
        if panel is self.panel and self.focused is None:
            panel.take_focus()

    def show_early(self) -> None:
        """Shows what was read while the panel was being mounted, unless something else was asked since."""
        early, self._early = self._early, None
        if early is not None and early.serial == self.host.asked:
            self.show_snapshot(early, self.host.view)

    def adopt_view(self, view: ViewState) -> None:
        """Shows the filter of the panel on top."""
        panel = self.panel
        if panel is not None:
            self.query_one(FilterBar).set_text(view.filter_of(panel.panel_id))
            self._say_what_is_filtered()

    def _say_what_is_filtered(self) -> None:
        if self.panel is not None:
            self.query_one(FilterBar).say(self.panel.covered)

    @property
    def typing(self) -> bool:
        """True while an input has the keyboard."""
        return isinstance(self.focused, Input)

    def open_filter(self) -> None:
        """Puts the keyboard into the filter line."""
        self._say_what_is_filtered()
        self.query_one(FilterBar).open()

    def close_filter(self) -> None:
        """Gives the keyboard back to the panel."""
        self.query_one(FilterBar).close()
        self.set_focus(None)
        if self.panel is not None:
            self.panel.take_focus()

    def filter_by(self, text: str) -> None:
        """Puts a text into the filter line, as if typed; the keyboard stays where it is."""
        bar = self.query_one(FilterBar)
        self._say_what_is_filtered()
        bar.field.value = text
        bar.close()

    def clear_filter(self) -> None:
        """Shows all rows again and gives the keyboard back."""
        self.query_one(FilterBar).field.value = ""
        self.close_filter()

    @on(FilterChanged)
    def _filter(self, event: FilterChanged) -> None:
        if self.panel is not None:
            self.panel.apply_filter(event.text)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if isinstance(event.input.parent, FilterBar):
            event.stop()
            self.close_filter()
