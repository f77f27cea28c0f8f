"""How what is given becomes an event: one validator for all kinds of facts.

The models are what callers hold; the writer works with their `Fields`, plain dictionaries that the same checks give
for less.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeGuard, get_args

from pydantic import BaseModel, Field, GetCoreSchemaHandler, TypeAdapter

from fedstore.facts.kinds import FACTS, STATES

if TYPE_CHECKING:
    from fedstore.facts.events import Event
    from fedstore.facts.kind import Fields

__all__ = [
    "EVENT_MODELS", "EVENT_TYPES", "are_events", "event_adapter", "event_schema", "fields_adapter", "fields_at",
    "fields_of", "is_event", "many_fields_adapter",
]  # fmt: skip

EVENT_MODELS: Mapping[str, type[BaseModel]] = {kind.name: kind.face() for kind in (*FACTS, *STATES)}
"""The model of each kind."""
EVENT_TYPES = frozenset(EVENT_MODELS.values())


def is_event(value: object) -> TypeGuard[Event]:
    """Whether something is an event already: an object of just one of the models."""
    return type(value) in EVENT_TYPES


def are_events(given: Sequence[object]) -> TypeGuard[Sequence[Event]]:
    """Whether all of some things are, and there is one."""
    return bool(given) and is_event(given[0]) and (len(given) == 1 or EVENT_TYPES.issuperset(map(type, given)))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _inner(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The fields of a model that hold models, or tuples of them."""
    return {name: inner for name, field in model.model_fields.items() for inner in _models_in(field.annotation)}


_INNER = {model: found for model in EVENT_TYPES if (found := _inner(model))}
_KNOWN = {**EVENT_MODELS, **{name: inner for found in _INNER.values() for name, inner in found.items()}}


def fields_at(where: Sequence[int | str]) -> list[str]:
    """The fields that are known at a place in an event: its kind, then the names and numbers of what lies inside."""
    names = [part for part in where if part in _KNOWN]
    return list(_KNOWN[str(names[-1])].model_fields) if names else []


def fields_of(event: Event) -> Fields:
    """The fields of an event; those of the models inside it, too, as plain dictionaries."""
    inner = _INNER.get(type(event))
    if inner is None:
        return event.__dict__
    return {**event.__dict__, **{name: _plain(getattr(event, name)) for name in inner}}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return tuple([part.__dict__ for part in value])
    return None if value is None else value.__dict__


@cache
def event_adapter() -> TypeAdapter[Event]:
    """The validator of any one event given as a mapping with its `kind`."""
    any_of_them: Any = Annotated[reduce(or_, EVENT_MODELS.values()), Field(discriminator="kind")]
    return TypeAdapter(any_of_them)


class _AsFields:
    """Marks events that are to be validated into `Fields`; `strictly`: unknown fields are refused, not left out."""

    def __init__(self, *, strictly: bool) -> None:
        self._strictly = strictly

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> object:
        schema = _without_models(event_adapter().core_schema)
        if not self._strictly and isinstance(schema, dict):
            for kind in schema["choices"].values():
                kind["extra_behavior"] = "ignore"
        return schema


def event_schema() -> dict[str, object]:
    """The JSON schema of an event of any kind, as `fedtop record event` reads them, one a line."""
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return {"$schema": dialect, "title": "Event", **event_adapter().json_schema()}


@cache
def fields_adapter() -> TypeAdapter[Fields]:
    """The validator of a mapping that describes an event, which gives its `Fields`.

    The same checks as the models', whose objects cost a quarter of validation and are of no use to the recorder.
    """
    return TypeAdapter(Annotated[dict[str, object], _AsFields(strictly=True)])


@cache
def many_fields_adapter() -> TypeAdapter[list[Fields]]:
    """The same for a list of mappings, but unknown fields of an event are left out: that is for the caller to notice.

    To refuse them here costs a fifth of validation, to compare the keys a tenth.
    """
    return TypeAdapter(list[Annotated[dict[str, object], _AsFields(strictly=False)]])


def _without_models(schema: object) -> object:
    """A schema of pydantic's core that gives a dictionary wherever the given one gives a model."""
    if isinstance(schema, (list, tuple)):
        return type(schema)(_without_models(part) for part in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") != "model":
        return {key: _without_models(part) for key, part in schema.items()}
    fields = {
        name: {
            "type": "typed-dict-field",
            "schema": _without_models(field["schema"]),
            "required": field["schema"]["type"] != "default",
        }
        for name, field in schema["schema"]["fields"].items()
    }
    return {"type": "typed-dict", "fields": fields, "extra_behavior": "forbid", "config": schema["config"]}
