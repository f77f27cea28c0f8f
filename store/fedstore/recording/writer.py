"""The writer of facts: validated events in, one transaction, exact summaries; raises what goes wrong.

The recorder (which never raises), the importers and the shell all write through this. A batch is written
whole or not at all; an event that cannot be recorded is refused by itself, with its reason, and the rest goes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from fedstore.cleaning import clean_name, clean_text
from fedstore.errors import EventError, Reason
from fedstore.facts.batch import Batch
from fedstore.facts.kind import Stamp
from fedstore.facts.kinds import check_fields
from fedstore.facts.validation import (
    EVENT_MODELS,
    are_events,
    event_adapter,
    fields_adapter,
    fields_at,
    fields_of,
    is_event,
    many_fields_adapter,
)
from fedstore.ids import now_ms
from fedstore.interrupts import is_the_programs_own

if TYPE_CHECKING:
    from fedstore.engine.protocol import Engine
    from fedstore.facts.events import Event, Given
    from fedstore.facts.kind import Fields

__all__ = ["FactWriter", "Receipt", "batch_of", "explain", "validated"]

_FIELD_LIMIT = 80
_SHAPELESS = ("union_tag_not_found", "union_tag_invalid", "model_attributes_type", "dict_type")


@dataclass(slots=True)
class Receipt:
    """What became of some events: written, already there, refused (position and reason), or lost.

    With a recorder in background mode `taken` are those that it will write; what becomes of them then is in its
    counters.
    """

    taken: int = 0
    known: int = 0
    rejected: list[tuple[int, Reason]] = field(default_factory=list)
    lost: int = 0
    """Not written because the store could not be (a recorder only; a writer raises)."""

    def __add__(self, other: Receipt) -> Receipt:
        return Receipt(
            self.taken + other.taken, self.known + other.known, self.rejected + other.rejected,
            self.lost + other.lost,
        )  # fmt: skip


def explain(error: ValidationError) -> Reason:
    """The first thing wrong with an event, in one line that names the field."""
    errors = error.errors(include_url=False)
    if not errors[0]["loc"] and errors[0]["type"] in _SHAPELESS:
        return Reason(f"an event is a mapping with a kind, which is one of {', '.join(EVENT_MODELS)}")
    where = _field(errors[0]["loc"])
    wrong = [e for e in errors if _field(e["loc"]) == where][-1]  # of several ways to read a time, the last says most
    message = wrong["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if wrong["type"] == "extra_forbidden":
        return Reason(f"unknown field{_meant(errors[0]['loc'])}", where or "?")
    return Reason(message[:1].lower() + message[1:], where)


def _meant(loc: Sequence[int | str]) -> str:
    """What to do about an unknown field: the known one that looks like it, or where the known ones are listed."""
    from difflib import get_close_matches

    known = fields_at(loc[:-1])
    for name in get_close_matches(str(loc[-1])[:_FIELD_LIMIT], known, 1):
        return f" (did you mean {name}?)"
    return " (`fedtop record event --help` lists the known ones)"


def _field(loc: Sequence[int | str]) -> str:
    """Where an error is; a field's name comes from outside, too."""
    names = [str(part) for part in loc if part not in EVENT_MODELS]
    path = ".".join(name for name in names if not name.startswith(("constrained-int", "function-")))
    return clean_text(clean_name(path), _FIELD_LIMIT)


def validated(event: Given) -> Event:
    """The event itself, or the event a mapping describes. Raises EventError in one clear line."""
    with _explained():
        valid = event if is_event(event) else event_adapter().validate_python(event)
    check_fields(fields_of(valid))
    return valid


@contextmanager
def _explained() -> Iterator[None]:
    """Raises EventError for whatever a validator raises."""
    try:
        yield
    except ValidationError as error:
        raise EventError(explain(error)) from error
    except Exception as error:
        if is_the_programs_own(error):
            raise
        raise EventError(f"cannot be read: {type(error).__name__} in one of its values") from error


def _read(event: object) -> Fields:
    """The fields of one event. Raises EventError."""
    if is_event(event):
        return fields_of(event)
    with _explained():
        return fields_adapter().validate_python(event)


def batch_of(events: Iterable[Given]) -> Iterable[Given]:
    """Some events as they are; what is one thing, though it could be gone through, such as a text, as one."""
    return (events,) if isinstance(events, (str, bytes, bytearray, Mapping, BaseModel)) else events


def _read_all(events: Iterable[Given], receipt: Receipt) -> tuple[Sequence[Fields], Sequence[int]]:
    """The fields of the valid ones with their positions; why the others are not goes to the receipt.

    All in one go, which costs less, and one by one only when one of them is not valid or has an unknown field.
    """
    given = events if isinstance(events, (list, tuple)) else list(batch_of(events))
    if are_events(given):
        return [fields_of(event) for event in given], range(len(given))
    try:
        found = many_fields_adapter().validate_python(list(given))
        if all(event.keys() <= fields.keys() for event, fields in zip(given, found, strict=True)):
            return found, range(len(given))
    except Exception as error:  # the methods of a value that is not what it should be may raise anything
        if is_the_programs_own(error):
            raise
    valid, positions = [], []
    for position, event in enumerate(given):
        try:
            valid.append(_read(event))
            positions.append(position)
        except EventError as error:
            receipt.rejected.append((position, error.reason))
    return valid, positions


class FactWriter:
    """Writes events to a store; one instance may be used by many threads.

    `source` names where facts come from when they do not say; `keep_content` opts in to storing task
    descriptions. `clock` gives the present in UTC epoch milliseconds.
    """

    def __init__(
        self, database: Engine, *, source: str = "", keep_content: bool = False, clock: Callable[[], int] = now_ms
    ) -> None:
        self._database = database
        self._source = source
        self._keep_content = keep_content
        self._clock = clock

    def write(
        self,
        events: Iterable[Given],
        made_id: str | None = None,
        *,
        patience_s: float | None = None,
    ) -> Receipt:
        """Write a batch in one transaction. Raises StoreError; then nothing of the batch was written.

        `made_id`, from `new_id`, becomes the id of a single event that has none. `patience_s` is how long to wait for
        other writers, in seconds; None is as long as the store says.
        """
        batch = Batch(Stamp(self._clock(), self._source, self._keep_content, made_id))
        receipt = Receipt()
        given, positions = _read_all(events, receipt)
        refused = batch.add(given)
        if refused:
            receipt.rejected += [(positions[position], reason) for position, reason in refused]
            receipt.rejected.sort()
        if batch.size:
            with self._database.write(patience_s) as tx:
                taken = batch.write(tx)
            receipt.taken, receipt.known = taken, batch.size - taken
        return receipt
