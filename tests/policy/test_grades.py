"""Grades: one word of a judge at a time, and every one of them can be taken back exactly."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore import FedstoreError, GivenGrade, Grade, Grades, Store
from fedstore.upkeep.audit import disagreements
from tests.conftest import Clock
from tests.federation import NOW_MS
from tests.templates import copied

ATTEMPT = {"layer": "semantic", "agent": "kimi", "confidence": 0.8, "threshold": 0.7, "accepted": True}
FACTS: list[dict[str, Any]] = [
    {"kind": "run", "id": "told", "agent": "kimi", "at": NOW_MS - 9_000, "success": False, "quality": 0.5},
    {"kind": "run", "id": "open", "agent": "kimi", "at": NOW_MS - 9_000},
    {"kind": "route", "id": "told", "agent": "kimi", "layer": "semantic", "attempts": [ATTEMPT], "at": NOW_MS - 9_000,
     "outcome": {"correct": False, "correct_agent": "codex"}},
    {"kind": "route", "id": "open", "agent": "kimi", "layer": "semantic", "attempts": [ATTEMPT], "at": NOW_MS - 9_000},
]  # fmt: skip
WORDS = {"run": ("right", "rework", "wrong", "clear"), "route": ("right", "wrong", "agent", "clear")}


@pytest.fixture
def graded(store: Store) -> Store:
    assert store.writer(source="app").write(FACTS).taken == len(FACTS)
    return store


def counts(store: Store) -> list[tuple[Any, ...]]:
    """What stands of each fact, and every sum that follows from it."""
    read = store.database.read
    sums = "SUM(runs), SUM(ok), SUM(failed), SUM(reworked), SUM(rework_known)"
    return [
        *read("SELECT id, success, rework, quality FROM runs ORDER BY id"),
        *read("SELECT id, correct, correct_agent FROM routes ORDER BY id"),
        *read(f"SELECT {sums} FROM agent_buckets WHERE width = 60000"),
        *read("SELECT SUM(graded), SUM(correct) FROM route_buckets WHERE width = 60000"),
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("right", (1, 0)), ("rework", (1, 1)), ("wrong", (0, None))],
)
def test_what_a_grade_says_of_a_run(graded: Store, said: Any, expected: tuple[Any, ...]) -> None:
    Grades(graded).give(Grade("run", "open", said))
    assert graded.database.read("SELECT success, rework FROM runs WHERE id = 'open'") == [expected]
    assert graded.database.read("SELECT source FROM verdicts WHERE subject_kind = 'run'") == [("grade",)]


def test_a_word_takes_the_place_of_the_former_one(graded: Store) -> None:
    """Also within one millisecond: the clock of the test stands."""
    grades = Grades(graded)
    for said in ("rework", "right", "wrong"):
        given_grade = grades.give(Grade("run", "told", said))
        assert grades.verdict("run", "told") == said
    assert given_grade.was == "right"
    assert graded.database.read("SELECT success, rework, quality FROM runs WHERE id = 'told'") == [(0, None, 0.5)]


@st.composite
def steps(draw: st.DrawFn) -> list[Grade | None]:
    """Grades of runs or of decisions, and None for taking back the last one that stands."""
    kind = draw(st.sampled_from(["run", "route"]))
    ids = st.sampled_from(["told", "open"])
    grade = st.builds(
        lambda i, said, name: Grade(kind, i, said, name if said == "agent" else ""),
        ids, st.sampled_from(WORDS[kind]), st.sampled_from(["kimi", "codex", "qwen"]),
    )  # fmt: skip
    return draw(st.lists(grade | st.none(), min_size=2, max_size=6))


def given_or_none(grades: Grades, grade: Grade) -> GivenGrade | None:
    """None for a clear where there was nothing to clear."""
    if grade.said == "clear" and not grades.verdict(grade.kind, grade.id):
        with pytest.raises(FedstoreError, match="nothing to clear"):
            grades.give(grade)
        return None
    return grades.give(grade)


@given(steps(), st.lists(st.integers(-50, 50), min_size=12, max_size=12))
@settings(max_examples=20, deadline=None)
def test_taking_back_brings_back_what_was_before(taken: list[Grade | None], drift: list[int]) -> None:
    """Step by step, whatever the clock does meanwhile; and the sums are those of the facts all the while."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, store_in(Path(folder), clock) as store:
        store.writer(source="app").write(FACTS)
        grades, done = Grades(store), []
        for step, by in zip([*taken, *[None] * len(taken)], drift, strict=False):
            clock.now_ms += by
            if step is None and done:
                before, given_grade = done.pop()
                grades.take_back(given_grade)
                assert counts(store) == before
            elif step is not None:
                before = counts(store)
                given_grade = given_or_none(grades, step)
                done += [] if given_grade is None else [(before, given_grade)]
        assert disagreements(store.database) == []


def store_in(folder: Path, clock: Clock) -> Store:
    """An empty store: copied, because making one takes longer than all the rest of an example."""
    return Store(copied(folder / "s.db", "blank", lambda path: Store(path).close()), clock=clock)


def test_a_clear_leaves_what_others_said(graded: Store, clock: Clock) -> None:
    check = {"kind": "verdict", "subject": "run", "subject_id": "open", "success": False, "source": "check"}
    graded.writer().write([check])
    clock.advance(1)
    grades = Grades(graded)
    grades.give(Grade("run", "open", "right"))
    assert graded.database.read("SELECT success, rework FROM runs WHERE id = 'open'") == [(1, 0)]
    grades.give(Grade("run", "open", "clear"))
    assert graded.database.read("SELECT success, rework FROM runs WHERE id = 'open'") == [(0, None)]
    assert grades.verdict("run", "open") == ""


@pytest.mark.parametrize("former", ["label", "fedtop"])
def test_what_was_graded_under_a_former_name_is_the_same_judge_s(graded: Store, former: str) -> None:
    said = {"kind": "verdict", "subject": "route", "subject_id": "open", "correct": False, "source": former}
    graded.writer().write([said])
    grades = Grades(graded)
    assert grades.verdict("route", "open") == "wrong"
    given_grade = grades.give(Grade("route", "open", "clear"))
    assert graded.database.read("SELECT correct FROM routes WHERE id = 'open'") == [(None,)]
    grades.take_back(given_grade)
    assert graded.database.read("SELECT correct FROM routes WHERE id = 'open'") == [(0,)]


def test_what_was_said_since_is_not_undone(graded: Store) -> None:
    grades = Grades(graded)
    first = grades.give(Grade("run", "open", "right"))
    grades.give(Grade("run", "open", "wrong"))
    with pytest.raises(FedstoreError, match=r"graded again since \(wrong\): nothing was undone"):
        grades.take_back(first)


@pytest.mark.parametrize(
    ("grade", "words"),
    [
        (Grade("run", "moon", "right"), "there is no run moon"),
        (Grade("route", "moon", "right"), "there is no decision moon"),
        (Grade("run", "open", "agent", "codex"), "a run is right, rework or wrong"),
        (Grade("route", "open", "rework"), "rework is said of a run"),
        (Grade("route", "open", "agent"), "name the agent"),
        (Grade("run", "open", "clear"), "no verdict of yours on run open"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(graded: Store, grade: Grade, words: str) -> None:
    before = counts(graded)
    with pytest.raises(FedstoreError, match=words):
        Grades(graded).give(grade)
    assert counts(graded) == before
    assert graded.database.read("SELECT COUNT(*) FROM verdicts WHERE source = 'grade'") == [(0,)]
