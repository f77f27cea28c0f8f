"""The base of every view: what to read from the store, and how to show it. See `fedtop.views`.

`read` runs on the poller's thread, everything else on the UI thread. `host` is the App as panels know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeAlias, TypeVar

from textual import getters
from textual.app import App
from textual.widget import Widget

from fedtop.about import About
from fedtop.fields import KEY_GAP, Locale
from fedtop.views.section import Section
from fedtop.widgets.live_table import LiveTable

if TYPE_CHECKING:
    from datetime import tzinfo

    from fedstore import Reader, Store, Window
    from fedstore.queries.models import Topic
    from fedtop.glyphs import Glyphs
    from fedtop.options import AppOptions
    from fedtop.state import ViewState
    from fedtop.views.agents.columns import Boosts
    from fedtop.views.question import Question
    from fedtop.views.subject import Subject, SubjectKind

__all__ = ["AnyPanel", "Args", "Heeds", "Host", "Panel"]

Heeds = Literal["window", "moment", "nothing"]
Args: TypeAlias = Mapping[str, str]
"""What a panel is of, and what was chosen in it: names, by what they are names of."""
Data = TypeVar("Data")


class Outlook(Protocol):
    """Knows what a plan for boosts would change, or finds it out beside the pane."""

    def of(self, boosts: Boosts) -> Boosts:
        """The boosts in force, and what is known of their proposals."""


class Host(App[None]):
    """What a panel may ask of the App, and the App does."""

    options: AppOptions
    source: Store
    view: ViewState
    glyphs: Glyphs
    proposals: Outlook
    """What a plan for boosts would change, for all views."""
    asked: int
    """The serial number of the last request to the poller."""

    def demand(self) -> None:
        """Read the panel on top anew, at once."""
        raise NotImplementedError

    def open_panel(self, panel: AnyPanel) -> None:
        """Put a panel on top."""
        raise NotImplementedError

    def open_target(self, target: str) -> bool:
        """Open `kind:name` (`agent:codex`, `tab:costs`); False when there is no such view."""
        raise NotImplementedError

    def now(self) -> int:
        """The present in epoch milliseconds, by the pane's clock."""
        raise NotImplementedError

    def confirm(self, question: Question, answered: Callable[[bool], None]) -> None:
        """Ask, at once; `answered` gets True for the verb of the question, False for anything else."""
        raise NotImplementedError

    async def confirmed(self, question: Question) -> bool:
        """Ask, and wait for the answer; for a worker."""
        raise NotImplementedError

    def applied(self) -> None:
        """Know that a plan was applied here: `u` takes that back, and no longer a grade."""
        raise NotImplementedError

    def marked(self) -> None:
        """Know that something was graded, or that a grade was taken back."""
        raise NotImplementedError

    def filter_by(self, text: str) -> None:
        """Put a text into the filter line of the view on top, as if typed."""
        raise NotImplementedError

    def is_taken(self, key: str, panel: AnyPanel) -> bool:
        """Whether a key of the frame is one of a panel's own."""
        raise NotImplementedError


