"""fedtop's own JSON lines: one event per line with its `kind`, as `record event` reads and exports write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fedstore.errors import EventError
from fedstore.facts.kinds import BY_NAME
from fedstore.ids import stable_id
from fedstore.ingest.reader import LineFormat, LineReader
from fedstore.recording.writer import validated

if TYPE_CHECKING:
    from fedstore.facts.events import Event
    from fedstore.json_value import JsonObject

__all__ = ["FORMAT", "EventReader"]


class EventReader(LineReader):
    """Reads one event at a time; it has nothing to remember between lines.

    An event of a file that has no id gets one from its time and all that it says, so that reading the file
    again, or the same line twice, records it once.
    """

    def read(self, value: object) -> list[Event]:
        """The event. Raises EventError."""
        if not isinstance(value, dict) or (kind := BY_NAME.get(str(value.get("kind")))) is None:
            raise EventError(f"kind: must be one of {', '.join(sorted(BY_NAME))}")
        event = validated(value)
        if event.id is not None and event.at is not None:
            return [event]
        if event.at is None and (event.id is None or kind.self_named):
            raise EventError("at: an event in a file needs a time or an id, or reading it again would count it again")
        if event.id is None and event.at is not None and not kind.self_named:
            event = event.model_copy(update={"id": stable_id(event.at, event.model_dump_json())})
        return [event]


def _recognises(value: JsonObject) -> bool:
    kind = value.get("kind")
    return isinstance(kind, str) and kind in BY_NAME and not isinstance(value.get("type"), str)


FORMAT = LineFormat("events", _recognises, lambda _state, _path: EventReader())
