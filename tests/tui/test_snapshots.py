"""What each tab looks like: narrow and wide in the dark theme, and once in the light one.

The size between is that of ``screenshots/``, which has a test of its own. After a change that is meant:
``pytest tests/tui/test_snapshots.py --snapshot-update``, and look at the result.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any

import pytest
from scripts.screenshots import SteadyStore

from fedstore.store import Store
from fedtop.app import FedtopApp
from fedtop.options import AppOptions
from fedtop.tabs import tab_ids
from tests.tui.frames import until

if TYPE_CHECKING:
    from textual.pilot import Pilot

LOOKS = [("fedtop-dark", (80, 24)), ("fedtop-dark", (200, 50)), ("fedtop-light", (120, 40))]


async def settled(pilot: Pilot[Any]) -> None:
    """Waits until the tab shows what was read and no worker is under way."""
    app = pilot.app
    assert isinstance(app, FedtopApp)
    await until(pilot, lambda: app.top_panel is not None and app.top_panel.shown, "the tab is shown")
    await until(pilot, lambda: all(worker.is_finished for worker in app.workers), "workers are done")
    await pilot.pause()


@pytest.mark.parametrize(("theme", "size"), LOOKS, ids=[f"{theme[7:]}-{size[0]}" for theme, size in LOOKS])
@pytest.mark.parametrize("tab", tab_ids())
def test_tab(
    seeded_store: Store,
    snap_compare: Callable[..., bool],
    monkeypatch: pytest.MonkeyPatch,
    tab: str,
    theme: str,
    size: tuple[int, int],
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    options = AppOptions(tab=tab, theme=theme, clock=seeded_store.clock, tz=UTC, interval_s=60.0)
    with SteadyStore(seeded_store.path, clock=seeded_store.clock) as store:
        app = FedtopApp(store, options)
        app.animation_level = "none"
        assert snap_compare(app, terminal_size=size, run_before=settled)
