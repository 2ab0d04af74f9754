"""预估: what an answer, or a whole submission, would score as it stands. The same engine as for results."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cities.models import Round
from indicators.models import Indicator
from indicators.queries import FrameworkTree, engine_rules_of
from scoring.engine import Missing, RoundInputs, State, Unreviewed, parse_curve, score_round

_STATES = {"blank": State.BLANK, "value": State.VALUE, "not_applicable": State.NOT_APPLICABLE,
           "unavailable": State.UNAVAILABLE}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """A leaf's estimated score 0–100 (bonus: None) and its points."""

    score: float | None
    points: float


def estimate_leaf(tree: FrameworkTree, indicator: Indicator, value: float | None) -> Estimate | None:
    """The estimate for one value.

    None without a value, where the score depends on the other cities, or for a pilot's draft that cannot be scored yet.
    """
    if value is None or tree.trouble:
        return None
    if indicator.kind == Indicator.Kind.BONUS:
        return Estimate(None, value)
    score = value
    if indicator.kind == Indicator.Kind.QUANTITY:
        if not indicator.curve:
            return None
        score = float(parse_curve(indicator.curve).score(np.array([value]))[0])
    weight = float(tree.engine.global_weight[tree.engine.index[indicator.code]])
    return Estimate(score, score * weight)


def estimate_submission(tree: FrameworkTree, round_: Round, answers: dict[str, Any]) -> dict[str, float]:
    """Estimated scores of a submission alone, by node code with TOTAL; nodes without a score are left out.

    Nothing for a pilot's draft that cannot be scored yet.

    Args:
        answers: leaf code -> Answer.
    """
    if tree.trouble:
        return {}
    engine = tree.engine
    codes = engine.leaf_codes
    values = np.array([[np.nan if answers[code].value is None else answers[code].value for code in codes]])
    states = np.array([[_STATES[answers[code].value_state] for code in codes]], dtype=np.int8)
    rules = replace(
        engine_rules_of(round_.framework), missing=Missing(round_.missing), unreviewed=Unreviewed.STAND
    )
    none = np.empty((0, 1, len(codes)))
    inputs = RoundInputs(
        cities=("",), values=values, states=states, marks=none, accepts_not_applicable=none.astype(bool),
        rulings=np.full((1, len(codes)), np.nan), submitted=np.array([True]),
    )  # fmt: skip
    scores = score_round(engine, rules, inputs).score[0]
    return {
        code: float(score) for code, score in zip(engine.codes, scores, strict=True) if not np.isnan(score)
    }
