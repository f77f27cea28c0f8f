"""Facts that could not be recorded: worth a look for a day, a note after it."""

from __future__ import annotations

from fedstore import Store
from tests.conftest import Clock


def test_losses_are_a_warning_for_a_day_and_then_a_note(store: Store, clock: Clock) -> None:
    def told() -> tuple[tuple[str, str, str], ...]:
        overview = store.reader().overview(store.reader().window("24h"))
        assert overview.health == (
            "warn" if "warn" in {severity for severity, _, _ in overview.attention} else "unknown"
        )
        return overview.attention

    assert told() == ()
    with store.database.write() as tx:
        for count, at_ms in ((1233, clock.now_ms - 3_600_000), (1, clock.now_ms)):
            tx.execute(
                "INSERT INTO losses (count, reason, first_ms, recorded_ms) VALUES (?, 'disk full', 1, ?)",
                (count, at_ms),
            )
    assert told() == (("warn", "1,234 facts could not be recorded, the last 0 min ago", "doctor"),)
    clock.advance(3 * 24 * 3_600_000)
    assert told() == (("info", "1,234 facts could not be recorded, the last 3 days ago", "doctor"),)
