"""The command grade: say whether a run or a routing decision was right, or list the decisions worth looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fedtop.about import About
from fedtop.cli.common import get_settings, open_store, window_of
from fedtop.cli.names import judged_id
from fedtop.cli.notice import notice_for
from fedtop.cli.options import SET_WINDOW, Function, View, limit_option, readonly_option, taking_view, window_options
from fedtop.cli.output import emit, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import GivenGrade, Store
    from fedtop.plain.look import Look

__all__ = ["grade"]

DECISIONS = About("layer")


def grade_options(command: Function) -> Function:
    """The options of a view that can also write."""
    return taking_view(command, window_options(SET_WINDOW), readonly_option("Refuse to change anything."))


@click.command()
@click.argument("subject_id", required=False, metavar="[RUN|ROUTE|last")
@click.argument("verdict", required=False, metavar="right|rework|wrong|clear|AGENT]")
@limit_option(20, 1000)
@grade_options
def grade(view: View, *, subject_id: str | None, verdict: str | None, limit: int) -> None:
    """Say that a run was right, has to be done again (rework) or was wrong; that a routing decision was right, wrong,
    or should have gone to AGENT; or take that back (clear). `last` is the run that ended last.

    Without arguments: the decisions that are not graded and would tell most, nearest to a threshold first.
    """
    if subject_id is None:
        _queue(view, limit)
        return
    if verdict is None:
        raise click.UsageError("say right, rework, wrong, clear, or the agent that should have got it")
    with open_store(get_settings(view), create=False) as store:
        given = _grade(store, subject_id, verdict)
    said = given.grade
    if view.as_json:
        correct = None if said.said == "clear" else said.said == "right"
        told = {f"{said.kind}_id": said.id, "said": said.said, "agent": said.agent or None, "was": given.was or None}
        print_json(told if said.kind == "run" else {**told, "correct": correct})
    else:
        was = f" (was {given.was})" if given.was else ""
        click.echo(f"Graded: {said.id} {said.words}{was}")


def _grade(store: Store, subject_id: str, verdict: str) -> GivenGrade:
    """Record what was said. Raises Failure or FedstoreError when it is refused."""
    from fedstore import Grade, Grades

    return Grades(store).give(Grade.of(*judged_id(store.reader(), subject_id), verdict))


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
