"""Alarms about applied changes among what needs attention. Pure; the overview and the list of alerts share it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore import Alarm
    from fedstore.queries.models import Overview

__all__ = ["CHANGE", "with_alarms"]

CHANGE: Final = "change:"
"""What the target of an alarm begins with; the number of the change follows."""
_ORDER: Final = {"alert": 0, "warn": 1, "info": 2}


def with_alarms(overview: Overview, alarms: Sequence[Alarm]) -> Overview:
    """The overview with the alarms among what needs attention, worst first; a harmful change is ill health."""
    if not alarms:
        return overview
    # What the shell would be told to type is a key here.
    told = [(alarm.severity, alarm.text.partition(": `")[0], f"{CHANGE}{alarm.change_id}") for alarm in alarms]
    attention = sorted([*told, *overview.attention], key=lambda item: _ORDER.get(item[0], len(_ORDER)))
    worst = attention[0][0] if attention[0][0] in ("alert", "warn") else overview.health
    return replace(overview, attention=tuple(attention), health=worst)
