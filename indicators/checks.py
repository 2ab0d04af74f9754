"""What a single row of a framework workbook may say, and what levels and items of an indicator may."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

from indicators.fields import MAX_DECIMALS
from indicators.fields import canonical as plain
from indicators.problems import Problem, Severity
from indicators.rows import (
    EVIDENCE_BOUNDS,
    EVIDENCE_KINDS,
    FrameworkData,
    IndicatorRow,
    ItemRow,
    LevelRow,
    Number,
    Row,
    unknown_kinds,
)
from scoring.engine.curves import CurveError, parse_curve
from scoring.engine.normalise import NormalisationError, parse_normalisation
from scoring.engine.tree import LEAF_KINDS, TOTAL, Aggregation, Missing

D = TypeVar("D", LevelRow, ItemRow)

_WORDS = tuple(word.value for word in Aggregation)
_LIMITS = {
    "code": 64, "name_zh": 200, "name_en": 200, "unit": 32, "normalise": 64, "level": 16, "label": 64, "item": 16,
    "edition": 64, "evidence_kinds": 100,
}  # fmt: skip
_LARGEST = Decimal(10) ** 15


def complain(row: Row | FrameworkData, column: str, reason: str, remedy: str = "") -> Problem:
    return _problem(Severity.ERROR, row, column, reason, remedy)


def notice(row: Row | FrameworkData, column: str, reason: str, remedy: str = "") -> Problem:
    return _problem(Severity.NOTICE, row, column, reason, remedy)


def _problem(severity: Severity, row: Row | FrameworkData, column: str, reason: str, remedy: str) -> Problem:
    number = row.about_rows.get(column) if isinstance(row, FrameworkData) else row.row
    value = getattr(row, column)
    text = plain(value) if isinstance(value, Decimal) and value.is_finite() else str(value or "")
    return Problem(severity, row.sheet, number, row.headings[column], text, reason, remedy)


# --- numbers and texts -------------------------------------------------------------------------------------


def check_number(
    row: Row | FrameworkData, column: str, *, low: Decimal, high: Decimal | None = None, whole: bool = False
) -> list[Problem]:
    """Problems of a number that may be empty: unreadable, out of range, too many decimals."""
    value: Number = getattr(row, column)
    if value is None:
        return []
    if isinstance(value, str):
        return [complain(row, column, "不是数字", "请只填数字，例如 12.5，不要带单位")]
    bound = f"应为不小于 {plain(low)} 的数" if high is None else f"应在 {plain(low)} 到 {plain(high)} 之间"
    if not value.is_finite() or value < low or (high is not None and value > high):
        return [complain(row, column, bound)]
    if whole and value != value.to_integral_value():
        return [complain(row, column, "应为整数")]
    return []


def check_weight(row: Row, column: str) -> list[Problem]:
    found = check_number(row, column, low=Decimal(0))
    value = getattr(row, column)
    if found or value is None:
        return found
    if -int(value.as_tuple().exponent) > MAX_DECIMALS and value != round(value, MAX_DECIMALS):
        return [
            complain(
                row,
                column,
                f"超过 {MAX_DECIMALS} 位小数",
                f"请自行取舍到 {MAX_DECIMALS} 位以内，系统不代为四舍五入",
            )
        ]
    if value >= _LARGEST:
        return [complain(row, column, "过大", "应小于 10 的 15 次方")]
    return []


def check_lengths(row: Row | FrameworkData, columns: Iterable[str]) -> list[Problem]:
    return [
        complain(row, column, f"共 {len(getattr(row, column))} 个字符，超过 {_LIMITS[column]} 个")
        for column in columns
        if len(getattr(row, column)) > _LIMITS[column]
    ]


def _check_code(row: Row | FrameworkData, column: str) -> list[Problem]:
    code = getattr(row, column)
    if not code:
        return [complain(row, column, "为空，必须填写")]
    if "/" in code or "\\" in code or not code.isprintable() or code in {".", ".."}:
        return [complain(row, column, "含有不能用于编号的字符", "请不要使用斜杠、换行等字符")]
    return check_lengths(row, [column])


# --- the framework -----------------------------------------------------------------------------------------


def check_about(data: FrameworkData) -> list[Problem]:
    found = (
        _check_code(data, "code") + _check_code(data, "edition") + check_lengths(data, ["name_zh", "name_en"])
    )
    if data.aggregation not in _WORDS:
        found.append(complain(data, "aggregation", "不是可用的汇总方式", f"可用：{'、'.join(_WORDS)}"))
    if data.missing not in tuple(Missing):
        found.append(complain(data, "missing", "不是可用的缺失处理", f"可用：{'、'.join(Missing)}"))
    found += check_number(data, "minimum_share", low=Decimal(0), high=Decimal(1))
    found += check_number(data, "bonus_cap", low=Decimal(0), high=Decimal(10) ** 9)
    found += check_number(data, "rank_decimals", low=Decimal(0), high=Decimal(9), whole=True)
    floor = check_number(data, "floor", low=Decimal(0), high=Decimal(100))
    if not floor and isinstance(data.floor, Decimal) and float(data.floor) == 0:
        floor = [complain(data, "floor", "应为大于 0 的数")]
    return found + floor


# --- a row of the tree -------------------------------------------------------------------------------------


def check_row(row: IndicatorRow, *, has_children: bool) -> list[Problem]:
    found = _check_code(row, "code")
    if row.code == TOTAL:
        found.append(complain(row, "code", "是保留的编号，代表总分", "请改用其他编号"))
    found += check_lengths(row, ["name_zh", "name_en", "unit", "normalise"])
    found += check_weight(row, "weight") + check_weight(row, "points")
    found += check_number(row, "evidence_min", low=Decimal(0), high=Decimal(1000), whole=True)
    found += _check_evidence_rules(row)
    found += _check_kind(row, has_children=has_children)
    found += _check_scoring(row)
    if row.kind == "bonus":
        found += _check_bonus(row)
    return found


def _check_evidence_rules(row: IndicatorRow) -> list[Problem]:
    found: list[Problem] = []
    for column, (low, high) in EVIDENCE_BOUNDS.items():
        found += check_number(row, column, low=Decimal(low), high=Decimal(high), whole=True)
    unknown = unknown_kinds(row.evidence_kinds)
    if unknown or len(row.evidence_kinds) > _LIMITS["evidence_kinds"]:
        reason = f"含有不能作为佐证材料的类型：{'、'.join(unknown)}" if unknown else "过长"
        remedy = f"可用：{'、'.join(EVIDENCE_KINDS)}，以分号分隔；留空为不限"
        found.append(complain(row, "evidence_kinds", reason, remedy))
    return found


def _check_kind(row: IndicatorRow, *, has_children: bool) -> list[Problem]:
    kinds = "、".join(LEAF_KINDS)
    if row.kind and row.kind not in LEAF_KINDS:
        return [complain(row, "kind", "不是可用的类型", f"可用：{kinds}；有下级的指标留空")]
    if row.kind and has_children:
        return [
            complain(
                row, "kind", f"多余：指标“{row.code}”有下级指标，不能再有类型", "请清空类型，或调整下级指标"
            )
        ]
    if not row.kind and not has_children:
        return [
            complain(row, "kind", f"为空：指标“{row.code}”没有下级指标，必须有类型", f"请填写 {kinds} 之一")
        ]
    return []


def _check_scoring(row: IndicatorRow) -> list[Problem]:
    found: list[Problem] = []
    if row.direction not in ("1", "-1"):
        found.append(complain(row, "direction", "不是可用的方向", "正向填 1，逆向填 -1"))
    if row.aggregation and row.aggregation not in _WORDS:
        found.append(
            complain(row, "aggregation", "不是可用的汇总方式", f"可用：{'、'.join(_WORDS)}；留空则随体系")
        )
    elif row.aggregation and row.kind:
        found.append(notice(row, "aggregation", "不起作用：这一行没有下级指标"))
    if row.kind != "quantity":
        ignored = [column for column in ("curve", "normalise") if getattr(row, column)]
        return found + [notice(row, column, "不起作用：只用于类型为 quantity 的指标") for column in ignored]
    return found + _check_quantity(row)


def _check_quantity(row: IndicatorRow) -> list[Problem]:
    found, across = [], False
    try:
        across = parse_normalisation(row.normalise).across_round
    except NormalisationError as error:
        found.append(complain(row, "normalise", f"无法识别（{_clause(error)}）"))
        across = True
    if row.curve:
        try:
            parse_curve(row.curve)
        except CurveError as error:
            remedy = "请写作“数值:得分|数值:得分”，数值从小到大，得分在 0 到 100 之间"
            found.append(complain(row, "curve", f"无法识别（{_clause(error)}）", remedy))
        if across and not found:
            found.append(notice(row, "curve", "不起作用：本指标在轮次内归一化"))
    elif not across:
        remedy = "请填写“数值:得分|数值:得分”，或在“归一化”中指定轮次内的方法"
        found.append(complain(row, "curve", f"为空：定量指标“{row.code}”需要评分曲线", remedy))
    if row.direction == "-1" and not across:
        found.append(
            notice(row, "direction", "不起作用：方向只用于轮次内归一化的指标；逆向指标请用下降的曲线")
        )
    return found


def _check_bonus(row: IndicatorRow) -> list[Problem]:
    column = row.share_column
    if row.share is None:
        return [complain(row, "points", f"为空：加分项“{row.code}”必须有最高分", "请填写大于 0 的最高分")]
    if isinstance(row.share, Decimal) and row.share == 0:
        return [complain(row, column, f"应大于 0：它是加分项“{row.code}”的最高分")]
    return []


def _clause(error: ValueError) -> str:
    return str(error).rstrip("。")


# --- levels and items --------------------------------------------------------------------------------------


def check_details(data: FrameworkData) -> list[Problem]:
    """Problems of levels and items: whose they are, then each indicator's own."""
    kinds = {row.code: row.kind for row in data.indicators}
    found = _check_owner(data.levels, kinds, ("rubric", "bonus")) + _check_owner(
        data.items, kinds, ("checklist",)
    )
    levels = _by_indicator(data.levels)
    items = _by_indicator(data.items)
    for row in data.indicators:
        if row.kind == "rubric" and row.code not in levels:
            found.append(complain(row, "code", f"没有评分等级：等级指标须在工作表“{LevelRow.sheet}”中有等级"))
        if row.kind == "checklist" and row.code not in items:
            found.append(complain(row, "code", f"没有要点：要点指标须在工作表“{ItemRow.sheet}”中有要点"))
    for group in levels.values():
        found += _check_levels(group)
    for rows in items.values():
        found += _check_items(rows)
    return found


