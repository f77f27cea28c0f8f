"""The store's health and the settings as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import Column, header, heading, lines, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedtop.plain.look import Look

__all__ = ["findings", "settings_table"]


def findings(found: Iterable[Any], look: Look) -> RenderableType:
    """One line per finding, with its advice below it."""
    rows: list[str | Text] = []
    for finding in found:
        rows.append(fmt.state_text(finding.severity, look.name(finding.message, 200).plain, look.glyphs))
        if finding.advice:
            rows.append(Text(f"  {look.name(finding.advice, 200).plain}", "$dim"))
    return Group(header("DOCTOR", look), heading("Findings"), lines(rows))


def settings_table(
    path: str, rows: Sequence[tuple[str, Any, str]], meanings: Mapping[str, str], look: Look
) -> RenderableType:
    """Name, value, where it comes from, what it means."""
    columns: list[Column] = [("Setting", "left"), ("Value", "left"), ("From", "left"), ("Meaning", "left")]
    shown = [
        (name, look.name(_value(value), 60), look.name(source, 40), look.name(meanings.get(name, ""), 90))
        for name, value, source in rows
    ]
    return Group(header("SETTINGS", look, f"File: {path}"), Text(""), table(columns, shown, wrap_last=True))


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
