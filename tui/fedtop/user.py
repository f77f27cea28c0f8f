"""Who sits at the keyboard, for the ledger."""

from __future__ import annotations

import getpass

__all__ = ["user_name"]


def user_name(otherwise: str) -> str:
    """The user's name; `otherwise` where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return otherwise
