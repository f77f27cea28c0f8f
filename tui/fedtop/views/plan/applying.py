"""What is done with a plan: the question before it is put in force, and the file it is written to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fedtop.views.plan.sentences import apply_lines, caution
from fedtop.views.question import Question

if TYPE_CHECKING:
    from pathlib import Path

    from fedstore import Plan
    from fedtop.glyphs import Glyphs

__all__ = ["apply_question", "write_plan"]


def apply_question(plan: Plan, follows: tuple[str, ...], glyphs: Glyphs) -> Question:
    """Everything that applying changes, and, where nothing certifies it, that it is not certified."""
    warning = caution(plan)
    verb = "Apply all the same" if warning else "Apply"
    return Question(f"Apply plan {plan.id}?", tuple(apply_lines(plan, follows, glyphs)), verb, warning)


def write_plan(folder: Path, plan: Plan) -> Path:
    """The plan as JSON in a folder; returns the file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fedtop-plan-{plan.id}.json"
    text = json.dumps(plan.to_dict(), ensure_ascii=False, indent=2)
    path.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")
    return path.resolve()
