"""The usual Chinese table of indicators: merged cells for the levels, 分值 in a column, no codes.

`recognise` finds the header and says which column is what; a person confirms or corrects that; `layout_building`
makes the framework of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from indicators.workbooks import Content, Row, column_letters
from scoring.engine.texts import half_width

MAX_LEVELS = 6
_DIGITS = "一二三四五六"
LEVELS = tuple(f"level{number}" for number in range(1, MAX_LEVELS + 1))
#: What a column may be, as the page offers it.
FIELDS = {
    **{name: f"{digit}级指标" for name, digit in zip(LEVELS, _DIGITS, strict=True)},
    "points": "分值",
    "weight": "权重",
    "rubric": "评分标准",
    "definition": "口径",
    "evidence_hint": "佐证要求",
    "department_hint": "责任单位",
    "basis": "依据",
    "unit": "单位",
    "code": "编号（末级指标）",
}
TEXTS = ("rubric", "definition", "evidence_hint", "department_hint", "basis", "unit")
MANY = {"points", "weight"}  # a level may have a column of its own for these
_HEADINGS = {
    "points": "分值 分数 满分 标准分 标准分值 赋分 总分值 分值比重 指标分值 最高分 配分",
    "weight": "权重 权重系数 比重 权数 权值 指标权重",
    "rubric": "评分标准 评分细则 评分办法 评价标准 赋分标准 计分办法 计分方法 打分标准 评估标准 考核标准 测评标准 评分方法"
    " 评分说明 评审标准 评定标准 赋分办法 等级标准",
    "evidence_hint": "佐证材料 评审材料 证明材料 支撑材料 材料清单 申报材料 提供材料 印证材料 备查材料 佐证要求 考核材料 材料要求"
    " 评审材料清单 佐证资料 资料清单 支撑资料",
    "department_hint": "责任单位 责任部门 牵头单位 牵头部门 主责单位 责任科室 实施单位 负责单位 承担单位 数据来源单位",
    "basis": "依据 政策依据 文件依据 制定依据 备注 指标依据 评价依据",
    "definition": "指标说明 指标解释 指标内涵 口径 考核内容 评价内容 测评内容 内容 说明 评估内容 指标释义 建设内容 主要内容",
    "unit": "单位 计量单位",
    "code": "编号 指标编号 代码 指标代码",
    "": "序号 得分 自评分 自评得分 评审得分 评分 自评 专家评分 考核得分 完成情况",
}
_BY_HEADING = {word: name for name, words in _HEADINGS.items() for word in words.split()}
_LEVEL = re.compile(r"第?([一二三四五六1-6])级(?:评价|考核|评估|监测)?(?:指标|项目|要素)?(?:名称)?")
#: Headings of levels that carry no number, from the highest to the lowest.
_UNNUMBERED = (
    ("维度", "领域", "类别", "指标类别", "类型", "板块", "评价维度", "指标维度", "一级"),
    ("项目", "考核项目", "评价项目", "评估项目", "测评项目", "二级"),
    ("指标", "指标名称", "评价指标", "考核指标", "评估指标", "测评指标", "具体指标", "监测指标", "三级"),
    (
        "观测点",
        "主要观测点",
        "监测点",
        "评价要点",
        "考核要点",
        "评估要点",
        "要点",
        "考察点",
        "评审要点",
        "四级",
    ),
)
_HEADER_ROWS = 15


@dataclass(frozen=True)
class LayoutColumn:
    """A column of the table, what it is taken for (a key of FIELDS or ''), and something that stands in it."""

    index: int
    heading: str
    field: str
    sample: str = ""

    @property
    def letter(self) -> str:
        return column_letters(self.index)


@dataclass(frozen=True)
class Layout:
    """A sheet as a table of indicators. `header` is the number of the last header row, as the program shows it."""

    sheet: str
    header: int
    title: str
    columns: tuple[LayoutColumn, ...]

    def with_fields(self, fields: Mapping[int, str]) -> "Layout":
        """The same with the person's choices in place of what was recognised."""
        columns = tuple(replace(one, field=fields.get(one.index, one.field)) for one in self.columns)
        return replace(self, columns=columns)

    @property
    def levels(self) -> tuple[LayoutColumn, ...]:
        found = [column for column in self.columns if column.field in LEVELS]
        return tuple(sorted(found, key=lambda column: LEVELS.index(column.field)))

    @property
    def unread(self) -> tuple[LayoutColumn, ...]:
        return tuple(column for column in self.columns if not column.field)


