"""The costs, printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.plain.page import Page

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Reader, Window
    from fedtop.plain.look import Look
    from fedtop.plain.page import Alarms

__all__ = ["costs_page"]


def costs_page(reader: Reader, window: Window, alarms: Alarms, dimension: str = "model") -> Page:  # noqa: ARG001
    """Spend by one dimension: model, agent, project, task_type or operation."""
    view = reader.costs(window, dimension)

    def draw(look: Look, notice: str | None) -> RenderableType:
        from fedtop.views.costs.printed import costs

        return costs(view, look, notice)

    return Page(view, bool(view.rows), draw)
