"""What the layers above tell an engine about a table whose rows add up."""

from __future__ import annotations

__all__ = ["MOST", "SummaryTable"]

MOST = 2**53
"""Where a sum stops growing: far beyond what anybody spends, so that even thousands of such rows add up in 64 bits."""


class SummaryTable:
    """A table that holds one row per combination of its keys, to which further rows are added.

    `sums` are integers up to `MOST`; `bins` are distributions packed as `fedstore.bins` does it, which merge by
    `add_bins`.
    """

    __slots__ = ("bins", "keys", "name", "sums")

    def __init__(self, name: str, keys: tuple[str, ...], sums: tuple[str, ...], bins: tuple[str, ...] = ()) -> None:
        self.name = name
        self.keys = keys
        self.sums = sums
        self.bins = bins

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, in the order of a row to be merged."""
        return (*self.keys, *self.sums, *self.bins)