def _by_indicator(rows: Iterable[D]) -> dict[str, list[D]]:
    groups: dict[str, list[D]] = {}
    for row in rows:
        groups.setdefault(row.indicator, []).append(row)
    return groups


def _check_owner(
    rows: Iterable[LevelRow | ItemRow], kinds: dict[str, str], allowed: tuple[str, ...]
) -> list[Problem]:
    found = []
    for row in rows:
        if row.indicator not in kinds:
            found.append(
                complain(
                    row, "indicator", "在工作表“指标体系”中不存在" if row.indicator else "为空，必须填写"
                )
            )
        elif kinds[row.indicator] not in allowed:
            found.append(complain(row, "indicator", f"的类型不是 {' 或 '.join(allowed)}，不能有{row.sheet}"))
    return found


def _check_unique(rows: Iterable[LevelRow | ItemRow], column: str) -> list[Problem]:
    found, seen = [], set()
    for row in rows:
        name = getattr(row, column)
        if not name:
            found.append(complain(row, column, "为空，必须填写"))
        elif name in seen:
            found.append(complain(row, column, f"在指标“{row.indicator}”下重复"))
        seen.add(name)
    return found


def _check_levels(rows: list[LevelRow]) -> list[Problem]:
    found = _check_unique(rows, "level")
    bands: list[tuple[LevelRow, Decimal, Decimal]] = []
    for row in rows:
        found += check_lengths(row, ["level", "label"])
        wrong = _check_band(row)
        found += wrong
        if not wrong and isinstance(row.score_min, Decimal) and isinstance(row.score_max, Decimal):
            bands.append((row, row.score_min, row.score_max))
    return found + (_check_sequence(bands) if len(bands) == len(rows) else [])


