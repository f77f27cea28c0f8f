"""The one room that knows a database engine: connections, transactions, locks.

`open_engine` gives an `Engine` (`fedstore.engine.protocol`), whose methods are all that the layers above may use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from fedstore.engine.protocol import Engine

__all__ = ["open_engine"]


def open_engine(address: str | Path, *, readonly: bool = False) -> Engine:
    """Open the store at an address; `readonly` never creates, migrates or writes. Raises StoreError."""
    from fedstore.engine.sqlite import Database

    return Database(address, readonly=readonly)
