"""What JSON can hold, as a type: the one name for values whose shape only their reader knows."""

from __future__ import annotations

from typing import TypeAlias, Union

__all__ = ["Json", "JsonObject"]

Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007 - quoted parts
"""A value as `json.loads` gives it."""
JsonObject: TypeAlias = dict[str, Json]
