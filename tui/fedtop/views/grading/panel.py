"""The grading queue: the ungraded decisions that settle most, one key each, and how the interval narrows.

A sitting reads the decisions of the window once; its grades are verdict events like any other. The queue's own
calls run on worker threads, one at a time; the table moves on at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from fedtop.format import clean, count
from fedtop.views.grading.columns import PROGRESS, QUEUE, progress_lines
from fedtop.views.grading.grading import AgentInput
from fedtop.views.grading.parts import item_lines, progress_parts
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

    from fedstore import Graded, GradeItem, GradeProgress, GradingQueue, Reader, Store, Window
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

__all__ = ["GradingPanel"]

_SHOWN = 40
_KEYS = "y right, n wrong, c another agent, x skip"


def open_queue(source: Store, window: Window) -> GradingQueue:
    """A sitting over the store behind the pane. Raises StoreError."""
    from fedstore import GradingQueue

    return GradingQueue(source, window)


@dataclass
class Sitting(Message):
    """What the queue says after it was opened (`opened`) or after a grade; or why it could not."""

    serial: int
    items: tuple[GradeItem, ...]
    progress: GradeProgress | None
    opened: bool = False
    failure: str = ""
    route_id: str = ""


class QueueTable(LiveTable):
    """The open decisions; the keys of a grade stand before those of a table."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "grade('right')", "right", id="grading.right", tooltip="The decision was right"),
        Binding("n", "grade('wrong')", "wrong", id="grading.wrong", tooltip="The decision was wrong"),
        Binding("c", "name_agent", "agent", id="grading.agent", tooltip="Name the agent that was right"),
        Binding("x", "grade('skip')", "skip", id="grading.skip", tooltip="Leave this one out"),
    ]
    WAITS = True

    @property
    def _panel(self) -> GradingPanel | None:
        return next((node for node in self.ancestors if isinstance(node, GradingPanel)), None)

    def action_grade(self, said: Graded) -> None:
        """Grades the decision under the cursor."""
        panel = self._panel
        if panel is not None and self.cursor_key is not None:
            panel.grade(self.cursor_key, said)

    def action_name_agent(self) -> None:
        """Asks for the right agent's name."""
        panel = self._panel
        if panel is not None:
            panel.name_agent(self.cursor_key)


