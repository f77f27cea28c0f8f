"""Stores that many tests begin with: made once in a process, and copied for each of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from tempfile import TemporaryDirectory

_made: dict[Hashable, tuple[bytes, int]] = {}


def copied(path: Path, key: Hashable, make: Callable[[Path], None]) -> Path:
    """Writes to `path` the store that `make` makes (and closes) at a path that it is given; `key` tells which it is."""
    if key not in _made:
        with TemporaryDirectory() as folder:
            file = Path(folder, "made.db")
            make(file)
            assert not [*Path(folder).glob("*-wal")], "close it: what lies beside the file would be lost"
            _made[key] = file.read_bytes(), file.stat().st_mode
    content, mode = _made[key]
    path.write_bytes(content)
    path.chmod(mode)
    return path