# --- recognising -------------------------------------------------------------------------------------------


def recognise(
    book: Mapping[str, Content], *, sheet: str | None = None, header: int | None = None
) -> Layout | None:
    """The sheet that looks most like a table of indicators; None where none does.

    With `sheet` and `header` (the number of the last header row) a person has said where it is.
    """
    names = [sheet] if sheet is not None else [name for name, one in book.items() if not one.extent.hidden]
    found = [
        one
        for name in names
        if name in book and (one := _recognise_sheet(name, book[name], header)) is not None
    ]
    return max(
        found, key=lambda one: (len(one.columns) - len(one.unread), len(book[one.sheet].rows)), default=None
    )


def _recognise_sheet(name: str, content: Content, header: int | None) -> Layout | None:
    rows = content.rows
    best: tuple[int, int, list[str]] | None = None
    for at, row in enumerate(rows[:_HEADER_ROWS] if header is None else rows):
        if header is not None and row.number != header:
            continue
        for above in (0, 1):
            if above > at:
                continue
            headings = _headings(rows[at - above : at + 1])
            fields = _fields(headings)
            score = sum(1 for one in fields if one)
            if any(one in LEVELS for one in fields) and (best is None or score > best[0]):
                best = (score, at, headings)
    if best is None or (best[0] < 2 and header is None):
        return None
    _score, at, headings = best
    body = rows[at + 1 :]
    columns = tuple(
        LayoutColumn(index, heading, one, _sample(body, index))
        for index, (heading, one) in enumerate(zip(headings, _fields(headings), strict=True))
        if heading or _sample(body, index)
    )
    return Layout(name, rows[at].number, _title(rows[:at]), columns) if body else None


def _headings(rows: Sequence[Row]) -> list[str]:
    """One heading per column of a header of one or two rows: the lower one, else the one above."""
    width = max(len(row.values) for row in rows)
    found = []
    for index in range(width):
        texts = [row.cell(index).text.strip() for row in reversed(rows)]
        known = [text for text in texts if _known(text)]
        found.append("".join((known or [text for text in texts if text] or [""])[0].split()))
    return found


def fold(text: str) -> str:
    """A heading without blanks and what stands in brackets."""
    return re.sub(r"[(（][^()（）]*[)）]|[\s:：*]+", "", half_width(text))


def _known(text: str) -> bool:
    folded = fold(text)
    return (
        bool(_LEVEL.fullmatch(folded))
        or folded in _BY_HEADING
        or any(folded in words for words in _UNNUMBERED)
    )


def _fields(headings: Sequence[str]) -> list[str]:
    """What each column is. Numbered levels go by their number; without any, the order of the table decides."""
    folded = [fold(text) for text in headings]
    numbered = [_LEVEL.fullmatch(text) for text in folded]
    found = [_BY_HEADING.get(text, "") for text in folded]
    if any(numbered):
        for index, match_ in enumerate(numbered):
            if match_:
                digit = match_[1]
                found[index] = LEVELS[(_DIGITS.index(digit) if digit in _DIGITS else int(digit) - 1)]
        deepest = max(LEVELS.index(one) for one in found if one in LEVELS)
        for index, text in enumerate(folded):
            below = not numbered[index] and (text in _UNNUMBERED[3] or text in _UNNUMBERED[2])
            if below and deepest + 1 < MAX_LEVELS:
                deepest += 1
                found[index] = LEVELS[deepest]
    else:
        plain = [index for index, text in enumerate(folded) if any(text in words for words in _UNNUMBERED)]
        for level, index in enumerate(plain[:MAX_LEVELS]):
            found[index] = LEVELS[level]
    return [one if one in MANY or one not in found[:index] else "" for index, one in enumerate(found)]


def _sample(body: Sequence[Row], index: int) -> str:
    texts = (row.cell(index).text.strip() for row in body[:50])
    return next((text for text in texts if text), "")[:40]


def _title(rows: Sequence[Row]) -> str:
    """The longest text above the header; a name such as “附件1” is none."""
    texts = [" ".join(row.cell(index).text.split()) for row in rows for index in range(len(row.values))]
    texts = [text for text in texts if not re.fullmatch(r"附[件表录]?\s*\d*[:：]?", text)]
    return max(texts, key=len, default="")
