"""What is done with a plan: put in force after a question that repeats it, or written to a file."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from fedtop import loop
from fedtop.screens.confirm import ConfirmScreen, Question
from fedtop.screens.plan_rows import apply_lines, caution

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import App

    from fedstore import Change, Plan
    from fedtop.glyphs import Glyphs
    from fedtop.options import Source

__all__ = ["apply_after_question", "apply_question", "write_plan"]


def apply_question(plan: Plan, follows: tuple[str, ...], glyphs: Glyphs) -> Question:
    """Everything that applying changes, and, where nothing certifies it, that it is not certified."""
    warning = caution(plan)
    verb = "Apply all the same" if warning else "Apply"
    return Question(f"Apply plan {plan.id}?", tuple(apply_lines(plan, follows, glyphs)), verb, warning)


async def apply_after_question(app: App[Any], source: Source, plan: Plan, glyphs: Glyphs) -> Change | None:
    """Applies exactly this plan once that is confirmed; None when it is not. Run as a worker.

    Raises PlanRefusedError with the guard that refused it.
    """
    follows = loop.followers(source, "optimize" if plan.kind == "optimize" else "tune")
    if not await app.push_screen_wait(ConfirmScreen(apply_question(plan, follows, glyphs))):
        return None
    return await asyncio.to_thread(loop.apply_plan, source, plan)


def write_plan(folder: Path, plan: Plan) -> Path:
    """The plan as JSON in a folder; returns the file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fedtop-plan-{plan.id}.json"
    text = json.dumps(plan.to_dict(), ensure_ascii=False, indent=2)
    path.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    return path.resolve()
