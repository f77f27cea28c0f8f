"""Compressed files of lines (`rollout-….jsonl.zst`), read as what they were before.

Codex compresses the rollouts of old threads. Such a file is decompressed once, into one without a name, as its readers
go back and forth; a plain file beside it (see `watching`) is read in its place.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_BYTES", "compression_of", "decompressing", "not_decompressed", "open_lines"]

MAX_BYTES = 4 * 1024**3
"""More is not unpacked: a few bytes can stand for any number of them."""
_MAGIC = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
_BLOCK = 1024 * 1024


def compression_of(path: Path, head: bytes) -> str:
    """How a file of JSON that begins with `head` is compressed; "" where it is not."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic) and ".json" in path.name), "")


@cache
def not_decompressed(name: str) -> str:
    """Why files of a compression cannot be read, and what to do; "" for those that can."""
    if name != "zstd":
        return ""
    try:
        import zstandard  # noqa: F401
    except ImportError:
        return "compressed with zstd: `pip install zstandard` to have it read"
    return ""


@contextmanager
def decompressing(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """What is in a file, read from its beginning. Raises OSError, EOFError or the library's own error on damage."""
    file.seek(0)
    if name == "gzip":
        import gzip

        with gzip.GzipFile(fileobj=file) as found:
            yield cast("BinaryIO", found)
        return
    import zstandard

    with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True, closefd=False) as stream:
        yield cast("BinaryIO", stream)


def open_lines(path: Path, disk: BinaryIO) -> tuple[BinaryIO, str]:
    """The file to read the lines of `path` from, `disk` being the one that lies there; and what is the matter with it.

    Of a damaged file that is what came before the damage. Raises OSError.
    """
    name = compression_of(path, disk.read(4))
    disk.seek(0)
    if not name:
        return disk, ""
    plain = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - whoever reads the lines closes it
    size = 0
    try:
        with decompressing(disk, name) as blocks:
            while block := _next(blocks):
                size += plain.write(block)
                if size > MAX_BYTES:
                    return plain, f"more than {MAX_BYTES >> 30} GiB when decompressed: the rest was not read"
    except _DamagedError as error:
        return plain, f"cannot be read further: its {name} data are damaged ({error})"
    except OSError:
        plain.close()
        raise
    return plain, ""


class _DamagedError(Exception):
    """Compressed data that make no sense."""


def _next(blocks: BinaryIO) -> bytes:
    try:
        return blocks.read(_BLOCK)
    except Exception as error:
        raise _DamagedError(str(error) or type(error).__name__) from error
