"""One change of the ledger: what it set, what it promised, and what was measured after an hour, a day, a week."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType

from fedtop.format import clean
from fedtop.loop import LedgerReader
from fedtop.views.ledger.columns import EFFECTS, effect_lines, effects_of
from fedtop.views.ledger.parts import change_parts, effect_notes
from fedtop.views.ledger.undoing import take_back
from fedtop.views.panel import Panel
from fedtop.views.plan.details import FlipsPanel
from fedtop.views.plan.plan_table import PlanTable
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.scroll import TextScroll

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Change, Reader, Window
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["ChangePanel"]


class ChangePanel(Panel["Change | None"], can_focus=True):
    """See the module. `change_id` is the number in the ledger."""

    panel_id = "change"
    heeds = "nothing"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"undo"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "undo this", id="change.undo", tooltip="Take this change back"),
        Binding("f", "flips", "flips", id="change.flips", tooltip="The decisions that the plan sent elsewhere"),
    ]

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id=change_id)
        self.title = f"change #{clean(change_id, 20)}"
        self._ledger = LedgerReader()
        self._change: Change | None = None

    def compose(self) -> ComposeResult:
        """Head, what happened since, what was set, the words."""
        yield TextLines(id="change-title")
        empty = "nothing is measured for this kind of change"
        effects = LiveTable(EFFECTS, id="change-effects", classes="-plain", empty=empty)
        yield Section("what happened since", effects, id="change-since")
        items = PlanTable(("was", "set to"), id="change-items")
        yield Section("what it set", items, id="change-what")
        with TextScroll(id="change-rest"):
            yield TextLines(id="change-notes")

    def read(self, reader: Reader, window: Window, args: Args) -> Change | None:  # noqa: ARG002
        """The change, measured anew; None when there is no such entry."""
        number = str(args["change_id"])
        if not number.isdecimal():
            return None
        return self._ledger.change(self.host.source, reader.policy().version, int(number))

    def show(self, data: Change | None, view: ViewState) -> None:  # noqa: ARG002
        """All of it; or that there is no such change."""
        self._change = data
        self.set_class(data is None, "-gone")
        title = self.query_one("#change-title", TextLines)
        if data is None:
            title.set_lines([Text("There is no such change in the ledger.", "bold")])
        else:
            title.set_lines([change_parts(data, self.tz, self.host.now(), self.glyphs)])
            self._show_change(data)
        self.refresh_bindings()

    def _show_change(self, change: Change) -> None:
        items = self.query_one("#change-items", PlanTable)
        items.set_class(not change.plan.flipped, "-plain")  # Enter lists the decisions that the plan sent elsewhere
        items.set_plan(change.plan, self.locale())
        self.query_one("#change-since", Section).display = change.effects is not None
        table = self.query_one("#change-effects", LiveTable)
        if change.effects is not None:
            effects = effects_of(change.effects)
            table.set_columns(effects.fields)
            table.set_rows(effects.rows(effect_lines(change.effects), self.locale()))
        self.query_one("#change-notes", TextLines).set_lines(effect_notes(change, self.glyphs))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a change that stands can be taken back; only a plan for thresholds has flips."""
        change = self._change
        if action == "undo" and (change is None or not change.stands):
            return False
        if action == "flips" and (change is None or not change.plan.flipped):
            return False
        return super().check_action(action, parameters)

    def action_undo(self) -> None:
        """Takes this change back, after a question."""
        if self._change is not None:
            take_back(self, self._change.id)

    def action_flips(self) -> None:
        """The decisions that the plan sent elsewhere."""
        if self._change is not None:
            self.host.open_panel(FlipsPanel(self._change.plan))

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        if event.table.id == "change-items" and self._change is not None and self._change.plan.flipped:
            self.action_flips()
