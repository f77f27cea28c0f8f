"""What the kinds of facts say of themselves, held against what they are said about."""

from __future__ import annotations

from typing import get_args

import pytest

from fedstore import EVENT_MODELS, Event, Settings, Store
from fedstore.facts import usage
from fedstore.facts.kind import Kind, Sums
from fedstore.facts.kinds import BY_NAME, JUDGES, KINDS, SUMMARIES, TOPICS
from fedstore.queries.models import Topic
from fedstore.upkeep.audit import disagreements


@pytest.mark.parametrize("kind", KINDS, ids=BY_NAME)
def test_the_face_of_a_kind_is_an_event_of_that_kind(kind: Kind) -> None:
    model = EVENT_MODELS[kind.name]
    assert model.model_fields["kind"].default == kind.name
    assert model.__doc__
    assert get_args(model.model_fields["kind"].annotation) == (kind.name,)


def test_each_kind_has_a_name_and_tables_of_its_own() -> None:
    assert len(BY_NAME) == len(KINDS) == len({kind.table.name for kind in KINDS})
    assert len(SUMMARIES) == sum(len(kind.summaries) for kind in KINDS)


def test_events_that_come_as_objects_are_all_that_python_can_hold() -> None:
    assert set(get_args(Event)) == set(EVENT_MODELS.values())


def test_verdicts_speak_of_the_kinds_that_can_be_judged() -> None:
    assert set(get_args(EVENT_MODELS["verdict"].model_fields["subject"].annotation)) == set(JUDGES)


def test_a_topic_is_told_by_one_key_of_every_summary() -> None:
    assert set(TOPICS) == set(get_args(Topic))
    for summary in SUMMARIES.values():
        for topic, key in summary.topics.items():
            assert TOPICS[topic][1] == key
            assert key in ("", *summary.keys)


@pytest.mark.parametrize("kind", KINDS, ids=BY_NAME)
def test_a_kind_is_kept_as_a_setting_says(kind: Kind) -> None:
    assert isinstance(getattr(Settings(), kind.kept.setting), int)


ALL_SUMS = {f"{kind.name} in {sums.summary.name}": sums for kind in KINDS for sums in kind.sums}


@pytest.mark.parametrize("sums", ALL_SUMS.values(), ids=ALL_SUMS)
def test_the_audit_counts_sums_of_the_summary(sums: Sums, store: Store) -> None:
    assert sums.summary in SUMMARIES.values()
    assert set(sums.terms) <= set(sums.summary.sums)
    terms = ", ".join(sums.terms.values())
    where = f" AND {sums.where}" if sums.where else ""
    assert len(store.database.read(f"SELECT {terms} FROM {sums.source} WHERE {sums.at} >= 0{where}")) == 1


def test_the_audit_leaves_out_what_sql_rounds_in_another_way() -> None:
    told = {summary: {column for sums in ALL_SUMS.values() if sums.summary.name == summary for column in sums.terms}
            for summary in SUMMARIES}  # fmt: skip
    left = {column for name, summary in SUMMARIES.items() for column in set(summary.sums) - told[name]}
    assert left == {"quality_ppm", "confidence_ppm"}


def test_an_amount_that_is_a_lower_bound_is_in_the_sums(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    prices = iter([(7, "computed", "v"), (11, "at least", "v"), (None, "unpriced", "")])
    monkeypatch.setattr(usage, "price", lambda *_: next(prices))
    call = {"kind": "usage", "agent": "a", "model": "m", "input_tokens": 3, "output_tokens": 4}
    store.writer().write([call, call, call, {**call, "cost_usd": 5e-9}])
    columns = "reported_nano, computed_nano, unpriced_calls, unpriced_tokens"
    assert store.database.read(f"SELECT {columns} FROM spend_buckets") == [(5, 18, 1, 7)]
    assert disagreements(store.database) == []
