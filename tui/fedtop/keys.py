"""Every key of the frame: what it does, in which group of the help it stands, and whether it changes the
store.

The id of a key is `group.name`; users remap keys by id (`fedtop.keymap`). Panels bring their own bindings in the same
form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from textual.binding import Binding, BindingType

from fedtop.tabs import TABS

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.screen import Screen

__all__ = ["GROUPS", "KEYS", "Key", "active_in_order", "bindings", "display"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Key:
    """One binding. `keys` are comma-separated Textual key names; `show` puts it into the footer."""

    id: str
    keys: str
    action: str
    description: str
    tooltip: str
    show: bool = False
    priority: bool = False

    def binding(self) -> Binding:
        """As Textual wants it."""
        return Binding(
            self.keys,
            self.action,
            self.description,
            show=self.show,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )


GROUPS = {
    "tabs": "Tabs",
    "table": "In a table",
    "matrix": "In the matrix",
    "view": "View",
    "time": "Time",
    "loop": "Propose, apply, undo",
    "grade": "Grade",
    "app": "fedtop",
}

KEYS = (
    Key("view.back", "escape", "retreat", "back", "Clear the filter, or close this view", show=True),
    Key("app.help", "question_mark", "help", "help", "All keys that work here", show=True),
    Key("view.filter", "slash", "filter", "filter", "Only rows with a text, !text without", show=True),
    Key("grade.mark", "m", "mark", "grade", "Grade what is under the cursor", show=True),
    Key("time.wider", "w", "wider", "window", "The next longer window", show=True),
    Key("loop.optimize", "o", "open('optimize')", "optimize", "Propose boosts for agents (dry-run)", show=True),
    Key("loop.tune", "t", "open('tune')", "tune", "Propose thresholds (dry-run)", show=True),
    Key("grade.queue", "M", "open('grading')", "grading queue", "Grade the decisions that settle most"),
    Key("loop.undo", "u", "take_back", "undo", "Undo the last grade or applied change"),
    Key("loop.ledger", "L", "open('ledger')", "ledger", "What was applied, what came of it"),
    Key("view.alarms", "exclamation_mark", "open('alarms')", "alarms", "What needs attention", show=True),
    *(Key(f"tabs.{n}", str(n), f"tab_number({n})", tab.label, "Go to this tab") for n, tab in enumerate(TABS[:9], 1)),
    Key("tabs.previous", "left_square_bracket", "tab_step(-1)", "Previous tab", "Go to the tab to the left"),
    Key("tabs.next", "right_square_bracket", "tab_step(1)", "Next tab", "Go to the tab to the right"),
    Key("time.narrower", "W", "narrower", "Shorter window", "The next shorter window"),
    Key("time.pause", "space", "pause", "pause", "Freeze the pane, or let it run again"),
    Key("time.refresh", "r", "refresh_now", "Refresh", "Read the store now"),
    Key("time.slower", "plus", "slower", "Slower", "Look at the store less often"),
    Key("time.faster", "minus", "faster", "Faster", "Look at the store more often"),
    Key("time.back", "comma,less_than_sign", "step(-1)", "Back in time", "The window before this one"),
    Key("time.forth", "full_stop,greater_than_sign", "step(1)", "Forth in time", "The window after this one"),
    Key("time.live", "0,ctrl+end", "live", "Live", "Back to the present"),
    Key("time.newest", "h", "newest", "newest facts", "The window ending at the newest fact", show=True),
    Key("view.zoom", "z", "zoom", "Maximise", "This part alone, and back"),
    Key("view.export", "e", "export('csv')", "Export CSV", "Write these rows to a CSV file"),
    Key("view.export_json", "E", "export('json')", "Export JSON", "Write these rows to a JSON file"),
    Key("view.copy", "y", "copy_row", "Copy", "Copy the row under the cursor"),
    Key("view.theme", "T", "next_theme", "Theme", "The next theme"),
    Key("app.palette", "colon,ctrl+p", "command_palette", "command", "Search all commands", show=True),
    Key("app.redraw", "ctrl+l", "redraw", "Redraw", "Draw the whole screen again"),
    Key("app.suspend", "ctrl+z", "suspend_process", "Suspend", "To the shell; fg comes back"),
    Key("app.quit", "q", "quit", "quit", "Leave fedtop", show=True),
    Key("app.interrupt", "ctrl+c", "quit", "Quit", "Leave fedtop", priority=True),
)


def bindings() -> list[BindingType]:
    """The bindings of the App."""
    return [key.binding() for key in KEYS]


def active_in_order(screen: Screen[Result]) -> list[ActiveBinding]:
    """The bindings in force on a screen, nearest widget first; of one widget, those it declares itself before those it
    inherits, each in the order they are declared in (Textual has those first that replace an inherited key).
    """
    found = list(screen.active_bindings.values())
    nodes = list(dict.fromkeys(active.node for active in found))
    return sorted(found, key=lambda active: (nodes.index(active.node), _declared(active)))


def _declared(active: ActiveBinding) -> tuple[int, int]:
    """How many classes up the binding of a widget is declared, and at which place."""
    kinds = type(active.node).__mro__
    for up, kind in enumerate(kinds):
        ids = [getattr(binding, "id", None) for binding in kind.__dict__.get("BINDINGS", ())]
        if active.binding.id in ids:
            return up, ids.index(active.binding.id)
    return len(kinds), 0


_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "colon": ":",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "plus": "+",
    "minus": "-",
    "escape": "Esc",
    "enter": "Enter",
    "space": "space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
}


def display(key: str) -> str:
    """A Textual key name as people write it: `?`, `Esc`, `shift+←`."""
    *modifiers, last = key.split("+") if key != "+" else ["plus"]
    return "+".join([*modifiers, _NAMES.get(last, last)])
