"""A drill-down: one panel on top of the tabs, under a line that says where one is. Esc goes back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from fedtop.sanitize import clean
from fedtop.screens.base import BaseScreen
from fedtop.tabs import TABS
from fedtop.widgets.painted import Painted

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedtop.views.panel import AnyPanel

__all__ = ["Crumb", "DetailScreen"]

_PACKAGE = Path(__file__).parent.parent


class Crumb(Painted):
    """`Agents › kimi`: the titles of the screens below, then this one's."""

    DEFAULT_CSS = """
    Crumb { height: 1; padding: 0 1; }
    """

    def __init__(self, titles: tuple[str, ...]) -> None:
        super().__init__()
        self._titles = titles

    def paint(self, width: int, height: int) -> list[Text]:  # noqa: ARG002
        """The titles, the last one bold."""
        line = Text()
        for title in self._titles[:-1]:
            line.append(f"{clean(title, 40)} {self.glyphs.right} ", "$dim")
        line.append(clean(self._titles[-1], 60), "bold")
        line.append(f" {self.glyphs.h_line * width}", "$rule")
        line.truncate(width)
        return [line]


class DetailScreen(BaseScreen):
    """`titles` are those of the views it was opened from."""

    CSS_PATH = sorted({*_PACKAGE.glob("views/*/panel.tcss")} - {_PACKAGE / tab.styles for tab in TABS})
    """Read when the first one is opened, so that the first frame need not wait for it."""

    def __init__(self, panel: AnyPanel, titles: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._panel = panel
        self.titles = (*titles, panel.title)

    def compose_body(self) -> ComposeResult:
        """Where one is, and the panel."""
        yield Crumb(self.titles)
        yield self._panel

    def on_mount(self) -> None:
        """Shows the filter it was left with."""
        self.adopt_view(self.host.view)
        self._panel.take_focus()
        self.show_early()

    @property
    def panel(self) -> AnyPanel | None:
        """Its only panel."""
        return self._panel
