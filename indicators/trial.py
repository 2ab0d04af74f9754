"""试算: what a value would score under a draft's definition of one leaf, with the formula in words.

The same engine as for results. Nothing here reads the database.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from indicators.drafts import Draft, data_of_draft
from indicators.storable import half_width
from scoring.engine import (
    Curve,
    CurveError,
    NodeSpec,
    Normalisation,
    NormalisationError,
    Tree,
    TreeError,
    bonus_from_level,
    bonus_points,
    checklist_score,
    level_score,
    normalise,
    parse_curve,
    parse_normalisation,
)
from scoring.engine.texts import plain, read_number

MAX_SAMPLES = 200
_METHODS = {
    "minmax": "最小—最大：L+(H−L)×(x−最低)÷(最高−最低)",
    "zscore": "标准分：50+10×(x−平均)÷标准差（n−1）",
    "rank": "名次：100×(n−名次)÷(n−1)",
    "percentile": "百分位：100×严格低于本市的城市数÷其他城市数",
    "target": "距目标：100×(x−最低)÷(目标−最低)，限于 0 到 100",
}


@dataclass
class Trial:
    """`score` 0–100 (None for a bonus in points), `points` of the framework's 100, formula and troubles in words."""

    score: float | None = None
    points: float | None = None
    words: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    samples: list[tuple[str, float | None]] = field(default_factory=list)


@dataclass(frozen=True)
class Tried:
    """What was typed into the box."""

    value: str = ""
    others: str = ""
    level: str = ""
    items: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.value.strip() or self.level or self.items or self.others.strip())


def depends_on_others(node: dict[str, Any]) -> bool:
    """Whether the leaf's score depends on the other cities in the round."""
    try:
        return node["kind"] == "quantity" and parse_normalisation(node["normalise"]).across_round
    except NormalisationError:
        return False


def global_weight(draft: Draft, key: int) -> float | None:
    """The node's share of the whole; None where the draft's weights do not yet make a tree."""
    specs = [
        NodeSpec(row.code, row.parent, row.share, row.kind)  # type: ignore[arg-type]
        for row in data_of_draft(draft).indicators
    ]
    try:
        tree = Tree.build(specs)
    except TreeError:
        return None
    found = float(tree.global_weight[tree.index[draft.nodes[key]["code"]]])
    return None if math.isnan(found) else found


def try_out(draft: Draft, key: int, tried: Tried) -> Trial:
    """The score of what was typed, or what keeps it from having one."""
    node, trial = draft.nodes[key], Trial()
    try:
        _TRIERS[node["kind"]](node, tried, trial)
    except (CurveError, NormalisationError) as error:
        trial.troubles.append(str(error))
        return trial
    except KeyError:
        trial.troubles.append("先选定类型，才能试算。")
        return trial
    if trial.score is not None:
        weight = global_weight(draft, key)
        if weight is None:
            trial.words.append("草案的权重尚不完整，暂不能折算为分值。")
        else:
            trial.points = trial.score * weight
            full = plain(round(100 * weight, 4))
            trial.words.append(
                f"分值 = {_n(trial.score)} × {full} ÷ 100 = {_n(trial.points)} 分（满分 {full} 分）"
            )
    return trial


# --- by kind -----------------------------------------------------------------------------------------------


def _quantity(node: dict[str, Any], tried: Tried, trial: Trial) -> None:
    how = parse_normalisation(node["normalise"])
    value = _read(tried.value, trial)
    if how.across_round:
        _across(how, int(node["direction"]), value, tried.others, trial)
    elif value is not None:
        curve = parse_curve(node["curve"])
        trial.score = float(curve.score(np.array([value]))[0])
        trial.words.append(_curve_words(curve, value, trial.score))


def _across(how: Normalisation, direction: int, value: float | None, others: str, trial: Trial) -> None:
    texts = [text for text in re.split(r"[\s,，;；、]+", others) if text][:MAX_SAMPLES]
    numbers = [read_number(half_width(text)) for text in texts]
    for text, number in zip(texts, numbers, strict=True):
        if number is None or not math.isfinite(number):
            trial.troubles.append(f"其他城市的“{text}”不是数字。")
    if trial.troubles or value is None:
        return
    values = [value, *(number for number in numbers if number is not None)]
    scores = [float(score) for score in normalise(np.array(values), how, direction)]
    trial.samples = [(plain(x), None if math.isnan(s) else s) for x, s in zip(values, scores, strict=True)]
    formula = _METHODS[how.method] + ("，数值先取相反数（逆向）" if direction == -1 else "")
    if math.isnan(scores[0]):
        trial.troubles.append("至少要有两个不同的数值才能比较：请填写其他城市的样本值。")
    else:
        trial.score = scores[0]
        trial.words.append(f"{formula}；在 {len(values)} 个数值中得 {_n(trial.score)} 分")


