"""From a table in the usual Chinese layout to a framework: merged levels walked into a tree, codes and levels proposed.

What could not be read, and what is only proposed, is said in the problems.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from indicators.layout_bands import Bands, bands_of
from indicators.layouts import FIELDS, LEVELS, MANY, TEXTS, Layout, LayoutColumn, fold
from indicators.problems import Problem, Severity
from indicators.rows import FrameworkData, IndicatorRow, Number
from indicators.workbooks import Area, Content, Row, column_letters, to_number

_TOTAL = re.compile(r"(合计|总计|总分|小计|总分值)[:：]?")
_NOTE = re.compile(r"(注|备注|说明|填表说明)\s*[:：0-9一]")
_IN_NAME = re.compile(r"\s*[(（](\d+(?:\.\d+)?)\s*(分|%|％)[)）]\s*")


@dataclass(frozen=True)
class Built:
    """A framework made of a layout; `problems` says what was proposed, corrected or left out."""

    data: FrameworkData
    problems: list[Problem]


# --- building ----------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Node:
    """A node while the table is walked: where it stands, and what its rows say."""

    level: int
    name: str
    row: int
    parent: "_Node | None"
    children: "list[_Node]" = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    code: str = ""

    @property
    def is_bonus(self) -> bool:
        above = self.parent.is_bonus if self.parent else False
        return above or "加分" in self.name


def build(content: Content, layout: Layout, *, code: str, edition: str, name_zh: str) -> Built:
    """The framework that the table makes under this layout. What is wrong with it `tree.validate` says."""
    problems = _complain_of_columns(layout)
    if problems:
        return Built(FrameworkData(code, edition, name_zh), problems)
    rows, total, left_out = _body(content, layout)
    table = _Table(content, layout, rows)
    roots = table.walk()
    _propose_codes(roots)
    nodes = _in_order(roots)
    for node in nodes:
        _points_from_name(node)
    _sums(roots)
    made = [(node, _row(node)) for node in nodes]
    bands = {
        row.code: bands_of(row.code, _text(node, "rubric"), points=_decimal(row.points), row=node.row)
        for node, row in made if row.kind == "rubric"
    }  # fmt: skip
    data = FrameworkData(
        code=code, edition=edition, name_zh=name_zh or code, source=layout.title, provenance=_provenance(bands),
        indicators=tuple(row for _, row in made), levels=tuple(level for one in bands.values() for level in one.levels),
    )  # fmt: skip
    notices = [*left_out, *table.problems, *_about_bands(layout, bands, made), *_about_columns(layout)]
    return Built(data, [*notices, *_about_total(layout, total, data)])


def _complain_of_columns(layout: Layout) -> list[Problem]:
    def wrong(reason: str, remedy: str) -> Problem:
        return Problem(Severity.ERROR, layout.sheet, layout.header, "", "", reason, remedy)

    chosen = [column.field for column in layout.columns if column.field]
    found = [
        wrong(f"有几列都对应“{FIELDS[name]}”", "每个项目请只选一列")
        for name in FIELDS
        if name not in MANY and chosen.count(name) > 1
    ]
    if not layout.levels:
        found.append(wrong("没有任何一列对应指标名称", "请为一级指标等指定所在的列"))
    return found


def _body(content: Content, layout: Layout) -> tuple[list[Row], Number, list[Problem]]:
    """The rows below the header that say something of indicators; the total of a 合计 row; what was left out."""
    rows, total, found = [], None, []
    indexes = [column.index for column in layout.columns]
    points = [column.index for column in layout.columns if column.field == "points"]
    headings = {fold(column.heading) for column in layout.columns if column.heading}
    across = {area.top for area in content.extent.merged if layout.levels and _is_title(area, layout)}
    for row in content.rows:
        if row.number <= layout.header:
            continue
        texts = [text for index in indexes if (text := row.cell(index).text.strip())]
        if not texts:
            continue
        folded = {fold(text) for text in texts}
        reason = ""
        if match_ := _TOTAL.fullmatch("".join(texts[0].split())):
            if match_[1] != "小计" and points and (number := _number(row.cell(points[-1]).text)) is not None:
                total = number
            continue
        if len(folded) > 1 and folded <= headings:
            reason = "是重复的表头，未读取"
        elif _NOTE.match(texts[0]) and len(texts) == 1:
            reason = "是表后的说明，未读取"
        elif row.number - 1 in across and len(texts) == 1:
            reason = "是横跨各列的标题行，未读取"
        if reason:
            problem = Problem(Severity.NOTICE, layout.sheet, row.number, "", texts[0], reason)
            found.append(problem)
        else:
            rows.append(row)
    return rows, total, found


def _is_title(area: Area, layout: Layout) -> bool:
    """A row merged over all levels and what stands to their right."""
    levels = [column.index for column in layout.levels]
    right = [column.index for column in layout.columns if column.field and column.field not in LEVELS]
    return (
        area.left <= min(levels) and area.right > max(levels) and any(area.right >= index for index in right)
    )


class _Table:
    """The body of the table as a frame of cells: merged levels filled down, rows walked into a tree."""

    def __init__(self, content: Content, layout: Layout, rows: Sequence[Row]) -> None:
        self.layout = layout
        self.problems: list[Problem] = []
        self.rows = rows
        self.levels = [column.index for column in layout.levels]
        self.areas = {(area.top + 1, area.left): area for area in content.extent.merged}
        self.texts = self._texts()
        self.numbers = [row.number for row in rows]
        self.roots: list[_Node] = []

    def _texts(self) -> Any:
        """A frame of texts, a row per number and a column per index; blank is missing.

        A text that is merged over several rows holds for each of them; a level's name stands where it begins.
        """
        import pandas as pd  # noqa: PLC0415 — heavy

        columns = [column.index for column in self.layout.columns]
        frame = pd.DataFrame(
            [[row.cell(index).text.strip() or None for index in columns] for row in self.rows],
            index=[row.number for row in self.rows], columns=columns, dtype=object,
        )  # fmt: skip
        for column in self.layout.columns:
            if column.field in TEXTS:
                for (top, left), area in self.areas.items():
                    if left == column.index and top in frame.index:
                        frame.loc[top : area.bottom + 1, left] = frame.at[top, left]
        return frame

    def names(self) -> Any:
        """The levels' names where they begin: a name repeated under the same parent only goes on."""
        names = self.texts[self.levels].copy()
        for depth, column in enumerate(self.levels[:-1]):
            block = names[self.levels[:depth]].notna().any(axis=1).cumsum()
            above = names[column].groupby(block).transform(lambda texts: texts.ffill().shift())
            names[column] = names[column].mask(names[column] == above)
        return names

    def walk(self) -> list[_Node]:
        """The nodes of the first level, with all below them."""
        path: list[_Node] = []
        spans: list[tuple[Area, str, Number]] = []
        started: dict[int, list[_Node]] = {}
        for number, line in zip(self.texts.index, self.names().itertuples(index=False), strict=True):
            for level, name in enumerate(line):
                if not isinstance(name, str):
                    continue
                path = [node for node in path if node.level < level]
                node = _Node(level, " ".join(name.split()), int(number), path[-1] if path else None)
                (path[-1].children if path else self.roots).append(node)
                path.append(node)
                started.setdefault(int(number), []).append(node)
            if not path:
                reason = "这一行没有指标名称，未读取"
                self.problems.append(Problem(Severity.NOTICE, self.layout.sheet, int(number), "", "", reason))
                continue
            self._texts_of(path[-1], int(number))
            self._numbers_of(path, int(number), spans)
        for area, name, value in spans:
            self._place(area, name, value, started)
        return self.roots

    def _texts_of(self, node: _Node, number: int) -> None:
        for column in self.layout.columns:
            if column.field in (*TEXTS, "code"):
                text = self.texts.at[number, column.index]
                known = node.texts.setdefault(column.field, [])
                if isinstance(text, str) and text not in known:
                    known.append(text)

    def _numbers_of(self, path: Sequence[_Node], number: int, spans: list[tuple[Area, str, Number]]) -> None:
        """Points and weights of this row: of the level that the column stands beside, else of the last node."""
        for column in self.layout.columns:
            text = self.texts.at[number, column.index] if column.field in MANY else None
            if not isinstance(text, str):
                continue
            value = _number(text)
            level = self._level_beside(column)
            area = self.areas.get((number, column.index))
            if level == len(self.levels) - 1 and area is not None and area.bottom > area.top:
                spans.append((area, column.field, value))
                continue
            node = next((one for one in path if one.level == level), path[-1])
            self._add(node if level < len(self.levels) - 1 else path[-1], column.field, value, number)

    def _level_beside(self, column: LayoutColumn) -> int:
        """The level to the left of a column that is one of several of its kind; a single one belongs to the last."""
        same = [one for one in self.layout.columns if one.field == column.field]
        left = [depth for depth, index in enumerate(self.levels) if index < column.index]
        return max(left) if len(same) > 1 and left else len(self.levels) - 1

    def _place(self, area: Area, name: str, value: Number, started: Mapping[int, list[_Node]]) -> None:
        """A number merged over rows belongs to the lowest node that begins there and reaches as far."""
        here = started.get(area.top + 1, [])
        reaching = [node for node in here if self._last_row(node) >= min(area.bottom + 1, self.numbers[-1])]
        if reaching:
            self._add(reaching[-1], name, value, area.top + 1)
        elif here:
            self._add(here[-1], name, value, area.top + 1)

    def _last_row(self, node: _Node) -> int:
        """The last row before another node of this level or a higher one begins."""
        beyond: _Node | None = node
        while beyond is not None:
            family = beyond.parent.children if beyond.parent else self.roots
            after = next((other for other in family if other.row > beyond.row), None)
            if after:
                return self.numbers[bisect_left(self.numbers, after.row) - 1]
            beyond = beyond.parent
        return self.numbers[-1]

    def _add(self, node: _Node, name: str, value: Number, number: int) -> None:
        before = node.numbers.get(name)
        if isinstance(before, Decimal) and isinstance(value, Decimal):
            node.numbers[name] = before + value
            reason = f"与上面几行的{FIELDS[name]}相加，作为“{node.name}”的{FIELDS[name]}"
            place = (self.layout.sheet, number, FIELDS[name], format(value, "f"))
            self.problems.append(Problem(Severity.NOTICE, *place, reason))
        elif before is None:
            node.numbers[name] = value


