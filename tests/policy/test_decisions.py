"""The decision log read from packed trails, against one built slowly from the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedstore.facts.events import Attempt, Outcome, Route, Verdict
from fedstore.learning.replay import replay
from fedstore.queries.decisions import chunks as module
from fedstore.queries.decisions import hash_ids, load_decisions, read_decisions
from fedstore.store import Store
from fedstore.window import Window
from tests.policy.synthetic import cascade_log, write_cascade

LAYERS = ("keyword", "semantic", "rag")
AGENTS = ("a", "b", "ü/ö", "")
T0 = 1_770_000_000_000
ALL = Window(0, 1 << 50, "all")

confidences = st.one_of(st.none(), st.floats(0, 1, width=32))


@st.composite
def routes(draw: st.DrawFn, i: int) -> Route:
    """Any decision that the writer takes: skipped layers, errors, probes, nothing known."""
    deciding = draw(st.integers(0, len(LAYERS)))
    attempts = []
    for k, layer in enumerate(LAYERS):
        if draw(st.booleans()) and k != deciding:
            continue
        attempts.append(
            Attempt(
                layer=layer,
                agent=draw(st.sampled_from(AGENTS)),
                confidence=draw(confidences),
                threshold=draw(st.one_of(st.none(), st.sampled_from([0.5, 0.7, 0.85]))),
                accepted=k == deciding and draw(st.booleans()),
                latency_ms=draw(st.one_of(st.none(), st.integers(0, 5000).map(float))),
                shadow=k > deciding,
                error_class=draw(st.sampled_from(["", "", "Timeout"])) if k != deciding else "",
            )
        )
    agent = draw(st.sampled_from(AGENTS))
    outcome = st.builds(
        Outcome, correct=st.one_of(st.none(), st.booleans()), correct_agent=st.sampled_from([None, "a", "stranger"])
    )
    return Route(
        id=draw(st.sampled_from(["r", "route-with-a-long-name-" + "x" * 80])) + str(i),
        at=T0 + draw(st.integers(0, 10)) * 1000,
        agent=agent,
        layer=LAYERS[deciding] if deciding < len(LAYERS) else "clarification",
        attempts=tuple(attempts),
        outcome=draw(st.one_of(st.none(), outcome)),
    )


@st.composite
def route_lists(draw: st.DrawFn) -> list[Route]:
    return [draw(routes(i)) for i in range(draw(st.integers(0, 12)))]


def expected(store: Store, window: Window) -> dict[str, list]:
    """The same table, row by row, from the tables ``routes`` and ``route_attempts``."""
    read = store.database.read
    rows = []
    for route_id, at, agent, layer, correct, right in read(
        "SELECT id, at_ms, agent, layer, correct, correct_agent FROM routes"
        " WHERE at_ms >= ? AND at_ms < ? ORDER BY seq",
        (window.start_ms, window.end_ms),
    ):
        cells = {}
        for name, proposed, confidence, threshold, accepted, shadow, error, latency in read(
            "SELECT layer, agent, confidence, threshold, accepted, shadow, error_class, latency_us"
            " FROM route_attempts WHERE route_id = ?",
            (route_id,),
        ):
            over = None not in (confidence, threshold) and confidence >= threshold
            able = error == "" and confidence is not None and not (over and not accepted and not shadow)
            spent = None if latency is None else latency / 1000
            cells[name] = (confidence, threshold, spent, proposed or None, bool(shadow), able)
        rows.append((route_id, at, agent or None, layer, correct, right, cells))
    return {"rows": rows}


def seen(store: Store, window: Window, layers: tuple[str, ...]) -> dict[str, list]:
    found = load_decisions(store.database, window, layers)
    log = found.log

    def number(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    def name(code: int) -> str | None:
        return log.agents[code] if code >= 0 else None

    rows = []
    for i in range(len(log)):
        cells = {}
        for k, layer in enumerate(layers):
            values = (
                number(log.confidence[i, k]), number(log.threshold[i, k]), number(log.latency_ms[i, k]),
                name(log.proposal[i, k]), bool(log.shadow[i, k]), bool(log.able[i, k]),
            )  # fmt: skip
            if values != (None, None, None, None, False, False):
                cells[layer] = values
        accepted = int(log.accepted[i])
        rows.append(
            (
                found.route_id(i), int(log.ts_ms[i]), name(log.final[i]),
                layers[accepted] if accepted < len(layers) else "clarification",
                None if log.correct[i] < 0 else int(log.correct[i]), name(log.true_agent[i]), cells,
            )
        )  # fmt: skip
    return {"rows": rows}


def without_empty(rows: dict[str, list]) -> dict[str, list]:
    """An attempt that says nothing at all leaves no trace in the columns."""
    blank = (None, None, None, None, False, False)
    return {"rows": [(*row[:6], {k: v for k, v in row[6].items() if v != blank}) for row in rows["rows"]]}


@given(events=route_lists(), start=st.integers(0, 11), length=st.integers(0, 11), joined=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_equals_the_slow_way(
    tmp_path_factory: pytest.TempPathFactory, events: list[Route], start: int, length: int, joined: bool
) -> None:
    window = Window(T0 + start * 1000, T0 + (start + length) * 1000, "some")
    with Store(tmp_path_factory.mktemp("store") / "s.db") as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 3)
        if not joined:
            patch.setattr("fedstore.engine.joining._are_whole", lambda runs, sizes: False)
        store.writer().write(events)
        assert seen(store, window, LAYERS) == without_empty(expected(store, window))


def test_late_verdicts_count(store: Store) -> None:
    store.writer().write(
        [
            Route(id="r1", at=T0, agent="a", layer="keyword", attempts=(_taken("keyword"),)),
            Verdict(subject="route", subject_id="r1", at=T0 + 5, correct_agent="newcomer"),
        ]
    )
    log = read_decisions(store.database, ALL)
    assert log.correct.tolist() == [0]
    assert [log.agents[code] for code in log.true_agent] == ["newcomer"]


def _taken(layer: str, threshold: float = 0.5) -> Attempt:
    return Attempt(layer=layer, agent="a", confidence=0.9, threshold=threshold, accepted=True)


def _passed(layer: str, threshold: float = 0.95) -> Attempt:
    return Attempt(layer=layer, agent="a", confidence=0.9, threshold=threshold)


def test_layers_stand_in_cascade_order_without_the_last_resort(store: Store) -> None:
    store.writer().write(
        [
            Route(agent="a", layer="zeta", at=T0, attempts=(_taken("zeta"),)),
            Route(agent="a", layer="alpha", at=T0, attempts=(_passed("zeta"), _passed("mid"), _taken("alpha"))),
            Route(agent="a", layer="alpha", at=T0, attempts=(_passed("zeta"), _taken("alpha"))),
            Route(agent="u", layer="ask", at=T0, attempts=(_passed("zeta"), _taken("ask", 1.0))),
            Route(agent="u", layer="clarification", at=T0, attempts=(_passed("zeta"), _taken("clarification", 0.9))),
        ]
    )
    log = read_decisions(store.database, ALL)
    assert log.layers == ("zeta", "mid", "alpha")
    assert log.accepted.tolist() == [0, 2, 2, 3, 3]


def test_empty_window(store: Store) -> None:
    assert len(read_decisions(store.database, ALL)) == 0
    store.writer().write([Route(agent="a", layer="keyword", at=T0, attempts=(_taken("keyword"),))])
    assert len(read_decisions(store.database, Window(0, T0, "before"))) == 0


def test_replay_of_what_was_stored_is_what_was_logged(store: Store) -> None:
    original = cascade_log("tight", 400, 3)
    write_cascade(store, original, T0)
    log = read_decisions(store.database, ALL)
    result = replay(log)
    assert log.layers == original.layers
    assert result.layer.tolist() == original.accepted.tolist() == log.accepted.tolist()
    assert not log.unusable()[0].any()


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=90)


@given(ids=st.lists(printable, min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_hash_depends_on_its_id_alone(ids: list[str]) -> None:
    raw = [text.encode() for text in ids]
    assert hash_ids(raw).tolist() == [hash_ids([one]).item() for one in raw]


def test_hashes_split_evenly_and_differ() -> None:
    ids = [f"route-20251113-{i:06d}".encode() for i in range(20_000)]
    hashed = hash_ids(ids)
    assert len(set(hashed.tolist())) == len(ids)
    log = cascade_log("tight", 400, 3)
    assert 0.3 < log.certify_mask().mean() < 0.9
    from fedstore.learning.special import uniform_from_hash

    shares = np.bincount((uniform_from_hash(hashed) * 10).astype(int), minlength=10) / len(ids)
    assert np.abs(shares - 0.1).max() < 0.01


def test_the_hash_never_changes() -> None:
    """A plan made tomorrow must split the same decisions the same way."""
    assert hash_ids([b"route-20251127-143052-a3f8b2c1", b"x"]).tolist() == PINNED


PINNED = [16221806120921428543, 12638214677459746147]
