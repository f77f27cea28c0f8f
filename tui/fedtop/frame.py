"""The frame of the pane: connects the poller, the view state and the screens. What its keys do is in `fedtop.app`.

Messages come up (a reading, a demand, a filter), the view state is replaced, and what follows from both goes
down to the screen on top.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from textual import events, on
from textual.widgets import Input

from fedstore import SettingsError, Window
from fedtop import state
from fedtop.glyphs import ASCII, UNICODE
from fedtop.keymap import keymap_of, taken_by
from fedtop.marking import Marking
from fedtop.messages import Demanded, FilterChanged, ReadFailed, SnapshotReady, Tick
from fedtop.options import AppOptions
from fedtop.poller import Poller, Request
from fedtop.screens.base import HEADER_TABS, BaseScreen
from fedtop.screens.confirm import ConfirmScreen
from fedtop.screens.detail import DetailScreen
from fedtop.screens.main import MainScreen
from fedtop.signals import told_of_the_end
from fedtop.state import Sort, ViewState, filtered, on_tab, sorted_by
from fedtop.status import Freshness, header_of, may_jump, notice_of
from fedtop.tabs import TABS, tab_ids
from fedtop.themes import THEMES, defaults_for
from fedtop.views import DRILLS, MUTATING_DRILLS, new_drill
from fedtop.views.agents.boosts import Proposals
from fedtop.views.panel import Host
from fedtop.watching import Watch
from fedtop.widgets.header import HeaderLine
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import Widget
    from textual.worker import WorkType

    from fedstore import Store
    from fedtop.views.panel import AnyPanel
    from fedtop.views.question import Question

__all__ = ["Frame"]


_WATCH_S = 5.0


class Frame(Host):
    """The pane without its keys. The store's readers are made and used on the poller's thread only.

    Raises SettingsError for a theme, or the name of a key, that does not exist.
    """

    TITLE = "fedtop"
    CSS_PATH = ["app.tcss", *(tab.styles for tab in TABS)]  # noqa: RUF012 - Textual's form
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-normal"), (44, "-tall")]  # noqa: RUF012

    def __init__(self, source: Store, options: AppOptions | None = None) -> None:
        self.options = options or AppOptions()
        self.source = source
        self.glyphs = ASCII if self.options.ascii else UNICODE
        self.view = ViewState(
            tab=self.options.tab if self.options.tab in tab_ids() else tab_ids()[0],
            window=Window.ending(self.options.window, 0).label,
            interval_s=self.options.interval_s,
            at_ms=self.options.at_ms,
        )
        self.fresh = Freshness(answered_ms=self.options.clock())
        self.fault: Exception | None = None
        """What ended the pane, when it did not end by itself."""
        self.ended_by: int | None = None
        """The signal that ended the pane, when one did."""
        self._signals = ExitStack()
        self._leaving = False
        self._aims: WeakKeyDictionary[events.Key, Widget | None] = WeakKeyDictionary()
        """What had the keyboard when a key was pressed."""
        self.asked = 0
        self.answered = 0
        """Serial numbers of the last request and of the last answer to one."""
        self._asked_for: AnyPanel | None = None
        self._able: tuple[bool, ...] = ()
        self._poller = Poller(source.reader, self.post_message, self.options.clock)
        self._watch = Watch(self)
        self.proposals = Proposals(self)
        self.marking = Marking(self)
        super().__init__()
        self.set_class(self.options.ascii, "-ascii")
        for theme in THEMES:
            self.register_theme(theme)
        self._start_in(self.options.theme)
        self._user_keys = keymap_of(self.options.keymap)
        self._taken: dict[type[AnyPanel], frozenset[str]] = {}
        self.set_keymap(self._user_keys)

    def _start_in(self, name: str) -> None:
        """Starts in a theme; one of fedtop's own without the watcher, which would parse all styles a second time."""
        own = next((theme for theme in THEMES if theme.name == name), None)
        if own is None:
            if name not in self.available_themes:
                raise SettingsError(f"there is no theme {name!r}: use one of {', '.join(self.available_themes)}")
            self.theme = name
            return
        self.set_reactive(Frame.theme, own.name)
        self.set_class(own.dark, "-dark-mode")
        self.set_class(not own.dark, "-light-mode")
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> MainScreen:
        """The tabs."""
        return MainScreen()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """fedtop's colour names for themes that are not its own."""
        return defaults_for(self.current_theme)

    def on_mount(self) -> None:
        """Starts to read once the frame is on the screen; what is read is asked for by the screen."""
        if not self.is_headless:
            self._signals.enter_context(told_of_the_end(asyncio.get_running_loop(), self._end_by))
        self.call_after_refresh(self._begin)
        self.set_interval(_WATCH_S, self._refresh_status)

    def _begin(self) -> None:
        gc.enable()  # it is off while the pane is being started, see fedtop.cli.top
        self._poller.start()
        self._watch.start()

    def on_unmount(self) -> None:
        """Ends the poller."""
        self._poller.stop()
        self._signals.close()

    def _end_by(self, number: int) -> None:
        """Leaves as after `q`, so that the shell gets its terminal back as it was."""
        self.ended_by = number
        self._leaving = True
        self.exit()

    async def action_quit(self) -> None:
        """Leaves; what is typed from now on is for the shell, and no view is opened for it any more."""
        self._leaving = True
        self.exit()

    async def on_event(self, event: events.Event) -> None:
        """Takes keys and clicks until the pane is left."""
        if self._leaving and isinstance(event, events.InputEvent):
            return
        if isinstance(event, events.Key) and not event.is_forwarded:
            self._aims[event] = self.focused
        if isinstance(event, events.Resize) and event.size == self.size and self.answered:
            self.call_later(self.redraw)  # back from the shell: the terminal shows what that left there
        await super().on_event(event)

    def on_key(self, event: events.Key) -> None:
        """Brings what was typed ahead of a line to that line: when it was typed, something else had the keyboard."""
        line = self.focused
        if isinstance(line, Input) and event in self._aims and self._aims[event] is not line:
            event.prevent_default()
            ahead = events.Key(event.key, event.character)
            self._aims[ahead] = line
            line._forward_event(ahead)  # noqa: SLF001 - as it would have come

    def _handle_exception(self, error: Exception) -> None:
        """Keeps a fault for whoever runs the pane to tell in a line; Textual would print pages of source for it."""
        self.fault = self.fault or error
        super()._handle_exception(error)
        self._exit_renderables.clear()

    def redraw(self) -> None:
        """Draws everything anew, over whatever else wrote to the terminal."""
        self.screen.refresh(layout=True)

    # The screens

    def now(self) -> int:
        """The present in epoch milliseconds, by the pane's clock."""
        return self.options.clock()

    @property
    def main(self) -> MainScreen:
        """The screen of the tabs."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen

    @property
    def base(self) -> BaseScreen:
        """The screen on top, not counting dialogs."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, BaseScreen))

    @property
    def top_panel(self) -> AnyPanel | None:
        """The panel that the poller serves."""
        return self.base.panel

    async def go_to_tab(self, tab: str) -> None:
        """Shows a tab, closing what lies above the tabs."""
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        self.set_view(on_tab(self.view, tab))
        await self.main.go_to(tab)

    def open_panel(self, panel: AnyPanel) -> None:
        """Puts a panel on top of what is shown; a question that stands open is answered first."""
        if isinstance(self.screen, ConfirmScreen):
            return
        below = self.base
        self.set_view(filtered(self.view, panel.panel_id, ""))
        label = next((label for key, label in HEADER_TABS if key == self.view.tab), "")
        titles = below.titles if isinstance(below, DetailScreen) else (label,)
        self.push_screen(DetailScreen(panel, titles))

    def confirm(self, question: Question, answered: Callable[[bool], None]) -> None:
        """Puts a question on top at once, so that a key typed ahead goes to it and not to what lies below."""
        self.push_screen(ConfirmScreen(question), lambda yes: answered(bool(yes)))

    async def confirmed(self, question: Question) -> bool:
        """Asks, and waits for the answer."""
        return await self.push_screen_wait(ConfirmScreen(question))

    def applied(self) -> None:
        """`u` takes the plan back that was applied here."""
        self.marking.note_change()

    def marked(self) -> None:
        """The keys and the line of grades follow what was said."""
        from fedtop.screens.mark import MarkScreen

        if isinstance(self.screen, MarkScreen):
            self.screen.look_again()
        self.base.refresh_bindings()

    def filter_by(self, text: str) -> None:
        """Puts a text into the filter line of the view on top, as if typed."""
        self.base.filter_by(text)

    def open_target(self, target: str) -> bool:
        """Opens `kind:name`, such as `agent:codex` or `tab:costs`; False when there is no such view."""
        kind, _, name = target.partition(":")
        if kind == "tab" and name in tab_ids():
            # Not the coroutine: one that never starts is warned of.
            work: WorkType[None] = partial(self.go_to_tab, name)
            self.run_worker(work)
            return True
        if not self.may_open(kind):
            return False
        self.open_panel(new_drill(kind, name))
        return True

    def may_open(self, kind: str) -> bool:
        """Whether there is a drill-down of this kind for this user."""
        return kind in DRILLS and not (self.options.readonly and kind in MUTATING_DRILLS)

    def is_taken(self, key: str, panel: AnyPanel) -> bool:
        """Whether a key of the frame is one of a panel's own."""
        kind = type(panel)
        if kind not in self._taken:
            self._taken[kind] = taken_by(kind, self._user_keys)
        return key in self._taken[kind]

    # Readings come up, views go down

    def set_view(self, view: ViewState) -> None:
        """Replaces the view state; whoever needs other data demands it."""
        if view != self.view:
            if (view.window, view.at_ms) != (self.view.window, self.view.at_ms):
                self.fresh = replace(self.fresh, window="")
            self.view = view
            self._refresh_status()

    def change_view(self, view: ViewState) -> None:
        """Replaces the view state and reads anew."""
        self.set_view(view)
        self.demand()

    def demand(self) -> None:
        """Reads the panel on top anew, at once."""
        panel, view = self.top_panel if self.is_running else None, self.view
        if panel is None:
            return
        self.asked += 1
        self._asked_for = panel
        self._poller.ask(
            Request(
                serial=self.asked,
                window=view.window,
                query=panel.read if panel.polls else None,
                args=panel.args,
                about=panel.about,
                at_ms=view.pinned_ms,
                live=view.at_ms is None,
                interval_s=None if view.paused_ms is not None else view.interval_s,
            )
        )

    def hold(self) -> None:
        """Keeps what is shown as it is, until something is demanded."""
        self.asked += 1
        self._poller.hold()

    @on(Demanded)
    def _demanded(self) -> None:
        self._refresh_status()
        self.demand()

    @on(SnapshotReady)
    def _snapshot_ready(self, event: SnapshotReady) -> None:
        snapshot = event.snapshot
        if snapshot.serial != self.asked or not self.is_running or self.top_panel is not self._asked_for:
            return  # the answer to an older question, or for a panel that another has just come on top of
        self.answered = snapshot.serial
        self.fresh = Freshness(
            snapshot.taken_ms, snapshot.newest_ms, snapshot.recorded_ms, never_read=False,
            about=snapshot.about, newest_about_ms=snapshot.newest_about_ms, window=snapshot.window.label,
        )  # fmt: skip
        self.base.show_snapshot(snapshot, self.view)
        self._refresh_status()

    @on(Tick)
    def _tick(self, event: Tick) -> None:
        self.fresh = replace(self.fresh, answered_ms=event.now_ms, problem="")
        panel = self.top_panel if self.is_running else None
        if panel is not None and panel.shown:
            panel.tick(event.now_ms)
        self._refresh_status()

    @on(ReadFailed)
    def _read_failed(self, event: ReadFailed) -> None:
        self.fresh = replace(self.fresh, problem=event.reason)
        self._refresh_status()

    def _refresh_status(self) -> None:
        """Brings header, notice and the state's classes up to date; draws only what differs."""
        if not self.is_running or not self.base.is_mounted:
            return
        now, base, options = self.now(), self.base, self.options
        header = header_of(
            self.view,
            self.fresh,
            now,
            tabs=HEADER_TABS,
            store=self.source.path.name,
            tz=options.tz,
            readonly=options.readonly,
        )
        base.set_header(header)
        shown = base.panel is not None and base.panel.shown
        base.set_notice(notice_of(self.view, self.fresh, now, options.tz, self.glyphs, shown=shown))
        base.set_class(header.feed == "stale", "-stale")
        base.set_class(header.feed == "paused", "-paused")
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        """The footer follows what can be done here, when that changes."""
        able = (self.can_jump, self.can_retreat, self.leads_on(state.wider), self.leads_on(state.narrower))
        if able != self._able:
            self._able = able
            self.base.refresh_bindings()

    @property
    def can_retreat(self) -> bool:
        """True when there is something to step back from: a maximised part, a filter, a drill-down."""
        base, panel = self.base, self.top_panel
        filtering = panel is not None and bool(self.view.filter_of(panel.panel_id))
        return base.maximized is not None or base.typing or filtering or isinstance(base, DetailScreen)

    @property
    def can_jump(self) -> bool:
        """True when the newest fact of the view lies in another window."""
        return may_jump(self.view, self.fresh, self.now())

    def leads_on(self, step: Callable[[ViewState], ViewState]) -> bool:
        """True when a step of the view state would change anything, such as to a longer window where there is one."""
        return step(self.view) != self.view

    # What users do inside the screens

    @on(FilterChanged)
    def _filter_changed(self, event: FilterChanged) -> None:
        panel = self.top_panel
        if panel is not None:
            self.view = filtered(self.view, panel.panel_id, event.text)
            self._refresh_keys()

    @on(LiveTable.Sorted)
    def _table_sorted(self, event: LiveTable.Sorted) -> None:
        panel = self.top_panel
        if panel is not None:
            sort = Sort(event.column, event.reverse)
            self.view = sorted_by(self.view, panel.table_name(event.table), sort)

    @on(HeaderLine.TabClicked)
    async def _tab_clicked(self, event: HeaderLine.TabClicked) -> None:
        await self.go_to_tab(event.key)
