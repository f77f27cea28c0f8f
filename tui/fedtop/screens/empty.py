"""What an empty store shows: three ways to get data in, to be copied as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from fedstore import default_store_path
from fedtop.sanitize import scrub

if TYPE_CHECKING:
    from pathlib import Path

    from textual.app import ComposeResult

__all__ = ["EmptyGuide", "snippets"]

PYTHON = """\
from fedstore import Recorder
recorder = Recorder({path})
with recorder.run(agent="kimi", task_type="implementation") as run:
    run.usage(model="kimi-k2", input_tokens=1200, output_tokens=300)"""
SHELL = "fedtop record --agent kimi --task implementation --success true --duration 12{option}"
IMPORT = """\
fedtop import ~/.claude/projects{option}
fedtop demo"""


def snippets(path: Path) -> tuple[tuple[str, str], ...]:
    """(title, what to run); a store that is not the default one is named in it."""
    import shlex

    usual = path == default_store_path()
    option = "" if usual else f" --store {shlex.quote(str(path))}"
    named = "" if usual else repr(str(path))
    return (
        ("From Python", PYTHON.format(path=named)),
        ("From a shell", SHELL.format(option=option)),
        ("From files (transcripts, routing logs, metrics.json), or a simulation", IMPORT.format(option=option)),
    )


class EmptyGuide(VerticalScroll):
    """Shown instead of every tab while the store holds no fact."""

    def __init__(self, path: Path, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._path = path
        self._refused = Static("", classes="guide-refused", markup=False)
        self._refused.display = False

    def set_refused(self, words: str) -> None:
        """Says what was refused, where something was: then the store is not as empty as it looks."""
        self._refused.update(Text(words))
        self._refused.display = bool(words)

    def compose(self) -> ComposeResult:
        """A heading and the three snippets."""
        yield Static("Nothing recorded yet. This fills as soon as something is:", classes="guide-lead", markup=False)
        yield self._refused
        for title, snippet in snippets(self._path.absolute()):
            block = Static(
                Text("\n".join(scrub(line) for line in snippet.split("\n"))), classes="guide-code", markup=False
            )
            block.border_title = Text(title)
            yield block
