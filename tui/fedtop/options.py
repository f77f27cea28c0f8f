"""What the pane is started with: values from the command line and the settings file, resolved before it
opens.

Clock, time zone and export folder are parameters, so that every picture can be reproduced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from fedstore import StartSettings, now_ms
from fedtop.zone import local_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["AppOptions", "local_zone"]


_START = StartSettings()


@dataclass(frozen=True, slots=True)
class AppOptions:
    """See the module. `at_ms` is the end of the window (epoch milliseconds); None: the present. `tab` "": the first."""

    window: str = _START.window
    interval_s: float = _START.interval_s
    at_ms: int | None = None
    readonly: bool = False
    theme: str = _START.theme
    ascii: bool = False
    tab: str = ""
    clock: Callable[[], int] = now_ms
    tz: tzinfo = field(default_factory=local_zone)
    export_dir: Path = field(default_factory=Path.cwd)
    keymap: Mapping[str, str] = field(default_factory=dict)
