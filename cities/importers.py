"""Workbooks of cities and of answers: read, checked row by row, nothing written here."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from cities.answers import NONE_MET, Content, Resolved, parse_number, resolve
from cities.codes import code_problem
from cities.models import Answer, City, Round
from indicators.models import Indicator, RubricLevel
from indicators.problems import Problem, Severity
from indicators.queries import FrameworkTree
from indicators.workbooks import (
    Cell,
    Column,
    Limits,
    Row,
    Source,
    Table,
    WorkbookError,
    match,
    read_sheets,
    read_table,
)

SHEET = "填报"
REASON = "批量导入"
CLEAR = "【清空】"
NONE_MET_WORDS = ("均未达到", "以上均未达到")
CITY_NAMES = ("行政区划代码", "city_code", "adcode", "code", "城市代码")
ANSWER_LIMITS = Limits(max_bytes=200 * 1024 * 1024, max_unpacked=1024 * 1024 * 1024)
ADCODE_LENGTH = 6
MOST_PEOPLE = 100_000  # 万人: more than there are in any city

State = Answer.ValueState

CITY_COLUMNS = (
    Column("code", "代码", ("城市代码", "city_code")),
    Column("adcode", "行政区划代码"),
    Column("name_zh", "名称", ("城市", "城市名称", "name")),
    Column("name_en", "英文名称"),
    Column("province_zh", "省份", ("province",)),
    Column("level", "级别"),
    Column("region", "区域"),
    Column("population", "常住人口（万人）", ("常住人口", "人口")),
    Column("case_title_zh", "案例题目"),
    Column("case_page", "案例页码"),
)
LONG_COLUMNS = (
    Column("city", "行政区划代码", ("city_code", "adcode", "城市代码", "code")),
    Column("indicator", "指标编号", ("leaf_code", "indicator_code", "leaf", "编号", "指标", "指标代码")),
    Column("value", "数值", ("值", "value_text", "数值或等级", "value or level")),
    Column("level", "等级"),
    Column("narrative", "情况说明"),
    Column("reason", "原因"),
)
#: columns that help a person to read the wide sheet and hold no answer
_LABELS = {"城市", "城市名称", "名称", "name_zh", "city_name"}


def error(cell: Cell, reason: str, remedy: str = "") -> Problem:
    return Problem(
        Severity.ERROR, cell.sheet, cell.row, cell.heading or cell.column, cell.word, reason, remedy
    )


def duplicate_of(seen: dict[Any, int], key: object, cell: Cell, what: str) -> Problem | None:
    """The problem of a key that stands in two rows; remembers where it stood first."""
    first = seen.setdefault(key, cell.row)
    return None if first == cell.row else error(cell, f"与第 {first} 行重复", f"{what}只能出现一次")


# ---------------------------------------------------------------------------------------------- cities


@dataclass
class ReadCities:
    cities: list[City] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_cities(source: Source) -> ReadCities:
    """Cities from a CSV file or the first sheet of a workbook. Cities are not saved.

    Raises:
        WorkbookError: the file cannot be read, or has no column of codes or of names.
    """
    table = match(read_table(source), CITY_COLUMNS)
    if not (table.has("code") or table.has("adcode")) or not table.has("name_zh"):
        raise WorkbookError("缺少“代码 (code)”（或“行政区划代码 (adcode)”）与“名称 (name_zh)”列。")
    read = ReadCities()
    codes: dict[str, int] = {}
    adcodes: dict[str, int] = {}
    for record in table.records:
        code_cell = record["code"] if not record["code"].is_blank else record["adcode"]
        problems = _check_code(code_cell)
        adcode = record["adcode"].word
        if adcode and (len(adcode) != ADCODE_LENGTH or not adcode.isascii() or not adcode.isdigit()):
            problems.append(error(record["adcode"], "不是六位数字"))
        if record["name_zh"].is_blank:
            problems.append(error(record["name_zh"], "名称为空", "请填写城市名称"))
        level, bad_level = _word(record["level"], City.Level)
        region, bad_region = _word(record["region"], City.Region)
        page, bad_page = _page(record["case_page"])
        people, bad_people = _population(record["population"])
        found = (bad_level, bad_region, bad_page, bad_people,
                 duplicate_of(codes, code_cell.word, code_cell, "代码"),
                 duplicate_of(adcodes, adcode, record["adcode"], "行政区划代码") if adcode else None)  # fmt: skip
        problems += [problem for problem in found if problem]
        read.problems += problems
        if not problems:
            texts = {
                name: record[name].word for name in ("name_zh", "name_en", "province_zh", "case_title_zh")
            }
            read.cities.append(
                City(
                    code=code_cell.word,
                    adcode=adcode or None,
                    level=level,
                    region=region,
                    population=people,
                    case_page=page,
                    **texts,
                )
            )
    return read


def _check_code(cell: Cell) -> list[Problem]:
    if cell.is_blank:
        return [error(cell, "代码为空", "请填写城市代码")]
    problem = code_problem(cell.word)
    return [error(cell, problem)] if problem else []


def _word(cell: Cell, choices: type[City.Level] | type[City.Region]) -> tuple[str, Problem | None]:
    words: dict[Any, str] = {value: value for value in choices.values}
    words |= {label: value for value, label in choices.choices}
    if cell.is_blank:
        return "", None
    value = words.get(cell.word)
    return (value, None) if value else ("", error(cell, f"应为{'、'.join(map(str, choices.labels))}之一"))


def _page(cell: Cell) -> tuple[int | None, Problem | None]:
    if cell.is_blank:
        return None, None
    number = parse_number(cell.word)
    if number is None or number < 0 or number != int(number):
        return None, error(cell, "不是页码")
    return int(number), None


def _population(cell: Cell) -> tuple[Decimal | None, Problem | None]:
    """In 万人, with at most two decimals; a blank cell is not known."""
    if cell.is_blank:
        return None, None
    number = parse_number(cell.word)
    if number is None or not 0 < number < MOST_PEOPLE or round(number, 2) != number:
        return None, error(cell, "不是以万人为单位的常住人口", "请填写正数，最多两位小数，例如 128.5")
    return number, None


# --------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True)
class ReadCell:
    """One answer of the file, resolved against its leaf; `clears` asks for an empty answer. `cell` is where it stands."""

    indicator: Indicator
    resolved: Resolved
    clears: bool = False
    cell: Cell | None = None


@dataclass
class ReadAnswers:
    """City -> its answers in the file, also for a city whose row holds none."""

    cities: dict[int, list[ReadCell]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_answers(source: Source, *, round_: Round, tree: FrameworkTree) -> ReadAnswers:
    """Answers for a round, wide (a row per city, a column per leaf) or long (a row per answer).

    Raises:
        WorkbookError: the file cannot be read, or its header names no city column.
    """
    sheets = read_sheets(source, ANSWER_LIMITS)
    if not sheets:
        raise WorkbookError("工作簿中没有工作表。")
    name = SHEET if SHEET in sheets else next(iter(sheets))
    rows = sheets[name]
    if len(rows) <= 1:
        raise WorkbookError(f"工作表“{name}”没有数据行。请在第一行写列名，其下每行一个城市。")
    long = match(rows, LONG_COLUMNS)
    reader = _Reader(round_, tree)
    if long.has("city") and long.has("indicator"):
        reader.read_long(long)
    else:
        reader.read_wide(rows)
    return reader.read


class _Reader:
    def __init__(self, round_: Round, tree: FrameworkTree) -> None:
        self.year = round_.year
        self.leaves = {leaf.code: leaf for leaf in tree.leaves}
        self.read = ReadAnswers()
        self.city_ids: dict[str, int] = {}
        for pk, code, adcode in City.objects.values_list("pk", "code", "adcode"):
            self.city_ids[code] = pk
            if adcode:
                self.city_ids.setdefault(adcode, pk)

    def _city(self, cell: Cell) -> int | None:
        found = self.city_ids.get(cell.word)
        if found is None:
            reason = "没有这个城市" if cell.word else "城市代码为空"
            self.read.problems.append(error(cell, reason, "请先用 import_cities 导入城市，或改正代码"))
        return found

    def read_wide(self, rows: list[Row]) -> None:
        header = [rows[0].cell(index) for index in range(len(rows[0].values))]
        first = match(
            [Row(rows[0].sheet, rows[0].number, rows[0].values[:1])], [Column("city", *_split(CITY_NAMES))]
        )
        if not first.has("city"):
            raise WorkbookError(
                f"工作表“{rows[0].sheet}”的第一列应为“行政区划代码”（或 city_code、adcode、code）。"
            )
        columns = self._leaf_columns(header[1:])
        seen: dict[object, int] = {}
        for row in rows[1:]:
            city_cell = row.cell(0, header[0].word)
            city = self._city(city_cell)
            if city is None:
                continue
            again = duplicate_of(seen, city, city_cell, "每个城市")
            if again:
                self.read.problems.append(again)
                continue
            cells = (self._cell(leaf, row.cell(index, leaf.code)) for index, leaf in columns)
            self.read.cities[city] = [cell for cell in cells if cell]

    def _leaf_columns(self, header: list[Cell]) -> list[tuple[int, Indicator]]:
        columns: list[tuple[int, Indicator]] = []
        seen: dict[str, str] = {}
        for index, cell in enumerate(header, 1):
            if cell.is_blank:
                continue
            words = cell.word.split()
            leaf = self.leaves.get(cell.word) or self.leaves.get(words[0])
            if leaf is None:
                if cell.word not in _LABELS:
                    self.read.problems.append(
                        error(cell, "不是本轮指标体系的末级指标编号", "请改正编号或删去此列")
                    )
            elif seen.setdefault(leaf.code, cell.column) != cell.column:
                self.read.problems.append(error(cell, f"与 {seen[leaf.code]} 列重复", "请删去一列"))
            else:
                columns.append((index, leaf))
        return columns

    def read_long(self, table: Table) -> None:
        seen: dict[object, int] = {}
        for record in table.records:
            city = self._city(record["city"])
            leaf = self.leaves.get(record["indicator"].word)
            if leaf is None:
                self.read.problems.append(error(record["indicator"], "不是本轮指标体系的末级指标编号"))
            if city is None or leaf is None:
                continue
            again = duplicate_of(seen, (city, leaf.code), record["indicator"], "同一城市的同一指标")
            if again:
                self.read.problems.append(again)
                continue
            value, level = record["value"], record["level"]
            if not value.is_blank and not level.is_blank and not self._agree(leaf, value, level):
                continue
            found = self._cell(
                leaf,
                level if value.is_blank else value,
                narrative=record["narrative"].text,
                reason=record["reason"].text,
            )
            self.read.cities.setdefault(city, []).extend([found] if found else [])

    def _agree(self, leaf: Indicator, value: Cell, level: Cell) -> bool:
        """Whether a score and a level given together say the same; what they do not is a problem."""
        score, band = parse_number(value.word), _level_named(leaf, level.word)
        if band is not None and score is not None and band.score_min <= score <= band.score_max:
            return True
        self.read.problems.append(error(value, f"与等级“{level.word}”不符", "请只填一个，或改成一致"))
        return False

    def _cell(self, leaf: Indicator, cell: Cell, *, narrative: str = "", reason: str = "") -> ReadCell | None:
        if cell.is_blank and not narrative:
            return None
        if cell.word == CLEAR:
            return ReadCell(leaf, Resolved(Content(), None, ()), clears=True, cell=cell)
        content, problem = _typed(leaf, cell)
        if problem is None:
            reason = reason or (
                REASON if content.value_state in (State.NOT_APPLICABLE, State.UNAVAILABLE) else ""
            )
            content = Content(**{**vars(content), "narrative": narrative, "reason": reason})
            resolved = resolve(leaf, content, year=self.year, evidence_count=leaf.evidence_min)
            if resolved.value is not None or cell.is_blank or content.value_state != State.VALUE:
                return ReadCell(leaf, resolved, cell=cell)
            problem = error(
                cell, resolved.problems[0].message.rstrip("。") if resolved.problems else "无法识别"
            )
        self.read.problems.append(problem)
        return None


def _split(names: Iterable[str]) -> tuple[str, tuple[str, ...]]:
    first, *others = names
    return first, tuple(others)


def _level_named(leaf: Indicator, word: str) -> RubricLevel | None:
    return next(
        (one for one in leaf.level_list if word in (one.level, one.label, f"{one.level} {one.label}")), None
    )


def _typed(leaf: Indicator, cell: Cell) -> tuple[Content, Problem | None]:
    """A cell as the content of an answer, by the leaf's kind."""
    word = cell.word
    for state in (State.NOT_APPLICABLE, State.UNAVAILABLE):
        if word == state.label:
            return Content(value_state=state), None
    if cell.is_blank:
        return Content(value_state=State.VALUE), None
    if leaf.kind == Indicator.Kind.CHECKLIST:
        items = NONE_MET if word in NONE_MET_WORDS else word
        for mark in "；，,、":
            items = items.replace(mark, ";")
        return Content(value_state=State.VALUE, items=items or NONE_MET), None
    number = parse_number(word, unit=leaf.unit)
    level = None if leaf.kind == Indicator.Kind.BONUS and number is not None else _level_named(leaf, word)
    if level is not None:
        return Content(value_state=State.VALUE, level=level.level), None
    if number is None:
        reason = "不是等级，也不是评分" if leaf.level_list else "不是数字"
        return Content(), error(cell, reason, "请填写数字，或填写“不适用”“无法提供”")
    band = ""
    if leaf.kind == Indicator.Kind.RUBRIC:
        band = next((one.level for one in leaf.level_list if one.score_min <= number <= one.score_max), "")
        if not 0 <= number <= 100:
            return Content(), error(cell, "评分应在 0 到 100 之间")
    return Content(value_state=State.VALUE, value_text=word, level=band), None
