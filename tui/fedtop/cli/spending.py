"""The commands costs and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedstore.queries.models import COST_DIMENSIONS
from fedtop.cli.common import open_view
from fedtop.cli.names import known_argument, need_known
from fedtop.cli.options import View, view_options
from fedtop.cli.output import emit, plain_fields
from fedtop.cli.printing import alarms_for, print_page, print_tab
from fedtop.tabs import tab_named

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedtop.plain.look import Look

__all__ = ["costs", "tools"]

DIMENSIONS = tuple(name.replace("_", "-") for name in COST_DIMENSIONS)


@click.command()
@click.option("--by", "dimension", type=click.Choice(DIMENSIONS), default="model", show_default=True,
              help="What the rows are.")  # fmt: skip
@view_options
def costs(view: View, *, dimension: str) -> None:
    """Spend in the window, today, this month and where the month is going."""
    from fedtop.views.costs.page import costs_page

    with open_view(view, tab_named("costs").topic) as (reader, window, notice):
        page = costs_page(reader, window, alarms_for(view), dimension.replace("-", "_"))
        print_page(view, page, notice)


@click.command()
@known_argument("tool", required=False)
@view_options
def tools(view: View, *, name: str | None) -> None:
    """Confidence in every tool over the rolling 30 days, or (with NAME) one tool."""
    if name is None:
        print_tab(view, "tools")
        return
    with open_view(view, tab_named("tools").topic, name) as (reader, window, notice):
        found = reader.tool(name, window)
        if found.row is None:
            need_known(reader, "tool", name)
        notice = notice.unless(found.row)

        def draw(look: Look) -> RenderableType:
            from fedtop.views.tools.printed import tool as page

            return page(found, name, look, notice.text(look))

        emit(view, {"notice": notice.code, "tool": name, **plain_fields(found)}, draw)