def _check_band(row: LevelRow) -> list[Problem]:
    found = []
    for column in ("score_min", "score_max"):
        if getattr(row, column) is None:
            found.append(complain(row, column, f"为空：等级“{row.level}”须有分数区间"))
        found += check_number(row, column, low=Decimal(0), high=Decimal(100), whole=True)
    if (
        not found
        and isinstance(row.score_min, Decimal)
        and isinstance(row.score_max, Decimal)
        and row.score_min > row.score_max
    ):
        found.append(complain(row, "score_min", f"大于同一等级的最高分“{plain(row.score_max)}”"))
    return found


def _check_sequence(bands: list[tuple[LevelRow, Decimal, Decimal]]) -> list[Problem]:
    """Neighbours descend or ascend throughout, do not overlap, and leave no whole number out."""
    found = []
    descending = len(bands) < 2 or bands[0][1] > bands[1][1]
    for (above, above_low, above_high), (row, low, high) in pairwise(bands):
        if low <= above_high and above_low <= high:
            found.append(
                complain(
                    row,
                    "score_min" if not descending else "score_max",
                    f"使等级“{row.level}”与“{above.level}”的分数区间重叠",
                    "请使各等级的分数区间首尾相接、互不重叠",
                )
            )
        elif (low < above_low) != descending:
            found.append(
                complain(row, "score_min", f"使等级“{row.level}”的顺序不一致", "请从高到低或从低到高依次排列")
            )
        else:
            top, bottom = (above_low, high) if descending else (low, above_high)
            if top - bottom > 1:
                gap = f"与等级“{above.level}”之间有空档：{plain(bottom)} 到 {plain(top)} 之间的分数没有等级"
                found.append(notice(row, "score_max" if descending else "score_min", gap))
    return found


def _check_items(rows: list[ItemRow]) -> list[Problem]:
    found = _check_unique(rows, "item")
    for row in rows:
        found += check_lengths(row, ["item"])
        if ";" in row.item or "；" in row.item:
            found.append(complain(row, "item", "含有分号，填报时用分号隔开各要点"))
        if row.score is None:
            found.append(complain(row, "score", f"为空：要点“{row.item}”须有分值"))
        found += check_weight(row, "score")
    scores = [row.score for row in rows if isinstance(row.score, Decimal)]
    if not found and sum(scores, Decimal(0)) != 100:
        total = plain(sum(scores, Decimal(0)))
        found.append(complain(rows[0], "indicator", f"的要点分值合计为 {total}，应为 100"))
    return found
