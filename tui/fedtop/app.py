"""The pane: what the keys of its frame do. Each action is one step of the view state or one call."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fedtop import keys, state
from fedtop.frame import Frame
from fedtop.screens.detail import DetailScreen
from fedtop.tabs import TABS, tab_ids
from fedtop.themes import THEMES

if TYPE_CHECKING:
    from textual.command import Provider

__all__ = ["FedtopApp"]


def _commands() -> type[Provider]:
    """The palette's commands; imported when it is first opened."""
    from fedtop.commands import FedtopCommands

    return FedtopCommands


_OTHER_WINDOW = {"wider": state.wider, "narrower": state.narrower}


class FedtopApp(Frame):
    """The pane over one store.

    Raises SettingsError for a theme, or the name of a key, that does not exist.
    """

    BINDINGS = keys.bindings()
    COMMANDS = {_commands}  # noqa: RUF012 - Textual's form

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Which keys work here: no drill that is not allowed or is this one, no jump to what is shown, no step in
        time or to another window that leads nowhere, no export or filter without a table.
        """
        panel = self.top_panel if self.is_running else None
        if action == "open":
            kind = str(parameters[0])
            return self.may_open(kind) and (panel is None or panel.panel_id != kind)
        if action == "take_back":
            return not self.options.readonly
        if action == "mark":
            return not self.options.readonly and panel is not None and panel.shown and panel.subject() is not None
        if action == "suspend_process":
            return sys.platform != "win32"
        if action == "newest":
            return self.can_jump
        if action == "retreat":
            return self.can_retreat
        if action in _OTHER_WINDOW:
            return (panel is None or panel.heeds == "window") and self.leads_on(_OTHER_WINDOW[action])
        if action in ("step", "live"):
            return (panel is None or panel.heeds != "nothing") and self._may_move(action, parameters)
        if action in ("export", "copy_row", "zoom", "filter") and panel is not None:
            return panel.may_filter if action == "filter" else panel.current_table() is not None
        return True

    def _may_move(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Whether there is another moment to go to: the window over all time has none, the present nothing after it."""
        view = self.view
        back = action == "step" and parameters == (-1,)
        return (back or view.pinned_ms is not None) and (action == "live" or view.window != "all")

    # Tabs and views

    def action_command_palette(self) -> None:
        """Every command by name."""
        from fedtop.commands import CommandScreen

        if not isinstance(self.screen, CommandScreen):
            self.push_screen(CommandScreen())

    async def action_tab_number(self, number: int) -> None:
        """The n-th tab, from 1."""
        await self.go_to_tab(TABS[number - 1].id)

    async def action_tab_step(self, step: int) -> None:
        """The tab to the left (-1) or right (1), around the end."""
        ids = tab_ids()
        await self.go_to_tab(ids[(ids.index(self.view.tab) + step) % len(ids)])

    def action_open(self, target: str) -> None:
        """A drill-down by its kind, or `kind:name`."""
        self.open_target(target)

    def action_mark(self) -> None:
        """Opens the line in which what is under the cursor is graded."""
        from fedtop.screens.mark import MarkScreen

        panel = self.top_panel
        if panel is not None and not isinstance(self.screen, MarkScreen):
            self.push_screen(MarkScreen(panel, self.marking))

    def action_take_back(self) -> None:
        """Takes back what was done last: a grade given here, else the newest change that stands, after a question."""
        from fedtop.views.ledger.undoing import take_back

        if self.marking.can_undo:
            self.marking.undo(self.top_panel)
        else:
            take_back(self)

    def action_redraw(self) -> None:
        """Draws everything anew, over whatever else wrote to the terminal."""
        self.redraw()

    def action_help(self) -> None:
        """All keys that work here."""
        from fedtop.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.base))

    def action_retreat(self) -> None:
        """Minimises, else clears the filter, else closes the drill-down."""
        base, panel = self.base, self.top_panel
        if base.maximized is not None:
            base.minimize()
        elif base.typing or (panel is not None and self.view.filter_of(panel.panel_id)):
            base.clear_filter()
        elif isinstance(base, DetailScreen):
            self.pop_screen()

    # Time

    def action_wider(self) -> None:
        """The next longer window."""
        self.change_view(state.wider(self.view))

    def action_narrower(self) -> None:
        """The next shorter window."""
        self.change_view(state.narrower(self.view))

    def action_pause(self) -> None:
        """Stands still, or goes on."""
        if self.view.paused_ms is not None:
            self.change_view(state.resumed(self.view))
        else:
            self.set_view(state.paused(self.view, self.now()))
            self.hold()

    def action_refresh_now(self) -> None:
        """Reads the store now; a pane that stands still does so as of now."""
        if self.view.paused_ms is not None:
            self.set_view(state.paused(self.view, self.now()))
        self.demand()

    def action_slower(self) -> None:
        """A longer interval."""
        self.change_view(state.slower(self.view))

    def action_faster(self) -> None:
        """A shorter interval."""
        self.change_view(state.faster(self.view))

    def action_step(self, steps: int) -> None:
        """The window before or after this one."""
        self.change_view(state.stepped(self.view, steps, self.now()))

    def action_live(self) -> None:
        """Back to the present."""
        self.change_view(state.live(self.view))

    def action_newest(self) -> None:
        """The window that ends at the newest fact that the view is about."""
        newest = self.fresh.newest_about_ms
        if newest is not None:
            self.change_view(state.jumped(self.view, newest))

    # View

    def action_filter(self) -> None:
        """Opens the filter line."""
        self.base.open_filter()

    def action_zoom(self) -> None:
        """The focused part on the whole screen, or back."""
        base = self.base
        if base.maximized is not None:
            base.minimize()
        elif base.focused is not None:
            base.maximize(base.focused)

    def action_next_theme(self) -> None:
        """The next of fedtop's own themes."""
        names = [theme.name for theme in THEMES]
        now = self.theme
        self.theme = names[(names.index(now) + 1) % len(names)] if now in names else names[0]

    def action_copy_row(self) -> None:
        """The row under the cursor to the clipboard."""
        from fedtop.export import copy_of

        panel = self.top_panel
        text = copy_of(panel.current_table()) if panel is not None else ""
        if text:
            self.copy_to_clipboard(text)
            self.notify("Row copied", timeout=2, markup=False)

    def action_export(self, form: str) -> None:
        """Writes the rows of the view to a file, and says where."""
        from fedstore import FedstoreError
        from fedtop.export import write_view

        panel = self.top_panel
        table = panel.current_table() if panel is not None else None
        if panel is None or table is None:
            return
        try:
            path = write_view(self.options.export_dir, panel, table, self.view, self.now(), form)
        except FedstoreError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify(f"Written to {path}", markup=False)
