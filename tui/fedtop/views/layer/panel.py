"""One layer of the cascade, with the lever: move its threshold and see at once what the log says would happen.

The decision log is read once per window by a worker thread; every move is then a binary search. Nothing is
written: a change of the threshold is a plan's affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message

from fedtop.format import clean
from fedtop.views.cascade.columns import DECISIONS
from fedtop.views.layer.columns import READINGS, moved, reading_lines
from fedtop.views.layer.parts import analysis_lines, evidence_line, waiting_line
from fedtop.views.layer.study import LayerStudy, load_log, spare_sweeps, study_layer, summary_bins
from fedtop.views.section import Section
from fedtop.views.text_lines import TextLines
from fedtop.views.turning import TurningPanel
from fedtop.widgets.histogram import Histogram, Threshold
from fedtop.widgets.live_table import LiveTable, Row
from fedtop.widgets.reliability import Reliability

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from textual.app import ComposeResult

    from fedstore import Reader, Window
    from fedstore.queries.models import LayerRow, LayerView
    from fedtop.state import ViewState
    from fedtop.views.panel import Args
    from fedtop.views.subject import SubjectKind

__all__ = ["LayerPanel"]

KEYS_NOTE = "←/→ 0.01, shift 0.05, 0 resets; nothing is written"
_GROWTH = 1.02
"""A study is made anew when the window holds this many times the attempts it was made from."""


@dataclass
class StudyReady(Message):
    """The worker is done: a study, or why there is none."""

    serial: int
    study: LayerStudy | None
    failure: str


LEVER_KEYS: list[BindingType] = [
    Binding("left", "lever(-1)", "lower", id="layer.lower", tooltip="Move the threshold down by 0.01"),
    Binding("right", "lever(1)", "raise", id="layer.raise", tooltip="Move the threshold up by 0.01"),
    Binding("shift+left", "lever(-5)", "lower by 0.05", id="layer.lower5", show=False, tooltip="Down by 0.05"),
    Binding("shift+right", "lever(5)", "raise by 0.05", id="layer.raise5", show=False, tooltip="Up by 0.05"),
]


class LeverTable(LiveTable):
    """A table that leaves the sideways keys to the lever."""

    BINDINGS: ClassVar[list[BindingType]] = LEVER_KEYS

    @property
    def _panel(self) -> LayerPanel | None:
        return next((node for node in self.ancestors if isinstance(node, LayerPanel)), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The lever's keys exist while there is one."""
        if action == "lever":
            panel = self._panel
            return panel is not None and panel.check_action(action, parameters)
        return super().check_action(action, parameters)

    def action_lever(self, steps: int) -> None:
        """See `LayerPanel.action_lever`."""
        panel = self._panel
        if panel is not None:
            panel.action_lever(steps)


