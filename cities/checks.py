"""Soft checks: what deserves an explanation. It passes once the narrative gives one, and the reviewer sees both."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from cities.answers import Problem
from cities.models import Answer, Submission
from cities.previous import Previous, previous_answers
from indicators.models import Indicator
from indicators.queries import FrameworkTree, load_tree
from scoring.engine.curves import Curve, CurveError, parse_curve
from scoring.engine.texts import plain

#: a value this many times the curve's width above its last knot is taken for a slip
FAR = 2
#: on a logarithmic curve: this many times the last knot
FAR_LOG = 100
#: how near to a factor of 10, 100 or 1000 a change must lie to look like a slip of the decimal point
SLIP = 0.05


class Reported(Protocol):
    """An answer, or a version of it."""

    @property
    def value(self) -> float | None: ...

    @property
    def narrative(self) -> str: ...


@dataclass(frozen=True)
class Proposed:
    """What an answer is about to say."""

    value: float | None
    narrative: str


@dataclass(frozen=True)
class Finding:
    """Something unusual about one answer; `kind` is change, slip, zero or range."""

    kind: str
    message: str
    explained: bool

    @property
    def problem(self) -> Problem:
        """As it blocks “ready” while nothing explains it: the form's field is the narrative."""
        return Problem("narrative", self.message)


def soft_findings(indicator: Indicator, answer: Reported, previous: Previous | None) -> tuple[Finding, ...]:
    """What is unusual about a number that was reported; nothing for other kinds of indicators. No queries.

    Args:
        answer: anything with `value` and `narrative`.
        previous: what the city reported the last time, if anything (`cities.previous`).
    """
    if indicator.kind != Indicator.Kind.QUANTITY or answer.value is None:
        return ()
    before = previous.value if previous is not None else None
    found = [("range", _far_outside(indicator, answer.value))]
    if previous is not None and before is not None and math.isfinite(before):
        found = [*_against_last_round(answer.value, before, previous, indicator.unit), *found]
    explained = bool(answer.narrative.strip())
    return tuple(Finding(kind, words, explained) for kind, words in found if words)


def unexplained(findings: tuple[Finding, ...]) -> tuple[Problem, ...]:
    """What keeps an answer from being marked ready."""
    return tuple(one.problem for one in findings if not one.explained)


def soft_findings_of(
    submission: Submission, tree: FrameworkTree | None = None, stored: Iterable[Answer] | None = None
) -> dict[int, tuple[Finding, ...]]:
    """Leaf id -> its findings, only leaves that have any: at most four queries, more without `tree` and `stored`.

    Args:
        stored: the submission's answers, where they have been read already.
    """
    leaves = (tree or load_tree(submission.round.framework)).leaves
    previous = previous_answers(submission, leaves)
    stored = submission.answers.filter(value__isnull=False) if stored is None else stored
    answers = {answer.indicator_id: answer for answer in stored if answer.value is not None}
    found = {
        leaf.pk: soft_findings(leaf, answers[leaf.pk], previous.get(leaf.pk))
        for leaf in leaves
        if leaf.pk in answers
    }
    return {leaf: findings for leaf, findings in found.items() if findings}


def change_percent(now: float, before: float) -> float | None:
    """The change against the last round in per cent of it, without its sign; None where it was 0."""
    return abs(now - before) / abs(before) * 100 if before else None


def _against_last_round(now: float, before: float, previous: Previous, unit: str) -> list[tuple[str, str]]:
    label = previous.year_label
    if now == 0 and before != 0:
        words = f"〔需说明〕本年为 0，{label} {plain(before)} {unit}".rstrip()
        return [("zero", f"{words}。如数据属实，请填写情况说明。")]
    percent = change_percent(now, before)
    if percent is None or percent <= previous.threshold:
        return []
    words = (
        f"〔需说明〕本年 {plain(now)}，{label} {plain(before)}，变化 {_short(percent)}%，超过 {previous.threshold}%。"
        "如数据属实，请填写情况说明。"
    )
    return [("change", words), ("slip", _slip(now, before, label))]


def _slip(now: float, before: float, label: str) -> str:
    ratio = now / before
    for times in (10, 100, 1000):
        for factor, size in ((ratio / times, f"{times} 倍"), (ratio * times, f"{times} 分之一")):
            if abs(factor - 1) <= SLIP:
                return f"〔需说明〕本年约为{label}的 {size}，请核对小数点和计量单位。"
    return ""


def _far_outside(indicator: Indicator, value: float) -> str:
    curve = _curve(indicator)
    if curve is None:
        return ""
    low, high = curve.knots[0][0], curve.knots[-1][0]
    far_above = value > (high * FAR_LOG if curve.log else high + FAR * (high - low))
    far_below = value < 0 <= low or (not curve.log and value < low - FAR * (high - low))
    if not (far_above or far_below):
        return ""
    return (
        f"〔需说明〕{plain(value)} 远超出评分曲线的范围（{plain(low)} 至 {plain(high)} {indicator.unit}".rstrip()
        + "），请核对小数点和计量单位。如数据属实，请填写情况说明。"
    )


def _curve(indicator: Indicator) -> Curve | None:
    across = indicator.normalise not in ("", "curve")
    if across or not indicator.curve:
        return None
    try:
        return parse_curve(indicator.curve)
    except CurveError:  # a pilot's draft
        return None


def _short(percent: float) -> str:
    return plain(round(percent, 1))


def listed(
    findings: Mapping[int, tuple[Finding, ...]], tree: FrameworkTree
) -> list[tuple[Indicator, Finding]]:
    """All findings in the framework's order, one line each, as check pages print them."""
    return [(leaf, one) for leaf in tree.leaves for one in findings.get(leaf.pk, ())]
