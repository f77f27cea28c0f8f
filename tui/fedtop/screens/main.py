"""The tabs: each panel is imported and mounted when it is first visited; an empty store shows a guide instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import ContentSwitcher

from fedtop.messages import Demanded, Snapshot
from fedtop.screens import TABS
from fedtop.screens.base import BaseScreen
from fedtop.screens.empty import EmptyGuide

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedtop.screens.panel import Panel
    from fedtop.state import ViewState

__all__ = ["MainScreen"]


class MainScreen(BaseScreen):
    """The bottom of the screen stack."""

    def __init__(self) -> None:
        super().__init__(id="main")
        self._panels: dict[str, Panel] = {}

    def compose_body(self) -> ComposeResult:
        """One place for all tabs; the first one to be shown is there from the start."""
        first = self._make(self.host.view.tab)
        with ContentSwitcher(id="tabs", initial=first.id):
            yield EmptyGuide(self.host.source.path, id="empty")
            yield first

    def on_mount(self) -> None:
        """Shows the filter and asks for the data of the first tab."""
        self.adopt_view(self.host.view)
        if self.panel is not None:
            self.panel.take_focus()

    def _make(self, tab: str) -> Panel:
        panel = next(spec for spec in TABS if spec.id == tab).load()()
        self._panels[tab] = panel
        return panel

    @property
    def panel(self) -> Panel | None:
        """The panel of the tab in the view state."""
        return self._panels.get(self.host.view.tab)

    async def go_to(self, tab: str) -> None:
        """Shows a tab, mounting its panel at the first visit."""
        if tab not in self._panels:
            panel = self._make(tab)
            panel.display = False
            await self.query_one(ContentSwitcher).mount(panel)
        panel = self._panels[tab]
        switcher = self.query_one(ContentSwitcher)
        if switcher.current != panel.id:
            self.set_focus(None)  # a focused widget that is hidden takes the focus away later, from whoever has it then
            switcher.current = panel.id
        self.adopt_view(self.host.view)
        panel.take_focus()
        self.post_message(Demanded())

    def show_snapshot(self, snapshot: Snapshot, view: ViewState) -> None:
        """The guide while there is nothing at all in the store, else the panel."""
        panel = self.panel
        if panel is None:
            return
        switcher = self.query_one(ContentSwitcher)
        wanted = "empty" if snapshot.newest_ms is None else panel.id
        if switcher.current != wanted:
            switcher.current = wanted
        if snapshot.newest_ms is not None:
            super().show_snapshot(snapshot, view)
