"""The command label: say whether a routing decision was right, or list those worth looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fedtop.about import About
from fedtop.cli.common import View, get_settings, open_store, view_options, window_of
from fedtop.cli.main import Failure
from fedtop.cli.output import emit, notice_for

if TYPE_CHECKING:
    from fedstore import Store
    from fedtop.plain.look import Look

__all__ = ["label"]

SOURCE = "label"
DECISIONS = About("layer")


@click.command()
@click.argument("route_id", required=False, metavar="[ROUTE")
@click.argument("verdict", required=False, metavar="right|wrong|AGENT]")
@click.option("-n", "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@view_options
def label(view: View, *, route_id: str | None, verdict: str | None, limit: int) -> None:
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
        _grade(store, route_id, verdict)


def _grade(store: Store, route_id: str, verdict: str) -> None:
    found = store.reader().why(route_id)
    if found is None:
        raise Failure(f"there is no routing decision {route_id!r} in this store: `fedtop label` lists the open ones")
    agent = None if verdict in ("right", "wrong") else verdict
    correct = verdict == "right" if agent is None else agent == found.decision.agent
    event: dict[str, Any] = {"kind": "verdict", "subject": "route", "subject_id": route_id, "correct": correct}
    if agent is not None or correct:
        event["correct_agent"] = agent or found.decision.agent
    receipt = store.writer(source=SOURCE).write([event])
    if receipt.rejected:
        raise Failure(f"not graded: {receipt.rejected[0][1]}")
    click.echo(f"Graded: {route_id} {'right' if correct else 'wrong'}")


def _queue(view: View, limit: int) -> None:
    from fedstore import LabellingQueue

    settings = get_settings(view)
    with open_store(settings, readonly=True) as store:
        reader = store.reader()
        window = window_of(reader, settings.window, view.at, DECISIONS)
        queue = LabellingQueue(store, window)
        items, progress = queue.next(limit), queue.progress()
        notice = notice_for(reader, window, DECISIONS)

    def draw(look: Look) -> Any:
        from fedtop.plain.labelling import queue as page

        return page(items, progress, window, look, notice.text(look))

    emit(view, {"notice": notice.code, "window": window, "progress": progress, "queue": items}, draw)