class LayerPanel(TurningPanel["LayerView"]):
    """See the module. `name` is the layer's."""

    panel_id = "layer"
    topic = "layer"
    LOW: ClassVar[int] = 31
    GRADED: ClassVar[Mapping[str, SubjectKind]] = {"decisions": "route"}
    BINDINGS: ClassVar[list[BindingType]] = [
        *LEVER_KEYS,
        Binding("0", "reset", "reset", id="layer.reset", tooltip="Put the threshold back where it is"),
    ]

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.layer_name = name
        self.title = clean(name, 40)
        self._study: LayerStudy | None = None
        self._at: float | None = None
        self._row: LayerRow | None = None
        self._window: Window | None = None
        self._studied: tuple[str, int | None, int] | None = None
        self._failure = ""
        self._serial = 0

    def compose(self) -> ComposeResult:
        """Lever, then calibration and analysis, then the decisions it took."""
        with Section("how sure it was", id="layer-top"), Horizontal(id="layer-lever"):
            yield Histogram(id="layer-histogram")
            with Vertical(id="layer-readings"):
                yield Readings()
                yield TextLines(id="layer-evidence")
        with Horizontal(id="layer-study"):
            yield Section("is it as sure as it says", Reliability(), id="layer-calibration")
            lines = TextLines(id="layer-analysis-lines")
            yield Section("threshold analysis", lines, id="layer-analysis")
        table = LeverTable(DECISIONS, empty="it took no decision in this window", id="decisions")
        yield Section("latest decisions it took", table, id="layer-latest")

    def read(self, reader: Reader, window: Window, args: Args) -> LayerView:
        """The layer's row, confidence bins and newest decisions."""
        return reader.layer(args["name"], window)

    def show(self, data: LayerView, view: ViewState) -> None:
        """The summaries at once; the study when it is there."""
        self._row, self._window = data.row, data.window
        if self._studied is not None and self._studied[:2] != (view.window, view.pinned_ms):
            self._forget()
        rows = DECISIONS.rows(data.recent, self.locale(data.window))
        self.query_one("#decisions", LiveTable).set_rows(rows)
        if self._study is None:
            lines = [Threshold(data.row.threshold)] if data.row and data.row.threshold is not None else []
            self.query_one(Histogram).set_data(summary_bins(data.bins), lines)
            self._say(self._why_no_study())
            if data.row is None or not data.row.attempts:
                self.query_one(Reliability).set_data((), None)
        self._restudy(view)

    def _why_no_study(self) -> str:
        if self._row is None or not self._row.attempts:
            return "no decision reached this layer in this window"
        return self._failure or "reading the decisions of this window"

    # The study

    def _forget(self) -> None:
        """What was studied is of another window."""
        self._study, self._studied, self._failure = None, None, ""
        self.query_one(Reliability).set_data(None, None)
        self.query_one("#layer-analysis-lines", TextLines).set_lines([])

    def _restudy(self, view: ViewState) -> None:
        """Starts a study for another window, or when the window has grown by a few per cent."""
        attempts = self._row.attempts if self._row is not None else 0
        window = (view.window, view.pinned_ms)
        old = self._studied
        if not attempts or (old and old[:2] == window and old[2] <= attempts < old[2] * _GROWTH + 1):
            return
        self._studied = (*window, attempts)
        self._serial += 1
        if self._window is not None and self._row is not None:
            self._make_study(self._serial, self._window, self._row.threshold)

    @work(thread=True, exclusive=True, group="study")
    def _make_study(self, serial: int, window: Window, threshold: float | None) -> None:
        try:
            log = load_log(self.host.source, window)
            message = StudyReady(serial, study_layer(log, self.layer_name, threshold), "")
            spare_sweeps()
        except Exception as error:  # noqa: BLE001 - a study that fails is told on the screen, never a dead pane
            message = StudyReady(serial, None, clean(error, 160) or type(error).__name__)
        self.post_message(message)

    @on(StudyReady)
    def _take_study(self, event: StudyReady) -> None:
        event.stop()
        if event.serial != self._serial:
            return
        if event.study is None:
            self._study = None
            self.query_one(Reliability).set_data((), None)
            self._failure = event.failure or "this layer has no threshold to move"
            self._say(self._failure)
            return
        self._study = study = event.study
        self.query_one(Reliability).set_data(study.points, study.ece)
        self.query_one("#layer-analysis-lines", TextLines).set_lines(analysis_lines(study.analysis))
        self.refresh_lever()

    def _say(self, words: str) -> None:
        self.query_one("#layer-top", Section).set_note("")
        self.query_one(Readings).set_rows([])
        self.query_one("#layer-evidence", TextLines).set_lines([waiting_line(words)])
        self.refresh_bindings()

    # The lever

    @property
    def lever_at(self) -> float | None:
        """Where the lever is: the threshold in force until it is moved; None without a study."""
        return None if self._study is None else self._study.threshold if self._at is None else self._at

    def refresh_lever(self) -> None:
        """Shows the prediction for the lever's place."""
        study, at = self._study, self.lever_at
        if study is None or at is None:
            return
        now, there = study.lever.at(study.threshold), study.lever.at(at)
        lines = [Threshold(study.threshold)]
        if at != study.threshold:
            lines.append(Threshold(at, "moved"))
        self.query_one("#layer-top", Section).set_note(KEYS_NOTE)
        self.query_one(Histogram).set_data(study.bins, lines)
        self.query_one(Readings).set_rows(READINGS.rows(reading_lines(now, there), self.locale()))
        self.query_one("#layer-evidence", TextLines).set_lines([evidence_line(now, there)])
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a study there is no lever; one that was not moved cannot be put back."""
        if action == "lever" and self._study is None:
            return False
        if action == "reset" and (self._study is None or self.lever_at == self._study.threshold):
            return False
        return super().check_action(action, parameters)

    def action_lever(self, steps: int) -> None:
        """Moves the lever by hundredths; nothing is written."""
        at = self.lever_at
        if at is not None:
            self._at = moved(at, steps)
            self.refresh_lever()

    def action_reset(self) -> None:
        """Puts the lever back to the threshold in force."""
        self._at = None
        self.refresh_lever()

    @on(LiveTable.Selected, "#decisions")
    def _open_why(self, event: LiveTable.Selected) -> None:
        event.stop()
        self.host.open_target(f"why:{event.key}")


class Readings(LiveTable, can_focus=False):
    """The prediction; nothing to choose in it."""

    def __init__(self) -> None:
        super().__init__(READINGS, empty="", show_cursor=False, id="layer-figures", classes="-unfiltered")

    def set_rows(self, rows: Iterable[Row]) -> None:
        """As ever, but unmarked: with every move of the lever all of it changes."""
        super().set_rows(rows)
        self.model.changed = {}
