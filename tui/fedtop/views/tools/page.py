"""The tools, printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.plain.page import Page

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Reader, Window
    from fedtop.plain.look import Look
    from fedtop.plain.page import Alarms

__all__ = ["tools_page"]


def tools_page(reader: Reader, window: Window, alarms: Alarms) -> Page:  # noqa: ARG001
    """How far each tool can be trusted, failure patterns and what to do about them."""
    view = reader.tools(window)

    def draw(look: Look, notice: str | None) -> RenderableType:
        from fedtop.views.tools.printed import tools

        return tools(view, look, notice)

    return Page(view, bool(view.rows), draw)
