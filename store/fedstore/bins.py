"""Log-spaced bins of durations, and the equal bins of a confidence.

A duration of ``us`` microseconds falls into bin ``floor(log(us) / log(GROWTH))``; the bin's geometric middle
differs from any member by at most ``sqrt(GROWTH) - 1``, 1.98 %. Bins of two periods merge by addition, so a
percentile over any window costs the same however many facts lie in it. Bins are computed here and stored
with the fact, because SQLite may have been built without logarithms.
"""

from __future__ import annotations

import array
import math
import sys
from bisect import bisect_left
from collections import defaultdict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = [
    "CONFIDENCE_BINS", "GROWTH", "add_bins", "bin_middle_us", "confidence_bin", "counts_of", "duration_bins",
    "duration_once",     "join_bins", "once", "pack_bins", "percentiles", "read_bins", "together",
]  # fmt: skip

GROWTH = 1.04
CONFIDENCE_BINS = 40
_PER_E_FOLD = 1.0 / math.log(GROWTH)
_NUMPY_BYTES = 4_096
_IMPORT_BYTES = 8_388_608
"""Numpy adds up faster from 500 pairs on, but to import it costs as much as to add up a million pairs without."""
_ZERO_BIN = -1  # less than a microsecond
_SWAP = sys.byteorder == "big"


def bin_middle_us(index: int) -> float:
    """The geometric middle of a bin, in microseconds."""
    return 0.0 if index == _ZERO_BIN else GROWTH ** (index + 0.5)


def confidence_bin(confidence: float | None) -> int | None:
    """The bin 0 … CONFIDENCE_BINS - 1 of a confidence in [0, 1]; 1.0 belongs to the last."""
    if confidence is None:
        return None
    return min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)


def percentiles(counts: Mapping[int, int], wanted: Sequence[float]) -> list[float | None]:
    """The ``wanted`` quantiles (0 … 1), in microseconds, of the counts of bins.

    Nearest-rank, each off by at most 2 %; all None when there is no count.
    """
    ordered = sorted(counts.items())
    total = sum(counts.values())
    if total <= 0:
        return [None] * len(wanted)
    return [_at_rank(ordered, max(1, math.ceil(q * total))) for q in wanted]


def counts_of(blobs: Iterable[bytes]) -> Mapping[int, int]:
    """The count of each bin in some packed distributions."""
    blob = b"".join(blobs)
    if len(blob) >= (_NUMPY_BYTES if "numpy" in sys.modules else _IMPORT_BYTES):
        return _counts_by_numpy(blob)
    counts: defaultdict[int, int] = defaultdict(int)
    for index, count in read_bins(blob):
        counts[index] += count
    return counts


def _counts_by_numpy(blob: bytes) -> Mapping[int, int]:
    import numpy as np

    pairs = np.frombuffer(blob, "<i4").reshape(-1, 2)
    lowest = int(pairs[:, 0].min())
    sums = np.bincount(pairs[:, 0] - lowest, weights=pairs[:, 1])
    return {lowest + int(i): int(sums[i]) for i in np.flatnonzero(sums)}


def together(parts: Sequence[Mapping[int, int]]) -> Mapping[int, int]:
    """The counts of some distributions added up."""
    first, *others = parts or ({},)
    if not others:
        return first
    total = defaultdict(int, first)
    for counts in others:
        for index, count in counts.items():
            total[index] += count
    return total


def _at_rank(ordered: Sequence[tuple[int, int]], rank: int) -> float:
    seen = 0
    for index, count in ordered:
        seen += count
        if seen >= rank:
            return bin_middle_us(index)
    return bin_middle_us(ordered[-1][0])


# --- packed: sorted (bin, count) pairs of signed 32-bit little-endian integers --------------------------------


def pack_bins(counts: Mapping[int, int]) -> bytes:
    """The packed form of a distribution; empty bins are left out, so that equal distributions are equal bytes."""
    flat = array.array("i")
    for index in sorted(counts):
        if counts[index]:
            flat.append(index)
            flat.append(counts[index])
    return _bytes(flat)


class _Once(dict[int, bytearray]):
    """The packed forms of single counts, made when they are first asked for: there are some hundreds of bins.

    The driver asks every adapter about ``bytes``, but not about a ``bytearray``, which costs a twentieth to bind.
    """

    def __missing__(self, index: int) -> bytearray:
        self[index] = packed = bytearray(pack_bins({index: 1}))
        return packed


once = _Once().__getitem__
"""The packed form of a bin that was met once; not to be changed."""


def duration_once(us: int) -> bytearray:
    """The packed distribution of one duration in microseconds; not to be changed."""
    return once(_ZERO_BIN if us < 1 else int(math.log(us) * _PER_E_FOLD))


def duration_bins(us: int | None) -> tuple[int, ...]:
    """The bin of a duration in microseconds; none of one that is not known."""
    if us is None:
        return ()
    return (_ZERO_BIN if us < 1 else int(math.log(us) * _PER_E_FOLD),)


def read_bins(blob: bytes | bytearray) -> Iterator[tuple[int, int]]:
    """The (bin, count) pairs of one blob, or of several joined."""
    values = iter(_flat(blob))
    return zip(values, values, strict=True)


def add_bins(there: bytes, added: bytes) -> bytes:
    """The packed sum of two packed distributions; quick for one added pair, which is what one fact adds."""
    if not added or not there:
        return there or added
    if len(added) > 8 or _SWAP:
        return join_bins((there, added))
    flat = array.array("i", there)
    index, count = array.array("i", added)
    at = 2 * bisect_left(flat[::2], index)
    if at == len(flat) or flat[at] != index:
        return there[: 4 * at] + added + there[4 * at :]
    flat[at + 1] += count
    return flat.tobytes() if flat[at + 1] else there[: 4 * at] + there[4 * at + 8 :]


def join_bins(blobs: Iterable[bytes | bytearray]) -> bytes:
    """The packed sum of some packed distributions."""
    total: dict[int, int] = {}
    for index, count in read_bins(b"".join(blobs)):
        total[index] = total.get(index, 0) + count
    return pack_bins(total)


def _flat(blob: bytes | bytearray) -> array.array[int]:
    flat = array.array("i")
    flat.frombytes(blob)
    if _SWAP:
        flat.byteswap()
    return flat


def _bytes(flat: array.array[int]) -> bytes:
    if _SWAP:
        flat.byteswap()
    return flat.tobytes()
