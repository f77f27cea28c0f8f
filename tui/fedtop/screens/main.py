"""The tabs: each panel is imported and mounted when it is first visited; an empty store shows a guide instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.widgets import ContentSwitcher

from fedtop.messages import Snapshot
from fedtop.screens.base import BaseScreen
from fedtop.screens.empty import EmptyGuide
from fedtop.tabs import tab_named

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedtop.state import ViewState
    from fedtop.views.panel import AnyPanel

__all__ = ["MainScreen"]


class MainScreen(BaseScreen):
    """The bottom of the screen stack."""

    def __init__(self) -> None:
        super().__init__(id="main")
        self._panels: dict[str, AnyPanel] = {}

    def compose_body(self) -> ComposeResult:
        """One place for all tabs; empty, so that the frame is on the screen as soon as can be."""
        yield ContentSwitcher(id="tabs")

    def on_mount(self) -> None:
        """Opens the first tab once the frame is painted."""
        self.call_after_refresh(self._open_first)

    async def _open_first(self) -> None:
        await self.go_to(self.host.view.tab)

    @property
    def panel(self) -> AnyPanel | None:
        """The panel of the tab in the view state."""
        return self._panels.get(self.host.view.tab)

    async def go_to(self, tab: str) -> None:
        """Shows a tab. At the first visit its panel is mounted while the store is already being read."""
        first = tab not in self._panels
        switcher = self.query_one(ContentSwitcher)
        if first:
            self._panels[tab] = tab_named(tab).load_panel()()
        panel = self._panels[tab]
        self.host.demand()
        if first:
            panel.display = False
            await switcher.mount(panel)
        if switcher.current != panel.id:
            self.set_focus(None)  # a focused widget that is hidden takes the focus away later, from whoever has it then
            switcher.current = panel.id
        self.adopt_view(self.host.view)
        panel.take_focus()
        self.show_early()

    def show_snapshot(self, snapshot: Snapshot, view: ViewState) -> None:
        """The guide while there is nothing at all in the store, else the panel."""
        panel = self.panel
        if panel is None or not panel.is_mounted:
            self._early = snapshot
            return
        switcher = self.query_one(ContentSwitcher)
        wanted = panel.id if snapshot.newest_ms is not None else "empty"
        if wanted == "empty" and not switcher.query("#empty"):
            switcher.mount(EmptyGuide(self.host.source.path, id="empty"))
        for guide in switcher.query(EmptyGuide):
            guide.set_refused(snapshot.refused)
        if switcher.current != wanted:
            if wanted == "empty":
                self.set_focus(None)  # nothing in the guide can be chosen or sorted
            switcher.current = wanted
        if snapshot.newest_ms is not None:
            super().show_snapshot(snapshot, view)
