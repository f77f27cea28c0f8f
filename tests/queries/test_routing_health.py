"""What is wrong with the cascade: drift between the halves of a window, targets that are missed."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import accumulate

import pytest
from scipy import stats

from fedstore.facts.events import Attempt, Outcome, Route
from fedstore.queries.buckets import Buckets
from fedstore.queries.routing_health import _PIECES, _middle_ms
from fedstore.store import Store
from fedstore.window import Window
from tests.conftest import Clock

HOUR_MS = 3_600_000


def decide(store: Store, end_ms: int, verdicts: str, latency_ms: float = 40.0, layer: str = "keyword") -> None:
    """Decisions a minute apart, the last one before ``end_ms``: + right, - wrong, ? not graded."""
    known = {"+": Outcome(correct=True), "-": Outcome(correct=False), "?": None}
    attempt = Attempt(layer=layer, agent="kimi", confidence=0.9, threshold=0.85, accepted=True)
    routes = [
        Route(
            id=f"{layer}-{i}", at=end_ms - (len(verdicts) - i) * 60_000, agent="kimi", layer=layer, attempts=(attempt,),
            outcome=known[verdict], latency_ms=latency_ms,
        )
        for i, verdict in enumerate(verdicts)
    ]  # fmt: skip
    assert store.writer().write(routes).taken == len(verdicts)


@pytest.mark.parametrize("label", ["6h", "24h", "7d", "all"])
def test_a_fall_is_told_with_its_counts(store: Store, clock: Clock, label: str) -> None:
    decide(store, clock.now_ms, "+" * 98 + "--" + "?" * 50 + "+-" * 50)
    reader = store.reader()
    drift = reader.cascade(reader.window(label)).drift
    assert drift is not None
    assert drift.worse
    assert drift.older_n + drift.newer_n == 200
    table = [[98, 2], [50, 50]]
    assert drift.p_value == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue, abs=1e-6)
    assert (drift.older, drift.newer) == pytest.approx((0.98, 0.5), abs=0.03)
    fell = [item for item in reader.overview(reader.window(label)).attention if "fell" in item[1]]
    assert [(severity, target) for severity, _, target in fell] == [("warn", "tab:cascade")]
    assert drift.text in fell[0][1]


@pytest.mark.parametrize("verdicts", ["", "?" * 40, "+", "-", "+-" * 60, "+" * 100, "+" * 30 + "-"])
def test_nothing_to_tell(store: Store, clock: Clock, verdicts: str) -> None:
    decide(store, clock.now_ms, verdicts)
    reader = store.reader()
    assert reader.cascade(reader.window("24h")).drift is None
    assert not any("fell" in text for _, text, _ in reader.overview(reader.window("24h")).attention)


def test_a_layer_that_is_graded_more_does_not_speak_for_the_others(store: Store, clock: Clock) -> None:
    """Half the decisions are keyword's, right in 90 %, all graded; half semantic's, right in 50 %, a tenth graded."""
    decide(store, clock.now_ms, "+++++++++-" * 20)
    decide(store, clock.now_ms - 1, ("+" + "?" * 9 + "-" + "?" * 9) * 10, layer="semantic")
    reader = store.reader()
    view = reader.cascade(reader.window("24h"))
    assert view.accuracy.value == pytest.approx(0.5 * 0.9 + 0.5 * 0.5)
    assert view.accuracy.n == 220
    assert view.accuracy.silent == 0.0
    told = [text for _, text, target in reader.overview(reader.window("24h")).attention if target == "tab:cascade"]
    assert "routing accuracy is 70.0 %, target >95%" in told


def test_what_was_ungraded_layers_is_told(store: Store, clock: Clock) -> None:
    decide(store, clock.now_ms, "+++-" * 10)
    decide(store, clock.now_ms - 1, "?" * 10, layer="semantic")
    accuracy = store.reader().cascade(store.reader().window("24h")).accuracy
    assert (accuracy.value, accuracy.n, accuracy.silent) == (0.75, 40, 0.2)


def test_grading_another_layer_more_is_no_drift(store: Store, clock: Clock) -> None:
    fast, slow = "+" * 100 + ("+" + "?" * 9) * 10, ("+-" + "?" * 18) * 5 + "+-" * 50
    assert len(fast) == len(slow) == 200
    decide(store, clock.now_ms, fast)
    decide(store, clock.now_ms - 1, slow, layer="semantic")
    reader = store.reader()
    assert reader.cascade(reader.window("24h")).drift is None


def test_a_rise_needs_no_attention(store: Store, clock: Clock) -> None:
    decide(store, clock.now_ms, "+-" * 50 + "+" * 100)
    reader = store.reader()
    drift = reader.cascade(reader.window("24h")).drift
    assert drift is not None
    assert not drift.worse
    assert not any("fell" in text for _, text, _ in reader.overview(reader.window("24h")).attention)


def test_targets_that_are_missed_by_far(store: Store, clock: Clock) -> None:
    decide(store, clock.now_ms, "+++-" * 10, latency_ms=250.0)
    reader = store.reader()
    told = [text for _, text, target in reader.overview(reader.window("24h")).attention if target == "tab:cascade"]
    assert told == ["routing accuracy is 75.0 %, target >95%", "routing takes 250 ms, target <100ms"]


def middle_of_all_pieces(buckets: Buckets, window: Window) -> int | None:
    """The end of the piece after which the graded decisions are closest to half, the first of several."""
    step = buckets.step_of(window, _PIECES)
    slots = buckets.slots("route_buckets", window, step, (), ("graded",))
    seen = list(accumulate(graded for _, graded in slots))
    off = [abs(n - seen[-1] / 2) for n in seen]
    return min(window.end_ms, slots[off.index(min(off))][0] + step) if slots else None


@pytest.mark.parametrize("seed", range(8))
def test_the_middle_is_where_looking_at_every_piece_finds_it(store: Store, clock: Clock, seed: int) -> None:
    rng = random.Random(seed)
    window = store.reader().window(rng.choice(["1h", "6h", "24h", "7d", "30d"]))
    for n in range(12):
        burst = "".join(rng.choices("+?", weights=(1, rng.choice([0, 1, 20])), k=rng.randrange(1, 12)))
        decide(store, clock.now_ms - int(window.length_ms * rng.random() ** 2), burst, layer=f"layer {n}")
        with store.database.snapshot():
            buckets = Buckets(store.database)
            for seen in (window, replace(window, start_ms=window.start_ms + rng.randrange(60) * 60_000)):
                assert _middle_ms(buckets, seen) == middle_of_all_pieces(buckets, seen)


def test_nothing_decided_has_no_middle(store: Store) -> None:
    assert _middle_ms(Buckets(store.database), store.reader().window("7d")) is None
