"""A store and what is done with it: the one object that the recorder, the readers and the policy share.

Opening checks and migrates the file; whatever is wrong comes out as one StoreError. A Store may be used by many
threads; after a fork each process goes on with connections of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from fedstore.engine import open_engine
from fedstore.ids import now_ms
from fedstore.settings.paths import default_store_path, routing_config_path
from fedstore.settings.routing_config import ConfigFile

if TYPE_CHECKING:
    from fedstore.queries import Reader
    from fedstore.recording.recorder import Recorder
    from fedstore.recording.writer import FactWriter
    from fedstore.settings.config import Settings
    from fedstore.settings.routing_config import RoutingConfig

__all__ = ["Store"]


class Store:
    """The store at `path` (from the present folder), by default where `default_store_path` says.

    `readonly` never creates, migrates or writes. `clock` gives the present in UTC epoch milliseconds.
    `settings` are read from the settings file when they are first needed. Raises StoreError, and SettingsError when
    the place is not given and the settings file, which may name it, cannot be read.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        readonly: bool = False,
        clock: Callable[[], int] = now_ms,
        settings: Settings | None = None,
    ) -> None:
        if path is None:
            path = settings.store if settings is not None and settings.store is not None else default_store_path()
        self.clock = clock
        self.database = open_engine(path, readonly=readonly)
        self._given = settings
        self._config_file: ConfigFile | None = None

    @cached_property
    def settings(self) -> Settings:
        """The settings given, else those of the settings file. Raises SettingsError."""
        from fedstore.settings.config import Settings

        return self._given or Settings.load()

    @cached_property
    def upkeep_settings(self) -> Settings:
        """The same, of which purging needs to read the retention alone. Raises SettingsError for a mistake in that."""
        from fedstore.settings.config import Settings

        return self._given or Settings.load(purpose="purging")

    @property
    def path(self) -> Path:
        """The file, from wherever the process goes."""
        return Path(self.database.address)

    @property
    def readonly(self) -> bool:
        """Whether it was opened for reading only."""
        return self.database.readonly

    def reader(self) -> Reader:
        """The read models of the screens and commands."""
        from fedstore.queries import Reader

        return Reader(
            self.database, clock=self.clock, tool_rule=lambda: self.settings.tool_rule, configured=self.routing_config
        )

    def routing_config(self) -> RoutingConfig:
        """What the routing configuration of the settings says, so far as it can be read. Raises SettingsError.

        Of a settings file nothing but its name is looked at.
        """
        if self._config_file is None:
            named = routing_config_path() if self._given is None else self._given.routing_config_json
            self._config_file = ConfigFile(named)
        return self._config_file.known()

    def recorder(self, *, source: str = "", keep_content: bool = False, background: bool = False) -> Recorder:
        """A recorder that never raises; see `Recorder`."""
        from fedstore.recording.recorder import Recorder

        return Recorder(self, source=source, keep_content=keep_content, background=background, clock=self.clock)

    def writer(self, *, source: str = "", keep_content: bool = False) -> FactWriter:
        """A writer that raises what goes wrong; see `FactWriter`."""
        from fedstore.recording.writer import FactWriter

        return FactWriter(self.database, source=source, keep_content=keep_content, clock=self.clock)

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"
