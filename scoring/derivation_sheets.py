"""The sheets of the results workbook that explain: 推导, a row per city and node, and 稳健性."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.engine import State
from scoring.explain import Explainer
from scoring.results import Results
from scoring.sensitivity import assumption_lines

#: from so many rows on, 推导 is written only when it is asked for: it would take longer than all the rest
MOST_ROWS = 30_000
#: what a sheet can hold below its heading
LAST_ROW = 1_048_575
DERIVATION_COLUMNS = (
    "城市代码 (city_code)",
    "城市 (city)",
    "编号 (code)",
    "指标 (node)",
    "得分 (score)",
    "算式",
    "说明",
)
ROBUSTNESS_COLUMNS = (
    "假设",
    "平均移动（位）",
    "最多移动（位）",
    "名次改变的城市占比",
    "秩相关",
    "比较的城市",
    "失去名次的城市",
)
_WORDS = [state.word for state in State]


@dataclass(frozen=True, slots=True)
class _Cell:
    state: str
    score: float | None


def derivation_rows(
    results: Results, *, everything: bool | None = None, cities: Collection[str] | None = None
) -> Iterator[list[Any]]:
    """City code, city, node code, node, score, formula, steps in words; None is none.

    Args:
        everything: whether to write all rows; None: when there are at most `MOST_ROWS`. Otherwise one row says where
            the derivations are found.
        cities: the codes of those that are written; None: all.
    """
    gathered = results.gathered
    codes = gathered.tree.codes
    chosen = [
        (place, city, name)
        for place, (city, name) in enumerate(zip(gathered.inputs.cities, gathered.city_names, strict=True))
        if cities is None or city in cities
    ]
    total = len(chosen) * len(codes)
    wanted = total <= MOST_ROWS if everything is None else everything and total <= LAST_ROW
    if not wanted:
        words = f"共 {total} 行，未随本次导出；每个得分在网页上点开即见推导；如需全部，请在导出页面选择“全部推导”。"
        yield [None, None, None, None, None, None, words]
        return
    explainer = Explainer(gathered)
    for place, city, name in chosen:
        scores, states = results.score[place].tolist(), results.state[place].tolist()
        cells = {
            code: _Cell(_WORDS[state], None if np.isnan(score) else score)
            for code, score, state in zip(codes, scores, states, strict=True)
        }
        for code in codes:
            found = explainer.derive(city, code, cells)
            steps = "；".join(f"{label}：{text}" for label, text in found.steps)
            yield [city, name, code, found.name, found.score, found.formula, steps]


def robustness_rows(robustness: dict[str, Any] | None) -> list[list[Any]]:
    """The sensitivity table; one row that says so when nothing is stored."""
    if not robustness:
        return [["这份结果计算时还没有稳健性检验"]]
    return [
        [
            line.words, line.mean_shift, line.max_shift, line.moved, line.spearman, line.compared, line.dropped,
        ]
        for line in assumption_lines(robustness)
    ]  # fmt: skip
