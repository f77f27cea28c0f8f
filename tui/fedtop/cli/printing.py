"""One tab of the pane, printed once: its read model as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedtop.cli.common import get_settings, standing_alarms
from fedtop.cli.output import did_something, emit, plain_value

if TYPE_CHECKING:
    from fedstore import Reader, Window
    from fedstore.queries.models import Topic
    from fedtop.cli.options import View
    from fedtop.cli.output import Notice
    from fedtop.plain.look import Look

__all__ = ["TOPICS", "print_view"]

TOPICS: dict[str, Topic] = {"agents": "agent", "cascade": "layer", "costs": "spend", "tools": "tool"}
"""What each tab tells of; the overview of anything."""


def print_view(view: View, reader: Reader, window: Window, notice: Notice, tab: str, dimension: str = "model") -> None:
    """Print the tab "agents", "cascade", "costs" (by ``dimension``) or "tools"."""
    found: Any
    more: dict[str, Any] = {}
    if tab == "agents":
        found = reader.agents(window)
    elif tab == "cascade":
        found = reader.cascade(window)
        alarms = standing_alarms(get_settings(view)) if found.routes else ()
        more["alarms"] = [alarm.text for alarm in alarms if alarm.kind == "tune"]
    elif tab == "costs":
        found = reader.costs(window, dimension)
    else:
        found = reader.tools(window)
    notice = notice.unless(_has_facts(tab, found))

    def draw(look: Look) -> Any:
        return _page(tab)(found, look, notice.text(look), **more)

    emit(view, {"notice": notice.code, **plain_value(found), **more}, draw)


def _has_facts(tab: str, found: Any) -> bool:
    if tab == "cascade":
        return bool(found.routes)
    return did_something(*found.rows) if tab == "agents" else bool(found.rows)


def _page(tab: str) -> Any:
    from fedtop.plain import agents, cascade, spending

    pages = {"agents": agents.agents, "cascade": cascade.cascade, "costs": spending.costs, "tools": spending.tools}
    return pages[tab]
