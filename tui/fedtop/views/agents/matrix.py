"""The agents on each type of task as a heat matrix: pure functions of the read model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fedtop.sanitize import clean
from fedtop.values import FEW, bare_rate
from fedtop.views.agents.columns import MATRIX, Boosts, PairLine, pair_lines
from fedtop.widgets.matrix import HeatCell, Matrix, MatrixRow

if TYPE_CHECKING:
    from fedstore.queries.models import AgentsView
    from fedtop.widgets.table_model import Record

__all__ = ["matrix_of"]


@dataclass(frozen=True, slots=True)
class _Source:
    """See `table_model.Source`."""

    agent: str
    lines: tuple[PairLine, ...]

    def records(self) -> list[Record]:
        return MATRIX.records(self.lines)

    def text(self, column: str) -> str:
        if column == Matrix.HEAD:
            return clean(self.agent)
        cell = next((line.cell for line in self.lines if line.cell.task_type == column), None)
        return "" if cell is None else bare_rate(cell.success) or ""


def matrix_of(view: AgentsView, boosts: Boosts) -> tuple[list[tuple[str, str]], list[MatrixRow]]:
    """Columns (the task types, most frequent first) and a row of heat cells per agent."""
    columns = [(kind, clean(kind, 24) or "(none)") for kind in view.task_types]
    lines: dict[str, list[PairLine]] = {}
    for line in pair_lines(view.cells, boosts):
        lines.setdefault(line.cell.agent, []).append(line)
    rows = [_row(row.name, tuple(lines[row.name])) for row in view.rows if row.name in lines]
    return columns, rows


def _row(agent: str, lines: tuple[PairLine, ...]) -> MatrixRow:
    cells = {line.cell.task_type: _heat(line) for line in lines}
    return MatrixRow(agent, clean(agent, 40), cells, _Source(agent, lines))


def _heat(line: PairLine) -> HeatCell:
    success, added = line.cell.success, line.boost
    return HeatCell(
        success.value, success.n, added.move, few=success.n < FEW, added=added.effective,
        inherited=added.in_force is None,
    )  # fmt: skip
