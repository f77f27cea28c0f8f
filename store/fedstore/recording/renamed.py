"""Events whose fields the caller knows under other names: what is wrong with one is told in the caller's words."""

from __future__ import annotations

from collections.abc import Mapping

from fedstore.errors import Reason

__all__ = ["Renamed", "in_own_words"]


class Renamed(dict[str, object]):
    """An event as a mapping, and what the caller calls some of its fields."""

    def __init__(self, fields: Mapping[str, object], called: Mapping[str, str]) -> None:
        super().__init__(fields)
        self.called = called


def in_own_words(event: object, reason: Reason) -> Reason:
    """Why an event was refused, with its field under the name that the caller gave it."""
    if not isinstance(event, Renamed):
        return reason
    return Reason(reason.message, event.called.get(reason.field, reason.field))
