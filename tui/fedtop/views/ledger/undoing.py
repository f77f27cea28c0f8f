"""Taking a change back, from wherever it is asked: look what that would set, ask, do it, say what happened."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from fedstore import FedstoreError
from fedtop import loop
from fedtop.format import clean
from fedtop.views.panel import Host
from fedtop.views.plan.items import item_lines
from fedtop.views.question import Question

if TYPE_CHECKING:
    from textual.worker import WorkType

    from fedtop.glyphs import Glyphs
    from fedtop.loop import Undoing
    from fedtop.views.panel import AnyPanel

__all__ = ["take_back", "taken_back", "undo_question"]


def undo_question(found: Undoing, glyphs: Glyphs) -> Question:
    """What taking this change back restores, item by item."""
    change, plan = found.change, found.plan
    lines = item_lines(plan.items, glyphs) or [Text("nothing differs any more", "$dim")]
    who = f" by {clean(change.who, 40)}" if change.who else ""
    after = f"policy version {plan.policy_version} becomes {plan.policy_version + 1}"
    head = Text(f"{change.kind}{who}, plan {clean(change.plan_id, 40)}; this restores:", "$dim")
    return Question(f"Take back change #{change.id}?", (head, *lines, Text(after, "$dim")), "Take it back")


def take_back(node: Host | AnyPanel, change_id: int | None = None) -> None:
    """Takes a change (None: the newest that stands) back after a question, as a worker of a view or of the App."""
    app = node if isinstance(node, Host) else node.host
    # Not the coroutine: one that never starts is warned of.
    work: WorkType[bool] = partial(taken_back, app, change_id)
    node.run_worker(work, group="undo", exclusive=True)


async def taken_back(app: Host, change_id: int | None = None) -> bool:
    """Asks, and takes the change back; True when it was."""
    try:
        found = await asyncio.to_thread(loop.undoing, app.source, change_id)
        if not await app.confirmed(undo_question(found, app.glyphs)):
            return False
        undone = await asyncio.to_thread(loop.undo, app.source, found.change.id)
    except FedstoreError as error:
        app.notify(clean(str(error), 300), severity="error", markup=False)
        return False
    app.notify(f"Took back change #{undone.undoes}: policy version {undone.new_version} is in force", markup=False)
    for warning in undone.warnings:
        app.notify(clean(warning, 300), severity="warning", markup=False)
    app.demand()
    return True
