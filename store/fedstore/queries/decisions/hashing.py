"""Stable hashes of event ids, computed for many ids at once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["hash_ids"]

_LONG_ID = 64


def hash_ids(ids: Sequence[bytes]) -> NDArray[np.uint64]:
    """A stable 64-bit hash per id (UTF-8): which part of a split a decision belongs to never changes.

    In the manner of FNV-1a, over zero-padded little-endian 64-bit words, one word of all ids at a time.
    """
    if not len(ids):
        return np.empty(0, dtype=np.uint64)
    if max(map(len, ids)) > _LONG_ID:  # one long id must not widen the table for all of them
        ids = [_shortened(text) for text in ids]
    words = -(-max(map(len, ids)) // 8) or 1
    table = np.array(ids, dtype=f"S{words * 8}").view("<u8").reshape(len(ids), words)
    digest = np.full(len(ids), 0xCBF29CE484222325, dtype=np.uint64)
    for word in table.T:
        mixed = (digest ^ word) * np.uint64(0x100000001B3)
        mixed ^= mixed >> np.uint64(29)
        # Padding says nothing: the hash of an id does not depend on the ids beside it.
        digest = np.where(word != 0, mixed, digest)
    return digest


def _shortened(text: bytes) -> bytes:
    return text if len(text) <= _LONG_ID else hashlib.blake2b(text, digest_size=32).hexdigest().encode()
