"""The part of a recorder that meets the store: writes what it can, counts and keeps the reasons of what it cannot.

Nothing here raises but KeyboardInterrupt and its like. Facts that are refused go to ``rejects`` with their reason;
facts that a failing store could not take are counted, said once through ``logging``, and written to ``losses``
with the next success, so that ``fedtop doctor`` and the pane show them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fedstore.errors import FedstoreError
from fedstore.ids import now_ms
from fedstore.rejects import Reject, as_text, reject_rows
from fedstore.store import Store
from fedstore.writer import FactWriter, Receipt
from fedstore.writes import LOSS_INSERT, REJECT_INSERT

__all__ = ["Sink"]

RETRY_S = 1.0
"""After the store could not be opened, so long passes before the next try: an agent must not wait each time."""
_log = logging.getLogger("fedstore")


class Sink:
    """Writes batches to a store that is opened when first needed."""

    def __init__(
        self, store: Store | str | Path | None, *, source: str, keep_content: bool, clock: Callable[[], int] | None
    ) -> None:
        self._given = store
        self._store = store if isinstance(store, Store) else None
        self._clock = clock or (store.clock if isinstance(store, Store) else now_ms)
        self._source = source
        self._keep_content = keep_content
        self._writer: FactWriter | None = None
        self._guard = threading.Lock()
        self._not_before = 0.0
        self._why = ""
        self._said: set[str] = set()
        self._pending = 0
        self._pending_since = 0
        self.lost = 0
        self.refused = 0

    def now(self) -> int:
        """The present in UTC epoch milliseconds."""
        return self._clock()

    def write(self, events: Sequence[Any]) -> Receipt:
        """Write a batch; what went wrong is in the receipt and the counters."""
        try:
            writer = self._writer or self._open()
            receipt = writer.write(events)
            if receipt.rejected:
                self._refuse(events, receipt)
            if self._pending:
                self._confess()
        except Exception as error:  # noqa: BLE001 - an agent must never fail because it is being watched
            return self.lose(len(events), error)
        return receipt

    def lose(self, count: int, error: BaseException) -> Receipt:
        """Count facts that could not be written."""
        reason = str(error) if isinstance(error, FedstoreError) else f"{type(error).__name__}: {_words(error)}"
        with self._guard:
            self.lost += count
            if not self._pending:
                self._pending_since = self._safe_now()
            self._pending += count
            self._why = reason
            new = reason not in self._said and len(self._said) < 20
            self._said.add(reason)
        if new:
            _log.warning("fedstore could not record: %s", reason)
        return Receipt(lost=count)

    def close(self) -> None:
        """Note what was lost, then close the store if it was opened here."""
        with contextlib.suppress(Exception):
            if self._pending:
                self._writer or self._open()
                self._confess()
        with contextlib.suppress(Exception):
            if self._store is not None and self._store is not self._given:
                self._store.close()
        if self._store is not self._given:
            self._writer = self._store = None

    # --- inside --------------------------------------------------------------------------------------------

    def _open(self) -> FactWriter:
        with self._guard:
            if self._writer is not None:
                return self._writer
            if time.monotonic() < self._not_before:
                raise FedstoreError(self._why)
        try:
            store = self._given if isinstance(self._given, Store) else Store(self._given, clock=self._clock)
        except Exception as error:
            with self._guard:
                self._not_before = time.monotonic() + RETRY_S
                self._why = str(error)
            raise
        with self._guard:
            self._store = store
            self._writer = FactWriter(
                store.database, source=self._source, keep_content=self._keep_content, clock=self._clock
            )
            return self._writer

    def _refuse(self, events: Sequence[Any], receipt: Receipt) -> None:
        self.refused += len(receipt.rejected)
        source = self._source or "recorder"
        found = [Reject(source, reason, as_text(events[position])) for position, reason in receipt.rejected]
        assert self._store is not None
        with self._store.database.write() as tx:
            tx.executemany(REJECT_INSERT, reject_rows(found, self._clock(), keep_content=self._keep_content))
        if "refused" not in self._said:
            self._said.add("refused")
            _log.warning("fedstore refused a fact: %s (`fedtop doctor` counts them)", receipt.rejected[0][1])

    def _confess(self) -> None:
        with self._guard:
            count, self._pending = self._pending, 0
        try:
            assert self._store is not None
            with self._store.database.write() as tx:
                tx.execute(LOSS_INSERT, (count, self._why, self._pending_since, self._clock()))
        except Exception:
            with self._guard:
                self._pending += count
            raise

    def _safe_now(self) -> int:
        try:
            return int(self._clock())
        except Exception:  # noqa: BLE001 - a broken clock is one of the things that can be wrong
            return now_ms()


def _words(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except Exception:  # noqa: BLE001 - a hostile __str__
        return ""
