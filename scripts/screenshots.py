"""Draws every view of the pane over a simulated federation into ``screenshots/``: SVGs, and PNGs for the README.

Run it after changing what a view looks like: ``python scripts/screenshots.py`` (``NAME...`` for some of them,
``--no-png`` without the extra ``pictures``). Clock, seed, zone, size and theme are fixed, so that the same code draws
the same bytes; a test compares some of them with the files.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedstore import PolicyStore, Reader, Settings, Simulation, Store, Window
from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from fedtop.views.plan.panel import PlanPanel

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from fedstore.queries.models import CostsView

__all__ = ["FOLDER", "SHOTS", "Federation", "Shot", "SteadyStore", "drawn", "pinned", "png_note", "simulated"]

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
NOW_MS = 1_773_146_096_789
"""2026-03-10 12:34:56.789 UTC, a Tuesday."""
SEED, HOURS = 7, 48
HOURS_AFTER = 3
STORE_BYTES = 24_000_000
_STEP_MS = 60_000
_PATIENCE_S = 60.0
_CELL_PX = 10
"""Width of a character in a PNG: a whole number, or the glyphs drift off the grid."""
_ASPECT, _DEJAVU_ASPECT = 0.61, 0.60205
"""Width of a character by its height: of a cell of the SVG, of a glyph in the font of the PNGs."""
_LAST_CHUNK = 12


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: a tab or a drill-down (``why:`` opens a decision worth asking about), keys pressed, look."""

    name: str
    tab: str = "overview"
    target: str = ""
    press: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 40)
    theme: str = "fedtop-dark"
    png: bool = False
    later: bool = False
    """Over the store some hours after a plan was applied."""
    empty: bool = False
    """Over a store without facts."""


SHOTS = (
    Shot("overview", png=True),
    Shot("overview-80", size=(80, 24)),
    Shot("overview-200", size=(200, 50)),
    Shot("overview-light", theme="fedtop-light"),
    Shot("overview-contrast", theme="fedtop-contrast"),
    Shot("agents", tab="agents"),
    Shot("agent", tab="agents", target="agent:codex"),
    Shot("cascade", tab="cascade"),
    Shot("layer", tab="cascade", target="layer:semantic", press=("left",) * 4, png=True),
    Shot("why", tab="cascade", target="why:"),
    Shot("costs", tab="costs"),
    Shot("tools", tab="tools"),
    Shot("tool", tab="tools", target="tool:bash"),
    Shot("plan", tab="cascade", target="tune", png=True),
    Shot("empty", empty=True),
    Shot("ledger", target="ledger", later=True),
)


class SteadyReader(Reader):
    """A reader that tells no size of the file: it differs with the SQLite library."""

    def costs(self, window: Window, dimension: str = "model", only: Collection[str] | None = None) -> CostsView:
        """As ever, of a store of a round size."""
        return replace(super().costs(window, dimension, only), store_bytes=STORE_BYTES)


class SteadyStore(Store):
    """A store whose pictures are the same on every machine."""

    def reader(self) -> Reader:
        """A reader that knows no zone but universal time."""
        return SteadyReader(self.database, clock=self.clock, tz=UTC)


