"""The store's health and the settings as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fedtop import format as fmt
from fedtop.plain.blocks import header, heading, lines
from fedtop.sanitize import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fedstore import Finding
    from fedtop.plain.look import Look

__all__ = ["findings", "settings_list"]


def findings(found: Iterable[Finding], look: Look) -> RenderableType:
    """One line per finding, with its advice below it."""
    rows: list[str | Text] = []
    for finding in found:
        rows.append(fmt.state_text(finding.severity, clean(finding.message, None), look.glyphs))
        if finding.advice:
            rows.append(Text(f"  {clean(finding.advice, None)}", "$dim"))
    return Group(header("DOCTOR", look), heading("Findings"), lines(rows))


def settings_list(
    path: str, rows: Sequence[tuple[str, object, str]], meanings: Mapping[str, str], look: Look
) -> RenderableType:
    """``name = value   (where from)``, and below it what it means."""
    found: list[Text] = []
    for name, value, source in rows:
        shown = clean(_value(value), None) or look.glyphs.none
        origin = "" if source == "default" else f"   ({clean(source, None)})"
        found.append(Text.assemble(f"{name} = ", (shown, "bold"), (origin, "$accent")))
        found.append(Text(f"    {clean(meanings.get(name, ''), None)}", "$dim"))
    return Group(header("SETTINGS", look, f"File: {path}"), Text(""), lines(found))


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
