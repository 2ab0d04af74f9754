"""What an answer means: from what somebody typed to the number that is scored, and what is wrong with it.

Pure rules over an indicator and typed text; nothing here reads or writes the database beyond the indicator's
own (prefetched) levels and items.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal

from cities.models import Answer
from indicators.models import Indicator, RubricLevel
from indicators.workbooks import to_number
from scoring.engine.leaves import bonus_from_level, bonus_points, checklist_score, level_score
from scoring.engine.texts import half_width

NARRATIVE_LIMIT = 2000
MAX_DECIMALS = 4
#: In a checklist, "none of the items is met" is a real 0 and not a blank.
NONE_MET = "0"

State = Answer.ValueState


@dataclass(frozen=True)
class Content:
    """What somebody typed for one leaf, as typed."""

    value_state: str = State.BLANK
    value_text: str = ""
    level: str = ""
    items: str = ""
    reason: str = ""
    narrative: str = ""


#: the fields two people may change at the same time, each merged on its own
CONTENT_FIELDS = tuple(Content.__dataclass_fields__)


@dataclass(frozen=True)
class Problem:
    """One thing to fix before the answer can be handed in; `field` names the form's field."""

    field: str
    message: str


@dataclass(frozen=True)
class Resolved:
    """`content` with its state settled, the number it means (None without one), and what is wrong with it."""

    content: Content
    value: float | None
    problems: tuple[Problem, ...]


def content_of(answer: Answer) -> Content:
    return Content(**{name: getattr(answer, name) for name in CONTENT_FIELDS})


#: how people shorten large numbers
_LARGE = {"万": 10_000, "亿": 100_000_000}


def parse_number(text: str, *, unit: str = "") -> Decimal | None:
    """The finite number that `text` means, or None: full-width digits and thousand separators are how people write.

    A percent or permille sign counts only where the unit is one; 万 and 亿 only where the unit holds neither.
    """
    plain = half_width(text).replace("\u00a0", " ")
    if unit in ("%", "‰"):
        plain = plain.removesuffix(unit).rstrip()
    times = 1
    if plain[-1:] in _LARGE and unit and not _is_large(unit):
        times = _LARGE[plain[-1]]
        plain = plain[:-1].rstrip()
    try:
        number = to_number(plain)
    except ValueError:
        return None
    if number is None or not math.isfinite(float(number)):
        return None
    return number if times == 1 else _scaled(number, times)


def _scaled(number: Decimal, times: int) -> Decimal | None:
    scaled = number * times
    if not math.isfinite(float(scaled)):
        return None
    return scaled.quantize(Decimal(1)) if scaled == scaled.to_integral_value() else scaled


def _is_large(unit: str) -> bool:
    """Whether 3 万 would be no number in this unit, or not clearly one: 万人, 亿元, % and ‰."""
    return any(sign in unit for sign in (*_LARGE, "%", "‰"))


def resolve(indicator: Indicator, content: Content, *, year: int, evidence_count: int = 0) -> Resolved:
    """Settle what `content` means for `indicator`.

    The typed text is always kept. The value is there whenever a number can be read, also when a problem (out of
    range, too little evidence) still blocks handing it in.
    """
    content = replace(content, items=";".join(sorted_items(indicator, content.items)))
    problems = list(_narrative_problems(content))
    if content.value_state in (State.NOT_APPLICABLE, State.UNAVAILABLE):
        if not content.reason.strip():
            word = State(content.value_state).label
            problems.insert(0, Problem("reason", f"选择“{word}”时，请说明原因。"))
        return Resolved(content, None, tuple(problems))
    value, own = _READERS[Indicator.Kind(indicator.kind)](indicator, content, year)
    problems = own + problems
    if value is not None and not own and evidence_count < indicator.evidence_min:
        problems.append(Problem("evidence", _evidence_words(indicator, content, evidence_count)))
    return Resolved(
        replace(content, value_state=State.BLANK if value is None else State.VALUE), value, tuple(problems)
    )


def sorted_items(indicator: Indicator, items: str) -> list[str]:
    """The item numbers in `items`, in the checklist's order; unknown ones last, so that nothing typed is lost."""
    known = [item.item for item in indicator.item_list]
    given = list(dict.fromkeys(part.strip() for part in items.replace("；", ";").split(";") if part.strip()))
    return sorted(given, key=lambda item: (known.index(item) if item in known else len(known), item))


def level_of(indicator: Indicator, code: str) -> RubricLevel | None:
    return next((level for level in indicator.level_list if level.level == code), None)


def _narrative_problems(content: Content) -> list[Problem]:
    excess = len(content.narrative) - NARRATIVE_LIMIT
    if excess <= 0:
        return []
    return [Problem("narrative", f"情况说明最多 {NARRATIVE_LIMIT} 字，已超出 {excess} 字，请删减。")]


