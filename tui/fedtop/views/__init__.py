"""The views of the pane, and how one is added.

A view is a `Panel` (panel.py): a widget in two halves that never meet.

- `read(reader, window, args)` runs on the poller's thread and returns plain frozen values (a read model, or a
  dataclass of several). It touches no widget. (It is not called `query`: that is Textual's name.)
- `show(data, view)` runs on the UI thread, only while the panel is the one on top, and hands the values to its
  widgets; `tick(now_ms)` moves ages when nothing else changed. Widgets run no SQL and own no timers.

To add a tab, make a folder `views/<id>` with a Panel in `panel.py`, its styles in `panel.tcss` and what `--once` prints
in `page.py`, and add a line to `fedtop.tabs.TABS`. It is imported and mounted when it is first visited. Styles are
found because they are there: those of the tabs when the App starts, all others when the first drill-down opens.

To add a drill-down, write a Panel whose constructor takes one string, and a line in `DRILLS`. `host.open_target(
"agent:codex")` opens it in a `DetailScreen`; `host.open_panel(panel)` opens a panel made by hand. The poller then
serves the panel on top. Key actions `open('optimize')` open the drill of that name without a string; a key whose
drill is not in `DRILLS` is neither bound nor shown. A view that works on the store itself (a plan, a grading queue)
sets `polls = False` or asks anew with `self.ask(...)`, and uses `self.host.source` (the `Store`).

Keys of a panel are `BINDINGS` with an id `<panel>.<what>`, a description and a tooltip; help and footer find them
there. A key that a panel binds is its own while it is on top, even where it does nothing at the moment: it never falls
through to the frame (Esc alone does). Actions named in `MUTATING` vanish in read-only mode. Filter, sort, export and
copy work on the LiveTables inside a panel without further code; `-unfiltered` keeps one out of the filter.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from fedtop.views.panel import AnyPanel

__all__ = ["DRILLS", "MUTATING_DRILLS", "drill_class", "new_drill"]


DRILLS = {
    "alarms": "fedtop.views.alarms.panel:AlarmsPanel",
    "boost": "fedtop.views.plan.details:EvidencePanel",
    "change": "fedtop.views.change.panel:ChangePanel",
    "ledger": "fedtop.views.ledger.panel:LedgerPanel",
    "optimize": "fedtop.views.plan.optimize:OptimizePanel",
    "tune": "fedtop.views.plan.tune:TunePanel",
    "agent": "fedtop.views.agent.panel:AgentPanel",
    "task_type": "fedtop.views.task_type.panel:TaskTypePanel",
    "grading": "fedtop.views.grading.panel:GradingPanel",
    "layer": "fedtop.views.layer.panel:LayerPanel",
    "tool": "fedtop.views.tool.panel:ToolPanel",
    "why": "fedtop.views.why.panel:WhyPanel",
}
"""What `open_target("kind:name")` and `open('kind')` open."""

MUTATING_DRILLS = frozenset({"optimize", "tune", "grading"})
"""Drills that lead to a change of the store; absent in read-only mode."""


def drill_class(kind: str) -> type[AnyPanel] | None:
    """The panel class of a drill-down, or None when there is none of that kind."""
    path = DRILLS.get(kind)
    return None if path is None else _load(path)


def new_drill(kind: str, name: str = "") -> AnyPanel:
    """A drill-down of a kind, of one name where it is not empty. Raises KeyError for an unknown kind."""
    panel: Callable[..., AnyPanel] | None = drill_class(kind)
    if panel is None:
        raise KeyError(kind)
    return panel(name) if name else panel()


def _load(path: str) -> type[AnyPanel]:
    module, _, name = path.partition(":")
    found: type[AnyPanel] = getattr(import_module(module), name)
    return found
