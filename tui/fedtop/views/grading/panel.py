"""The grading queue: the ungraded decisions that settle most, and how the interval narrows with each grade.

A sitting reads the decisions of the window once; its grades are verdict events like any other. The queue's own
calls run on worker threads, one at a time; the table moves on at once.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on, work
from textual.message import Message

from fedtop.format import clean, count
from fedtop.views.grading.columns import ORDER, PROGRESS, QUEUE, progress_lines
from fedtop.views.grading.parts import UNTOLD, item_lines, progress_parts
from fedtop.views.line import Line
from fedtop.views.panel import Panel
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import ComposeResult

    from fedstore import GradeItem, GradeProgress, GradingQueue, Reader, Store, Window
    from fedtop.state import ViewState
    from fedtop.views.panel import Args
    from fedtop.views.subject import Subject, SubjectKind

__all__ = ["GradingPanel"]

_SHOWN = 40
_NOTHING_LEFT = "nothing left to grade"
_KEYS = "m: right, wrong, another agent, skip"


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
    """The open decisions; it keeps the keyboard while they are read, and when none is left."""

    WAITS = True


class GradingPanel(Panel["Window"]):
    """See the module."""

    panel_id = "grading"
    topic = "layer"
    title = "grading queue"
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"grading-queue": "route"}
    MARKS_MANY = True

    def __init__(self) -> None:
        super().__init__()
        self._serial = 0
        self._sitting: tuple[str, int | None] | None = None
        self._window: Window | None = None
        self._queue: GradingQueue | None = None
        self._one_at_a_time = threading.Lock()
        self._items: dict[str, GradeItem] = {}
        self._hidden: set[str] = set()
        """Off the table until the queue has heard of what was said of them."""
        self._start: GradeProgress | None = None

    def compose(self) -> ComposeResult:
        """Progress, the decision under the cursor, the queue."""
        yield TextLines(id="grading-progress")
        figures = LiveTable(PROGRESS, empty="", show_cursor=False, id="grading-intervals", classes="-unfiltered")
        figures.can_focus = False
        yield Section("what the grades say", figures, id="grading-narrowing")
        yield Section("this decision", TextLines(id="grading-item"), id="grading-this")
        untold = Line(Text(UNTOLD, "$dim"), id="grading-untold")
        untold.display = False
        yield untold
        table = QueueTable(QUEUE, empty="reading the decisions of this window", id="grading-queue")
        yield Section(ORDER, table, id="grading-open")

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

        self._tell(serial, first)

    @work(thread=True, group="grading")
    def _after(self, serial: int, route_id: str, change: Callable[[GradingQueue], GradeProgress]) -> None:
        def after() -> Sitting:
            queue = self._queue
            if queue is None or serial != self._serial:
                return Sitting(-1, (), None)
            progress = change(queue)
            return Sitting(serial, queue.next(_SHOWN), progress, route_id=route_id)

        self._tell(serial, after, route_id)

    def _tell(self, serial: int, call: Callable[[], Sitting], route_id: str = "") -> None:
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
        self._hidden.discard(event.route_id)
        if event.failure or event.progress is None:
            self._fail(event)
            return
        if event.opened:
            self._start, self._hidden = event.progress, set()
        self._items = {item.route_id: item for item in event.items}
        self._show_items(_NOTHING_LEFT if event.progress.decisions else "no routing decisions")
        self._show_progress(event.progress)

    def _fail(self, event: Sitting) -> None:
        """Nothing was read, at the beginning or after a grade."""
        if self._start is None:
            table = self.query_one(QueueTable)
            table.empty = event.failure
            table.refresh()
        else:
            self._show_items(_NOTHING_LEFT)
        self.app.notify(event.failure, severity="error", markup=False)

    # What is shown

    def _show_items(self, nothing: str) -> None:
        table = self.query_one(QueueTable)
        table.empty = f"{nothing} in this window"
        open_items = [item for key, item in self._items.items() if key not in self._hidden]
        table.set_rows([] if self._window is None else QUEUE.rows(open_items, self.locale(self._window)))
        table.refresh()
        untold = bool(open_items) and not any(item.description for item in open_items)
        self.query_one("#grading-untold", Line).display = untold
        self._show_item(table.cursor_key)
        self.host.marked()

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

    def grading(self, subject: Subject) -> None:
        """Takes the decision off the table at once."""
        self._hidden.add(subject.id)
        self._show_items(_NOTHING_LEFT)

    def graded(self, subject: Subject) -> None:
        """Looks what the store says of it now: whatever is not graded is in the table again."""
        self._told_of(subject, lambda queue: queue.reread(subject.id))

    def leave_out(self, subject: Subject, *, back: bool = False) -> None:
        """Skips a decision, or takes it in again."""
        if not back:
            self.grading(subject)
        self._told_of(subject, lambda queue: queue.skip(subject.id, back=back))

    def _told_of(self, subject: Subject, change: Callable[[GradingQueue], GradeProgress]) -> None:
        """Lets the queue know, unless it is of something else: a run, a decision of another window."""

        def known(queue: GradingQueue) -> GradeProgress:
            return change(queue) if subject.kind == "route" and subject.id in queue else queue.progress()

        self._after(self._serial, subject.id, known)
