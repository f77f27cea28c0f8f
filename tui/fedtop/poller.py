"""The one thread that reads the store: it waits, looks whether anything changed, and reports to the pane.

It owns one reader. Nothing changed: the time is posted, so that ages move. Changed, the window rolled on, or
another request: the query of the panel on top is run and its result posted. A failure is posted too, and the
next look tries again with a new reader.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fedstore import FedstoreError, Window
from fedtop.about import ANYTHING, About
from fedtop.messages import ReadFailed, Snapshot, SnapshotReady, Tick
from fedtop.plain.notice import refused_line

if TYPE_CHECKING:
    from textual.message import Message

    from fedstore import Reader

__all__ = ["Poller", "Request"]

Query = Callable[["Reader", Window, Mapping[str, str]], object]


@dataclass(frozen=True, slots=True)
class Request:
    """What the pane wants to be told. `interval_s` None: one reading, then nothing until asked again.

    `query` runs on the poller's thread; None reads no more than the age of the newest fact, of all and of those that
    the panel is `about`. The window ends at
    `at_ms`, by default at the present; `live` False says that the user asked for another moment.
    """

    serial: int
    window: str
    query: Query | None
    args: Mapping[str, str] = field(default_factory=dict)
    at_ms: int | None = None
    live: bool = True
    interval_s: float | None = 2.0
    about: About = ANYTHING


class Poller:
    """See the module. `post` must be safe to call from another thread and return at once."""

    def __init__(
        self, open_reader: Callable[[], Reader], post: Callable[[Message], object], clock: Callable[[], int]
    ) -> None:
        self._open_reader, self._post, self._clock = open_reader, post, clock
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._request: Request | None = None
        self._stopping = False
        self._reader: Reader | None = None
        self._seen: tuple[object, ...] | None = None
        self._thread = threading.Thread(target=self._run, name="fedtop-poller", daemon=True)

    # From the pane's thread

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Ends the thread after the query it may be running; waits at most `timeout_s`."""
        with self._guard:
            self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def ask(self, request: Request) -> None:
        """Answers this request from now on, starting at once."""
        with self._guard:
            self._request = request
        self._wake.set()

    def hold(self) -> None:
        """Asks nothing more until the next request."""
        with self._guard:
            self._request = None

    # On the poller's thread

    def _run(self) -> None:
        while True:
            self._wake.clear()
            with self._guard:
                request, stopping = self._request, self._stopping
            if stopping:
                return
            if request is not None:
                self.look(request)
            self._wake.wait(None if request is None else request.interval_s)

    def look(self, request: Request) -> None:
        """One look at the store: posts a SnapshotReady, a Tick or a ReadFailed."""
        try:
            message = self._read(request)
        except Exception as error:  # noqa: BLE001 - whatever fails in reading is a stale pane, never a dead one
            self._reader, self._seen = None, None
            message = ReadFailed(_reason(error))
        self._report(message)

    def _read(self, request: Request) -> Message:
        if self._reader is None:
            self._reader = self._open_reader()
        reader, now = self._reader, self._clock()
        at = now if request.at_ms is None else request.at_ms
        window = Window.ending(request.window, at, live=request.live)
        # The token is taken before the query: what is committed in between shows at the next look.
        seen = (request.serial, window, reader.change_token())
        if seen == self._seen:
            return Tick(now)
        if request.window == "all":  # its start is that of the oldest fact, which the reader knows
            window = replace(reader.window("all", at), live=window.live)
        data = None if request.query is None else request.query(reader, window, request.args)
        newest = reader.newest_ms()
        snapshot = Snapshot(
            request.serial, reader.kept(window), data, now, newest, reader.last_recorded_ms(),
            request.about, newest if request.about == ANYTHING else request.about.newest_ms(reader),
            "" if newest is not None else refused_line(reader),
        )  # fmt: skip
        self._seen = seen
        return SnapshotReady(snapshot)

    def _report(self, message: Message) -> None:
        try:
            self._post(message)
        except RuntimeError:  # the pane's event loop has ended
            with self._guard:
                self._stopping = True
            self._wake.set()


def _reason(error: Exception) -> str:
    """An error of the store says what to do; any other is a fault of the program, and named as such."""
    return str(error) if isinstance(error, FedstoreError) else f"unexpected {type(error).__name__}: {error}"
