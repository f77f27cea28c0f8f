"""Boost rules: the plain rule to the letter, shrinking by hand, claims, and that shrinking routes better."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fedstore.learning.boosts import (
    BoostSettings,
    claim_of,
    propose_boosts,
    tally,
)
from fedstore.learning.rules import BOOST_RULES

NO_DECAY = BoostSettings(half_life=None)


def outcomes(agent: str, right: int, wrong: int, kind: str = "implementation") -> list[tuple[str, str, bool]]:
    return [(agent, kind, True)] * right + [(agent, kind, False)] * wrong


def seed_boost(right: int, wrong: int) -> tuple[float, float]:
    agent, pair = propose_boosts(outcomes("kimi", right, wrong), "seed")
    return agent.boost, pair.boost


@pytest.mark.parametrize(("right", "wrong", "agent", "pair"), [
    (5, 0, 0.05, 0.05), (4, 0, 0.0, 0.0), (9, 1, 0.05, 0.05), (8, 1, 0.0, 0.0),
    (5, 5, -0.05, 0.0), (3, 2, 0.0, 0.0), (0, 5, -0.05, 0.0), (0, 4, 0.0, 0.0),
])  # fmt: skip
def test_seed_rule_to_the_letter(right: int, wrong: int, agent: float, pair: float) -> None:
    assert seed_boost(right, wrong) == (agent, pair)


@pytest.mark.parametrize(("p", "n", "up", "down"), [
    (0.60, 5, 0.078, 0.317), (0.75, 10, 0.244, 0.078), (0.80, 20, 0.206, 0.003), (0.85, 50, 0.219, 0.0),
])  # fmt: skip
def test_seed_rule_fires_as_often_as_the_binomial_says(p: float, n: int, up: float, down: float) -> None:
    boosts = [seed_boost(k, n - k)[0] for k in range(n + 1)]
    weights = stats.binom.pmf(range(n + 1), n, p)
    assert sum(w for w, b in zip(weights, boosts, strict=True) if b > 0) == pytest.approx(up, abs=1e-3)
    assert sum(w for w, b in zip(weights, boosts, strict=True) if b < 0) == pytest.approx(down, abs=1e-3)


def test_seed_sentence() -> None:
    _, pair = propose_boosts(outcomes("kimi", 6, 0), "seed")
    assert pair.evidence == "Excellent at implementation: 100%"


def test_shrunk_by_hand() -> None:
    seen = outcomes("a", 9, 1) + outcomes("b", 5, 5)
    a, b, a_pair, b_pair = propose_boosts(seen, "shrunk", NO_DECAY)
    mean = (14 + 3.2) / (20 + 4)
    post_a, post_b = (9 + 10 * mean) / 20, (5 + 10 * mean) / 20
    assert a.posterior == pytest.approx(post_a)
    assert b.posterior == pytest.approx(post_b)
    assert a.boost == pytest.approx(0.05)
    assert b.boost == pytest.approx(-0.05)
    assert a_pair.posterior == pytest.approx((9 + 5 * post_a) / 15)
    assert b_pair.posterior == pytest.approx((5 + 5 * post_b) / 15)


def test_shrinking_strength_by_the_method_of_moments() -> None:
    data = {"a": (45, 50), "b": (30, 50), "c": (10, 12)}
    seen = [x for agent, (s, n) in data.items() for x in outcomes(agent, s, n - s)]
    total_s, total_n = 85, 112
    mu = (total_s + 3.2) / (total_n + 4)
    spread = sum(n * (s / n - mu) ** 2 for s, n in data.values())
    tau2 = (spread - 2 * mu * (1 - mu)) / (total_n - sum(n * n for _, n in data.values()) / total_n)
    m = math.sqrt(10 * min(60, max(3, mu * (1 - mu) / tau2 - 1)))
    found = propose_boosts(seen, "shrunk", NO_DECAY)[:3]
    assert [proposal.agent for proposal in found] == ["a", "b", "c"]
    for proposal in found:
        s, n = data[proposal.agent]
        assert proposal.posterior == pytest.approx((s + m * mu) / (n + m))


def test_old_outcomes_fade() -> None:
    t = tally([True] * 100 + [False] * 100, half_life=100)
    r = 0.5 ** (1 / 100)
    assert t.weighted_n == pytest.approx((1 - r**200) / (1 - r))
    assert t.weighted_successes == pytest.approx(t.weighted_n / 3)
    assert (t.successes, t.n) == (100, 200)
    assert tally([True, False], None).weighted_n == 2


def test_claims_need_a_bound() -> None:
    assert claim_of(9, 9) is None
    assert claim_of(10, 10) == "high"
    assert claim_of(19, 20) is None
    assert claim_of(20, 21) == "high"
    assert claim_of(0, 4) is None
    assert claim_of(1, 5) == "low"
    assert claim_of(0, 0) is None
    ten = propose_boosts(outcomes("a", 10, 0), "wilson")[0]
    assert (ten.boost, ten.claim, ten.more_needed) == (0.05, "high", 0)
    few = propose_boosts(outcomes("a", 5, 0), "wilson")[0]
    assert (few.boost, few.claim, few.more_needed) == (0.0, None, 5)
    middling = propose_boosts(outcomes("a", 15, 5), "wilson")[0]
    assert middling.more_needed is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=60))
def test_boosts_stay_in_range_and_rules_line_up(seen: list[tuple[str, str, bool]]) -> None:
    for rule in BOOST_RULES:
        for proposal in propose_boosts(seen, rule):
            assert -0.05 <= proposal.boost <= 0.05
            assert 0.0 < proposal.posterior < 1.0
            assert proposal.effective_n <= proposal.n + 1e-9
            assert proposal.interval is not None
    rows = propose_boosts(seen, "shrunk")
    assert len(rows) == len({a for a, _, _ in seen}) + len({(a, t) for a, t, _ in seen})
    for rule in BOOST_RULES:
        assert [row.boosts[rule] for row in rows] == [row.boost for row in propose_boosts(seen, rule)]
    agents = [row.boost for row in rows if row.task_type is None]
    if agents and max(map(abs, agents)) < 0.05:
        assert sum(agents) == pytest.approx(0.0, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"), st.booleans()), min_size=1, max_size=60))
def test_a_pair_is_compared_with_every_agent_at_its_task_type(seen: list[tuple[str, str, bool]]) -> None:
    found = {(p.agent, p.task_type): p for p in propose_boosts(seen, "shrunk", NO_DECAY)}
    own = {agent: p.posterior for (agent, kind), p in found.items() if kind is None}
    assert set(own) == {agent for agent, _, _ in seen}
    for (agent, kind), p in found.items():
        at = [o for a, k, o in seen if (a, k) == (agent, kind)] if kind is not None else []
        if kind is not None:
            assert p.posterior == pytest.approx((sum(at) + 5 * own[agent]) / (len(at) + 5))
        same = [found.get((other, kind), found[other, None]).posterior for other in own]
        assert p.peers == pytest.approx(sum(same) / len(same))
        assert p.boost == pytest.approx(min(0.05, max(-0.05, p.posterior - p.peers)), abs=6e-5)


def test_many_pairs_take_time_in_proportion() -> None:
    """Eight times as many pairs take about eight times as long; compared with each other they would take 64 times."""

    def seconds(agents: int) -> float:
        seen = [(f"a{a}", f"t{t}", (a + t) % 2 == 0) for a in range(agents) for t in range(30)]
        start = time.process_time()
        propose_boosts(seen)
        return time.process_time() - start

    few, many = (min(seconds(agents) for _ in range(3)) for agents in (10, 80))
    assert many < 24 * few


def test_lone_agent_gets_no_relative_boost() -> None:
    assert propose_boosts(outcomes("a", 20, 0), "shrunk")[0].boost == 0.0


def _routed(rule: str, rng: np.random.Generator, tasks: int = 240, agents: int = 5) -> float:
    """Mean true success of tasks routed by noisy scores plus boosts that are renewed every 20 tasks."""
    skill = np.clip(rng.normal(0.75, 0.12, agents), 0.05, 0.99)
    boost, seen, total = np.zeros(agents), [], 0.0
    for t in range(tasks):
        chosen = int(np.argmax(rng.normal(0, 0.05, agents) + boost))
        total += skill[chosen]
        seen.append((str(chosen), "x", bool(rng.random() < skill[chosen])))
        if t % 20 == 19 and rule != "none":
            for proposal in propose_boosts(seen, rule):  # type: ignore[arg-type]
                if proposal.task_type is None:
                    boost[int(proposal.agent)] = proposal.boost
    return total / tasks


def test_shrunk_boosts_route_better_than_the_plain_rule() -> None:
    score = {
        rule: float(np.mean([_routed(rule, np.random.default_rng([8, rep])) for rep in range(60)]))
        for rule in ("none", "seed", "shrunk")
    }
    assert score["none"] + 0.01 < score["seed"]
    assert score["seed"] < score["shrunk"]
