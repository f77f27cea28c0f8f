"""The commands runs and run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.cli.common import open_view
from fedtop.cli.names import need_known, whole_id
from fedtop.cli.options import View, fact_options, limit_option, view_options
from fedtop.cli.output import emit, plain_fields

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedtop.plain.look import Look

__all__ = ["run", "runs"]


@click.command()
@click.option("--agent", metavar="NAME", help="Of this agent only.")
@limit_option(30, 10_000)
@view_options
def runs(view: View, *, agent: str | None, limit: int) -> None:
    """The newest finished runs of the window."""
    with open_view(view, "agent", agent or "") as (reader, window, notice):
        rows = reader.runs(window, agent, limit)
        if agent is not None and not rows:
            need_known(reader, "agent", agent)
        notice = notice.unless(rows)

        def draw(look: Look) -> RenderableType:
            from fedtop.views.runs.printed import runs as page

            return page(rows, window, look, notice.text(look))

        emit(view, {"notice": notice.code, "window": window, "runs": rows}, draw)


@click.command()
@click.argument("run_id", metavar="ID")
@fact_options
def run(view: View, *, run_id: str) -> None:
    """One finished run; the beginning of its ID is enough where no other begins so."""
    with open_view(view) as (reader, _, _):
        row = reader.run(whole_id(reader, "run", run_id))
    assert row is not None

    def draw(look: Look) -> RenderableType:
        from fedtop.views.runs.printed import run as page

        return page(row, look)

    emit(view, plain_fields(row), draw)
