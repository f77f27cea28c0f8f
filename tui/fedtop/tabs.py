"""The only table of tabs. Keys, `--tab`, header, styles, `--once` and `--json` follow from it.

A tab is a folder `views/<id>` with `panel.py` (a `Panel`), its styles in `panel.tcss`, `page.py` (what is printed
once), and a line here. Nothing of the folder is imported before it is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fedstore.queries.models import Topic
    from fedtop.plain.page import PageOf
    from fedtop.views.panel import AnyPanel

__all__ = ["TABS", "Tab", "tab_ids", "tab_named"]


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab. `id` is the name of its folder and what `--tab` takes, `label` stands in the header.

    `panel` and `page` name what `panel.py` and `page.py` define: the class of the panel, and the function that reads
    what is printed. `topic` is what its facts are, for the words about a window without any.
    """

    id: str
    label: str
    panel: str
    page: str
    topic: Topic = "any"

    @property
    def module(self) -> str:
        """The module of the panel."""
        return f"fedtop.views.{self.id}.panel"

    @property
    def styles(self) -> str:
        """Its style sheet, as a path below the package."""
        return f"views/{self.id}/panel.tcss"

    def load_panel(self) -> type[AnyPanel]:
        """The panel's class; imports its module."""
        found: type[AnyPanel] = getattr(import_module(self.module), self.panel)
        return found

    def load_page(self) -> PageOf:
        """What reads the page that is printed; imports its module."""
        found: PageOf = getattr(import_module(f"fedtop.views.{self.id}.page"), self.page)
        return found


TABS = (
    Tab("overview", "Overview", "OverviewPanel", "overview_page"),
    Tab("agents", "Agents", "AgentsPanel", "agents_page", "agent"),
    Tab("cascade", "Cascade", "CascadePanel", "cascade_page", "layer"),
    Tab("costs", "Costs", "CostsPanel", "costs_page", "spend"),
    Tab("tools", "Tools", "ToolsPanel", "tools_page", "tool"),
)
"""In the order of the header; the first nine have the keys 1 to 9."""


def tab_ids() -> tuple[str, ...]:
    """The ids of the tabs, in order."""
    return tuple(tab.id for tab in TABS)


def tab_named(tab_id: str) -> Tab:
    """The tab with this id. Raises KeyError where there is none."""
    for tab in TABS:
        if tab.id == tab_id:
            return tab
    raise KeyError(tab_id)
