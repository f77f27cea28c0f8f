"""The commands costs and tools."""

from __future__ import annotations

from typing import Any

import click

from fedtop.cli.common import View, open_view, view_options
from fedtop.cli.output import emit, notice_for, plain_value

__all__ = ["costs", "tools"]

DIMENSIONS = ("model", "agent", "project", "task-type", "operation")


@click.command()
@click.option("--by", "dimension", type=click.Choice(DIMENSIONS), default="model", show_default=True,
              help="What the rows are.")  # fmt: skip
@view_options
def costs(view: View, *, dimension: str) -> None:
    """Spend in the window, today, this month and where the month is going."""
    with open_view(view) as (reader, window):
        found = reader.costs(window, dimension.replace("-", "_"))
        notice = notice_for(reader.newest_ms(), window)

        def draw(look: Any) -> Any:
            from fedtop.plain.spending import costs as page

            return page(found, look, notice.text(look))

        emit(view, {"notice": notice.code, **plain_value(found)}, draw)


@click.command()
@click.argument("name", required=False)
@view_options
def tools(view: View, *, name: str | None) -> None:
    """Confidence in every tool over the rolling 30 days, or (with NAME) one tool."""
    with open_view(view) as (reader, window):
        found: Any = reader.tools(window) if name is None else reader.tool(name, window)
        notice = notice_for(reader.newest_ms(), found.window)

        def draw(look: Any) -> Any:
            from fedtop.plain import spending

            if name is None:
                return spending.tools(found, look, notice.text(look))
            return spending.tool(found, name, look, notice.text(look))

        emit(view, {"notice": notice.code, **plain_value(found)}, draw)
