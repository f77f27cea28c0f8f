"""Files of other programs, read into the store: what they say becomes the events that everything else records.

`import_paths` reads files and folders of any known format; `detect` tells the format of one file,
`record_lines` reads events from a pipe. Names are loaded on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.ingest.formats import detect
    from fedstore.ingest.importer import import_paths
    from fedstore.ingest.report import FileReport, ImportFailedError, ImportReport
    from fedstore.ingest.stream import LinesReport, record_lines

__all__ = [
    "FileReport", "ImportFailedError", "ImportReport", "LinesReport", "detect", "import_paths", "record_lines",
]  # fmt: skip

_HOMES = {
    "FileReport": "report", "ImportFailedError": "report", "ImportReport": "report", "detect": "formats",
    "LinesReport": "stream", "import_paths": "importer", "record_lines": "stream",
}  # fmt: skip


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
