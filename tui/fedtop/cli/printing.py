"""One tab of the pane, printed once: its read model as text or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedtop.cli.common import get_settings, standing_alarms
from fedtop.cli.output import emit, notice_for, plain_value

if TYPE_CHECKING:
    from fedstore import Reader, Window
    from fedtop.cli.common import View
    from fedtop.plain.look import Look

__all__ = ["print_view"]


def print_view(view: View, reader: Reader, window: Window, tab: str, dimension: str = "model") -> None:
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
    notice = notice_for(reader.newest_ms(), found.window)

    def draw(look: Look) -> Any:
        return _page(tab)(found, look, notice.text(look), **more)

    emit(view, {"notice": notice.code, **plain_value(found), **more}, draw)


def _page(tab: str) -> Any:
    from fedtop.plain import agents, cascade, spending

    pages = {"agents": agents.agents, "cascade": cascade.cascade, "costs": spending.costs, "tools": spending.tools}
    return pages[tab]
