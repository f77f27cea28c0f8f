"""What an empty store shows: three ways to get data in, to be copied as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["EmptyGuide"]

PYTHON = """\
from fedstore import Recorder

recorder = Recorder()
with recorder.run(agent="kimi", task_type="implementation") as run:
    run.usage(model="kimi-k2", input_tokens=1200, output_tokens=300)"""
SHELL = "fedtop record --agent kimi --task implementation --success true --duration 12"
IMPORT = """\
fedtop import ~/.claude/projects    # transcripts, routing logs, metrics.json: found out by itself
fedtop demo                         # or watch a simulated federation first"""


class EmptyGuide(VerticalScroll):
    """Shown instead of every tab while the store holds no fact."""

    can_focus = False

    def compose(self) -> ComposeResult:
        """A heading and the three snippets."""
        yield Static("Nothing recorded yet. This fills as soon as something is:", classes="guide-lead", markup=False)
        for title, snippet in (("From Python", PYTHON), ("From a shell", SHELL), ("From files", IMPORT)):
            block = Static(Text(snippet), classes="guide-code", markup=False)
            block.border_title = Text(title)
            yield block
