"""Files that other programs read: replaced whole, or left exactly as they were.

The new text is written beside the file, as ``.NAME.PID.RANDOM.fedtop-new``, and put in its place. A process that is
killed in between leaves that behind; the next write of the same file clears it away.
"""

from __future__ import annotations

import errno
import json
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from fedstore.errors import FedstoreError

__all__ = ["is_gone", "read_json", "replace_json", "replace_text"]

_SUFFIX = ".fedtop-new"
_LONGEST_WRITE_S = 3600.0


_LONE = re.compile("[\ud800-\udfff]")


def read_json(content: bytes) -> object:
    """The JSON value that a file holds. Raises ValueError, also for what is nested too deeply to be read.

    And for an object that has a key twice: whoever writes it back would drop one of the two without a word.
    """
    try:
        value: object = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_distinct)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]!r} stands twice in one object")
    return found


def replace_json(path: Path, value: object) -> None:
    """Replace a file by a JSON value, as `replace_text` does; its folder is made. Raises FedstoreError.

    Half a character (a lone surrogate), which JSON can say and UTF-8 cannot, is written as the escape that it came as.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError as error:
        raise FedstoreError(f"{path} cannot be written: what it holds is nested too deeply") from error
    text = _LONE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    replace_text(path, text + "\n", make_folder=True)


def replace_text(path: Path, text: str, *, make_folder: bool = False) -> None:
    """Replace a file whole, or leave it as it was; a link is followed, permissions are kept. Raises FedstoreError.

    A device or a pipe, such as ``/dev/stdout``, is written to and not replaced.
    """
    target = Path(os.path.realpath(path))
    temporary = None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FedstoreError(f"{path} cannot be written: half a character (a lone surrogate) is in its text") from error
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        if make_folder:
            target.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(target)
        prefix = f".{target.name}.{os.getpid()}."
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=_SUFFIX)
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o644)
        temporary.replace(target)
    except BaseException as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        if not isinstance(error, OSError):
            raise
        raise FedstoreError(f"{path} cannot be written ({error.strerror}): {_advice(error)}") from error


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "free some space, or choose another place"
    return "check its permissions"


def _clear_leftovers(target: Path) -> None:
    """Remove what processes that were killed left beside ``target``; what cannot be removed stays."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.[^.]+{re.escape(_SUFFIX)}", re.ASCII)
    for beside in target.parent.iterdir():
        found = ours.fullmatch(beside.name)
        if found is not None:
            with suppress(OSError):
                if is_gone(int(found[1])) or time.time() - beside.stat().st_mtime > _LONGEST_WRITE_S:
                    beside.unlink()


def is_gone(pid: int) -> bool:
    """Whether no such process runs; where that cannot be asked (on Windows the question would end it), no."""
    if os.name == "nt":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # it is another user's; or no process can have this number
        return False
    return False
