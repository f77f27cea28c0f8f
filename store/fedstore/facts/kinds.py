"""All kinds of facts: the only list of them, and what follows from it."""

from __future__ import annotations

from fedstore.facts.execution import EXECUTION
from fedstore.facts.job import JOB
from fedstore.facts.route import ROUTE
from fedstore.facts.run import RUN, RUN_STATE
from fedstore.facts.usage import USAGE
from fedstore.facts.verdict import VERDICT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fedstore.facts.kind import Fields

__all__ = ["BY_NAME", "FACTS", "JUDGES", "KINDS", "STATES", "SUMMARIES", "TOPICS", "check_fields"]

KINDS = (
    RUN_STATE,  # before the runs, because one that has ended is not going on
    RUN,
    USAGE,
    EXECUTION,
    ROUTE,
    VERDICT,  # after what it judges
    JOB,
)
"""In the order of writing."""

BY_NAME = {kind.name: kind for kind in KINDS}
FACTS = tuple(kind for kind in KINDS if not kind.ends)
"""What is a fact for good."""
STATES = tuple(kind for kind in KINDS if kind.ends)
"""What goes on, whose rows are changed until it ends."""
JUDGES = {kind.name: kind.judge for kind in KINDS if kind.judge is not None}
"""What brings a fact in line with its verdicts, by the kind of their subject."""
SUMMARIES = {summary.name: summary for kind in KINDS for summary in kind.summaries}


def _topics() -> dict[str, tuple[tuple[str, ...], str]]:
    found: dict[str, tuple[tuple[str, ...], str]] = {"any": (tuple(SUMMARIES), "")}
    for name, summary in SUMMARIES.items():
        for topic, key in summary.topics.items():
            tables, _ = found.get(topic, ((), key))
            found[topic] = (*tables, name), key
    return found


TOPICS = _topics()
"""The summaries that tell of a topic, and the key with its names."""


def check_fields(fields: Fields) -> None:
    """Raises EventError when the fields of an event contradict each other."""
    check = BY_NAME[fields["kind"]].check
    if check is not None:
        check(fields)
