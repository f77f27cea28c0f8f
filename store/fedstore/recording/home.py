"""Where a recorder writes to: a store that its owner has open, or one that is opened when it is first needed."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from fedstore.engine import open_engine
from fedstore.errors import FedstoreError
from fedstore.ids import now_ms
from fedstore.settings.paths import from_here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fedstore.engine.protocol import Engine
    from fedstore.settings.config import Settings
    from fedstore.store import Store

__all__ = ["RETRY_S", "Home"]

RETRY_S = 1.0
"""After the store could not be opened or written, so long passes before the next try: an agent waits once."""


class Home:
    """The store ``given``, a path, or None for the default place; a relative path means the folder of now."""

    def __init__(self, given: Store | str | Path | None) -> None:
        self._store: Store | None = None  # one that is open already, which its owner closes
        if given is None or isinstance(given, (str, os.PathLike)):
            self._place = from_here(given)
        else:
            self._store = given
        self._engine: Engine | None = None
        self._settings: Settings | None = None
        self._opening = threading.RLock()
        self._not_before = 0.0
        self._why = ""

    @property
    def clock(self) -> Callable[[], int]:
        """The clock of the store, or the machine's."""
        return getattr(self._store, "clock", now_ms)  # of what is no store, too: a recorder is made without failing

    def after_fork_in_child(self) -> None:
        """Another thread may have held the lock at the moment of the fork."""
        self._opening = threading.RLock()

    def engine(self) -> Engine:
        """The store, opened. Raises FedstoreError, and again for a second after that without another try."""
        if self._store is not None:
            return self._store.database
        with self._opening:
            if self._engine is None:
                if time.monotonic() < self._not_before:
                    raise FedstoreError(self._why)
                try:
                    self._engine = open_engine(self._place())
                except Exception as error:
                    self._not_before, self._why = time.monotonic() + RETRY_S, str(error)
                    raise
            return self._engine

    def place(self) -> str:
        """Where the store is, opened or not. Raises FedstoreError."""
        return self._store.database.address if self._store is not None else self._place()

    def settings(self) -> Settings:
        """The settings that the store is looked after by. Raises SettingsError."""
        if self._store is not None:
            return self._store.upkeep_settings
        if self._settings is None:
            from fedstore.settings.config import Settings

            self._settings = Settings.load(purpose="purging")
        return self._settings

    def close(self) -> None:
        """Close the store if it was opened here; it is opened again when it is needed."""
        engine, self._engine, self._settings = self._engine, None, None
        if engine is not None:
            with contextlib.suppress(Exception):
                engine.close()
