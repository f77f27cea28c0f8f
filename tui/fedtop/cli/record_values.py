"""What the flags of record take, and what is wrong with them in their own words.

The store knows a fact by its fields, in milliseconds; whoever types a flag has to be told of that flag, in its unit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from fedstore import MAX_DURATION_MS
from fedtop.cli.options import Command

if TYPE_CHECKING:
    from fedstore import Reason

__all__ = ["attempt_of", "duration_option", "in_flags", "truth_option"]

TRUTH = click.Choice(["true", "false"], case_sensitive=False)
_ATTEMPT = "LAYER,CONFIDENCE,THRESHOLD[,AGENT[,MS]]"
_PART = {"layer": "LAYER", "confidence": "CONFIDENCE", "threshold": "THRESHOLD", "agent": "AGENT", "latency_ms": "MS"}


def truth_option(name: str, text: str, *, required: bool = False) -> Callable[[Command], Command]:
    """``--name true|false``, None when it is left out."""
    return click.option(name, type=TRUTH, callback=_truth, required=required, help=text)


def _truth(_context: click.Context, _option: click.Parameter, value: str | None) -> bool | None:
    return None if value is None else value == "true"


def duration_option(unit: str, unit_ms: int, text: str) -> Callable[[Command], Command]:
    """``--duration`` in a unit, handed over in milliseconds; None when it is left out."""
    most = MAX_DURATION_MS // unit_ms

    def milliseconds(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
        if value is None:
            return None
        if not 0 <= value <= most:
            raise click.BadParameter(f"{value:g} is no length of time: give {unit} from 0 to {most:,}")
        return value * unit_ms

    return click.option("--duration", type=float, callback=milliseconds, metavar=unit, help=text)


def attempt_of(text: str, chosen: str) -> dict[str, object]:
    """``keyword,0.82,0.85,kimi,3.2``; the layer that decided is the one that accepted."""
    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 5:
        raise click.BadParameter(f"{text!r}: give {_ATTEMPT}", param_hint="--attempt")
    layer, *numbers = parts[:3]
    try:
        confidence, threshold = (float(number) for number in numbers)
        latency = float(parts[4]) if len(parts) == 5 else None
    except ValueError:
        wrong = f"{text!r}: CONFIDENCE, THRESHOLD and MS are numbers"
        raise click.BadParameter(wrong, param_hint="--attempt") from None
    return {"layer": layer, "confidence": confidence, "threshold": threshold, "accepted": layer == chosen,
            "agent": parts[3] if len(parts) > 3 else "", "latency_ms": latency}  # fmt: skip


def in_flags(reason: Reason, flags: Mapping[str, str]) -> str:
    """Why a fact was refused, with the flag of each field it names."""
    if reason.field in flags:
        return f"{flags[reason.field]}: {reason.message}"
    if attempt := re.fullmatch(r"attempts\.(\d+)\.(\w+)", reason.field):
        return f"{flags['attempts']} {int(attempt[1]) + 1}: {_PART[attempt[2]]}: {reason.message}"
    return re.sub(r"\b\w+_\w+\b|^attempts\b", lambda name: flags.get(name[0], name[0]), reason)
