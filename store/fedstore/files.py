"""Files that other programs read: replaced whole, or left exactly as they were."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from fedstore.errors import FedstoreError

__all__ = ["replace_text"]


def replace_text(path: Path, text: str) -> None:
    """Replace a file whole, or leave it as it was; a link is followed, permissions are kept. Raises FedstoreError."""
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        temporary.replace(target)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        raise FedstoreError(f"{path} cannot be written ({error.strerror}): check its permissions") from error
