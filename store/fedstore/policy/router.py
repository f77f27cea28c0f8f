"""The policy in force, for routers: a lookup costs about a microsecond and never raises.

The store is asked at most every half second, by one thread at a time, for the newest version; other callers go
on with what is known. A store that is missing or locked changes nothing: the last known values stand, at first
those of the small copy that `apply` leaves beside the store. Standard library only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore.engine import glimpse
from fedstore.policy.body import PolicyBody
from fedstore.policy.sinks import read_copy
from fedstore.queries.in_force import NEWEST
from fedstore.settings.paths import from_here

if TYPE_CHECKING:
    from fedstore.engine.protocol import Glimpse
    from fedstore.store import Store

__all__ = ["Policy"]

CHECK_EVERY_S = 0.5
_LOCK_WAIT_S = 0.05


class Policy:
    """The policy in force of `store`: a Store, a path (from the present folder), or None for the default place.

    `check_every_s` bounds how old an answer may be while the store can be read. Safe to share by threads.
    """

    def __init__(
        self,
        store: Store | str | Path | None = None,
        *,
        check_every_s: float = CHECK_EVERY_S,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._where = from_here(store if store is None or isinstance(store, str | Path) else store.path)
        self._every = check_every_s
        self._timer = timer
        self._guard = threading.Lock()
        self._store: Glimpse | None = None
        self._pid = os.getpid()
        self._next_check = float("-inf")
        self._known: tuple[int, PolicyBody] = (0, PolicyBody())
        self._loaded: tuple[int, int] | None = None  # the store and its version that were read last
        self._asked_copy = False

    def boost(self, agent: str, task_type: str = "") -> float:
        """What to add to an agent's score for a task: -0.05 … +0.05 by the rules that come with it, 0 unknown."""
        try:
            return self._body().boost(agent, task_type)
        except Exception:  # noqa: BLE001 - a router must not stop for a boost (an unhashable name, say)
            return 0.0

    def threshold(self, layer: str, default: float | None = None) -> float | None:
        """The confidence from which a layer accepts; `default` where the policy says nothing."""
        try:
            return self._body().thresholds.get(layer, default)
        except Exception:  # noqa: BLE001 - as above
            return default

    def is_enabled(self, layer: str) -> bool:
        """Whether routers are to ask a layer; True where the policy says nothing."""
        try:
            return layer not in self._body().disabled
        except Exception:  # noqa: BLE001 - as above
            return True

    @property
    def version(self) -> int:
        """The version in force; 0 before the first change."""
        self._body()
        return self._known[0]

    def close(self) -> None:
        """Let go of the store; lookups go on with what is known and open it again when they must."""
        with self._guard:
            if self._store is not None:
                self._store.close()

    def _body(self) -> PolicyBody:
        if self._timer() >= self._next_check:
            self._check()
        return self._known[1]

    def _check(self) -> None:
        if self._pid != os.getpid():  # the parent's thread that held the lock does not exist in this process
            self._guard, self._pid = threading.Lock(), os.getpid()
        if not self._guard.acquire(blocking=self._next_check == float("-inf")):
            return
        try:
            if self._timer() >= self._next_check:
                self._refresh()
        finally:
            self._guard.release()

    def _refresh(self) -> None:
        try:
            if self._store is None:
                self._store = glimpse(self._where(), _LOCK_WAIT_S)
            rows = self._store.read(NEWEST)
            if rows and (self._store.serial, rows[0][0]) != self._loaded:
                self._known = (int(rows[0][0]), PolicyBody.from_json(rows[0][1]))
                self._loaded = self._store.serial, self._known[0]
        except Exception:  # noqa: BLE001 - missing, locked, foreign or damaged: the last known values stand
            self._ask_copy()
        self._next_check = self._timer() + self._every

    def _ask_copy(self) -> None:
        if self._asked_copy:
            return
        self._asked_copy = True
        with suppress(Exception):
            copy = read_copy(Path(self._where()))
            if copy is not None and copy[0] > self._known[0]:
                self._known = copy