class GradingPanel(Panel["Window"]):
    """See the module."""

    panel_id = "grading"
    topic = "layer"
    title = "grading queue"

    def __init__(self) -> None:
        super().__init__()
        self._serial = 0
        self._sitting: tuple[str, int | None] | None = None
        self._window: Window | None = None
        self._queue: GradingQueue | None = None
        self._one_at_a_time = threading.Lock()
        self._items: dict[str, GradeItem] = {}
        self._done: set[str] = set()
        self._start: GradeProgress | None = None
        self._naming = ""

    def compose(self) -> ComposeResult:
        """Progress, the decision under the cursor, the queue, the line for a name."""
        yield TextLines(id="grading-progress")
        figures = LiveTable(PROGRESS, empty="", show_cursor=False, id="grading-intervals", classes="-unfiltered")
        figures.can_focus = False
        yield Section("what the grades say", figures, id="grading-narrowing")
        yield Section("this decision", TextLines(id="grading-item"), id="grading-this")
        table = QueueTable(QUEUE, empty="reading the decisions of this window", id="grading-queue")
        yield Section("nearest to a threshold first", table, id="grading-open")
        yield AgentInput()

    def read(self, reader: Reader, window: Window, args: Args) -> Window:  # noqa: ARG002
        """The window alone: a sitting keeps the decisions it began with."""
        return window

    def show(self, data: Window, view: ViewState) -> None:
        """Opens a sitting for another window."""
        key = (view.window, view.pinned_ms)
        if key != self._sitting:
            self._sitting, self._window, self._start = key, data, None
            self._serial += 1
            self._open(self._serial, data)

    # The queue, on worker threads

    @work(thread=True, group="grading")
    def _open(self, serial: int, window: Window) -> None:
        def first() -> Sitting:
            queue = open_queue(self.host.source, window)
            self._queue = queue
            return Sitting(serial, queue.next(_SHOWN), queue.progress(), opened=True)

        self._tell(serial, "", first)

    @work(thread=True, group="grading")
    def _grade(self, serial: int, route_id: str, said: Graded, agent: str | None) -> None:
        def after() -> Sitting:
            queue = self._queue
            if queue is None or serial != self._serial:
                return Sitting(-1, (), None)
            progress = queue.grade(route_id, said, agent)
            return Sitting(serial, queue.next(_SHOWN), progress)

        self._tell(serial, route_id, after)

    def _tell(self, serial: int, route_id: str, call: Callable[[], Sitting]) -> None:
        with self._one_at_a_time:
            try:
                message = call()
            except Exception as error:  # noqa: BLE001 - what fails is told on the screen, never a dead pane
                words = clean(error, 160) or type(error).__name__
                message = Sitting(serial, (), None, failure=words, route_id=route_id)
        self.post_message(message)

    @on(Sitting)
    def _take(self, event: Sitting) -> None:
        event.stop()
        if event.serial != self._serial:
            return
        if event.failure or event.progress is None:
            self._fail(event)
            return
        if event.opened:
            self._start, self._done = event.progress, set()
        self._items = {item.route_id: item for item in event.items}
        self._show_items("nothing left to grade" if event.progress.decisions else "no routing decisions")
        self._show_progress(event.progress)

    def _fail(self, event: Sitting) -> None:
        """Nothing was read, or the grade was not recorded: then the decision is open again."""
        if self._start is None:
            table = self.query_one(QueueTable)
            table.empty = event.failure
            table.refresh()
        else:
            self._done.discard(event.route_id)
            self._show_items("nothing left to grade")
        self.app.notify(event.failure, severity="error", markup=False)

    # What is shown

    def _show_items(self, nothing: str) -> None:
        table = self.query_one(QueueTable)
        table.empty = f"{nothing} in this window"
        open_items = [item for key, item in self._items.items() if key not in self._done]
        table.set_rows([] if self._window is None else QUEUE.rows(open_items, self.locale(self._window)))
        table.refresh()
        self._show_item(table.cursor_key)
        line = self.query_one(AgentInput)
        if not self._naming and line.has_focus and table.cursor_key is not None:
            self._naming = table.cursor_key
            line.suggest(self._proposals())

    def _show_item(self, key: str | None) -> None:
        item = self._items.get(key) if key is not None else None
        self.query_one("#grading-item", TextLines).set_lines(item_lines(item))

    def _show_progress(self, now: GradeProgress) -> None:
        start = self._start or now
        self.query_one("#grading-progress", TextLines).set_lines([progress_parts(now)])
        intervals = PROGRESS.rows(progress_lines(start, now), self.locale())
        self.query_one("#grading-intervals", LiveTable).set_rows(intervals)
        graded = now.graded - start.graded
        self.query_one("#grading-narrowing", Section).set_note(f"{count(graded)} in this sitting")
        self.query_one("#grading-this", Section).set_note(_KEYS)

    @on(LiveTable.Highlighted, "#grading-queue")
    def _highlighted(self, event: LiveTable.Highlighted) -> None:
        event.stop()
        self._show_item(event.key)

    @on(LiveTable.Selected, "#grading-queue")
    def _open_why(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"why:{event.key}")

    # Grading

    def grade(self, route_id: str, said: Graded, agent: str | None = None) -> None:
        """Takes the decision off the table at once, and records what was said."""
        self._done.add(route_id)
        self._show_items("nothing left to grade")
        self._grade(self._serial, route_id, said, agent)

    def name_agent(self, route_id: str | None) -> None:
        """Opens the line to name the right agent in; the proposed ones are suggested.

        While the decisions are still being read (None) it opens too: the name may be typed ahead, and its letters must
        not be taken for grades. It is that of the first decision then.
        """
        self._naming = route_id or ""
        self.query_one(AgentInput).open(self._proposals())

    def _proposals(self) -> tuple[str, ...]:
        item = self._items.get(self._naming)
        return item.proposals if item is not None else ()

    @on(AgentInput.Named)
    def _named(self, event: AgentInput.Named) -> None:
        event.stop()
        self.query_one(QueueTable).focus(scroll_visible=False)
        if event.agent and self._naming:
            self.grade(self._naming, "agent", event.agent)
        elif event.agent:
            self.app.notify("Nothing was graded: no decision was there yet", severity="warning", markup=False)