def _number(text: str) -> Number:
    """The number of a cell such as “5分” or “20%”; what stands there when it is none."""
    bare = re.sub(r"(分|%|％)$", "", text.strip()).strip()
    try:
        return to_number(bare)
    except ValueError:
        return text


def _decimal(value: Number) -> Decimal | None:
    return value if isinstance(value, Decimal) and value.is_finite() else None


def _text(node: _Node, name: str) -> str:
    return "\n".join(node.texts.get(name, []))


def _in_order(roots: Sequence[_Node]) -> list[_Node]:
    found: list[_Node] = []
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(reversed(node.children))
    return found


def _propose_codes(roots: Sequence[_Node]) -> None:
    """A, A1, A1.1; a leaf keeps the code that the table gives it."""
    for number, root in enumerate(roots):
        root.code = column_letters(number)
    for node in _in_order(roots):
        for number, child in enumerate(node.children, 1):
            child.code = f"{node.code}{'' if node.parent is None else '.'}{number}"
    for node in _in_order(roots):
        given = "".join(_text(node, "code").split())
        if given and not node.children:
            node.code = given


def _points_from_name(node: _Node) -> None:
    """组织领导（14分）: the bracket says what the column does not."""
    found = _IN_NAME.search(node.name)
    if not found:
        return
    name = "points" if found[2] == "分" else "weight"
    node.numbers.setdefault(name, Decimal(found[1]))
    node.name = (node.name[: found.start()] + node.name[found.end() :]).strip() or node.name


