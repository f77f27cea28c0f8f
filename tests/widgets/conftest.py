"""Widgets are tested as the pane is."""

from __future__ import annotations

from tests.tui.conftest import _at_rest

__all__ = ["_at_rest"]