def _curve_words(curve: Curve, value: float, score: float) -> str:
    first, last = curve.knots[0], curve.knots[-1]
    if value <= first[0]:
        place = "等于" if value == first[0] else "低于"
        return f"{_n(value)} {place}第一个节点 {plain(first[0])}，取 {plain(first[1])} 分"
    if value >= last[0]:
        place = "等于" if value == last[0] else "高于"
        return f"{_n(value)} {place}最后一个节点 {plain(last[0])}，取 {plain(last[1])} 分"
    (x0, y0), (x1, y1) = next((left, right) for left, right in pairwise(curve.knots) if value <= right[0])
    ln = "ln " if curve.log else ""
    a, b, x, y = plain(x0), plain(x1), _n(value), _n(score)
    share = f"({ln}{x} − {ln}{a}) ÷ ({ln}{b} − {ln}{a})"
    return f"{x} 在 {a} 与 {b} 之间：{plain(y0)} + ({plain(y1)} − {plain(y0)}) × {share} = {y} 分"


def _level(node: dict[str, Any], tried: Tried, trial: Trial) -> float | None:
    row = next((row for row in node["levels"] if row[0] == tried.level), None)
    if row is None:
        trial.troubles.append("请选择一个等级。" if node["levels"] else "还没有评分等级。")
        return None
    given = _read(tried.value, trial)
    if trial.troubles:
        return None
    try:
        score = level_score(row[2], row[3], given)
    except ValueError as error:
        trial.troubles.append(str(error))
        return None
    how = "区间内给定的分" if given is not None else "取区间上限"
    trial.words.append(f"等级 {row[0]}（{row[2]}—{row[3]} 分），{how}：{_n(score)} 分")
    return score


def _rubric(node: dict[str, Any], tried: Tried, trial: Trial) -> None:
    trial.score = _level(node, tried, trial)


def _checklist(node: dict[str, Any], tried: Tried, trial: Trial) -> None:
    met = [row for row in node["items"] if row[0] in tried.items]
    trial.score = checklist_score(float(row[1]) for row in met)
    parts = " + ".join(row[1] for row in met) or "0"
    trial.words.append(f"已达到 {len(met)} 项：{parts} = {_n(trial.score)} 分")


def _bonus(node: dict[str, Any], tried: Tried, trial: Trial) -> None:
    share = node["points"] if node["points"] is not None else node["weight"]
    maximum = float(share or 0)
    if node["levels"] and tried.level:
        score = _level(node, tried, trial)
        if score is not None:
            trial.points = bonus_from_level(maximum, score)
            trial.words.append(
                f"加分 = {_n(maximum)} × {_n(score)} ÷ 100 = {_n(trial.points)} 分，加在总分之后"
            )
        return
    value = _read(tried.value, trial)
    if value is not None:
        trial.points = bonus_points(value, maximum)
        trial.words.append(f"{_n(value)} 限于 0 到 {_n(maximum)}：加 {_n(trial.points)} 分，加在总分之后")


_TRIERS = {"quantity": _quantity, "rubric": _rubric, "checklist": _checklist, "bonus": _bonus}


def _read(text: str, trial: Trial) -> float | None:
    if not text.strip():
        return None
    number = read_number(half_width(text))
    if number is None or not math.isfinite(number):
        trial.troubles.append(f"“{text.strip()}”不是数字。请只填数字，例如 12.5，不要带单位。")
        return None
    return number


def _n(value: float) -> str:
    return plain(round(value, 4))


def sample_rows(samples: Sequence[tuple[str, float | None]]) -> list[tuple[str, str, float | None]]:
    """The sample values with what each is: one's own first."""
    return [("试算值" if not at else f"样本 {at}", text, score) for at, (text, score) in enumerate(samples)]
