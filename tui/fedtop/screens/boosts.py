"""Boosts for the views: those in force from the policy, those that the present evidence would propose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fedtop.screens.agent_rows import Boosts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fedstore.window import Window

__all__ = ["in_force", "read_boosts"]


def in_force(reader: Any) -> dict[tuple[str, str], float]:
    """Boosts of the policy in force, by (agent, task type)."""
    boosts = reader.policy().boosts
    return {(agent, kind): value for agent, kinds in boosts.items() for kind, value in kinds.items()}


def read_boosts(reader: Any, window: Window, agents: Sequence[str]) -> Boosts:
    """In force and proposed, for these agents."""
    return Boosts(in_force(reader), {})
