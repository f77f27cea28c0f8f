"""Bad input: every field has its limits, every refusal one line that names the field, and what is kept is harmless."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore import Attempt, EventError, Recorder, Route, Run, Store, Usage, new_id, stable_id
from fedstore.cleaning import clean_label, clean_name, clean_text
from fedstore.facts.validation import fields_of, many_fields_adapter
from fedstore.recording.writer import validated
from tests.federation import NOW_MS
from tests.store.test_summaries_exact import histories

RUN: dict[str, Any] = {"kind": "run", "agent": "a"}
USAGE: dict[str, Any] = {"kind": "usage", "agent": "a"}
ROUTE: dict[str, Any] = {"kind": "route", "agent": "a", "layer": "L"}
VERDICT: dict[str, Any] = {"kind": "verdict", "subject": "run", "subject_id": "x"}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (None, "an event is a mapping with a kind"), ([], "an event is a mapping with a kind"),
        ({}, "an event is a mapping with a kind, which is one of run, "), ({"kind": "walk"}, "which is one of run, "),
        ({"kind": "run"}, "agent: field required"),
        ({**RUN, "colour": "red"}, "colour: unknown field (`fedtop record event --help` lists"),
        ({**RUN, "succes": True}, "succes: unknown field (did you mean success?)"),
        ({**ROUTE, "attempts": [{"layer": "L", "treshold": 1}]}, "treshold: unknown field (did you mean threshold?)"),
        ({**ROUTE, "outcome": {"right": True}}, "outcome.right: unknown field"),
        ({**RUN, "agent": ""}, "agent: string should have at least 1 character"), ({**RUN, "agent": 5}, "agent: "),
        ({**RUN, "agent": "\x00\x1b"}, "agent: must not be empty"), ({**RUN, "agent": "x" * 201}, "agent: "),
        ({**RUN, "agent": b"\xff\xfe"}, "agent: "), ({**RUN, "agent": "a\ud800"}, "agent: "),
        ({**RUN, "id": " "}, "id: must not be empty"),
        ({**RUN, "agent": "\u200d\ufe0f"}, "agent: must not be empty"),
        ({**RUN, "duration_ms": -1}, "duration_ms: "), ({**RUN, "duration_ms": float("nan")}, "duration_ms: "),
        ({**RUN, "duration_ms": float("inf")}, "duration_ms: "), ({**RUN, "duration_ms": "5"}, "duration_ms: "),
        ({**RUN, "duration_ms": 367 * 86_400_000}, "duration_ms: "), ({**RUN, "quality": 1.01}, "quality: "),
        ({**RUN, "success": "yes"}, "success: input should be True or False"), ({**RUN, "success": []}, "success: "),
        ({**RUN, "rework": "true"}, "rework: "), ({**RUN, "rework": 2}, "rework: "), ({**RUN, "qa": "meh"}, "qa: "),
        ({**USAGE, "output_is_minimum": "off"}, "output_is_minimum: "),
        ({**ROUTE, "attempts": [{"layer": "L", "accepted": "1"}]}, "attempts.0.accepted: "),
        ({**ROUTE, "outcome": {"correct": "no"}}, "outcome.correct: "),
        ({**VERDICT, "success": "t"}, "success: "),
        ({**RUN, "at": "yesterday"}, "at: must be epoch milliseconds or an ISO 8601 time"),
        ({**RUN, "at": "2026-01-01T00:00:00"}, "at: has no time zone"), ({**RUN, "at": True}, "at: "),
        ({**RUN, "at": "0001-01-01T00:00:00Z"}, "at: "), ({**RUN, "at": 1_700_000_000}, "at: looks like seconds"),
        ({**RUN, "at": 1_700_000_000.25}, "at: looks like seconds"), ({**RUN, "at": 10**400}, "at: is outside"),
        ({**RUN, "at": 10**18}, "at: "), ({**RUN, "at": -1}, "at: "), ({**RUN, "at": float("nan")}, "at: "),
        ({**RUN, "at": NOW_MS, "started_at": NOW_MS + 1}, "started_at is after at"),
        ({**RUN, "at": NOW_MS, "started_at": NOW_MS - 367 * 86_400_000}, "started_at lies more than 366 days"),
        ({**RUN, "\x1b[2J" * 9_999: 1}, "unknown field"), ({**RUN, "x" * 9_999: 1}, "x…: unknown field"),
        ({**RUN, "kind": "run_state", "id": "r", "at": NOW_MS, "started_at": NOW_MS + 1}, "started_at is after at"),
        ({**USAGE, "input_tokens": -1}, "input_tokens: "), ({**USAGE, "input_tokens": 1.5}, "input_tokens: "),
        ({**USAGE, "input_tokens": True}, "input_tokens: "), ({**USAGE, "cost_usd": float("nan")}, "cost_usd: "),
        ({**USAGE, "cost_usd": "free"}, "cost_usd: must be an amount"),
        ({**USAGE, "cost_usd": -0.01}, "cost_usd: must be between"),
        ({**USAGE, "cost_usd": 1e7}, "cost_usd: must be between"), ({**USAGE, "cost_usd": True}, "cost_usd: "),
        ({**USAGE, "cost_usd": 10**5_000}, "cost_usd: must be between"),
        ({**USAGE, "input_tokens": 5, "cache_read_tokens": 6}, "input_tokens must include"),
        ({**USAGE, "output_tokens": 5, "reasoning_tokens": 6}, "output_tokens must include"),
        ({**USAGE, "input_tokens": 9, "cache_write_tokens": 1, "cache_write_1h_tokens": 2}, "cache_write_1h_tokens"),
        ({**ROUTE, "attempts": [{"layer": "L"}, {"layer": "L"}]}, "attempts names a layer twice"),
        ({**ROUTE, "attempts": [{"layer": "K", "accepted": True}]}, "layer is 'L' but 'K' accepted"),
        ({**ROUTE, "attempts": [{"layer": "L", "confidence": 1.5}]}, "attempts.0.confidence: "),
        ({**ROUTE, "attempts": [{"layer": "L", "shadow_rate": True}]}, "attempts.0.shadow_rate: "),
        ({**ROUTE, "attempts": [{"layer": str(n)} for n in range(33)]}, "attempts: "),
        ({**ROUTE, "outcome": 3}, "outcome: "),
        (VERDICT, "a verdict must judge something"), ({**VERDICT, "correct": True}, "a run takes success"),
        ({**VERDICT, "subject": "route", "rework": True}, "a route takes correct"),
        ({"kind": "job", "id": "j", "state": "lost"}, "state: "),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(store: Store, event: Any, said: str) -> None:
    with pytest.raises(EventError) as error:
        validated(event)
    ((_, reason),) = store.writer().write([event]).rejected  # which makes no models
    for text in (str(error.value), reason):
        assert text.isprintable()
        assert len(text) < 300
        assert said in text


@pytest.mark.parametrize("value", [True, False, 1, 0, np.True_, np.False_])
def test_a_truth_value_is_one(value: Any) -> None:
    for event, name in ((RUN, "success"), (RUN, "rework"), (USAGE, "output_is_minimum"), (VERDICT, "success")):
        assert getattr(validated({**event, name: value}), name) is bool(value)


def test_the_future_is_refused_with_a_little_slack(store: Store) -> None:
    receipt = store.writer().write([
        {**RUN, "at": NOW_MS + 300_000}, {**RUN, "at": NOW_MS + 300_001}, {**RUN, "at": NOW_MS + 3 * 86_400_000},
    ])  # fmt: skip
    assert receipt.taken == 1
    assert receipt.rejected == [
        (1, "at: lies 5 min in the future: check the clock"), (2, "at: lies 3 days in the future: check the clock")
    ]  # fmt: skip


def test_a_start_without_an_end_is_held_against_the_present(store: Store) -> None:
    state = {"kind": "run_state", "agent": "a"}
    receipt = store.writer().write([
        {**RUN, "started_at": NOW_MS + 300_000}, {**RUN, "started_at": NOW_MS + 300_001},
        {**RUN, "started_at": NOW_MS - 367 * 86_400_000}, {**state, "id": "x", "started_at": NOW_MS + 300_001},
    ])  # fmt: skip
    assert (receipt.taken, [position for position, _ in receipt.rejected]) == (1, [1, 2, 3])
    assert all(reason.startswith("started_at ") for _, reason in receipt.rejected)


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.mark.parametrize("background", [False, True])
def test_a_value_whose_methods_fail_keeps_no_other_out(store: Store, background: bool) -> None:
    recorder = store.recorder(background=background)
    receipt = recorder.record_many([RUN, {**USAGE, "cost_usd": Hostile()}, RUN])
    recorder.close()
    assert (receipt.taken, recorder.refused, recorder.lost) == (2, 1, 0)
    assert receipt.rejected == [(1, "cannot be read: RuntimeError in one of its values")]


def test_a_refused_event_keeps_no_other_out(store: Store) -> None:
    receipt = store.writer().write([RUN, {**RUN, "agent": 7}, {**RUN, "id": "x"}, {**RUN, "id": "x"}])
    assert (receipt.taken, receipt.known, [at for at, _ in receipt.rejected]) == (2, 1, [1])


def test_ten_megabytes_cost_nothing(store: Store) -> None:
    long = "ä" * 10_000_000
    receipt = store.writer(keep_content=True).write([
        {**RUN, "notes": long}, {**RUN, "agent": long}, {**ROUTE, "description": long}, {**RUN, long: 1},
    ])  # fmt: skip
    assert receipt.taken == 2
    assert all(len(reason) < 300 for _, reason in receipt.rejected)
    assert store.database.read("SELECT length(notes), substr(notes, -1) FROM runs") == [(4000, "…")]
    assert store.database.read("SELECT length(description) FROM routes") == [(4000,)]


def test_times_in_all_their_forms() -> None:
    moment = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    ms = 1_772_366_400_500
    for form in (ms, float(ms), ms + 0.25, str(moment), "2026-03-01T12:00:00.500Z", "2026-03-01T14:00:00.5+02:00",
                 moment, moment.astimezone(timezone(timedelta(hours=-5)))):  # fmt: skip
        assert Run(agent="a", at=form).at == ms


def test_money_is_exact() -> None:
    for given_usd, nano in (
        (0.1, 100_000_000), ("0.000000001", 1), (Decimal("1.5"), 1_500_000_000), (3, 3 * 10**9),
        (0.1 + 0.2, 300_000_000), (1e-10, 0), (9_999.999999999, 9_999_999_999_999),
    ):  # fmt: skip
        assert Usage(agent="a", cost_usd=given_usd).cost_usd == nano


@given(nano=st.integers(0, 10**13))
@settings(max_examples=300, deadline=None)
def test_every_amount_of_whole_nano_dollars_survives_a_float(nano: int) -> None:
    assert Usage(agent="a", cost_usd=nano / 10**9).cost_usd == nano


@given(text=st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_cleaned_text_cannot_move_a_cursor(text: str) -> None:
    for cleaned, allowed in ((clean_name(text), ""), (clean_text(text, 50), "\n\t")):
        assert cleaned.encode("utf-8").decode("utf-8") == cleaned
        harmful = {c for c in cleaned if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert harmful <= set(allowed) | set("\u200d\ufe0f")
        assert not set(cleaned) & set("\x1b\x07\u202e\u2066\x9b")
    assert clean_name(clean_name(text)) == clean_name(text)
    assert clean_label(text) == clean_name(text)
    assert len(clean_text(text, 50)) <= 50


def test_markup_is_kept_as_the_text_it_is(store: Store) -> None:
    store.writer().write([{**RUN, "agent": "[red]x[/red] $1 {y}"}])
    assert store.database.read("SELECT agent FROM runs") == [("[red]x[/red] $1 {y}",)]


def test_content_is_kept_on_opt_in_only(store: Store) -> None:
    event = {**ROUTE, "description": "write to bob@example.com"}
    store.writer().write([{**event, "id": "1"}])
    store.writer(keep_content=True).write([{**event, "id": "2"}])
    assert store.database.read("SELECT id, description FROM routes ORDER BY id") == [
        ("1", None), ("2", "write to bob@example.com")
    ]  # fmt: skip


@given(history=histories())
@settings(max_examples=100, deadline=None)
def test_fields_without_a_model_are_those_of_the_model(history: list[dict[str, Any]]) -> None:
    whole = {"kind": "route", "agent": "a ", "layer": "L", "at": "2026-03-01T12:00:00Z", "description": "x" * 5_000,
             "attempts": [{"layer": "L\x1b[1m", "shadow_rate": 0.5}], "outcome": {"correct": True}}  # fmt: skip
    events = [*history, whole, {"kind": "job", "id": "j", "state": "queued"}]
    assert many_fields_adapter().validate_python(events) == [fields_of(validated(event)) for event in events]


def test_events_are_json(store: Store) -> None:
    event = Route(agent="a", layer="L", attempts=(Attempt(layer="L", agent="a", accepted=True),))
    assert validated(json.loads(event.model_dump_json())) == event


def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id(NOW_MS + n // 100) for n in range(1000)]
    assert ids == sorted(set(ids))
    assert all(len(i) == 32 and int(i[:12], 16) == NOW_MS + n // 100 for n, i in enumerate(ids))
    assert stable_id(5, "a", 1) == stable_id(5, "a", 1) != stable_id(5, "a1", "")


def test_one_way_to_be_right(store: Store) -> None:
    """``correct`` and ``correct_agent`` never contradict each other, whoever said them when."""
    attempts = [{"layer": "K", "agent": "b"}, {"layer": "L", "agent": "a", "accepted": True}]
    route = {**ROUTE, "attempts": attempts}
    about = {"kind": "verdict", "subject": "route"}
    store.writer().write([
        {**route, "id": "1", "outcome": {"correct": True, "correct_agent": "b"}},
        {**route, "id": "2", "outcome": {"correct_agent": "b"}},
        {**route, "id": "3", "outcome": {"correct": True}},
        {**about, "subject_id": "3", "correct_agent": "b", "at": NOW_MS + 1},
        {**route, "id": "4", "outcome": {"correct_agent": "b"}},
        {**about, "subject_id": "4", "correct": True, "at": NOW_MS + 1},
    ])  # fmt: skip
    assert store.database.read("SELECT id, correct, correct_agent FROM routes ORDER BY id") == [
        ("1", 1, None), ("2", 0, "b"), ("3", 0, "b"), ("4", 1, None),
    ]  # fmt: skip


def test_an_id_of_any_length_is_one_fact_and_what_names_it_finds_it(store: Store) -> None:
    """Proxies put whole thoughts into ids: cut, two of them would be one fact; refused, every call would be lost."""
    run_id, other = "call_" + "thought " * 90, "call_" + "thought " * 89 + "another"
    recorder = Recorder(store.path)
    for one in (run_id, run_id, other):
        recorder.record({"kind": "run_state", "id": one, "agent": "kimi"})
        recorder.record({"kind": "run", "id": one, "agent": "kimi"})
    recorder.record({"kind": "usage", "agent": "kimi", "run_id": run_id, "input_tokens": 1, "id": "u"})
    recorder.record({"kind": "execution", "agent": "kimi", "tool": "bash", "task_id": run_id, "id": "e"})
    recorder.record({"kind": "verdict", "subject": "run", "subject_id": run_id, "success": True})
    recorder.close()
    assert recorder.lost == 0
    read = store.database.read
    ids = read("SELECT id, success FROM runs ORDER BY seq")
    assert [success for _, success in ids] == [1, None]
    kept = ids[0][0]
    assert len(kept) <= 200
    assert kept.startswith("call_thought thought")
    assert read("SELECT run_id FROM llm_calls") == read("SELECT task_id FROM tool_calls") == [(kept,)]
    assert read("SELECT COUNT(*) FROM active_runs") == [(0,)]
    found = store.reader().run(run_id)
    assert found is not None
    assert found.id == kept
