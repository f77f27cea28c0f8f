"""The command grade: say whether a routing decision was right, or list those worth looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.about import About
from fedtop.cli.common import get_settings, open_store, window_of
from fedtop.cli.main import Failure
from fedtop.cli.names import whole_id
from fedtop.cli.notice import notice_for
from fedtop.cli.options import SET_WINDOW, Function, View, limit_option, readonly_option, taking_view, window_options
from fedtop.cli.output import emit, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Store
    from fedtop.plain.look import Look

__all__ = ["grade"]

SOURCE = "label"
DECISIONS = About("layer")


def grade_options(command: Function) -> Function:
    """The options of a view that can also write."""
    return taking_view(command, window_options(SET_WINDOW), readonly_option("Refuse to change anything."))


@click.command()
@click.argument("route_id", required=False, metavar="[ROUTE")
@click.argument("verdict", required=False, metavar="right|wrong|AGENT]")
@limit_option(20, 1000)
@grade_options
def grade(view: View, *, route_id: str | None, verdict: str | None, limit: int) -> None:
    """Say that decision ROUTE was right, was wrong, or should have gone to AGENT.

    Without arguments: the decisions that are not graded and would tell most, nearest to a threshold first.
    """
    if route_id is None:
        _queue(view, limit)
        return
    if verdict is None:
        raise click.UsageError("say right, wrong, or the agent that should have got it")
    settings = get_settings(view)
    with open_store(settings, create=False) as store:
        route_id = whole_id(store.reader(), "route", route_id)
        correct = _grade(store, route_id, verdict)
    if view.as_json:
        print_json({"route_id": route_id, "correct": correct})
    else:
        click.echo(f"Graded: {route_id} {'right' if correct else 'wrong'}")


def _grade(store: Store, route_id: str, verdict: str) -> bool:
    """Record the verdict; whether it says right. Raises Failure when it is refused."""
    found = store.reader().why(route_id)
    assert found is not None
    agent = None if verdict in ("right", "wrong") else verdict
    correct = verdict == "right" if agent is None else agent == found.decision.agent
    event: dict[str, object] = {"kind": "verdict", "subject": "route", "subject_id": route_id, "correct": correct}
    if agent is not None or correct:
        event["correct_agent"] = agent or found.decision.agent
    receipt = store.writer(source=SOURCE).write([event])
    if receipt.rejected:
        raise Failure(f"not graded: {receipt.rejected[0][1]}")
    return correct


def _queue(view: View, limit: int) -> None:
    from fedstore import GradingQueue

    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        reader = store.reader()
        window = window_of(reader, settings.window, view.at, DECISIONS)
        queue = GradingQueue(store, window)
        items, progress = queue.next(limit), queue.progress()
        notice = notice_for(reader, window, DECISIONS).unless(progress.decisions)

    def draw(look: Look) -> RenderableType:
        from fedtop.views.grading.printed import queue as page

        return page(items, progress, window, look, notice.text(look))

    emit(view, {"notice": notice.code, "window": window, "progress": progress, "queue": items}, draw)
