"""How printed text looks: glyphs, width, colours and the time zone, decided once per command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from rich.text import Text
from rich.theme import Theme

from fedtop.glyphs import ASCII, UNICODE, Glyphs
from fedtop.sanitize import clean

__all__ = ["Look"]

_STYLES: Final = {
    "ok": "green", "warn": "yellow", "alert": "red", "info": "blue", "idle": "dim", "unknown": "dim", "dim": "dim",
    "accent": "cyan",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """Glyphs, width in cells, whether colours are shown, and the zone that times are shown in."""

    glyphs: Glyphs
    width: int
    colours: bool
    tz: tzinfo
    theme: Theme

    @classmethod
    def of(cls, *, ascii_only: bool = False, width: int = 120, colours: bool = False, tz: tzinfo | None = None) -> Look:
        """A look; ``tz`` is the machine's zone when not given."""
        plain = {f"${name}": style for name, style in _STYLES.items()}
        bold = {f"bold ${name}": f"bold {style}" for name, style in _STYLES.items()}
        here = tz or datetime.now(UTC).astimezone().tzinfo or UTC
        return cls(ASCII if ascii_only else UNICODE, width, colours, here, Theme({**plain, **bold}))

    @property
    def wide(self) -> bool:
        """Whether secondary columns fit."""
        return self.width >= 100

    def name(self, text: str, limit: int = 28) -> Text:
        """A name from outside, on one line; the dash for none."""
        return Text(clean(text, limit) if text else self.glyphs.none)

    def cell(self, text: str) -> str:
        """Our own words in this look's characters."""
        return self.glyphs.adapt(text)
