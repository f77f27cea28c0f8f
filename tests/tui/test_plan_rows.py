"""A plan in rows and sentences: pure functions, against values worked out another way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from rich.text import Text

from fedstore.learning.tuning_types import LayerChange, TuneSettings
from fedstore.policy import (
    Alternative,
    BoostDetail,
    BoostEvidence,
    Flip,
    FlipCounts,
    Plan,
    PlanItem,
    PolicyBody,
    PolicyStore,
    Predicted,
    TuneDetail,
)
from fedstore.policy.extent import Extent
from fedstore.policy.tune import FLIPS_KEPT
from fedtop.fields import Locale
from fedtop.glyphs import ASCII, UNICODE
from fedtop.views.plan.applying import apply_question
from fedtop.views.plan.columns import BOOSTS, FLIPS, PREDICTED, SETTINGS, Forecast, flips_first, printed_table
from fedtop.views.plan.items import item_lines, number, setting_lines
from fedtop.views.plan.lines import boost_lines, plan_lines
from fedtop.views.plan.sentences import (
    caution,
    flips_parts,
    note_items,
    predicted_text,
    rule_items,
    title_parts,
)
from fedtop.widgets.table_model import Row, plain
from tests.conftest import Clock
from tests.tui.panes import HOSTILE
from tests.tui.plan_stores import CERTIFIED, RECOVER, TOO_LITTLE, loop_store

EXTENT = Extent(
    table="routes", start_ms=0, end_ms=1000, made_ms=1000, facts=9_412, graded=3_870, last_ms=999, fact_seq=9_412,
    verdict_seq=0,
)  # fmt: skip
LAYERS = (
    LayerChange("keyword", 0.85, 0.85, "exact", 9_412, 3_870, 0.32, 0.32, 0, 0, "no gain"),
    LayerChange("semantic", 0.70, 0.66, "probe", 6_400, 2_600, 0.42, 0.459, 0, 0, "accepts more"),
)
TUNE = Plan(
    kind="tune", rule="certified", conclusion="certified", made_ms=1000, policy_version=3, policy_hash="x", id="t-4f2a",
    items=(PlanItem("layer:semantic", "semantic", 0.70, 0.66, grade="probe", n=2_600),),
    pins={"layer:keyword": 0.85}, window_label="7d", extent=EXTENT,
    predicted={
        "accuracy": Predicted(0.974, 0.968, -0.006, (0.96, 0.98), (0.95, 0.98), (-0.009, -0.002)),
        "latency_ms": Predicted(46.0, 36.0, -10.0, (44.0, 48.0), (34.0, 38.0), (-12.0, -8.0)),
    },
    flips=FlipCounts(total=184, same_agent=171, now_right=9, now_wrong=4, same_verdict=0, unknown=0),
    alternatives=(
        Alternative("seed-accuracy", {"layer:keyword": 0.85, "layer:semantic": 0.65}, "misses the target",
                    {"accuracy": 0.941}),
        Alternative("seed-count", {"layer:keyword": 0.85, "layer:semantic": 0.70}, "", {"accuracy": 0.974}),
    ),
    reasons=("accuracy holds",), warnings=("clarification is assumed right",), more_needed=0,
    settings=TuneSettings(target=0.95, confidence=0.95, margin=0.01), detail=TuneDetail(LAYERS, "accuracy"),
)  # fmt: skip


def boost_rows(plan: Plan, in_force: Mapping[str, float]) -> list[Row]:
    return BOOSTS.rows(boost_lines(plan, in_force), Locale())


def flip_rows(plan: Plan) -> list[Row]:
    return FLIPS.rows(flips_first(plan.flipped), Locale(now_ms=plan.made_ms))


def cells(plan: Plan) -> list[dict[str, str]]:
    """What the pane shows of each line of a plan for thresholds, by column."""
    return [{key: plain(cell) for key, cell in row.cells.items()} for row in SETTINGS.rows(plan_lines(plan), Locale())]


def words(items: object) -> str:
    """Everything said, in one line."""
    assert isinstance(items, list | tuple)
    return " ".join(part.plain for item in items for part in (item if isinstance(item, tuple) else (item,)))


@pytest.fixture(scope="module")
def boosts(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    with loop_store(tmp_path_factory.mktemp("plans") / "boosts.db", Clock()) as store:
        return PolicyStore(store).propose_optimize()


# --- the head -------------------------------------------------------------------------------------------------------


def test_title_says_what_the_plan_rests_on() -> None:
    assert [part.plain for part in title_parts(TUNE)] == [
        "Plan t-4f2a",
        "tune, rule certified",
        "7d",
        "9,412 decisions, 3,870 graded",
        "● certified for accuracy ≥ 95.0 % (95 % confidence)",
    ]


def test_a_certificate_of_no_harm_promises_that() -> None:
    plan = replace(TUNE, detail=TuneDetail(LAYERS, "no-worse"))
    assert "at most 1.0 % of the decisions get worse" in words(title_parts(plan))


@pytest.mark.parametrize("conclusion", ["estimated", "recover"])
def test_what_is_not_certified_says_so_before_it_is_applied(conclusion: str) -> None:
    plan = replace(TUNE, conclusion=conclusion)
    assert caution(plan).startswith("not certified: ")
    assert "95.0 %" in caution(plan)
    assert "not certified" in words(title_parts(plan))
    question = apply_question(plan, (), UNICODE)
    assert question.caution == caution(plan)
    assert question.verb != apply_question(TUNE, (), UNICODE).verb


def test_a_certified_plan_needs_no_warning() -> None:
    assert caution(TUNE) == ""


def test_boosts_say_how_many_rest_on_estimates(boosts: Plan) -> None:
    loose = sum(item.grade != "certified" for item in boosts.items)
    assert loose > 0
    assert caution(boosts).startswith(f"not certified: no claim holds for {loose} of {len(boosts.items)} boosts")
    proven = replace(boosts, items=tuple(replace(item, grade="certified") for item in boosts.items))
    assert caution(proven) == ""


# --- thresholds -----------------------------------------------------------------------------------------------------


def test_layers_that_stay_are_shown_with_why() -> None:
    keyword, semantic = cells(TUNE)
    assert [keyword[key] for key in ("now", "arrow", "new", "grade")] == ["0.85", " ", "0.85", "="]
    assert keyword["evidence"] == "stays: no gain"
    assert [semantic[key] for key in ("now", "arrow", "new", "grade")] == ["0.70", "▼", "0.66", "●"]
    assert semantic["captured_new"] == "42.0 → 45.9 %"
    assert semantic["evidence"] == "probe, 2,600 of 6,400 graded"


def test_a_locked_proposal_shows_no_move() -> None:
    """What was found but is locked is no item of the plan, so it must not look like one."""
    lines = plan_lines(replace(TUNE, items=(), conclusion="keep"))
    assert [line.grade for line in lines] == ["unchanged"] * 2
    assert [line.new for line in lines] == [line.old for line in lines]


def test_estimates_do_not_look_certified() -> None:
    assert [line.grade for line in plan_lines(replace(TUNE, conclusion="estimated"))] == ["unchanged", "estimated"]


def test_a_plan_is_exported_as_raw_values() -> None:
    keyword, semantic = SETTINGS.records(plan_lines(TUNE))
    assert semantic == {
        "item": "semantic", "key": "layer:semantic", "now": 0.70, "new": 0.66, "certified": None, "no_worse": None,
        "seed_accuracy": 0.65, "seed_count": 0.70, "captured_new": 0.459, "captured_now": 0.42, "grade": "probe",
        "graded": 2_600, "attempts": 6_400, "interval_low": None, "interval_high": None,
        "evidence": "probe, 2,600 of 6,400 graded",
    }  # fmt: skip
    assert (keyword["now"], keyword["new"], keyword["grade"]) == (0.85, 0.85, None)
    assert PREDICTED.records([Forecast("accuracy", TUNE.predicted["accuracy"])]) == [
        {"measure": "accuracy", "now": 0.974, "new": 0.968, "change": -0.006, "change_low": -0.009,
         "change_high": -0.002},
    ]  # fmt: skip


def test_pane_print_and_export_of_boosts_agree(boosts: Plan) -> None:
    """Each value of the policy that changes: as the pane shows it, as print does, and raw."""
    printed, lines = printed_table(boosts), [line for line in boost_lines(boosts, {}) if line.item is not None]
    told = {line.key: [plain(f.print_cell(line, Locale())) for f in printed.printed] for line in lines}
    assert [field.heading or field.label for field in printed.printed] == [
        "item", "now", "new", "wilson", "seed", "95 % interval", "peers", "n", "grade",
    ]  # fmt: skip
    assert len(lines) == len(boosts.items) > 0
    raw = {str(line.key): record for line, record in zip(lines, BOOSTS.records(lines), strict=True)}
    for row in boost_rows(boosts, {}):
        if row.key not in told:
            continue
        record, rests = raw[row.key], boosts.proposals[row.key]
        assert (record["now"], record["new"], record["graded"]) == (rests.now, rests.new, rests.n)
        assert plain(row.cells["new"]) == told[row.key][2] == number(row.key, rests.new)
        assert told[row.key][3:5] == [number(row.key, value) for value in (record["wilson"], record["seed"])]
        assert plain(row.cells["graded"]) == told[row.key][7] == str(record["graded"])


def test_predictions_carry_their_intervals() -> None:
    assert predicted_text("accuracy", TUNE.predicted["accuracy"]).plain == "accuracy 97.4 % → 96.8 % (−0.90 … −0.20)"
    told = predicted_text("latency_ms", TUNE.predicted["latency_ms"]).plain
    assert told == "latency 46.0 ms → 36.0 ms (−12.0 … −8.0 ms)"
    assert predicted_text("accuracy", Predicted(None, None)).plain == "accuracy – → –"
    only_now = Predicted(0.9, 0.91, 0.01, now_interval=(0.88, 0.92))
    told = predicted_text("success", only_now).plain
    assert told == "success of what is boosted 90.0 % (88.0 % … 92.0 %) seen, 91.0 % to be expected"


def test_flips_add_up() -> None:
    assert [part.plain for part in flips_parts(TUNE)] == [
        "184 decisions would go elsewhere:", "171 same agent", "9 now right", "4 now wrong", "f lists them",
    ]  # fmt: skip
    assert flips_parts(replace(TUNE, flips=None)) == ()
    assert "no decision" in words(flips_parts(replace(TUNE, flips=FlipCounts(0, 0, 0, 0, 0, 0))))


def test_other_rules_say_what_they_would_move() -> None:
    one, other = rule_items(TUNE)
    assert one.plain == "seed-accuracy would set semantic 0.65 (accuracy 94.1 %: misses the target)"
    assert other.plain == "seed-count would change nothing"


def test_rules_that_agree_share_a_sentence() -> None:
    same = tuple(replace(other, values={"layer:semantic": 0.65}) for other in TUNE.alternatives)
    (sentence,) = rule_items(replace(TUNE, alternatives=same))
    assert sentence.plain.startswith("seed-accuracy and seed-count would set semantic 0.65")


def test_too_little_evidence_says_how_much_more(tmp_path: Path, clock: Clock) -> None:
    with loop_store(tmp_path / "few.db", clock, TOO_LITTLE) as store:
        plan = PolicyStore(store).propose_tune()
    assert (plan.conclusion, plan.changed) == ("insufficient", False)
    told = words(note_items(plan))
    assert plan.more_needed
    assert told.count(f"{plan.more_needed:,} more graded") == 1
    assert {line.grade for line in plan_lines(plan)} == {"unchanged"}


def test_missing_grades_are_said_when_no_reason_does() -> None:
    plan = replace(TUNE, items=(), flips=None, reasons=("nothing passes",), more_needed=1_559)
    assert "about 1,559 more graded decisions would settle it" in words(note_items(plan))


def test_recover_is_not_certified(tmp_path: Path, clock: Clock) -> None:
    with loop_store(tmp_path / "recover.db", clock, RECOVER) as store:
        plan = PolicyStore(store).propose_tune()
    assert plan.conclusion == "recover"
    assert "misses the target of 97.5 %" in caution(plan)


def test_flip_rows_match_the_counts(tmp_path: Path, clock: Clock) -> None:
    with loop_store(tmp_path / "flips.db", clock, CERTIFIED) as store:
        plan = PolicyStore(store).propose_tune()
    assert plan.flips is not None
    assert plan.flips.total <= FLIPS_KEPT, "else not all flips are listed"
    rows = flip_rows(plan)
    assert len(rows) == plan.flips.total
    seen = Counter(str(row.sort["consequence"]) for row in rows)
    assert {name.replace(" ", "_"): n for name, n in seen.items()} == {
        name: n for name, n in asdict(plan.flips).items() if n and name != "total"
    }
    assert {row.key for row in rows} == {flip.route_id for flip in plan.flipped}
    assert rows[0].sort["consequence"] == "now wrong", "what turns wrong is read first"


def test_hostile_names_reach_no_line() -> None:
    flip = Flip(HOSTILE, 0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "unknown")
    layer = replace(LAYERS[0], layer=HOSTILE, note=HOSTILE)
    plan = replace(TUNE, id=HOSTILE, reasons=(HOSTILE,), detail=TuneDetail((layer,)))
    shown = [plain(cell) for row in flip_rows(replace(plan, flipped=(flip,))) for cell in row.cells.values()]
    shown += [words(title_parts(plan)), words(note_items(plan)), words(rule_items(plan))]
    shown += cells(plan)[0].values()
    assert "xxx" in "".join(shown)
    assert "".join(shown).isprintable()


# --- boosts ---------------------------------------------------------------------------------------------------------


def test_every_pair_shows_the_three_rules(boosts: Plan) -> None:
    rows = {row.key: row for row in boost_rows(boosts, {})}
    values = {other.rule: other.values for other in boosts.alternatives}
    assert set(rows) == set().union(*values.values())
    for key, row in rows.items():
        assert {rule: row.sort[rule] for rule in values} == {rule: values[rule][key] for rule in values}


def test_what_changes_comes_first(boosts: Plan) -> None:
    rows = boost_rows(boosts, {})
    assert [row.key for row in rows[: len(boosts.items)]] == [item.key for item in boosts.items]
    assert {row.key for row in rows} == boosts.proposals.keys()


def test_now_and_new_are_what_a_router_adds(tmp_path: Path, clock: Clock) -> None:
    with loop_store(tmp_path / "boosts.db", clock) as store:
        loop = PolicyStore(store)
        plan = loop.propose_optimize()
        first, after = boost_rows(plan, {}), PolicyBody().with_values(plan.values)
        loop.apply(plan)
        again = boost_rows(loop.propose_optimize(), after.values())
    pairs = {rests.key: (rests.agent, rests.task_type or "") for rests in plan.proposals.values()}
    assert {row.key: (row.sort["now"], row.sort["new"]) for row in first} == {
        key: (0.0, after.boost(*pair)) for key, pair in pairs.items()
    }
    assert {row.key: (row.sort["now"], row.sort["new"]) for row in again} == {
        key: (after.boost(*pair), after.boost(*pair)) for key, pair in pairs.items()
    }
    assert {plain(row.cells["new"]) for row in again} == {"keep"}
    dim = {row.key for row in again if isinstance(row.cells["now"], Text) and row.cells["now"].style == "$dim"}
    inherited = {key for key in pairs if "/" in key and key not in after.values() and after.boost(*pairs[key])}
    assert dim == inherited != set()


def test_a_cut_from_the_boost_of_the_agent_points_down() -> None:
    """Set for the first time, but less than what the agent's own boost gives."""
    rests = BoostEvidence("kimi", "docs", 1, 3, 3.0, 1 / 3, 0.7, 0.68, None, 0.02, None, "", None, 0.05, 0.02)
    item = PlanItem("agent:kimi/docs", "kimi for docs", None, 0.02)
    plan = Plan("optimize", "shrunk", "proposed", 0, 0, "", (item,), detail=BoostDetail((rests,)))
    (row,) = boost_rows(plan, {"agent:kimi": 0.05})
    assert [plain(row.cells[name]) for name in ("now", "arrow", "new", "peers")] == ["+0.05", "▼", "+0.02", "68.0 %"]
    told = [line.plain for line in setting_lines(plan, item.key)]
    assert "a router adds +0.05 now, +0.02 with this plan; a boost for a task type replaces the agent's own" in told
    assert "70.0 % after shrinking, compared with 68.0 % of all agents at docs" in told
    assert "a boost for a task type replaces the agent's own" in words(note_items(plan))


