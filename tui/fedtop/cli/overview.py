"""The commands dashboard, agent and task-type."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from fedtop.about import ANYTHING
from fedtop.cli.common import get_settings, open_store, open_view, window_of
from fedtop.cli.names import known_argument, need_known
from fedtop.cli.notice import notice_for
from fedtop.cli.options import FiniteRange, View, view_options
from fedtop.cli.output import emit, plain_fields
from fedtop.cli.printing import print_page, print_tab, read_tab
from fedtop.plain.page import did_something

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedtop.plain.look import Look

__all__ = ["agent", "dashboard", "task_type"]


@click.command()
@click.option("--live", is_flag=True, help="Again and again until Ctrl-C; with --json a document a line.")
@click.option("-i", "--interval", type=FiniteRange(0.2, 3600), default=5.0, show_default=True, metavar="SECONDS",
              help="How often, with --live.")  # fmt: skip
@view_options
def dashboard(view: View, *, live: bool, interval: float) -> None:
    """The federation at a glance: tasks, agents, task types, cascade, costs."""
    if not live:
        print_tab(view, "overview")
        return
    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        reader = store.reader()
        try:
            while True:
                window = window_of(reader, settings.window, view.at, ANYTHING)
                page = read_tab(view, "overview", reader, window)
                print_page(view, page, notice_for(reader, window, ANYTHING), live=True)
                time.sleep(interval)
        except KeyboardInterrupt:
            return


@click.command()
@known_argument("agent")
@view_options
def agent(view: View, *, name: str) -> None:
    """One agent NAME: totals, task types, tools, models, peers, newest runs."""
    with open_view(view, "agent", name) as (reader, window, notice):
        found = reader.agent(name, window)
        if found.row is None:
            need_known(reader, "agent", name)
        notice = notice.unless(found.row and did_something(found.row))
        boosts = reader.policy().boosts

        def draw(look: Look) -> RenderableType:
            from fedtop.views.agent.printed import agent as agent_page
            from fedtop.views.agents.columns import Boosts

            return agent_page(found, name, Boosts.of_policy(boosts), look, notice.text(look))

        own = boosts.get(name, {})
        effective = {cell.task_type: own.get(cell.task_type, own.get("", 0.0)) for cell in found.task_types}
        more = {"routing_boost": own.get(""), "boosts": own, "boosts_by_task_type": effective}
        emit(view, {"notice": notice.code, "agent": name, **more, **plain_fields(found)}, draw)


@click.command(name="task-type")
@known_argument("task_type", metavar="TYPE")
@view_options
def task_type(view: View, *, name: str) -> None:
    """All agents on one task TYPE, best first, and what can be claimed about each."""
    with open_view(view, "task_type", name) as (reader, window, notice):
        rows = reader.task_type(name, window)
        if not rows:
            need_known(reader, "task_type", name)
        notice = notice.unless(rows)
        boosts = reader.policy().boosts

        def draw(look: Look) -> RenderableType:
            from fedtop.views.agents.columns import Boosts
            from fedtop.views.task_type.printed import task_type as page

            return page(name, rows, Boosts.of_policy(boosts), window, look, notice.text(look))

        from fedtop.views.agents.columns import recommendation

        on_it = {agent: kinds[name] for agent, kinds in boosts.items() if name in kinds}
        agents = [{**plain_fields(row), "recommendation": recommendation(row)} for row in rows]
        found = {"notice": notice.code, "task_type": name, "window": window, "agents": agents, "boosts": on_it}
        emit(view, found, draw)
