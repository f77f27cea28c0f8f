"""Read models: bounded, named SQL per view, one typed result each (`Reader`, loaded when it is first used)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.queries.reader import Reader

__all__ = ["Reader"]


def __getattr__(name: str) -> object:
    if name != "Reader":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from fedstore.queries.reader import Reader

    return Reader