class Panel(Widget, Generic[Data]):
    """A view of `Data`. `panel_id` is unique among views; `title` stands above a drill-down. See the module."""

    host = getters.app(Host)
    """The App."""

    panel_id: ClassVar[str] = ""
    topic: ClassVar[Topic] = "any"
    """What its facts are; an argument `name` of `read` narrows them down."""
    title: str = ""
    heeds: ClassVar[Heeds] = "window"
    """What of the chosen window it shows: all of it, a span of its own that ends where the window ends, or nothing.
    Keys of the window that would do nothing here vanish.
    """
    polls: ClassVar[bool] = True
    """False: `read` is never called; the view gets its data elsewhere."""
    MUTATING: ClassVar[frozenset[str]] = frozenset()
    """Names of actions that change the store; they vanish in read-only mode."""

    GRADED: ClassVar[Mapping[str, SubjectKind]] = {}
    """Of what the rows of a table are that can be graded, by its id; the key of a row begins with the id of what it is.
    """
    MARKS_MANY: ClassVar[bool] = False
    """True: it is there to grade one after the other; some may be left out."""

    DEFAULT_CSS = """
    Panel {
        height: 1fr;
        width: 1fr;
        layout: vertical;
    }
    """

    def __init__(self, **args: str) -> None:
        super().__init__(id=f"panel-{self.panel_id}")
        self.args: Args = args
        self.shown = False
        self.failure = ""

    # To be written by each panel

    def read(self, reader: Reader, window: Window, args: Args) -> Data:
        """The data of the view, as immutable values. Runs on the poller's thread; touches no widget."""
        raise NotImplementedError

    def show(self, data: Data, view: ViewState) -> None:
        """Shows what `read` returned."""
        raise NotImplementedError

    def tick(self, now_ms: int) -> None:
        """Moves ages; nothing else changed."""

    # What the frame and the panels use

    @property
    def about(self) -> About:
        """The facts it tells of."""
        span = "all" if self.heeds == "nothing" else ""
        return About(self.topic, self.args.get("name", ""), span)

    @property
    def glyphs(self) -> Glyphs:
        """The character set to draw with."""
        return self.host.glyphs

    @property
    def tz(self) -> tzinfo:
        """The time zone to show times in."""
        return self.host.options.tz

    def locale(self, window: Window | None = None) -> Locale:
        """How the values of its tables are written; within a `window` where that tells its times apart."""
        return Locale(self.glyphs, self.tz, self.host.now(), window)

    def ask(self, **args: str | None) -> None:
        """Changes some of the arguments of `read` (None takes one away), and reads anew at once."""
        self.args = {name: value for name, value in {**self.args, **args}.items() if value is not None}
        self.host.demand()

    def apply_filter(self, text: str) -> None:
        """Filters every table of the panel that is not `-unfiltered`."""
        for table in self.query(LiveTable):
            if not table.has_class("-unfiltered"):
                table.set_filter(text)

    @property
    def may_filter(self) -> bool:
        """Whether a filter would have something to work on."""
        return any(not table.has_class("-unfiltered") for table in self.seen_tables())

    @property
    def covered(self) -> str:
        """What a filter works on here, in words."""
        tables = [table for table in self.seen_tables() if not table.has_class("-unfiltered")]
        titles = (next((node.title for node in table.ancestors if isinstance(node, Section)), "") for table in tables)
        return f"only the rows of {', '.join(title or self.title.lower() for title in titles)}"

    def seen_tables(self) -> list[LiveTable]:
        """The tables that are displayed, not those of a part that is hidden."""
        return [table for table in self.query(LiveTable) if all(node.display for node in table.ancestors_with_self)]

    def current_table(self) -> LiveTable | None:
        """The table that copy and export mean: the focused one, else the first that is displayed."""
        tables = self.seen_tables()
        return next((table for table in tables if table.has_focus), tables[0] if tables else None)

    def take_focus(self) -> None:
        """Puts the focus where work starts: on the first table, unless something inside has it."""
        focused = self.screen.focused
        if focused is not None and self in focused.ancestors:
            return
        first = next((table for table in self.seen_tables() if table.focusable), None)
        if first is not None:
            self.screen.set_focus(first, scroll_visible=False)

    def on_descendant_focus(self) -> None:
        """Of several tables only the one in use shows a cursor."""
        tables = list(self.query(LiveTable))
        if len(tables) > 1 and any(table.has_focus for table in tables):
            for table in tables:
                if table.show_cursor is not table.has_focus:
                    table.show_cursor = table.has_focus
                    table.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Actions that change the store do not exist in read-only mode."""
        return not (self.host.options.readonly and action in self.MUTATING)

    # Grading

    def subject(self) -> Subject | None:
        """What is graded: the row under the cursor of the table that has the keyboard, where it can be."""
        from fedtop.views.subject import Subject

        table = self.screen.focused
        kind = self.GRADED.get(table.id or "") if isinstance(table, LiveTable) else None
        key = table.cursor_key if isinstance(table, LiveTable) else None
        if kind is None or key is None:
            return None
        found = key.partition(KEY_GAP)[0]
        return Subject(kind, found) if self.may_grade(found) else None

    def may_grade(self, subject_id: str) -> bool:  # noqa: ARG002
        """Whether what has this id can be graded: among tasks may be executions of tools, which nobody judges."""
        return True

    def grading(self, subject: Subject) -> None:
        """A grade of this is on its way to the store."""

    def graded(self, subject: Subject) -> None:  # noqa: ARG002
        """What is said of this may have changed."""
        self.host.demand()

    def leave_out(self, subject: Subject, *, back: bool = False) -> None:
        """Shows this no more, or (`back`) again."""

    def restore_sorts(self, view: ViewState) -> None:
        """Puts the tables into the order they were left in."""
        for table in self.query(LiveTable):
            sort = view.sorts.get(self.table_name(table))
            if sort is not None:
                table.sort_by(sort.column, sort.reverse)

    def table_name(self, table: LiveTable) -> str:
        """How the view state names a table of this panel."""
        return f"{self.panel_id}/{table.id or ''}"


AnyPanel: TypeAlias = Panel[Any]
"""A panel of whatever data: the frame hands it what its own `read` returned."""
