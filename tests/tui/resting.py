"""What the pane need not do again and again while it is tested: Textual made cheaper, without leaving anything out.

Nobody sees the frames between two keys of a test. So the screen is drawn when it stands still (after every key,
click and pause), in which whatever cannot be drawn still fails. Stylesheets are parsed once for all panes that have
the same colours. Real drawing, byte by byte, is tested in tests/tui/test_terminal.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual._compositor import Compositor
from textual._context import visible_screen_stack
from textual._styles_cache import StylesCache
from textual.css.stylesheet import Stylesheet
from textual.geometry import Region
from textual.pilot import Pilot

if TYPE_CHECKING:
    import pytest
    from rich.console import RenderableType
    from textual.app import App
    from textual.css.model import RuleSet

_draw = Compositor.render_update
_wait = Pilot._wait_for_screen
_parse = Stylesheet.parse
_parsed: dict[tuple[object, ...], list[RuleSet]] = {}


def _draw_later(self: Compositor, full: bool = False, **how: Any) -> RenderableType | None:
    """Leaves what has changed to be drawn at rest."""
    return _draw(self, full, **how) if full else None


def _draw_at_rest(app: App[Any]) -> None:
    """Draws the lines of every widget that has changed; they need not be put together, for nobody gets them."""
    screen = app.screen
    size, changed = screen.size, screen._compositor._dirty_regions
    if not changed or not size or not screen.is_running:
        return
    visible_screen_stack.set(app._background_screens)
    region = Region.from_union([*changed]).intersection(size.region)
    changed.clear()
    for _ in screen._compositor._get_renders(region):
        pass


async def _wait_and_draw(self: Pilot[Any], timeout: float = 30.0) -> bool:
    waited = await _wait(self, timeout)
    _draw_at_rest(self.app)
    return waited


def _parse_once(self: Stylesheet) -> None:
    key = (*self.source.items(), *sorted(self._variables.items()))
    if key in _parsed:
        self._rules, self._rules_map, self._require_parse = [*_parsed[key]], None, False
        return
    _parse(self)
    _parsed[key] = [*self._rules]


def rest(patch: pytest.MonkeyPatch) -> None:
    """Puts this in the place of what Textual does."""
    patch.setattr(Compositor, "render_update", _draw_later)
    patch.setattr(Pilot, "_wait_for_screen", _wait_and_draw)
    patch.setattr(Stylesheet, "parse", _parse_once)


def forget() -> None:
    """Lets go of the lines of panes that have ended, which Textual keeps in the key of a cache."""
    StylesCache.get_inner_outer.cache_clear()
