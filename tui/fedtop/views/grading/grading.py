"""Telling the store whether a decision was right: the keys' common part, and the line to name an agent in.

A grade is a verdict event like any other; it is recorded through the store's own recorder, off the UI thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import SuggestFromList

from fedtop.format import clean
from fedtop.widgets.line_input import LineInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Store

__all__ = ["AgentInput", "Grade", "Graded", "grade_words", "record_grade"]


@dataclass(frozen=True, slots=True)
class Grade:
    """A judgement of one routing decision; a `correct_agent` other than the chosen one makes it wrong."""

    route_id: str
    correct: bool
    correct_agent: str | None = None

    @classmethod
    def naming(cls, route_id: str, chosen: str, right: str) -> Grade:
        """The grade that says which agent would have been right."""
        return cls(route_id, right == chosen, right)


@dataclass
class Graded(Message):
    """A grade was recorded, or (`failure`) why not."""

    grade: Grade
    failure: str = ""


def grade_words(grade: Grade) -> str:
    """`right`, `wrong`, `wrong, right would be kimi`."""
    if grade.correct:
        return "right"
    agent = clean(grade.correct_agent or "", 40)
    return f"wrong, right would be {agent}" if agent else "wrong"


def record_grade(source: Store, grade: Grade) -> str:
    """Records it; empty, or one line on why it could not be."""
    recorder = source.recorder(source="fedtop")
    try:
        receipt = recorder.outcome(grade.route_id, correct=grade.correct, correct_agent=grade.correct_agent)
    finally:
        recorder.close()
    if recorder.lost:
        return "the store could not be written"
    return f"not recorded: {clean(str(receipt.rejected[0]), 160)}" if receipt.rejected else ""


class AgentInput(LineInput):
    """A line to type an agent's name in; → takes the suggestion, Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="grading.leave", tooltip="Name no agent"),
    ]

    DEFAULT_CSS = """
    AgentInput {
        display: none;
        height: 1;
        border: none;
        padding: 0 1;
        background: $surface;
    }
    AgentInput:focus {
        border: none;
    }
    AgentInput.-open {
        display: block;
    }
    """

    class Named(Message):
        """An agent's name was entered."""

        def __init__(self, agent: str) -> None:
            super().__init__()
            self.agent = agent

    def __init__(self) -> None:
        super().__init__(placeholder="the agent that would have been right, Enter to record", id="agent-name")

    def open(self, agents: Sequence[str]) -> None:
        """Takes the keyboard; `agents` are suggested."""
        self.value = ""
        self.suggest(agents)
        self.add_class("-open")
        self.screen.set_focus(self)  # at once: the next letter is the name's, and must not be taken for a grade

    def suggest(self, agents: Sequence[str]) -> None:
        """Completes what is typed to one of these."""
        self.suggester = SuggestFromList(agents, case_sensitive=False)

    def close(self) -> None:
        """Goes away; the panel takes the keyboard back."""
        self.remove_class("-open")

    def action_leave(self) -> None:
        """Names no agent."""
        self.close()
        self.post_message(self.Named(""))

    def on_input_submitted(self, event: LineInput.Submitted) -> None:
        """Tells the name."""
        event.stop()
        self.close()
        self.post_message(self.Named(event.value.strip()))
