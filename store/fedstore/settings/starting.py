"""The settings that a pane needs for its first frame, without the library that checks settings.

Where no file and no variable says anything there is nothing to check, and half of the time until the first frame
would go into importing what checks it. `config.Settings` takes its defaults from here.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from fedstore.errors import FedstoreError
from fedstore.settings.paths import config_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ENVIRONMENT", "StartSettings", "start_settings"]

ENVIRONMENT = {
    "FEDTOP_STORE": "store",
    "FEDTOP_WINDOW": "window",
    "FEDTOP_INTERVAL": "interval_s",
    "FEDTOP_READONLY": "readonly",
    "FEDTOP_THEME": "theme",
    "FEDTOP_ASCII": "ascii",
    "FEDTOP_KEEP_CONTENT": "keep_content",
}
"""Which variable sets which field of `Settings`."""


class StartSettings(NamedTuple):
    """The fields of `Settings` that a pane begins with, by the same names and with the same defaults."""

    store: Path | None = None
    window: str = "24h"
    interval_s: float = 2.0
    readonly: bool = False
    theme: str = "fedtop-dark"
    ascii: bool = False
    keymap: Mapping[str, str] = MappingProxyType({})


def start_settings(**given: object) -> StartSettings | None:
    """The defaults with what the command line gave (None: nothing), as `Settings.load` would have it.

    None when a settings file or a variable has a say, or the window makes no sense: then `Settings.load` must look.
    """
    from fedstore.window import Window

    told = any(os.environ.get(name) for name in ENVIRONMENT if name != "FEDTOP_STORE")
    if told or os.path.isfile(config_file()):
        return None
    said = {name: value for name, value in given.items() if value is not None}
    settings = StartSettings._make({**StartSettings()._asdict(), **said}.values())
    try:
        Window.ending(settings.window, 0)
    except FedstoreError:
        return None
    return settings
