"""What the shell's quick lanes ask before they take anything on."""

from __future__ import annotations

import os

__all__ = ["only_places_are_set"]

_PLACES = {"FEDTOP_STORE", "FEDTOP_CONFIG"}


def only_places_are_set() -> bool:
    """Whether no variable of ours is set but those that say where the store and the settings file lie."""
    return not any(name.startswith("FEDTOP_") and name not in _PLACES for name in os.environ)
