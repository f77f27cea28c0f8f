"""How printed text looks: glyphs, width, colours and the time zone, decided once per command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Final

from rich.text import Text
from rich.theme import Theme

from fedtop.fields import Locale
from fedtop.format import date_time
from fedtop.glyphs import ASCII, UNICODE, Glyphs
from fedtop.sanitize import clean
from fedtop.zone import local_zone

if TYPE_CHECKING:
    from fedstore import Window

__all__ = ["Look"]

_STYLES: Final = {
    "ok": "green", "warn": "yellow", "alert": "red", "info": "blue", "idle": "dim", "unknown": "dim", "dim": "dim",
    "accent": "cyan",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """Glyphs, width in cells, whether colours are shown, the zone that times are shown in, and the present."""

    glyphs: Glyphs
    width: int
    colours: bool
    tz: tzinfo
    now_ms: int
    theme: Theme

    @classmethod
    def of(
        cls, now_ms: int, *, ascii_only: bool = False, width: int = 120, colours: bool = False,
        tz: tzinfo | None = None,
    ) -> Look:  # fmt: skip
        """A look; ``tz`` is the machine's zone when not given."""
        plain = {f"${name}": style for name, style in _STYLES.items()}
        bold = {f"bold ${name}": f"bold {style}" for name, style in _STYLES.items()}
        here = tz or local_zone()
        return cls(ASCII if ascii_only else UNICODE, width, colours, here, now_ms, Theme({**plain, **bold}))

    def locale(self, window: Window | None = None) -> Locale:
        """How the fields of a table are written; within a `window` where that tells its times apart."""
        return Locale(self.glyphs, self.tz, self.now_ms, window)

    def when(self, at_ms: int) -> str:
        """A moment, with its year where that is not the present one."""
        return date_time(at_ms, self.tz, self.now_ms, self.glyphs)

    def name(self, text: str, limit: int = 28) -> Text:
        """A name from outside, on one line; the dash for none."""
        return Text(clean(text, limit) if text else self.glyphs.none)

    def cell(self, text: str) -> str:
        """Our own words in this look's characters."""
        return self.glyphs.adapt(text)
