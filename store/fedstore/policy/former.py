"""Names that fields of stored and printed values had before: the JSON says both, and either is read.

Fields that are gone are passed over when something stored is read, and fields that have come since keep their defaults,
so that old plans and ledgers stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

__all__ = ["FORMER_NAMES", "Plain", "read", "with_former_names"]

Plain: TypeAlias = Mapping[str, Any]
"""A value as JSON has it: the one form that is not typed yet. Whoever reads it raises for what it should not be."""
Value = TypeVar("Value", bound="_Dataclass")


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


FORMER_NAMES: Mapping[str, str] = {"rule": "policy", "conclusion": "verdict", "state": "verdict"}
"""Of plans and their settings (`rule`, `conclusion`) and of the effects of a change (`state`)."""


def with_former_names(plain: Plain) -> dict[str, object]:
    """The same with each field under its former name too."""
    return {**plain, **{former: plain[name] for name, former in FORMER_NAMES.items() if name in plain}}


def read(kind: type[Value], plain: Plain, **given: object) -> Value:
    """A dataclass from its stored fields, some of which (`given`) were read already.

    Raises TypeError for a value without a field that has no default.
    """
    found = {}
    for name in (field.name for field in fields(kind)):
        stored = name if name in plain else FORMER_NAMES.get(name, name)
        if stored in plain:
            found[name] = plain[stored]
    return kind(**{**found, **given})