def _sums(roots: Sequence[_Node]) -> None:
    """A node without points of its own is worth what its parts are; bonus stands outside."""
    for node in reversed(_in_order(roots)):
        parts = [child for child in node.children if not child.is_bonus]
        points = [child.numbers.get("points") for child in parts]
        if parts and node.numbers.get("points") is None and all(isinstance(one, Decimal) for one in points):
            node.numbers["points"] = sum((one for one in points if isinstance(one, Decimal)), Decimal(0))


def _row(node: _Node) -> IndicatorRow:
    kind = "" if node.children else "bonus" if node.is_bonus else "rubric"
    points, weight = node.numbers.get("points"), node.numbers.get("weight")
    if node.is_bonus and node.children:
        points = weight = None
    return IndicatorRow(
        code=node.code, parent=node.parent.code if node.parent else "", name_zh=node.name, points=points,
        weight=weight if points is None else None, kind=kind, unit=_text(node, "unit"),
        definition=_text(node, "rubric") if kind == "bonus" and not _text(node, "definition") else _text(node, "definition"),
        evidence_hint=_text(node, "evidence_hint"), department_hint=_text(node, "department_hint"),
        basis=_text(node, "basis"), row=node.row,
    )  # fmt: skip


# --- what is said ------------------------------------------------------------------------------------------


