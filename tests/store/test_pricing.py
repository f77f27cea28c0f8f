"""What calls cost: exactly what the price list says, under every name, at the call's own time, in its service tier."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from genai_prices import Usage as Tokens
from genai_prices import calc_price, types
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from fedstore.facts import rates
from fedstore.facts.price_names import spellings
from fedstore.facts.pricing import price
from fedstore.facts.rates import cost_of

NANO = 10**9
MILLION = 1_000_000
MODELS = [(model.id, provider.id) for provider in get_snapshot().providers for model in provider.models]


def ms(*when: int) -> int:
    return round(datetime(*when, tzinfo=UTC).timestamp() * 1000)  # type: ignore[arg-type,misc]


AT = ms(2026, 10, 5, 9)


def usd(model: str, provider: str = "", tier: str = "", at: int = AT, **tokens: int) -> tuple[float, bool] | None:
    """Of a million input tokens, if nothing else is said, and whether it is a lower bound."""
    given = {"read_all": MILLION, "read": 0, "write_5m": 0, "write_1h": 0, "output": 0, **tokens}
    found = cost_of(model, provider, tier, at, *given.values())
    return None if found is None else (found[0] / NANO, found[1])


def as_listed(
    model: str, provider: str, at: int, read: int, write_5m: int, write_1h: int, fresh: int, output: int
) -> Any:
    """What the price list itself says about the same call."""
    parts: dict[str, int] = {"cache_write_tokens": write_5m + write_1h}
    if write_1h:
        parts |= {"cache_write_5m_tokens": write_5m, "cache_write_1h_tokens": write_1h}
    tokens = Tokens(
        input_tokens=fresh + read + write_5m + write_1h, cache_read_tokens=read, output_tokens=output, **parts
    )
    for name, seller in spellings(model, provider):
        try:
            found = calc_price(
                tokens, name, provider_id=seller, genai_request_timestamp=datetime.fromtimestamp(at / 1000, UTC)
            )
        except (LookupError, ValueError):
            continue
        return int((found.total_price * NANO).to_integral_value())
    return None


COUNT = st.one_of(st.just(0), st.integers(0, 400_000))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MODELS), st.integers(ms(2024, 1, 1), ms(2027, 3, 1)), st.tuples(*[COUNT] * 5))
def test_what_is_multiplied_is_what_the_price_list_says(named: tuple[str, str], at: int, parts: Any) -> None:
    read, write_5m, write_1h, fresh, output = parts
    found = cost_of(*named, "", at, fresh + read + write_5m + write_1h, read, write_5m, write_1h, output)
    assert (None if found is None else found[0]) == as_listed(*named, at, read, write_5m, write_1h, fresh, output)


@pytest.mark.parametrize(
    ("model", "provider", "cost"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "", 3.30),
        ("US.Anthropic.Claude-Sonnet-4-5-20250929-v1:0", "anthropic", 3.30),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "litellm", 3.30),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "", 3.30),
        ("global.anthropic.claude-opus-4-6-v1", "", 5.00),
        ("us.amazon.nova-pro-v1:0", "", 0.80),
        ("claude-opus-4-6@default", "vertex_ai", 5.00),
        ("publishers/anthropic/models/claude-opus-4-6", "", 5.00),
        ("anthropic/claude-opus-4.6", "", 5.00),
        ("openrouter/anthropic/claude-opus-4-6", "", 5.00),
        ("models/gemini-2.5-pro", "google", 2.50),
        ("glm-4.6", "", 0.60),
        ("GLM-4.7", "", 0.60),
        ("z-ai/glm-4.6", "", 0.60),
        ("qwen3-coder-plus", "", 0.65),
        ("gpt-5.3-codex", "some-gateway", 1.75),
    ],
)
def test_a_model_is_found_under_the_names_that_clouds_and_proxies_give_it(
    model: str, provider: str, cost: float
) -> None:
    assert usd(model, provider) == (cost, False)


@pytest.mark.parametrize(
    "model",
    [
        "qwen3:8b",
        "qwen3-8b",
        "qwen3-coder-30b",
        "llama3.1:8b",
        "us.anthropic.claude-nosuch-9-v1:0",
        "anthropic.",
        "/",
        "nosuch",
    ],
)
def test_a_model_that_the_list_does_not_know_has_no_price(model: str) -> None:
    assert usd(model) is None


def test_a_seller_that_is_named_and_not_in_the_list_is_not_taken_for_another() -> None:
    assert usd("qwen3-coder-plus", "alibaba") is None
    assert usd("qwen3-coder-plus", "litellm") == (0.65, False)


def test_a_call_has_the_price_of_its_own_time_of_day() -> None:
    by_time = {
        (h, m): usd("deepseek-chat", at=ms(2026, 10, 5, h, m)) for h, m in ((0, 29), (0, 30), (16, 29), (16, 30))
    }
    assert by_time == {
        (0, 29): (0.135, False),
        (0, 30): (0.27, False),
        (16, 29): (0.27, False),
        (16, 30): (0.135, False),
    }


def test_a_call_has_the_price_of_its_own_day() -> None:
    assert usd("o3", at=ms(2025, 5, 1)) == (10.0, False)
    assert usd("o3", at=ms(2025, 7, 1)) == (2.0, False)


@pytest.mark.parametrize(
    ("model", "tier", "at", "found"),
    [
        ("gpt-5.4", "priority", AT, (5.0, False)),
        ("gpt-5.4", "priority", ms(2026, 7, 20), (5.0, False)),  # before the list has it: as many times the standard
        ("gpt-5.4", "fast", ms(2026, 11, 1), (5.0, False)),
        ("gpt-5", "flex", AT, (0.625, False)),
        ("claude-opus-4-8", "fast", AT, (10.0, False)),
        ("claude-opus-4-6", "fast", AT, (30.0, False)),
        ("claude-opus-4-6", "batch", AT, (2.5, False)),
        ("claude-haiku-4-5", "fast", AT, (1.0, True)),  # dearer by nobody knows what
        ("claude-haiku-4-5", "priority", AT, (1.0, True)),
        ("claude-haiku-4-5", "flex", AT, None),  # cheaper by nobody knows what
    ],
)
def test_a_service_tier_has_its_own_price_or_bounds_it(model: str, tier: str, at: int, found: Any) -> None:
    assert usd(model, tier=tier, at=at) == found


def test_the_tier_of_a_long_context_is_that_of_all_its_tokens() -> None:
    assert usd("gemini-2.5-pro", read_all=200_000) == (0.25, False)
    assert usd("gemini-2.5-pro", read_all=200_001) == pytest.approx((0.5000025, False))


def test_the_list_is_asked_once_per_rate_not_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    given = types.ModelPrice.calc_price
    monkeypatch.setattr(types.ModelPrice, "calc_price", lambda self, usage: asked.append(1) or given(self, usage))
    for known in (rates._cards, rates._models):
        known.cache_clear()
    rates._SHARED.clear()
    for number in range(500):
        fields = {
            "cost_usd": None, "input_tokens": 900 + number, "output_tokens": number, "model": "gpt-5.3-codex",
            "provider": "openai", "at": AT + 60_000 * number, "cache_read_tokens": number, "cache_write_tokens": 0,
            "cache_write_1h_tokens": 0, "service_tier": "",
        }  # fmt: skip
        assert price(fields, 0)[1] == "computed"
    assert len(asked) < 10
