"""A view whose list shows, where the terminal has room for it, what is under its cursor in more detail below."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from fedtop.views.panel import Panel
from fedtop.widgets.live_table import LiveTable

__all__ = ["PreviewPanel"]

Data = TypeVar("Data")


class PreviewPanel(Panel[Data]):
    """See the module. `LIST` and `PREVIEW` are the selectors of both; the stylesheet hides the preview.

    The argument `selected` of `read` is the key under the cursor; there is none while nothing of it would be seen.
    """

    LIST: ClassVar[str]
    PREVIEW: ClassVar[str]

    def follow(self) -> None:
        """Reads anew when the cursor is on another row, or when the preview came or went."""
        wanted = self.query_one(self.LIST, LiveTable).cursor_key if self.query_one(self.PREVIEW).display else None
        if wanted != self.args.get("selected"):
            self.ask(selected=wanted)

    def on_resize(self) -> None:
        """The stylesheet may show or hide the preview now."""
        if self.shown:
            self.call_after_refresh(self.follow)