class Federation:
    """A simulated federation in a store of its own, with a clock that stands still unless it is told to go on."""

    def __init__(self, folder: Path, hours: float = HOURS) -> None:
        self.now_ms = NOW_MS
        self.store = SteadyStore(folder / "fedtop.db", clock=self.clock, settings=Settings())
        self._simulation = Simulation(self.store, SEED, self.clock, hours=hours)
        self._simulation.backfill()

    def clock(self) -> int:
        """The present of the store and of the pane."""
        return self.now_ms

    def apply_a_plan(self) -> None:
        """Puts tuned thresholds in force, and lets the federation live with them for some hours."""
        policy = PolicyStore(self.store)
        policy.apply(policy.propose_tune(), who="demo")
        for _ in range(HOURS_AFTER * 3_600_000 // _STEP_MS):
            self.now_ms += _STEP_MS
            self._simulation.step()

    def decision(self) -> str:
        """The newest decision by the third layer that turned out wrong, else one that was judged: a long way down."""
        recent = self.store.reader().layer("rag", Window.ending("24h", self.now_ms)).recent
        wrong = [row.id for row in recent if row.correct is False]
        judged = [row.id for row in recent if row.correct is not None]
        return [*wrong, *judged, recent[0].id][0]

    def close(self) -> None:
        """Ends the simulation and closes the store."""
        self._simulation.stop()
        self.store.close()


@contextmanager
def simulated(folder: Path) -> Iterator[Federation]:
    """A federation whose history is there."""
    with pinned():
        federation = Federation(folder)
        try:
            yield federation
        finally:
            federation.close()


@contextmanager
def pinned(**variables: str) -> Iterator[None]:
    """Days and months are those of UTC, and colours are wanted, whatever the environment says."""
    before = dict(os.environ)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        os.environ.pop(name, None)
    os.environ.update({"TZ": "UTC", **variables})
    _set_zone()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        _set_zone()


def _set_zone() -> None:
    if hasattr(time, "tzset"):
        time.tzset()


# One picture


async def _draw(shot: Shot, store: Store, decision: str = "") -> str:
    interval_s = store.settings.interval_s
    app = FedtopApp(store, AppOptions(tab=shot.tab, theme=shot.theme, clock=store.clock, tz=UTC, interval_s=interval_s))
    app.animation_level = "none"
    async with app.run_test(size=shot.size) as pilot:
        await _until(pilot, lambda: _settled(app, shot.empty), f"{shot.name}: {shot.tab}")
        if shot.target:
            app.open_target(shot.target + (decision if shot.target.endswith(":") else ""))
            kind = shot.target.partition(":")[0]
            await _until(pilot, lambda: _on_top(app, kind) and _settled(app), f"{shot.name}: {kind}")
        await pilot.press(*shot.press)
        await app.workers.wait_for_complete()
        await pilot.pause()
        return _tidy(app.export_screenshot(title="fedtop", simplify=True), app.theme_variables["background"])


def _on_top(app: FedtopApp, kind: str) -> bool:
    return app.top_panel is not None and app.top_panel.panel_id == kind


def _settled(app: FedtopApp, empty: bool = False) -> bool:
    """Whether what is on top has its data, from the poller and from its workers."""
    panel = app.top_panel
    if panel is None or app.answered != app.asked or app.fresh.never_read:
        return False
    if isinstance(panel, PlanPanel):
        return panel.plan is not None and not panel.computing
    return (panel.shown or empty) and all(worker.is_finished for worker in app.workers)


async def _until(pilot: Pilot[Any], condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"never came about: {what}")
        await asyncio.sleep(0.01)
        await pilot.pause()
    await pilot.pause()


def _tidy(svg: str, background: str) -> str:
    """Without random names and without fonts from the net; glyphs fill their cells whichever font is there."""
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"terminal-\d+-", "", svg)
    svg = svg.replace("font-family: Fira Code, monospace;", f"font-family: {_FONTS};")
    svg = svg.replace("font-family: arial;", "font-family: sans-serif;")
    svg = svg.replace("textLength=", 'lengthAdjust="spacingAndGlyphs" textLength=')
    svg = re.sub(r'<rect fill="#\w+" stroke=', f'<rect fill="{background}" stroke=', svg, count=1)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


_FONTS = "'Fira Code', 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"


# All pictures


def write(names: list[str], png: bool) -> None:
    """Draws the named shots, or all, and says what was written."""
    chosen = [shot for shot in SHOTS if not names or shot.name in names]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, simulated(Path(folder)) as federation:
        for shot in sorted(chosen, key=lambda shot: shot.later):
            if shot.later and federation.now_ms == NOW_MS:
                federation.apply_a_plan()
            path = FOLDER / f"{shot.name}.svg"
            svg = drawn(shot, federation)
            path.write_text(svg, encoding="utf-8")
            if shot.png and png:
                write_png(svg, path.with_suffix(".png"))
            print(f"{path.name}  {path.stat().st_size // 1024} KiB")


def drawn(shot: Shot, federation: Federation) -> str:
    """The picture over the store that it wants; the federation must be as far as the shot."""
    if not shot.empty:
        return asyncio.run(_draw(shot, federation.store, federation.decision() if shot.target == "why:" else ""))
    with (
        tempfile.TemporaryDirectory() as folder,
        pinned(FEDTOP_STORE=str(Path(folder, "fedtop.db"))),
        SteadyStore(clock=federation.clock, settings=Settings()) as store,
    ):
        return asyncio.run(_draw(shot, store))


def write_png(svg: str, target: Path) -> None:
    """The same picture in pixels. CairoSVG knows no textLength: the font is sized to the cells instead."""
    import cairosvg

    fitting = svg.replace(_FONTS, "DejaVu Sans Mono")
    fitting = fitting.replace("font-size: 20px", f"font-size: {20 * _ASPECT / _DEJAVU_ASPECT:.4f}px")
    png: bytes = cairosvg.svg2png(bytestring=fitting.encode(), scale=_CELL_PX / (20 * _ASPECT))
    end = len(png) - _LAST_CHUNK
    target.write_bytes(png[:end] + png_note(svg) + png[end:])


def png_note(svg: str) -> bytes:
    """A text chunk that names the SVG a PNG was made from, so that one of another SVG can be told."""
    body = b"tEXtSource\0" + hashlib.sha256(svg.encode()).hexdigest().encode()
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="pictures to draw (default: all)")
    parser.add_argument("--no-png", action="store_true", help="SVG only")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - {shot.name for shot in SHOTS}:
        sys.exit(f"no such picture: {', '.join(sorted(unknown))}")
    write(arguments.names, not arguments.no_png)


if __name__ == "__main__":
    main()
