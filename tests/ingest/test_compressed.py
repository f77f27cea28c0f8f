"""Compressed rollouts: the same facts as from the plain file, once, and a plain file beside one is read instead."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from fedstore.engine.sqlite import Database
from fedstore.ingest import compressed, formats, import_paths
from fedstore.store import Store
from tests.conftest import Clock
from tests.ingest.helpers import contents, count, lines
from tests.ingest.rollouts import LATER
from tests.ingest.test_codex import SESSION

DATA = lines(*SESSION)
PACK: dict[str, Callable[[bytes], bytes]] = {"zst": zstandard.compress, "gz": gzip.compress}


@pytest.fixture(autouse=True)
def _late(clock: Clock) -> None:
    clock.now_ms = LATER


@pytest.mark.parametrize("kind", PACK)
def test_it_comes_to_what_the_plain_file_comes_to(store: Store, tmp_path: Path, kind: str) -> None:
    plain, packed = tmp_path / "a" / "rollout-1.jsonl", tmp_path / "b" / f"rollout-1.jsonl.{kind}"
    for path, data in ((plain, DATA), (packed, PACK[kind](DATA))):
        path.parent.mkdir()
        path.write_bytes(data)
    report = import_paths(store, [packed.parent])
    assert [(file.format, file.note) for file in report.files] == [("codex", "")]
    once = Database(tmp_path / "once.db")
    import_paths(once, [plain], clock=lambda: LATER)
    assert contents(store.database) == contents(once)
    once.close()
    assert import_paths(store, [plain]).taken == 0
    assert import_paths(store, [packed], again=True).taken == 0


def test_a_session_that_is_compressed_later_is_known_and_may_have_grown(store: Store, tmp_path: Path) -> None:
    plain = tmp_path / "rollout-1.jsonl"
    plain.write_bytes(lines(*SESSION[:8]))
    import_paths(store, [tmp_path])
    (tmp_path / "rollout-1.jsonl.zst").write_bytes(zstandard.compress(DATA))
    plain.unlink()
    import_paths(store, [tmp_path])
    once = Database(tmp_path / "once.db")
    import_paths(once, [tmp_path / "rollout-1.jsonl.zst"], clock=lambda: LATER)
    assert contents(store.database) == contents(once)
    once.close()


@pytest.mark.parametrize("follow", [False, True])
def test_a_plain_file_beside_it_wins(store: Store, tmp_path: Path, follow: bool) -> None:
    """Whatever the other holds; while following also one that appears later."""
    root = tmp_path / "root"
    root.mkdir()
    plain, packed = root / "rollout-1.jsonl", root / "rollout-1.jsonl.zst"
    plain.write_bytes(DATA)
    other = zstandard.compress(DATA.replace(b'"s1"', b'"s2"'))

    def pack(_seconds: float) -> None:
        packed.write_bytes(other)

    if not follow:
        pack(0)
    looks = iter([False, False, True])
    report = import_paths(store, [root], follow=follow, sleep=pack, stop=lambda: next(looks))
    assert [Path(file.path).name for file in report.files] == ["rollout-1.jsonl"]
    assert count(store.database, "runs") == 3
    plain.unlink()
    import_paths(store, [root])
    assert count(store.database, "runs") == 6, "it is the only one now"


def test_of_damaged_data_what_came_before_is_taken(store: Store, tmp_path: Path) -> None:
    noise = b"".join(str(n * n).encode() for n in range(400_000))
    writer = zstandard.ZstdCompressor(write_checksum=True)
    whole = writer.compress(DATA + b"{}\n" + noise[:2_000_000])
    for name, data in (("cut", whole[: len(whole) // 2]), ("wrong", whole[:-2] + b"zz")):
        (tmp_path / f"{name}.jsonl.zst").write_bytes(data)
        report = import_paths(store, [tmp_path / f"{name}.jsonl.zst"])
        assert report.files[0].format == "codex"
        assert count(store.database, "runs") == 3
    assert "damaged" in report.files[0].note


def test_only_so_much_is_unpacked(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "MAX_BYTES", 3 << 20)
    path = tmp_path / "rollout-1.jsonl.gz"
    path.write_bytes(gzip.compress(DATA + b" " * (20 << 20)))
    report = import_paths(store, [path])
    assert "when decompressed" in report.files[0].note
    assert count(store.database, "runs") == 3


def test_without_the_library_one_line_says_how_to_get_it(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rollout-1.jsonl.zst"
    path.write_bytes(zstandard.compress(DATA))
    known = formats.formats_id()
    with monkeypatch.context() as without:
        without.setattr(formats, "formats_id", lambda: known + 1)
        without.setattr("fedstore.ingest.importer.formats_id", lambda: known + 1)
        without.setitem(__import__("sys").modules, "zstandard", None)
        compressed.not_decompressed.cache_clear()
        (file,) = import_paths(store, [tmp_path]).files
        assert "pip install zstandard" in file.note
    compressed.not_decompressed.cache_clear()
    assert import_paths(store, [tmp_path]).taken > 0, "once it is there"
