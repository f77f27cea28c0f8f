"""What needs attention, after `!`: alarms about applied changes first, then what the window shows.

Enter goes to what fired it. An alarm about a change leads to that change, where `u` takes it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from fedstore import with_alarms
from fedtop.fields import KEY_GAP
from fedtop.loop import LedgerReader
from fedtop.views.ledger.undoing import take_back
from fedtop.views.overview.columns import ATTENTION, attention_lines
from fedtop.views.panel import Panel
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Alarm, Reader, Window
    from fedstore.queries.models import Overview
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["AlarmsPanel"]


@dataclass(frozen=True, slots=True)
class AlarmsData:
    """What the view shows: all that needs attention, and which of it are alarms about changes."""

    overview: Overview
    alarms: tuple[Alarm, ...]


class AlarmsPanel(Panel[AlarmsData], can_focus=True):
    """See the module."""

    panel_id = "alarms"
    title = "needs attention"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"undo"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "undo this", id="alarms.undo", tooltip="Take back the change that the alarm is about"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ledger = LedgerReader()
        self._changes: dict[str, int] = {}

    def compose(self) -> ComposeResult:
        """One list."""
        yield LiveTable(ATTENTION, id="alarms-table", show_header=False, empty="nothing needs attention")

    def read(self, reader: Reader, window: Window, args: Args) -> AlarmsData:  # noqa: ARG002
        """What the overview says needs attention, and the alarms about applied changes."""
        alarms = self._ledger.alarms(self.host.source, reader.policy().version)
        return AlarmsData(with_alarms(reader.overview(window), alarms), alarms)

    def show(self, data: AlarmsData, view: ViewState) -> None:  # noqa: ARG002
        """A row per thing."""
        self._changes = {alarm.target: alarm.change_id for alarm in data.alarms}
        self.query_one(LiveTable).set_rows(ATTENTION.rows(attention_lines(data.overview), self.locale()))
        self.refresh_bindings()

    def _change(self) -> int | None:
        """The change that the alarm under the cursor is about; None for anything else."""
        return self._changes.get((self.query_one(LiveTable).cursor_key or "").partition(KEY_GAP)[2])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only an alarm about a change can be answered by undoing it."""
        if action == "undo" and self._change() is None:
            return False
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        """Takes back the change that the alarm is about, after a question."""
        change_id = self._change()
        if change_id is not None:
            take_back(self, change_id)

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        self.refresh_bindings()

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(event.key.partition(KEY_GAP)[2])