def _provenance(bands: Mapping[str, Bands]) -> str:
    read = sum(1 for one in bands.values() if one.read)
    return (
        f"按表格版式识别导入，须人工核对：编号为系统建议；{len(bands)} 个等级指标中，{read} 个的等级识别自原文，"
        f"{len(bands) - read} 个的等级为系统建议。"
    )


def _about_bands(
    layout: Layout, bands: Mapping[str, Bands], made: Sequence[tuple[_Node, IndicatorRow]]
) -> list[Problem]:
    found = []
    for node, row in made:
        one = bands.get(row.code)
        if one is None or (one.read and one.scored and not one.scaled):
            continue
        reason = (
            f"：指标“{node.name}”的等级识别自原文，分数区间由分值换算为百分制"
            if one.scaled
            else f"：指标“{node.name}”的等级识别自原文，分数区间为建议"
            if one.read
            else f"：指标“{node.name}”的评分标准没有可识别的等级，建议按四级评定，原文记在“优秀”一级"
            if _text(node, "rubric")
            else f"：指标“{node.name}”没有评分标准，建议按四级评定"
        )
        found.append(
            Problem(
                Severity.NOTICE,
                layout.sheet,
                node.row,
                FIELDS["rubric"],
                _text(node, "rubric"),
                reason,
                "请核对",
            )
        )
    return found


def _about_columns(layout: Layout) -> list[Problem]:
    return [
        Problem(Severity.NOTICE, layout.sheet, layout.header, column.letter, column.heading, "没有对应的项目，这一列未读取")
        for column in layout.unread
    ]  # fmt: skip


def _about_total(layout: Layout, total: Number, data: FrameworkData) -> list[Problem]:
    """The 合计 row against the sum of the leaves, with or without bonus."""
    leaves = [row for row in data.indicators if row.kind]
    scored = sum(
        (row.points for row in leaves if row.kind != "bonus" and isinstance(row.points, Decimal)), Decimal(0)
    )
    whole = scored + sum(
        (row.points for row in leaves if row.kind == "bonus" and isinstance(row.points, Decimal)), Decimal(0)
    )
    if not isinstance(total, Decimal) or total in (scored, whole):
        return []
    reason = f"：合计行与各末级指标之和 {format(scored.normalize(), 'f')} 不一致"
    return [
        Problem(
            Severity.NOTICE,
            layout.sheet,
            None,
            FIELDS["points"],
            format(total, "f"),
            reason,
            "请核对分值与合计行",
        )
    ]


def relocated(problems: Sequence[Problem], layout: Layout) -> list[Problem]:
    """Problems of the framework with the place of the person's own table, which has no sheets of ours."""
    return [replace(one, sheet=layout.sheet if one.row is not None else "") for one in problems]