def test_claims_stand_apart_from_boosts(boosts: Plan) -> None:
    claims = {rests.key: rests.claim for rests in boosts.proposals.values() if rests.claim}
    told = words(note_items(boosts))
    assert [key for key, claim in claims.items() if claim == "high"] == ["agent:kimi/review"]
    assert "high performer, with 90 % confidence: kimi for review 97 % of 60" in told
    assert ("low performer" in told) is ("low" in claims.values())


def test_a_boost_without_a_claim_says_so(boosts: Plan) -> None:
    plan = replace(boosts, detail=BoostDetail(tuple(replace(p, claim=None) for p in boosts.proposals.values())))
    assert "no claim of a high or low performer holds" in words(note_items(plan))


def test_evidence_of_one_boost(boosts: Plan) -> None:
    told = [line.plain for line in setting_lines(boosts, "agent:kimi/review")]
    assert told[0].startswith("kimi for review")
    assert "96.7 %" in told[1]
    assert "n=60" in told[1]
    assert [line.split()[0] for line in told[3:6]] == ["shrunk", "wilson", "seed"]
    assert "high" in told[-1]
    assert "Nothing is known" in setting_lines(boosts, "agent:nobody/review")[0].plain


# --- what exactly is written ----------------------------------------------------------------------------------------


