"""The overview, printed once: the federation's summary, and its routing cascade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.plain.page import Page, did_something

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Reader, Window
    from fedtop.plain.look import Look
    from fedtop.plain.page import Alarms

__all__ = ["overview_page"]


def overview_page(reader: Reader, window: Window, alarms: Alarms) -> Page:
    """Summary, cascade, and what needs attention; the alarms about applied changes are part of that."""
    from fedstore import with_alarms

    overview = with_alarms(reader.overview(window), alarms())
    cascade = reader.cascade(window)

    def draw(look: Look, notice: str | None) -> RenderableType:
        from fedtop.views.overview.printed import dashboard

        return dashboard(overview, cascade, look, look.now_ms, notice)

    found = did_something(*overview.agents) or bool(cascade.routes)
    return Page({"overview": overview, "cascade": cascade}, found, draw)
