"""Where a view goes: JSON with plain values and units in the names, or Rich text fitted to where it is printed.

JSON escapes everything outside ASCII, so no terminal sequence survives in it. Text goes to a terminal with
colours, elsewhere without; where the output cannot encode the drawing characters, ASCII ones take their place.
"""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING

import click

from fedtop.cli.common import get_settings, now_ms

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fedstore import Json
    from fedtop.cli.options import View
    from fedtop.plain.look import Look

__all__ = [
    "DERIVED",
    "can_encode",
    "emit",
    "look_for",
    "plain_fields",
    "plain_value",
    "print_json",
    "render",
    "show",
]

PIPE_WIDTH = 120
DERIVED = {
    "Rate": ("value", "interval"),
    "WeightedRate": ("interval",),
    "Share": ("rate", "interval"),
    "Ungraded": ("errored", "silent"),
    "Money": ("nano", "known", "mark"),
    "Window": ("length_ms",),
    "LayerAnalysis": ("attempts",),
    "GradeItem": ("margin",),
    "GradeProgress": ("width",),
}


def plain_value(value: object) -> Json:
    """The value as JSON has it: dataclasses by field, an interval as [low, high], a number that is none as null."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
        names += DERIVED.get(type(value).__name__, ())
        return {name: plain_value(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [plain_value(item) for item in value]
    return str(value)


def plain_fields(value: object) -> dict[str, Json]:
    """The fields of a dataclass, or what a mapping holds, as JSON has them."""
    plain = plain_value(value)
    assert isinstance(plain, dict)
    return plain


def print_json(value: object, *, in_a_line: bool = False) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(plain_value(value), indent=None if in_a_line else 2, ensure_ascii=True, allow_nan=False))


def look_for(view: View) -> Look:
    """How text is to look: glyphs, width, colours, the time zone. Raises SettingsError."""
    from fedtop.plain.look import Look

    return Look.of(
        now_ms(),
        ascii_only=get_settings(view).ascii or not can_encode(),
        colours=_colours(view),
        width=_width(),
    )


def render(content: RenderableType, look: Look) -> str:
    """The text of a Rich renderable, without blanks at the ends of lines."""
    from rich.console import Console

    target = io.StringIO()
    console = Console(
        file=target, width=look.width, force_terminal=look.colours, no_color=not look.colours, theme=look.theme,
        markup=False, highlight=False, emoji=False, legacy_windows=False,
        color_system="auto" if look.colours else None,
    )  # fmt: skip
    console.print(content)
    lines = target.getvalue().split("\n")
    text = "\n".join(line.rstrip() for line in lines).rstrip("\n")
    return "\n".join(look.glyphs.adapt(line) for line in text.split("\n")) if look.glyphs.ascii else text


def show(content: RenderableType, look: Look, *, fit: bool = False) -> None:
    """Print a renderable on stdout; with ``fit`` on a cleared screen, and no more lines than that has."""
    text = render(content, look)
    if fit and look.colours:
        click.clear()
        text = "\n".join(text.split("\n")[: shutil.get_terminal_size().lines - 1])
    click.echo(text, color=look.colours)


def emit(view: View, data: Mapping[str, object], content: Callable[[Look], RenderableType]) -> None:
    """Print ``data`` with --json, else what ``content(look)`` draws."""
    if view.as_json:
        print_json(data)
    else:
        look = look_for(view)
        show(content(look), look)


def _colours(view: View) -> bool:
    if view.no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def _width() -> int:
    named = os.environ.get("COLUMNS", "")
    if named.isdigit() and int(named) > 0:
        return max(40, int(named))
    if sys.stdout.isatty():
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns)
    return PIPE_WIDTH


def can_encode() -> bool:
    """Whether standard output can encode the characters of charts and lines."""
    try:
        "▲–█".encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
