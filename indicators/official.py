"""A framework as the usual official table: 一级、二级、三级指标 in merged cells, 分值, 评分标准, 佐证材料, 依据.

The same rows serve the page that is printed and the Word document.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from indicators.models import Indicator
from indicators.presenters import DetailRow, detail_rows, evidence_rules
from indicators.queries import FrameworkTree

_NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True)
class NameCell:
    """A node's own cell, over all rows of what it holds and, for a leaf above the lowest level, the levels below."""

    code: str
    name: str
    points: str  # of a group; a leaf has its own column
    rows: int
    columns: int

    @property
    def text(self) -> str:
        points = _("（%(points)s 分）") % {"points": self.points} if self.points else ""
        return f"{self.code} {self.name}{points}"


@dataclass(frozen=True)
class OfficialRow:
    """A leaf. `names` are the cells that begin in this row, from left to right, with the column where each begins."""

    names: tuple[tuple[int, NameCell], ...]
    points: str
    standard: tuple[str, ...]
    evidence: str
    basis: str


@dataclass(frozen=True)
class OfficialTable:
    levels: int
    rows: tuple[OfficialRow, ...]

    @property
    def level_headings(self) -> list[str]:
        return [level_heading(number) for number in range(1, self.levels + 1)]

    @property
    def headings(self) -> list[str]:
        return [*self.level_headings, _("分值"), _("评分标准"), _("佐证材料"), _("依据")]


def level_heading(number: int) -> str:
    word = _NUMERALS[number - 1] if number <= len(_NUMERALS) else str(number)
    return _("%(number)s级指标") % {"number": word}


def official_table(tree: FrameworkTree) -> OfficialTable:
    rows = detail_rows(tree)
    levels = max((row.node.depth for row in rows), default=-1) + 1
    ends = [_is_end(rows, place) for place in range(len(rows))]
    found: list[OfficialRow] = []
    waiting: list[tuple[int, NameCell]] = []
    for place, row in enumerate(rows):
        depth = row.node.depth
        cell = NameCell(
            code=row.indicator.code,
            name=row.indicator.name_zh,
            points="" if ends[place] or row.points == "—" else row.points,
            rows=_held(rows, ends, place),
            columns=levels - depth if ends[place] else 1,
        )
        waiting.append((depth, cell))
        if ends[place]:
            found.append(
                OfficialRow(
                    tuple(waiting), row.points, standard_lines(row), _evidence(row), row.indicator.basis
                )
            )
            waiting = []
    return OfficialTable(levels, tuple(found))


def _is_end(rows: Sequence[DetailRow], place: int) -> bool:
    """Nothing below: a leaf, or a group of a draft that is still empty."""
    return place + 1 == len(rows) or rows[place + 1].node.depth <= rows[place].node.depth


def _held(rows: Sequence[DetailRow], ends: Sequence[bool], place: int) -> int:
    """How many ends a node holds, itself included."""
    count, here = int(ends[place]), place + 1
    while here < len(rows) and rows[here].node.depth > rows[place].node.depth:
        count += ends[here]
        here += 1
    return count


def standard_lines(row: DetailRow) -> tuple[str, ...]:
    """How a leaf is judged, a line per level or item; scores are out of 100 unless it is a bonus."""
    lines = []
    if row.indicator.definition:
        lines.append(_("口径：%(text)s") % {"text": row.indicator.definition})
    if row.scoring:
        lines.append(_("评分：%(text)s。") % {"text": row.scoring})
    for level in row.node.levels:
        band = _("%(low)s–%(high)s 分") % {"low": level.score_min, "high": level.score_max}
        if level.score_min == level.score_max:
            band = _("%(score)s 分") % {"score": level.score_min}
        name = f"{level.level} {level.label}".strip()
        lines.append(f"{name}（{band}）" + (f"：{level.descriptor}" if level.descriptor else ""))
    for item, score, text in row.item_scores:
        lines.append(_("%(item)s. %(text)s（%(score)s 分）") % {"item": item, "text": text, "score": score})
    if row.indicator.kind == Indicator.Kind.BONUS:
        lines.append(_("加分项：%(points)s 分，不占权重。") % {"points": row.points})
    return tuple(lines)


def _evidence(row: DetailRow) -> str:
    rules, hint = "，".join(evidence_rules(row.indicator)), row.indicator.evidence_hint
    return f"{hint}（{rules}）" if hint and rules else hint or rules
