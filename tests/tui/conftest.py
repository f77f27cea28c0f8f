"""Panes that are tested are drawn at rest, see `tests.tui.resting`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tui import resting


@pytest.fixture(autouse=True)
def _at_rest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    resting.rest(monkeypatch)
    yield
    resting.forget()
