"""The one room that knows a database engine: connections, transactions, locks.

`open_engine` gives an `Engine` (`fedstore.engine.protocol`), whose methods are all that the layers above may use;
`glimpse` reads a store that may be missing. An address is the path of a store file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from fedstore.engine.protocol import Engine, Glimpse
    from fedstore.finding import Finding

__all__ = ["companion", "engine_finding", "glimpse", "open_engine"]


def open_engine(address: str | Path, *, readonly: bool = False) -> Engine:
    """Open the store at an address; `readonly` never creates, migrates or writes. Raises StoreError."""
    from fedstore.engine.sqlite import Database

    return Database(address, readonly=readonly)


def glimpse(address: str | Path, wait_s: float) -> Glimpse:
    """Look now and then at the store at an address, waiting `wait_s` at most each time."""
    from fedstore.engine.peeking import Peek

    return Peek(str(address), wait_s)


def companion(address: str | Path, ending: str) -> Path:
    """A file of this machine that goes with the store at an address, such as the copy of its policy."""
    from pathlib import Path

    from fedstore.engine.place import beside

    return Path(beside(address, ending))


def engine_finding() -> Finding:
    """What there is to say about the engine itself, whatever store is opened with it."""
    from fedstore.engine.health import version

    return version()
