"""What a city could gain, and what would be if its values were others. Nothing stored is touched."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cities.answers import parse_number
from cities.models import Responsibility
from indicators.models import Indicator
from indicators.queries import FrameworkTree
from scoring.engine import Change, Gain, Scale, State, gains
from scoring.explain import Explainer

#: the words that a leaf may say instead of a value
WORDS = {"不适用": State.NOT_APPLICABLE, "无法提供": State.UNAVAILABLE, "未填": State.BLANK}
NOBODY = "未指定责任单位"
#: steps of a quantity on offer, as a share of its present value in percent
STEPS = (1, 5, 10, 20)
_KINDS = {
    "level": "达到下一等级", "item": "再达到一项要点", "knot": "达到评分曲线的下一节点", "step": "按所选步长变动",
    "next": "追上前面一个城市", "full": "达到满分",
}  # fmt: skip


@dataclass(frozen=True)
class GainLine:
    """One leaf's next improvement in words; `bar` is its gain as a share of the greatest, 0–100."""

    indicator: Indicator
    gain: Gain
    how: str
    target: str
    bar: float
    departments: tuple[str, ...]  # the lead first

    @property
    def supporting(self) -> str:
        return "、".join(self.departments[1:])


@dataclass(frozen=True)
class DepartmentGains:
    """A department's improvements, the greatest first; `total` is their sum."""

    department: str
    lines: tuple[GainLine, ...]
    total: float


def departments_of(hint: str) -> tuple[str, ...]:
    """The departments that a framework names for a leaf, the lead first; never empty."""
    parts = [part.strip() for part in re.split(r"[；;\n]", hint)]
    return tuple(part for part in parts if part) or (NOBODY,)


def divided_among(round_id: int, city: str) -> dict[str, tuple[str, ...]]:
    """The departments that a city itself made responsible, the lead first, by leaf code: at most two queries.

    Leaves that the city has not divided are not there.
    """
    mine = Responsibility.objects.filter(
        answer__submission__round=round_id, answer__submission__city__code=city
    ).exclude(lead_department=None)
    rows = mine.select_related("answer__indicator", "lead_department")
    return {
        one.answer.indicator.code: (
            str(one.lead_department),
            *sorted(str(other) for other in one.supporting_departments.all()),
        )
        for one in rows.prefetch_related("supporting_departments")
    }


def scales_of(
    tree: FrameworkTree,
    met: Mapping[str, Iterable[str]],
    step: float | None,
    values: Mapping[str, float],
    present: Mapping[str, float],
) -> dict[str, Scale]:
    """What the engine's tree does not know: levels above the present one, items not met yet, the step of a quantity.

    Args:
        met: by checklist leaf, the items that the city claims.
        step: in percent of the present value, None for the curve's next knot.
        values: the present values of quantities.
        present: the present scores; of a bonus in points.
    """
    found = {}
    for leaf in tree.leaves:
        claimed = set(met.get(leaf.code, ()))
        size = abs(values.get(leaf.code, 0.0)) * step / 100 if step else 0.0
        score = present.get(leaf.code, 0.0)
        if leaf.kind == Indicator.Kind.BONUS and leaf.bonus_maximum:
            score = 100 * score / float(leaf.bonus_maximum)
        above = [level for level in leaf.level_list if level.score_min > score]
        # at the highest level what is left is its upper end
        levels = above or [level for level in leaf.level_list if level.score_max > score]
        found[leaf.code] = Scale(
            levels=tuple(float(level.score_max) for level in levels),
            items=tuple(float(item.score) for item in leaf.item_list if item.item not in claimed),
            step=size or None,
        )
    return found


def improvements(
    explainer: Explainer,
    tree: FrameworkTree,
    city: str,
    met: Mapping[str, Iterable[str]],
    step: float | None,
    divided: Mapping[str, tuple[str, ...]] | None = None,
    only: frozenset[str] | None = None,
) -> list[DepartmentGains]:
    """What each leaf's next step is worth, per leading department, the department with most to gain first.

    The departments are those of `divided` (`divided_among`), where a leaf is not there those of the framework.
    `only`: of these leaves, None for all.
    """
    place = explainer.city_at[city]
    row = explainer.inputs.values[place].tolist()
    values = {
        code: value
        for code, value in zip(explainer.tree.leaf_codes, row, strict=True)
        if not math.isnan(value)
    }
    found = gains(
        explainer.tree,
        explainer.rules,
        explainer.inputs,
        place,
        scales=scales_of(tree, met, step, values, explainer.present(city)),
    )
    worth = [gain for gain in found if gain.gain > 0 and (only is None or gain.code in only)]
    most = max((gain.gain for gain in worth), default=1.0)
    groups: dict[str, list[GainLine]] = {}
    for gain in worth:
        leaf = tree.by_code[gain.code]
        line = GainLine(
            leaf,
            gain,
            _KINDS[gain.kind],
            _target(leaf, gain),
            100 * gain.gain / most,
            (divided or {}).get(leaf.code) or departments_of(leaf.department_hint),
        )
        groups.setdefault(line.departments[0], []).append(line)
    listed = [
        DepartmentGains(department, tuple(lines), sum(line.gain.gain for line in lines))
        for department, lines in groups.items()
    ]
    return sorted(listed, key=lambda group: -group.total)


def _target(leaf: Indicator, gain: Gain) -> str:
    """The target in the leaf's own terms."""
    if leaf.kind == Indicator.Kind.RUBRIC:
        level = next((one for one in leaf.level_list if one.score_max == gain.target), None)
        return f"{level.level} {level.label}".strip() if level else f"{gain.target:g}"
    unit = f" {leaf.unit}" if leaf.unit and leaf.kind == Indicator.Kind.QUANTITY else ""
    return f"{gain.target:.6g}{unit}"


@dataclass(frozen=True)
class Typed:
    """What somebody typed to try: the changes by leaf code, and what is wrong, by leaf code."""

    changes: dict[str, Change]
    problems: dict[str, str]


def read_changes(tree: FrameworkTree, given: Mapping[str, str]) -> Typed:
    """Understand typed values: a number, a rubric level, or one of the words; empty leaves a value as it is."""
    changes: dict[str, Change] = {}
    problems: dict[str, str] = {}
    for leaf in tree.leaves:
        text = given.get(leaf.code, "").strip()
        if not text:
            continue
        read = _read(leaf, text)
        if isinstance(read, str):
            problems[leaf.code] = read
        else:
            changes[leaf.code] = read
    return Typed(changes, problems)


def _read(leaf: Any, text: str) -> Change | str:
    """The change that `text` means, or a sentence about what is wrong."""
    if text in WORDS:
        return WORDS[text]
    level = next((one for one in leaf.level_list if one.level == text), None)
    if level is not None:
        highest = float(leaf.bonus_maximum or 0) if leaf.kind == Indicator.Kind.BONUS else 100.0
        return highest * level.score_max / 100
    number = parse_number(text)
    if number is None:
        return f"{leaf.code}：“{text}”不是数字。请只填数字，例如 12.5，不要带单位。"
    if leaf.kind in (Indicator.Kind.RUBRIC, Indicator.Kind.CHECKLIST) and not 0 <= number <= 100:
        return f"{leaf.code}：得分应在 0 到 100 之间，当前为 {number}。"
    return float(number)