@examples(max_examples=60, deadline=None)
@given(st.floats(-0.05, 0.05).map(lambda value: round(value, 4)))
def test_the_question_repeats_every_digit_of_a_boost(value: float) -> None:
    (line,) = item_lines([PlanItem("agent:kimi", "kimi", None, value)])
    shown = line.plain.split("→")[1].strip().replace("−", "-")
    assert float(shown) == value


@examples(max_examples=60, deadline=None)
@given(st.floats(0.0, 1.0).map(lambda value: round(value, 4)))
def test_the_question_repeats_every_digit_of_a_threshold(value: float) -> None:
    (line,) = item_lines([PlanItem("layer:rag", "rag", 0.5, value)])
    assert float(line.plain.split("→")[1]) == value


def test_the_question_repeats_pins_files_and_version() -> None:
    question = apply_question(TUNE, ("/srv/config.json",), UNICODE)
    told = words(question.lines)
    assert "semantic     0.70 →    0.66" in told
    assert "keyword 0.85" in told
    assert "version 3 becomes 4" in told
    assert "/srv/config.json" in told


def test_taking_back_a_first_threshold_names_what_the_router_used() -> None:
    (line,) = item_lines([PlanItem("layer:rag", "rag", 0.80, None, restores=0.85)])
    assert "not set: the router's own value, which was 0.85" in line.plain


def test_numbers_by_kind() -> None:
    assert number("layer:rag", 0.8) == "0.80"
    assert number("agent:kimi", 0.05) == "+0.05"
    assert number("agent:kimi", None) == "–"
    assert (number("lock:agent:kimi", 1.0), number("lock:agent:kimi", None)) == ("locked", "open")


def test_ascii_needs_nothing_but_ascii() -> None:
    texts = (*title_parts(TUNE, ASCII), *item_lines(TUNE.items, ASCII))
    assert len(texts) > 2
    for text in texts:
        assert ASCII.adapt(text.plain).isascii()
        assert len(ASCII.adapt(text.plain)) == len(text.plain)
