"""What JSON can hold, as a type: the one name for values whose shape only their reader knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, Union

__all__ = ["Json", "JsonObject", "object_of", "plain_value"]

Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007 - quoted parts
"""A value as `json.loads` gives it."""
JsonObject: TypeAlias = dict[str, Json]


def object_of(value: object) -> dict[str, object]:
    """What an object of JSON holds, copied; nothing where the value is none."""
    return dict(value) if isinstance(value, dict) else {}


def plain_value(value: object) -> object:
    """The same in the types that JSON gives back: lists for tuples, names for keys."""
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(item) for item in value]
    return value
