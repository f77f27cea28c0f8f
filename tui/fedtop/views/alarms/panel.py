"""What needs attention, after `!`: alarms about applied changes first, then what the window shows.

Enter goes to what fired it. An alarm about a change leads to that change, where `u` takes it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from fedtop.loop import LedgerReader
from fedtop.views.alarms.lines import CHANGE, with_alarms
from fedtop.views.ledger.undoing import take_back
from fedtop.views.overview.parts import KEY_GAP, attention_rows
from fedtop.views.panel import Panel
from fedtop.widgets.live_table import Column, LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import Overview
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["ALERT_COLUMNS", "AlertsPanel"]

ALERT_COLUMNS = (Column("what", "what needs attention", 20, grow=True),)


class AlertsPanel(Panel["Overview"], can_focus=True):
    """See the module."""

    panel_id = "alerts"
    title = "needs attention"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"undo"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "undo this", id="alerts.undo", tooltip="Take back the change that the alarm is about"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ledger = LedgerReader()

    def compose(self) -> ComposeResult:
        """One list."""
        yield LiveTable(ALERT_COLUMNS, id="alerts-table", show_header=False, empty="nothing needs attention")

    def read(self, reader: Reader, window: Window, args: Args) -> Overview:  # noqa: ARG002
        """What the overview says needs attention, and the alarms about applied changes."""
        alarms = self._ledger.alarms(self.host.source, reader.policy().version)
        return with_alarms(reader.overview(window), alarms)

    def show(self, data: Overview, view: ViewState) -> None:  # noqa: ARG002
        """A row per thing."""
        self.query_one(LiveTable).set_rows(attention_rows(data, self.glyphs))
        self.refresh_bindings()

    def _target(self) -> str:
        return (self.query_one(LiveTable).cursor_key or "").partition(KEY_GAP)[2]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only an alarm about a change can be answered by undoing it."""
        if action == "undo" and not self._target().startswith(CHANGE):
            return False
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        """Takes back the change that the alarm is about, after a question."""
        take_back(self, int(self._target().removeprefix(CHANGE)))

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        self.refresh_bindings()

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(event.key.partition(KEY_GAP)[2])
