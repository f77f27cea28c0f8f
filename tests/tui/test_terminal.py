"""The pane in a real terminal: what Textual believes to be on the screen is there only if it was written."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.screen import ModalScreen

from fedstore.policy import PolicyStore
from fedtop.commands import CommandScreen
from fedtop.keymap import binding_ids
from fedtop.screens.confirm import ConfirmScreen
from fedtop.screens.help import HelpScreen
from fedtop.screens.mark import MarkScreen  # a line over the view that it grades, see test_grading
from tests.conftest import Clock
from tests.tui.plan_stores import loop_store
from tests.tui.terminals import Shown, terminal
from tests.tui.test_widget_names import below

pytest.importorskip("termios", reason="pseudoterminals are a matter of Unix")

PANE = "import sys; from fedtop.__main__ import main; sys.exit(main())"
BROKEN = "from fedtop.views.agents.panel import AgentsPanel; AgentsPanel.show = lambda *_: 1 / 0; " + PANE
SWITCHED = [
    (b"\x1b[?1049h", b"\x1b[?1049l"),  # the second screen
    (b"\x1b[?25l", b"\x1b[?25h"),  # the cursor
    (b"\x1b[?1000h", b"\x1b[?1000l"),  # the mouse
    (b"\x1b[?2004h", b"\x1b[?2004l"),  # brackets around what is pasted
]
"""What the pane switches on in a terminal (or off, as the cursor), and how it is switched back."""
MODALS = {
    HelpScreen: ("?", ("Esc closes", "In a table", "Move to the row above")),
    CommandScreen: (":", ("Search for commands", "Open  (Enter)", "Open what is under the cursor")),
    ConfirmScreen: ("u", ("Take back change #1?", "this restores", "Cancel", "Take it back")),
}


@pytest.fixture
def changed(tmp_path: Path, clock: Clock) -> Path:
    """A store with a change that can be taken back."""
    path = tmp_path / "changed.db"
    with loop_store(path, clock) as store:
        loop = PolicyStore(store)
        loop.apply(loop.propose_tune(), who="ana")
    return path


def test_every_modal_screen_reaches_the_terminal(changed: Path) -> None:
    binding_ids()  # imports every view
    assert {kind for kind in below(ModalScreen) if kind.__module__.startswith("fedtop.")} - {MarkScreen} == set(MODALS)
    with terminal(PANE, "--store", str(changed), "--at", "newest") as pane:
        pane.wait_for("agents", "Enter open")
        for key, words in MODALS.values():
            assert not [word for word in words if word in pane.shown.text]
            pane.press(key)
            pane.wait_for(*words)
            pane.press("\x1b")
            pane.wait_for("agents", "Enter open", without=words[0])
        pane.press("q")
        assert pane.wait() == 0
    assert b"Traceback" not in pane.written


def test_the_pane_is_drawn_again_when_the_shell_gives_it_back(changed: Path) -> None:
    with terminal(PANE, "--store", str(changed), "--at", "newest") as pane:
        pane.wait_for("agents", "Enter open")
        pane.press("\x1a")
        pane.wait_until_stopped()
        pane.shown.feed(b"\x1b[2Jwhat the shell wrote")
        os.kill(pane.process.pid, signal.SIGCONT)
        pane.wait_for("fedtop", "agents", "Enter open", without="what the shell wrote")
        pane.press("q")
        assert pane.wait() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("key", ["", "u"], ids=["a tab", "a question"])
def test_a_signal_to_end_leaves_a_clean_terminal(changed: Path, number: int, key: str) -> None:
    with terminal(PANE, "--store", str(changed), "--at", "newest") as pane:
        before = pane.modes
        pane.wait_for("agents", "Enter open")
        assert pane.modes != before
        pane.press(key)
        pane.wait_for("Take back" if key else "agents")
        os.kill(pane.process.pid, number)
        assert pane.wait() == 128 + number
        assert pane.modes == before
    assert b"Traceback" not in pane.written
    for on, off in SWITCHED:
        assert pane.written.rfind(off) > pane.written.rfind(on) >= 0, off


def test_a_demo_that_is_ended_by_a_signal_leaves_nothing_behind(tmp_path: Path) -> None:
    with terminal(PANE, "demo", TMPDIR=str(tmp_path)) as pane:
        pane.wait_for("agents")
        assert list(tmp_path.glob("fedtop-demo-*"))
        os.kill(pane.process.pid, signal.SIGTERM)
        assert pane.wait() == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("fedtop-demo-*"))
    assert b"Traceback" not in pane.written


def test_a_fault_is_one_line_and_an_exit_code(changed: Path) -> None:
    with terminal(BROKEN, "--store", str(changed)) as pane:
        pane.wait_for("q quit")
        pane.press("2")
        assert pane.wait() == 70
    assert "fedtop: unexpected ZeroDivisionError: division by zero (FEDTOP_DEBUG=1 shows wh" in pane.shown.text
    assert b"Traceback" not in pane.written


def test_the_reader_of_the_screen() -> None:
    """Texts at their places, wide ones too, however the writes are cut; colours and questions leave no trace."""
    output = "\x1b[?1049h\x1b[2J\x1b[2;3H\x1b[1;38;2;1;2;3m漢字\x1b[0m!\x1b]0;title\x07\x1b[?2026$p"
    output += "\x1b[1;1Hab\r\n\x1b[CX\x1b[1;2H\x1b[K"
    found = set()
    for cut in range(len(output.encode())):
        shown = Shown(10, 3)
        shown.feed(output.encode()[:cut])
        shown.feed(output.encode()[cut:])
        found.add(shown.text)
    assert found == {"a\n X漢字!\n"}


def test_a_dumb_terminal_gets_text(changed: Path) -> None:
    with terminal(PANE, "--store", str(changed), "--at", "newest", TERM="dumb") as pane:
        assert pane.wait() == 0
    assert b"SYSTEM OVERVIEW" in pane.written.upper() or b"WINDOW" in pane.written.upper()
    assert b"\x1b" not in pane.written


def test_a_terminal_of_another_encoding_gets_what_it_can_show(changed: Path) -> None:
    with terminal(PANE, "--store", str(changed), "--at", "newest", PYTHONIOENCODING="latin-1") as pane:
        pane.wait_for("agents")
        pane.press("q")
        assert pane.wait() == 0
    assert b"\\u25" not in pane.written, "lines and blocks; Textual shortens titles with a sign of its own"
