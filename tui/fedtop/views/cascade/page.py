"""The cascade, printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.plain.page import Page

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Reader, Window
    from fedtop.plain.look import Look
    from fedtop.plain.page import Alarms

__all__ = ["cascade_page"]


def cascade_page(reader: Reader, window: Window, alarms: Alarms) -> Page:
    """The layers, their targets, the newest decisions; and the alarms about applied thresholds."""
    view = reader.cascade(window)
    standing = [alarm.line for alarm in alarms() if alarm.kind == "tune"] if view.routes else []

    def draw(look: Look, notice: str | None) -> RenderableType:
        from fedtop.views.cascade.printed import cascade

        return cascade(view, look, notice, standing)

    return Page(view, bool(view.routes), draw, more={"alarms": standing})
