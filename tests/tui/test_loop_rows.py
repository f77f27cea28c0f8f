"""What the cascade, layer and why views say, from read models to rows: no app."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from fedstore import Window
from fedstore.learning.analysis import analyse_layer
from fedstore.learning.intervals import wilson
from fedstore.learning.lever import LeverReading
from fedstore.learning.stratified import Stratum, weighted_rate
from fedstore.learning.targets import DriftAlert
from fedstore.queries.models import ConfidenceBin, Rate
from fedtop.fields import Locale
from fedtop.glyphs import ASCII, UNICODE
from fedtop.palette import hue
from fedtop.views.cascade.columns import DECISIONS, LAYERS
from fedtop.views.cascade.funnel import funnel_steps, paint_funnel
from fedtop.views.cascade.parts import summary_parts, target_parts
from fedtop.views.layer.columns import READINGS, moved, reading_lines
from fedtop.views.layer.parts import analysis_lines, evidence_line
from fedtop.views.layer.study import study_layer, summary_bins
from fedtop.views.why.columns import LADDER, not_reached, note_of, outcome_of
from fedtop.views.why.parts import decision_lines, policy_line, verdict_text
from fedtop.widgets.histogram import Bin, Threshold, paint_histogram
from fedtop.widgets.table_model import Row, plain
from tests.federation import NOW_MS
from tests.support.log_builder import Attempt, DecisionLogBuilder
from tests.tui.panes import HOSTILE, WINDOW
from tests.tui.values_of import cascade, decision, layer, step, why


def cells(row: Row) -> dict[str, str]:
    return {key: plain(cell) for key, cell in row.cells.items()}


def readings(now: LeverReading, at: LeverReading) -> list[Row]:
    return READINGS.rows(reading_lines(now, at), Locale())


class TestLayers:
    def test_a_layer_says_what_it_rests_on(self) -> None:
        shown = cells(LAYERS.rows([layer()], Locale())[0])
        low, high = wilson(502, 512) or (0, 0)
        assert shown["attempts"] == "873"
        assert shown["captured"] == f"{539 / 1284:.1%}".replace("%", " %")
        assert shown["success"] == f"{539 / 873:.1%}".replace("%", " %")
        assert shown["accuracy"].split() == ["98.0", "%", f"{low * 100:.1f}–{high * 100:.1f}"]
        assert (shown["graded"], shown["threshold"], shown["confidence"]) == ("512", "0.70", "0.812")
        assert shown["target"] == "● >40%"

    def test_unknown_stays_unknown(self) -> None:
        unknown = layer(
            attempts=0, captured=Rate(0, 0), success=Rate(0, 0), confidence=None, accuracy=Rate(0, 0), threshold=None,
            durations=layer().durations.__class__(), target="", target_status="",
        )  # fmt: skip
        (row,) = LAYERS.rows([unknown], Locale())
        for key in ("captured", "confidence", "duration_p50_ms", "duration_p95_ms", "accuracy", "graded", "threshold"):
            assert row.cells[key] is None, key
        assert row.sort["accuracy"] is None

    @pytest.mark.parametrize(("status", "style"), [("ok", ""), ("warn", "bold $warn"), ("alert", "bold $alert")])
    def test_only_a_missed_target_stands_out(self, status: str, style: str) -> None:
        (row,) = LAYERS.rows([layer(target_status=status)], Locale())
        assert str(row.cells["captured"].style) == style  # type: ignore[union-attr]

    def test_missed_targets_come_first_with_their_value(self) -> None:
        parts = [part.plain for part in target_parts(cascade().targets)]
        assert parts[0] == "✖ accuracy >95% is 89.0 %"
        assert parts[1] == "▲ latency <100ms is 150 ms"
        assert parts[2] == "◌ layer 2 capture >40%"
        brief = [part.plain for part in target_parts(cascade().targets, brief=True)]
        assert brief[:3] == parts[:3]
        assert brief[3:] == ["● 2 targets met"]

    def test_the_summary_names_n(self) -> None:
        text = " ".join(part.plain for part in summary_parts(cascade()))
        low, high = wilson(890, 1000) or (0, 0)
        assert f"accuracy 89.0 % {low * 100:.1f}–{high * 100:.1f} n=1,000" in text
        assert "newer half" not in text
        drift = DriftAlert(0.98, 0.9, 0.001, 500, 498)
        told = [part.plain for part in summary_parts(cascade(drift=drift))][-1]
        assert told == "▲ accuracy fell from 98.0 % to 90.0 % in the newer half (n=500 and 498)"
        ungraded = " ".join(part.plain for part in summary_parts(cascade(accuracy=weighted_rate([]))))
        assert "accuracy not graded" in ungraded
        part = weighted_rate([Stratum(80, 40, 30), Stratum(20, 0, 0)])
        assert "75.0 % 59.8–85.8 n=40 (20 % in ungraded layers)" in " ".join(
            part.plain for part in summary_parts(cascade(accuracy=part))
        )

    def test_decisions_say_right_wrong_or_neither(self) -> None:
        decisions = [decision(0), decision(1, correct=True), decision(2, correct=False)]
        rows = DECISIONS.rows(decisions, Locale(window=Window.ending("1h", NOW_MS)))
        assert [cells(row)["correct"] for row in rows] == ["·", "✓", "✖"]
        for label, shown in (("1h", "12:34:56"), ("7d", "10 Mar 12:34")):
            (row,) = DECISIONS.rows(decisions[:1], Locale(window=Window.ending(label, NOW_MS)))
            assert cells(row)["at_ms"] == shown

    def test_hostile_texts_are_tamed(self) -> None:
        (row,) = DECISIONS.rows([decision(agent=HOSTILE, layer=HOSTILE, description=HOSTILE)], Locale(window=WINDOW))
        text = "".join(cells(row).values())
        assert "xxx" in text
        assert not {"\x1b", "\u202e", "\n"} & set(text)


class TestFunnel:
    @given(
        st.lists(st.integers(0, 5_000), min_size=1, max_size=7),
        st.integers(10, 200),
        st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_steps_join_and_fit(self, taken: list[int], width: int, plain_set: bool) -> None:
        total = sum(taken)
        layers = [layer(f"l{i}", i, captured=Rate(n, total)) for i, n in enumerate(taken)]
        steps = funnel_steps(reversed(layers))
        assert [s.before for s in steps] == [sum(taken[:i]) for i in range(len(taken))]
        lines = paint_funnel(steps, width, 20, ASCII if plain_set else UNICODE)
        assert len(lines) == len(taken)
        assert all(cell_len(line.plain) <= width for line in lines)
        full = (ASCII if plain_set else UNICODE).columns[8]
        if width >= 60:
            drawn = [full in line.plain for line in lines]
            assert drawn == [n > 0 for n in taken]


def reading(threshold: float, **changes: object) -> LeverReading:
    values: dict[str, object] = {
        "threshold": threshold, "captured": 0.42, "layer_accuracy": 0.98, "layer_interval": wilson(98, 100),
        "layer_graded": 100, "accuracy": 0.97, "interval": wilson(970, 1000), "graded": 1000, "latency_ms": 46.0,
        "clarify": 0.013, "unidentified": 0.0,
    }  # fmt: skip
    return LeverReading(**{**values, **changes})  # type: ignore[arg-type]


class TestLever:
    @given(st.floats(0, 1), st.lists(st.sampled_from([-5, -1, 1, 5]), max_size=60))
    @settings(max_examples=60, deadline=None)
    def test_moves_stay_on_the_grid(self, start: float, steps: list[int]) -> None:
        at = start
        for by in steps:
            at = moved(at, by)
            assert 0 <= at <= 1
        assert not steps or at * 100 == pytest.approx(round(at * 100))

    def test_there_and_back_is_where_it_was(self) -> None:
        assert moved(moved(0.70, -5), 5) == 0.70
        assert moved(0.70, -4) == 0.66

    def test_the_difference_is_told_in_points(self) -> None:
        there = reading(0.66, captured=0.471, accuracy=0.966, latency_ms=38.4, clarify=0.011, graded=990)
        rows = {row.key: cells(row) for row in readings(reading(0.70), there)}
        assert rows["threshold"] == {"measure": "threshold", "now": "0.70", "moved": "0.66", "change": "−0.04"}
        assert rows["captured"]["change"] == "+5.1"
        assert rows["accuracy"]["change"] == "−0.4"
        assert rows["latency_ms"]["change"] == "−7.6 ms"
        assert rows["clarify"]["change"] == "−0.2"
        assert rows["graded"]["moved"] == "990"

    def test_at_rest_only_the_present_is_told(self) -> None:
        rows = [cells(row) for row in readings(reading(0.7), reading(0.7))]
        assert {(row["moved"], row["change"]) for row in rows} == {("", "")}
        assert all(row["now"] for row in rows)

    def test_nothing_graded_is_no_accuracy(self) -> None:
        blank = reading(0.6, accuracy=None, interval=None, graded=0, layer_accuracy=None, layer_interval=None)
        rows = {row.key: cells(row) for row in readings(reading(0.7), blank)}
        assert rows["accuracy"]["moved"] == "–"
        assert rows["accuracy"]["change"] == "–"
        assert "cannot be told" in evidence_line(reading(0.7), blank).plain

    def test_the_grade_of_evidence(self) -> None:
        now = reading(0.7)
        assert evidence_line(now, reading(0.66)).plain.startswith("● exact")
        estimated = evidence_line(now, reading(0.75, unidentified=0.03)).plain
        assert estimated == "~ estimated  the log cannot tell 3.0 % of these decisions"


def small_log() -> DecisionLogBuilder:
    """Two layers; the first accepts from 0.7: ten above (two wrong), six below (three would have been right)."""
    builder = DecisionLogBuilder(["keyword", "semantic"])
    for i in range(10):
        attempt = Attempt("keyword", 0.75, 0.7, True, "kimi", 2.0)
        builder.append(f"a{i}", i, [attempt], accepted="keyword", final_agent="kimi", correct=i >= 2)
    for i in range(6):
        first = Attempt("keyword", 0.5, 0.7, False, "kimi" if i < 3 else "codex", 2.0)
        second = Attempt("semantic", 0.9, 0.8, True, "kimi", 30.0)
        builder.append(f"b{i}", 20 + i, [first, second], accepted="semantic", final_agent="kimi", correct=True)
    return builder


class TestStudy:
    def test_a_study_counts_both_sides(self) -> None:
        study = study_layer(small_log().build(), "keyword", 0.7)
        assert study is not None
        assert sum(b.right for b in study.bins) == 8 + 3
        assert sum(b.wrong for b in study.bins) == 2 + 3
        assert study.lever.at(0.7).captured == pytest.approx(10 / 16)
        assert study.lever.at(0.5).captured == 1.0
        text = "\n".join(line.plain for line in analysis_lines(study.analysis))
        assert "below 6  would have been correct 50.0 %" in text
        assert "(3/6)" in text
        assert "above 10  were incorrect 20.0 %" in text
        assert "(2/10)" in text

    def test_no_such_layer_and_no_decisions(self) -> None:
        assert study_layer(small_log().build(), "clarification", 1.0) is None
        assert study_layer(DecisionLogBuilder(["keyword"]).build(), "keyword", 0.7) is None

    def test_the_threshold_defaults_to_the_logged_one(self) -> None:
        study = study_layer(small_log().build(), "keyword", None)
        assert study is not None
        assert study.threshold == 0.7

    def test_ungraded_sides_say_so(self) -> None:
        builder = DecisionLogBuilder(["keyword"])
        attempt = Attempt("keyword", 0.9, 0.7, True, "kimi", 2.0)
        builder.append("a", 1, [attempt], accepted="keyword", final_agent="kimi")
        analysis = analyse_layer(builder.build(), 0, 0.7)
        text = "\n".join(line.plain for line in analysis_lines(analysis))
        assert text.count("cannot be judged") == 2

    def test_summary_bins_keep_the_unknown(self) -> None:
        (bin_,) = summary_bins([ConfidenceBin(0.7, 0.8, 10, 9, 4, 1)])
        assert (bin_.right, bin_.wrong, bin_.unknown) == (4, 1, 5)


class TestWhy:
    def test_every_kind_of_rung(self) -> None:
        steps = (
            step("keyword", 0.82, 0.85),
            step("cache", None, 0.5, error_class="timeout", latency_ms=100.0),
            step("semantic", 0.91, 0.70),
            step("rag", 0.9, 0.85, accepted=False, shadow=True),
            step("pytorch", None, 0.9),
        )
        assert [outcome_of(one) for one in steps] == ["passed", "failed", "accepted", "shadow", "not_reached"]
        rows = LADDER.rows(steps, Locale())
        assert plain(rows[1].cells["error_class"]) == "timeout"
        assert plain(rows[2].cells["latency_ms"]) == "3.2 ms"
        assert plain(rows[4].cells["latency_ms"]) == "", "nothing is not the same as not known"

    def test_a_rung_tells_by_how_much_it_stopped_and_a_ghost_has_no_hue(self) -> None:
        steps = (step("rag", 0.41, 0.85), step("rag", 0.74, 0.70), step("rag", None, 0.9))
        passed, accepted, ghost = LADDER.rows(steps, Locale())
        assert [cells(row)["outcome"] for row in (passed, accepted, ghost)] == ["↓", "✓", "·"]
        assert [cells(row)["margin"] for row in (passed, accepted, ghost)] == ["−0.440", "+0.040", ""]
        bars = [row.cells["bar"] for row in (passed, accepted, ghost)]
        assert [(bar.fraction, bar.mark) for bar in bars] == [(0.41, 0.85), (0.74, 0.7), (None, 0.9)]  # type: ignore[union-attr]
        assert [bar.style == hue("rag") for bar in bars] == [True, True, False]  # type: ignore[union-attr]

    def test_the_present_policy_is_named_where_it_differs(self) -> None:
        now_passes = step("semantic", 0.71, 0.70, threshold_now=0.75, accepts_now=False)
        now_accepts = step("keyword", 0.82, 0.85, threshold_now=0.80, accepts_now=True)
        assert [note_of(one) for one in (now_accepts, now_passes)] == ["now accepts at 0.80", "now passes at 0.75"]

    def test_a_probe_is_no_difference(self) -> None:
        probed = step("rag", 0.9, 0.85, accepted=False, shadow=True, accepts_now=True)
        assert note_of(probed) == ""

    def test_layers_it_never_came_to_are_ghosts(self) -> None:
        view = why(steps=(step("keyword", 0.9, 0.85),))
        layers = (("keyword", 1, 0.85), ("semantic", 2, 0.7), ("clarification", 3, 1.0))
        ghosts = not_reached(view, layers)
        assert [(ghost.layer, ghost.threshold) for ghost in ghosts] == [("semantic", 0.7), ("clarification", 1.0)]
        rows = LADDER.rows((*view.steps, *ghosts), Locale())
        assert [cells(row)["agent"] for row in rows] == ["kimi", "", ""]
        assert [row.style for row in rows] == ["", "$faint", "$faint"]

    def test_the_policy_line(self) -> None:
        assert policy_line(why()).plain == "policy 3; the present one would decide the same"
        other = policy_line(why(policy_version=None, now_layer="rag", now_agent="codex")).plain
        assert other == "before the first policy; the present one would let rag choose codex"
        assert "cannot be told" in policy_line(why(now_layer=None, now_agent=None)).plain

    def test_the_verdict(self) -> None:
        assert verdict_text(why()).plain == "· not graded"
        wrong = why(decision=decision(correct=False), correct_agent="codex")
        assert verdict_text(wrong).plain == "✖ wrong, right would be codex"

    def test_hostile_task(self) -> None:
        lines = decision_lines(why(decision=decision(description=HOSTILE, agent=HOSTILE)), UTC, NOW_MS)
        text = "".join(line.plain for line in lines)
        assert "xxx" in text
        assert not {"\x1b", "\u202e"} & set(text)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(30, 160))
@settings(max_examples=80, deadline=None)
def test_the_labels_of_two_thresholds_stand_in_their_order(now: int, at: int, width: int) -> None:
    thresholds = [Threshold(now / 100), Threshold(at / 100, "moved")]
    lines = paint_histogram([Bin(5, 1, 1)] * 40, thresholds, width, 8, UNICODE)
    axis = lines[-1].plain
    assert f"{at / 100:.2f}" in axis
    if now != at and f"{now / 100:.2f}" in axis.replace(f"{at / 100:.2f}", "----", 1):
        here, there = (axis.index(f"{value / 100:.2f}") for value in (now, at))
        assert (here < there) == (now < at)


def test_no_view_brings_numpy_before_it_is_needed() -> None:
    modules = ("cascade", "layer", "why", "grading", "costs", "tools", "tool")
    code = f"import sys, {', '.join(f'fedtop.views.{m}.panel' for m in modules)}; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
