"""Classes of errors as a table: of an agent's runs, of a tool's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fedtop import kinds
from fedtop.fields import Table
from fedtop.widgets.interval_bar import Bar

__all__ = ["ERRORS", "ErrorLine", "error_lines"]


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """A class of errors, how many there were, and of how many of all classes."""

    error_class: str
    count: int
    total: int


ERRORS: Final[Table[ErrorLine]] = Table(
    (
        kinds.name("error_class", "error", 14, lambda e: e.error_class, none="not said", grow=True),
        kinds.drawing(
            "bar", "", 6, lambda e: Bar(e.count / e.total, "$alert"), lambda e: e.count, grow=True, min_width_shown=40
        ),
        kinds.count("count", "count", 7, lambda e: e.count),
    ),
    key=lambda e: e.error_class or "\x00",
    order="count",
)


def error_lines(errors: Iterable[tuple[str, int]]) -> list[ErrorLine]:
    """A line per class, in the order given."""
    found = tuple(errors)
    total = sum(number for _, number in found) or 1
    return [ErrorLine(name, number, total) for name, number in found]
