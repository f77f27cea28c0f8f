"""The ledger after `L`: every change, what it promised and what came of it; `u` takes the one under the cursor back.

The effects are measured anew while the store grows, on the poller's thread, but never for more than a small share
of the time: a reading that took long is kept for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from fedtop.loop import LedgerReader
from fedtop.views.ledger.columns import LEDGER
from fedtop.views.ledger.undoing import take_back
from fedtop.views.panel import Panel
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Change, Reader, Window
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["LedgerPanel"]


class LedgerPanel(Panel["tuple[Change, ...]"], can_focus=True):
    """See the module."""

    panel_id = "ledger"
    heeds = "nothing"
    title = "ledger"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"undo"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "undo this", id="ledger.undo", tooltip="Take the change under the cursor back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._ledger = LedgerReader()
        self._changes: dict[str, Change] = {}

    def compose(self) -> ComposeResult:
        """One table."""
        proposing = "" if self.host.options.readonly else ": t proposes thresholds, o boosts"
        empty = f"nothing was changed yet{proposing}"
        yield LiveTable(LEDGER, id="ledger-table", empty=empty)

    def read(self, reader: Reader, window: Window, args: Args) -> tuple[Change, ...]:  # noqa: ARG002
        """The newest changes with what happened since; the window does not matter."""
        return self._ledger.changes(self.host.source, reader.policy().version)

    def show(self, data: tuple[Change, ...], view: ViewState) -> None:  # noqa: ARG002
        """A row per change."""
        self._changes = {str(change.id): change for change in data}
        self.query_one(LiveTable).set_rows(LEDGER.rows(data, self.locale()))
        self.refresh_bindings()

    def _chosen(self) -> Change | None:
        return self._changes.get(self.query_one(LiveTable).cursor_key or "")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a change that stands can be taken back."""
        if action == "undo":
            chosen = self._chosen()
            if chosen is None or not chosen.stands:
                return False
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        """Takes the change under the cursor back, after a question."""
        chosen = self._chosen()
        if chosen is not None:
            take_back(self, chosen.id)

    @on(LiveTable.Highlighted)
    def _moved(self) -> None:
        self.refresh_bindings()

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"change:{event.key}")
