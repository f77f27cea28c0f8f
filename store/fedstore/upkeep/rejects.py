"""Refused facts: what could not be recorded, from where, and why.

The reason and a digest are kept, the text itself only on opt-in, since it may hold what nobody meant to store.
The same text of one source is kept once; how often it was sent is counted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from fedstore.cleaning import TEXT_LIMIT, clean_text

if TYPE_CHECKING:
    from fedstore.engine.protocol import Row

__all__ = [
    "LOSS_INSERT",
    "REASON_LIMIT",
    "REFUSAL_INSERT",
    "REJECT_INSERT",
    "Reject",
    "as_text",
    "reject_row",
    "reject_rows",
]

_INSERT = (
    "INSERT INTO rejects (source, line, byte_offset, reason, digest, text, recorded_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
REJECT_INSERT = f"{_INSERT} ON CONFLICT DO NOTHING"
"""Of lines of files, which may be read again."""
REFUSAL_INSERT = (
    f"{_INSERT} ON CONFLICT (source, digest)"
    " DO UPDATE SET count = rejects.count + 1, recorded_ms = excluded.recorded_ms"
)
"""Of what was sent: each time it is another fact that is missing."""
LOSS_INSERT = "INSERT INTO losses (count, reason, first_ms, recorded_ms) VALUES (?, ?, ?, ?)"

REASON_LIMIT = 500


class Reject(NamedTuple):
    """One refused fact; `line` and `byte_offset` tell where in its file it stands.

    `source` is clean, `text` as it was given, `digest` that of its bytes; without one it is the digest of the text.
    """

    source: str
    reason: str
    text: str
    line: int | None = None
    byte_offset: int | None = None
    digest: str = ""


def reject_row(reject: Reject, recorded_ms: int, *, keep_content: bool = False) -> Row:
    """The row of `rejects`, in the order of `REJECT_INSERT`."""
    text = reject.text.encode("utf-8", "surrogatepass")
    digest = reject.digest or hashlib.blake2b(text, digest_size=16).hexdigest()
    return (
        reject.source, reject.line, reject.byte_offset, clean_text(reject.reason, REASON_LIMIT), digest,
        clean_text(reject.text) if keep_content else None, recorded_ms,
    )  # fmt: skip


def as_text(event: object) -> str:
    """What was refused, as JSON where it can be, else as Python shows it; never raises."""
    try:
        if isinstance(event, Mapping):
            return json.dumps(dict(event), sort_keys=True, default=_shown, ensure_ascii=False)
        return _shown(event)
    except Exception:  # noqa: BLE001 - hostile __repr__, circular data: the reason still counts
        return f"<{type(event).__name__}>"


def _shown(value: object) -> str:
    return repr(value)[: TEXT_LIMIT * 4]


def reject_rows(rejects: Iterable[Reject], recorded_ms: int, *, keep_content: bool = False) -> list[Row]:
    """The rows of several rejects."""
    return [reject_row(reject, recorded_ms, keep_content=keep_content) for reject in rejects]
