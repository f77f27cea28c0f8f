"""The agents, printed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedtop.plain.page import Page, did_something

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Reader, Window
    from fedtop.plain.look import Look
    from fedtop.plain.page import Alarms

__all__ = ["agents_page"]


def agents_page(reader: Reader, window: Window, alarms: Alarms) -> Page:  # noqa: ARG001
    """A row per agent, and how each does at each type of task."""
    view, boosts = reader.agents(window), reader.policy().boosts

    def draw(look: Look, notice: str | None) -> RenderableType:
        from fedtop.views.agents.printed import agents

        return agents(view, look, notice, boosts=boosts)

    return Page(view, did_something(*view.rows), draw, more={"boosts": boosts})
