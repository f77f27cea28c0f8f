"""Which format a file is of, told by what it says and not by its name.

`detect` reads the head of a file. Each format of one JSON value per line is a module with its `FORMAT`; a document is
read whole. What is known but not read has its reason in `not_read`. Light until a file is looked into: the shell's
quick lane asks which formats are known.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from fedstore.ingest.reader import LineFormat, LineReader, State

__all__ = ["FORMATS", "METRICS", "detect", "format_named", "formats_id", "not_read", "reader_for"]

FORMATS = ("routing_log", "codex", "stream_json", "qwen_code", "claude_code", "events_jsonl")
"""The modules of the formats, in the order in which they are asked about a value: the first that knows it has it."""
METRICS = "metrics.json"
_CONFIG, _EXPORT = "routing config", "fedtop export"
_NO_FACTS = {
    _CONFIG: "a router's configuration, which tells of no decision: `fedtop policy import` takes over its thresholds",
    _EXPORT: "the views that `fedtop export json` wrote: `fedtop export routing` and `metrics` can be read back",
}
"""Documents that are known, but hold no fact."""
_HEAD_BYTES = 256 * 1024
_HEAD_LINES = 50
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
_WIDE_HEAD_BYTES = 8 * 1024 * 1024
_WORDS = (b'"agents"', b'"routing_layers"', b'"layers"')
"""A document that is known has one of them."""
_AGENT_KEYS = frozenset({"total_tasks", "successful_tasks", "failed_tasks", "task_types", "routing_boost"})


def formats_id() -> int:
    """A number that is another one when other formats are known, or compressions can be read."""
    from importlib.machinery import PathFinder

    zstd = PathFinder.find_spec("zstandard") is not None
    return zlib.crc32(" ".join((*FORMATS, *_NO_FACTS, "gzip", *(["zstd"] if zstd else []))).encode())


@cache
def _loaded(module: str) -> LineFormat:
    found: LineFormat = import_module(f"fedstore.ingest.{module}").FORMAT
    return found


def format_named(name: str) -> LineFormat | None:
    """The format of lines that is called so; None for a document or a compressed file."""
    return next((found for found in map(_loaded, FORMATS) if found.name == name), None)


def not_read(name: str) -> str:
    """Why a format that is known is not read, and what to do; "" for one that is."""
    from fedstore.ingest.compressed import not_decompressed

    lines = format_named(name)
    return (_NO_FACTS.get(name) or not_decompressed(name)) if lines is None else lines.instead


def detect(path: Path) -> str | None:
    """The format of a file, or of what it holds compressed; None when it is not known. Raises OSError."""
    from fedstore.errors import EventError
    from fedstore.ingest.compressed import compression_of, decompressing, not_decompressed

    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        compression = compression_of(path, head)
        if not compression:
            return _of_file(path, file, head)
        if not_decompressed(compression):
            return compression
        try:
            with decompressing(file, compression) as plain:
                return _of_file(path, plain, plain.read(_HEAD_BYTES))
        except Exception as error:  # every library raises errors of its own
            tool = {"gzip": "gunzip"}.get(compression, "unzstd")
            raise EventError(f"its {compression} data are damaged: `{tool}` may save a part") from error


def _of_file(path: Path, file: BinaryIO, head: bytes) -> str | None:
    begins = head.lstrip(b"\xef\xbb\xbf\0 \t\r\n").startswith((b"{", b"[", b'"'))
    if not begins and ".jsonl" not in path.suffixes:  # of such a file the first line may be torn
        return None
    found = _of_lines(head)
    if found is None and len(head) == _HEAD_BYTES:
        head += file.read(_WIDE_HEAD_BYTES)
        found = _of_lines(head)
    return found or _of_document(path, head)


def _of_lines(head: bytes) -> str | None:
    from fedstore.ingest.lines import parse_line

    lines = head.split(b"\n", _HEAD_LINES)
    for raw in lines[:_HEAD_LINES]:
        for value in parse_line(raw).values:
            found = _of_value(value)
            if found is not None:
                return found
    return None


def _of_value(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((found.name for found in map(_loaded, FORMATS) if found.recognises(value)), None)


def _of_document(path: Path, head: bytes) -> str | None:
    """What a file is that holds one JSON object: one that counts the tasks of agents, or one without facts."""
    import json

    if not any(word in head for word in _WORDS) and len(head) < _HEAD_BYTES:
        return None
    try:
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            return None
        value = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if {"exported_ms", "overview", "agents"} <= value.keys():
        return _EXPORT
    if _counts_tasks(value):
        return METRICS
    layers = value.get("routing_layers", value.get("layers"))
    return _CONFIG if "agents" not in value and _are_layers(layers) else None


def _counts_tasks(value: dict[str, object]) -> bool:
    agents = value.get("agents")
    if not isinstance(agents, dict):
        return False
    counted = any(isinstance(agent, dict) and _AGENT_KEYS & agent.keys() for agent in agents.values())
    return counted or (not agents and ("initialized" in value or "last_updated" in value))


def _are_layers(layers: object) -> bool:
    """Whether these are the layers of a routing configuration."""
    found = list(layers.values()) if isinstance(layers, dict) else layers
    return isinstance(found, list) and any(
        isinstance(layer, dict) and layer.keys() & {"confidence_threshold", "threshold"} for layer in found
    )


def reader_for(found: str, state: State, path: Path) -> LineReader:
    """The reader of a format, going on from `state`. Raises KeyError for a format that is not one of lines."""
    lines = format_named(found)
    if lines is None or lines.reader is None:
        raise KeyError(found)
    return lines.reader(state, path)