def _evidence_words(indicator: Indicator, content: Content, count: int) -> str:
    level = level_of(indicator, content.level)
    subject = f"“{level.label or level.level}”" if level else "该指标"
    remedy = "请补充材料，或改选符合实际的等级。" if level else "请补充材料。"
    return f"{subject}至少需要 {indicator.evidence_min} 份佐证材料，现有 {count} 份。{remedy}"


def _missing_words(indicator: Indicator, year: int) -> str:
    return f"请填写“{indicator.name_zh}”的{year}年数值。没有数据时，请选择“无法提供”并说明原因。"


def _not_a_number(text: str, unit: str = "") -> Problem:
    plain = half_width(text)
    if plain[-1:] in _LARGE and _is_large(unit) and parse_number(plain[:-1]) is not None:
        words = f"“{text}”里的“{plain[-1]}”与单位“{unit}”重复或不一致。请换算成以“{unit}”为单位，只填数字。"
        return Problem("value_text", words)
    return Problem("value_text", f"“{text}”不是数字。请只填数字，例如 12.5，不要带单位。")


def _quantity(indicator: Indicator, content: Content, year: int) -> tuple[float | None, list[Problem]]:
    typed = content.value_text.strip()
    if not typed:
        return None, [Problem("value_text", _missing_words(indicator, year))]
    number = parse_number(typed, unit=indicator.unit)
    if number is None:
        return None, [_not_a_number(typed, indicator.unit)]
    problems = []
    if -int(number.normalize().as_tuple().exponent) > MAX_DECIMALS:
        words = f"请以“{indicator.unit}”为单位填写，最多保留 {MAX_DECIMALS} 位小数。"
        problems.append(Problem("value_text", words))
    if indicator.unit == "%" and not 0 <= number <= 100:
        problems.append(Problem("value_text", f"比例应在 0 到 100 之间，当前为 {number}。"))
    return float(number), problems


def _level(indicator: Indicator, content: Content) -> tuple[float | None, list[Problem]]:
    """A rubric level and, if typed, a score inside its band; returns the score 0–100."""
    typed = content.value_text.strip()
    given = parse_number(typed) if typed else None
    if typed and given is None:
        return None, [_not_a_number(typed)]
    level = level_of(indicator, content.level)
    if level is None:
        # a workbook may give a score alone, also one in the gap between two bands
        value = float(given) if given is not None and 0 <= given <= 100 else None
        return value, [Problem("level", "请选择最符合实际的评分等级。")]
    if given is not None and not level.score_min <= given <= level.score_max:
        name = level.label or level.level
        words = f"“{name}”的评分应在 {level.score_min} 到 {level.score_max} 之间，当前为 {typed}。"
        return None, [Problem("value_text", words)]
    return level_score(level.score_min, level.score_max, None if given is None else float(given)), []


def _rubric(indicator: Indicator, content: Content, _year: int) -> tuple[float | None, list[Problem]]:
    return _level(indicator, content)


def _checklist(indicator: Indicator, content: Content, _year: int) -> tuple[float | None, list[Problem]]:
    scores = {item.item: float(item.score) for item in indicator.item_list}
    met = content.items.split(";") if content.items else []
    if not met:
        return None, [Problem("items", "请勾选已达到的要点；都未达到时，请勾选“以上均未达到”。")]
    if met == [NONE_MET] and NONE_MET not in scores:
        return 0.0, []
    unknown = [item for item in met if item not in scores]
    if unknown:
        return None, [Problem("items", "“以上均未达到”不能与其他要点同时勾选。" if unknown == [NONE_MET]
                              else f"没有序号为 {'、'.join(unknown)} 的要点。")]  # fmt: skip
    return checklist_score([scores[item] for item in met]), []


def _bonus(indicator: Indicator, content: Content, _year: int) -> tuple[float | None, list[Problem]]:
    maximum = float(indicator.bonus_maximum or 0)
    if indicator.level_list and content.level:
        score, problems = _level(indicator, content)
        return (None if score is None else bonus_from_level(maximum, score)), problems
    typed = content.value_text.strip()
    if not typed:
        return None, []  # nobody has to claim a bonus
    number = parse_number(typed)
    if number is None:
        return None, [_not_a_number(typed)]
    problems = []
    if not 0 <= number <= Decimal(str(maximum)):
        problems.append(Problem("value_text", f"加分应在 0 到 {maximum:g} 之间，当前为 {number}。"))
    return bonus_points(float(number), maximum), problems


_READERS = {
    Indicator.Kind.QUANTITY: _quantity,
    Indicator.Kind.RUBRIC: _rubric,
    Indicator.Kind.CHECKLIST: _checklist,
    Indicator.Kind.BONUS: _bonus,
}
