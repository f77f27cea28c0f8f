"""Why one routing decision went where it went: its ladder, the policy then and now, and keys to grade it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType

from fedtop.format import clean
from fedtop.views.grading.grading import AgentInput, Grade, Graded, grade_words, record_grade
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.views.why.columns import LADDER, not_reached
from fedtop.views.why.parts import decision_lines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import WhyView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["WhyPanel"]


class WhyPanel(Panel["WhyView | None"], can_focus=True):
    """See the module. `route_id` is the decision's."""

    panel_id = "why"
    heeds = "nothing"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"grade", "name_agent"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "grade(True)", "right", id="why.right", tooltip="Grade this decision as right"),
        Binding("n", "grade(False)", "wrong", id="why.wrong", tooltip="Grade this decision as wrong"),
        Binding("c", "name_agent", "correct agent", id="why.agent", tooltip="Name the agent that was right"),
    ]

    def __init__(self, route_id: str) -> None:
        super().__init__(route_id=route_id)
        self.route_id = route_id
        self.title = f"why {clean(route_id, 40)}"
        self._view: WhyView | None = None

    def compose(self) -> ComposeResult:
        """The decision, its ladder, the line for an agent's name."""
        yield TextLines(id="why-decision")
        ladder = LiveTable(LADDER, empty="no attempts recorded", show_cursor=False, id="why-ladder")
        ladder.can_focus = False
        yield Section("the layers it went through", ladder, id="why-layers")
        yield AgentInput()

    def read(self, reader: Reader, window: Window, args: Args) -> WhyView | None:  # noqa: ARG002
        """The decision with its attempts, and the layers it never came to."""
        found = reader.why(args["route_id"])
        if found is None:
            return None
        return replace(found, steps=(*found.steps, *not_reached(found, reader.layers_seen())))

    def show(self, data: WhyView | None, view: ViewState) -> None:  # noqa: ARG002
        """Its ladder; or that it is gone."""
        self._view = data
        self.set_class(data is None, "-gone")
        lines = self.query_one("#why-decision", TextLines)
        if data is None:
            lines.set_lines([Text("This decision is not in the store (any more).", "bold")])
        else:
            lines.set_lines(decision_lines(data, self.tz, self.host.now()))
        self.query_one("#why-ladder", LiveTable).set_rows(LADDER.rows(data.steps if data else (), self.locale()))
        self.refresh_bindings()

    def take_focus(self) -> None:
        """The panel itself has the keys, unless an agent is being named."""
        if not self.query_one(AgentInput).has_focus:
            self.focus(scroll_visible=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a decision that is there can be graded."""
        if action in self.MUTATING and self._view is None:
            return False
        return super().check_action(action, parameters)

    # Grading

    def action_grade(self, correct: bool) -> None:
        """Records that the decision was right or wrong."""
        self._record(Grade(self.route_id, correct))

    def action_name_agent(self) -> None:
        """Opens the line to name the right agent in."""
        steps = self._view.steps if self._view is not None else ()
        self.query_one(AgentInput).open(sorted({step.agent for step in steps if step.agent}))

    @on(AgentInput.Named)
    def _agent_named(self, event: AgentInput.Named) -> None:
        event.stop()
        self.focus(scroll_visible=False)
        if event.agent and self._view is not None:
            self._record(Grade.naming(self.route_id, self._view.decision.agent, event.agent))

    @work(thread=True, group="grade")
    def _record(self, grade: Grade) -> None:
        self.post_message(Graded(grade, record_grade(self.host.source, grade)))

    @on(Graded)
    def _graded(self, event: Graded) -> None:
        event.stop()
        if event.failure:
            self.app.notify(event.failure, severity="error", markup=False)
        else:
            self.app.notify(f"Graded {grade_words(event.grade)}", timeout=2, markup=False)
            self.host.demand()
