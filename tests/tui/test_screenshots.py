"""The pictures in ``screenshots/`` are what the code draws now."""

from __future__ import annotations

from pathlib import Path

from scripts.screenshots import FOLDER, SHOTS, drawn, png_note, simulated

REDRAWN = ("overview", "overview-80", "layer", "costs", "plan", "empty")
REMEDY = "python scripts/screenshots.py, and look at the result"


def test_pictures_are_up_to_date(tmp_path: Path) -> None:
    old = []
    with simulated(tmp_path) as federation:
        for shot in (shot for shot in SHOTS if shot.name in REDRAWN):
            if (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8") != drawn(shot, federation):
                old.append(shot.name)
    assert not old, f"out of date: {', '.join(old)}; run {REMEDY}"


def test_every_view_has_its_picture_and_nothing_else_is_there() -> None:
    wanted = {f"{shot.name}.svg" for shot in SHOTS} | {f"{shot.name}.png" for shot in SHOTS if shot.png}
    assert {path.name for path in FOLDER.iterdir()} == wanted, f"run {REMEDY}"
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000


def test_pngs_are_made_from_the_svgs_beside_them() -> None:
    shots = [shot for shot in SHOTS if shot.png]
    assert shots
    for shot in shots:
        svg = (FOLDER / f"{shot.name}.svg").read_text(encoding="utf-8")
        assert png_note(svg) in (FOLDER / f"{shot.name}.png").read_bytes(), f"{shot.name}.png: run {REMEDY}"


def test_pictures_need_nothing_from_elsewhere() -> None:
    pictures = [path.read_text(encoding="utf-8") for path in FOLDER.glob("*.svg")]
    assert len(pictures) > 10
    for svg in pictures:
        assert "url(http" not in svg
        assert not any(hint in svg for hint in ("@font-face", "/home/", "/tmp/", str(FOLDER.parent), str(Path.home())))
