"""What the keys of the frame do. Mixed into the App; each action is one step of the view state or one call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from fedtop import state
from fedtop.screens.detail import DetailScreen
from fedtop.tabs import TABS, tab_ids
from fedtop.themes import THEMES

if TYPE_CHECKING:
    from fedtop.app import FedtopApp

__all__ = ["Actions"]


class Actions:
    """See the module."""

    @property
    def _app(self) -> FedtopApp:
        return cast("FedtopApp", self)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work here: no drill that is not allowed or is this one, no jump to what is shown, no step in
        time that leads nowhere, no export or filter without a table.
        """
        app, panel = self._app, self._app.top_panel if self._app.is_running else None
        if action == "open":
            kind = str(parameters[0])
            return app.may_open(kind) and (panel is None or panel.panel_id != kind)
        if action == "take_back":
            return not app.options.readonly
        if action == "suspend_process":
            return sys.platform != "win32"
        if action == "newest":
            return app.can_jump
        if action == "retreat":
            return app.can_retreat
        if action in ("wider", "narrower") and panel is not None:
            return panel.heeds == "window"
        if action in ("step", "live"):
            return (panel is None or panel.heeds != "nothing") and self._may_move(action, parameters)
        if action in ("export", "copy_row", "zoom", "filter") and panel is not None:
            return panel.may_filter if action == "filter" else panel.current_table() is not None
        return True

    def _may_move(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether there is another moment to go to: the window over all time has none, the present nothing after it."""
        view = self._app.view
        back = action == "step" and parameters == (-1,)
        return (back or view.pinned_ms is not None) and (action == "live" or view.window != "all")

    # Tabs and views

    def action_command_palette(self) -> None:
        """Every command by name."""
        from fedtop.commands import CommandScreen

        if not isinstance(self._app.screen, CommandScreen):
            self._app.push_screen(CommandScreen())

    async def action_tab_number(self, number: int) -> None:
        """The n-th tab, from 1."""
        await self._app.go_to_tab(TABS[number - 1].id)

    async def action_tab_step(self, step: int) -> None:
        """The tab to the left (-1) or right (1), around the end."""
        ids = tab_ids()
        await self._app.go_to_tab(ids[(ids.index(self._app.view.tab) + step) % len(ids)])

    def action_open(self, target: str) -> None:
        """A drill-down by its kind, or `kind:name`."""
        self._app.open_target(target)

    def action_take_back(self) -> None:
        """Takes the newest change that stands back, after a question."""
        from fedtop.views.ledger.undoing import take_back

        take_back(self._app)

    def action_redraw(self) -> None:
        """Draws everything anew, over whatever else wrote to the terminal."""
        self._app.screen.refresh(layout=True)

    def action_help(self) -> None:
        """All keys that work here."""
        from fedtop.screens.help import HelpScreen

        self._app.push_screen(HelpScreen(self._app.base))

    def action_retreat(self) -> None:
        """Minimises, else clears the filter, else closes the drill-down."""
        app = self._app
        base, panel = app.base, app.top_panel
        if base.maximized is not None:
            base.minimize()
        elif base.typing or (panel is not None and app.view.filter_of(panel.panel_id)):
            base.clear_filter()
        elif isinstance(base, DetailScreen):
            app.pop_screen()

    # Time

    def action_wider(self) -> None:
        """The next longer window."""
        self._app.change_view(state.wider(self._app.view))

    def action_narrower(self) -> None:
        """The next shorter window."""
        self._app.change_view(state.narrower(self._app.view))

    def action_pause(self) -> None:
        """Stands still, or goes on."""
        app = self._app
        if app.view.paused_ms is not None:
            app.change_view(state.resumed(app.view))
        else:
            app.set_view(state.paused(app.view, app.now()))
            app.hold()

    def action_refresh_now(self) -> None:
        """Reads the store now; a pane that stands still does so as of now."""
        app = self._app
        if app.view.paused_ms is not None:
            app.set_view(state.paused(app.view, app.now()))
        app.demand()

    def action_slower(self) -> None:
        """A longer interval."""
        self._app.change_view(state.slower(self._app.view))

    def action_faster(self) -> None:
        """A shorter interval."""
        self._app.change_view(state.faster(self._app.view))

    def action_step(self, steps: int) -> None:
        """The window before or after this one."""
        self._app.change_view(state.stepped(self._app.view, steps, self._app.now()))

    def action_live(self) -> None:
        """Back to the present."""
        self._app.change_view(state.live(self._app.view))

    def action_newest(self) -> None:
        """The window that ends at the newest fact that the view is about."""
        newest = self._app.fresh.newest_about_ms
        if newest is not None:
            self._app.change_view(state.jumped(self._app.view, newest))

    # View

    def action_filter(self) -> None:
        """Opens the filter line."""
        self._app.base.open_filter()

    def action_zoom(self) -> None:
        """The focused part on the whole screen, or back."""
        base = self._app.base
        if base.maximized is not None:
            base.minimize()
        elif base.focused is not None:
            base.maximize(base.focused)

    def action_next_theme(self) -> None:
        """The next of fedtop's own themes."""
        names = [theme.name for theme in THEMES]
        now = self._app.theme
        self._app.theme = names[(names.index(now) + 1) % len(names)] if now in names else names[0]

    def action_copy_row(self) -> None:
        """The row under the cursor to the clipboard."""
        from fedtop.export import copy_of

        panel = self._app.top_panel
        text = copy_of(panel.current_table()) if panel is not None else ""
        if text:
            self._app.copy_to_clipboard(text)
            self._app.notify("Row copied", timeout=2, markup=False)

    def action_export(self, form: str) -> None:
        """Writes the rows of the view to a file, and says where."""
        from fedstore import FedstoreError
        from fedtop.export import write_view

        app, panel = self._app, self._app.top_panel
        table = panel.current_table() if panel is not None else None
        if panel is None or table is None:
            return
        try:
            path = write_view(app.options.export_dir, panel, table, app.view, app.now(), form)
        except FedstoreError as error:
            app.notify(str(error), severity="error", markup=False)
        else:
            app.notify(f"Written to {path}", markup=False)
