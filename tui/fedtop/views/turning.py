"""A drill-down with two pages where the terminal is low: `v` turns from one to the other.

What either page holds is the stylesheet's affair (classes `-low` and `-turned`); the keyboard stays with what
is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from fedtop.views.panel import Panel
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.events import Resize

__all__ = ["TurningPanel"]

Data = TypeVar("Data")


class TurningPanel(Panel[Data], can_focus=True):
    """See the module."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "turn", "view", id="view.turn", tooltip="The other half of this view"),
    ]

    LOW: ClassVar[int] = 24
    """With fewer lines than this there is no room for both pages."""

    def on_resize(self, event: Resize) -> None:
        """Two pages or one."""
        low = event.size.height < self.LOW
        if low is not self.has_class("-low"):
            self.set_class(low, "-low")
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One page cannot be turned."""
        if action == "turn" and not self.has_class("-low"):
            return False
        return super().check_action(action, parameters)

    def action_turn(self) -> None:
        """Turns the page."""
        self.toggle_class("-turned")
        self.focus(scroll_visible=False)
        self.call_after_refresh(self.take_focus)

    def take_focus(self) -> None:
        """The first table that is seen has the keys, else the panel itself."""
        focused = self.screen.focused
        seen = self.screen.focus_chain
        if focused is not None and focused is not self and self in focused.ancestors and focused in seen:
            return
        tables = (widget for widget in seen if isinstance(widget, LiveTable) and self in widget.ancestors)
        next(tables, self).focus(scroll_visible=False)
