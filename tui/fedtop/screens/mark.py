"""The line in which a run or a decision is graded, after `m`: what it is, and a key for each thing to say.

It stays for one grade; over a view that is there to grade one after the other, until Esc.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList

from fedstore import FedstoreError
from fedtop.marking import Described, Marking, describe
from fedtop.screens.footer import KeyFooter
from fedtop.views.line import Line
from fedtop.widgets.line_input import LineInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult
    from textual.worker import WorkType

    from fedtop.views.panel import AnyPanel
    from fedtop.views.subject import Subject

__all__ = ["AgentInput", "MarkScreen"]


class AgentInput(LineInput):
    """A line to type an agent's name in; → takes the suggestion, Esc leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="mark.leave_name", tooltip="Name no agent"),
    ]

    class Named(Message):
        """An agent's name was entered; empty for none."""

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

    def _leave(self, agent: str) -> None:
        self.remove_class("-open")
        self.screen.set_focus(None)
        self.post_message(self.Named(agent))

    def action_leave(self) -> None:
        """Names no agent."""
        self._leave("")

    def on_input_submitted(self, event: LineInput.Submitted) -> None:
        """Tells the name."""
        event.stop()
        self._leave(event.value.strip())


class MarkScreen(ModalScreen[None]):
    """See the module. `panel` says what is graded, and gets to know that it was."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "say('right')", "right", id="mark.right", tooltip="It was right"),
        Binding("k", "say('rework')", "rework", id="mark.rework", tooltip="It has to be done again"),
        Binding("w", "say('wrong')", "wrong", id="mark.wrong", tooltip="It was wrong"),
        Binding("a", "name", "another agent", id="mark.agent", tooltip="Name the agent that was right"),
        Binding("c", "say('clear')", "clear", id="mark.clear", tooltip="Take your verdict on it back"),
        Binding("x", "skip", "skip", id="mark.skip", tooltip="Leave it out"),
        Binding("u", "undo", "undo", id="mark.undo", tooltip="Take back the last grade"),
        Binding("down", "move(1)", "down", id="mark.down", show=False, tooltip="The next row"),
        Binding("up", "move(-1)", "up", id="mark.up", show=False, tooltip="The row before"),
        Binding("escape,q,m", "leave", "done", id="mark.leave", key_display="Esc", tooltip="Back to the view"),
    ]

    def __init__(self, panel: AnyPanel, marking: Marking) -> None:
        super().__init__()
        self._panel = panel
        self._marking = marking
        self._said = marking.latest
        self._subject: Subject | None = None
        self._described = Described("")

    def compose(self) -> ComposeResult:
        """What was said last, what is graded, perhaps the name of an agent, and below it the keys."""
        with Vertical(id="mark"):
            yield Line(id="mark-said")
            yield Line(id="mark-line")
            yield AgentInput()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Says what is graded."""
        self.look_again()

    @property
    def _under_cursor(self) -> Subject | None:
        return self._panel.subject() if self._panel.is_mounted else None

    def look_again(self) -> None:
        """Follows what is under the cursor now; leaves where there is nothing any more."""
        subject = self._under_cursor
        if subject is None:
            if self.is_current:
                self.dismiss()
            return
        if subject != self._subject:
            self._subject, self._described = subject, Described(subject.words)
        self._show()
        work: WorkType[None] = partial(self._describe, subject)
        self.run_worker(work, group="describe", exclusive=True)
        self.refresh_bindings()

    def _show(self) -> None:
        latest = self._marking.latest
        said, latest = self.query_one("#mark-said", Line), self._marking.latest
        said.display = latest != self._said
        said.set_text(Text(latest, "$dim"))
        self.query_one("#mark-line", Line).set_text(Text.assemble(("grade ", "bold $accent"), self._described.words))

    async def _describe(self, subject: Subject) -> None:
        try:
            found = await asyncio.to_thread(describe, self._panel.host.source, subject)
        except FedstoreError:
            return  # what cannot be read is told by the frame
        if subject == self._subject and self.is_mounted:
            self._described = found
            self.query_one(AgentInput).suggest(found.agents)
            self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rework is said of runs, another agent is named for decisions; one alone cannot be left out."""
        kind = None if self._subject is None else self._subject.kind
        if parameters == ("rework",):
            return kind == "run"
        if action == "name":
            return kind == "route"
        if action == "skip":
            return self._panel.MARKS_MANY
        if action == "undo":
            return self._marking.can_undo
        return True

    # What is said

    def action_say(self, said: str) -> None:
        """Records a grade, and goes on or leaves."""
        self._give(said)

    def action_name(self) -> None:
        """Opens the line to name the right agent in."""
        self.query_one(AgentInput).open(self._described.agents)

    @on(AgentInput.Named)
    def _named(self, event: AgentInput.Named) -> None:
        event.stop()
        if event.agent:
            self._give("agent", event.agent)

    def _give(self, said: str, agent: str = "") -> None:
        from fedstore import Grade

        subject = self._under_cursor
        if subject is not None:
            about = subject.kind, subject.id
            grade = Grade(*about, "agent", agent) if agent else Grade.of(*about, said)
            self._panel.grading(subject)
            self._marking.give(self._panel, grade, quietly=self._panel.MARKS_MANY)
        if self._panel.MARKS_MANY:
            self.look_again()
        else:
            self.dismiss()

    def action_skip(self) -> None:
        """Leaves it out of this sitting."""
        subject = self._under_cursor
        if subject is not None:
            self._marking.skip(self._panel, subject)
            self.look_again()

    def action_undo(self) -> None:
        """Takes the last grade back."""
        self._marking.undo(self._panel, quietly=True)

    def action_move(self, step: int) -> None:
        """Another row."""
        table = self._panel.current_table()
        if table is not None:
            table.action_move(step)
            self.look_again()

    def action_leave(self) -> None:
        """Back to the view."""
        self.dismiss()
