"""What the dry-runs after `o` and `t` share: a plan as a diff, and keys to apply it, export it, try another rule.

The proposal is computed by a thread on a store connection of its own. Esc, another rule or another window gives it
up: its answer is never shown, and the thread stops where it next asks. Nothing is changed before `a` is confirmed.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message

from fedstore import FedstoreError
from fedstore.learning.rules import EVIDENCE_WINDOWS, RULES
from fedtop import loop, state
from fedtop.about import About
from fedtop.format import bar, clean
from fedtop.loop import Cancelled, Wish
from fedtop.views.panel import Panel
from fedtop.views.plan.applying import apply_question, write_plan
from fedtop.views.plan.details import FlipsPanel
from fedtop.views.plan.sentences import note_items, title_parts
from fedtop.views.text_lines import TextLines
from fedtop.widgets.live_table import LiveTable
from fedtop.widgets.scroll import TextScroll

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from textual.app import ComposeResult
    from textual.worker import Worker

    from fedstore import Change, Plan, Reader, Store, Window
    from fedstore.learning.rules import PlanKind
    from fedtop.state import ViewState
    from fedtop.views.panel import Args

    Proposer = Callable[[Store, Wish, Callable[[float], None], Callable[[], bool]], Plan]

__all__ = ["PlanPanel"]

_STEPS = 50
_BAR = 30


@dataclass
class Progressed(Message):
    """How far the proposal with this serial number is, as a share of 1."""

    serial: int
    share: float

    def can_replace(self, message: Message) -> bool:
        """Only the latest counts."""
        return isinstance(message, Progressed) and message.serial <= self.serial


class PlanPanel(Panel[None], can_focus=True):
    """See the module. `proposer` computes the plan; it runs in a thread and must look at its last argument."""

    kind: ClassVar[PlanKind]
    heeds = "moment"
    MUTATING: ClassVar[frozenset[str]] = frozenset({"apply"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "apply", "apply", id="plan.apply", tooltip="Put exactly this plan in force, after a question"),
        Binding("p", "next_rule", "rule", id="plan.rule", tooltip="Make the plan by the next rule"),
        Binding("f", "flips", "flips", id="plan.flips", tooltip="The decisions that would go elsewhere"),
        Binding("w", "window(1)", "window", id="plan.wider", tooltip="Rest the plan on a longer window"),
        Binding("W", "window(-1)", "shorter", id="plan.narrower", show=False, tooltip="Rest it on a shorter window"),
        Binding("e", "export_plan", "export", id="plan.export", tooltip="Write the plan to a JSON file"),
        Binding("r", "again", "again", id="plan.again", show=False, tooltip="Make the plan anew"),
        Binding("escape", "cancel", "cancel", id="plan.cancel", tooltip="Give up computing"),
        Binding("escape", "discard", "discard", id="plan.discard", tooltip="Leave without changing anything"),
    ]

    def __init__(self, proposer: Proposer = loop.propose) -> None:
        super().__init__()
        self._proposer = proposer
        self._wish = Wish(self.kind)
        self._serial = 0
        self._worker: Worker[None] | None = None
        self.plan: Plan | None = None
        self.change: Change | None = None
        self._refusal = ""
        self._in_force: Mapping[str, float] = {}
        self._at_ms: int | None = None

    def compose(self) -> ComposeResult:
        """What it is, how far it is, what would change, and everything about it in sentences."""
        yield TextLines(id="plan-title")
        yield TextLines(id="plan-status")
        yield self._table()
        with TextScroll(id="plan-rest"):
            yield TextLines(id="plan-notes")

    # To be written by each kind

    def _table(self) -> LiveTable:
        """The table of the items, with the id `plan-items`."""
        raise NotImplementedError

    def _fill(self, plan: Plan) -> None:
        """Shows the items."""
        raise NotImplementedError

    def _open(self, plan: Plan, table: LiveTable, key: str) -> None:
        """Opens what stands behind a row."""
        raise NotImplementedError

    @property
    def about(self) -> About:
        """The facts of the plan's own window."""
        return About(self.topic, span=self._wish.window)

    def read(self, reader: Reader, window: Window, args: Args) -> None:
        """Nothing: a plan is made once, not at every look at the store."""

    def show(self, data: None, view: ViewState) -> None:  # noqa: ARG002
        """Makes the plan anew when time was travelled."""
        if view.at_ms != self._at_ms and self.change is None:
            self._at_ms = view.at_ms
            self.action_again()

    def on_mount(self) -> None:
        """Starts to compute; the screen is there at once."""
        self._wish = Wish(self.kind, window=EVIDENCE_WINDOWS[self.kind], at_ms=self.host.view.pinned_ms)
        self._at_ms = self.host.view.at_ms
        self.set_class(True, "-nothing-yet")
        self._start()

    # Computing

    @property
    def computing(self) -> bool:
        """True while a proposal is under way."""
        return self._worker is not None

    def _start(self) -> None:
        self._stop()
        self._serial += 1
        self.change = None
        self._progress(0.0)
        self._worker = self._compute(self._serial, self._wish)
        self.refresh_bindings()
        self.take_focus()

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    @work(group="plan", exclusive=True)
    async def _compute(self, serial: int, wish: Wish) -> None:
        """Waits for the thread; when this is cancelled, so is the thread."""
        stop = threading.Event()
        source = self.host.source
        try:
            if not wish.rule:  # that of the settings, which may have to be read first
                rule = await asyncio.to_thread(loop.rule_of, source, self.kind)
                self._wish = wish = replace(wish, rule=rule)
                self._progress(0.0)
            propose = partial(self._propose, self._proposer, source, wish, self._reporter(serial), stop.is_set)
            plan, in_force, refusal = await asyncio.to_thread(propose)
        except Cancelled:
            return
        except (FedstoreError, OSError) as error:
            self._finished(None, str(error))
        else:
            self._in_force, self._refusal = in_force, refusal
            self._finished(plan, "")
        finally:
            stop.set()

    @staticmethod
    def _propose(proposer: Proposer, source: Store, *rest: Any) -> tuple[Plan, Mapping[str, float], str]:
        """In the thread: the plan, what is in force where the plan changes nothing, and why it cannot be applied."""
        plan = proposer(source, *rest)
        return plan, loop.in_force(source), loop.refusal(source, plan)

    def _reporter(self, serial: int) -> Callable[[float], None]:
        """Called by the thread; tells the pane only what it can see."""
        shown = 0

        def report(share: float) -> None:
            nonlocal shown
            if int(share * _STEPS) > shown:
                shown = int(share * _STEPS)
                self.post_message(Progressed(serial, share))

        return report

    @on(Progressed)
    def _progressed(self, event: Progressed) -> None:
        event.stop()
        if event.serial == self._serial and self.computing:
            self._progress(event.share)

    def _finished(self, plan: Plan | None, failure: str) -> None:
        self._worker = None
        if plan is None:
            self._say(f"no plan: {failure}", "$alert")
        else:
            self.plan = plan
            if self._refusal:
                self._say(f"cannot be applied: {self._refusal} (r looks again)", "$warn")
            else:
                self._say("")
            self.set_class(False, "-nothing-yet")
            self._show_plan()
        self.refresh_bindings()
        self.take_focus()

    # Showing

    def _progress(self, share: float) -> None:
        wish = self._wish
        done = Text(bar(share, _BAR, self.glyphs).ljust(_BAR, self.glyphs.dot), "$accent")
        done_so_far = f"{share:.0%}" if share else "reading the evidence"
        what = f"  {self.kind}, {f'rule {wish.rule}, ' if wish.rule else ''}{wish.window}: {done_so_far}"
        self._status(Text.assemble(done, what, ("   Esc cancels", "$dim")))

    def _say(self, words: str, style: str = "$dim") -> None:
        self._status(Text(clean(words, 400), style))

    def _status(self, text: Text) -> None:
        line = self.query_one("#plan-status", TextLines)
        line.set_lines([text])
        line.display = bool(text.plain)

    def _show_plan(self) -> None:
        plan = self.plan
        assert plan is not None
        self.query_one("#plan-title", TextLines).set_lines([title_parts(plan, self.glyphs)])
        self._fill(plan)
        self.query_one("#plan-notes", TextLines).set_lines(note_items(plan, self.glyphs))

    def take_focus(self) -> None:
        """The table once there is one, else the panel itself: Esc must work while it computes."""
        focused = self.screen.focused
        table = self.query_one("#plan-items", LiveTable)
        if focused is None or focused is self or self not in focused.ancestors:
            self.screen.set_focus(table if self.plan is not None else self, scroll_visible=False)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Each key exists only while it can do something."""
        if action == "apply" and not self._can_apply:
            return False
        if action == "flips" and (self.plan is None or not self.plan.flipped):
            return False
        if action == "export_plan" and self.plan is None:
            return False
        if action in ("cancel", "discard") and self.computing is not (action == "cancel"):
            return False
        return super().check_action(action, parameters)

    @property
    def _can_apply(self) -> bool:
        plan = self.plan
        return plan is not None and plan.changed and not (self._refusal or self.change or self.computing)

    def action_cancel(self) -> None:
        """Gives up the proposal under way; the plan before it, if there is one, stays."""
        self._stop()
        self._say("cancelled: nothing was changed. r computes again, Esc leaves", "$warn")
        self.refresh_bindings()

    async def action_discard(self) -> None:
        """Leaves, as the frame does it: a filter is cleared first."""
        await self.run_action("app.retreat")

    def action_again(self) -> None:
        """Computes anew on the facts that are there now."""
        self._wish = replace(self._wish, at_ms=self.host.view.pinned_ms)
        self._start()

    def action_next_rule(self) -> None:
        """The next rule, around the end."""
        rules, now = RULES[self.kind], self._wish.rule
        if now:
            self._wish = replace(self._wish, rule=rules[(rules.index(now) + 1) % len(rules)])
            self._start()

    def action_window(self, step: int) -> None:
        """A longer or shorter window of evidence."""
        view = replace(self.host.view, window=self._wish.window)
        self._wish = replace(self._wish, window=(state.wider if step > 0 else state.narrower)(view).window)
        self._start()
        self.host.demand()

    def action_flips(self) -> None:
        """The decisions that would go elsewhere."""
        if self.plan is not None:
            self.host.open_panel(FlipsPanel(self.plan))

    @on(LiveTable.Selected)
    def _opened(self, event: LiveTable.Selected) -> None:
        event.stop()
        if self.plan is not None:
            self._open(self.plan, event.table, event.key)

    def action_export_plan(self) -> None:
        """Writes the whole plan to a JSON file, and says where."""
        assert self.plan is not None
        try:
            path = write_plan(self.host.options.export_dir, self.plan)
        except OSError as error:
            self.app.notify(f"not written: {error.strerror or error}", severity="error", markup=False)
        else:
            self.app.notify(f"Written to {path}", markup=False)

    # Applying

    def action_apply(self) -> None:
        """Asks, and then applies exactly the plan that was shown."""
        plan = self.plan
        assert plan is not None
        question = apply_question(plan, loop.followers(self.host.source, self.kind), self.glyphs)

        def answered(yes: bool) -> None:
            if yes:
                self._apply(plan)

        self.host.confirm(question, answered)

    @work(group="apply", exclusive=True)
    async def _apply(self, plan: Plan) -> None:
        try:
            change = await asyncio.to_thread(loop.apply_plan, self.host.source, plan)
        except FedstoreError as error:
            self._say(f"refused: {error} (r computes it anew)", "$alert")
        else:
            self._applied(change)

    def _applied(self, change: Change) -> None:
        self.change = change
        self.host.applied()
        words = f"applied as change #{change.id}: policy version {change.new_version} is in force. u takes it back"
        self._say(f"{self.glyphs.check} {words}", "$ok")
        for warning in change.warnings:
            self.app.notify(clean(warning, 300), severity="warning", markup=False)
        self.refresh_bindings()
